import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from tests.service.test_store import Clock
from voiceid_optout.service.access.tables import used_signatures
from voiceid_optout.service.access.used_signatures import use_signature
from voiceid_optout.service.operations import read, write
from voiceid_optout.service.store import Store
from voiceid_optout.service.transaction import Request, Result, Tenant, Transaction

WINDOW = 900.0


def count(tx: Transaction, _request: Request) -> Result:
    return {"Count": tx.connection.scalar(select(func.count()).select_from(used_signatures))}


def use(tmp_path: Path, scenario: Callable[[Store, Clock], Awaitable[Any]]) -> None:
    async def main() -> None:
        clock = Clock()
        operations = {"Use": write(use_signature(WINDOW), apart=True), "Count": read(count)}
        store = Store(tmp_path, Tenant("us-east-1"), operations, clock)
        try:
            await scenario(store, clock)
        finally:
            store.close()

    asyncio.run(main())


def test_its_age_grows_from_the_first_use(tmp_path: Path) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        assert await store.run("Use", {"Signature": "a" * 64}) == {"Age": 0.0}
        clock.time += 10
        assert await store.run("Use", {"Signature": "a" * 64}) == {"Age": 10.0}
        assert await store.run("Use", {"Signature": "b" * 64}) == {"Age": 0.0}

    use(tmp_path, scenario)


def test_two_at_once_are_one_first_and_one_second(tmp_path: Path) -> None:
    async def scenario(store: Store, _clock: Clock) -> None:
        both = [store.run("Use", {"Signature": "a" * 64}) for _ in range(2)]
        assert await asyncio.gather(*both) == [{"Age": 0.0}] * 2
        assert await store.run("Count", {}) == {"Count": 1}

    use(tmp_path, scenario)


def test_they_are_kept_as_long_as_they_could_be_sent(tmp_path: Path) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        await store.run("Use", {"Signature": "a" * 64})
        clock.time += 2 * WINDOW - 1
        assert (await store.run("Use", {"Signature": "a" * 64}))["Age"] == 2 * WINDOW - 1
        clock.time += 2
        await store.run("Use", {"Signature": "b" * 64})
        assert await store.run("Count", {}) == {"Count": 1}

    use(tmp_path, scenario)
