import socket

import pytest

from voiceid_optout.service.errors import StartError
from voiceid_optout.service.http.sockets import bound, is_loopback, url


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *((name, True) for name in ("127.0.0.1", "127.9.9.9", "::1", "localhost")),
        *((name, False) for name in ("0.0.0.0", "::", "192.0.2.1", "service.example", "")),
    ],
)
def test_what_only_this_machine_reaches(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_the_address_to_call() -> None:
    with bound("0.0.0.0", 0) as listener:
        port = listener.getsockname()[1]
        assert url(listener) == f"http://127.0.0.1:{port}"
        assert url(listener, "https") == f"https://127.0.0.1:{port}"


def test_the_second_of_two_that_start_at_once_is_refused_before_either_serves() -> None:
    with bound("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with (
            pytest.raises(StartError, match="Choose another with --admin-port"),
            bound("127.0.0.1", port, "--admin-"),
        ):
            pass


def test_an_address_that_is_not_this_machine_s_is_a_matter_of_the_host() -> None:
    for prefix, host in (("--", "192.0.2.1"), ("--admin-", "no such host")):
        with pytest.raises(StartError, match=f"Choose another with {prefix}host"), bound(host, 0, prefix):
            pass


def test_the_address_is_free_again_afterwards() -> None:
    with bound("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))
