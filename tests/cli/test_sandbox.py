import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.projects import DOMAIN, Project
from tests.service.running import Service, thread
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.sandbox import environment_for, make_private, running_service, serve_arguments
from voiceid_optout.service.data_folder import announced, find, held
from voiceid_optout.service.settings import AccessSettings


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
    monkeypatch.setattr("voiceid_optout.cli.sandbox._TIMEOUT_SECONDS", 0.0)
    with (
        pytest.raises(CommandError, match="did not start within 0 s; try `optout serve`"),
        running_service(sandbox.context()),
    ):
        raise AssertionError


def test_the_service_ends_when_the_command_is_killed(sandbox: Project) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from voiceid_optout.cli.context import find\n"
        "from voiceid_optout.cli.sandbox import environment_for\n"
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
