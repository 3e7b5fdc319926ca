"""The service as a process of its own, and what it logs."""

import json
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.calls import call, send
from tests.service.http.test_app import opt_out
from tests.service.running import START, TIMEOUT, Service, child, thread
from tests.tables import each_row
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.service import process
from voiceid_optout.service.data_folder import find
from voiceid_optout.service.settings import AdminSettings


def run(*options: Any) -> Any:
    return subprocess.run([*START, *options], capture_output=True, text=True, timeout=TIMEOUT, check=False)


def test_the_ready_line_teaches_how_to_point_a_client(tmp_path: Path) -> None:
    command = [*START, "--data", str(tmp_path), "--port", "0", "--region", "eu-west-2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(5)]
        running = find(tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == ExitCode.DONE
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
        assert process.wait(TIMEOUT) == ExitCode.DONE
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


@each_row("options", [["--port", "70000"], ["--port", "x"], ["--nothing"]])
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


PERSON = "caller-private"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    names = (process.ROOT, "uvicorn.error")
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    yield
    for logger, level in before:
        logger.handlers, logger.propagate = [], True
        logger.setLevel(level)


def record(**extra: object) -> logging.LogRecord:
    made = logging.LogRecord("voiceid_optout.service", logging.ERROR, __file__, 1, "%s failed.", ("It",), None)
    made.__dict__.update(extra, created=1767323045.678)
    return made


def test_json() -> None:
    assert json.loads(process.JsonLines().format(record(request_id="r", status=500))) == {
        "time": "2026-01-02T03:04:05.678+00:00",
        "level": "error",
        "message": "It failed.",
        "request_id": "r",
        "status": 500,
    }


def test_text() -> None:
    line = process.TextLines().format(record(operation="OptOutSpeaker", key="OPTOA"))
    assert line == "2026-01-02T03:04:05Z error It failed. operation=OptOutSpeaker key=OPTOA"


@pytest.mark.parametrize("form", [process.JsonLines(), process.TextLines()])
def test_an_exception_gives_its_type_and_not_its_text(form: logging.Formatter) -> None:
    try:
        int(PERSON)
    except ValueError:
        made = record(exc_info=sys.exc_info())
    assert PERSON not in form.format(made)


def test_a_service_logs_its_life_and_every_request_but_no_person(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with child(tmp_path, "--log-format", "json", "--access-log") as service:
        domain = service.new_domain()
        answer = call(service, "OptOutSpeaker", opt_out(domain, PERSON))
        call(service, "OptOutSpeaker", opt_out(domain, f"{PERSON} with a space"))
        send(service, {"X-Amz-Target": "VoiceID.OptOutSpeaker"}, opt_out(domain, PERSON))
        keys = service.keys()
    text = capfd.readouterr().err
    lines = [json.loads(line) for line in text.splitlines()]
    assert PERSON not in text
    assert keys[1] not in text
    messages = [line["message"] for line in lines]
    assert messages[0] == "The service is ready."
    assert (lines[0]["url"], lines[0]["admin_url"]) == (service.url, service.admin_url)
    assert messages[-1] == "The service has stopped."
    requests = [line for line in lines if "request_id" in line]
    assert [(line["operation"], line["outcome"], line["key"]) for line in requests] == [
        ("OptOutSpeaker", "ok", keys[0]),
        ("OptOutSpeaker", "ValidationException", keys[0]),
        ("OptOutSpeaker", "MissingAuthenticationTokenException", ""),
    ]
    assert requests[0]["request_id"] == answer.headers["x-amzn-requestid"]
    assert 0 < requests[0]["milliseconds"] < 10_000


def test_a_fault_is_logged_with_its_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError(PERSON)

    with thread(tmp_path, admin=AdminSettings(port=0, hooks=True)) as service:
        domain = service.new_domain()
        monkeypatch.setattr("voiceid_optout.service.http.app.OutputFilter.result", broken)
        answer = call(service, "OptOutSpeaker", opt_out(domain, PERSON))
    assert answer.status == 500
    about = {getattr(line, "request_id", None) for line in caplog.records if line.levelno == logging.ERROR}
    assert answer.headers["x-amzn-requestid"] in about
    assert PERSON not in caplog.text


def test_unset_it_leaves_logging_alone() -> None:
    process.configure(None)
    assert logging.getLogger(process.ROOT).handlers == []


def test_text_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    process.configure("text")
    logging.getLogger("voiceid_optout.service.access").info("Something.")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    written = capsys.readouterr().err.splitlines()
    assert [line.split(" ", 1)[1] for line in written] == [
        "info Something.",
        "warning Invalid HTTP request received.",
    ]
