"""Where events go: which sinks a service is started with, and what a sink is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from voiceid_optout.service.errors import ServiceError, StartError
from voiceid_optout.service.http.sockets import is_loopback
from voiceid_optout.service.secret_source import SecretSource

FILE = "file"
WEBHOOK = "webhook"


class SinkError(ServiceError):
    """A sink did not take the events; ``wait`` is how many seconds it asked for, 0 if it did not."""

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


class Sink(Protocol):
    """Takes events, each a line of JSON; ``batch`` is how many at once."""

    name: str
    batch: int

    def deliver(self, bodies: list[str]) -> None:
        """Return once all of them are safe there; raises SinkError. Runs in a thread and may block."""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """An address that takes POST requests, and the secret with which they are signed."""

    url: str
    secret: SecretSource

    def check(self) -> None:
        """Raise StartError if events would go over a network in clear, or nowhere."""
        place = urlsplit(self.url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise StartError("The webhook's address must be of the form https://host/path.")
        if place.scheme == "http" and not is_loopback(place.hostname):
            raise StartError(
                "The webhook's address must begin with https://; plain HTTP is for this machine alone."
            )


@dataclass(frozen=True, slots=True)
class EventSinks:
    """The sinks a service is started with; without any, no event is recorded."""

    file: Path | None = None
    webhook: WebhookSettings | None = None

    @property
    def names(self) -> tuple[str, ...]:
        chosen = ((FILE, self.file), (WEBHOOK, self.webhook))
        return tuple(name for name, setting in chosen if setting is not None)
