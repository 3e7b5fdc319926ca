"""Enrolments that were not used for three years, with a clock of the test's own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.service.db.test_store import DAY, DOMAIN, Clock
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.operations import speakers
from voiceid_optout.service.operations.catalogue import BACKGROUND, OFFERED
from voiceid_optout.service.operations.hooks import HOOKS
from voiceid_optout.service.settings import Tenant

THREE_YEARS = 3 * 366 * DAY


def play(tmp_path: Path, scenario: Any) -> None:
    async def main() -> None:
        clock = Clock()
        store = Store(tmp_path, Tenant("us-east-1"), {**OFFERED, **BACKGROUND, **HOOKS}, clock)
        try:
            await store.run("EnsureDomain", {"DomainId": DOMAIN})
            await scenario(store, clock)
        finally:
            store.close()

    asyncio.run(main())


async def seed(store: Store, name: str, status: str) -> None:
    await store.run("SeedSpeaker", {"DomainId": DOMAIN, "CustomerSpeakerId": name, "Status": status})


async def status_of(store: Store, name: str) -> Any:
    return (await store.run("DescribeSpeaker", {"DomainId": DOMAIN, "SpeakerId": name}))["Speaker"]["Status"]


async def evaluate(store: Store, name: str) -> Any:
    await store.run(
        "SeedSession",
        {"DomainId": DOMAIN, "SessionName": "call", "CustomerSpeakerId": name, "AuthenticationScore": 95},
    )
    result = await store.run("EvaluateSession", {"DomainId": DOMAIN, "SessionNameOrId": "call"})
    return result["AuthenticationResult"]["Decision"]


def test_the_enrolled_expire_and_the_opted_out_never_do(tmp_path: Path) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        for status in ("ENROLLED", "PENDING", "OPTED_OUT"):
            await seed(store, f"caller-{status}", status)
        await seed(store, "caller-was-enrolled", "ENROLLED")
        await store.run("OptOutSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-was-enrolled"})
        clock.time += THREE_YEARS - 10 * DAY
        assert await store.run("ExpireSpeakers", {}) == {"Expired": 0}
        clock.time += 10 * DAY
        assert await store.run("ExpireSpeakers", {}) == {"Expired": 1}
        assert await store.run("ExpireSpeakers", {}) == {"Expired": 0}
        found = await store.run("DescribeSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-ENROLLED"})
        assert (found["Speaker"]["Status"], found["Speaker"]["UpdatedAt"]) == ("EXPIRED", clock.time)
        for name, status in (("PENDING", "PENDING"), ("OPTED_OUT", "OPTED_OUT"), ("was-enrolled", "OPTED_OUT")):
            assert await status_of(store, f"caller-{name}") == status
        clock.time += 100 * THREE_YEARS
        await store.run("ExpireSpeakers", {})
        assert await status_of(store, "caller-OPTED_OUT") == "OPTED_OUT"
        await store.run("OptOutSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-ENROLLED"})
        assert await status_of(store, "caller-ENROLLED") == "OPTED_OUT"

    play(tmp_path, scenario)


def test_a_call_sees_the_end_before_the_housekeeping_does(tmp_path: Path) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        await seed(store, "caller-1", "ENROLLED")
        clock.time += THREE_YEARS
        assert await evaluate(store, "caller-1") == "SPEAKER_EXPIRED"

    play(tmp_path, scenario)


def test_an_accepted_caller_counts_as_access(tmp_path: Path) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        await seed(store, "caller-1", "ENROLLED")
        clock.time += THREE_YEARS - 10 * DAY
        assert await evaluate(store, "caller-1") == "ACCEPT"
        clock.time += THREE_YEARS - 10 * DAY
        assert await store.run("ExpireSpeakers", {}) == {"Expired": 0}
        assert await status_of(store, "caller-1") == "ENROLLED"

    play(tmp_path, scenario)


def test_many_expire_by_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speakers, "EXPIRED_AT_ONCE", 2)

    async def scenario(store: Store, clock: Clock) -> None:
        for number in range(5):
            await seed(store, f"caller-{number}", "ENROLLED")
        clock.time += THREE_YEARS
        counts = [(await store.run("ExpireSpeakers", {}))["Expired"] for _ in range(4)]
        assert counts == [2, 2, 1, 0]

    play(tmp_path, scenario)
