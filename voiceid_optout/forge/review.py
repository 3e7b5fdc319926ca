"""Which plan the people who merged had before them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from voiceid_optout.forge import comments
from voiceid_optout.forge.comments import comment_marker, reviewed_in
from voiceid_optout.forge.errors import NotReviewed, Purpose

if TYPE_CHECKING:
    from voiceid_optout.forge.client import GitHub

PERMISSION = "pull-requests: read"


def reviewed_digest(github: GitHub, stack: str, commit: str) -> str:
    """Return the digest in our comment on the pull request that became ``commit``.

    Raises NotReviewed when the commit came by no pull request, when the last preview failed or was refused, when
    somebody else edited the comment or the forge does not say who did, and when the comment is about an older push
    than the one that was merged.
    """
    pull_request = _merged_as(github, commit)
    number = pull_request["number"]
    found = comments.find(github, number, comment_marker(stack), PERMISSION)
    if not found:
        raise NotReviewed(f"pull request {number} has no plan of stack {stack}: {_REMEDY}")
    written = comments.last_written(github, number, found[0], PERMISSION)
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


def _why_not_trusted(written: comments.Written) -> str:
    if written.by_author is None:
        return "GitHub does not say who edited the comment with the plan last"
    editor = written.editor if _LOGIN.fullmatch(written.editor) else "an account that is gone"
    return f"the comment with the plan was edited by {editor}, who is not its author, so it approves nothing"


_LOGIN = re.compile(r"[A-Za-z0-9-]{1,100}")
_REMEDY = "look at `optout preview` now, and approve its digest if it is right"


def _merged_as(github: GitHub, commit: str) -> dict[str, Any]:
    purpose = Purpose(
        f"asking which pull request became commit {commit[:7]}",
        f"commit {commit[:7]} in {github.repository}",
        PERMISSION,
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
