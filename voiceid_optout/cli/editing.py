"""``optout add`` and ``optout release``, and what every command shares that edits the register."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import git
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo, reported, result
from voiceid_optout.cli.people_input import people as named
from voiceid_optout.cli.people_input import refused
from voiceid_optout.cli.register_files import by_id, opened, views_of
from voiceid_optout.plan import people
from voiceid_optout.register import load
from voiceid_optout.register.edit import Refused, to_add, to_release
from voiceid_optout.register.faults import RegisterInvalid
from voiceid_optout.register.fields import RELEASED, SPEAKERS
from voiceid_optout.register.layout import redacted
from voiceid_optout.register.report import contacts, reviews_past

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voiceid_optout.cli.register_files import Edited, RegisterFiles, StackView
    from voiceid_optout.register import Entry
    from voiceid_optout.register.edit import FileChange
    from voiceid_optout.register.report import Warned


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
        help="Take people from a CSV file with the columns id, requested_on, reason, ticket and review_on, in any "
        "order; all but id may be missing. '-' is standard input.",
    ),
    click.option("--ticket", help="Where the request is filed."),
    click.option("--requested-on", metavar="DATE", help="The day the person asked, YYYY-MM-DD."),
    click.option("--review-on", metavar="DATE", help="The day to look at this entry again, YYYY-MM-DD."),
    file_option,
    domain_option,
    *dry_run_options,
    *register_options,
)


@contextmanager
def opened_for(root: Path, stack: str | None) -> Iterator[RegisterFiles]:
    """Open the register of a project's stack; without a stack, the one that all stacks have."""
    views = views_of(root, stack)
    if len({(root / view.directory).resolve() for view in views}) > 1:
        registers = ", ".join(f"{view.directory} ({', '.join(view.stacks)})" for view in views)
        raise click.UsageError(f"the stacks have registers of their own: choose with --stack; they are {registers}")
    view = views[0] if len(views) == 1 else _fitting(root, views)
    with opened(root / view.directory, view.domains, view.default_domain) as files:
        yield files


def _fitting(root: Path, views: Sequence[StackView]) -> StackView:
    """Return the first view under which the register is valid, or the first one: its faults are told then."""
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
        by_file.setdefault(entry.file, []).append(entry.line)
    words = []
    for file, lines in by_file.items():
        words += [f"{file}:{line}" for line in lines[:PLACES_SHOWN]]
        if (left := len(lines) - PLACES_SHOWN) > 0:
            words.append(f"{left:,} more to {file}:{lines[-1]}")
    return ", ".join(words)


def warn(warnings: Sequence[Warned]) -> None:
    """Say warnings on standard error, the first ones by line."""
    for warning in warnings[:WARNINGS_SHOWN]:
        echo(str(warning), err=True)
    if (left := len(warnings) - WARNINGS_SHOWN) > 0:
        echo(f"… {left:,} more warnings", err=True)


def next_step(edited: Edited, folder: Path, *, dry_run: bool) -> str:
    """Return what to do now; a register without a repository has nobody to review it."""
    if not edited.files:
        return "Nothing changed."
    if dry_run:
        return "Nothing was written: run it again without --dry-run."
    if git.top(folder.resolve(), os.environ) is None:
        return "Next: `optout preview` shows what this changes, and `optout up` does it."
    files = " ".join(map(shlex.quote, sorted(edited.files)))
    look = f"`git add -N {files}`, `git diff`" if edited.new else f"`git diff {files}`"
    return f"Next: look at it ({look}), commit it on a branch, open a pull request."


@click.command(name="add")
@with_options(
    *people_options[:2],
    click.option("--reason", help="How the person asked; no names, no numbers."),
    *people_options[2:],
    click.option("--skip-listed", is_flag=True, help="Skip people who are already listed, instead of refusing."),
)
def add_command(
    *,
    ids: tuple[str, ...],
    from_csv: Path | None,
    reason: str | None,
    skip_listed: bool,
    dry_run: bool,
    reveal: bool,
    **choices: Any,
) -> None:
    """Put people on the register, at the end of `speakers`. Every other line stays as it is. A person under
    `released` who objects again moves back to `speakers`.

    The register is checked before and after. If anything is wrong, nothing is written. Nothing is sent anywhere:
    the change takes effect when it is merged.

    Arguments stay in the history of your shell and are visible in the list of processes. For identifiers of people
    use `-`, which reads standard input, one id a line, or use --from-csv.

    \b
    Example
      $ optout add caller-000017 --requested-on 2026-03-02 --ticket PRIV-231
      Added 1 person: config/people.yaml:24
      $ optout add - --file config/people.yaml < new-ids.txt
      $ optout add --from-csv objections.csv --reason "form signed at the counter"

    Exit codes: 0 done, 1 failed, 2 wrong usage or somebody is listed already, 3 register invalid.
    """  # noqa: D301 - click's own mark for "do not wrap"
    details = {"reason": reason, **{name: choices[name] for name in ("ticket", "requested_on", "review_on")}}
    with reported():
        given = named(ids, from_csv, details, SPEAKERS, "add")
        with opened_for(choices["root"], choices["stack"]) as files:
            candidates = files.choose(choices["file"], choices["domain"])
            if len(candidates) != 1:
                which = f"one of {', '.join(candidates)}" if candidates else "no file is about this domain"
                raise CommandError(f"say with --file where to add: {which}", ExitCode.USAGE)
            domain_id = files.register.domain_ids[candidates[0]]
            try:
                changes = to_add(
                    files.register, given, domain_id=domain_id, file=candidates[0], skip_listed=skip_listed
                )
            except Refused as error:
                raise refused(error.problems, "add") from None
            if not changes:
                echo("Nothing to do: everybody is listed already.")
                return
            edited = carry_out(files, changes, dry_run=dry_run, reveal=reveal)
        entries = by_id(edited.listed)
        before = {entry.speaker_id for change in changes.values() for entry in change.remove}
        added = [
            entries[domain_id, each.speaker_id]
            for change in changes.values()
            for each in chain(*change.add.values())
        ]
        verb = "Would add" if dry_run else "Added"
        result(f"{verb} {people(len(added))}: {places(added)}")
        if before:
            again = [entry for entry in added if entry.speaker_id in before]
            verb = "is" if len(again) == 1 else "are"
            echo(f"{len(again):,} of them had been released and {verb} opted out again: {places(again)}")
        if len(given) > len(added):
            echo(f"Passed over {people(len(given) - len(added))} listed already.")
        if any(view.warns_of_contacts for view in views_of(choices["root"], choices["stack"])):
            warn(list(contacts(added)))
        warn(list(reviews_past(added, datetime.now(UTC).date())))
        echo(next_step(edited, files.folder, dry_run=dry_run))


@click.command(name="release")
@with_options(
    *people_options[:2],
    click.option("--reason", help="Why the person may be recognised by voice again; needed."),
    *people_options[2:],
)
def release_command(
    *,
    ids: tuple[str, ...],
    from_csv: Path | None,
    reason: str | None,
    dry_run: bool,
    reveal: bool,
    **choices: Any,
) -> None:
    """Move people from `speakers` to `released`. When this is merged and applied, the service deletes them, and
    they may be recognised by voice again. So it needs a reason and a review.

    The reason for the release replaces what the entry said about the objection; Git keeps that. A bare list
    becomes a file with `speakers` and `released`. If anything is wrong, nothing is written.

    Arguments stay in the history of your shell and are visible in the list of processes. For identifiers of people
    use `-`, which reads standard input, one id a line, or use --from-csv.

    \b
    Example
      $ optout release caller-000002 --reason "consented again in writing" --ticket PRIV-90
      Released 1 person: config/people.yaml:31

    Exit codes: 0 done, 1 failed, 2 wrong usage or somebody is not listed, 3 register invalid.
    """  # noqa: D301 - click's own mark for "do not wrap"
    if reason is None and from_csv is None:
        raise click.UsageError('a release must be accountable: say why with --reason "..."')
    details = {"reason": reason, **{name: choices[name] for name in ("ticket", "requested_on", "review_on")}}
    with reported():
        given = named(ids, from_csv, details, RELEASED, "release")
        with opened_for(choices["root"], choices["stack"]) as files:
            within = files.choose(choices["file"], choices["domain"])
            try:
                changes = to_release(files.register, given, within=set(within))
            except Refused as error:
                raise refused(error.problems, "release") from None
            edited = carry_out(files, changes, dry_run=dry_run, reveal=reveal)
        entries = by_id(edited.listed)
        moved = [
            entries[entry.domain_id, entry.speaker_id] for change in changes.values() for entry in change.remove
        ]
        result(f"{'Would release' if dry_run else 'Released'} {people(len(moved))}: {places(moved)}")
        echo(next_step(edited, files.folder, dry_run=dry_run))
