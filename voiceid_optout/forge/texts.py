"""What is posted: Markdown around a plan, a failure or drift; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voiceid_optout.foreign_text import printable
from voiceid_optout.forge.posts import DIGITS, Reviewed, comment_marker, issue_marker, reviewed_marker

LIMIT = 65_536  # of GitHub, for comments and issues alike
LOG_LINES = 60
_DEEPEST_FOLD = 4
_CLOSING_ROOM = 180  # for a fence, folds and the sentence that ends a text that was cut
_FENCE = re.compile(r"^ {0,3}(`{3,32}|~{3,32})")


@dataclass(frozen=True, slots=True)
class Origin:
    """Which stack a text is about, and the commit and run it comes from, as far as they are known."""

    stack: str
    commit: str | None = None
    run: str | None = None


def plan_comment(origin: Origin, body: str, digest: str | None) -> str:
    """Return the comment for a plan that was made; with its digest it is what the merge will go by."""
    head = [comment_marker(origin.stack)]
    if digest is not None and origin.commit is not None:
        head.append(reviewed_marker(Reviewed(origin.commit, digest)))
    return _fitted(head, body, [*_line(origin, digest)])


def failed_comment(origin: Origin, what: str, *, body: str = "", log: str = "") -> str:
    """Return the comment for a preview that did not succeed; it approves nothing, whatever an earlier one said."""
    head = [
        comment_marker(origin.stack),
        f"### No approved plan for stack `{origin.stack}`",
        "",
        *_fenced(what),
        "",
        "A plan that stood here before is void. Push a commit that mends this, or run the job again.",
    ]
    if log.strip():
        head += ["", *_fenced(_tail(log))]
    return _fitted(head, body, [*_line(origin, None)])


def drift_issue(origin: Origin, body: str, *, log: str = "") -> str:
    """Return the issue's text: a report in Markdown, or one for terminals as it is."""
    head = [issue_marker(origin.stack)]
    body = body or "\n".join(_fenced(log))
    tail = ["", "The next `optout up` repairs this. This issue closes itself when the check finds no drift."]
    return _fitted(head, body, [*tail, *_line(origin, None)])


def failed_issue(origin: Origin, what: str, *, log: str = "") -> str:
    """Return the issue's text for a check that could not be made; the report of an earlier one gives way."""
    head = [
        issue_marker(origin.stack),
        f"### Not checked: stack `{origin.stack}`",
        "",
        *_fenced(what),
        "",
        "So nobody knows whether the opt-outs still hold. This issue closes itself when a check finds no drift.",
    ]
    if log.strip():
        head += ["", *_fenced(_tail(log))]
    return _fitted(head, "", [*_line(origin, None)])


def drift_closing_comment(origin: Origin) -> str:
    """Return the comment with which the issue is closed."""
    return "\n".join(["The check found no drift: the service says what the register asks.", *_line(origin, None)])


def cut(text: str, room: int) -> str:
    """Shorten a text to ``room`` characters, line by line from the end; the summary comes first and stays.

    What was open at the cut (a code fence, a folded part) is closed, and the number of lines left out is said.
    """
    if size(text) <= room:
        return text
    lines = text.splitlines()
    kept, used = 0, 0
    for line in lines:
        used += size(line) + 1
        if used > room - _CLOSING_ROOM:
            break
        kept += 1
    return "\n".join([*lines[:kept], *_closing(lines[:kept], len(lines) - kept)])


def size(text: str) -> int:
    """Return a text's length as the strictest reading of the limit has it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _closing(kept: list[str], left_out: int) -> list[str]:
    closing = []
    if (fence := _open_fence(kept)) is not None:
        closing.append(fence)
    open_folds = sum(line.count("<details") - line.count("</details") for line in kept)
    closing += ["", *["</details>"] * min(max(0, open_folds), _DEEPEST_FOLD)]
    lines = "line" if left_out == 1 else "lines"
    return [*closing, "", f"… and {left_out:,} more {lines}, too long for a comment: the run has it all."]


def _open_fence(lines: list[str]) -> str | None:
    fence: str | None = None
    for line in lines:
        if (match := _FENCE.match(line)) is None:
            continue
        if fence is None:
            fence = match[1]
        elif match[1].startswith(fence):
            fence = None
    return fence


def _fitted(head: list[str], body: str, foot: list[str]) -> str:
    start, end = "\n".join(head), "\n".join(foot)
    room = LIMIT - size(start) - size(end) - 2
    middle = cut(body.strip("\n"), room)
    return "\n".join(part for part in (start, *([f"\n{middle}"] if middle else []), end) if part)


def _line(origin: Origin, digest: str | None) -> list[str]:
    parts = []
    if origin.commit is not None:
        parts.append(f"commit `{origin.commit[:7]}`")
    if digest is not None:
        parts.append(f"merging approves the plan `{digest[:DIGITS]}`")
    if origin.run is not None:
        parts.append(f"[run]({origin.run})")
    return ["", f"<sub>{' · '.join(parts)}</sub>"] if parts else []


def _fenced(text: str) -> list[str]:
    """Return a text as a code block: nothing in it is a heading, a link, a mention or HTML."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *printable(text).splitlines(), fence]


def _tail(text: str) -> str:
    room = LIMIT // 4
    lines = text.strip("\n").splitlines()[-LOG_LINES:]
    while len(lines) > 1 and size("\n".join(lines)) > room:
        lines.pop(0)
    return "\n".join(lines)[-room:]
