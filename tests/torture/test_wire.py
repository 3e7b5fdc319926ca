"""Faults on the wire between the client and a real service: nothing acknowledged is lost, no answer is another's.

Most faults meet the client alone, from many threads at once. Whole runs of ``optout up`` meet the rest: below a
tenth of the replies a run ends converged; above it may end with an error that names places, and goes on from there.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests import torture
from tests.cli import projects
from tests.service.running import REGION, Service, child
from tests.torture.faulty_wire import KINDS, QUICK, faulty
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.speakers import SpeakerStatus, resource_id
from voiceid_optout.voiceid import VoiceIdError
from voiceid_optout.voiceid.client import Client
from voiceid_optout.voiceid.settings import ClientSettings, Quotas

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.projects import Project
    from tests.torture.faulty_wire import Wire

BEARABLE = 0.09  # of the replies: every call is answered in the end
SHARES = ((BEARABLE, 0.12), (0.5, 0.45), (0.9, 0.43))  # of replies that are spoilt, and of all faults
UNKNOWN = object()
UNPACED = Quotas(*(100_000,) * 4)
PEOPLE_EACH = 8
FAULTS_A_RUN = 8_000  # for each of them there is a whole run
FEW, MANY = 40, 200  # people of a run, in the short and in the long form


@dataclass
class Caller:
    """A thread that calls about people of its own, and knows what must be so."""

    client: Client
    domain_id: str
    name: str
    dice: random.Random
    expected: dict[str, object] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    failed: int = 0

    def work(self, wire: Wire, faults: int) -> None:
        while wire.faults.total() < faults and not self.wrong:
            person = f"planted-{self.name}-{self.dice.randrange(PEOPLE_EACH)}"
            operation = self.dice.choices(("opt_out", "describe", "delete", "list"), (50, 35, 10, 5))[0]
            try:
                self._call(operation, person)
            except VoiceIdError as error:
                self.failed += 1
                if operation in ("opt_out", "delete"):
                    self.expected[person] = UNKNOWN  # done or not, as the service was reached
                if "planted" in f"{error}{error.__cause__}":
                    self.wrong.append("an error names somebody")
            except Exception as error:  # noqa: BLE001 - judged by the test
                self.wrong.append(f"{operation}: {type(error).__name__}: {error}")

    def _call(self, operation: str, person: str) -> None:
        if operation == "opt_out":
            speaker = self.client.opt_out(self.domain_id, person)
            self._check(person, speaker.customer_speaker_id, person)
            self._check(person, speaker.status, SpeakerStatus.OPTED_OUT)
            self.expected[person] = speaker.generated_speaker_id
        elif operation == "delete":
            self.client.delete(self.domain_id, person)
            self.expected[person] = None
        elif operation == "describe":
            found = self.client.describe(self.domain_id, person)
            generated = None if found is None else found.generated_speaker_id
            self._check(person, generated, self.expected.get(person))
            self.expected[person] = generated
        else:
            page, _ = self.client.list_page(self.domain_id)
            self._check(person, {speaker.status for speaker in page} <= {SpeakerStatus.OPTED_OUT}, True)

    def _check(self, person: str, found: object, expected: object) -> None:
        if expected is not UNKNOWN and found != expected:
            self.wrong.append(f"{person}: {found} instead of {expected}")


def test_faults_on_the_wire(tmp_path: Path, forked_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = torture.budget("wire")
    dice = random.Random(budget.seed)
    counts: Counter[str] = Counter()
    with child(tmp_path / "data") as service:
        key, secret = service.keys()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for number in range(max(2, budget.count // FAULTS_A_RUN)):
            share = BEARABLE if number % 2 == 0 else dice.uniform(0.3, 0.9)
            people = MANY if budget.count > FAULTS_A_RUN else FEW
            counts += whole_run(tmp_path / f"run {number}", service, people, share, dice)
        rest = budget.count - counts["faults"]
        for share, part in SHARES:
            counts += many_calls(service, share, max(1, round(rest * part)), dice)
    print(dict(counts), f"{time.process_time():.0f} s of this process")
    assert counts["faults"] >= budget.count
    budget.record(**counts, lost=0)


def many_calls(service: Service, share: float, faults: int, dice: random.Random) -> Counter[str]:
    """Let many threads call through a faulty wire, until it has spoilt so many replies."""
    domain_id = service.new_domain()
    clients, threads = (16, 16) if faults > 2000 else (2, 8)
    with faulty(service.url, share, dice.randrange(10**9), KINDS) as wire:
        settings = ClientSettings(wire.url, REGION, UNPACED, read_timeout=5)
        callers = []
        for first in range(clients):
            client = Client(settings)
            for second in range(threads):
                seed = random.Random(dice.randrange(10**9))
                callers.append(Caller(client, domain_id, f"{first}-{second}", seed))
        crew = [threading.Thread(target=caller.work, args=(wire, faults)) for caller in callers]
        for member in crew:
            member.start()
        for member in crew:
            member.join()
        for caller in callers:
            caller.client.close()
    found = listed(service, domain_id)
    for caller in callers:
        assert caller.wrong == [], share
        known = {person: id_ for person, id_ in caller.expected.items() if id_ is not UNKNOWN}
        assert known == {person: found.get(person) for person in known}, share
    failed = sum(caller.failed for caller in callers)
    if share == BEARABLE:
        assert failed == 0
    print(f"share {share}: {wire.replies} replies, {failed} calls failed, {dict(wire.faults)}", flush=True)
    return Counter(faults=wire.faults.total(), replies=wire.replies, acknowledged=len(found))


def listed(service: Service, domain_id: str) -> dict[str, str]:
    """Return the service's own ids of everybody in the domain."""
    client = service.client()
    pages = client.get_paginator("list_speakers").paginate(DomainId=domain_id)
    speakers = [speaker for page in pages for speaker in page["SpeakerSummaries"]]
    client.close()
    return {speaker["CustomerSpeakerId"]: speaker["GeneratedSpeakerId"] for speaker in speakers}


def whole_run(root: Path, service: Service, count: int, share: float, dice: random.Random) -> Counter[str]:
    """Run ``up`` through a faulty wire, and once more through a good one if it did not end well."""
    domain_id = service.new_domain()
    project = projects.make_with(root, service, domain_id)
    people = [f"caller-{number:06}" for number in range(count)]
    project.people(*people)
    grouping = dice.choice(("single", "sharded"))
    with faulty(service.url, share, dice.randrange(10**9), QUICK) as wire:
        configure(project, wire.url, domain_id, grouping)
        code = up(project, share)
    assert code == 0 if share == BEARABLE else code in (0, ExitCode.FAILED, ExitCode.PARTIAL), (share, code)
    done = listed(service, domain_id)
    if code != 0:
        configure(project, service.url, domain_id, grouping)
        assert up(project, 0) == 0
    found = listed(service, domain_id)
    assert sorted(found) == people
    assert done.items() <= found.items(), "what was acknowledged is as it was"
    if grouping == "single":
        assert resource_ids(project) == {resource_id(domain_id, generated) for generated in found.values()}
    print(f"up: share {share:.2f}, {grouping}: exit {code}, {wire.faults.total()} faults", flush=True)
    return Counter(faults=wire.faults.total(), replies=wire.replies, runs=1)


def configure(project: Project, endpoint: str, domain_id: str, grouping: str) -> None:
    quotas = dict.fromkeys(("optOut", "describe", "delete", "list"), 2000)
    project.configure(
        endpoint=endpoint,
        region=REGION,
        domain="sandbox",
        domains={"sandbox": domain_id},
        quotas=quotas,
        grouping=grouping,
    )


def up(project: Project, share: float) -> int:
    """Run it; whatever happens, it says so in errors of its own, without identifiers."""
    finished = project.run("up", "--yes", "--parallel", "32")
    assert "Traceback" not in finished.output
    assert "caller-" not in finished.output
    if finished.exit_code not in (0, ExitCode.FAILED, ExitCode.PARTIAL) or (share == 0 and finished.exit_code):
        print(finished.output)
    if finished.exit_code == ExitCode.PARTIAL:
        # A few people are named by their lines; of many, and of a shard, it says how many they are.
        told = ("error: config/people.yaml:", " times)", " people of this shard are left)")
        assert any(words in finished.output for words in told), finished.output
    return finished.exit_code


def resource_ids(project: Project) -> set[str]:
    latest: Any = json.loads(project.state_file.read_bytes())["checkpoint"]["latest"]
    return {item["id"] for item in latest["resources"] if item["type"].endswith("OptedOutSpeaker")}
