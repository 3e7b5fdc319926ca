"""A story as text, JSON, or one HTML page that needs nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from voiceid_optout import pages
from voiceid_optout.evidence.story import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceid_optout.evidence.story import Story

TYPE, VERSION = "voiceid-optout/story", 1


def facts(story: Story) -> Iterator[tuple[str, str]]:
    """Yield what holds now, each with its name."""
    yield "label", story.label
    if story.speaker_id is not None:
        yield "speaker id", story.speaker_id
    yield "domain", story.domain_id
    listed = story.listed
    if listed is None:
        yield "register", "not listed now"
    else:
        asked = listed.ensure.replace("_", " ")
        yield "register", f"{asked}, {listed.place}{'' if listed.committed else ', not committed yet'}"
        for name in ("requested_on", "review_on", "ticket", "reason"):
            if (value := getattr(listed, name)) is not None:
                yield name.replace("_", " "), value
        unknown = "cannot be told" if listed.committed else "not committed yet"
        yield "listed since", unknown if story.since is None else f"{story.since.at}, {words(story.since)}"
    if story.service is None:
        yield "service", "was not asked"
    else:
        yield "service", f"{story.service.status or 'absent'}, asked at {story.service.asked_at}"
        if story.opted_out_at is not None:
            yield "opted out since", story.opted_out_at
        if story.service.created_at is not None:
            yield "service's record", f"made {story.service.created_at}, changed {story.service.updated_at}"


def as_text(stories: Sequence[Story], notes: Sequence[str]) -> str:
    """Return the stories as lines."""
    lines = []
    for story in stories:
        found = list(facts(story))
        width = max(len(name) for name, _ in found)
        lines += [f"{name:{width}}  {value}" for name, value in found]
        lines += ["", *(f"{moment.at}  {words(moment)}" for moment in story.moments), ""]
    lines += [f"note: {note}" for note in notes]
    return "\n".join(lines).rstrip("\n")


def as_json(stories: Sequence[Story], notes: Sequence[str]) -> str:
    """Return the stories as a JSON document."""
    document = {
        "type": TYPE,
        "version": VERSION,
        "people": [story.document() for story in stories],
        "notes": list(notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_html(stories: Sequence[Story], notes: Sequence[str]) -> str:
    """Return the stories as a page. It is built as a tree, and what writes it escapes every text."""
    page = ET.Element("html", lang="en")
    head, style = ET.SubElement(page, "head"), pages.style(Path(__file__).with_name("story.css"))
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": pages.policy(style)})
    ET.SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    ET.SubElement(head, "title").text = "The story of an opt-out"
    ET.SubElement(head, "style").text = style
    body = ET.SubElement(ET.SubElement(page, "body"), "main")
    for story in stories:
        ET.SubElement(body, "h1").text = f"The story of {story.label}"
        ET.SubElement(body, "h2").text = "What holds now"
        _table(body, (), facts(story))
        ET.SubElement(body, "h2").text = "What happened"
        _table(body, ("When (UTC)", "What"), ((moment.at, words(moment)) for moment in story.moments))
    for note in notes:
        ET.SubElement(body, "p").text = f"Note: {note}"
    return f"<!DOCTYPE html>\n{ET.tostring(page, encoding='unicode', method='html')}"


def _table(body: ET.Element, heads: Sequence[str], rows: Iterator[tuple[str, str]]) -> None:
    table = ET.SubElement(body, "table")
    if heads:
        row = ET.SubElement(ET.SubElement(table, "thead"), "tr")
        for name in heads:
            ET.SubElement(row, "th", scope="col").text = name
    content = ET.SubElement(table, "tbody")
    for name, value in rows:
        row = ET.SubElement(content, "tr")
        ET.SubElement(row, "th", scope="row").text = name
        ET.SubElement(row, "td").text = value
