"""Starting and stopping in this process, what systemd hears of it, and parts that the settings choose."""

import asyncio
import http.client
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.service.running import thread
from voiceid_optout.service.data_folder import find
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.errors import DataLockedError, StartError
from voiceid_optout.service.http.admin import FaultInjector
from voiceid_optout.service.server import assembled, notify
from voiceid_optout.service.settings import AdminSettings, Settings, Tenant


def test_it_is_announced_while_it_listens(tmp_path: Path) -> None:
    with thread(tmp_path, admin=AdminSettings()) as service:
        assert find(tmp_path) == service.running
        assert service.running.admin_url is None
    assert find(tmp_path) is None
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        ".gitignore",
        "credentials",
        "service.lock",
        "voiceid.db",
    ]


def test_data_survives_a_restart(tmp_path: Path) -> None:
    with thread(tmp_path) as service:
        domain = service.new_domain()
        made = service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]
    with thread(tmp_path) as service:
        assert service.client().describe_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"] == made


def test_domains_are_made_once(tmp_path: Path) -> None:
    wanted = (("a" * 22, "first"), ("b" * 22, "second"))
    with thread(tmp_path, domains=wanted[:1]) as service:
        service.client().opt_out_speaker(DomainId="a" * 22, SpeakerId="caller-1")
    with thread(tmp_path, domains=wanted) as service:
        found = service.client().list_domains()["DomainSummaries"]
        assert tuple((domain["DomainId"], domain["Name"]) for domain in found) == wanted
        assert len(service.client().list_speakers(DomainId="a" * 22)["SpeakerSummaries"]) == 1


def test_a_domain_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(StartError, match=r"'short' cannot be made: .*domainId"),
        thread(tmp_path, domains=(("short", "sandbox"),)),
    ):
        pass
    with thread(tmp_path):  # and leaves nothing locked
        pass


def test_a_port_in_use_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(StartError, match=f"port {port}: Address already in use.*--port"),
            thread(tmp_path, port=port),
        ):
            pass


def test_a_taken_admin_port_is_told_as_such(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(StartError, match=f"port {port}: Address already in use.*--admin-port"),
            thread(tmp_path, admin=AdminSettings(port=port)),
        ):
            pass


def test_a_second_service_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with thread(tmp_path) as service:
        with pytest.raises(DataLockedError, match="Another service"), thread(tmp_path):
            pass
        assert service.admin("/healthz")[0] == 200


def test_a_wildcard_address_is_announced_as_one_to_call(tmp_path: Path) -> None:
    with thread(tmp_path, host="0.0.0.0", plain_http=True) as service:
        assert service.url.startswith("http://127.0.0.1:")


def test_ipv6(tmp_path: Path) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with thread(tmp_path, host="::1") as service:
        place = urlsplit(service.url)
        connection = http.client.HTTPConnection("::1", place.port, timeout=600)
        connection.request("POST", "/")
        assert connection.getresponse().status == 400
        connection.close()
        assert "[::1]" in service.url


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


@pytest.mark.parametrize("hooks", [False, True])
def test_test_hooks_stand_in_the_way_of_requests_only_where_they_were_asked_for(
    tmp_path: Path, hooks: bool
) -> None:
    settings = Settings(tmp_path, Tenant("us-east-1"), admin=AdminSettings(port=0, hooks=hooks))

    async def run() -> object:
        async with assembled(settings, lambda: 0) as (api, _admin):
            return api._run.__self__

    assert isinstance(asyncio.run(run()), FaultInjector if hooks else Store)
