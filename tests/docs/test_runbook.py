"""The runbook speaks of every exit code, in the words that people search for."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, commands
from voiceid_optout.cli.exit_codes import ExitCode

PAGE = "docs/runbook.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_every_exit_code_has_its_row() -> None:
    rows = re.findall(r"^\| (\d+) \| `([A-Z_]+)` \|", TEXT, re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == [(code.value, code.name) for code in ExitCode]


def test_doctor_comes_first() -> None:
    assert commands(PAGE)[0].text == "optout doctor --stack production"


def test_each_section_has_the_words_that_people_search_for() -> None:
    """The site's search finds words of the text: each section begins with those of errors, alarms and people."""
    sections = re.split(r"^## ", TEXT, flags=re.MULTILINE)[2:]
    assert len(sections) >= 15
    assert [section.splitlines()[0] for section in sections if not re.match(r"[^\n]+\n\*", section)] == []
    words = [
        "locked",
        "passphrase",
        "label key",
        "leaked",
        "restored",
        "disk is full",
        "stale",
        "guard",
        "every night",
    ]
    words += ["down", "in part", "CLI was upgraded", "damaged"]
    assert [word for word in words if not any(word in section.splitlines()[0] for section in sections)] == []
