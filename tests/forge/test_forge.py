import json
from typing import Any

import pytest
from urllib3 import HTTPHeaderDict

from tests.tables import each_row
from voiceid_optout import forge as errors
from voiceid_optout.forge import CallPurpose, content, failure

PURPOSE = CallPurpose("writing", "pull request 7", "pull-requests: write")


def said(status: int, body: Any = None, **headers: str) -> errors.ForgeError:
    named = HTTPHeaderDict({name.replace("_", "-"): value for name, value in headers.items()})
    return failure(status, named, b"" if body is None else json.dumps(body).encode(), PURPOSE)


@each_row(
    ("status", "kind", "words"),
    [
        (401, errors.NotAuthenticated, "GITHUB_TOKEN is wrong or has expired"),
        (403, errors.NotPermitted, "give the job `permissions: pull-requests: write`"),
        (404, errors.NotFound, "no pull request 7, or the token cannot see it"),
        (410, errors.NotFound, "switched off"),
        (422, errors.Rejected, "HTTP 422 while writing"),
        (429, errors.RateLimited, "in a few minutes"),
        (500, errors.ServiceFailed, "run the job again"),
        (304, errors.UnexpectedAnswer, "is GITHUB_API_URL right?"),
    ],
)
def test_each_status_says_what_to_do(status: int, kind: type[errors.ForgeError], words: str) -> None:
    error = said(status)
    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in str(error)


def test_a_rate_limit_says_until_when() -> None:
    assert "asks to wait 1,200 s" in str(said(403, retry_after="1200"))
    reset = said(403, x_ratelimit_remaining="0", x_ratelimit_reset="1772445600")
    assert type(reset) is errors.RateLimited
    assert "starts anew at 10:00 UTC" in str(reset)
    assert type(said(403, {"message": "You have exceeded a secondary rate limit"})) is errors.RateLimited
    assert type(said(403, x_ratelimit_remaining="1", x_ratelimit_reset="1")) is errors.NotPermitted


def test_the_forge_s_own_words_are_quoted_in_one_short_line() -> None:
    body = {
        "message": "Validation\nFailed",
        "errors": [{"message": "too long\x1b[1m"}, {"code": "x"}, "?", {"code": 1}],
    }
    assert str(said(422, body)).endswith("(Validation Failed; too long[1m; x)")
    assert len(str(said(422, {"message": "a" * 9_000}))) < 300
    assert str(failure(422, {}, b"<html>", PURPOSE)).endswith("while writing")
    assert str(said(422, ["no object"])).endswith("while writing")


def test_an_answer_is_json_or_nothing() -> None:
    assert content(b"", PURPOSE) is None
    assert content(b'{"a": 1}', PURPOSE) == {"a": 1}
    with pytest.raises(errors.UnexpectedAnswer, match="no JSON while writing"):
        content(b"<html>", PURPOSE)
