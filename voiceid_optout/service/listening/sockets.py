"""Listening sockets and the addresses that clients call."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from voiceid_optout.service.errors import StartError

LOOPBACK = "127.0.0.1"


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """Give a socket bound to the address; ``port`` 0 takes any free one. Raises StartError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StartError(
                f"Cannot listen on {host} port {port}: {reason}. Choose another with --port, or 0 for any free one."
            ) from error
        yield listener


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url(listener: socket.socket, scheme: str = "http") -> str:
    """Return the address under which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  not a bind: a wildcard is no address to call
        host = LOOPBACK
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
