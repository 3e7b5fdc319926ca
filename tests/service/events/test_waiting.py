import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.service.db.test_store import Clock
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Request, Result, Tenant, Transaction
from voiceid_optout.service.events.outbox import record
from voiceid_optout.service.events.speaker_event import Action, SpeakerEvent
from voiceid_optout.service.events.waiting import DELIVERY
from voiceid_optout.service.operations.catalogue import write

LEASE = {"Sink": "a", "Seconds": 60.0}
FIRST, SECOND = {**LEASE, "Holder": "first"}, {**LEASE, "Holder": "second"}


def happen(tx: Transaction, request: Request) -> Result:
    record(tx, [SpeakerEvent(Action.OPT_OUT, "d" * 22, f"id#{number:022}") for number in range(request["Count"])])
    return {}


def use(
    tmp_path: Path, scenario: Callable[[Store, Clock], Awaitable[Any]], sinks: tuple[str, ...] = ("a",)
) -> None:
    async def main() -> None:
        clock = Clock()
        tenant = Tenant("us-east-1", sinks=sinks)
        store = Store(tmp_path, tenant, {**DELIVERY, "Happen": write(happen, apart=True)}, clock)
        try:
            await scenario(store, clock)
        finally:
            store.close()

    asyncio.run(main())


def test_events_wait_in_order_until_they_are_delivered(tmp_path: Path) -> None:
    async def scenario(store: Store, _clock: Clock) -> None:
        await store.run("Happen", {"Count": 5})
        first = (await store.run("WaitingEvents", {"Sink": "a", "Limit": 3}))["Events"]
        assert [f"id#{number:022}" in body for number, (_, body) in enumerate(first)] == [True] * 3
        await store.run("EventsDelivered", {"Sequences": [sequence for sequence, _ in first]})
        rest = (await store.run("WaitingEvents", {"Sink": "a", "Limit": 3}))["Events"]
        assert len(rest) == 2
        assert rest[0][0] > first[-1][0]

    use(tmp_path, scenario)


def test_each_sink_has_its_own(tmp_path: Path) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        await store.run("Happen", {"Count": 1})
        ((sequence, body),) = (await store.run("WaitingEvents", {"Sink": "a", "Limit": 9}))["Events"]
        await store.run("EventsDelivered", {"Sequences": [sequence]})
        ((_, other),) = (await store.run("WaitingEvents", {"Sink": "b", "Limit": 9}))["Events"]
        assert other == body
        clock.time += 30
        assert await store.run("EventLag", {}) == {"b": {"count": 1, "age": 30.0}}

    use(tmp_path, scenario, ("a", "b"))


def test_without_sinks_nothing_is_written(tmp_path: Path) -> None:
    async def scenario(store: Store, _clock: Clock) -> None:
        await store.run("Happen", {"Count": 3})
        assert await store.run("EventLag", {}) == {}

    use(tmp_path, scenario, ())


def test_a_lease_has_one_holder(tmp_path: Path) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        assert await store.run("LeaseSink", FIRST) == {"Held": True}
        assert await store.run("LeaseSink", FIRST) == {"Held": True}
        assert await store.run("LeaseSink", SECOND) == {"Held": False}
        assert await store.run("LeaseSink", {**SECOND, "Sink": "b"}) == {"Held": True}
        clock.time += 61
        assert await store.run("LeaseSink", SECOND) == {"Held": True}
        assert await store.run("LeaseSink", FIRST) == {"Held": False}

    use(tmp_path, scenario)


def test_only_its_holder_gives_a_lease_back(tmp_path: Path) -> None:
    async def scenario(store: Store, _clock: Clock) -> None:
        await store.run("LeaseSink", FIRST)
        await store.run("ReleaseSink", {"Sink": "a", "Holder": "second"})
        assert await store.run("LeaseSink", SECOND) == {"Held": False}
        await store.run("ReleaseSink", {"Sink": "a", "Holder": "first"})
        assert await store.run("LeaseSink", SECOND) == {"Held": True}

    use(tmp_path, scenario)
