"""A story as text, JSON and HTML."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

from tests.evidence.test_story import ENTRY, LABEL, RUN, story
from voiceid_optout.evidence.render_story import as_html, as_json, as_text

STORY = story(ENTRY, None, RUN)


def test_text_says_what_holds_and_what_happened() -> None:
    lines = as_text([STORY], ["this clone is shallow"]).splitlines()
    assert lines[0] == f"label             {LABEL}"
    assert "register          opted out, config/people.yaml:3" in lines
    assert any(
        line.startswith("listed since      2026-01-03T00:00:00Z, listed at config/people.yaml:3") for line in lines
    )
    assert "opted out since   2026-01-04T00:00:00Z" in lines
    assert lines[-1] == "note: this clone is shallow"


def test_what_is_unknown_is_said() -> None:
    assert "register  not listed now" in as_text([replace(STORY, listed=None, since=None, service=None)], [])
    assert STORY.listed is not None
    fresh = replace(STORY, since=None, listed=replace(STORY.listed, committed=False))
    assert "listed since      not committed yet" in as_text([fresh], [])
    assert "listed since      cannot be told" in as_text([replace(STORY, since=None)], [])


def test_json_has_all_of_it() -> None:
    document = json.loads(as_json([STORY], ["a note"]))
    assert (document["type"], document["version"], document["notes"]) == ("voiceid-optout/story", 1, ["a note"])
    (person,) = document["people"]
    assert person["since"]["pull_request"] == 7
    assert [moment["source"] for moment in person["moments"]] == ["register", "run"]


def test_the_page_escapes_what_others_wrote_and_loads_nothing() -> None:
    evil = '<script src="https://example.org/x.js">'
    assert STORY.since is not None
    page = as_html([replace(STORY, since=replace(STORY.since, author=evil))], [evil])
    tags: list[tuple[str, dict[str, str | None]]] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append((tag, dict(attrs)))

    Tags().feed(page)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    assert not any({"src", "href", "onclick"} & attributes.keys() for _, attributes in tags)
    assert "&lt;script" in page
