import socket
from pathlib import Path

import pytest

from tests.service.running import thread
from voiceid_optout.service.notify import notify


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    channel.bind(str(tmp_path / "notify"))
    channel.settimeout(10)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    return channel


def test_systemd_hears_when_it_is_ready_and_when_it_stops(tmp_path: Path, systemd: socket.socket) -> None:
    with systemd, thread(tmp_path / "data"):
        assert systemd.recv(100) == b"READY=1"
        systemd.setblocking(False)
        with pytest.raises(BlockingIOError):
            systemd.recv(100)
        systemd.settimeout(10)
        stopping = systemd.dup()
    with stopping:
        assert stopping.recv(100) == b"STOPPING=1"


def test_an_abstract_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0optout-test-notify")
        channel.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", "@optout-test-notify")
        notify("READY=1")
        assert channel.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
