"""What clients of one person are told, on SQLite and on PostgreSQL, is as if their calls had come one by one.

A seed gives the same calls again, not the same moments.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests import torture
from tests.service import running
from tests.service.auth.keyring import add_key, error_of, until
from tests.service.batch import Batch
from tests.service.histories import (
    CONFLICT,
    DELETE,
    DESCRIBE,
    DONE,
    GONE,
    JOB,
    OPT_OUT,
    History,
    Person,
    What,
    shown,
    skewed_clocks,
    step,
)
from tests.service.linearizable import Call, order_of
from tests.service.running import child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT_ONCE = 4
# Replaced before anything is imported that keeps it. Jobs are looked for often, so that they meet the calls.
CLOCK = "import time; real = time.time; time.time = lambda: {}; "
QUICK = "import voiceid_optout.service.jobs.runner as runner; runner.POLL_SECONDS = 0.02; "
SERVE = "from voiceid_optout.cli.serve import command; command()"
AHEAD = "real() + 30"
JUMPS = "real() + 30 * (int(real()) % 2)"  # every second, 30 seconds on and back


@contextmanager
def serving(data: Path, objects: Path, clock: str, *options: str) -> Iterator[Batch]:
    """Run a service, as a process, that tells the time by ``clock``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "START", [running.START[0], "-c", CLOCK.format(clock) + QUICK + SERVE])
        made = child(data, "--objects", str(objects), *options)
        with made as service:
            yield Batch(service, objects, service.client())


@contextmanager
def several(tmp_path: Path, *clocks: str, database: str | None = None) -> Iterator[list[Batch]]:
    """Run services on one database."""
    (tmp_path / "objects").mkdir()
    options = () if database is None else ("--database", database)
    with ExitStack() as stack:
        yield [
            stack.enter_context(serving(tmp_path / str(number), tmp_path / "objects", clock, *options))
            for number, clock in enumerate(clocks)
        ]


def check(batches: list[Batch], budget: torture.Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make histories and hold each against the specification."""
    keys = add_key(batches[0].service, "admin")
    for batch in batches:
        until(lambda batch=batch: error_of(batch.service, keys) == "")  # type: ignore[misc]
    skewed_clocks(monkeypatch)

    def history(number: int) -> History:
        made = History(batches, keys, batches[0].service.new_domain(), f"{budget.seed} {number}")
        made.run()
        return made

    counts = {"histories": 0, "calls": 0, "repeats": 0, "jobs": 0, "not_linearizable": 0}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for made in pool.map(history, range(budget.count), timeout=None):
            calls = made.calls
            assert order_of(calls, Person(), step) is not None, f"{made.seed}\n{shown(calls)}"
            numbers = [call.what.number for call in calls if call.what.number]
            counts["histories"] += 1
            counts["calls"] += len(calls)
            counts["repeats"] += len(numbers) - len(set(numbers))
            counts["jobs"] += sum(call.what.kind == JOB for call in calls)
    budget.record(**counts)


def test_on_sqlite_with_a_clock_that_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with several(tmp_path, JUMPS) as batches:
        check(batches, torture.budget("races-sqlite"), monkeypatch)


def test_on_postgresql_with_two_processes_half_a_minute_apart(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTOUT_DATABASE", database_url)  # for `optout serve keys`
    with several(tmp_path, "real()", AHEAD, database=database_url) as batches:
        check(batches, torture.budget("races-postgres"), monkeypatch)


def told(*calls: tuple[str, int, str, str | None]) -> list[Call[What, tuple[str, str | None]]]:
    """Return calls that came one after the other: kind, number, answer, id."""
    return [
        Call(What(kind, number), (answer, name), 2.0 * place, 2.0 * place + 1)
        for place, (kind, number, answer, name) in enumerate(calls)
    ]


OUT = (OPT_OUT, 1, "OPTED_OUT", "id#1")
DELETED = (DELETE, 2, DONE, None)


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param([OUT, OUT, DELETED, DELETED, (DESCRIBE, 0, GONE, None)], id="repeats"),
        pytest.param([OUT, DELETED, (OPT_OUT, 1, CONFLICT, None)], id="repeated after a release"),
        pytest.param([OUT, DELETED, (JOB, 0, "NEW_ENROLLMENT", "id#2"), DELETED], id="a new person"),
        pytest.param([OUT, (JOB, 0, "OPTED_OUT", None), (DESCRIBE, 0, "OPTED_OUT", "id#1")], id="not enrolled"),
        pytest.param([(DELETE, 2, GONE, None), OUT, (DELETE, 2, GONE, None)], id="nobody was there"),
    ],
)
def test_what_the_service_promises_is_possible(calls: list[Any]) -> None:
    assert order_of(told(*calls), Person(), step) is not None


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param([OUT, (DESCRIBE, 0, GONE, None)], id="an opt-out is lost"),
        pytest.param([OUT, (JOB, 0, "NEW_ENROLLMENT", "id#1")], id="enrolled although opted out"),
        pytest.param([OUT, DELETED, OUT], id="a repeat undoes the release"),
        pytest.param([DELETED], id="a deletion of nobody"),
        pytest.param(
            [OUT, DELETED, (OPT_OUT, 3, "OPTED_OUT", "id#2"), (DELETE, 2, GONE, None)], id="another answer"
        ),
        pytest.param(
            [OUT, DELETED, (OPT_OUT, 3, "OPTED_OUT", "id#2"), DELETED, (DESCRIBE, 0, GONE, None)],
            id="a repeat deletes again",
        ),
        pytest.param([OUT, (DESCRIBE, 0, "OPTED_OUT", "id#2")], id="another id for the same person"),
        pytest.param([OUT, DELETED, (OPT_OUT, 3, "OPTED_OUT", "id#1")], id="the id of before for a new person"),
        pytest.param([(OPT_OUT, 1, CONFLICT, None)], id="refused for nothing"),
    ],
)
def test_what_it_must_not_say_is_found(calls: list[Any]) -> None:
    assert order_of(told(*calls), Person(), step) is None


def test_a_call_without_an_answer_may_have_been_done_or_not() -> None:
    lost: Call[What, tuple[str, str | None]] = Call(What(OPT_OUT, 7), None, 0.5)
    later = told(OUT, (DESCRIBE, 0, GONE, None))[1]
    done = told(OUT, (DESCRIBE, 0, "OPTED_OUT", "id#9"))[1]
    assert order_of([lost, later], Person(), step) is not None
    assert order_of([lost, done], Person(), step) is not None
    assert order_of([lost, done, *told((DESCRIBE, 0, "OPTED_OUT", "id#8"))], Person(), step) is None
