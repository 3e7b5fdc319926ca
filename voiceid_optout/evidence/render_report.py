"""A report as a table for spreadsheets, and in short for a screen."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from voiceid_optout.evidence.report import is_drifted, is_overdue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TextIO

    from voiceid_optout.evidence import Header, Row
    from voiceid_optout.evidence.report import DomainSummary, Month, Summary

_SHORT = 7  # digits of a commit on the screen


def title(header: Header) -> str:
    """Return the line that a report on the screen begins with."""
    commit = f", commit {header.commit[:_SHORT]}" if header.commit else ""
    return f"Report of stack {header.stack}, {header.made_at}{commit}"


def summary_lines(summary: Summary, aliases: Mapping[str, str]) -> Iterator[str]:
    """Yield a line a domain, by its alias if it has one, and a line a month."""
    for domain in summary.domains:
        yield f"  {aliases.get(domain.domain_id, domain.domain_id)}: {_domain(domain)}"
    if summary.months:
        yield "  month     asked   listed  applied  days: median, longest"
    for month in summary.months:
        yield _month(month)


def overdue_lines(first: Sequence[Row], count: int, header: Header) -> Iterator[str]:
    """Yield how many are overdue and who the first ones are, by label and place."""
    if not count:
        return
    yield f"Overdue, not opted out after more than {header.overdue_days} days: {count:,}"
    for row in first:
        asked = row.requested_on or (row.listed_at or "")[:10]
        yield f"  {row.label}  {row.place}  asked {asked}, {row.status or 'absent'} in the service"
    if (left := count - len(first)) > 0:
        yield f"  … {left:,} more"


def _domain(domain: DomainSummary) -> str:
    counts = (
        (domain.as_asked, "as asked"),
        (domain.released, "released"),
        (domain.drifted, "not as asked"),
        (domain.overdue, "overdue"),
        (domain.unlisted, "opted out and not listed"),
        (domain.reviews_past, "to be reviewed"),
    )
    listed = f"{domain.people:,} {'person' if domain.people == 1 else 'people'}"
    return ", ".join([listed, *(f"{count:,} {words}" for count, words in counts if count)])


def _month(month: Month) -> str:
    days = "" if month.median_days is None else f"{month.median_days:g}, {month.longest_days:g}"
    return f"  {month.month}  {month.requested:>7,}  {month.listed:>7,}  {month.applied:>7,}  {days}".rstrip()


_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")  # the full-width ones are formulas too, in some languages
_CONTROL = frozenset("\t\r\n")
_COLUMNS = (
    *("label", "domain_id", "ensure", "status", "as_asked", "overdue", "requested_on", "listed_at", "applied_at"),
    *("verified_at", "place", "listed_in", "ticket", "review_on"),
)


class Table:
    """Writes rows as CSV (RFC 4180); with ``names``, ids by label, there is a column for them.

    Every cell is in quotes, because spreadsheets of some languages divide at a semicolon. A cell that a spreadsheet
    would compute begins with an apostrophe.
    """

    def __init__(self, out: TextIO, header: Header, names: Mapping[str, str] | None = None) -> None:
        """``out`` must leave line ends alone."""
        self._writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        self._header = header
        self._names = names
        self._writer.writerow((*_COLUMNS, *(() if names is None else ("speaker_id",))))

    def add(self, row: Row) -> None:
        """Write one row."""
        as_asked = "" if row.ensure is None else _yes(not is_drifted(row))
        overdue = _yes(is_overdue(row, self._header))
        cells = (
            *(row.label, row.domain_id, row.ensure, row.status, as_asked, overdue, row.requested_on),
            *(row.listed_at, row.applied_at, row.verified_at, row.place, row.listed_in, row.ticket, row.review_on),
            *(() if self._names is None else (self._names.get(row.label, ""),)),
        )
        self._writer.writerow([_inert(cell or "") for cell in cells])


def _yes(is_so: bool) -> str:  # noqa: FBT001 - the only argument
    return "yes" if is_so else "no"


def _inert(cell: str) -> str:
    """Return a text that no spreadsheet takes for a formula, as OWASP advises."""
    is_formula = cell[:1] in _CONTROL or cell.lstrip()[:1] in _FORMULA
    return f"'{cell}" if cell and is_formula else cell
