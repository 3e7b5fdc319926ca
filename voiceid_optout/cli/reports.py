"""The forms of a plan, and where they go: standard output, or files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from voiceid_optout.cli.exit_codes import CommandError
from voiceid_optout.cli.output import echo
from voiceid_optout.files import write_atomic
from voiceid_optout.plan import render_html, render_json, render_markdown, render_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from voiceid_optout.plan.review import Renderer, Review

COMMENT_LENGTH = 64_000  # what a comment may hold, less some room for whoever puts a line around the plan
_BY_ENDING = {".txt": "text", ".md": "markdown", ".markdown": "markdown", ".json": "json", ".html": "html"}
_RENDERERS: Mapping[str, Renderer] = {
    "text": render_text.render,
    "markdown": lambda review: render_markdown.render(review, COMMENT_LENGTH),
    "json": render_json.render,
    "html": render_html.render,
}


@dataclass(frozen=True, slots=True)
class Report:
    """Where a plan goes. ``printed`` is the form on standard output; files have one each."""

    printed: str
    files: tuple[tuple[Path, str], ...] = ()

    @property
    def is_for_machines(self) -> bool:
        """Whether standard output holds the document alone."""
        return self.printed != "text"

    def publish(self, review: Review) -> None:
        """Write the files and print the form, unless that is text, which the command itself shows."""
        for path, form in self.files:
            write(path, render(review, form).encode(), 0o644)
        if self.is_for_machines:
            echo(render(review, self.printed), nl=False)


def report(form: str | None, outputs: tuple[Path, ...], *, as_json: bool) -> Report:
    """Return what --format, --output and --json mean together; raises :class:`click.UsageError`."""
    if as_json and form not in (None, "json") and not outputs:
        raise click.UsageError("--json and --format say different things: give one of them")
    printed = "json" if as_json else "text" if outputs else form or "text"
    return Report(printed, tuple((path, form or _form_of(path)) for path in outputs))


def render(review: Review, form: str) -> str:
    """Return the plan in one of its forms."""
    return _RENDERERS[form](review)


def write(path: Path, content: bytes, mode: int) -> None:
    """Write a file in one step; raises :class:`CommandError`."""
    try:
        write_atomic(path, content, mode)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error


def _form_of(path: Path) -> str:
    form = _BY_ENDING.get(path.suffix.lower())
    if form is None:
        endings = ", ".join(_BY_ENDING)
        raise click.UsageError(f"{path} has none of the endings {endings}: say with --format what to write")
    return form
