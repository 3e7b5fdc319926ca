"""What a page of ListSpeakers costs at the beginning, in the middle and at the end of a large domain.

``python -m benchmarks.service_pages [--speakers N] [--rounds N]`` fills a database with a domain of 1,000,000
speakers by one statement, and reads pages of 100 at three places of it, through the service's own store and
without HTTP. With a PostgreSQL URL of an empty database in ``OPTOUT_DATABASE`` it does the same there. Printed are
medians and the ratio of the last page to the first; the three places are read in turn, so that other work on the
machine meets all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from benchmarks.people import DOMAIN
from benchmarks.service_fill import fill
from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.operations import paging
from voiceid_optout.service.operations.catalogue import OFFERED
from voiceid_optout.service.operations.hooks import HOOKS
from voiceid_optout.service.settings import Limits, Tenant


async def measure(folder: Path, count: int, rounds: int, database: str | None) -> None:
    """Fill, read, and print."""
    tenant = Tenant("us-east-1", limits=Limits(speakers_per_domain=count))
    store = Store(folder, tenant, {**OFFERED, **HOOKS}, database=database)
    opened = open_database(folder, database)
    try:
        await store.run("EnsureDomain", {"DomainId": DOMAIN})
        started = time.perf_counter()
        with opened.writer.begin() as connection:
            fill(connection, count)
            first, last = connection.execute(text("SELECT min(sequence), max(sequence) FROM speakers")).one()
            name = connection.dialect.name
        print(f"{name}: {count:,} speakers inserted in {time.perf_counter() - started:.0f} s")
        request = {"DomainId": DOMAIN, "MaxResults": 100}
        places = {"first": first - 1, "middle": (first + last) // 2, "last": last - 100}
        taken: dict[str, list[float]] = {place: [] for place in places}
        for _ in range(rounds):
            for place, sequence in places.items():
                token = paging.issue(opened.token_key, "ListSpeakers", request, sequence, time.time())
                started = time.perf_counter()
                page = await store.run("ListSpeakers", {**request, "NextToken": token})
                taken[place].append(time.perf_counter() - started)
                if len(page["SpeakerSummaries"]) != 100 or ("NextToken" in page) is (place == "last"):
                    raise SystemExit(f"the {place} page is not what it should be")
        medians = {place: statistics.median(times) * 1e6 for place, times in taken.items()}
        shown = ", ".join(f"{place} {median:.0f} µs" for place, median in medians.items())
        print(f"{name}: median of {rounds} pages: {shown}; last : first = {medians['last'] / medians['first']:.2f}")
    finally:
        opened.close()
        await asyncio.to_thread(store.close)


def main() -> None:
    """Measure SQLite, and PostgreSQL where a URL is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speakers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    databases = [None, os.environ["OPTOUT_DATABASE"]] if os.environ.get("OPTOUT_DATABASE") else [None]
    for database in databases:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(Path(folder), options.speakers, options.rounds, database))


if __name__ == "__main__":
    main()
