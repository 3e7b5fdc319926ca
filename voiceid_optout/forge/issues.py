"""One open issue a stack for its drift: opened, brought up to date, and closed when the drift is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voiceid_optout.forge.comments import Done, Post, Posted, ours, post
from voiceid_optout.forge.errors import Purpose

if TYPE_CHECKING:
    from voiceid_optout.forge.client import GitHub

PERMISSION = "issues: write"
_OPEN = "/issues?state=open&sort=created&direction=asc"


def find(github: GitHub, marker: str) -> list[Post]:
    """Return our open issues with the marker, oldest first. The API lists pull requests among the issues."""
    listed = github.items(_OPEN, _purpose(github, "reading the open issues"))
    return ours((post(item, "number") for item in listed if "pull_request" not in item), marker, github.login())


def put(github: GitHub, marker: str, title: str, body: str) -> Posted:
    """Make ``body``, whose first line is the marker, the one open issue; raises ForgeError."""
    content = {"title": title, "body": body}
    found = find(github, marker)
    if not found:
        created = post(github.call("POST", "/issues", _purpose(github, "opening an issue"), content), "number")
        found = find(github, marker)
        if not found or found[0].number == created.number:
            _drop(github, found[1:])
            return Posted(Done.CREATED, created.url)
    kept = found[0]
    done = Done.UNCHANGED if kept.body.splitlines() == body.splitlines() else Done.EDITED
    if done is Done.EDITED:
        _change(github, kept, content)
    _drop(github, found[1:])
    return Posted(done, kept.url)


def close(github: GitHub, marker: str, closing_text: str) -> Posted | None:
    """Close what is open, with a comment; returns None when nothing was."""
    found = find(github, marker)
    for item in found:
        purpose = _purpose(github, f"commenting on issue {item.number}")
        github.call("POST", f"/issues/{item.number}/comments", purpose, {"body": closing_text})
        _change(github, item, {"state": "closed", "state_reason": "completed"})
    return Posted(Done.CLOSED, found[0].url) if found else None


def _drop(github: GitHub, duplicates: list[Post]) -> None:
    for item in duplicates:
        _change(github, item, {"state": "closed", "state_reason": "not_planned"})


def _change(github: GitHub, item: Post, changes: dict[str, Any]) -> None:
    github.call("PATCH", f"/issues/{item.number}", _purpose(github, f"changing issue {item.number}"), changes)


def _purpose(github: GitHub, doing: str) -> Purpose:
    return Purpose(doing, f"such issue in {github.repository}", PERMISSION)
