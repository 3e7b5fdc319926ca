"""The service's own ids of people: nowhere in clear, and a state of before moves on without a call."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from voiceid_optout.speakers import resource_id

if TYPE_CHECKING:
    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

PEOPLE = ["caller-000001", "caller-000002"]
GENERATED = re.compile(rb"id#[a-zA-Z0-9]{22}")


def make_old(copy: Copy, service: Service) -> dict[str, dict[str, Any]]:
    """Write the state as earlier versions did; returns what the service says of each person."""
    said = {person: service.describe(copy.domain_id, person) for person in PEOPLE}
    generated = {
        resource_id(copy.domain_id, record["GeneratedSpeakerId"]): record["GeneratedSpeakerId"]
        for record in said.values()
    }
    document = json.loads(copy.state_file.read_bytes())
    for item in document["checkpoint"]["latest"]["resources"]:
        if item["type"].endswith("OptedOutSpeaker"):
            item["outputs"]["generated_speaker_id"] = generated[item["id"]]
            item["id"] = f"{copy.domain_id}/{generated[item['id']]}"
    write(copy, document)
    return said


def write(copy: Copy, document: Any) -> None:
    copy.state_file.with_name(f"{copy.state_file.name}.attrs").unlink(missing_ok=True)
    copy.state_file.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")


def with_the_mark(copy: Copy) -> set[str]:
    """Return the files that have an id in clear; the service's own do not count."""
    ours = (path for path in copy.root.rglob("*") if not {".venv", "service"} & set(path.parts))
    return {path.name for path in ours if path.is_file() and GENERATED.search(path.read_bytes())}


def moves_on(copy: Copy, service: Service, engine: str) -> None:
    """Take an old state through plan, deed and all the rest."""
    copy.write(PEOPLE)

    def run(code: int, *arguments: str) -> str:
        finished = copy.optout(*arguments, "--engine", engine)
        assert finished.code == code, finished.output
        assert "id#" not in finished.output, arguments
        return finished.out

    run(0, "up", "--yes", "--event-log", "events of a first run")
    assert with_the_mark(copy) == set()
    said = make_old(copy, service)
    state = copy.state_file.name

    assert "2 unchanged" in run(0, "preview", "--event-log", "events of a plan")
    run(0, "drift", "--event-log", "events of a look")
    run(0, "preview", "--no-refresh", "--json")
    assert with_the_mark(copy) == {state}, "a plan writes nothing"

    assert "Nothing changed" in run(0, "up", "--yes", "--no-refresh", "--event-log", "events of a deed")
    assert with_the_mark(copy) == set()
    assert {item["id"] for item in copy.resources().values()} == {
        resource_id(copy.domain_id, record["GeneratedSpeakerId"]) for record in said.values()
    }
    for again in (("up", "--yes", "--json"), ("refresh", "--json"), ("destroy", "--preview", "--json")):
        make_old(copy, service)
        run(0, *again)
        assert with_the_mark(copy) == ({state} if "--preview" in again else set()), again
    assert {person: service.describe(copy.domain_id, person) for person in PEOPLE} == said, "nobody was called"


def test_a_state_of_before_moves_on(copy: Copy, service: Service) -> None:
    moves_on(copy, service, "embedded")


def test_what_a_killed_run_of_before_left_moves_on(copy: Copy, service: Service) -> None:
    """Its journal names the old state and holds old resources: both are taken over, and neither is lost."""
    copy.write(PEOPLE)
    copy.up()
    make_old(copy, service)
    document = json.loads(copy.state_file.read_bytes())
    latest = document["checkpoint"]["latest"]
    *others, last = latest["resources"]
    write(copy, {**document, "checkpoint": {**document["checkpoint"], "latest": {**latest, "resources": others}}})
    journal = copy.root / ".optout/state/.pulumi/journals/voiceid-optout" / f"{copy.stack}.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    base = hashlib.sha256(copy.state_file.read_bytes()).hexdigest()
    entry = {"kind": "put", "resource": last}
    journal.write_text(f"{json.dumps({'base': base})}\n{json.dumps(entry)}\n", encoding="utf-8")
    finished = copy.up()
    assert "Nothing changed" in finished.out
    assert "id#" not in finished.output
    assert len(copy.resources()) == len(PEOPLE)
    assert with_the_mark(copy) == set()
