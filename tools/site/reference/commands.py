"""The commands, from click: what ``--help`` says of each, with its options in a table."""

import inspect
from collections.abc import Iterator

import click

from tools.site.reference.tables import code, table
from voiceid_optout.cli.main import main

_HEAD = """# Commands

Everything here is what `optout COMMAND --help` says. [Exit codes](exit-codes.md) have a page of their own.
"""
_WRAPPED_AS_IS = "\b"  # click's mark of a paragraph whose lines stay


def commands_page() -> str:
    """Return a section a command, those below others after them."""
    context = click.Context(main, info_name="optout", **main.context_settings)
    parts = [_HEAD, *_overview(context)]
    for command, inner in _walk(main, context):
        parts += _section(command, inner)
    return "\n\n".join(parts) + "\n"


def _walk(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        yield command, inner
        if isinstance(command, click.Group):
            yield from _walk(command, inner)


def _overview(context: click.Context) -> Iterator[str]:
    rows = [
        (f"[{inner.command_path}](#{_anchor(inner)})", command.get_short_help_str(limit=200))
        for command, inner in _walk(main, context)
    ]
    yield table(("command", "does"), rows)


def _anchor(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}"
    yield f"```text\n{' '.join((context.command_path, *command.collect_usage_pieces(context)))}\n```"
    yield from map(_paragraph, inspect.cleandoc(command.help or "").split("\n\n"))
    rows = [_row(parameter, context) for parameter in command.get_params(context)]
    options = [row for row in rows if row is not None]
    if options:
        yield table(("option", "means"), options)


def _paragraph(text: str) -> str:
    if text.startswith(_WRAPPED_AS_IS):
        return f"```text\n{text.removeprefix(_WRAPPED_AS_IS).strip(chr(10))}\n```"
    return text.replace("<", r"\<").replace("*", r"\*")


def _row(parameter: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    record = parameter.get_help_record(context)
    if record is None:
        return None
    names, about = record
    return code(names), about.replace("<", r"\<").replace("*", r"\*")
