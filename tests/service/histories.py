"""Histories of one person: several clients call at once, and each call is kept with its times and its answer.

Clients have clocks of their own and talk to any of the services. They send again what was sent before, to the byte,
and give up before the answer; enrolment jobs run meanwhile. ``step`` says what each call does when nothing else
happens, for the checker.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import math
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.compat import get_current_datetime

from tests.service.batch import enrolment, enrolments
from tests.service.calls import Answer, signed
from tests.service.linearizable import Call
from tests.service.running import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    import pytest

    from tests.service.batch import Batch
    from tests.service.running import Service

OPT_OUT, DELETE, DESCRIBE, SEED, JOB = "OptOutSpeaker", "DeleteSpeaker", "DescribeSpeaker", "seed", "job"
GONE, DONE, CONFLICT = "gone", "done", "conflict"
PERSON = "caller-1"
CLIENTS, TURNS = 3, 4
SKEWS = (-30.0, 0.0, 30.0)  # seconds


@dataclass(frozen=True)
class What:
    """What was asked. ``number`` tells signed requests apart; one that is sent again has the first one's."""

    kind: str
    number: int = 0
    overwrites: bool = False


@dataclass(frozen=True)
class Person:
    """What a service knows. ``name`` is the id that it gave, "?" while nobody was told; ``used`` has the answers to
    signed requests by number, ``names`` are all ids that were told."""

    status: str | None = None
    name: str = "?"
    used: frozenset[tuple[int, str]] = frozenset()
    names: frozenset[str] = frozenset()

    def become(self, status: str | None, told: str | None = None, **more: Any) -> Iterator[Person]:
        """Yield the person with this status, if the id that was ``told`` can be the person's."""
        name, names = self.name if self.status else "?", self.names
        if told is not None and told != name:
            if name != "?" or told in names:
                return
            name, names = told, names | {told}
        yield Person(status, name, more.get("used", self.used), names)


def step(state: Hashable, call: Call[What, tuple[str, str | None]]) -> Iterator[Hashable]:
    """Yield what the person is after the call; nothing if its answer is none for this person."""
    assert isinstance(state, Person)
    what, used = call.what, dict(state.used)
    if what.kind == OPT_OUT and what.number in used:  # sent again
        told, after = ("OPTED_OUT" if state.status == "OPTED_OUT" else CONFLICT), state.status
    elif what.kind == OPT_OUT:
        told = after = "OPTED_OUT"
        used[what.number] = DONE
    elif what.kind == DELETE and what.number in used:
        told, after = used[what.number], state.status
    elif what.kind == DELETE:
        told, after = (DONE if state.status else GONE), None
        used[what.number] = told
    elif what.kind == DESCRIBE:
        told, after = state.status or GONE, state.status
    elif what.kind == SEED:
        told = after = "ENROLLED"
    elif state.status == "OPTED_OUT":
        told = after = "OPTED_OUT"
    else:
        known = "ENROLLMENT_OVERWRITE" if what.overwrites else "DUPLICATE_SKIPPED"
        told, after = (known if state.status else "NEW_ENROLLMENT"), "ENROLLED"
    if call.answer is None or call.answer[0] == told:
        name = None if call.answer is None else call.answer[1]
        yield from state.become(after, name, used=frozenset(used.items()))


_own = threading.local()


def skewed_clocks(patch: pytest.MonkeyPatch) -> None:
    """Let each client sign with a clock of its own."""

    def now(**given: Any) -> Any:
        return get_current_datetime(**given) + dt.timedelta(seconds=getattr(_own, "skew", 0.0))

    patch.setattr("botocore.auth.get_current_datetime", now)


@dataclass
class History:
    """The one person of a domain, and what everybody asked and was told."""

    batches: list[Batch]  # the services, each with a client of boto3
    keys: tuple[str, str]
    domain: str
    seed: str
    calls: list[Call[What, tuple[str, str | None]]] = field(default_factory=list)
    sent: list[tuple[What, dict[str, str], bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    only_job: threading.Lock = field(default_factory=threading.Lock)  # a domain has one at a time

    def run(self) -> list[Call[What, tuple[str, str | None]]]:
        """Let the clients act at once; return the history, which ends with a look after everything."""
        together = threading.Barrier(CLIENTS)
        with ThreadPoolExecutor(CLIENTS) as pool:
            for work in [pool.submit(self._client, number, together) for number in range(CLIENTS)]:
                work.result(TIMEOUT)
        _own.skew = 0.0
        self._send(self.batches[0].service, *self._signed(DESCRIBE))
        return self.calls

    def _client(self, number: int, together: threading.Barrier) -> None:
        chance = random.Random(f"{self.seed} {number}")
        _own.skew = chance.choice(SKEWS)
        together.wait(TIMEOUT)
        for _ in range(TURNS):
            batch = chance.choice(self.batches)
            kinds = (OPT_OUT, DELETE, DESCRIBE, SEED, JOB, "again", "lost")
            kind = chance.choices(kinds, (6, 5, 4, 2, 1, 5, 2))[0]
            if kind == SEED:
                self._seed(batch.service)
            elif kind == JOB:
                with self.only_job:
                    self._job(batch, overwrites=chance.random() < 1 / 2)
            elif kind == "lost":
                self._send(batch.service, *self._signed(chance.choice((OPT_OUT, DELETE))), waits=False)
            elif kind == "again" and self.sent:
                with self.lock:
                    request = chance.choice(self.sent)
                self._send(batch.service, *request)
            else:
                self._send(batch.service, *self._signed(kind if kind != "again" else OPT_OUT))

    def _signed(self, operation: str) -> tuple[What, dict[str, str], bytes]:
        body = json.dumps({"DomainId": self.domain, "SpeakerId": PERSON}).encode()
        # Signed for the first service, and sent to any: the header Host is as signed.
        number = {"X-Test-Call": uuid.uuid4().hex}
        target = f"VoiceID.{operation}"
        headers = signed(self.batches[0].service, body, target=target, keys=self.keys, extra=number)
        with self.lock:
            what = What(operation, len(self.sent) + 1 if operation != DESCRIBE else 0)
            if operation != DESCRIBE:
                self.sent.append((what, headers, body))
        return what, headers, body

    def _send(
        self, service: Service, what: What, headers: dict[str, str], body: bytes, *, waits: bool = True
    ) -> None:
        place = urlsplit(service.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT)
        invoked = time.monotonic()
        try:
            connection.request("POST", "/", body, headers)
            if not waits:
                self.calls.append(Call(what, None, invoked))
                return
            response = connection.getresponse()
            answer = Answer(response.status, {}, response.read())
        finally:
            connection.close()
        self._keep(what, _told(answer), invoked)

    def _seed(self, service: Service) -> None:
        invoked = time.monotonic()
        made = service.seed(self.domain, PERSON, "ENROLLED")
        self._keep(What(SEED), (made["Status"], made["GeneratedSpeakerId"]), invoked)

    def _job(self, batch: Batch, *, overwrites: bool) -> None:
        manifest = batch.put(enrolments([enrolment("1", PERSON)]), f"{uuid.uuid4().hex}.json")
        action = {"ExistingEnrollmentAction": "OVERWRITE" if overwrites else "SKIP"}
        invoked = time.monotonic()
        job = batch.wait(batch.start(self.domain, manifest, EnrollmentConfig=action))
        completed, output = time.monotonic(), batch.output(job)
        assert job["JobStatus"] in ("COMPLETED", "COMPLETED_WITH_ERRORS"), job
        if output["Errors"]:
            assert output["Errors"][0]["ErrorCode"] == 409
            told: tuple[str, str | None] = ("OPTED_OUT", None)
        else:
            success = output["SuccessfulEnrollments"][0]
            told = (success["EnrollmentStatus"], success["GeneratedSpeakerId"])
        self.calls.append(Call(What(JOB, overwrites=overwrites), told, invoked, completed))

    def _keep(self, what: What, told: tuple[str, str | None], invoked: float) -> None:
        self.calls.append(Call(what, told, invoked, time.monotonic()))


def _told(answer: Answer) -> tuple[str, str | None]:
    if answer.status == 200:
        speaker = json.loads(answer.body)["Speaker"] if answer.body else None
        return (speaker["Status"], speaker["GeneratedSpeakerId"]) if speaker else (DONE, None)
    document = answer.document
    name = document["__type"].rpartition("#")[2]
    told = {"ResourceNotFoundException": GONE, "ConflictException": CONFLICT}[name]
    assert told == GONE or document["ConflictType"] == "CONCURRENT_CHANGES"
    return told, None


def shown(history: list[Call[What, tuple[str, str | None]]]) -> str:
    """Return a history as lines, the calls by their start; ids are shortened."""
    began = min(call.invoked for call in history)
    lines = []
    for call in sorted(history, key=lambda call: call.invoked):
        end = "lost" if call.completed == math.inf else f"{1000 * (call.completed - began):.1f}"
        lines.append(f"{1000 * (call.invoked - began):8.1f} .. {end:>8} ms  {call.what}  {call.answer}")
    return "\n".join(lines)
