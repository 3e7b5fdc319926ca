"""The script of docs/verify.md, taken from the page: it needs nothing of ours, and finds what was changed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from tests.docs.pages import ROOT
from tests.evidence.receipts import person, receipt
from tests.evidence.test_signing import PUBLIC
from voiceid_optout.evidence.receipt import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKENS = MarkdownIt("commonmark").parse((ROOT / "docs" / "verify.md").read_text(encoding="utf-8"))
(SCRIPT,) = [token.content for token in TOKENS if token.type == "fence" and token.info == "python"]
GIVEN: dict[str, Any] = json.loads(render(receipt(2, 5)))


def run(folder: Path, data: bytes, key: str = PUBLIC, id_: str = person(2)) -> tuple[int, str]:
    """Run the script where nothing of ours can be imported."""
    script = folder / "check.py"
    script.write_text(SCRIPT, encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-P", script, key, id_], cwd=folder, input=data, capture_output=True, check=False
    )
    return finished.returncode, finished.stdout.decode()


def test_it_has_twenty_lines_and_imports_nothing_of_ours() -> None:
    assert len([line for line in SCRIPT.splitlines() if line.strip()]) <= 20
    assert "voiceid_optout" not in SCRIPT


def test_every_place_of_a_tree_is_verified(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, because there are many."""
    for people in (1, 2, 3, 4, 7, 8, 9):
        for number in range(people):
            data = io.TextIOWrapper(io.BytesIO(render(receipt(number, people))))
            monkeypatch.setattr(sys, "stdin", data)
            monkeypatch.setattr(sys, "argv", ["check.py", PUBLIC, person(number)])
            exec(compile(SCRIPT, "docs/verify.md", "exec"), {})
            assert capsys.readouterr().out.startswith("verified: {"), (people, number)


def test_a_real_receipt_is_verified(tmp_path: Path) -> None:
    code, said = run(tmp_path, render(receipt(2, 5)))
    assert (code, said.startswith("verified: {")) == (0, True)
    assert GIVEN["row"]["label"] in said


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "status": lambda one: one["row"].update(status="ENROLLED"),
    "applied_at": lambda one: one["row"].update(applied_at=None),
    "person": lambda one: one["row"].update(person="0" * 64),
    "stack": lambda one: one["header"].update(stack="other"),
    "previous": lambda one: one["header"].update(previous="0" * 64),
    "root": lambda one: one.update(root="0" * 64),
    "index": lambda one: one.update(index=2),
    "size": lambda one: one.update(size=7),
    "proof": lambda one: one["proof"].reverse(),
    "shorter proof": lambda one: one["proof"].pop(),
    "longer proof": lambda one: one["proof"].insert(0, "0" * 64),
    "header's proof": lambda one: one["header_proof"].pop(0),
    "opening": lambda one: one.update(opening="0" * 32),
    "no opening": lambda one: one.update(opening=None),
    "signature": lambda one: one["signature"].update(value="0" * 128),
    "no signature": lambda one: one.update(signature=None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_is_not_verified(tmp_path: Path, name: str) -> None:
    changed = json.loads(json.dumps(GIVEN))
    CHANGES[name](changed)
    assert changed != GIVEN
    assert not run(tmp_path, json.dumps(changed).encode())[1].startswith("verified")


def test_another_key_or_person_is_not_verified(tmp_path: Path) -> None:
    assert not run(tmp_path, render(receipt(2, 5)), key="a" * 64)[1].startswith("verified")
    assert run(tmp_path, render(receipt(2, 5)), id_=person(1)) == (0, "NOT VERIFIED\n")
