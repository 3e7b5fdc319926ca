"""``optout release``: withdraw opt-outs, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.editing import people_options
from voiceid_optout.cli.errors import reported
from voiceid_optout.cli.options import with_options
from voiceid_optout.cli.output import echo

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="release", short_help="Withdraw people's opt-outs, with a reason.")
@with_options(
    *people_options[:2],
    click.option("--reason", help="Why the person may be recognised by voice again; needed."),
    *people_options[2:],
)
def command(
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
    from voiceid_optout.cli.people_input import people as named  # noqa: PLC0415 - not for --help
    from voiceid_optout.register.fields import RELEASED  # noqa: PLC0415

    if reason is None and from_csv is None:
        raise click.UsageError('a release must be accountable: say why with --reason "..."')
    details = {"reason": reason, "ticket": choices["ticket"], "requested_on": choices["requested_on"]}
    with reported():
        given = named(ids, from_csv, details, RELEASED, "release")
        _release(given, choices, dry_run=dry_run, reveal=reveal)


def _release(given: Any, choices: Any, *, dry_run: bool, reveal: bool) -> None:
    from voiceid_optout.cli.editing import carry_out, next_step, opened_for, people, places  # noqa: PLC0415
    from voiceid_optout.cli.people_input import refused  # noqa: PLC0415
    from voiceid_optout.cli.register_files import by_id  # noqa: PLC0415
    from voiceid_optout.cli.streams import result  # noqa: PLC0415
    from voiceid_optout.register.edit import Refused, to_release  # noqa: PLC0415

    with opened_for(choices["root"], choices["stack"]) as files:
        within = files.choose(choices["file"], choices["domain"])
        try:
            changes = to_release(files.register, given, within=set(within))
        except Refused as error:
            raise refused(error.problems, "release") from None
        edited = carry_out(files, changes, dry_run=dry_run, reveal=reveal)
    entries = by_id(edited.register)
    moved = [entries[entry.domain_id, entry.speaker_id] for change in changes.values() for entry in change.remove]
    result(f"{'Would release' if dry_run else 'Released'} {people(len(moved))}: {places(moved)}")
    echo(next_step(edited, dry_run=dry_run))
