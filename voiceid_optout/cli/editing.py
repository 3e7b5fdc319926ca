"""What the commands that edit the register share: options, and how a change is shown and made."""

from __future__ import annotations

import shlex
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voiceid_optout.cli.options import stack_options
from voiceid_optout.cli.output import echo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voiceid_optout.cli.register_files import Edited, RegisterFiles
    from voiceid_optout.cli.stack_views import StackView
    from voiceid_optout.register import Entry
    from voiceid_optout.register.edit import FileChange
    from voiceid_optout.register.report import Contact

PLACES_SHOWN = 5
WARNINGS_SHOWN = 20

file_option = click.option(
    "--file",
    type=click.Path(path_type=Path),
    help="The file of the register.  [default: the only one of the domain]",
)
domain_option = click.option("--domain", metavar="NAME", help="An alias of the stack's config, or a domain id.")
dry_run_options = (
    click.option("--dry-run", is_flag=True, help="Show the change as a diff and write nothing."),
    click.option("--reveal", is_flag=True, help="With --dry-run: show identifiers and reasons in the diff."),
)
register_options = (
    stack_options[0],
    click.option(
        "-s",
        "--stack",
        envvar="PULUMI_STACK",
        show_envvar=True,
        help="Edit the register of this stack, with the aliases of Pulumi.<stack>.yaml. "
        "Needed where stacks have registers of their own.",
    ),
)
people_options = (
    click.argument("ids", nargs=-1, metavar="ID..."),
    click.option(
        "--from-csv",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
        help="Take people from a CSV file with the columns id, requested_on, reason and ticket, in any order; "
        "all but id may be missing. '-' is standard input.",
    ),
    click.option("--ticket", help="Where the request is filed."),
    click.option("--requested-on", metavar="DATE", help="The day the person asked, YYYY-MM-DD."),
    file_option,
    domain_option,
    *dry_run_options,
    *register_options,
)


@contextmanager
def opened_for(root: Path, stack: str | None) -> Iterator[RegisterFiles]:
    """Open the register of a project's stack; without a stack, the one that all stacks have."""
    from voiceid_optout.cli.register_files import opened  # noqa: PLC0415 - not for --help
    from voiceid_optout.cli.stack_views import views_of  # noqa: PLC0415

    views = views_of(root, stack)
    if len({(root / view.directory).resolve() for view in views}) > 1:
        registers = ", ".join(f"{view.directory} ({', '.join(view.stacks)})" for view in views)
        raise click.UsageError(f"the stacks have registers of their own: choose with --stack; they are {registers}")
    view = views[0] if len(views) == 1 else _fitting(root, views)
    with opened(root / view.directory, view.domains, view.default_domain) as files:
        yield files


def _fitting(root: Path, views: Sequence[StackView]) -> StackView:
    """Return the first view under which the register is valid, or the first one: its faults are told then."""
    from voiceid_optout.register import load  # noqa: PLC0415
    from voiceid_optout.register.faults import RegisterInvalid  # noqa: PLC0415

    for view in views:
        with suppress(RegisterInvalid):
            load(root / view.directory, domains=view.domains, default_domain=view.default_domain)
            return view
    return views[0]


def carry_out(
    files: RegisterFiles,
    changes: Mapping[str, FileChange],
    not_opted_out: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    *,
    dry_run: bool,
    reveal: bool,
) -> Edited:
    """Make the change, or show it as a diff."""
    from voiceid_optout.register.layout import redacted  # noqa: PLC0415

    edited = files.edit(changes, not_opted_out or {})
    if not dry_run:
        files.write(edited)
        return edited
    for rewritten in edited.files.values():
        for line in rewritten.diff(str if reveal else redacted):
            echo(line)
    return edited


def places(entries: Sequence[Entry]) -> str:
    """Return where entries stand: ``file:line``, the first few of each file and the last."""
    by_file: dict[str, list[int]] = {}
    for entry in sorted(entries, key=lambda entry: entry.location):
        by_file.setdefault(entry.location.file, []).append(entry.location.line)
    words = []
    for file, lines in by_file.items():
        words += [f"{file}:{line}" for line in lines[:PLACES_SHOWN]]
        if (left := len(lines) - PLACES_SHOWN) > 0:
            words.append(f"{left:,} more to {file}:{lines[-1]}")
    return ", ".join(words)


def warn(warnings: Sequence[Contact]) -> None:
    """Say on standard error what looks like a telephone number or an address, the first ones by line."""
    for warning in warnings[:WARNINGS_SHOWN]:
        echo(str(warning), err=True)
    if (left := len(warnings) - WARNINGS_SHOWN) > 0:
        echo(f"… {left:,} more warnings of this kind", err=True)


def people(count: int) -> str:
    """Return a number of people in words."""
    return f"{count:,} {'person' if count == 1 else 'people'}"


def next_step(edited: Edited, *, dry_run: bool) -> str:
    """Return what to do now."""
    if not edited.files:
        return "Nothing changed."
    if dry_run:
        return "Nothing was written: run it again without --dry-run."
    files = " ".join(map(shlex.quote, sorted(edited.files)))
    look = f"`git add -N {files}`, `git diff`" if edited.new else f"`git diff {files}`"
    return f"Next: look at it ({look}), commit it on a branch, open a pull request."
