"""What we post on GitHub: one comment a stack on a pull request, one open issue a stack for its drift.

A marker in the first line identifies them. The comment tells the merge which plan people had before them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from voiceid_optout.forge import CallPurpose, NotFound, NotReviewed, OptionInvalid, UnexpectedAnswer
from voiceid_optout.forge.client import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voiceid_optout.forge.client import GitHub


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
        raise OptionInvalid(
            f"--digest takes the digest that `optout preview` prints: {DIGITS} to 64 hexadecimal digits"
        )
    return f"<!-- optout:plan commit={reviewed.commit} digest={reviewed.digest} -->"


def reviewed_in(body: str) -> Reviewed | None:
    """Read the second line of a comment; None when it approves nothing."""
    lines = body.splitlines()
    match = _REVIEWED.fullmatch(lines[1].strip()) if len(lines) > 1 else None
    return None if match is None else Reviewed(match["commit"], match["digest"])


def read_post(item: Mapping[str, Any], number_key: str) -> Post:
    """Make a post from the API's object; a deleted account's posts have no author."""
    author = item.get("user")
    login = author.get("login") if isinstance(author, dict) else ""
    number, body, url, node = (item.get(key) for key in (number_key, "body", "html_url", "node_id"))
    if not isinstance(number, int):
        raise UnexpectedAnswer("GitHub sent a post without a number: is GITHUB_API_URL right?")
    return Post(number, str(login), body if isinstance(body, str) else "", str(url or ""), str(node or ""))


def own_posts(posts: Iterable[Post], marker: str, login: str) -> list[Post]:
    """Return our own posts with the marker, oldest first.

    Anybody may paste a marker: so the author decides. A post of ours may have been edited by others all the same.
    Only a first line counts, for a post of ours may quote another.
    """
    found = [item for item in posts if item.author == login and item.body.partition("\n")[0].strip() == marker]
    return sorted(found, key=lambda item: item.number)


def _stack(name: str) -> str:
    if not _STACK.fullmatch(name):
        raise OptionInvalid("a stack's name has letters, digits, dots, dashes and underscores, at most 100")
    return name


COMMENT_PERMISSION = "pull-requests: write"
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


def find_comments(github: GitHub, number: int, marker: str, permission: str = COMMENT_PERMISSION) -> list[Post]:
    """Return our comments with the marker, oldest first; all pages are read."""
    purpose = CallPurpose(f"reading the comments of pull request {number}", _thing(github, number), permission)
    listed = github.items(f"/issues/{number}/comments", purpose)
    return own_posts((read_post(item, "id") for item in listed), marker, github.login())


def put_comment(github: GitHub, number: int, marker: str, body: str) -> Posted:
    """Make ``body``, whose first line is the marker, the one comment; raises ForgeError.

    The oldest one stays, so two runs that create at the same time agree on which to remove.
    """
    for _ in range(_TRIES):
        found = find_comments(github, number, marker)
        if (
            found
            and _says(found[0], body)
            and not last_written(github, number, found[0], COMMENT_PERMISSION).by_author
        ):
            # To write the same text again is no edit, and would leave somebody else as the last who wrote it.
            _remove_comments(github, number, found)
            found = []
        if not found:
            created = read_post(
                github.call("POST", f"/issues/{number}/comments", _writing_comment(github, number), {"body": body}),
                "id",
            )
            found = find_comments(github, number, marker)
            if not found or found[0].number == created.number:
                _remove_comments(github, number, found[1:])
                return Posted(Done.CREATED, created.url)
        try:
            posted = _edit_comment(github, number, found[0], body)
        except NotFound:
            continue  # another run, or a person, has removed it since it was listed
        _remove_comments(github, number, found[1:])
        return posted
    raise NotFound(f"the comment on pull request {number} was removed again and again while it was written")


def last_written(github: GitHub, number: int, found: Post, permission: str) -> Written:
    """Return a comment as it stands now, and whether its author wrote that: text and editor in one answer."""
    purpose = CallPurpose(
        f"asking who edited the comment on pull request {number}", _thing(github, number), permission
    )
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


def _edit_comment(github: GitHub, number: int, found: Post, body: str) -> Posted:
    if _says(found, body):
        return Posted(Done.UNCHANGED, found.url)
    github.call("PATCH", f"/issues/comments/{found.number}", _writing_comment(github, number), {"body": body})
    return Posted(Done.EDITED, found.url)


def _remove_comments(github: GitHub, number: int, duplicates: list[Post]) -> None:
    for item in duplicates:
        try:
            github.call("DELETE", f"/issues/comments/{item.number}", _writing_comment(github, number))
        except NotFound:
            continue  # the other run was quicker


def _writing_comment(github: GitHub, number: int) -> CallPurpose:
    return CallPurpose(f"writing the comment on pull request {number}", _thing(github, number), COMMENT_PERMISSION)


def _thing(github: GitHub, number: int) -> str:
    return f"pull request {number} in {github.repository}"


ISSUE_PERMISSION = "issues: write"
_OPEN_ISSUES = "/issues?state=open&sort=created&direction=asc"


def find_issues(github: GitHub, marker: str) -> list[Post]:
    """Return our open issues with the marker, oldest first. The API lists pull requests among the issues."""
    listed = github.items(_OPEN_ISSUES, _on_issues(github, "reading the open issues"))
    return own_posts(
        (read_post(item, "number") for item in listed if "pull_request" not in item), marker, github.login()
    )


def put_issue(github: GitHub, marker: str, title: str, body: str) -> Posted:
    """Make ``body``, whose first line is the marker, the one open issue; raises ForgeError."""
    content = {"title": title, "body": body}
    found = find_issues(github, marker)
    if not found:
        created = read_post(
            github.call("POST", "/issues", _on_issues(github, "opening an issue"), content), "number"
        )
        found = find_issues(github, marker)
        if not found or found[0].number == created.number:
            _close_duplicates(github, found[1:])
            return Posted(Done.CREATED, created.url)
    kept = found[0]
    done = Done.UNCHANGED if _says(kept, body) else Done.EDITED
    if done is Done.EDITED:
        _change_issue(github, kept, content)
    _close_duplicates(github, found[1:])
    return Posted(done, kept.url)


def close_issue(github: GitHub, marker: str, closing_text: str) -> Posted | None:
    """Close what is open, with a comment; returns None when nothing was."""
    found = find_issues(github, marker)
    for item in found:
        purpose = _on_issues(github, f"commenting on issue {item.number}")
        github.call("POST", f"/issues/{item.number}/comments", purpose, {"body": closing_text})
        _change_issue(github, item, {"state": "closed", "state_reason": "completed"})
    return Posted(Done.CLOSED, found[0].url) if found else None


def _close_duplicates(github: GitHub, duplicates: list[Post]) -> None:
    for item in duplicates:
        _change_issue(github, item, {"state": "closed", "state_reason": "not_planned"})


def _change_issue(github: GitHub, item: Post, changes: dict[str, Any]) -> None:
    github.call("PATCH", f"/issues/{item.number}", _on_issues(github, f"changing issue {item.number}"), changes)


def _on_issues(github: GitHub, doing: str) -> CallPurpose:
    return CallPurpose(doing, f"such issue in {github.repository}", ISSUE_PERMISSION)


REVIEW_PERMISSION = "pull-requests: read"


def reviewed_digest(github: GitHub, stack: str, commit: str) -> str:
    """Return the digest in our comment on the pull request that became ``commit``.

    Raises NotReviewed when the commit came by no pull request, when the last preview failed or was refused, when
    somebody else edited the comment or the forge does not say who did, and when the comment is about an older push
    than the one that was merged.
    """
    pull_request = _merged_as(github, commit)
    number = pull_request["number"]
    found = find_comments(github, number, comment_marker(stack), REVIEW_PERMISSION)
    if not found:
        raise NotReviewed(f"pull request {number} has no plan of stack {stack}: {_REMEDY}")
    written = last_written(github, number, found[0], REVIEW_PERMISSION)
    if not written.by_author:
        raise NotReviewed(f"{_why_not_trusted(written)} (pull request {number}, {found[0].url}): {_REMEDY}")
    reviewed = reviewed_in(written.body)
    if reviewed is None:
        raise NotReviewed(
            f"the last preview on pull request {number} approves nothing (see {found[0].url}): {_REMEDY}"
        )
    if reviewed.commit != pull_request["head"]["sha"]:
        raise NotReviewed(
            f"the plan on pull request {number} is of commit {reviewed.commit[:7]}, merged was "
            f"{pull_request['head']['sha'][:7]}: {_REMEDY}"
        )
    return reviewed.digest


def _why_not_trusted(written: Written) -> str:
    if written.by_author is None:
        return "GitHub does not say who edited the comment with the plan last"
    editor = written.editor if _LOGIN.fullmatch(written.editor) else "an account that is gone"
    return f"the comment with the plan was edited by {editor}, who is not its author, so it approves nothing"


_LOGIN = re.compile(r"[A-Za-z0-9-]{1,100}")
_REMEDY = "look at `optout preview` now, and approve its digest if it is right"


def _merged_as(github: GitHub, commit: str) -> dict[str, Any]:
    purpose = CallPurpose(
        f"asking which pull request became commit {commit[:7]}",
        f"commit {commit[:7]} in {github.repository}",
        REVIEW_PERMISSION,
    )
    merged = [
        item
        for item in github.items(f"/commits/{commit}/pulls", purpose)
        if item.get("merged_at") and item.get("merge_commit_sha") == commit
    ]
    if len(merged) != 1:
        what = "no pull request" if not merged else f"{len(merged)} pull requests"
        raise NotReviewed(f"{what} became commit {commit[:7]}, so nobody has reviewed one plan for it: {_REMEDY}")
    return dict(merged[0])
