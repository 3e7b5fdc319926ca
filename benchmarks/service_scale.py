"""Writes and pages a second in a domain of many speakers, by database and by the number of service processes.

``python -m benchmarks.service_scale [--speakers N] [--requests N] [SERVICE ...]`` measures by themselves the cells
that ``make bench`` puts into a table. A cell starts a database of its own, fills one domain by one statement, and
starts the processes. Then it opts new people out, and reads pages of 100 from places all over the domain, over
connections that stay open and that all processes share. The load comes from this process, on the same processors.
Measured, too, is for how long a write holds its domain: nobody else can write there meanwhile, so that this bounds
what a domain takes, however many processes and processors there are.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop
from sqlalchemy import text

from benchmarks.cells import PEERS, Cell, Kind, Phase
from benchmarks.people import DOMAIN
from benchmarks.process import busy_seconds, processor_seconds
from benchmarks.results import DONE, Result
from benchmarks.service import REGION, load, serving
from benchmarks.service_fill import fill
from benchmarks.service_joining import join
from tests.service.cluster import Cluster, binaries, cluster
from voiceid_optout.service.db.database import Database, open_database
from voiceid_optout.service.db.idempotency import mark_of
from voiceid_optout.service.db.store import Job, domains_written, run_batch
from voiceid_optout.service.db.transaction import PersistentConnection, Transaction
from voiceid_optout.service.operations import paging
from voiceid_optout.service.operations.catalogue import OFFERED
from voiceid_optout.service.operations.hooks import HOOKS
from voiceid_optout.service.settings import Limits, Tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from benchmarks.service_load import Target

REQUESTS = 10_000
CONNECTIONS = 64
A_PAGE = 10  # opt-outs, for each page that is read
ROUNDS = 3
BATCH = 256  # people in the larger of two transactions that are timed
HOLDS = 30
JOINING = 4  # processes that, in another domain, join one after another while opt-outs arrive
OTHERS = "BenchmarkDomain0000001"
# What a server of this size needs; everything else is as its makers ship it.
_SERVER = {"shared_buffers": "512MB", "max_wal_size": "2GB"}
_ROOM = 1_000_000  # of a domain, above those who are there


@dataclass(slots=True)
class Scale:
    """Services that run on one database, with a domain that is full of people."""

    targets: list[Target]
    services: list[int]
    database: Callable[[], float]
    told: dict[str, float] = field(default_factory=dict)

    def load(self, name: str, rounds: Sequence[Sequence[list[bytes]]]) -> None:
        """Send batches, one a target; note of the best round answers a second, p50, p99, microseconds an answer."""
        best = 0.0
        for batches in rounds:
            service, database, own = self._services(), self.database(), time.process_time()
            result = uvloop.run(load(self.targets, list(batches), CONNECTIONS, None))
            if result.failures:
                raise SystemExit(f"{len(result.failures)} calls failed, the first with: {result.failures[0]!r}")
            if result.rate < best:
                continue
            best, each = result.rate, 1e6 / len(result.latencies)
            self.told |= {
                f"{name}_rate": round(result.rate, 1),
                f"{name}_p50": round(result.percentile(0.5), 2),
                f"{name}_p99": round(result.percentile(0.99), 2),
                f"{name}_service": round((self._services() - service) * each, 1),
                f"{name}_database": round((self.database() - database) * each, 1),
                f"{name}_load": round((time.process_time() - own) * each, 1),
            }

    def _services(self) -> float:
        return sum(map(processor_seconds, self.services))


def measure(cell: Cell, work: Path, requests: int = REQUESTS) -> Result:
    """Run a cell of Kind.SERVICE in a folder. Its processor seconds are those of services, database and load."""
    _, name, count = cell.peer.split("-")
    busy, started, used = busy_seconds(), time.perf_counter(), os.times()
    with ExitStack() as stack:
        server = stack.enter_context(_server()) if name == "postgres" else None
        url = server.new_database() if server else None
        (work / "service-0").mkdir(0o700)
        database = open_database(work / "service-0", url)
        stack.callback(database.close)
        places = _filled(database, cell.people)
        found = _held(database)
        options = ["--domain", DOMAIN, "--speakers-per-domain", str(cell.people + _ROOM)]
        options += ["--database", url] if url else []
        ready = time.perf_counter()
        running = [
            stack.enter_context(serving(work / f"service-{number}", *options)) for number in range(int(count))
        ]
        found["start"] = round((time.perf_counter() - ready) / int(count), 3)
        scale = Scale([one for one, _ in running], [pid for _, pid in running], _used_by(server), found)
        scale.load("write", [_writes(scale.targets, number, requests) for number in range(ROUNDS)])
        scale.load(
            "page", [_pages(scale.targets, database.token_key, places, requests // A_PAGE) for _ in range(ROUNDS)]
        )
        if int(count) >= JOINING:
            joined = join(work, OTHERS, ["--domain", OTHERS, *options], int(count))
            found |= {f"join_{name}": value for name, value in joined.told().items()}
        peak = max(map(_most_memory, scale.services))
        service = sum(map(processor_seconds, scale.services))
        spent = service + scale.database() + sum(os.times()[:2]) - sum(used[:2])
    wall = time.perf_counter() - started
    return Result(
        cell=cell,
        date=datetime.now(UTC).date().isoformat(),
        outcome=DONE,
        wall=round(wall, 3),
        cpu=round(spent - service, 3),
        service=round(service, 3),
        peak=peak,
        tree=peak * int(count),
        told=found,
        others=round(max(0.0, busy_seconds() - busy - spent), 2),
    )


def _server() -> Any:
    found = binaries()
    if found is None:
        raise SystemExit("PostgreSQL's server is not installed")
    return cluster(found, **_SERVER)


def _used_by(server: Cluster | None) -> Callable[[], float]:
    """Return what tells the processor seconds of a database server; SQLite works within the service."""
    if server is None or server.process is None:
        return lambda: 0.0
    pid = server.process.pid

    def used() -> float:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return processor_seconds(pid) + sum(processor_seconds(int(child)) for child in children)

    return used


def _filled(database: Database, people: int) -> tuple[int, int]:
    """Fill the domain; returns the first and the last sequence number in it."""
    store = PersistentConnection(database.writer)
    job = Job("EnsureDomain", {"DomainId": DOMAIN}, None)  # type: ignore[arg-type]  # nobody waits for its answer
    store.run(lambda connection: run_batch(_transaction(connection, database), [job], {**OFFERED, **HOOKS}))
    store.close()
    with database.writer.begin() as connection:
        fill(connection, people)
        first, last = connection.execute(text("SELECT min(sequence), max(sequence) FROM speakers")).one()
    return first, last


def _transaction(connection: Connection, database: Database) -> Transaction:
    tenant = Tenant(REGION, limits=Limits(speakers_per_domain=10**9))
    return Transaction(connection, time.time(), tenant, database.token_key)


def _held(database: Database) -> dict[str, float]:
    """Return how long a write holds its domain: milliseconds for one person, and microseconds for each one more.

    From the lock to the end of the commit, without other work for the database; of many batches, the quickest. The
    second is processor time, of this process and of the database, which work in turn.
    """
    operations, session = {**OFFERED, **HOOKS}, PersistentConnection(database.writer)

    def hold(size: int) -> tuple[float, float]:
        jobs = [_opt_out() for _ in range(size)]

        def work(connection: Connection) -> tuple[float, float, int | None]:
            database.lock(connection, domains_written(jobs, operations))
            pid = (
                connection.scalar(text("SELECT pg_backend_pid()")) if connection.dialect.name != "sqlite" else None
            )
            before = time.perf_counter(), time.thread_time() + _worked(pid)
            run_batch(_transaction(connection, database), jobs, operations)
            return *before, pid

        started, worked, pid = session.run(work)
        return time.perf_counter() - started, time.thread_time() + _worked(pid) - worked

    one, many = ([hold(size) for _ in range(HOLDS)] for size in (1, BATCH))
    session.close()
    more = min(worked for _, worked in many) - min(worked for _, worked in one)
    return {
        "hold_one": round(min(taken for taken, _ in one) * 1e3, 3),
        "hold_more": round(more / (BATCH - 1) * 1e6, 1),
    }


def _worked(pid: int | None) -> float:
    """Return the processor seconds of a process, finer than the clock's ticks; nothing for none."""
    if pid is None:
        return 0.0
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def _opt_out() -> Job:
    request = {"DomainId": DOMAIN, "SpeakerId": f"held-{uuid.uuid4().hex}"}
    mark = mark_of(int(time.time()), uuid.uuid4().hex)
    return Job("OptOutSpeaker", request, None, mark)  # type: ignore[arg-type]  # nobody waits for its answer


def _writes(targets: Sequence[Target], number: int, requests: int) -> list[list[bytes]]:
    """Return opt-outs of new people, a batch a target."""
    return [
        target.requests(DOMAIN, [f"new-{number}-{place}-{one}" for one in range(requests // len(targets))])
        for place, target in enumerate(targets)
    ]


def _pages(targets: Sequence[Target], key: bytes, places: tuple[int, int], pages: int) -> list[list[bytes]]:
    """Return requests for pages, from the first of the domain to the last, a batch a target."""
    first, last = places
    request = {"DomainId": DOMAIN, "MaxResults": 100}
    bodies = [
        {
            **request,
            "NextToken": paging.issue(
                key, "ListSpeakers", request, first - 1 + (last - first) * one // pages, time.time()
            ),
        }
        for one in range(pages)
    ]
    return [target.signed("ListSpeakers", bodies[place :: len(targets)]) for place, target in enumerate(targets)]


def _most_memory(pid: int) -> int:
    """Return the most bytes that a process had in memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    services = [peer.name for peer in PEERS.values() if peer.kind is Kind.SERVICE]
    parser.add_argument("services", nargs="*", metavar="SERVICE", default=services, help=", ".join(services))
    parser.add_argument("--speakers", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    options = parser.parse_args()
    for service in options.services:
        with tempfile.TemporaryDirectory() as folder:
            result = measure(Cell(service, options.speakers, Phase.SERVE), Path(folder), options.requests)
        told = ", ".join(f"{name} {value:g}" for name, value in result.told.items())
        print(f"{service}: {told}; {result.peak / 1e6:.0f} MB; others {result.others} s", flush=True)


if __name__ == "__main__":
    main()
