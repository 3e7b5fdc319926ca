"""``optout add``: put people on the register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.editing import people_options
from voiceid_optout.cli.errors import reported
from voiceid_optout.cli.options import with_options
from voiceid_optout.cli.output import echo

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="add", short_help="Put people on the register.")
@with_options(
    *people_options[:2],
    click.option("--reason", help="How the person asked; no names, no numbers."),
    *people_options[2:],
    click.option("--skip-listed", is_flag=True, help="Skip people who are already listed, instead of refusing."),
)
def command(
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
    from voiceid_optout.cli.people_input import people as named  # noqa: PLC0415 - not for --help
    from voiceid_optout.register.fields import SPEAKERS  # noqa: PLC0415

    details = {"reason": reason, "ticket": choices["ticket"], "requested_on": choices["requested_on"]}
    with reported():
        given = named(ids, from_csv, details, SPEAKERS, "add")
        _add(given, choices, skip_listed=skip_listed, dry_run=dry_run, reveal=reveal)


def _add(given: Any, choices: Any, *, skip_listed: bool, dry_run: bool, reveal: bool) -> None:
    from voiceid_optout.cli.editing import carry_out, next_step, opened_for, people, places, warn  # noqa: PLC0415
    from voiceid_optout.cli.errors import CommandError  # noqa: PLC0415
    from voiceid_optout.cli.exit_codes import ExitCode  # noqa: PLC0415
    from voiceid_optout.cli.people_input import refused  # noqa: PLC0415
    from voiceid_optout.cli.register_files import by_id  # noqa: PLC0415
    from voiceid_optout.cli.stack_views import views_of  # noqa: PLC0415
    from voiceid_optout.cli.streams import result  # noqa: PLC0415
    from voiceid_optout.register.edit import Refused, to_add  # noqa: PLC0415
    from voiceid_optout.register.report import contacts  # noqa: PLC0415

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
    entries = by_id(edited.register)
    before = {entry.speaker_id for change in changes.values() for entry in change.remove}
    added = [entries[domain_id, each.speaker_id] for change in changes.values() for each in _all(change)]
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
    echo(next_step(edited, dry_run=dry_run))


def _all(change: Any) -> list[Any]:
    return [person for added in change.add.values() for person in added]
