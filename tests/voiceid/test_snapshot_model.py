"""A snapshot held against a model of its domain: answers come late or not at all, and others change things too."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.voiceid.fixtures import REGION
from tests.voiceid.scripted import DOMAIN, Answer, failure, scripted, speaker, summary
from voiceid_optout.voiceid import VoiceIdError
from voiceid_optout.voiceid.client import Client
from voiceid_optout.voiceid.settings import ClientSettings, Quotas
from voiceid_optout.voiceid.snapshot import Snapshot

NOT_FOUND = failure("ResourceNotFoundException", ResourceType="SPEAKER")
FAILURES = (
    failure("InternalServerException", status=500),
    failure("ThrottlingException"),
    failure("ConflictException", ConflictType="CONCURRENT_CHANGES"),
)
SLOWEST = 0.004  # seconds that an answer takes at most
PAGE = 3
TIMEOUT = 600

Status = str | None  # None: the domain has no such speaker
STATUSES: tuple[Status, ...] = ("OPTED_OUT", "ENROLLED", None)


@dataclass(frozen=True, slots=True)
class Case:
    """``ours`` are people whom the snapshot writes, ``others`` those whom somebody else changes meanwhile."""

    seed: int
    still: int
    ours: int
    others: int
    failing: float  # share of the calls that fail

    def names(self, kind: str) -> list[str]:
        return [f"{kind}-{number}" for number in range(getattr(self, kind))]


cases = st.builds(
    Case,
    seed=st.integers(0, 2**32),
    still=st.integers(1, 25),
    ours=st.integers(0, 8),
    others=st.integers(0, 8),
    failing=st.sampled_from([0.0, 0.0, 0.05, 0.2]),
)


@dataclass
class World:
    """The domain as it is, in the order of creation, and what each person has ever been."""

    random: random.Random
    failing: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    speakers: dict[str, tuple[int, str]] = field(default_factory=dict)
    history: dict[str, list[Status]] = field(default_factory=lambda: defaultdict(list[Status]))
    created: int = 0

    def put(self, name: str, status: Status) -> None:
        with self.lock:
            if status is None:
                self.speakers.pop(name, None)
            else:
                place, _ = self.speakers.get(name, (self.created + 1, ""))
                self.created = max(self.created, place)
                self.speakers[name] = (place, status)
            self.history[name].append(status)

    def answer(self, operation: str, body: dict[str, Any]) -> Answer:
        """Answer a call: early or late, before or after what it does, or with a failure."""
        with self.lock:
            before, after = (self.random.uniform(0, SLOWEST) for _ in range(2))
            fails = self.random.random() < self.failing
            which = self.random.choice(FAILURES)
        time.sleep(before)
        if fails:
            return which
        answered = self.page(body) if operation == "ListSpeakers" else self.single(operation, body["SpeakerId"])
        time.sleep(after)
        return answered

    def single(self, operation: str, name: str) -> Answer:
        if operation == "OptOutSpeaker":
            self.put(name, "OPTED_OUT")
        with self.lock:
            known = self.speakers.get(name)
        if operation == "DeleteSpeaker":
            self.put(name, None)
        if known is None:
            return NOT_FOUND
        place, status = known
        return (
            Answer(b"")
            if operation == "DeleteSpeaker"
            else speaker(name, generated=generated(place), status=status)
        )

    def page(self, body: dict[str, Any]) -> Answer:
        after = int(body.get("NextToken", "0"))
        with self.lock:
            rows = sorted((place, name, status) for name, (place, status) in self.speakers.items() if place > after)
        found = [summary(name, generated(place), status) for place, name, status in rows[:PAGE]]
        more = {"NextToken": str(rows[PAGE - 1][0])} if len(rows) > PAGE else {}
        return Answer({"SpeakerSummaries": found, **more})


def generated(place: int) -> str:
    return f"id#{place:022}"


@contextmanager
def snapshot_of(world: World) -> Iterator[Snapshot]:
    swift = Quotas(opt_out=10_000, describe=10_000, delete=10_000, list=10_000)
    with scripted(world.answer) as server:
        client = Client(ClientSettings(server.url, REGION, swift))
        snapshot = Snapshot(client, DOMAIN)
        try:
            yield snapshot
        finally:
            snapshot.close()
            client.close()


def together(*works: Callable[[], None]) -> None:
    """Run functions at the same time; an exception of one is the test's."""
    with ThreadPoolExecutor(len(works)) as pool:
        for work in [pool.submit(work) for work in works]:
            work.result(TIMEOUT)


@dataclass(frozen=True)
class Scene:
    """What happens at the same time in one case; a call may fail only where failures are part of it."""

    case: Case
    world: World
    snapshot: Snapshot

    def seen(self, name: str) -> Status:
        found = self.snapshot.read(name)
        return None if found is None else found.status.value

    @contextmanager
    def may_fail(self) -> Iterator[None]:
        try:
            yield
        except VoiceIdError:
            assert self.case.failing

    def read_still(self, order: list[str]) -> None:
        for name in order:
            with self.may_fail():
                assert self.seen(name) == self.world.history[name][-1]

    def write_ours(self, chance: random.Random) -> None:
        for name in self.case.names("ours"):
            with self.may_fail():  # whether it was done is open then
                for _ in range(3):
                    is_out = chance.random() < 0.5
                    self.snapshot.opt_out(name) if is_out else self.snapshot.delete(name)
                    assert self.seen(name) == ("OPTED_OUT" if is_out else None)

    def change_others(self, chance: random.Random) -> None:
        for name in self.case.names("others"):
            for _ in range(3):
                self.world.put(name, chance.choice(STATUSES))
                time.sleep(chance.uniform(0, SLOWEST))
                with self.may_fail():
                    assert self.seen(name) in self.world.history[name]


@pytest.mark.costly
@pytest.mark.usefixtures("aws_environment")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases)
def test_a_read_gives_what_is_or_was_and_never_less_than_we_wrote(case: Case) -> None:
    chance = random.Random(case.seed)
    world = World(random.Random(case.seed + 1), case.failing)
    for kind in ("still", "ours", "others"):
        for name in case.names(kind):
            world.put(name, chance.choice(STATUSES))
    orders = [chance.sample(case.names("still"), case.still) for _ in range(3)]
    with snapshot_of(world) as snapshot:
        scene = Scene(case, world, snapshot)
        together(
            *(partial(scene.read_still, order) for order in orders),
            partial(scene.write_ours, random.Random(case.seed + 2)),
            partial(scene.change_others, random.Random(case.seed + 3)),
        )
