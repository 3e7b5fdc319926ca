"""The runs that concerned a person, from histories as both engines write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.evidence.repositories import DOMAIN
from voiceid_optout.evidence.runs import Managed, Run, newest_record, runs
from voiceid_optout.speakers import SHARD_TYPE, SPEAKER_TYPE
from voiceid_optout.state import PassphraseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, NEW, OTHER = "sp-0000000000000001", "sp-0000000000000002", "sp-00000000000000ff"
COMMIT, PLAN = "c" * 40, "d" * 32
SEALED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def secret(text: str) -> dict[str, str]:
    return {**SEALED, "ciphertext": json.dumps(text)}


def unseal(salt: str) -> Callable[[str], str]:
    """Open what is sealed here: it only has the form of it."""
    if salt != "salt":
        raise PassphraseError("another passphrase")
    return lambda text: text


def person(label: str, status: str = "OPTED_OUT", at: str = "2026-01-01T00:00:00Z", who: str = "caller-1") -> Any:
    inputs = {"domain_id": DOMAIN, "speaker_id": secret(who), "ensure": "opted_out"}
    return {
        "urn": f"urn:pulumi:test::p::{SPEAKER_TYPE}::{label}",
        "id": f"{DOMAIN}/{'1' * 32 if who == 'caller-1' else '2' * 32}",
        "inputs": inputs,
        "outputs": {**inputs, "status": status, "opted_out_at": at},
    }


def shard(label: str, ensure: str = "opted_out", drifted: str = "") -> Any:
    members = f"{OTHER} opted_out\n{label} {ensure}\n"
    ids = secret(f"{OTHER} caller-2\n{label} caller-1\n")
    return {
        "urn": f"urn:pulumi:test::p::{SHARD_TYPE}::{DOMAIN}-00",
        "inputs": {"domain_id": DOMAIN, "members": members, "speaker_ids": ids},
        "outputs": {"domain_id": DOMAIN, "members": members, "speaker_ids": ids, "drifted": drifted},
    }


class History:
    """A stack's history, a run after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0

    def run(self, *resources: Any, salt: str = "salt", message: str = f"up: plan {PLAN}, commit {COMMIT}") -> None:
        self.count += 1
        name = f"test-{self.count}"
        providers = {"type": "passphrase", "state": {"salt": salt}}
        latest = {"secrets_providers": providers, "resources": list(resources)}
        record = {"kind": "update", "message": message, "result": "succeeded", "endTime": self.count}
        (self.folder / f"{name}.history.json").write_text(json.dumps(record))
        (self.folder / f"{name}.checkpoint.json").write_text(
            json.dumps({"version": 3, "checkpoint": {"latest": latest}})
        )

    def told(self, *labels: str, limit: int = 1000) -> tuple[list[tuple[int, str | None, str | None]], list[str]]:
        said: list[str] = []
        found = runs(self.folder, DOMAIN, "caller-1", set(labels), unseal, said.append, limit)
        return [(int(run.at.timestamp()), shown(run.before), shown(run.after)) for run in found], said


def shown(managed: Managed | None) -> str | None:
    return None if managed is None else f"{managed.label} {managed.ensure} {managed.status}"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


OUT = "opted_out OPTED_OUT"


def test_runs_that_changed_something_of_the_person_are_told(history: History) -> None:
    other = person(OTHER, who="caller-2")
    for resources in (
        [other],
        [other, person(NEW)],
        [other, person(NEW)],
        [other, person(NEW, "ENROLLED")],
        [other],
    ):
        history.run(*resources)
    assert history.told(NEW) == (
        [
            (2, None, f"{NEW} {OUT}"),
            (4, f"{NEW} {OUT}", f"{NEW} opted_out ENROLLED"),
            (5, f"{NEW} opted_out ENROLLED", None),
        ],
        [],
    )
    run = runs(history.folder, DOMAIN, "caller-1", {NEW}, unseal, print)[0]
    assert isinstance(run, Run)
    assert (run.kind, run.succeeded, run.plan, run.commit) == ("update", True, PLAN, COMMIT)


def test_a_repair_is_seen_by_the_time_of_the_opt_out(history: History) -> None:
    history.run(person(NEW))
    history.run(person(NEW, at="2026-02-02T00:00:00Z"))
    assert [at for at, _, _ in history.told(NEW)[0]] == [1, 2]


def test_a_person_is_found_under_labels_of_earlier_keys(history: History) -> None:
    """By the resource's id, and where somebody was made again in between or is in a shard, by the sealed id."""
    history.run(person(OLD))
    history.run(person(NEW))
    assert history.told(NEW)[0] == [(1, None, f"{OLD} {OUT}"), (2, f"{OLD} {OUT}", f"{NEW} {OUT}")]
    history.run(shard(NEW))
    history.run(shard("sp-0000000000000003"))
    history.run(shard("sp-0000000000000003", drifted="sp-0000000000000003 gone\n"))
    assert history.told("sp-0000000000000003")[0][1:] == [
        (2, f"{OLD} {OUT}", f"{NEW} {OUT}"),
        (4, f"{NEW} {OUT}", f"sp-0000000000000003 {OUT}"),
        (5, f"sp-0000000000000003 {OUT}", "sp-0000000000000003 opted_out None"),
    ]


def test_to_move_into_shards_and_out_of_them_is_nothing_that_happened(history: History) -> None:
    for resource in (person(NEW), shard(NEW), person(NEW)):
        history.run(resource)
    assert [at for at, _, _ in history.told(NEW)[0]] == [1]


def test_a_released_member_of_a_shard_is_absent_as_asked(history: History) -> None:
    history.run(shard(NEW, "released"))
    assert history.told(NEW)[0] == [(1, None, f"{NEW} released None")]


def test_the_newest_runs_are_looked_at_and_a_cut_is_said(history: History) -> None:
    for number in range(12):  # names of another length: ten comes after nine
        history.run(person(NEW, at=f"2026-01-{number + 1:02}T00:00:00Z"))
    assert ([at for at, _, _ in history.told(NEW, limit=2)[0]]) == [11, 12]
    assert history.told(NEW, limit=2)[1] == ["only the last 2 of 12 runs were looked at"]
    newest = newest_record(history.folder)
    assert newest is not None
    assert int(newest.at.timestamp()) == 12


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"checkpoint": {"latest": {"resources": [7]}}, "x": "sp-00"}', "\x00"]
)
def test_a_file_that_cannot_be_read_is_passed_over_and_said(history: History, text: str) -> None:
    history.run(person(NEW))
    history.run(person(NEW, "ENROLLED"))
    (history.folder / "test-1.checkpoint.json").write_text(text.replace("sp-00", NEW))
    (history.folder / "test-3.history.json").write_text(text)
    found, said = history.told(NEW)
    assert found == [(2, None, f"{NEW} opted_out ENROLLED")]
    assert said in (
        ["1 runs could not be read, or not with this passphrase"],
        ["2 runs could not be read, or not with this passphrase"],
    )


def test_what_another_passphrase_has_sealed_is_said(history: History) -> None:
    history.run(person(OLD), salt="before")
    history.run(person(NEW))
    history.run(person(NEW, who="caller-1", at="2026-03-01T00:00:00Z"))
    (history.folder / "test-1.checkpoint.json").write_text(
        (history.folder / "test-1.checkpoint.json").read_text().replace("1" * 32, "3" * 32)
    )
    assert history.told(NEW)[1] == ["1 runs could not be read, or not with this passphrase"]


def test_a_message_says_anything(history: History) -> None:
    history.run(person(NEW), message="plan ../.. commit --output=x")
    (run,) = runs(history.folder, DOMAIN, "caller-1", {NEW}, unseal, print)
    assert (run.plan, run.commit) == (None, None)


def test_no_history_is_no_runs(tmp_path: Path) -> None:
    assert History(tmp_path / "nowhere").told(NEW) == ([], [])
