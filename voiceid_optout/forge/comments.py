"""Exactly one comment a stack on a pull request: made, edited in place, and one again after a race."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voiceid_optout.forge.answers import Purpose
from voiceid_optout.forge.errors import NotFound
from voiceid_optout.forge.markers import Post, ours, post

if TYPE_CHECKING:
    from voiceid_optout.forge.client import GitHub

PERMISSION = "pull-requests: write"
_TRIES = 3


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
        if not (found := find(github, number, marker)):
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


def _edit(github: GitHub, number: int, found: Post, body: str) -> Posted:
    if found.body.splitlines() == body.splitlines():
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
