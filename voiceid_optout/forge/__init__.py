"""GitHub, the forge: what can go wrong with it, one class a cause, and which of them an answer of the API is.

This package knows nothing of plans. No message carries the token or an identifier of a person, so every one of
them may be shown and logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from voiceid_optout.files import read_json
from voiceid_optout.foreign_text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping


# ruff: noqa: N818 - named for what is the case, which reads better in an except clause than a row of Errors


class ForgeError(Exception):
    """Root of all errors of this package; the text is one line that says what to do."""


class OptionInvalid(ForgeError):
    """A variable or option is missing or malformed; nothing was sent."""


class NotAuthenticated(ForgeError):
    """The forge does not accept the token (401)."""


class NotPermitted(ForgeError):
    """The token is good but may not do this (403)."""


class NotFound(ForgeError):
    """There is no such thing, or the token may not see it (404, 410)."""


class Rejected(ForgeError):
    """The forge found the request wrong (other 4xx)."""


class RateLimited(ForgeError):
    """The forge wants to be left alone for longer than a run can wait (403 or 429)."""


class Unreachable(ForgeError):
    """No answer: refused, unknown host, timeout, TLS, cut connection."""


class ServiceFailed(ForgeError):
    """The forge failed (5xx) after all retries."""


class UnexpectedAnswer(ForgeError):
    """The answer is not one that the API gives: most likely something else answers there."""


class IdentifierInText(ForgeError):
    """A text that was to be posted carries the identifier of a person; nothing was posted."""


class NotReviewed(ForgeError):
    """No plan was shown to the people who merged, or not for the commit that they merged."""


_LONGEST_QUOTE = 200


@dataclass(frozen=True, slots=True)
class CallPurpose:
    """What a call is for, in words for its errors.

    ``doing`` completes "while …"; ``thing`` is what may not be there; ``permission`` is the line of a workflow's
    ``permissions:`` that allows it.
    """

    doing: str
    thing: str
    permission: str


def failure(status: int, headers: Mapping[str, str], body: bytes, purpose: CallPurpose) -> ForgeError:
    """Return the error an answer stands for. ``headers`` must not care about case."""
    said = _said(body)
    quote = f" ({said})" if said else ""
    allow = f"give the job `permissions: {purpose.permission}`"
    if status == 401:  # noqa: PLR2004 - HTTP's numbers are their own names
        return NotAuthenticated(
            f"GitHub does not accept the token while {purpose.doing}: GITHUB_TOKEN is wrong or has expired"
        )
    if (limit := _limit(status, headers, said)) is not None:
        return RateLimited(f"GitHub's rate limit is used up while {purpose.doing}: {limit}")
    if status == 403:  # noqa: PLR2004
        return NotPermitted(
            f"the token is not allowed this while {purpose.doing}{quote}: {allow}; a workflow on a pull request "
            "from a fork never gets it"
        )
    if status == 404:  # noqa: PLR2004
        return NotFound(f"GitHub has no {purpose.thing}, or the token cannot see it: check the name, and {allow}")
    if status == 410:  # noqa: PLR2004
        return NotFound(f"GitHub no longer has {purpose.thing}, or it is switched off in the repository{quote}")
    if status >= 500:  # noqa: PLR2004
        return ServiceFailed(f"GitHub failed with HTTP {status} while {purpose.doing}: run the job again")
    if status >= 400:  # noqa: PLR2004
        return Rejected(f"GitHub refused the request with HTTP {status} while {purpose.doing}{quote}")
    return UnexpectedAnswer(f"HTTP {status} is no answer to expect while {purpose.doing}: is GITHUB_API_URL right?")


def content(body: bytes, purpose: CallPurpose) -> Any:
    """Return the JSON of an answer; raises UnexpectedAnswer if it is none."""
    try:
        return read_json(body) if body else None
    except ValueError:
        raise UnexpectedAnswer(
            f"the answer is no JSON while {purpose.doing}: is GITHUB_API_URL right, or does a proxy answer?"
        ) from None


def _limit(status: int, headers: Mapping[str, str], said: str) -> str | None:
    """Return until when the forge wants no calls, in words; None if the answer is about something else."""
    if status not in (403, 429):
        return None
    if (seconds := headers.get("Retry-After", "")).strip().isdecimal():
        return f"it asks to wait {int(seconds):,} s; run the job again after that"
    reset = headers.get("X-RateLimit-Reset", "")
    if headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return f"it starts anew at {datetime.fromtimestamp(int(reset), UTC):%H:%M} UTC; run the job again then"
    if status == 429 or "rate limit" in said.lower():  # noqa: PLR2004 - as above
        return "run the job again in a few minutes"
    return None


def _said(body: bytes) -> str:
    """Return GitHub's own words as one short printable line."""
    try:
        answer = read_json(body)
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    words = [answer.get("message")]
    errors = answer.get("errors")
    if isinstance(errors, list):
        words += [error.get("message") or error.get("code") for error in errors if isinstance(error, dict)]
    text = "; ".join(" ".join(word.split()) for word in words if isinstance(word, str))
    return one_line(text, _LONGEST_QUOTE)
