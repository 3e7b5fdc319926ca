"""States whose resources hold the provider under its first name, some of them or all."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.services import opted_out
from voiceid_optout.label import label

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

OLD = {
    "OptedOutSpeaker": (
        "gASVPgAAAAAAAACMG3Byb3ZpZGVycy5vcHRlZF9vdXRfc3BlYWtlcpSMF09wdGVkT3V0U3BlYWtlclByb3ZpZGVylJOUKYGULg=="
    ),
    "OptedOutSpeakers": (
        "gASVQAAAAAAAAACMHHByb3ZpZGVycy5vcHRlZF9vdXRfc3BlYWtlcnOUjBhPcHRlZE91dFNwZWFrZXJzUHJvdmlkZXKUk5QpgZQu"
    ),
}
PEOPLE = [f"caller-{n:06}" for n in range(6)]
PULUMI = shutil.which("pulumi")
ENGINES = [
    "embedded",
    pytest.param(
        "pulumi",
        marks=[
            pytest.mark.official,
            pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH"),
        ],
    ),
]


def references(state_file: Path, change: Callable[[int, str], str | None]) -> dict[str, str]:
    """Return the references among the outputs by URN, after putting others in their place and among the inputs."""
    document = json.loads(state_file.read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for item in document["checkpoint"]["latest"]["resources"]:
        name = item["type"].rpartition(":")[2]
        if name not in OLD:
            continue
        if new := change(len(found), name):
            item["inputs"]["__provider"] = item["outputs"]["__provider"] = new
        found[item["urn"]] = item["outputs"]["__provider"]
    state_file.write_text(json.dumps(document), encoding="utf-8")
    return found


def make_old(copy: Copy, every: int) -> None:
    found = references(copy.state_file, lambda number, name: None if number % every else OLD[name])
    assert found
    assert set(found.values()) & set(OLD.values())


def grouped(copy: Copy, grouping: str) -> None:
    with copy.stack_file.open("a", encoding="utf-8") as file:
        file.write(f"  voiceid-optout:grouping: {grouping}\n")


def destroyed(copy: Copy, **more: Any) -> str:
    digest = copy.optout("destroy", "--preview", **more).out.partition("Digest: ")[2].split()[0]
    finished = copy.optout("destroy", "--approve", digest, **more)
    assert finished.code == 0, finished.output
    return finished.out


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("grouping", "every"), [("single", 2), ("sharded", 1)])
def test_a_state_with_old_references_goes_on_as_it_is(
    copy: Copy, service: Service, grouping: str, every: int, engine: str
) -> None:
    env = {"OPTOUT_ENGINE": engine, "PATH": f"{Path(PULUMI or '/usr/bin/pulumi').parent}:/usr/bin:/bin"}
    (copy.root / ".venv").symlink_to(sys.prefix)  # where the CLI looks for Python
    grouped(copy, grouping)
    copy.write(PEOPLE, {"caller-000099": "consented again"})
    copy.up(env=env)
    make_old(copy, every)
    refreshed = copy.optout("refresh", env=env)
    assert refreshed.code == 0, refreshed.output
    before = references(copy.state_file, lambda *_: None)
    assert "Nothing changed" in copy.up(env=env).out
    assert references(copy.state_file, lambda *_: None) == before, "an unchanged resource keeps what it has"

    service.delete(copy.domain_id, PEOPLE[0])
    copy.write([*PEOPLE, "caller-000010"])
    drifted = copy.optout("drift", env=env)
    assert drifted.code == 5, drifted.output
    assert label(copy.domain_id, copy.domain_id, PEOPLE[0]) in drifted.out
    assert "1 opted out, 1 repaired" in copy.up(env=env).out
    assert service.statuses(copy.domain_id) == opted_out([*PEOPLE, "caller-000010"])
    make_old(copy, every)
    assert "no longer managed" in destroyed(copy, env=env)
    assert service.statuses(copy.domain_id) == opted_out([*PEOPLE, "caller-000010"])
