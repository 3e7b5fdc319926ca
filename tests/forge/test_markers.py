import pytest

from tests.forge.fake import BOT, HEAD
from voiceid_optout.forge.errors import SettingsInvalid, UnexpectedAnswer
from voiceid_optout.forge.markers import (
    Post,
    Reviewed,
    comment_marker,
    issue_marker,
    ours,
    post,
    reviewed_in,
    reviewed_marker,
)

MARKER = comment_marker("local")
DIGEST = "0123456789abcdef" * 2


def test_markers_are_html_comments_of_one_line() -> None:
    assert MARKER == "<!-- optout:stack=local -->"
    assert issue_marker("local") == "<!-- optout:drift=local -->"


@pytest.mark.parametrize("stack", ["", "a b", "--><script>", "a\n", "x" * 101])
def test_no_stack_s_name_breaks_out_of_them(stack: str) -> None:
    with pytest.raises(SettingsInvalid, match="a stack's name"):
        comment_marker(stack)


def written(number: int, body: str, author: str = BOT) -> Post:
    return Post(number, author, body, "")


def test_ours_are_those_that_begin_with_the_marker_and_that_we_wrote() -> None:
    posts = [
        written(9, f"{MARKER}\r\nplan"),
        written(3, f"{MARKER}\nolder plan"),
        written(1, f"{MARKER}\npasted", "somebody"),
        written(2, f"> {MARKER}\nquoted"),
        written(4, f"see below\n{MARKER}"),
        written(5, comment_marker("local2")),
        written(6, ""),
    ]
    assert [found.number for found in ours(posts, MARKER, BOT)] == [3, 9]


def test_a_post_is_made_from_what_the_api_sends() -> None:
    item = {
        "id": 5,
        "user": {"login": "somebody"},
        "body": "text",
        "html_url": "https://example.org",
        "node_id": "IC_5",
    }
    assert post(item, "id") == Post(5, "somebody", "text", "https://example.org", "IC_5")
    assert "text" not in repr(post(item, "id"))
    assert post({"id": 5, "user": None, "body": None}, "id") == Post(5, "", "", "")
    with pytest.raises(UnexpectedAnswer, match="without a number"):
        post({}, "id")


def test_what_was_reviewed_is_written_and_read_again() -> None:
    reviewed = Reviewed(HEAD, DIGEST)
    assert reviewed_in(f"{MARKER}\n{reviewed_marker(reviewed)}\r\nplan") == reviewed


@pytest.mark.parametrize(
    "body",
    [
        "",
        MARKER,
        f"{MARKER}\n\n{reviewed_marker(Reviewed(HEAD, DIGEST))}",
        f"{MARKER}\n> {reviewed_marker(Reviewed(HEAD, DIGEST))}",
    ],
)
def test_elsewhere_than_in_the_second_line_it_approves_nothing(body: str) -> None:
    assert reviewed_in(body) is None


@pytest.mark.parametrize("digest", ["", "0" * 12, DIGEST[:31], f"{DIGEST} -->", f"{DIGEST}\n", "0" * 65, "A" * 32])
def test_a_digest_is_hexadecimal(digest: str) -> None:
    with pytest.raises(SettingsInvalid, match="--digest"):
        reviewed_marker(Reviewed(HEAD, digest))
