"""Reports of small projects, as `optout report --json` writes them, without a service that is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.cli.projects import DOMAIN, NAME
from tests.evidence.reports import HEADER, row_of
from voiceid_optout.cli.keys import signer
from voiceid_optout.evidence import Row, commitment, opening
from voiceid_optout.evidence.document import write
from voiceid_optout.speakers import label

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.projects import Project


def row(speaker_id: str, key: str = DOMAIN, domain_id: str = DOMAIN) -> Row:
    return replace(
        row_of(0),
        label=label(key, domain_id, speaker_id),
        domain_id=domain_id,
        person=commitment(opening(key, domain_id, speaker_id), domain_id, speaker_id),
    )


def report(
    project: Project,
    *rows: Row,
    previous: str | None = None,
    name: str = "report.json",
    day: int = 27,
    stack: str = "test",
) -> Path:
    """Write the report of stack ``test``, signed if the stack has a key."""
    header = replace(
        HEADER,
        project=NAME,
        stack=stack,
        people=len(rows),
        previous=previous,
        made_at=f"2026-11-{day}T03:23:00Z",
    )
    path = project.root / name
    with path.open("wb") as file:
        ordered = sorted(rows, key=lambda one: (one.domain_id, one.label))
        write(file, header, ordered, signer(project.context(), {}))
    return path
