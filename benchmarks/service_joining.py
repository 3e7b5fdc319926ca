"""Opt-outs arrive while processes join a database, and while one of them leaves: what was lost, who was refused.

Clients opt people out, one after another, at each process in turn, as behind a load balancer that learns of a
process when it is ready and forgets it when it has ended. A call that is refused, or whose connection breaks, is
repeated at once at the next process. How long somebody was refused is counted in such repetitions, because a clock
would measure the machine as well; the time is told beside it.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.service import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.service_load import Target

CLIENTS = 8
EACH = 50  # opt-outs that each process must have taken before anything else happens
GIVE_UP = 1000  # refusals of one opt-out
TIMEOUT = 600.0  # seconds until something must happen that does not depend on this process


@dataclass(slots=True)
class Joined:
    """``acknowledged`` is the generated id by customer id.

    Of each call that was refused, ``refusals`` is how often, ``seconds`` from the first refusal to the success;
    ``while_joining`` is how many there were before a process left.
    """

    acknowledged: dict[str, str] = field(default_factory=dict)
    refusals: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    processes: int = 0
    while_joining: int = 0

    def told(self) -> dict[str, float]:
        """Return the counts; ``most`` are the refusals of one call, ``longest`` is in milliseconds."""
        return {
            "processes": self.processes,
            "acknowledged": len(self.acknowledged),
            "missing": len(self.missing),
            "refused_joining": self.while_joining,
            "refused": len(self.refusals),
            "most": max(self.refusals, default=0),
            "longest": round(max(self.seconds, default=0.0) * 1e3, 1),
        }


class Crowd:
    """Clients that opt people out at the processes there are."""

    def __init__(self, domain: str) -> None:
        self.result = Joined()
        self._domain = domain
        self._targets: list[Target] = []
        self._taken: Counter[Target] = Counter()
        self._changed = threading.Condition()
        self._stopped = threading.Event()

    def add(self, target: Target) -> None:
        """Let the clients know of a process."""
        with self._changed:
            self._targets = [*self._targets, target]
            self.result.processes += 1

    def remove(self, target: Target) -> None:
        """Let the clients forget a process."""
        with self._changed:
            self._targets = [one for one in self._targets if one != target]

    def wait(self) -> None:
        """Wait until each process that is known has taken some more opt-outs."""
        with self._changed:
            wanted = {target: self._taken[target] + EACH for target in self._targets}
            done = self._changed.wait_for(
                lambda: all(self._taken[target] >= count for target, count in wanted.items()), TIMEOUT
            )
        if not done:
            raise SystemExit("opt-outs do not get on")

    def stop(self) -> None:
        """Let the clients finish the call that is under way."""
        self._stopped.set()

    def work(self, client: int) -> None:
        """Opt people out until told to stop."""
        connections: dict[Target, http.client.HTTPConnection] = {}
        turns = itertools.count(client)
        for number in itertools.count():
            if self._stopped.is_set():
                break
            self._opt_out(f"joining-{client}-{number}", turns, connections)
        for connection in connections.values():
            connection.close()

    def _opt_out(
        self, name: str, turns: Iterator[int], connections: dict[Target, http.client.HTTPConnection]
    ) -> None:
        refused, since = 0, 0.0
        while refused < GIVE_UP:
            targets = self._targets
            target = targets[next(turns) % len(targets)]
            generated = self._call(target, name, connections)
            if generated is not None:
                break
            since = since or time.monotonic()
            refused += 1
        with self._changed:
            if generated is not None:
                self.result.acknowledged[name] = generated
            if refused:
                self.result.refusals.append(refused)
                self.result.seconds.append(time.monotonic() - since)
            self._taken[target] += 1
            self._changed.notify_all()

    def _call(self, target: Target, name: str, connections: dict[Target, http.client.HTTPConnection]) -> str | None:
        """Return the generated id, or None if the call was refused or its connection broke."""
        document: dict[str, object] = {"DomainId": self._domain, "SpeakerId": name}
        try:
            if target not in connections:
                connections[target] = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT)
            answer = _send(connections[target], target, "OptOutSpeaker", document)
        except (OSError, http.client.HTTPException):
            connections.pop(target).close()
            return None
        return None if answer is None else str(answer["Speaker"]["GeneratedSpeakerId"])


def join(work: Path, domain: str, options: Sequence[str], processes: int) -> Joined:
    """Start the processes one after another under load, then end the first; ``options`` name the database."""
    crowd = Crowd(domain)
    with ThreadPoolExecutor(CLIENTS) as pool, ExitStack() as stack:
        stack.callback(crowd.stop)
        first = stack.enter_context(ExitStack())
        begun, _ = first.enter_context(serving(work / "joining-0", *options))
        crowd.add(begun)
        for client in range(CLIENTS):
            pool.submit(crowd.work, client)
        crowd.wait()
        for number in range(1, processes):
            target, _ = stack.enter_context(serving(work / f"joining-{number}", *options))
            crowd.add(target)
            crowd.wait()
        crowd.result.while_joining = len(crowd.result.refusals)
        first.close()  # in order, as an upgrade ends it: what is under way is answered
        crowd.remove(begun)
        crowd.wait()
        crowd.stop()
        pool.shutdown()
        there = _listed(target, domain)
    found = crowd.result
    found.missing = [name for name, generated in found.acknowledged.items() if there.get(name) != generated]
    return found


def _send(
    connection: http.client.HTTPConnection, target: Target, operation: str, document: dict[str, object]
) -> Any:
    """Return the document of a success, None for a refusal; raises OSError and HTTPException."""
    head, _, body = target.signed(operation, [document])[0].partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    connection.request("POST", "/", body, {name: value for name, _, value in lines})
    answer = connection.getresponse()
    text = answer.read()
    return json.loads(text) if answer.status == http.client.OK else None


def _listed(target: Target, domain: str) -> dict[str, str]:
    """Return the generated id of everybody who opted out, by the customer's id."""
    found: dict[str, str] = {}
    request: dict[str, object] = {"DomainId": domain}
    connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT)
    while True:
        page = _send(connection, target, "ListSpeakers", request)
        if page is None:
            raise SystemExit("the domain cannot be listed")
        for entry in page["SpeakerSummaries"]:
            if entry["Status"] == "OPTED_OUT":
                found[entry["CustomerSpeakerId"]] = entry["GeneratedSpeakerId"]
        if "NextToken" not in page:
            connection.close()
            return found
        request["NextToken"] = page["NextToken"]
