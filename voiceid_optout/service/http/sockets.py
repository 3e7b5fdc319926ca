"""Listening sockets and the addresses that clients call."""

import errno
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from voiceid_optout.service.errors import StartError

LOOPBACK = "127.0.0.1"


_BACKLOG = 2048  # as uvicorn has it
_PORT_FAULTS = (errno.EADDRINUSE, errno.EACCES)


@contextmanager
def bound(host: str, port: int, prefix: str = "--") -> Iterator[socket.socket]:
    """Give a socket that listens at the address; ``port`` 0 takes any free one. Raises StartError.

    ``prefix`` and the words ``host`` and ``port`` are the options that chose it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            # Now, because two may be bound to one address as long as neither of them listens.
            listener.listen(_BACKLOG)
        except OSError as error:
            advice = f"{prefix}port, or 0 for any free one" if error.errno in _PORT_FAULTS else f"{prefix}host"
            raise StartError(
                f"Cannot listen on {host} port {port}: {error.strerror or error}. Choose another with {advice}."
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
