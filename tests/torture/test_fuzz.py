"""Mutated files of every kind: never a traceback, a hang, much memory, a write outside, or an identifier in print.

A fault is printed with its number and the seed, which make the same mutant again.
"""

from __future__ import annotations

import os
import random
import re
from typing import TYPE_CHECKING

import pytest

from tests import torture
from tests.torture import fuzzing, subjects
from tests.torture.fuzzing import Subject, attack, optout
from tests.torture.mutations import MARK, mutant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHOWN = 20


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep commands from the machine's settings, and from starting engines."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("voiceid_optout.cli.session.choose", lambda *_: subjects.Recorded())


@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize("part", ["registers", "states", "files"])
def test_mutated_files(part: str, tmp_path: Path) -> None:
    budget = torture.budget(part)
    chosen = of_part(part, tmp_path)
    template = subjects.project(tmp_path / "template", small=part == "registers")
    share = -(-budget.count // len(chosen))
    faults = [fault for one in chosen for fault in attack(one, share, budget.seed, template, tmp_path)]
    assert faults[:SHOWN] == [], f"{len(faults)} faults"
    budget.record(**{one.name.replace(" ", "_"): share for one in chosen}, faults=0)


def of_part(part: str, folder: Path) -> list[Subject]:
    if part == "registers":
        return [subjects.registers()]
    if part == "states":
        return [subjects.states(), subjects.journals(folder)]
    others = (subjects.tables, subjects.plans, subjects.locks, subjects.stacks, subjects.histories)
    return [make() for make in (*others, subjects.proofs, subjects.event_logs)]


def test_the_same_seed_makes_the_same_mutants() -> None:
    files = subjects.registers().files
    first, second = ([mutant(random.Random(n), files) for n in range(50)] for _ in range(2))
    assert first == second


def leaves_a_file(root: Path, _dice: random.Random) -> None:
    (root.parent / "outside").write_text("x", encoding="utf-8")


def takes_memory(_root: Path, _dice: random.Random) -> None:
    _ = b"x" * (2 * fuzzing.MEMORY)


def hangs(_root: Path, _dice: random.Random) -> None:
    while True:
        pass


def dies(_root: Path, _dice: random.Random) -> None:
    os._exit(7)


def prints(root: Path, _dice: random.Random) -> None:
    optout("validate", "--cwd", str(root), "--config-dir", MARK)


def traps(root: Path, _dice: random.Random) -> None:
    (root / "trap").touch()


@pytest.mark.parametrize(
    ("judge", "told"),
    [
        (leaves_a_file, "writes outside: .*outside"),
        (takes_memory, "needs more than 500 MB"),
        (hangs, "0 of seed 5 hangs"),
        (dies, r"0 of seed 5 ends the process \(7\)"),
        (prints, "prints an identifier"),
        (traps, "ran what the file said"),
    ],
)
def test_what_is_looked_for_is_found(
    judge: Callable[[Path, random.Random], None], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.torture.fuzzing.PROCESSOR_SECONDS", 1.0)
    monkeypatch.setattr("tests.torture.fuzzing.MEMORY", 50 * 1024 * 1024)
    template = tmp_path / "template"
    template.mkdir()
    subject = Subject("a kind", [b"x"], "file", judge)
    faults = attack(subject, 2, 5, template, tmp_path)
    assert faults
    assert re.search(told, faults[0])
