import shlex
import stat

import pytest

from tests.cli.projects import DOMAIN, Project
from tests.service.running import thread
from voiceid_optout.cli.env import variables
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.voiceid.place import EXPORTED


def exports(text: str) -> dict[str, str]:
    """Return what a shell makes of the lines."""
    words = [shlex.split(line) for line in text.splitlines()]
    assert all(len(line) == 2 and line[0] == "export" for line in words)
    return dict(line[1].split("=", 1) for line in words)


def test_the_raw_cli_learns_stack_backend_and_endpoint(project: Project) -> None:
    project.configure(endpoint="http://127.0.0.1:1", region="eu-central-1", domain=DOMAIN)
    result = project.run("env", "--stack", "acme/voiceid-optout/test")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert exports(result.stdout) == {
        "OPTOUT_ENV_FOR": "voiceid-optout/test",
        "PULUMI_STACK": "test",
        "PULUMI_BACKEND_URL": f"file://{project.root.resolve()}/.optout/state".replace(" ", "%20"),
        "AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:1",
        "AWS_REGION": "eu-central-1",
    }


def test_the_state_s_folder_is_made_and_private(project: Project) -> None:
    variables(project.context())
    for folder in (project.root / ".optout", project.state_folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_another_state_folder_is_made_too(project: Project) -> None:
    elsewhere = project.root / "elsewhere" / "state"
    found = variables(project.context(PULUMI_BACKEND_URL=f"file://{elsewhere}"))
    assert found["PULUMI_BACKEND_URL"] == elsewhere.as_uri()
    assert elsewhere.is_dir()


def test_a_sandbox_must_run_and_the_line_to_start_it_is_given(project: Project) -> None:
    project.configure(service="embedded", domains={"sandbox": DOMAIN})
    with pytest.raises(CommandError) as caught:
        variables(project.context())
    text, line = str(caught.value).split("\n")
    assert text == "the sandbox's service is not running; start it in another terminal:"
    folder = project.root.resolve() / ".optout" / "service"
    assert shlex.split(line) == [
        *["optout", "serve", "--data", str(folder), "--port", "0", "--quotas", "none"],
        *["--domain", f"{DOMAIN}=sandbox"],
    ]
    result = project.run("env", "--stack", "test")
    assert (result.exit_code, result.stdout) == (ExitCode.FAILED, "")


def test_a_running_sandbox_is_all_that_aws_and_pulumi_need(project: Project) -> None:
    project.configure(service="embedded", domain=DOMAIN)
    context = project.context()
    with thread(context.service_folder) as service:
        found = exports(project.run("env", "--stack", "test").stdout)
    assert found["AWS_ENDPOINT_URL_VOICE_ID"] == service.url
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"]) == service.keys()
    assert found["PULUMI_CONFIG_PASSPHRASE"] == "local"
    assert set(found) <= set(EXPORTED), "what `unset` must name"


def test_exports_are_good_for_their_stack_alone(project: Project) -> None:
    project.configure(endpoint="http://127.0.0.1:1", region="eu-central-1")
    project.configure("other", region="eu-central-1")
    found = exports(project.run("env", "--stack", "test").stdout)
    assert project.run("env", "--stack", "test", **found).exit_code == ExitCode.DONE
    result = project.run("env", "--stack", "other", **found)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr == (
        "error: this shell has the variables that `optout env` printed for voiceid-optout/test, and this is "
        "voiceid-optout/other: use another shell, or first: unset OPTOUT_ENV_FOR PULUMI_STACK PULUMI_BACKEND_URL "
        "PULUMI_CONFIG_PASSPHRASE AWS_ENDPOINT_URL_VOICE_ID AWS_SHARED_CREDENTIALS_FILE AWS_REGION\n"
    )
