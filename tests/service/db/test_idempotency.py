"""What the database remembers of signed requests, with a clock of the test's own, in SQLite and PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.service.db.test_store import DOMAIN, Clock
from voiceid_optout.service.db.idempotency import mark_of
from voiceid_optout.service.db.schema import used_requests
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Request, Result, Transaction, read
from voiceid_optout.service.errors import ApiError
from voiceid_optout.service.operations.catalogue import OFFERED
from voiceid_optout.service.operations.hooks import HOOKS
from voiceid_optout.service.settings import Tenant

WINDOW = 900.0
PERSON = {"DomainId": DOMAIN, "SpeakerId": "caller-1"}

Play = Callable[[Callable[[Store, Clock], Awaitable[Any]]], None]


def marks(tx: Transaction, _request: Request) -> Result:
    return {"Marks": sorted(tx.connection.scalars(select(used_requests.c.mark)))}


def now(tx: Transaction, _request: Request) -> Result:
    sqlite = tx.connection.dialect.name == "sqlite"
    return {"Now": tx.now if sqlite else tx.connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))}


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    url = request.getfixturevalue("database_url") if request.param == "PostgreSQL" else None

    def run(scenario: Callable[[Store, Clock], Awaitable[Any]]) -> None:
        async def main() -> None:
            clock = Clock()
            operations = {**OFFERED, **HOOKS, "Marks": read(marks), "Now": read(now)}
            store = Store(tmp_path, Tenant("us-east-1", sinks=("file",)), operations, clock, url)
            try:
                # PostgreSQL forgets by its own clock.
                clock.time = float((await store.run("Now", {}))["Now"])
                await store.run("EnsureDomain", {"DomainId": DOMAIN})
                await scenario(store, clock)
            finally:
                store.close()

        asyncio.run(main())

    return run


def mark(dated: float, number: int = 0) -> str:
    return mark_of(int(dated), f"{number:064x}"[::-1])


async def answer(store: Store, operation: str, used: str, **request: str) -> Any:
    """Return the operation's result, or its error's code."""
    try:
        return await store.run(operation, {**PERSON, **request}, used)
    except ApiError as error:
        return error.code


async def status(store: Store) -> Any:
    try:
        return (await store.run("DescribeSpeaker", PERSON))["Speaker"]["Status"]
    except ApiError as error:
        return error.code


def test_a_mark_begins_with_the_date_so_that_the_older_is_the_smaller() -> None:
    assert mark_of(1_800_000_000, "ab" * 32) == "6b49d200" + "ab" * 8
    assert mark_of(1_800_000_000, "f" * 64) < mark_of(1_800_000_001, "0" * 64)


def test_a_delete_sent_again_leaves_a_newer_opt_out_and_is_answered_as_before(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        await store.run("OptOutSpeaker", PERSON)
        release = mark(clock.time)
        assert await answer(store, "DeleteSpeaker", release) == {}
        await answer(store, "OptOutSpeaker", mark(clock.time, 1))
        clock.time += 1
        assert await answer(store, "DeleteSpeaker", release) == {}
        assert await status(store) == "OPTED_OUT"

    play(scenario)


def test_a_delete_that_found_nobody_finds_nobody_later(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        release = mark(clock.time)
        assert await answer(store, "DeleteSpeaker", release) == "ResourceNotFoundException"
        await answer(store, "OptOutSpeaker", mark(clock.time, 1))
        with pytest.raises(ApiError) as refusal:
            await store.run("DeleteSpeaker", PERSON, release)
        assert refusal.value.members == {"ResourceType": "SPEAKER"}
        assert await status(store) == "OPTED_OUT"

    play(scenario)


def test_the_same_request_twice_at_once_is_one(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        created, release = mark(clock.time, 1), mark(clock.time, 2)
        both = await asyncio.gather(*(answer(store, "OptOutSpeaker", created) for _ in range(2)))
        assert both[0] == both[1]
        assert await asyncio.gather(*(answer(store, "DeleteSpeaker", release) for _ in range(2))) == [{}, {}]

    play(scenario)


@pytest.mark.parametrize("first", [True, False], ids=["who made the row", "who found it made"])
def test_an_opt_out_sent_again_does_not_undo_a_release(play: Play, first: bool) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        if not first:
            await answer(store, "OptOutSpeaker", mark(clock.time, 7))
        opting = mark(clock.time, 1)
        made = await answer(store, "OptOutSpeaker", opting)
        assert await answer(store, "OptOutSpeaker", opting) == made
        assert await answer(store, "DeleteSpeaker", mark(clock.time, 2)) == {}
        assert await answer(store, "OptOutSpeaker", opting) == "ConflictException"
        assert await status(store) == "ResourceNotFoundException"
        assert (await answer(store, "OptOutSpeaker", mark(clock.time, 3)))["Speaker"]["Status"] == "OPTED_OUT"
        assert (await answer(store, "OptOutSpeaker", opting))["Speaker"]["Status"] == "OPTED_OUT"

    play(scenario)


def test_an_opt_out_that_was_refused_opts_nobody_out_later(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        opting, absent, other = (mark(clock.time, number) for number in range(3))
        assert (
            await answer(store, "OptOutSpeaker", absent, SpeakerId="id#" + "0" * 22) == "ResourceNotFoundException"
        )
        await store.run("SuspendDomain", {"DomainId": DOMAIN})
        calls = (answer(store, "OptOutSpeaker", used) for used in (opting, opting, other))
        assert await asyncio.gather(*calls) == ["ConflictException"] * 3
        await store.run("ReactivateDomain", {"DomainId": DOMAIN})
        with pytest.raises(ApiError) as refusal:
            await store.run("OptOutSpeaker", PERSON, opting)
        assert refusal.value.members == {"ConflictType": "DOMAIN_NOT_ACTIVE"}
        assert await answer(store, "OptOutSpeaker", absent) == "ResourceNotFoundException"
        assert await status(store) == "ResourceNotFoundException"
        assert (await answer(store, "OptOutSpeaker", mark(clock.time, 4)))["Speaker"]["Status"] == "OPTED_OUT"
        assert await answer(store, "OptOutSpeaker", other) == "ConflictException"

    play(scenario)


def test_an_opt_out_sent_again_is_answered_as_before_in_a_domain_that_was_suspended_since(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        opting, again = mark(clock.time, 1), mark(clock.time, 2)
        made = await answer(store, "OptOutSpeaker", opting)
        assert await answer(store, "OptOutSpeaker", again) == made
        await store.run("SuspendDomain", {"DomainId": DOMAIN})
        assert await answer(store, "OptOutSpeaker", opting) == made
        assert await answer(store, "OptOutSpeaker", again) == made
        await store.run("ReactivateDomain", {"DomainId": DOMAIN})
        assert await answer(store, "DeleteSpeaker", mark(clock.time, 3)) == {}
        assert await answer(store, "OptOutSpeaker", opting) == "ConflictException"

    play(scenario)


def test_all_in_one_batch_is_as_one_after_the_other(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        opting, release = mark(clock.time, 1), mark(clock.time, 2)
        calls = [("OptOutSpeaker", opting), ("DeleteSpeaker", release), ("OptOutSpeaker", opting)]
        calls += [("OptOutSpeaker", mark(clock.time, 3)), ("DeleteSpeaker", release)]
        found = await asyncio.gather(*(answer(store, operation, used) for operation, used in calls))
        assert [entry if isinstance(entry, str) else bool(entry) for entry in found] == [
            *(True, False, "ConflictException", True, False)
        ]
        assert await status(store) == "OPTED_OUT"

    play(scenario)


@pytest.mark.parametrize("ends", ["DeleteSpeaker", "SeedSpeaker"])
def test_a_batch_knows_the_opt_outs_that_it_ends_itself(play: Play, ends: str) -> None:
    """The opt-out was in a batch before: its mark is on the person's row, and not in the table yet."""

    async def scenario(store: Store, clock: Clock) -> None:
        opting, deleting, last = (mark(clock.time, number) for number in range(3))
        seed = {"DomainId": DOMAIN, "CustomerSpeakerId": "caller-1", "Status": "ENROLLED", "Recreate": True}
        assert (await answer(store, "OptOutSpeaker", opting))["Speaker"]["Status"] == "OPTED_OUT"
        ended = store.run(ends, seed) if ends == "SeedSpeaker" else store.run(ends, PERSON, deleting)
        _, again = await asyncio.gather(ended, answer(store, "OptOutSpeaker", opting))
        assert again == "ConflictException"
        assert await status(store) == ("ENROLLED" if ends == "SeedSpeaker" else "ResourceNotFoundException")
        gone = {} if ends == "SeedSpeaker" else "ResourceNotFoundException"
        assert await answer(store, "DeleteSpeaker", last) == gone

    play(scenario)


def test_an_opt_out_of_before_a_test_hook_s_change_is_known_as_well(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        opting = mark(clock.time, 1)
        await answer(store, "OptOutSpeaker", opting)
        seeded = {"DomainId": DOMAIN, "CustomerSpeakerId": "caller-1", "Status": "ENROLLED"}
        await store.run("SeedSpeaker", seeded)
        assert await answer(store, "OptOutSpeaker", opting) == "ConflictException"
        assert await status(store) == "ENROLLED"

    play(scenario)


def test_other_changes_are_made_once_too(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        made = await answer(store, "CreateWatchlist", mark(clock.time), Name="one")
        assert await answer(store, "CreateWatchlist", mark(clock.time), Name="one") == made
        assert len((await store.run("ListWatchlists", {"DomainId": DOMAIN}))["WatchlistSummaries"]) == 2

    play(scenario)


@pytest.mark.parametrize("back", [60, 1700, 3600, 100_000])
def test_a_clock_that_goes_back_makes_no_old_delete_good_again(play: Play, back: int) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        began = clock.time
        old = mark(began - back)
        await answer(store, "DeleteSpeaker", old)
        # Hours later by the clock, which others use meanwhile and which then is set back.
        await answer(store, "DeleteSpeaker", mark(began, 1))
        await answer(store, "OptOutSpeaker", mark(began, 2))
        clock.time = began - back
        again = await answer(store, "DeleteSpeaker", old)
        assert again in ("ResourceNotFoundException", "InvalidSignatureException")
        assert (again == "InvalidSignatureException") is (back > 2 * WINDOW)
        assert await status(store) == "OPTED_OUT"
        # Whoever signs now is served, at the time of before and at the one of now.
        assert await answer(store, "DeleteSpeaker", mark(began - back + 1, 3)) == {}

    play(scenario)


def test_what_is_forgotten_is_refused_and_nothing_newer(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        past = int(clock.time - 2 * WINDOW) - 10
        for number, dated in enumerate((past, past - 5)):
            await answer(store, "DeleteSpeaker", mark(dated, number))
        kept = mark(clock.time, 9)
        await answer(store, "DeleteSpeaker", kept)
        assert (await store.run("Marks", {}))["Marks"] == [kept]
        for number, dated in enumerate((past, past - 5)):
            assert await answer(store, "DeleteSpeaker", mark(dated, number)) == "InvalidSignatureException"
            assert await answer(store, "OptOutSpeaker", mark(dated, number)) == "InvalidSignatureException"
        assert await answer(store, "OptOutSpeaker", mark(past - 1, 8)) == "InvalidSignatureException"
        assert await status(store) == "ResourceNotFoundException"
        assert isinstance(await answer(store, "OptOutSpeaker", mark(past + 1, 8)), dict)

    play(scenario)


def test_they_are_kept_for_two_windows(play: Play) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        young, old = (mark(clock.time - 2 * WINDOW + part, 1) for part in (30, -30))
        for used in (young, old, mark(clock.time)):
            await answer(store, "DeleteSpeaker", used)
        assert (await store.run("Marks", {}))["Marks"] == [young, mark(clock.time)]

    play(scenario)
