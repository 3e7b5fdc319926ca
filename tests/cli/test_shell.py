from __future__ import annotations

import shlex
import stat
import sys
from typing import TYPE_CHECKING

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from tests.cli.projects import DOMAIN, Project, label_of
from tests.service.running import thread
from tests.tables import each_row
from voiceid_optout.cli import shell
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.main import main
from voiceid_optout.cli.shell import variables
from voiceid_optout.voiceid.place import EXPORTED

if TYPE_CHECKING:
    from pathlib import Path


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
        "PULUMI_PYTHON_CMD": sys.executable,
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
        "PULUMI_CONFIG_PASSPHRASE AWS_ENDPOINT_URL_VOICE_ID AWS_SHARED_CREDENTIALS_FILE AWS_REGION "
        "PULUMI_PYTHON_CMD\n"
    )


def completed(*arguments: str, incomplete: str = "") -> list[tuple[str, str | None]]:
    found = ShellComplete(main, {}, "optout", "_OPTOUT_COMPLETE").get_completions(list(arguments), incomplete)
    return [(item.value, item.help) for item in found]


@each_row(
    ("shell", "words"),
    [
        ("bash", "complete -o nosort -F"),
        ("zsh", "#compdef optout"),
        ("fish", "complete --no-files --command optout"),
    ],
)
def test_each_shell_has_its_script(shell: str, words: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert words in result.stdout
    assert f"_OPTOUT_COMPLETE={shell}_complete" in result.stdout
    unnamed = CliRunner().invoke(main, ["completion"], env={"SHELL": f"/usr/bin/{shell}"})
    assert unnamed.stdout == result.stdout


def test_an_unknown_shell_is_asked_for() -> None:
    result = CliRunner().invoke(main, ["completion"], env={"SHELL": "/bin/csh"})
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr == "error: say for which shell: bash, zsh, fish\n"


def test_commands_and_stacks_are_completed(project: Project) -> None:
    project.configure(stack="production")
    assert [value for value, _ in completed(incomplete="pre")] == ["preview"]
    arguments = ["up", "--cwd", str(project.root), "--stack"]
    assert completed(*arguments) == [("production", None), ("test", None)]
    assert completed(*arguments, incomplete="p") == [("production", None)]


def test_labels_are_completed_with_their_lines_and_no_identifier(project: Project) -> None:
    (project.root / "config" / "caller-00001.yaml").write_text("speakers: [caller-00001]\n", encoding="utf-8")
    arguments = ["up", "--cwd", str(project.root), "--stack", "test", "--target"]
    found = completed(*arguments)
    assert found == [
        (label_of(DOMAIN, "caller-00001"), "config/….yaml:1"),
        (label_of(DOMAIN, "caller-1"), "config/people.yaml:3"),
        (label_of(DOMAIN, "caller-2"), "config/people.yaml:4"),
    ]
    label = found[1][0]
    assert completed(*arguments, incomplete=label[:8]) == [found[1]]


def test_where_something_is_wrong_no_label_is_completed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert completed("up", "--cwd", str(tmp_path), "--target") == []
    monkeypatch.setattr(shell, "MOST_BYTES", 10)
    assert completed("up", "--cwd", str(project.root), "--stack", "test", "--target") == []
