"""A deleted domain leaves nothing behind, in any table."""

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select

from tests.service.db.test_store import DOMAIN, Clock
from tests.service.operations.test_job_steps import Scene
from tests.service.test_expiry import evaluate, play, seed
from voiceid_optout.service.db.database import FILE_NAME
from voiceid_optout.service.db.schema import metadata
from voiceid_optout.service.db.store import Store

KEPT = {"meta", "client_tokens"}


def rows(folder: Path) -> dict[str, int]:
    engine = create_engine(f"sqlite:///{folder / FILE_NAME}")
    with engine.connect() as connection:
        tables = [table for name, table in metadata.tables.items() if name not in KEPT]
        counts = {t.name: connection.scalar(select(func.count()).select_from(t)) or 0 for t in tables}
    engine.dispose()
    return counts


def test_nothing_of_a_deleted_domain_is_left(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "objects"
    data.mkdir()
    folder.mkdir()

    async def scenario(store: Store, clock: Clock) -> None:
        scene = Scene(store, clock, folder)
        await seed(store, "caller-x", "ENROLLED")
        await evaluate(store, "caller-x")
        await store.run("CreateWatchlist", {"DomainId": DOMAIN, "Name": "other"})
        arn = f"arn:aws:voiceid:us-east-1:000000000000:domain/{DOMAIN}"
        await store.run("TagResource", {"ResourceArn": arn, "Tags": [{"Key": "a", "Value": "b"}]})
        await scene.start()
        await scene.step("ClaimJob", "first")
        await scene.apply("first", 0, 1, done=2)
        await register(store)
        filled = await asyncio.to_thread(rows, data)
        ours = {"domains", "speakers", "tags", "jobs", "job_outcomes", "watchlists", "fraudsters", "sessions"}
        assert {name for name, count in filled.items() if count} >= ours | {"watchlist_members"}
        await store.run("DeleteDomain", {"DomainId": DOMAIN})
        clock.time += 31 * 24 * 3600
        assert (await store.run("EraseDeleted", {}))["Erased"] > len(ours)
        assert await store.run("EraseDeleted", {}) == {"Erased": 0}
        left = await asyncio.to_thread(rows, data)
        assert {name: count for name, count in left.items() if count and name in {*ours, "watchlist_members"}} == {}

    play(data, scenario)


async def register(store: Store) -> Any:
    """Register a fraudster by the steps of a job."""
    request = {
        "DomainId": DOMAIN,
        "DataAccessRoleArn": "arn:aws:iam::123456789012:role/reader",
        "InputDataConfig": {"S3Uri": "s3://input/people.json"},
        "OutputDataConfig": {"S3Uri": "s3://output"},
    }
    job = (await store.run("StartFraudsterRegistrationJob", request))["Job"]
    place = {"JobId": job["JobId"], "DomainId": DOMAIN, "Owner": "first", "Seconds": 10.0}
    await store.run("ClaimJob", place)
    await store.run("ApplyRequests", {**place, "Places": [0], "Names": [None], "Done": 1})
