"""One PostgreSQL database, several services: every job is run by one of them, and every opt-out wins."""

import asyncio
from pathlib import Path
from typing import Any

from tests.service.batch import ENDED, ROLE, enrolment, enrolments
from tests.service.db.test_store import DOMAIN
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.jobs.objects import FolderObjects
from voiceid_optout.service.jobs.runner import JobRunner
from voiceid_optout.service.operations.catalogue import BACKGROUND, OFFERED
from voiceid_optout.service.operations.hooks import HOOKS
from voiceid_optout.service.settings import Limits, Tenant

NAMES = [f"caller-{number}" for number in range(400)]


class Objects(FolderObjects):
    """A folder that notes what was written."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.written: list[str] = []

    def write(self, uri: str, content: bytes, kms_key_id: str | None) -> None:
        self.written.append(uri)
        super().write(uri, content, kms_key_id)


def test_services_share_the_work_and_opt_outs_win(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "people.json").write_bytes(enrolments([enrolment(name, name) for name in NAMES]))
    objects = Objects(str(tmp_path))

    async def main() -> None:
        operations = {**OFFERED, **BACKGROUND, **HOOKS}
        stores = [Store(tmp_path, Tenant("us-east-1"), operations, database=database_url) for _ in range(3)]
        try:
            await stores[0].run("EnsureDomain", {"DomainId": DOMAIN})
            await race(stores, objects)
        finally:
            for store in stores:
                await asyncio.to_thread(store.close)

    asyncio.run(main())


async def race(stores: list[Store], objects: Objects) -> None:
    """Run one job with a runner a service, while callers of all services opt out half of its people."""
    runners = [JobRunner(store, objects, Limits()) for store in stores]
    tasks = [asyncio.create_task(runner.run()) for runner in runners]
    request = {
        "DomainId": DOMAIN,
        "DataAccessRoleArn": ROLE,
        "InputDataConfig": {"S3Uri": "s3://input/people.json"},
        "OutputDataConfig": {"S3Uri": "s3://output"},
    }
    job = (await stores[0].run("StartSpeakerEnrollmentJob", request))["Job"]
    asked = NAMES[::2]
    for index, name in enumerate(asked[::-1]):
        await stores[index % 3].run("OptOutSpeaker", {"DomainId": DOMAIN, "SpeakerId": name})
    await ended(stores[1], {"DomainId": DOMAIN, "JobId": job["JobId"]})
    for runner in runners:
        runner.stop()
    await asyncio.gather(*tasks)
    assert objects.written == [f"s3://output/{job['JobId']}/people.json.out"]
    expected = {name: "OPTED_OUT" if name in set(asked) else "ENROLLED" for name in NAMES}
    assert await statuses(stores[2]) == expected


async def ended(store: Store, place: dict[str, Any]) -> None:
    async with asyncio.timeout(30):
        while (await store.run("DescribeSpeakerEnrollmentJob", place))["Job"]["JobStatus"] not in ENDED:  # noqa: ASYNC110  as a caller
            await asyncio.sleep(0.02)


async def statuses(store: Store) -> dict[str, str]:
    found: dict[str, str] = {}
    more: dict[str, Any] = {}
    while True:
        page = await store.run("ListSpeakers", {"DomainId": DOMAIN, **more})
        found |= {one["CustomerSpeakerId"]: one["Status"] for one in page["SpeakerSummaries"]}
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    return found
