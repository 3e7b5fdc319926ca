"""The edge where text leaves the program: whatever is printed passes through here and is safe for who reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voiceid_optout.foreign_text import printable

if TYPE_CHECKING:
    from rich.text import Text


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text on standard output or, with ``err``, on standard error.

    ``click.echo`` is for what must leave letter for letter: a script for a shell, a runner's commands, a new key.
    """
    click.echo(printable(text), err=err, nl=nl)  # noqa: TID251 - the one place


def styled(text: str, style: str = "") -> Text:
    """Return text for a console, in a style of rich's."""
    from rich.text import Text  # noqa: PLC0415 - not for --help

    return Text(printable(text), style=style)
