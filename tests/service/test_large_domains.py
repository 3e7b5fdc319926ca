"""What an operation reads does not grow with the people of a domain; counted by the database, not by a clock."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from benchmarks.people import DOMAIN
from benchmarks.service_fill import fill
from voiceid_optout.service.auth.keys import KEYS
from voiceid_optout.service.db.database import READINESS, Database, open_database
from voiceid_optout.service.db.idempotency import mark_of
from voiceid_optout.service.db.store import Job, domains_written, run_batch
from voiceid_optout.service.db.transaction import PersistentConnection, Transaction
from voiceid_optout.service.errors import ApiError
from voiceid_optout.service.events.outbox import DELIVERY, lag
from voiceid_optout.service.operations import paging
from voiceid_optout.service.operations.catalogue import BACKGROUND, OFFERED
from voiceid_optout.service.operations.domains import ERASED_AT_ONCE
from voiceid_optout.service.operations.hooks import HOOKS
from voiceid_optout.service.settings import Limits, Tenant

OPERATIONS = {**OFFERED, **BACKGROUND, **HOOKS, **KEYS, **READINESS, **DELIVERY}
TENANT = Tenant("us-east-1", limits=Limits(speakers_per_domain=10**6))
SMALL, LARGE = 300, 6_000
PAGE = {"DomainId": DOMAIN, "MaxResults": 20}


class Large:
    """A domain with so many people, and what the database reads for an operation."""

    def __init__(self, database: Database, people: int) -> None:
        self._database = database
        self._session = PersistentConnection(database.writer)
        self.run("EnsureDomain", {"DomainId": DOMAIN})
        self._session.run(lambda connection: fill(connection, people))

    def run(self, operation: str, request: dict[str, Any]) -> tuple[Any, int]:
        """Return the answer, and the rows (PostgreSQL) or steps (SQLite) it took."""
        mark = mark_of(int(time.time()), uuid.uuid4().hex) if operation in OFFERED else None
        jobs = [Job(operation, request, None, mark)]  # type: ignore[arg-type]  # nobody waits for its answer

        def work(connection: Connection) -> tuple[Any, int]:
            count = steps(connection)
            self._database.lock(connection, domains_written(jobs, OPERATIONS))
            tx = Transaction(connection, time.time(), TENANT, self._database.token_key)
            answer = run_batch(tx, jobs, OPERATIONS)[0]
            return answer, count()

        return self._session.run(work)

    def token(self, after: int) -> str:
        return paging.issue(self._database.token_key, "ListSpeakers", PAGE, after, time.time())

    def close(self) -> None:
        self._session.close()
        self._database.close()


def steps(connection: Connection) -> Callable[[], int]:
    """Begin to count what the database does in this transaction; the result tells how much it was."""
    if connection.dialect.name == "postgresql":
        read = text("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables")
        before = connection.scalar(read) or 0
        return lambda: int((connection.scalar(read) or 0) - before)
    counted: list[None] = []
    driver: Any = connection.connection.dbapi_connection
    driver.set_progress_handler(lambda: counted.append(None), 1)

    def stop() -> int:
        driver.set_progress_handler(None, 1)
        return len(counted)

    return stop


@pytest.fixture(params=["sqlite", "postgresql"])
def domains(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Large, Large]]:
    def opened(people: int) -> Large:
        folder = tmp_path / str(people)
        folder.mkdir(mode=0o700)
        url = request.getfixturevalue("postgres").new_database() if request.param == "postgresql" else None
        return Large(open_database(folder, url), people)

    both = opened(SMALL), opened(LARGE)
    yield both
    for one in both:
        one.close()


def test_no_operation_walks_everybody(domains: tuple[Large, Large]) -> None:
    def spent(large: Large, people: int) -> dict[str, int]:
        last = people - PAGE["MaxResults"]  # type: ignore[operator]
        asked: dict[str, tuple[str, dict[str, Any]]] = {
            "first page": ("ListSpeakers", PAGE),
            "last page": ("ListSpeakers", {**PAGE, "NextToken": large.token(last)}),
            "describe": ("DescribeSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-000200"}),
            "opt out": ("OptOutSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-new"}),
            "opt out again": ("OptOutSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-000200"}),
            "release": ("DeleteSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-000201"}),
            "domain": ("DescribeDomain", {"DomainId": DOMAIN}),
            "domains": ("ListDomains", {}),
            "start": ("EnsureDomain", {"DomainId": DOMAIN}),
            "expiry": ("ExpireSpeakers", {}),
            "erasure": ("EraseDeleted", {}),
            "metrics": ("EventLag", {}),
            "readiness": ("CanRead", {}),
        }
        found = {}
        for name, (operation, request) in asked.items():
            answer, found[name] = large.run(operation, request)
            assert isinstance(answer, dict), (name, answer)
            if "page" in name:
                assert len(answer["SpeakerSummaries"]) == PAGE["MaxResults"]
        return found

    small, large = (spent(one, people) for one, people in zip(domains, (SMALL, LARGE), strict=True))
    grown = {name: (few, large[name]) for name, few in small.items() if large[name] > few * 1.5 + 20}
    assert grown == {}


def test_events_that_wait_are_counted_by_their_index_alone(tmp_path: Path) -> None:
    """Their bodies are most of the outbox; who measures every few seconds must not read them all."""
    database, asked = open_database(tmp_path), []
    event.listen(database.reader, "before_cursor_execute", lambda _c, _cursor, text, *_: asked.append(text))
    with database.reader.begin() as connection:
        lag(Transaction(connection, time.time(), TENANT, database.token_key), {})
        plans = [
            row.detail for text in asked[:] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")
        ]
    database.close()
    scans = [plan for plan in plans if "SCAN event_outbox" in plan]
    assert len(scans) == 1
    assert "USING COVERING INDEX event_outbox_in_order" in scans[0]


def test_a_deleted_domain_is_erased_in_pieces(
    domains: tuple[Large, Large], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction for everybody would keep all others from writing for as long as it takes."""
    for large, people in zip(domains, (SMALL, LARGE), strict=True):
        large.run("DeleteDomain", {"DomainId": DOMAIN})
        monkeypatch.setattr("voiceid_optout.service.operations.domains.GRACE_SECONDS", -1)
        pieces = []
        while True:
            answer, _ = large.run("EraseDeleted", {})
            if not answer["Erased"]:
                break
            pieces.append(answer["Erased"])
        assert max(pieces) <= ERASED_AT_ONCE
        assert sum(pieces) == people + 2  # the domain, and its watchlist
        found, _ = large.run("DescribeDomain", {"DomainId": DOMAIN})
        assert isinstance(found, ApiError)
