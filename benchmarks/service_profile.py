"""Where the processor time of one OptOutSpeaker call goes.

``python -m benchmarks.service_profile [--requests N] [--connections N]`` times each step by itself, over and over
in one process, then a whole service under load; what the steps leave unexplained is HTTP, the event loop and the
passing of requests between threads. Printed is a table in Markdown, in microseconds of processor time a request.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from benchmarks.service import load, processor_seconds, serving
from benchmarks.service_load import Target
from voiceid_optout.model import load_model
from voiceid_optout.service.auth.keys import make_ring
from voiceid_optout.service.auth.quotas import Gate, Quotas
from voiceid_optout.service.auth.sigv4 import Verifier, header_map
from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.db.idempotency import mark_of
from voiceid_optout.service.db.store import Job, run_batch
from voiceid_optout.service.db.transaction import PersistentConnection, Transaction
from voiceid_optout.service.http.app import VoiceIdApi, _decode, _encode
from voiceid_optout.service.http.metrics import Metrics
from voiceid_optout.service.http.shapes import OutputFilter, Validator
from voiceid_optout.service.operations.catalogue import OFFERED
from voiceid_optout.service.operations.hooks import HOOKS
from voiceid_optout.service.settings import Tenant

if TYPE_CHECKING:
    from collections.abc import Callable

DOMAIN = "BenchmarkDomain0000000"
TARGET = Target("127.0.0.1", 8099, "us-east-1", "OPTOBENCHMARK", "not a secret")
ANSWER = {
    "Speaker": {
        "CreatedAt": 1.5,
        "CustomerSpeakerId": "caller-000017",
        "DomainId": DOMAIN,
        "GeneratedSpeakerId": "id#" + "a" * 22,
        "LastAccessedAt": None,
        "Status": "OPTED_OUT",
        "UpdatedAt": 1.5,
    }
}


async def _answer(_operation: str, _request: object, _mark: str | None) -> dict[str, Any]:
    return ANSWER


def _gate() -> Gate:
    return Gate(Quotas({"OptOutSpeaker": 1e9}))


def each(count: int, step: Callable[[], object]) -> float:
    """Return the processor time of one step in microseconds: the least of three runs."""

    def once() -> float:
        gc.collect()
        started = time.process_time()
        for _ in range(count):
            step()
        return (time.process_time() - started) / count * 1e6

    return min(once() for _ in range(3))


def steps(count: int) -> dict[str, float]:
    """Time what happens to one request before and after the database."""
    model = load_model()
    ring = make_ring([], {TARGET.access_key: TARGET.secret}, model["operations"])
    verifier, validator, cut = Verifier(ring.keys, "us-east-1"), Validator(model), OutputFilter(model)
    raw, body = _split(TARGET.requests(DOMAIN, ["caller-000017"])[0])
    headers = header_map(raw)
    signed = verifier.verify(headers, body, time.time())
    gate = _gate()

    timed = {
        "role, quota, mark": each(
            count, lambda: (gate.admit(signed, "OptOutSpeaker"), mark_of(signed.dated, signed.signature))
        ),
        "signature": each(count, lambda: verifier.verify(headers, body, time.time())),
        "JSON in, every constraint": each(count, lambda: validator.request("OptOutSpeaker", _decode(body))),
        "answer to the output's shape, JSON out": each(
            count, lambda: _encode(cut.result("OptOutSpeaker", ANSWER) or {})
        ),
    }
    application = VoiceIdApi(model, _answer, verifier, _gate(), Metrics())
    scope = {"method": "POST", "path": "/", "query_string": b"", "headers": raw}

    async def whole() -> float:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(_message: dict[str, Any]) -> None:
            return

        started = time.process_time()
        for _ in range(count):
            await application(scope, receive, send)
        return (time.process_time() - started) / count * 1e6

    rest = min(uvloop.run(whole()) for _ in range(3)) - sum(timed.values())
    return {**timed, "headers, dispatch, counters, response": rest}


def _split(request: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = (line.partition(b": ") for line in head.split(b"\r\n")[1:])
    return [(name.lower(), value) for name, _, value in lines], body


def storing(count: int, size: int) -> dict[str, float]:
    """Time batches of ``size`` requests in the database, without threads around it."""
    operations, tenant = {**OFFERED, **HOOKS}, Tenant("us-east-1")
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder))
        session, inside = PersistentConnection(database.writer), 0.0

        def run(jobs: list[Job]) -> None:
            def work(connection: Any) -> None:
                nonlocal inside
                started = time.process_time()
                run_batch(Transaction(connection, time.time(), tenant, database.token_key), jobs, operations)
                inside += time.process_time() - started

            session.run(work)

        def job(operation: str, **request: str) -> Job:
            mark = mark_of(1_800_000_000, uuid.uuid4().hex)
            return Job(operation, {"DomainId": DOMAIN, **request}, None, mark)  # type: ignore[arg-type]  # nobody waits

        run([job("EnsureDomain")])
        inside, started = 0.0, time.process_time()
        for first in range(0, count, size):
            run([job("OptOutSpeaker", SpeakerId=f"caller-{number}") for number in range(first, first + size)])
        whole = time.process_time() - started
        session.close()
        database.close()
    return {
        f"decision and SQL, {size} a batch": inside / count * 1e6,
        "begin, commit, sync": (whole - inside) / count * 1e6,
    }


def under_load(count: int, connections: int) -> float:
    """Return the processor time of one request of a whole service."""
    domains = [f"BenchmarkDomain{number:07}" for number in range(4)]
    options = [option for domain in domains for option in ("--domain", domain)]
    found = []
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "data", *options) as (target, pid):
        for domain in domains:
            requests = target.requests(domain, [f"caller-{number}" for number in range(count)])
            before = processor_seconds(pid)
            asyncio.run(load([target], [requests], connections, None))
            found.append((processor_seconds(pid) - before) / count * 1e6)
    return min(found[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    # With all connections busy, about half of the requests wait for the commit of the other half.
    parts = {**steps(options.requests), **storing(options.requests, options.connections // 2)}
    whole = under_load(options.requests, options.connections)
    parts["HTTP, event loop, passing between threads (the rest)"] = whole - sum(parts.values())
    print("| step | µs | share |\n| --- | --- | --- |")
    for name, microseconds in parts.items():
        print(f"| {name} | {microseconds:.1f} | {microseconds / whole:.0%} |")
    print(f"| **one OptOutSpeaker at {options.connections} connections** | **{whole:.1f}** | |")


if __name__ == "__main__":
    main()
