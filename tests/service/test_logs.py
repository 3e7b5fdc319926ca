"""Log lines: their form, and that no person appears in any of them."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.calls import call, send
from tests.service.http.test_app import opt_out
from tests.service.running import child, thread
from voiceid_optout.service import logs
from voiceid_optout.service.settings import AdminSettings

PERSON = "caller-private"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    names = (logs.ROOT, "uvicorn.error")
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
    assert json.loads(logs.JsonLines().format(record(request_id="r", status=500))) == {
        "time": "2026-01-02T03:04:05.678+00:00",
        "level": "error",
        "message": "It failed.",
        "request_id": "r",
        "status": 500,
    }


def test_text() -> None:
    line = logs.TextLines().format(record(operation="OptOutSpeaker", key="OPTOA"))
    assert line == "2026-01-02T03:04:05Z error It failed. operation=OptOutSpeaker key=OPTOA"


@pytest.mark.parametrize("form", [logs.JsonLines(), logs.TextLines()])
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
    logs.configure(None)
    assert logging.getLogger(logs.ROOT).handlers == []


def test_text_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text")
    logging.getLogger("voiceid_optout.service.access").info("Something.")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    written = capsys.readouterr().err.splitlines()
    assert [line.split(" ", 1)[1] for line in written] == [
        "info Something.",
        "warning Invalid HTTP request received.",
    ]
