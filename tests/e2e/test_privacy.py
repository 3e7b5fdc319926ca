"""The table of docs/privacy.md, as far as a run can show it: where an identifier stands in clear, and where not."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.services import opted_out
from tests.e2e.test_leaks import layers, traces

if TYPE_CHECKING:
    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

PERSON = "unmistakable-speaker-3K8vW"
PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
PLACES = {  # the row's beginning, and the files of a copy, as patterns
    "register": ["config/people.yaml"],
    "state": [".optout/state/.pulumi/stacks/**/*.json"],
    "history and backups of the state": [
        ".optout/state/.pulumi/history/**/*",
        ".optout/state/.pulumi/backups/**/*",
    ],
    "plan files": ["plan.*", "saved plan"],
    "event logs": ["events"],
    "stack file": ["Pulumi.*.yaml"],
    "reports": ["report.*"],
}


def table() -> dict[str, str]:
    """Return what the page says of the identifier, by the place's first words."""
    text = PAGE.read_text(encoding="utf-8").partition("## What is stored where")[2]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1] for row in rows}


def says(place: str) -> str:
    [found] = [form for name, form in table().items() if name.startswith(place)]
    return found


def in_clear(path: Path, planted: str = PERSON) -> bool:
    return any(trace in layer for layer in layers(path.read_bytes()) for trace in traces(planted))


def test_the_page_says_where_an_identifier_stands_in_clear(copy: Copy, service: Service) -> None:
    copy.write_raw(f"domain: sandbox\nspeakers:\n  - id: {PERSON}\n    ticket: PRIV-1 of {PERSON}\n")
    forms = [word for ending in ("txt", "md", "json", "html") for word in ("--output", f"plan.{ending}")]
    for arguments in (
        ("preview", *forms, "--save-plan", "saved plan"),
        ("up", "--yes", "--event-log", "events"),
        ("report", "--json", "report.json"),
    ):
        finished = copy.optout(*arguments)
        assert finished.code == 0, finished.output
        assert PERSON not in finished.output
    assert service.statuses(copy.domain_id) == opted_out([PERSON])
    for place, patterns in PLACES.items():
        files = [file for pattern in patterns for file in copy.root.glob(pattern) if file.is_file()]
        assert files, f"nothing to look at for: {place}"
        assert {in_clear(file) for file in files} == {says(place).startswith("clear")}, place


def test_of_the_service_s_tables_one_has_identifiers(copy: Copy, service: Service) -> None:
    copy.write_raw(f"domain: sandbox\nspeakers: [{PERSON}]\n")
    assert copy.optout("up", "--yes").code == 0
    service.delete(copy.domain_id, PERSON)
    assert copy.optout("up", "--yes").code == 0
    assert service.running.credentials_file is not None
    file = service.running.credentials_file.parent / "voiceid.db"
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        holding = {
            name
            for name in names
            if any(PERSON in str(value) for row in database.execute(f'SELECT * FROM "{name}"') for value in row)
        }
    finally:
        database.close()
    assert holding == {"speakers"}
    assert says("service's database") == "clear"
    assert says("memory of requests") == "none"
