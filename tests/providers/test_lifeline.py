"""The plugin ends when its engine is gone, whichever way it was started."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.providers.fixtures import stack_config
from tests.providers.process import COMMAND, PATIENCE, ROOT, connected, environment
from tests.voiceid.scripted import DOMAIN
from voiceid_optout.providers import lifeline

# An engine that starts a plugin, tells its process id, hands on its port, and stays.
ENGINE = """
import subprocess, sys, time
plugin = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
print(plugin.pid, plugin.stdout.readline().decode(), sep=" ", end="", flush=True)
time.sleep(600)
"""


@contextmanager
def engine(*plugin: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run an engine with a configured plugin; gives the engine and the plugin's process id."""
    with subprocess.Popen(
        [sys.executable, "-c", ENGINE, *plugin], cwd=ROOT, env=environment(), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        pid, port = map(int, process.stdout.readline().split())
        client, channel = connected(port)
        try:
            client.configure(stack_config("http://127.0.0.1:1"))
            client.check({"domain_id": DOMAIN, "speaker_id": "caller-1"})
            yield process, pid
        finally:
            channel.close()
            process.kill()
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def ends(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux
def test_it_ends_with_a_killed_parent() -> None:
    with engine(*COMMAND) as (parent, plugin):
        assert is_alive(plugin)
        parent.kill()
        assert ends(plugin)


@linux
def test_it_ends_with_its_engine_when_a_shell_stands_between() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with engine(*COMMAND, address) as (parent, plugin):
            line, _ = listener.accept()
            assert is_alive(plugin)
            listener.close()
            line.close()
            assert ends(plugin)
            assert parent.poll() is None


def test_an_engine_that_hangs_up_but_lives_is_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a gRPC server does with a connection that never speaks."""
    monkeypatch.setattr(lifeline, "INTERVAL", 0.05)
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()[:2]
        watch = threading.Thread(target=lifeline._watch, args=(os.getppid(), address))
        watch.start()
        for _ in range(2):
            line, _ = listener.accept()
            line.close()
        line, _ = listener.accept()
        line.sendall(b"settings")
        assert ended == []
        listener.close()
        line.close()
        watch.join(PATIENCE)
    assert ended == [1]


def test_a_new_parent_ends_it_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifeline, "INTERVAL", 0.01)
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    parents = iter([7, 7, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    lifeline._watch(7, None)
    assert ended == [1]


def test_an_address_where_nobody_ever_listened_counts_for_nothing(closed_port: str) -> None:
    host, _, port = closed_port.removeprefix("http://").partition(":")
    assert lifeline._connect((host, int(port))) is None


def test_a_connection_is_quiet_until_the_other_side_ends_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.01)
        assert lifeline._is_quiet(ours)
        theirs.sendall(b"settings")
        assert lifeline._is_quiet(ours)
        theirs.close()
        assert not lifeline._is_quiet(ours)
    assert not lifeline._is_quiet(ours)


def test_it_is_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifeline, "_started", threading.Lock())
    started: list[object] = []
    monkeypatch.setattr(lifeline, "_watch", lambda *what: started.append(what))
    monkeypatch.setattr(sys, "argv", ["plugin", "127.0.0.1:50051"])
    lifeline.hold()
    lifeline.hold()
    for thread in threading.enumerate():
        if thread.name == "lifeline":
            thread.join()
    assert started == [(os.getppid(), ("127.0.0.1", 50051))]


@pytest.mark.parametrize(
    ("argument", "address"),
    [("127.0.0.1:50051", ("127.0.0.1", 50051)), ("__main__.py", None), (":1", None), ("host:", None)],
)
def test_the_engines_address(argument: str, address: tuple[str, int] | None) -> None:
    assert lifeline.engine_address(["plugin", argument]) == address
