"""Exactly one comment a stack on a pull request: made, edited in place, and one again after a race."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from voiceid_optout.forge.answers import Purpose
from voiceid_optout.forge.client import inside
from voiceid_optout.forge.errors import NotFound
from voiceid_optout.forge.markers import Post, ours, post

if TYPE_CHECKING:
    from voiceid_optout.forge.client import GitHub

PERMISSION = "pull-requests: write"
_TRIES = 3
# REST does not tell who edited a comment. Both actors are asked for here: REST and GraphQL spell a bot's login each
# in its own way.
_LAST_WRITTEN = """query($id: ID!) { node(id: $id) { ... on IssueComment {
  body lastEditedAt author { __typename login } editor { __typename login }
} } }"""


class Done(StrEnum):
    """What became of a post."""

    CREATED = "created"
    EDITED = "edited"
    UNCHANGED = "unchanged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Posted:
    """What was done, and where people find it."""

    done: Done
    url: str


@dataclass(frozen=True, slots=True)
class Written:
    """A comment's text and who wrote it last; ``by_author`` is None if the forge does not say."""

    body: str = field(repr=False)
    by_author: bool | None
    editor: str = ""


def find(github: GitHub, number: int, marker: str, permission: str = PERMISSION) -> list[Post]:
    """Return our comments with the marker, oldest first; all pages are read."""
    purpose = Purpose(f"reading the comments of pull request {number}", _thing(github, number), permission)
    listed = github.items(f"/issues/{number}/comments", purpose)
    return ours((post(item, "id") for item in listed), marker, github.login())


def put(github: GitHub, number: int, marker: str, body: str) -> Posted:
    """Make ``body``, whose first line is the marker, the one comment; raises ForgeError.

    The oldest one stays, so two runs that create at the same time agree on which to remove.
    """
    for _ in range(_TRIES):
        found = find(github, number, marker)
        if found and _says(found[0], body) and not last_written(github, number, found[0], PERMISSION).by_author:
            # To write the same text again is no edit, and would leave somebody else as the last who wrote it.
            _remove(github, number, found)
            found = []
        if not found:
            created = post(
                github.call("POST", f"/issues/{number}/comments", _writing(github, number), {"body": body}), "id"
            )
            found = find(github, number, marker)
            if not found or found[0].number == created.number:
                _remove(github, number, found[1:])
                return Posted(Done.CREATED, created.url)
        try:
            posted = _edit(github, number, found[0], body)
        except NotFound:
            continue  # another run, or a person, has removed it since it was listed
        _remove(github, number, found[1:])
        return posted
    raise NotFound(f"the comment on pull request {number} was removed again and again while it was written")


def last_written(github: GitHub, number: int, found: Post, permission: str) -> Written:
    """Return a comment as it stands now, and whether its author wrote that: text and editor in one answer."""
    purpose = Purpose(f"asking who edited the comment on pull request {number}", _thing(github, number), permission)
    node = inside(github.query(_LAST_WRITTEN, {"id": found.node}, purpose), "node") if found.node else None
    if not isinstance(node, dict) or not node.keys() >= {"body", "lastEditedAt", "author", "editor"}:
        return Written("", None)
    body, author, editor = node["body"], node["author"], node["editor"]
    if not isinstance(body, str) or not inside(author, "login"):
        return Written("", None)
    if editor is None:
        # Somebody edited it whose account is gone; without a time nobody did.
        return Written(body, node["lastEditedAt"] is None)
    return Written(body, _actor(editor) == _actor(author), str(inside(editor, "login") or ""))


def _actor(found: Any) -> tuple[Any, Any]:
    return inside(found, "__typename"), inside(found, "login")


def _says(found: Post, body: str) -> bool:
    return found.body.splitlines() == body.splitlines()


def _edit(github: GitHub, number: int, found: Post, body: str) -> Posted:
    if _says(found, body):
        return Posted(Done.UNCHANGED, found.url)
    github.call("PATCH", f"/issues/comments/{found.number}", _writing(github, number), {"body": body})
    return Posted(Done.EDITED, found.url)


def _remove(github: GitHub, number: int, surplus: list[Post]) -> None:
    for item in surplus:
        try:
            github.call("DELETE", f"/issues/comments/{item.number}", _writing(github, number))
        except NotFound:
            continue  # the other run was quicker


def _writing(github: GitHub, number: int) -> Purpose:
    return Purpose(f"writing the comment on pull request {number}", _thing(github, number), PERMISSION)


def _thing(github: GitHub, number: int) -> str:
    return f"pull request {number} in {github.repository}"
