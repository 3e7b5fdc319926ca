"""``optout receipt``: one person's row out of a report, with the proof that the report has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo, reported, result
from voiceid_optout.cli.people_input import line_or_input
from voiceid_optout.files import write_atomic
from voiceid_optout.speakers import LABEL, SPEAKER_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceid_optout.cli.context import Context
    from voiceid_optout.evidence import Row
    from voiceid_optout.evidence.document import Report


@click.command(name="receipt")
@with_options(*stack_options)
@click.argument("person", metavar="ID|LABEL|-")
@click.option(
    "--report",
    "report_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The report that the row is in, as `optout report --json` wrote it.",
)
@click.option("--domain", help="The domain, by alias or id, for an id that is in several.")
@click.option("--reveal", is_flag=True, help="Put the id into the receipt, so that it names the person by itself.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "json-ld"]),
    help="json-ld is for those who exchange records (ISO/IEC TS 27560).  [default: json, or by the file's ending]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to this file (.json or .jsonld) instead of standard output.",
)
def receipt_command(person: str, **options: Any) -> None:
    """Take one person's receipt out of a report: the row, and the proof that the report has it.

    The receipt shows nobody else. It has the opening, with which whoever knows the id can check that the receipt is
    about this person. The id itself is only in it with --reveal. With - the id comes from standard input, and is
    then in no list of processes and in no shell's history.

    \b
    Example
      $ optout receipt caller-000017 --stack production --report report.json --output receipt.json
      $ optout verify receipt.json

    Exit codes: 0 done, 1 failed or nobody found, 2 wrong usage, 11 the report is not verified.
    """  # noqa: D301 - click's own mark for "do not wrap"
    with reported():
        context = contexts.find(options["root"], options["stack"])
        who = line_or_input(person, "the id or label")
        if not (LABEL.fullmatch(who) or SPEAKER_ID.fullmatch(who)):
            raise CommandError("neither an id nor a label was given", ExitCode.USAGE)
        _write(options, *_receipt(context, who, options))


def _write(options: dict[str, Any], data: bytes, name: str) -> None:
    output: Path | None = options["output"]
    if output is None:
        echo(data.decode(), nl=False)
        return
    try:
        write_atomic(output, data)
    except OSError as error:
        raise CommandError(f"cannot write {output}: {error.strerror}") from error
    result(f"Wrote the receipt of {name} to {output}.")


def _receipt(context: Context, who: str, options: dict[str, Any]) -> tuple[bytes, str]:
    """Return a receipt as a file, and the person's label."""
    from voiceid_optout.evidence import json_ld, receipt  # noqa: PLC0415 - not for --help

    search = _Search(context, who)
    report, index, row = _found(options["report_file"], search, _domain(context, options["domain"]))
    speaker_id, opening = search.opened(row)
    if opening is None:
        if search.by_id:
            raise CommandError(
                "the report has this label, but for another id or under another key: take the receipt by its label"
            )
        echo("warning: without an opening, because nobody in the register has this label: give the id", err=True)
    if options["reveal"] and speaker_id is None:
        raise CommandError("nobody in the register has this label: give the id to reveal it", ExitCode.USAGE)
    made = receipt.of(report, index, row, opening, speaker_id if options["reveal"] else None)
    output: Path | None = options["output"]
    is_json_ld = options["form"] == "json-ld" or (
        options["form"] is None and output is not None and output.suffix == ".jsonld"
    )
    return (json_ld.render if is_json_ld else receipt.render)(made), row.label


def _domain(context: Context, given: str | None) -> str | None:
    aliases, _ = context.domains()
    return None if given is None else aliases.get(given, given)


@dataclass
class _Search:
    """Whom a receipt is asked for, and how the row is known. Labels of an id are made once a domain."""

    context: Context
    who: str = field(repr=False)

    def __post_init__(self) -> None:
        self.keys = contexts.label_keys(self.context, {})
        self.by_id = LABEL.fullmatch(self.who) is None
        self._labels: dict[str, tuple[str, ...]] = {}

    def __call__(self, row: Row) -> bool:
        """Tell whether a row is wanted."""
        if not self.by_id:
            return row.label == self.who
        if row.domain_id not in self._labels:
            self._labels[row.domain_id] = self.keys.labels(row.domain_id, self.who)
        return row.label in self._labels[row.domain_id]

    def opened(self, row: Row) -> tuple[str | None, str | None]:
        """Return the id and the opening of a row's commitment; nothing where the id or its key is not known."""
        from voiceid_optout.evidence import commitment, opening  # noqa: PLC0415 - not for --help

        ids = [self.who] if self.by_id else self._in_register(row)
        for speaker_id in ids:
            for key in self.keys.in_domain(row.domain_id):
                made = opening(key, row.domain_id, speaker_id)
                if commitment(made, row.domain_id, speaker_id) == row.person:
                    return speaker_id, made
        return None, None

    def _in_register(self, row: Row) -> list[str]:
        return [
            entry.speaker_id
            for entry in self.context.register.entries
            if entry.domain_id == row.domain_id and row.label in self.keys.labels(entry.domain_id, entry.speaker_id)
        ]


def _found(path: Path, search: Callable[[Row], bool], domain_id: str | None) -> tuple[Report, int, Row]:
    """Return a report that was read to its end, and the one row in it that is wanted."""
    from voiceid_optout.evidence.verification import NotVerified, whole  # noqa: PLC0415 - not for --help

    try:
        with path.open("rb") as file:
            report = whole(file, lambda row: search(row) and domain_id in (None, row.domain_id))
    except NotVerified as error:
        raise CommandError(f"{path}: {error}", ExitCode.NOT_VERIFIED) from None
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}", ExitCode.USAGE) from None
    if not report.tracked:
        raise CommandError(
            f"{path} has nobody of that id or label; if the labels have changed their key since then, give the "
            "label that the report has"
        )
    if len(report.tracked) > 1:
        domains = ", ".join(row.domain_id for _, row in report.tracked)
        raise CommandError(f"that id or label is in several domains: pass --domain with one of {domains}")
    ((index, row),) = report.tracked
    return report, index, row
