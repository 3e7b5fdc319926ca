"""Log lines: for people as text, for machines one JSON object each. No line carries a person's identifier."""

import datetime as dt
import json
import logging
import sys

ROOT = "voiceid_optout.service"
ACCESS = "voiceid_optout.service.access_log"
_EXTRA = (
    "request_id",
    "operation",
    "outcome",
    "status",
    "milliseconds",
    "key",
    "sink",
    "error",
    "url",
    "admin_url",
)


class JsonLines(logging.Formatter):
    """One object a line: ``time``, ``level``, ``message``, and what the line is about."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _EXTRA if hasattr(record, name)}
        # Not the traceback's values or texts, which may quote a request.
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


class TextLines(logging.Formatter):
    """The same for people: time, level, message, and the rest as ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        rest = [f"{name}={getattr(record, name)}" for name in _EXTRA if hasattr(record, name)]
        return " ".join([moment, record.levelname.lower(), record.getMessage(), *rest])


def configure(form: str | None) -> None:
    """Send the service's lines to standard error, as ``json`` or ``text``; None leaves warnings and errors alone.

    In a terminal the command itself says what goes on; a line of log for every step would only be in the way.
    """
    if form is None:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    for name in (ROOT, "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
    logging.getLogger(ROOT).setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
