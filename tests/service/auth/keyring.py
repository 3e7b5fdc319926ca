"""Keys of several roles on a running service, and requests with them."""

import time
from collections.abc import Callable
from typing import Any

import click.testing

from tests.service.calls import send, signed
from tests.service.running import TIMEOUT, Service
from voiceid_optout.cli.serve_store import keys_command

Keys = tuple[str, str]


def manage(service: Service, *arguments: str) -> str:
    """Run ``optout serve keys`` on the service's folder and return what it prints."""
    result = click.testing.CliRunner().invoke(keys_command, [*arguments, "--data", str(service.data)])
    assert result.exit_code == 0, result.output
    return result.stdout


def add_key(service: Service, role: str, *options: str) -> Keys:
    """Add a key, as an operator does, and return it once the service takes it."""
    printed = dict(line.split(" = ") for line in manage(service, "add", "--role", role, *options).splitlines()[1:])
    keys = printed["aws_access_key_id"], printed["aws_secret_access_key"]
    until(lambda: error_of(service, keys) != "UnrecognizedClientException")
    return keys


def client_with(service: Service, keys: Keys, **overrides: Any) -> Any:
    return service.client(aws_access_key_id=keys[0], aws_secret_access_key=keys[1], **overrides)


def error_of(service: Service, keys: Keys) -> str:
    """Return the code with which the service refuses a read with the keys, or nothing."""
    answer = send(service, signed(service, b"{}", keys=keys, target="VoiceID.ListDomains"), b"{}")
    return "" if answer.status == 200 else answer.code.partition("#")[2]


def until(holds: Callable[[], bool]) -> float:
    """Wait until something holds and return how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < TIMEOUT
        time.sleep(0.05)
    return time.monotonic() - began
