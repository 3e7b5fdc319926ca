"""Clients that opt people out at the same time, and keep account of what was acknowledged."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.service.running import TIMEOUT, Service

CLIENTS = 16


class Crowd:
    """What the clients of a service were told: the generated id of everybody whose opt-out got its 200."""

    def __init__(self, service: Service, domain: str) -> None:
        self.acknowledged: dict[str, str] = {}
        self._client, self._domain = service.client(), domain
        self._grown = threading.Condition()

    def wait(self, count: int) -> None:
        """Wait until so many were acknowledged."""
        with self._grown:
            assert self._grown.wait_for(lambda: len(self.acknowledged) >= count, TIMEOUT)

    def work(self, worker: int) -> None:
        """Opt people out, one after another, until a call fails."""
        for number in itertools.count():
            name = f"caller-{worker}-{number}"
            try:
                made = self._client.opt_out_speaker(DomainId=self._domain, SpeakerId=name)["Speaker"]
            except (BotoCoreError, ClientError):
                return
            with self._grown:
                self.acknowledged[name] = made["GeneratedSpeakerId"]
                self._grown.notify_all()


@contextmanager
def crowd(service: Service, domain: str) -> Iterator[Crowd]:
    """Let a crowd work; the block must make their calls fail, and its end waits until all have."""
    people = Crowd(service, domain)
    with ThreadPoolExecutor(CLIENTS) as pool:
        for worker in range(CLIENTS):
            pool.submit(people.work, worker)
        yield people


def listed(service: Service, domain: str) -> dict[str, Any]:
    """Return what ListSpeakers gives, by the customer's id."""
    pages = service.client().get_paginator("list_speakers").paginate(DomainId=domain)
    return {entry["CustomerSpeakerId"]: entry for page in pages for entry in page["SpeakerSummaries"]}


def lost(service: Service, domain: str, acknowledged: dict[str, str]) -> list[str]:
    """Return who was told 200 and is not opted out under the id that was told."""
    found = listed(service, domain)
    kept = {name: entry["GeneratedSpeakerId"] for name, entry in found.items() if entry["Status"] == "OPTED_OUT"}
    return [name for name, generated in acknowledged.items() if kept.get(name) != generated]
