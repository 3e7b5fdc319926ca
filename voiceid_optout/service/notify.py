"""Telling systemd that the service is ready or stopping (sd_notify(3)), where systemd asked for it."""

import os
import socket


def notify(state: str) -> None:
    """Send ``state``, such as ``READY=1``, to the socket that systemd named; do nothing without one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # An address that starts with @ is in Linux' abstract name space, which begins with a NUL.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
