"""Many people in a resource: the same plans, drift and repairs, and a way there and back that changes nobody."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e import copies
from tests.e2e.commands import Shell, eventually, optout_command
from tests.e2e.services import Service, opted_out
from tests.e2e.test_leaks import PERSON, leaking_files
from voiceid_optout import speakers
from voiceid_optout.speakers import label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.copies import Copy

PEOPLE = [f"caller-{n:06}" for n in range(20)]
BACK = "caller-000099"
RELEASED = {BACK: "consented again in writing"}
PULUMI = shutil.which("pulumi")


def group(copy: Copy, service: Service, grouping: str, **more: Any) -> None:
    """Set how the stack groups people."""
    copies.write_stack(copy, service.running.url, grouping=grouping, **more)


@pytest.fixture
def sharded(copy: Copy, service: Service) -> Copy:
    """Give a copy whose people share resources, not yet applied."""
    group(copy, service, "sharded")
    copy.write(PEOPLE, RELEASED)
    return copy


@pytest.fixture
def managed(sharded: Copy) -> Copy:
    """Give a copy whose people are opted out."""
    sharded.up()
    return sharded


def shards(copy: Copy) -> dict[str, dict[str, Any]]:
    """Return the shards in the state, by name: id, type and outputs."""
    latest = json.loads(copy.state_file.read_bytes())["checkpoint"]["latest"]
    found = [item for item in latest.get("resources", ()) if item["type"].endswith("OptedOutSpeakers")]
    return {item["urn"].rsplit("::", 1)[1]: {"id": item["id"], **item["outputs"]} for item in found}


def everybody(service: Service, copy: Copy) -> list[dict[str, Any]]:
    """Return all that the service says of everybody, times included."""
    pages = service.client.get_paginator("list_speakers").paginate(DomainId=copy.domain_id)
    return [speaker for page in pages for speaker in page["SpeakerSummaries"]]


def test_a_life(sharded: Copy, service: Service) -> None:
    first = sharded.up()
    assert "Plan for stack test: 20 to opt out, 1 to release, 0 unchanged" in first.out
    assert "Done: 20 opted out, 1 released." in first.out
    assert service.statuses(sharded.domain_id) == opted_out(PEOPLE)
    labels = [label(sharded.domain_id, sharded.domain_id, person) for person in [*PEOPLE, *RELEASED]]
    assert shards(sharded).keys() == {f"{sharded.domain_id}-{speakers.shard_of(each)}" for each in labels}
    assert sorted(
        line[:19] for found in shards(sharded).values() for line in found["members"].splitlines()
    ) == sorted(labels)
    again = sharded.up()
    assert "21 unchanged" in again.out
    assert "Nothing changed" in again.out

    # One added, one taken out, one released.
    sharded.write([*PEOPLE[1:-1], "caller-000050"], {**RELEASED, PEOPLE[-1]: "consented by letter"})
    planned = sharded.optout("preview")
    assert "Plan for stack test: 1 to opt out, 1 to release, 1 to stop managing, 19 unchanged" in planned.out
    assert f"{sharded.row('caller-000050')} new" in planned.out
    sharded.up()
    assert service.statuses(sharded.domain_id) == opted_out([*PEOPLE[:-1], "caller-000050"])
    assert "No drift: 21 people as the register asks." in sharded.optout("drift").out


def test_every_kind_of_drift_is_named_and_repaired(managed: Copy, service: Service) -> None:
    domain_id = managed.domain_id
    service.delete(domain_id, PEOPLE[1])
    service.seed(domain_id, PEOPLE[3], "ENROLLED")
    service.seed(domain_id, PEOPLE[4], "EXPIRED", recreate=True)
    service.seed(domain_id, BACK, "ENROLLED")
    state = managed.state_file.read_bytes()
    found = managed.optout("drift")
    assert found.code == 5
    assert "Drift in stack test: 4 to repair, 17 unchanged" in found.out
    for person, reason in (
        (PEOPLE[1], "gone from the service"),
        (PEOPLE[3], "ENROLLED in the service, should be OPTED_OUT"),
        (PEOPLE[4], "EXPIRED in the service, should be OPTED_OUT"),
        (BACK, "ENROLLED in the service, should be gone"),
    ):
        assert any(managed.row(person) in line and line.endswith(reason) for line in found.out.splitlines())
    assert managed.state_file.read_bytes() == state

    assert managed.optout("refresh").code == 0
    drifted = "".join(each["drifted"] for each in shards(managed).values())
    assert sorted(line.split()[1] for line in drifted.splitlines()) == ["ENROLLED", "ENROLLED", "EXPIRED", "gone"]
    assert "Done: 4 repaired." in managed.up("--no-refresh").out
    assert service.statuses(domain_id) == opted_out(PEOPLE)
    assert managed.optout("drift").code == 0


@pytest.mark.parametrize("options", [(), ("--no-refresh",)], ids=["refreshed", "not refreshed"])
def test_grouping_is_switched_and_switched_back_and_nobody_changes(
    copy: Copy, service: Service, options: tuple[str, ...]
) -> None:
    copy.write(PEOPLE, RELEASED)
    copy.up()
    before = everybody(service, copy)
    assert len(before) == 20
    for grouping, singles in (("sharded", 0), ("single", 21)):
        group(copy, service, grouping)
        assert copy.optout("drift").code == 0
        switched = copy.up(*options)
        assert "Plan for stack test: 21 to move, 0 unchanged" in switched.out
        assert "moves to another resource; the opt-out stays in the service" in switched.out
        assert "Done: 21 moved." in switched.out
        assert everybody(service, copy) == before
        assert len(copy.resources()) == singles
        assert bool(shards(copy)) == (not singles)
        assert "21 unchanged" in copy.optout("preview").out


def test_a_stack_gets_more_shards_and_fewer_again_and_nobody_is_written_to(sharded: Copy, service: Service) -> None:
    sharded.up()
    before = everybody(service, sharded)
    for number, digits in ((4096, 3), (256, 2)):
        group(sharded, service, "sharded", shards=number)
        moved = sharded.up("--no-refresh")
        assert "Plan for stack test: 21 to move, 0 unchanged" in moved.out
        assert "Done: 21 moved." in moved.out
        assert everybody(service, sharded) == before
        found = shards(sharded)
        assert {len(name.rpartition("-")[2]) for name in found} == {digits}
        assert {item["id"] for item in found.values()} == {name.replace("-", "/") for name in found}
        assert "21 unchanged" in sharded.optout("preview").out


def test_a_switch_repairs_what_has_drifted(copy: Copy, service: Service) -> None:
    copy.write(PEOPLE)
    copy.up()
    service.seed(copy.domain_id, PEOPLE[0], "ENROLLED")
    group(copy, service, "sharded")
    assert "1 to repair, 19 to move" in copy.up().out
    assert service.statuses(copy.domain_id) == opted_out(PEOPLE)


def test_the_guard_counts_people_and_not_resources(managed: Copy, service: Service) -> None:
    managed.write(PEOPLE[:10])
    refused = managed.optout("up", "--yes")
    assert refused.code == 6
    assert "10 of 20 people (50 %, at most 30 % may) would be released or no longer managed" in refused.err
    managed.write_raw("domain: sandbox\nspeakers: []\n")
    emptied = managed.optout("up", "--yes")
    assert emptied.code == 6
    assert "nobody would be left" in emptied.err
    assert service.statuses(managed.domain_id) == opted_out(PEOPLE)


def test_destroy_lets_everybody_go_and_changes_nobody(managed: Copy, service: Service) -> None:
    digest = next(
        word for word in managed.optout("destroy", "--yes").err.split() if len(word) == 32 and word.isalnum()
    )
    gone = managed.optout("destroy", "--approve", digest)
    assert gone.code == 0, gone.output
    assert "Done: 21 people no longer managed; opt-outs stay in the service." in gone.out
    assert shards(managed) == {}
    assert service.statuses(managed.domain_id) == opted_out(PEOPLE)


def test_a_run_that_fails_in_a_shard_goes_on_where_it_ended(sharded: Copy, service: Service) -> None:
    service.hook(f"/domains/{sharded.domain_id}/suspend")
    failed = sharded.optout("up", "--yes", "--no-refresh")
    assert failed.code in (1, 9)
    assert "people of this shard are left" in failed.err
    assert not any(person in failed.output for person in PEOPLE)
    service.hook(f"/domains/{sharded.domain_id}/reactivate")
    sharded.up()
    assert service.statuses(sharded.domain_id) == opted_out(PEOPLE)


def test_somebody_unknown_is_named_by_the_line(sharded: Copy, service: Service) -> None:
    sharded.write([*PEOPLE[:3], f'"id#{"a" * 22}"'])
    failed = sharded.optout("up", "--yes")
    assert failed.code in (1, 9)
    assert any(line.startswith("error: config/people.yaml:6: ") for line in failed.errors), failed.err


def test_identifiers_stay_in_the_register(sharded: Copy) -> None:
    sharded.write([PERSON, *PEOPLE[:3]])
    finished = sharded.up("--event-log", "events.json")
    assert PERSON not in finished.output
    assert leaking_files(sharded.root) == {"config/people.yaml"}


def test_targets_are_refused(managed: Copy) -> None:
    refused = managed.optout("preview", "--target", label(managed.domain_id, managed.domain_id, PEOPLE[0]))
    assert refused.code == 2
    assert "Pulumi.test.yaml: voiceid-optout:grouping is sharded" in refused.err


def test_a_grouping_that_is_none(copy: Copy, service: Service) -> None:
    group(copy, service, "shards")
    copy.write(PEOPLE)
    failed = copy.optout("preview")
    assert failed.code == 2
    assert "voiceid-optout:grouping is single or sharded, nothing else" in failed.errors[0]


@pytest.fixture
def both(sharded: Copy, tmp_path: Path) -> Iterator[Copy]:
    """Give a sharded copy in which the CLI finds its virtual environment."""
    (sharded.root / ".venv").symlink_to(sys.prefix)
    variables = {
        **sharded.shell.variables,
        "PATH": f"{Path(PULUMI or '').parent}:/usr/bin:/bin",
        "PULUMI_HOME": str(tmp_path / "pulumi home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    made = copies.Copy(Shell(sharded.root, variables), sharded.stack, sharded.domain_id)
    yield made
    eventually(lambda: not made.shell.processes(), "all processes of the test have ended")


@pytest.mark.official
@pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")
def test_the_engines_take_turns_and_the_cli_shows_one_line_a_person(both: Copy, service: Service) -> None:
    both.up("--engine", "embedded")
    unchanged = both.optout("preview", "--engine", "pulumi")
    assert "21 unchanged" in unchanged.out
    # Somebody who joins a shard that is there.
    used = {name.rpartition("-")[2] for name in shards(both)}
    others = ((f"caller-{n:06}", label(both.domain_id, both.domain_id, f"caller-{n:06}")) for n in range(50, 1000))
    person, new = next((person, name) for person, name in others if speakers.shard_of(name) in used)
    both.write([*PEOPLE, person], RELEASED)
    env = shlex.join(optout_command("env", "--stack", both.stack))
    script = f'eval "$({env})" && exec pulumi preview --diff --non-interactive --color never --stack test'
    raw = both.shell.run("/bin/bash", "-c", script)
    assert raw.code == 0, raw.output
    lines = [line.strip() for line in raw.out.splitlines() if new in line]
    assert lines == [f"+ {new} opted_out"], raw.out
    planned = [both.optout("preview", "--json", "--engine", engine).out for engine in ("pulumi", "embedded")]
    assert json.loads(planned[0]) == json.loads(planned[1])
    assert "Done: 1 opted out." in both.up("--engine", "pulumi").out
    service.delete(both.domain_id, PEOPLE[0])
    assert both.optout("drift", "--engine", "pulumi").code == 5
    assert "Done: 1 repaired." in both.up("--engine", "embedded").out
