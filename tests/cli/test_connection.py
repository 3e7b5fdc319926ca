"""The stack file's ``aws:`` config on its way through commands."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cli.projects import DOMAIN, PASSPHRASE, SALT, Project
from tests.service.running import Service, thread
from tests.voiceid.aws_server import Aws, served
from voiceid_optout.cli import connection
from voiceid_optout.cli.connection import environment_for, make_private, running_service, serve_arguments
from voiceid_optout.cli.doctor import examine
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.service.data_folder import announced, find, held
from voiceid_optout.service.settings import AccessSettings
from voiceid_optout.state import passphrase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sandbox(project: Project) -> Project:
    project.configure(service="embedded", domain="sandbox", domains={"sandbox": DOMAIN})
    return project


def test_other_stacks_get_no_service(project: Project) -> None:
    with environment_for(project.context()) as environment:
        assert environment == {
            "AWS_REGION": "us-east-1",
            "OPTOUT_AWS_CONFIG": "{}",
            "OPTOUT_STACK_CONFIG": '{"region": "us-east-1"}',
        }
    assert not (project.root / ".optout").exists()


def test_a_service_that_is_not_installed_is_not_started(sandbox: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.setitem(sys.modules, "alembic", None)
    with pytest.raises(CommandError) as caught, running_service(sandbox.context()):
        raise AssertionError
    assert str(caught.value) == (
        "the service needs alembic, uvicorn, which are not installed; run: pip install 'voiceid-optout[service]'"
    )
    assert caught.value.code is ExitCode.USAGE


def test_a_service_runs_for_the_time_of_the_command(sandbox: Project) -> None:
    context = sandbox.context()
    with environment_for(context) as environment:
        running = find(context.service_folder)
        assert running is not None
        service = Service(running, context.service_folder)
        assert environment == {
            "OPTOUT_AWS_CONFIG": "{}",
            "OPTOUT_STACK_CONFIG": '{"service": "embedded"}',
            "OPTOUT_ENV_FOR": "voiceid-optout/test",
            "AWS_ENDPOINT_URL_VOICE_ID": running.url,
            "AWS_SHARED_CREDENTIALS_FILE": str(context.service_folder / "credentials"),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PROFILE": "default",
            "AWS_ACCESS_KEY_ID": service.keys()[0],
            "AWS_SECRET_ACCESS_KEY": service.keys()[1],
            "AWS_SESSION_TOKEN": "",
            "PULUMI_CONFIG_PASSPHRASE": "local",
        }
        domain = service.client().describe_domain(DomainId=DOMAIN)["Domain"]
        assert (domain["Name"], domain["DomainStatus"]) == ("sandbox", "ACTIVE")
        assert os.getpgid(running.pid) != os.getpgid(0), "Ctrl-C would end it before the command"
    assert find(context.service_folder) is None
    assert stat.S_IMODE(context.data_folder.stat().st_mode) == 0o700


def test_a_service_that_runs_already_is_used_and_left_alone(sandbox: Project) -> None:
    context = sandbox.context()
    with thread(context.service_folder) as there:
        with running_service(context) as running:
            assert running == there.running
        assert find(context.service_folder) == there.running


def test_a_service_that_cannot_start_says_why(sandbox: Project) -> None:
    sandbox.configure(service="embedded", domain="no domain id")
    with (
        pytest.raises(CommandError, match="the sandbox's service did not start: The domain 'no domain id'"),
        environment_for(sandbox.context()),
    ):
        raise AssertionError


def test_a_service_that_somebody_else_starts_is_awaited(sandbox: Project) -> None:
    """Two commands at once: the one whose service comes second uses the first one's."""
    context = sandbox.context()
    make_private(context.data_folder)
    make_private(context.service_folder)
    holds, done = threading.Event(), threading.Event()
    endpoint: dict[str, str | int] = {"url": "http://127.0.0.1:1", "pid": os.getpid(), "region": "us-east-1"}

    def other() -> None:
        with held(context.service_folder):
            holds.set()
            done.wait(1)  # time for ours to find the data taken, and to end
            with announced(context.service_folder, endpoint):
                done.wait()

    starter = threading.Thread(target=other)
    starter.start()
    try:
        assert holds.wait(600)
        with running_service(context) as running:
            assert (running.url, running.pid) == ("http://127.0.0.1:1", os.getpid())
    finally:
        done.set()
        starter.join(600)


def test_a_service_that_never_listens_is_given_up(sandbox: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceid_optout.cli.connection._TIMEOUT_SECONDS", 0.0)
    with (
        pytest.raises(CommandError, match="did not start within 0 s; try `optout serve`"),
        running_service(sandbox.context()),
    ):
        raise AssertionError


def test_the_service_ends_when_the_command_is_killed(sandbox: Project) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from voiceid_optout.cli.context import find\n"
        "from voiceid_optout.cli.connection import environment_for\n"
        "with environment_for(find(Path(sys.argv[1]), 'test')):\n"
        "    print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(sandbox.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        running = find(sandbox.context().service_folder)
        process.kill()
    assert running is not None
    for _ in range(1000):
        if find(sandbox.context().service_folder) is None:
            return
        threading.Event().wait(0.01)
    raise AssertionError("the service outlived the command")


def test_the_service_gets_every_domain_of_the_stack(project: Project) -> None:
    project.configure(domain="D" * 22, domains={"a": "A" * 22, "b": "B" * 22}, region="eu-central-1")
    context = project.context()
    assert serve_arguments(context) == [
        *["--data", str(context.service_folder), "--port", "0", "--quotas", "none"],
        *["--domain", f"{'A' * 22}=a", "--domain", f"{'B' * 22}=b", "--domain", f"{'D' * 22}=default"],
        *["--region", "eu-central-1"],
    ]
    project.configure()
    bare = ["--data", str(context.service_folder), "--port", "0", "--quotas", "none"]
    assert serve_arguments(project.context()) == bare


def test_folders_are_private_and_made_once(tmp_path: Path) -> None:
    make_private(tmp_path / "a")
    make_private(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_git_ignores_the_project_s_data_in_a_repository_of_anybody_s_own(project: Project) -> None:
    context = project.context()
    make_private(context.data_folder)
    assert (context.data_folder / ".gitignore").read_text(encoding="ascii") == "*\n"
    make_private(context.data_folder / "state")
    assert not (context.data_folder / "state" / ".gitignore").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(CommandError, match=r"cannot make .*/a/b: Not a directory"):
        make_private(tmp_path / "a" / "b")
    with pytest.raises(CommandError, match=r"cannot make .*/a: File exists"):
        make_private(tmp_path / "a")


def test_a_service_without_a_key_of_its_own_says_so(sandbox: Project) -> None:
    context = sandbox.context()
    make_private(context.data_folder)
    with (
        thread(context.service_folder, access=AccessSettings(first_key=False)),
        pytest.raises(CommandError, match="start it without --no-first-key"),
        environment_for(context),
    ):
        pass


ARN = "arn:aws:iam::111122223333:role/optouts"


@pytest.fixture
def sts() -> Iterator[Aws]:
    with served() as running:
        yield running


def configure(project: Project, *removed: str, **config: Any) -> None:
    """Add to the stack file, by full keys with two underscores for the colon."""
    path = project.root / "Pulumi.test.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"].update({key.replace("__", ":"): value for key, value in config.items()})
    for key in removed:
        document["config"].pop(key)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def passed_on(project: Project, **shell: str) -> dict[str, str]:
    return connection.aws_environment(project.context(**shell))


def test_todays_file_is_passed_on_as_text(project: Project) -> None:
    configure(project, aws__profile="main", aws__assumeRoles=[{"roleArn": ARN}], aws__skipRegionValidation=True)
    assert json.loads(passed_on(project)["OPTOUT_AWS_CONFIG"]) == {
        "profile": "main",
        "assumeRoles": f'[{{"roleArn":"{ARN}"}}]',
    }
    assert passed_on(project)["AWS_REGION"] == "us-east-1"


def test_a_file_without_any_is_passed_on_too(project: Project) -> None:
    """What the state remembers of an earlier one is not to be used."""
    assert passed_on(project)["OPTOUT_AWS_CONFIG"] == "{}"


def test_region_and_endpoint_of_the_provider_stand_in_for_the_projects(project: Project) -> None:
    endpoints = [{"voiceid": "http://127.0.0.1:7"}]
    configure(project, "voiceid-optout:region", aws__region="eu-west-2", aws__endpoints=endpoints)
    found = passed_on(project)
    assert (found["AWS_REGION"], found["AWS_ENDPOINT_URL_VOICE_ID"]) == ("eu-west-2", "http://127.0.0.1:7")
    shell = {"AWS_DEFAULT_REGION": "us-west-2", "AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:8"}
    assert passed_on(project, **shell).keys() == {"OPTOUT_AWS_CONFIG", "OPTOUT_STACK_CONFIG"}


def test_what_the_shell_says_stays(project: Project) -> None:
    configure(project, aws__profile="main")
    assert "OPTOUT_AWS_CONFIG" not in passed_on(project, OPTOUT_AWS_CONFIG='{"profile": "mine"}')


def test_a_secret_is_opened_with_the_passphrase(project: Project) -> None:
    sealed = passphrase.open_with(PASSPHRASE, SALT).encrypt("a secret key")
    configure(project, aws__accessKey="AKID", aws__secretKey={"secure": sealed})
    with pytest.raises(CommandError, match="no encryptionsalt"):
        passed_on(project)
    project.salt()
    assert json.loads(passed_on(project)["OPTOUT_AWS_CONFIG"]) == {"accessKey": "AKID", "secretKey": "a secret key"}


def test_a_fault_is_one_line_before_anything_is_started(project: Project) -> None:
    configure(project, aws__assumeRoles=[{"roleArn": "planted"}])
    result = project.run("up", "--yes", PULUMI_STACK="test")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr == "error: aws:assumeRoles[0].roleArn is not the ARN of a role\n"


def test_a_run_calls_as_the_role_and_a_changed_file_counts_at_once(
    live: Project, service: Service, sts: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run reads with the first one's config, which the state has; its profile is gone by then."""
    access_key, secret = service.keys()
    files = tmp_path / "credentials"
    files.write_text(f"[first]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(files))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    configure(live, aws__profile="first")
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    files.write_text(files.read_text().replace("first", "second"))
    configure(live, aws__profile="second")
    for command in (["up", "--yes"], ["refresh"]):
        result = live.run(*command)
        assert result.exit_code == ExitCode.DONE, result.output
    configure(live, aws__assumeRoles=[{"roleArn": ARN}], aws__endpoints=[{"sts": sts.url}])
    sts.refusal = "AccessDenied"
    result = live.run("drift")
    assert result.exit_code == ExitCode.FAILED
    assert f"STS denies the role {ARN} of aws:assumeRoles" in result.stderr
    assert "Traceback" not in result.output
    assert "planted" not in result.output


def test_a_secret_key_of_the_stack_calls_and_is_nowhere_in_clear(
    live: Project, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    access_key, secret = service.keys()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    sealed = passphrase.open_with(PASSPHRASE, SALT).encrypt(secret)
    configure(live, aws__accessKey=access_key, aws__secretKey={"secure": sealed})
    live.salt()
    for command in (["up", "--yes", "--event-log", str(live.root / "events.json")], ["doctor"]):
        result = live.run(*command)
        assert result.exit_code == ExitCode.DONE, result.output
        assert secret not in result.output
    written = [path for path in live.root.rglob("*") if path.is_file()]
    assert any(path.name == "test.json" for path in written)
    assert [path for path in written if secret.encode() in path.read_bytes()] == []


def test_the_sandbox_asks_its_own_service_whatever_the_file_says(project: Project) -> None:
    project.configure(service="embedded", domain="sandbox", domains={"sandbox": "UcUuCPFOsAjzg9xoByUatN"})
    configure(project, aws__profile="nobody", aws__assumeRoles=[{"roleArn": ARN}])
    result = project.run("up", "--yes", PULUMI_STACK="test")
    assert result.exit_code == ExitCode.DONE, result.output


def test_doctor_names_where_things_come_from_and_no_secret(
    live: Project, service: Service, sts: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "credentials"
    files.write_text("[main]\naws_access_key_id = AKIDPLANTED\naws_secret_access_key = planted\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(files))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    role = {"roleArn": ARN, "externalId": "planted"}
    configure(live, aws__profile="main", aws__assumeRoles=[role], aws__endpoints=[{"sts": sts.url}])
    sts.refusal = "AccessDenied"
    found = {finding.subject: finding for finding in examine(live.context(PATH=""))}
    assert found["settings"].text == (
        "region us-east-1 from voiceid-optout:region, endpoint from voiceid-optout:endpoint"
    )
    assert found["credentials"].text == (
        f"profile 'main' (aws:profile), the shared credentials file, then role {ARN} (aws:assumeRoles)"
    )
    assert found["endpoint"].verdict == "fail"
    assert found["endpoint"].text.startswith("STS denies the role")
    assert not any("planted" in finding.text.lower() for finding in found.values())


def test_doctor_says_that_there_are_no_credentials(live: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found = {finding.subject: finding for finding in examine(live.context(PATH=""))}
    assert found["credentials"].verdict == "fail"
    assert "no usable AWS credentials" in found["credentials"].text
