"""Running the service as this process: its event loop, its signals, its standard input and its log lines."""

import asyncio
import datetime as dt
import gc
import json
import logging
import os
import signal
import sys
import threading

from voiceid_optout.service.data_folder import Running
from voiceid_optout.service.server import OnReady, serve
from voiceid_optout.service.settings import Settings

# How long the event loop may keep the database's thread from going on, and the other way round. At Python's 5 ms a
# commit that is through waits longer for its turn than it took.
_SWITCH_SECONDS = 0.0005

ROOT = "voiceid_optout.service"
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


def run(settings: Settings, on_ready: OnReady, *, stop_with_stdin: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, or until standard input closes if asked; raises StartError.

    SIGHUP makes the service read its certificate anew.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    os.umask(0o077)  # all that the service writes is for its owner alone
    with asyncio.Runner(loop_factory=_fastest_loop) as runner:
        runner.run(_serve(settings, on_ready, stop_with_stdin=stop_with_stdin))


async def _serve(settings: Settings, on_ready: OnReady, *, stop_with_stdin: bool) -> None:
    loop, stop, renew = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, renew.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if stop_with_stdin:
        # A thread, because standard input may be a file or a device that no event loop can watch.
        threading.Thread(target=_watch_stdin, args=(loop, stop), name="voiceid-stdin", daemon=True).start()

    def ready(running: Running) -> None:
        # What the start has made stays for good; looking through it again and again would hold up requests.
        gc.freeze()
        on_ready(running)

    await serve(settings, stop, ready, renew)


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def _fastest_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415  only where the platform has it
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


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
