"""How a post of ours is known again: an HTML comment in its first line, and who wrote it; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voiceid_optout.forge.errors import SettingsInvalid, UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_STACK = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # what Pulumi allows; nothing in it can end an HTML comment
DIGITS = 32  # hexadecimal ones, the least that approves: 128 bits
_DIGEST = rf"[0-9a-f]{{{DIGITS},64}}"
_REVIEWED = re.compile(rf"<!-- optout:plan commit=(?P<commit>[0-9a-f]+) digest=(?P<digest>{_DIGEST}) -->")


@dataclass(frozen=True, slots=True)
class Post:
    """A comment or an issue. ``number`` is what its address in the API ends with, ``url`` is for people.

    ``node`` is its id in GraphQL, which knows more about it.
    """

    number: int
    author: str
    body: str = field(repr=False)
    url: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a comment says was reviewed: the plan's digest, computed for a commit."""

    commit: str
    digest: str


def comment_marker(stack: str) -> str:
    """Return the first line of the comment about a stack."""
    return f"<!-- optout:stack={_stack(stack)} -->"


def issue_marker(stack: str) -> str:
    """Return the first line of the issue about a stack's drift."""
    return f"<!-- optout:drift={_stack(stack)} -->"


def reviewed_marker(reviewed: Reviewed) -> str:
    """Return the line that tells the merge which plan people saw."""
    if not re.fullmatch(_DIGEST, reviewed.digest):
        raise SettingsInvalid(
            f"--digest takes the digest that `optout preview` prints: {DIGITS} to 64 hexadecimal digits"
        )
    return f"<!-- optout:plan commit={reviewed.commit} digest={reviewed.digest} -->"


def reviewed_in(body: str) -> Reviewed | None:
    """Read the second line of a comment; None when it approves nothing."""
    lines = body.splitlines()
    match = _REVIEWED.fullmatch(lines[1].strip()) if len(lines) > 1 else None
    return None if match is None else Reviewed(match["commit"], match["digest"])


def post(item: Mapping[str, Any], number_key: str) -> Post:
    """Make a post from the API's object; a deleted account's posts have no author."""
    author = item.get("user")
    login = author.get("login") if isinstance(author, dict) else ""
    number, body, url, node = (item.get(key) for key in (number_key, "body", "html_url", "node_id"))
    if not isinstance(number, int):
        raise UnexpectedAnswer("GitHub sent a post without a number: is GITHUB_API_URL right?")
    return Post(number, str(login), body if isinstance(body, str) else "", str(url or ""), str(node or ""))


def ours(posts: Iterable[Post], marker: str, login: str) -> list[Post]:
    """Return our own posts with the marker, oldest first.

    Anybody may paste a marker: so the author decides. A post of ours may have been edited by others all the same.
    Only a first line counts, for a post of ours may quote another.
    """
    found = [item for item in posts if item.author == login and item.body.partition("\n")[0].strip() == marker]
    return sorted(found, key=lambda item: item.number)


def _stack(name: str) -> str:
    if not _STACK.fullmatch(name):
        raise SettingsInvalid("a stack's name has letters, digits, dots, dashes and underscores, at most 100")
    return name
