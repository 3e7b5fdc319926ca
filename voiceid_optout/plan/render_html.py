"""A plan as one HTML page that needs nothing else: for a browser, a mail, a printer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from voiceid_optout import pages
from voiceid_optout.plan.review import VERBS, Gap, changed, clean, cut, more

if TYPE_CHECKING:
    from voiceid_optout.plan import Step
    from voiceid_optout.plan.review import Review

ROWS_SHOWN = 10_000  # a page of some megabytes; the JSON document has them all
_STYLE = Path(__file__).with_name("page.css")
_COLUMNS = ("action", "who", "where", "change", "why")


def render(review: Review, limit: int = ROWS_SHOWN) -> str:
    """Return the page, with at most ``limit`` rows.

    It is built as a tree, and the library that writes it escapes every text and attribute.
    """
    page = ET.Element("html", lang="en")
    _head(ET.SubElement(page, "head"), review)
    body = ET.SubElement(ET.SubElement(page, "body"), "main")
    _add(body, "h1", review.title)
    _add(body, "p", review.summary, "summary")
    _add(_add(body, "p", "Endpoint ", "place"), "code", review.where)
    if review.refusal is not None:
        note = ET.SubElement(body, "aside")
        _add(note, "p", f"The guard would refuse this: {review.refusal.reasons}.")
        _add(note, "p", "To do exactly this all the same:")
        _add(note, "pre", review.refusal.override)
    _counts(body, review)
    if review.note:
        _add(body, "p", review.note, "note")
    if review.steps:
        _steps(body, review, limit)
    if review.is_plan:
        _add(_add(body, "p", "Digest ", "digest"), "code", review.digest)
    return f"<!DOCTYPE html>\n{ET.tostring(page, encoding='unicode', method='html')}\n"


def _head(head: ET.Element, review: Review) -> None:
    ET.SubElement(head, "meta", charset="utf-8")
    style = pages.style(_STYLE)
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": pages.policy(style)})
    ET.SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _add(head, "title", review.title)
    _add(head, "style", style)


def _counts(body: ET.Element, review: Review) -> None:
    counts = review.plan.counts
    known = [(verb, action.value, counts[action]) for action, verb in VERBS.items() if counts[action]]
    listing = ET.SubElement(body, "ul", {"class": "counts"})
    for verb, kind, count in [*known, ("unchanged", "unchanged", review.plan.unchanged)]:
        item = ET.SubElement(listing, "li", {"class": kind})
        _add(item, "strong", f"{count:,}")
        _add(item, "span", verb)


def _steps(body: ET.Element, review: Review, limit: int) -> None:
    table = ET.SubElement(body, "table")
    heads = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    for name in _COLUMNS:
        ET.SubElement(heads, "th", scope="col").text = name
    rows = ET.SubElement(table, "tbody")
    for item in cut(review.steps, limit):
        if isinstance(item, Gap):
            gap = ET.SubElement(rows, "tr", {"class": "gap"})
            ET.SubElement(gap, "td", colspan=str(len(_COLUMNS))).text = more(item.count)
        else:
            _step(ET.SubElement(rows, "tr", {"class": item.action.value}), review, item)


def _step(row: ET.Element, review: Review, step: Step) -> None:
    _add(row, "td", VERBS[step.action], "action")
    _add(_add(row, "td"), "code", clean(step.label))
    place = _add(row, "td")
    if link := review.link(step):
        place = _add(place, "a")
        place.set("href", link)
        place.set("rel", "noreferrer")
    _add(place, "code", review.shown_place(step))
    _add(row, "td", clean(changed(step.change)))
    why = review.reason_of_release(step)
    reason = _add(row, "td", f"{clean(step.reason)} because " if why else clean(step.reason))
    if why:
        _add(reason, "q", why)
    if ticket := review.ticket(step):
        _add(reason, "span", f" (ticket {ticket})", "ticket")


def _add(parent: ET.Element, tag: str, text: str = "", kind: str = "") -> ET.Element:
    child = ET.SubElement(parent, tag, {"class": kind} if kind else {})
    child.text = text
    return child
