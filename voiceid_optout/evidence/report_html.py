"""A report as one HTML page that needs nothing else: for a privacy officer, a regulator, a printer.

The rows are in the page as JSON, in blocks of a few thousand people and column by column, and a script of the page
shows, sorts and filters them. Nobody's identifier is in it unless the caller gives names.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from voiceid_optout import pages
from voiceid_optout.evidence import EvidenceError
from voiceid_optout.evidence.report import days_waited, is_drifted, is_overdue, is_review_past
from voiceid_optout.evidence.report_charts import delays, objections
from voiceid_optout.foreign_text import one_line
from voiceid_optout.speakers import Ensure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO

    from voiceid_optout.evidence import Header, Row, Signature
    from voiceid_optout.evidence.report import DomainSummary, Month, Summary

BLOCK = 5000  # rows: some hundred kilobytes of text
_HERE = Path(__file__)
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_EPOCH = date(1970, 1, 1)
_OF_MONTHS = ("Month", "Asked", "Listed", "Opted out", "Days, median", "Days, longest")
_OF_DOMAINS = (
    "Domain",
    "Listed",
    "As asked",
    "Not as asked",
    "Overdue",
    "In no register",
    "Released",
    "Review past",
)
_NONE = "\u2013"
_LONGEST = 200  # characters of a text that others wrote
_PLACE = re.compile(r"(.*):(\d{1,7})", re.DOTALL)
_CONDITIONS = _OVERDUE, _DRIFTED, _UNLISTED, _OPTED_OUT, _RELEASED = range(5)  # as in report.js: attention first
_SHARED = ("domain", "file", "status", "commit")


def write_html(
    out: TextIO,
    header: Header,
    summary: Summary,
    rows: Iterable[Row],
    *,
    root: str | None,
    names: Mapping[str, str] | None,
    signature: Signature | None = None,
) -> None:
    """Write the page, block by block: ``rows`` may be a million, and are gone through once.

    ``root`` and ``signature`` are those of the report; ``names`` gives the identifier of a label, and who is not in
    it stays a label. Raises OSError as ``out`` does, and EvidenceError for a time that is none.
    """
    style, script = pages.style(_HERE.with_name("report.css")), _text("report.js")
    slots = {
        "policy": html.escape(pages.policy(style, script)),
        "title": html.escape(_title(header)),
        "style": style,
        "script": script,
        "top": _shown(_top(header, summary, root, signature, has_names=names is not None)),
        "charts": _shown(_charts(summary)),
        "days": f"{header.overdue_days:,}",
        "tool": html.escape(_safe(header.tool)),
        "foot": html.escape(f"{_title(header)} · made {_safe(header.made_at)} · root {_safe(root or 'none')}"),
    }
    # A single pass: what a slot is filled with is not searched for slots.
    before, _, after = _text("report.html").partition("{{rows}}\n")
    out.write(_SLOT.sub(lambda slot: slots[slot[1]], before))
    left = iter(rows)
    while block := list(islice(left, BLOCK)):
        out.write(
            f'<script type="application/json" class="rows">{_embedded(_columns(block, header, names))}</script>\n'
        )
    out.write(_SLOT.sub(lambda slot: slots[slot[1]], after))


def _text(name: str) -> str:
    return _HERE.with_name(name).read_text(encoding="utf-8")


def _title(header: Header) -> str:
    return _safe(f"Voice ID opt-outs of {header.project}/{header.stack}")


def _safe(text: str) -> str:
    """Return the text without what is invisible or misleads: all that is read may have been written to deceive."""
    return text if len(text) <= _LONGEST and text.isprintable() else one_line(text, _LONGEST)


def _shown(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode", method="html")


def _embedded(value: Any) -> str:
    """Return JSON that ends no script and opens no comment, in ASCII."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")


@dataclass(slots=True)
class _Shared:
    """A column of texts of which many rows share one: each text once, and its number for each row."""

    values: dict[str, int] = field(default_factory=dict)
    at: list[int] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.at.append(self.values.setdefault(text, len(self.values)))


def _columns(rows: list[Row], header: Header, names: Mapping[str, str] | None) -> dict[str, Any]:
    shared = {name: _Shared() for name in _SHARED}
    places = [_place(row.place) for row in rows]
    for row, (file, _) in zip(rows, places, strict=True):
        shared["domain"].add(_safe(row.domain_id))
        shared["file"].add(file)
        shared["status"].add(_safe(row.status or ""))
        shared["commit"].add(_safe(row.listed_in or ""))
    columns: dict[str, Any] = {name: {"values": list(one.values), "at": one.at} for name, one in shared.items()}
    columns["label"] = [_safe(row.label) for row in rows]
    if names is not None:
        columns["id"] = [_safe(names.get(row.label, "")) for row in rows]
    columns["condition"] = [_condition(row, header) for row in rows]
    columns["late"] = [int(is_review_past(row, header)) for row in rows]
    columns["line"] = [line for _, line in places]
    columns["ticket"] = [_safe(row.ticket or "") for row in rows]
    columns["review"] = [_day(row.review_on) for row in rows]
    columns["requested"] = [_day(row.requested_on) for row in rows]
    columns["listed"] = [_seconds(row.listed_at) for row in rows]
    columns["applied"] = [_seconds(row.applied_at) for row in rows]
    columns["verified"] = [_seconds(row.verified_at) for row in rows]
    columns["days"] = [days_waited(row) for row in rows]
    return columns


def _condition(row: Row, header: Header) -> int:
    if row.ensure is None:
        return _UNLISTED
    if is_drifted(row):
        return _OVERDUE if is_overdue(row, header) else _DRIFTED
    return _RELEASED if row.ensure == Ensure.RELEASED else _OPTED_OUT


@lru_cache(maxsize=4096)
def _place(place: str | None) -> tuple[str, int | None]:
    match = _PLACE.fullmatch(place or "")
    if match is None:
        return _safe(place or ""), None
    return _safe(match[1]), int(match[2])


@lru_cache(maxsize=4096)
def _day(text: str | None) -> int | None:
    """Return the days since 1970."""
    try:
        return None if text is None else (date.fromisoformat(text[:10]) - _EPOCH).days
    except ValueError:
        raise EvidenceError("the report has a day that no calendar has") from None


@lru_cache(maxsize=4096)
def _seconds(text: str | None) -> int | None:
    """Return the seconds since 1970."""
    try:
        return None if text is None else int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise EvidenceError("the report has a time that no calendar has") from None


def _top(
    header: Header, summary: Summary, root: str | None, signature: Signature | None, *, has_names: bool
) -> ET.Element:
    top = ET.Element("header", {"class": "top"})
    _add(top, "p", "Voice ID opt-outs", "kind")
    _add(top, "h1", f"{header.project} / {header.stack}")
    made = _add(top, "p", f"As read from the service and the register on {_moment(header.made_at)}", "soft")
    if header.commit:
        made.text = f"{made.text}, at commit "
        _add(made, "code", header.commit[:12])
    counts = _totals(summary)
    _add(top, "p", _verdict(counts), "verdict loss" if counts["overdue"] else "verdict")
    _tiles(top, counts)
    if has_names:
        note = _add(top, "aside")
        _add(note, "p", "This page names people. Keep it as you keep the register, and do not send it on.")
    _proof(top, header, root, signature)
    return top


def _totals(summary: Summary) -> dict[str, int]:
    names = ("people", "as_asked", "overdue", "drifted", "unlisted", "released", "reviews_past")
    return {name: sum(getattr(one, name) for one in summary.domains) for name in names}


def _verdict(counts: dict[str, int]) -> str:
    attention = counts["drifted"] + counts["unlisted"]
    if not attention:
        return (
            f"Everybody is as they asked: {_people(counts['people'])}." if counts["people"] else "Nobody is listed."
        )
    verb = "needs" if attention == 1 else "need"
    return f"{_people(attention)} {verb} attention. They come first in the list below."


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"


def _tiles(top: ET.Element, counts: dict[str, int]) -> None:
    tiles = _add(top, "ul", kind="counts")
    for name, show, words, kind in (
        ("people", "all", "listed", ""),
        ("as_asked", "asked", "as asked", "good"),
        ("drifted", "drifted", "not as asked", "warn"),
        ("overdue", "overdue", "of these overdue", "loss"),
        ("unlisted", "unlisted", "in no register", "warn"),
        ("released", "released", "released", ""),
        ("reviews_past", "review", "review date past", "warn"),
    ):
        button = ET.SubElement(_add(tiles, "li", kind=kind if counts[name] else "none"), "button")
        button.attrib.update({"type": "button", "value": show, "aria-pressed": "false"})
        _add(button, "strong", f"{counts[name]:,}")
        _add(button, "span", words)


def _proof(top: ET.Element, header: Header, root: str | None, signature: Signature | None) -> None:
    proof = ET.SubElement(top, "section", {"class": "proof", "aria-labelledby": "proof"})
    _add(proof, "h2", "Proof").set("id", "proof")
    facts = _add(proof, "dl")
    _fact(facts, "Root", root or "none", is_code=root is not None)
    if signature is None:
        _fact(facts, "Signature", "none")
    else:
        _fact(facts, "Signed with", signature.public_key, is_code=True)
    _fact(facts, "Report before", header.previous or "none", is_code=header.previous is not None)
    check = _add(proof, "p", "This page is for reading. The proof is the report's JSON file, ")
    if root is None:
        check.text = f"{check.text}which was not made with it: name one with "
        _add(check, "code", "--json").tail = "."
        return
    check.text = f"{check.text}which was made with it. To check the file, without a network, run "
    _add(check, "code", "optout verify report.json").tail = (
        ". It must name the root that stands here: one changed letter gives another root. "
        "The documentation tells how to check a report without this program, under “Verify”."
    )
    if signature is not None:
        check[-1].tail = f"{check[-1].tail} Compare the key with the one that the owner has made known."


def _fact(facts: ET.Element, term: str, text: str, *, is_code: bool = False) -> None:
    _add(facts, "dt", term)
    fact = _add(facts, "dd")
    _add(fact, "code" if is_code else "span", text)


def _charts(summary: Summary) -> ET.Element:
    section = ET.Element("section", {"class": "months", "aria-labelledby": "months"})
    _add(section, "h2", "Month by month").set("id", "months")
    if not summary.months:
        _add(section, "p", "No opt-out has been asked for yet.")
    else:
        pictures = _add(section, "div", kind="pictures")
        pictures.extend([objections(summary.months), delays(summary.months)])
        details = _add(section, "details")
        _add(details, "summary", "The same as a table")
        _table(details, "Opt-outs a month", _OF_MONTHS, [_of_month(one) for one in reversed(summary.months)])
    if len(summary.domains) > 1:
        details = _add(section, "details")
        _add(details, "summary", f"By domain: {len(summary.domains):,} domains")
        _table(details, "People a domain", _OF_DOMAINS, [_of_domain(one) for one in summary.domains])
    return section


def _of_month(one: Month) -> tuple[str | float | None, ...]:
    return one.month, one.requested, one.listed, one.applied, one.median_days, one.longest_days


def _of_domain(one: DomainSummary) -> tuple[str | int, ...]:
    counts = one.people, one.as_asked, one.drifted, one.overdue, one.unlisted, one.released, one.reviews_past
    return (one.domain_id, *counts)


def _table(
    parent: ET.Element, caption: str, heads: tuple[str, ...], rows: Iterable[tuple[str | float | None, ...]]
) -> None:
    wide = ET.SubElement(parent, "div", {"class": "wide", "tabindex": "0", "role": "region", "aria-label": caption})
    table = _add(wide, "table")
    _add(table, "caption", caption, "heard")
    line = ET.SubElement(_add(table, "thead"), "tr")
    for index, head in enumerate(heads):
        _add(line, "th", head, "number" if index else "").set("scope", "col")
    body = _add(table, "tbody")
    for first, *rest in rows:
        line = _add(body, "tr")
        _add(line, "th", str(first)).set("scope", "row")
        for value in rest:
            _add(
                line,
                "td",
                _NONE if value is None else f"{value:,.10g}" if isinstance(value, float) else f"{value:,}",
                "number",
            )


def _moment(text: str) -> str:
    return f"{text[:10]} at {text[11:16]} UTC"


def _add(parent: ET.Element, tag: str, text: str = "", kind: str = "") -> ET.Element:
    child = ET.SubElement(parent, tag, {"class": kind} if kind else {})
    child.text = text if text.isprintable() else _safe(text)
    return child
