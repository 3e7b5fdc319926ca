"""What a report's rows say: who is overdue or drifted, and the summary that anybody can compute from rows alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from voiceid_optout.evidence import EvidenceError
from voiceid_optout.speakers import Ensure, is_as_asked

if TYPE_CHECKING:
    from voiceid_optout.evidence import Header, Row

OVERDUE_DAYS = 30  # GDPR Art. 12(3): within one month of receipt of the request


@dataclass(frozen=True, slots=True)
class Month:
    """The opt-outs that were asked for in a month, and the opt-outs that were listed and applied in it.

    Somebody asked on ``requested_on``, or else when they were listed. The days count from there to the service's
    opt-out, for those who asked in this month; who was opted out before has waited no day.
    """

    month: str  # 2026-03
    requested: int
    listed: int
    applied: int
    median_days: float | None
    longest_days: float | None


@dataclass(frozen=True, slots=True)
class DomainSummary:
    """How many people of a domain are in which condition; each count but ``unlisted`` is of those listed."""

    domain_id: str
    people: int
    as_asked: int
    released: int
    drifted: int
    overdue: int
    unlisted: int
    reviews_past: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A report in short, the domains and months in order."""

    domains: tuple[DomainSummary, ...]
    months: tuple[Month, ...]


def is_drifted(row: Row) -> bool:
    """Tell whether the service says something else of somebody who is listed than the register asks for."""
    return row.ensure is not None and not is_as_asked(row.ensure, row.status)


def is_overdue(row: Row, header: Header) -> bool:
    """Tell whether an opt-out has been asked for longer ago than the report allows, and does not hold."""
    asked = _asked(row)
    if asked is None or not is_drifted(row):
        return False
    return (_day(header.made_at) - _day(asked)).days > header.overdue_days


def is_review_past(row: Row, header: Header) -> bool:
    """Tell whether the day is past on which somebody was to look at this entry again."""
    return row.ensure is not None and row.review_on is not None and _day(row.review_on) < _day(header.made_at)


def days_waited(row: Row) -> int | None:
    """Return the days from when an opt-out was asked for to the service's; None where one of them is not known."""
    asked = _asked(row)
    if asked is None or row.applied_at is None:
        return None
    return max(0, (_day(row.applied_at) - _day(asked)).days)


def _asked(row: Row) -> str | None:
    """Return the day or the time when an opt-out was asked for; None where that is not known or not asked."""
    return (row.requested_on or row.listed_at) if row.ensure == Ensure.OPTED_OUT else None


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise EvidenceError("the report has a day that no calendar has") from None


@dataclass(slots=True)
class _MonthCounts:
    requested: int = 0
    listed: int = 0
    applied: int = 0
    days: Counter[int] = field(default_factory=Counter)  # how many have waited so long: no list of a million

    def month(self, name: str) -> Month:
        longest = float(max(self.days)) if self.days else None
        return Month(name, self.requested, self.listed, self.applied, self._median(), longest)

    def _median(self) -> float | None:
        count = self.days.total()
        if not count:
            return None
        return (self._at((count - 1) // 2) + self._at(count // 2)) / 2

    def _at(self, place: int) -> int:
        """Return the number of days at a place of all of them in order."""
        for days in sorted(self.days):
            place -= self.days[days]
            if place < 0:
                return days
        raise AssertionError


@dataclass(slots=True)
class SummaryMaker:
    """Takes in rows one by one, and keeps counts alone."""

    header: Header
    _domains: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _months: defaultdict[str, _MonthCounts] = field(default_factory=lambda: defaultdict(_MonthCounts))

    def add(self, row: Row) -> None:
        """Count one row."""
        counts = self._domains[row.domain_id]
        if row.ensure is None:
            counts["unlisted"] += 1
            return
        counts["people"] += 1
        counts["drifted" if is_drifted(row) else "as_asked"] += 1
        counts["overdue"] += is_overdue(row, self.header)
        counts["reviews_past"] += is_review_past(row, self.header)
        if row.ensure == Ensure.RELEASED:
            counts["released"] += 1
        else:
            self._add_to_months(row)

    def _add_to_months(self, row: Row) -> None:
        asked = _asked(row)
        if asked is not None:
            month = self._months[asked[:7]]
            month.requested += 1
            if (waited := days_waited(row)) is not None:
                month.days[waited] += 1
        if row.listed_at is not None:
            self._months[row.listed_at[:7]].listed += 1
        if row.applied_at is not None:
            self._months[row.applied_at[:7]].applied += 1

    def summary(self) -> Summary:
        """Return what was counted."""
        names = ("people", "as_asked", "released", "drifted", "overdue", "unlisted", "reviews_past")
        return Summary(
            tuple(
                DomainSummary(domain_id, *(counts[name] for name in names))
                for domain_id, counts in sorted(self._domains.items())
            ),
            tuple(counts.month(name) for name, counts in sorted(self._months.items())),
        )
