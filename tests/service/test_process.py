"""``optout serve`` as a real process: what it prints, how it ends, and what it leaves behind."""

import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.service.calls import call
from tests.service.http.test_app import opt_out
from tests.service.running import PATIENCE, START, Service, child
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.service.running import find


def run(*options: Any) -> Any:
    return subprocess.run([*START, *options], capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_ready_line_teaches_how_to_point_a_client(tmp_path: Path) -> None:
    command = [*START, "--data", str(tmp_path), "--port", "0", "--region", "eu-west-2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(5)]
        running = find(tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == ExitCode.DONE
    assert running is not None
    assert lines[0].startswith(f"Ready at {running.url} ")
    assert str(tmp_path) in lines[0]
    assert f"  export AWS_ENDPOINT_URL_VOICE_ID={running.url}\n" in lines
    assert f"  export AWS_SHARED_CREDENTIALS_FILE={tmp_path / 'credentials'}\n" in lines
    assert "  export AWS_REGION=eu-west-2\n" in lines
    assert running.admin_url is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_in_silence(tmp_path: Path, number: int) -> None:
    command = [*START, "--data", str(tmp_path), "--port", "0", "--stop-with-stdin"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(PATIENCE) == ExitCode.DONE
        assert process.stderr.read() == b""
    assert not (tmp_path / "endpoint.json").exists()
    assert not (tmp_path / "voiceid.db-wal").exists()


def test_closing_standard_input_ends_it_in_silence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with child(tmp_path) as service:
        domain = service.new_domain()
        for name in ("caller-secret", "caller secret"):
            call(service, "OptOutSpeaker", opt_out(domain, name))
        client = service.client()  # keeps its connection open, which must not hold up the end
        client.describe_domain(DomainId=domain)
    assert service.process is not None
    assert service.process.returncode == ExitCode.DONE
    assert capfd.readouterr().err == ""
    assert find(tmp_path) is None


def test_all_files_are_for_the_owner_alone(process: Service) -> None:
    process.new_domain()
    assert process.data.stat().st_mode & 0o777 == 0o700
    assert {entry.stat().st_mode & 0o077 for entry in process.data.iterdir()} == {0}


def test_a_second_service_on_the_same_data(process: Service) -> None:
    second = run("--data", str(process.data), "--port", "0")
    assert second.returncode == ExitCode.LOCKED
    assert second.stderr.startswith("optout serve: Another service is using ")
    assert second.stdout == ""


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run("--data", str(tmp_path), "--port", str(port))
    assert refused.returncode == ExitCode.FAILED
    assert refused.stderr.startswith(f"optout serve: Cannot listen on 127.0.0.1 port {port}: ")
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("options", [["--port", "70000"], ["--port", "x"], ["--nothing"]])
def test_wrong_usage(options: Any) -> None:
    assert run(*options).returncode == ExitCode.USAGE


def test_the_help_teaches_with_an_example_and_imports_no_server() -> None:
    program = (
        "import sys, click.testing\n"
        "from voiceid_optout.cli.serve import command\n"
        "print(click.testing.CliRunner().invoke(command, ['--help']).output)\n"
        "print(sorted({'starlette', 'uvicorn', 'sqlalchemy'} & set(sys.modules)))\n"
    )
    shown = subprocess.run([START[0], "-c", program], capture_output=True, text=True, check=True).stdout
    assert "aws voice-id opt-out-speaker" in shown
    assert "--stop-with-stdin" in shown
    assert shown.splitlines()[-1] == "[]"
