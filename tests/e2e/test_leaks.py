"""Nobody's identifier leaves the register but to the service: not to outputs, state, history, plans or logs."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.e2e.copies import write_stack
from tests.e2e.services import opted_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

PERSON = "unmistakable-speaker-7Q9xZ"
BACK = "unmistakable-released-7Q9xZ"
REASON = "unmistakable reason 7Q9xZ"
PLANTED = (PERSON, BACK, REASON)
CONSENT = f"consented again, as {BACK} and {PERSON} wrote"  # plans show why somebody is released, and not who
OTHERS = [f"caller-{n:06}" for n in range(60)]

REGISTER = f"""\
domain: sandbox
speakers:
{"".join(f"  - {person}{chr(10)}" for person in OTHERS)}\
  - id: {PERSON}
    requested_on: 2026-03-02
    reason: {REASON}
    ticket: PRIV-{PERSON}
released:
  - id: {BACK}
    reason: {CONSENT}
"""
CLOSED_PORT = "http://127.0.0.1:1"  # nobody listens there: binding it takes the rights of root


def traces(planted: str) -> tuple[bytes, ...]:
    """Return the bytes that give a text away: plain, and in the base64 of its three possible alignments."""
    plain = planted.encode()
    encoded = []
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + plain)
        encoded.append(text[4 if shift else 0 : -4])  # without the digits that its neighbours share
    return (plain, *encoded)


def layers(content: bytes) -> Iterator[bytes]:
    """Yield a file's content as it is and, if it is compressed, decompressed."""
    yield content
    for expand in (gzip.decompress, zlib.decompress):
        try:
            yield expand(content)
        except (OSError, EOFError, zlib.error):
            continue


def leaking_files(folder: Path) -> set[str]:
    """Return the files that hold anything planted, relative to the folder."""
    wanted = [trace for planted in PLANTED for trace in traces(planted)]
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(trace in layer for layer in layers(path.read_bytes()) for trace in wanted)
    }


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "clean").write_bytes(b"unmistakable")
    (tmp_path / "plain").write_bytes(f"x{PERSON}x".encode())
    (tmp_path / "packed").write_bytes(gzip.compress(BACK.encode()))
    for shift in range(3):
        (tmp_path / f"encoded-{shift}").write_bytes(base64.b64encode(b"#" * shift + REASON.encode() + b"#"))
    assert leaking_files(tmp_path) == {"plain", "packed", "encoded-0", "encoded-1", "encoded-2"}


def test_identifiers_are_in_the_register_and_in_the_service_alone(copy: Copy, service: Service) -> None:
    copy.write_raw(REGISTER)
    outputs: list[str] = []

    def run(code: int, *arguments: str, **variables: str | None) -> None:
        finished = copy.optout(*arguments, env=variables)
        assert finished.code == code, finished.output
        outputs.append(finished.output)
        assert leaking_files(copy.root) == {"config/people.yaml"}, arguments

    run(0, "up", "--yes", "--event-log", "events of up")
    assert service.statuses(copy.domain_id) == opted_out([*OTHERS, PERSON])
    assert service.running.credentials_file is not None
    database = service.running.credentials_file.parent
    assert any(name.startswith("voiceid.db") for name in leaking_files(database))

    service.seed(copy.domain_id, PERSON, "ENROLLED", recreate=True)
    service.seed(copy.domain_id, BACK, "ENROLLED")
    run(5, "drift", "--event-log", "events of drift")
    run(0, "refresh", "--json")
    service.delete(copy.domain_id, PERSON)
    run(5, "drift", "--json")
    run(6, "destroy", "--yes", "--json")
    run(0, "destroy", "--preview")
    run(0, "destroy", "--approve", outputs[-1].partition("Digest: ")[2].split()[0], "--json")
    forms = [word for ending in ("txt", "md", "json", "html") for word in ("--output", f"plan.{ending}")]
    run(0, "preview", *forms, "--save-plan", "saved plan")
    run(7, "up", "--approve", "0" * 64)
    there = copy.stack_file.read_text(encoding="utf-8")
    nowhere = there.replace(service.running.url, CLOSED_PORT)
    copy.stack_file.write_text(nowhere, encoding="utf-8")
    run(1, "up", "--yes", "--event-log", "events of a failure")
    copy.stack_file.write_text(there, encoding="utf-8")
    run(0, "up", "--yes", "--json")
    copy.stack_file.write_text(nowhere, encoding="utf-8")
    run(1, "refresh")
    copy.stack_file.write_text(there, encoding="utf-8")
    run(1, "up", "--yes", AWS_ACCESS_KEY_ID="OPTOUNKNOWN", AWS_SECRET_ACCESS_KEY="none")
    run(0, "doctor")
    copy.stack_file.write_text(nowhere, encoding="utf-8")
    run(1, "doctor", "--json")
    copy.stack_file.write_text(there, encoding="utf-8")
    run(0, "validate")
    run(0, "validate", "--json")
    run(0, "env")

    # A person who is not only listed but listed wrongly.
    copy.write_raw(
        f"{REGISTER}  - id: {PERSON}\n    reasn: {REASON}\n  - {BACK}\n  - id: {PERSON} X\n    reason: x\n"
    )
    run(3, "validate")
    run(3, "validate", "--format", "github")
    run(3, "up", "--yes")

    assert len(list(copy.root.glob("events of *"))) == 3
    said = "\n".join(outputs)
    assert "consented again, as … and … wrote" in said
    assert "(ticket PRIV-…)" in said
    assert [planted for planted in PLANTED if planted in said] == []


STAYS = "unmistakable-stays-7Q9xZ"
LEAVES = "unmistakable-leaves-7Q9xZ"
PHONE = "00491701234567"
GENERATED = re.compile(rb"id#[a-zA-Z0-9]{22}")


def naming(copy: Copy, known: list[str]) -> set[str]:
    """Return the files that name anybody, in any case; the service's own do not count."""
    wanted = [identifier.lower().encode() for identifier in known]
    found = set()
    for path in copy.root.rglob("*"):
        if not path.is_file() or {".venv", "service"} & set(path.parts):
            continue
        for layer in layers(path.read_bytes()):
            if GENERATED.search(layer) or any(identifier in layer.lower() for identifier in wanted):
                found.add(str(path.relative_to(copy.root)))
    return found


def nobody_is_named(copy: Copy, service: Service, engine: str) -> None:
    """Take people through a life in which texts name them in every way, one leaves, and one is listed by `id#…`."""
    service.seed(copy.domain_id, "listed-by-the-other-id", "ENROLLED")
    generated = service.describe(copy.domain_id, "listed-by-the-other-id")["GeneratedSpeakerId"]
    known = [STAYS, LEAVES, PHONE, generated[3:]]

    def register(speakers: list[str], reason: str = "") -> None:
        people = "".join(f"  - '{person}'\n" for person in speakers)
        released = f"released:\n  - id: {BACK}\n    reason: '{reason}'\n" if reason else ""
        copy.write_raw(f"domain: sandbox\nspeakers:\n{people}{released}")
        people_of = copy.root / "config" / f"{STAYS}.yaml"
        people_of.write_text("domain: sandbox\nspeakers: [caller-000001]\n", encoding="utf-8")

    def run(code: int, *arguments: str) -> str:
        finished = copy.optout(*arguments, "--engine", engine)
        assert finished.code == code, finished.output
        assert naming(copy, known) == {"config/people.yaml"}, arguments
        said = finished.output.replace("\u200b", "")
        assert [identifier for identifier in known if identifier.lower() in said.lower()] == [], arguments
        assert not GENERATED.search(said.encode()), arguments
        return said

    register([STAYS, LEAVES, PHONE, BACK, generated])
    run(0, "up", "--yes", "--event-log", "events of up")
    split = "\u200b".join(PHONE)
    register(
        [STAYS, generated],
        f"ticket_{PHONE}, mail of {STAYS}-mail, x{LEAVES.upper()}x, {split}, {PHONE[:4]} {PHONE[4:]}, {generated}",
    )
    forms = [word for ending in ("txt", "md", "json", "html") for word in ("--output", f"plan.{ending}")]
    plan = run(0, "preview", *forms, "--save-plan", "saved plan", "--event-log", "events of a plan")
    assert "1 to release" in plan
    assert "ticket_…, mail of …-mail, x…x, …, …, …" in plan
    assert "2 to stop managing" in plan
    assert "config/….yaml" not in plan, "nothing happens to those who are listed there"
    service.seed(copy.domain_id, "caller-000001", "ENROLLED")
    assert "config/….yaml:2" in run(5, "drift", "--output", "drift.md", "--json", "--event-log", "events of a look")
    run(0, "refresh", "--json")
    run(0, "up", "--yes", "--json", "--event-log", "events of a change")
    run(0, "destroy", "--preview")


@pytest.mark.parametrize("grouping", ["single", "sharded"])
def test_nobody_is_named_however(copy: Copy, service: Service, grouping: str) -> None:
    write_stack(copy, service.running.url, grouping=grouping)
    nobody_is_named(copy, service, "embedded")
