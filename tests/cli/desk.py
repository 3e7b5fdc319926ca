"""A stack that is open for a test, its engine, and what it shows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from tests.cli.engines import ScriptedEngine
from voiceid_optout.cli.context import People
from voiceid_optout.cli.known import Mask
from voiceid_optout.cli.screen import Screen
from voiceid_optout.cli.session import Choices, Session
from voiceid_optout.engine.embedded.run import Emitter

if TYPE_CHECKING:
    from tests.cli.projects import Project


@dataclass
class Desk:
    """A session, its engine, and what it shows."""

    session: Session
    engine: ScriptedEngine
    paper: io.StringIO

    @property
    def shown(self) -> str:
        return self.paper.getvalue()

    def say(self, severity: str, message: str) -> None:
        Emitter(self.engine.stream.events.append).diagnostic(severity, message)


def desk(
    project: Project,
    *,
    as_json: bool = False,
    terminal: bool = False,
    width: int = 200,
    places: dict[str, str] | None = None,
    because: dict[str, str] | None = None,
) -> Desk:
    engine, paper = ScriptedEngine(), io.StringIO()
    choices = Choices(root=project.root, stack="test", engine="auto", as_json=as_json)
    console = Console(
        file=paper,
        force_terminal=terminal,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        color_system=None,
    )
    mask = Mask(project.context(), {"A": "b"}, (places or {}).keys(), lambda _: None)
    people = People(places=places or {}, reasons=because or {})
    screen = Screen(as_json, console=console)
    return Desk(Session(project.context(), choices, engine, {"A": "b"}, screen, mask, people), engine, paper)
