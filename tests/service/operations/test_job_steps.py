"""The steps of a job, and what becomes of it when the process that runs it is lost or ends."""

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.batch import ENDED, ROLE, enrolment, enrolments
from tests.service.db.test_store import DOMAIN, Clock
from voiceid_optout.service.db.database import FILE_NAME
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.errors import ApiError, concurrent_changes, internal
from voiceid_optout.service.jobs.objects import FolderObjects
from voiceid_optout.service.jobs.runner import JobRunner
from voiceid_optout.service.operations.catalogue import BACKGROUND, OFFERED
from voiceid_optout.service.operations.hooks import HOOKS
from voiceid_optout.service.settings import Limits, Tenant

LEASE = 10.0
PEOPLE = [enrolment(f"r{n}", f"caller-{n}") for n in range(3)]


class Scene:
    """A store with a submitted job, and a folder with its input."""

    def __init__(self, store: Store, clock: Clock, folder: Path) -> None:
        self.store, self.clock = store, clock
        self.objects = FolderObjects(str(folder))
        self.input = folder / "input" / "people.json"
        self.output = folder / "output"
        self.job_id = ""

    async def start(self) -> None:
        self.input.parent.mkdir()
        self.input.write_bytes(enrolments(PEOPLE))
        request = {
            "DomainId": DOMAIN,
            "DataAccessRoleArn": ROLE,
            "InputDataConfig": {"S3Uri": "s3://input/people.json"},
            "OutputDataConfig": {"S3Uri": "s3://output"},
        }
        self.job_id = (await self.store.run("StartSpeakerEnrollmentJob", request))["Job"]["JobId"]

    async def step(self, operation: str, owner: str, **more: Any) -> Any:
        request = {"JobId": self.job_id, "DomainId": DOMAIN, "Owner": owner, "Seconds": LEASE, **more}
        return await self.store.run(operation, request)

    async def apply(self, owner: str, *places: int, done: int) -> Any:
        names = [f"caller-{place}" for place in places]
        return await self.step("ApplyRequests", owner, Places=list(places), Names=names, Done=done)

    async def describe(self) -> Any:
        return (await self.store.run("DescribeSpeakerEnrollmentJob", {"DomainId": DOMAIN, "JobId": self.job_id}))[
            "Job"
        ]

    async def speakers(self) -> list[str]:
        found = await self.store.run("ListSpeakers", {"DomainId": DOMAIN})
        return [one["CustomerSpeakerId"] for one in found["SpeakerSummaries"]]

    async def run_to_the_end(self) -> Any:
        runner = JobRunner(self.store, self.objects, Limits())
        task = asyncio.create_task(runner.run())
        async with asyncio.timeout(20):
            while (job := await self.describe())["JobStatus"] not in ENDED:  # noqa: ASYNC110  as a caller would look
                await asyncio.sleep(0.01)
        runner.stop()
        await task
        return job

    def lines(self) -> Any:
        return json.loads((self.output / self.job_id / "people.json.out").read_bytes())


def play(tmp_path: Path, scenario: Callable[[Scene], Awaitable[None]], sinks: tuple[str, ...] = ()) -> None:
    async def main() -> None:
        clock = Clock()
        data, folder = tmp_path / "data", tmp_path / "objects"
        data.mkdir()
        folder.mkdir()
        store = Store(data, Tenant("us-east-1", sinks=sinks), {**OFFERED, **BACKGROUND, **HOOKS}, clock)
        try:
            await store.run("EnsureDomain", {"DomainId": DOMAIN})
            scene = Scene(store, clock, folder)
            await scene.start()
            await scenario(scene)
        finally:
            store.close()

    asyncio.run(main())


def test_one_owner_at_a_time(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.store.run("WaitingJobs", {}))["Waiting"] == [
            {"JobId": scene.job_id, "DomainId": DOMAIN}
        ]
        claims = await asyncio.gather(*(scene.step("ClaimJob", f"owner-{n}") for n in range(8)))
        assert [claim["Job"] is not None for claim in claims] == [True] + [False] * 7
        assert (await scene.store.run("WaitingJobs", {}))["Waiting"] == []
        assert (await scene.describe())["JobStatus"] == "IN_PROGRESS"

    play(tmp_path, scenario)


def test_who_lost_the_lease_can_do_nothing_any_more(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.step("ClaimJob", "first")
        await scene.step("BeginJob", "first", Digest="d", Total=3)
        scene.clock.time += LEASE + 1
        assert (await scene.step("ClaimJob", "second"))["Job"]["Done"] == 0
        steps: dict[str, dict[str, Any]] = {
            "RenewLease": {},
            "ReleaseJob": {},
            "BeginJob": {"Digest": "d", "Total": 3},
            "FinishJob": {"Status": "COMPLETED"},
        }
        for operation, more in steps.items():
            assert await scene.step(operation, "first", **more) == {"Held": False}
        assert await scene.apply("first", 0, 1, 2, done=3) == {"Held": False}
        assert await scene.speakers() == []
        assert await scene.apply("second", 0, done=1) == {"Held": True}
        assert await scene.speakers() == ["caller-0"]

    play(tmp_path, scenario)


def test_a_step_whose_commit_was_in_doubt_is_taken_once(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.step("ClaimJob", "first")
        for _ in range(2):
            assert await scene.apply("first", 0, 1, done=2) == {"Held": True}
        assert await scene.apply("first", 2, done=3) == {"Held": True}
        found = (await scene.store.run("ReadOutcomes", {"JobId": scene.job_id}))["Outcomes"]
        assert {decision for decision, _ in found.values()} == {"NEW_ENROLLMENT"}
        assert sorted(found) == [0, 1, 2]

    play(tmp_path, scenario)


def test_races_lost_to_others_do_not_end_a_job(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        run, refusals = scene.store.run, [concurrent_changes(), internal(), concurrent_changes()]

        async def unlucky(operation: str, request: Any, mark: str | None = None) -> Any:
            if operation == "ApplyRequests" and refusals:
                raise refusals.pop()
            return await run(operation, request, mark)

        scene.store.run = unlucky  # type: ignore[method-assign]
        assert (await scene.run_to_the_end())["JobStatus"] == "COMPLETED"
        assert refusals == []

    play(tmp_path, scenario)


def test_a_renewed_lease_holds(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.step("ClaimJob", "first")
        for _ in range(3):
            scene.clock.time += LEASE - 1
            assert await scene.step("RenewLease", "first") == {"Held": True}
        assert (await scene.step("ClaimJob", "second"))["Job"] is None

    play(tmp_path, scenario)


def test_the_next_owner_goes_on_and_the_output_tells_of_both(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.step("ClaimJob", "first")
        await scene.store.run("OptOutSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-2"})
        digest = hashlib.sha256(scene.input.read_bytes()).hexdigest()
        await scene.step("BeginJob", "first", Digest=digest, Total=3)
        await scene.apply("first", 0, done=1)
        assert (await scene.describe())["JobProgress"] == {"PercentComplete": 33}
        await scene.step("ReleaseJob", "first")
        await scene.store.run("OptOutSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-0"})
        job = await scene.run_to_the_end()
        assert job["JobStatus"] == "COMPLETED_WITH_ERRORS"
        decided = {line["RequestId"]: line["EnrollmentStatus"] for line in scene.lines()["SuccessfulEnrollments"]}
        assert decided == {"r0": "NEW_ENROLLMENT", "r1": "NEW_ENROLLMENT"}
        assert [line["ErrorCode"] for line in scene.lines()["Errors"]] == [409]
        status = await scene.store.run("DescribeSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-0"})
        assert status["Speaker"]["Status"] == "OPTED_OUT"

    play(tmp_path, scenario)


def test_an_input_changed_half_way_fails_the_job(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.step("ClaimJob", "first")
        await scene.step("BeginJob", "first", Digest="of another content", Total=3)
        await scene.apply("first", 0, done=1)
        await scene.step("ReleaseJob", "first")
        job = await scene.run_to_the_end()
        assert (job["JobStatus"], job["FailureDetails"]["StatusCode"]) == ("FAILED", 409)
        assert "was changed" in job["FailureDetails"]["Message"]
        assert await scene.speakers() == ["caller-0"]

    play(tmp_path, scenario)


def test_a_domain_that_is_suspended_meanwhile_fails_the_job(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.store.run("DeleteDomain", {"DomainId": DOMAIN})
        job = await scene.run_to_the_end()
        assert job["JobStatus"] == "FAILED"
        assert job["FailureDetails"] == {"Message": "The domain is not active.", "StatusCode": 409}

    play(tmp_path, scenario)


def test_a_job_whose_domain_is_erased_is_gone(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.step("ClaimJob", "first")
        await scene.apply("first", 0, done=1)
        await scene.store.run("DeleteDomain", {"DomainId": DOMAIN})
        scene.clock.time += 31 * 24 * 3600
        await scene.store.run("EraseDeleted", {})
        assert await scene.apply("first", 1, done=2) == {"Held": False}
        assert (await scene.store.run("ReadOutcomes", {"JobId": scene.job_id}))["Outcomes"] == {}
        with pytest.raises(ApiError):
            await scene.describe()

    play(tmp_path, scenario)


def test_a_fault_of_ours_ends_the_job_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(scene: Scene) -> None:
        def broken(uri: str) -> bytes:
            raise RuntimeError("caller-secret")

        scene.objects.read = broken  # type: ignore[method-assign]
        job = await scene.run_to_the_end()
        assert job["FailureDetails"] == {"Message": "The service could not complete the job.", "StatusCode": 500}
        assert "RuntimeError" in caplog.text
        assert "secret" not in caplog.text

    play(tmp_path, scenario)


def test_a_runner_told_to_end_gives_its_job_back(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        runner = JobRunner(scene.store, scene.objects, Limits())
        read = scene.objects.read

        def told(uri: str) -> bytes:
            runner.stop()
            return read(uri)

        scene.objects.read = told  # type: ignore[method-assign]
        async with asyncio.timeout(20):
            await runner.run()
        assert (await scene.describe())["JobStatus"] == "IN_PROGRESS"
        scene.objects.read = read  # type: ignore[method-assign]
        assert (await scene.run_to_the_end())["JobStatus"] == "COMPLETED"

    play(tmp_path, scenario)


def test_events_tell_of_everybody_who_was_enrolled_or_refused(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        run = scene.store.run
        refused = (await run("OptOutSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-0"}))["Speaker"]
        await run("SeedSpeaker", {"DomainId": DOMAIN, "CustomerSpeakerId": "caller-1", "Status": "ENROLLED"})
        await scene.step("ClaimJob", "first")
        await scene.apply("first", 0, 1, 2, done=3)
        new = (await run("DescribeSpeaker", {"DomainId": DOMAIN, "SpeakerId": "caller-2"}))["Speaker"]
        bodies = await asyncio.to_thread(written, tmp_path / "data")
        events = [json.loads(body)["detail"] for body in bodies]
        assert [event["action"] for event in events] == ["OPT_OUT_SPEAKER", "ENROLL_SPEAKER", "ENROLL_SPEAKER"]
        assert (events[1]["status"], events[1]["generatedSpeakerId"]) == ("FAILURE", refused["GeneratedSpeakerId"])
        assert events[1]["errorInfo"]["errorCode"] == 409
        assert (events[2]["status"], events[2]["generatedSpeakerId"]) == ("SUCCESS", new["GeneratedSpeakerId"])
        assert events[2]["data"] == {
            "enrollmentSource": "BATCH",
            "enrollmentSourceId": scene.job_id,
            "enrollmentStatus": "NEW_ENROLLMENT",
        }
        assert "caller" not in str(bodies)

    play(tmp_path, scenario, sinks=("file",))


def written(data: Path) -> list[str]:
    """Return what lies in the outbox."""
    with sqlite3.connect(data / FILE_NAME) as database:
        rows = database.execute("SELECT body FROM event_outbox ORDER BY sequence").fetchall()
    database.close()
    return [body for (body,) in rows]
