import threading

import pytest

from tests.forge.conftest import Connect
from tests.forge.fake import BOT, HEAD, Answer, Fake
from tests.tables import each_row
from voiceid_optout.forge import NotFound, NotPermitted, OptionInvalid, UnexpectedAnswer
from voiceid_optout.forge.client import GitHub
from voiceid_optout.forge.posts import (
    Done,
    Post,
    Reviewed,
    comment_marker,
    issue_marker,
    own_posts,
    put_comment,
    read_post,
    reviewed_in,
    reviewed_marker,
)

MARKER = comment_marker("local")
DIGEST = "0123456789abcdef" * 2


def test_markers_are_html_comments_of_one_line() -> None:
    assert MARKER == "<!-- optout:stack=local -->"
    assert issue_marker("local") == "<!-- optout:drift=local -->"


@each_row("stack", ["", "a b", "--><script>", "a\n", "x" * 101])
def test_no_stack_s_name_breaks_out_of_them(stack: str) -> None:
    with pytest.raises(OptionInvalid, match="a stack's name"):
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
    assert [found.number for found in own_posts(posts, MARKER, BOT)] == [3, 9]


def test_a_post_is_made_from_what_the_api_sends() -> None:
    item = {
        "id": 5,
        "user": {"login": "somebody"},
        "body": "text",
        "html_url": "https://example.org",
        "node_id": "IC_5",
    }
    assert read_post(item, "id") == Post(5, "somebody", "text", "https://example.org", "IC_5")
    assert "text" not in repr(read_post(item, "id"))
    assert read_post({"id": 5, "user": None, "body": None}, "id") == Post(5, "", "", "")
    with pytest.raises(UnexpectedAnswer, match="without a number"):
        read_post({}, "id")


def test_what_was_reviewed_is_written_and_read_again() -> None:
    reviewed = Reviewed(HEAD, DIGEST)
    assert reviewed_in(f"{MARKER}\n{reviewed_marker(reviewed)}\r\nplan") == reviewed


@each_row(
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


@each_row("digest", ["", "0" * 12, DIGEST[:31], f"{DIGEST} -->", f"{DIGEST}\n", "0" * 65, "A" * 32])
def test_a_digest_is_hexadecimal(digest: str) -> None:
    with pytest.raises(OptionInvalid, match="--digest"):
        reviewed_marker(Reviewed(HEAD, digest))


MARKER = comment_marker("local")


def text(words: str) -> str:
    return f"{MARKER}\n{words}"


@pytest.fixture(autouse=True)
def _pull(forge: Fake) -> None:
    forge.add_pull()


def test_a_first_comment_is_created(forge: Fake, github: GitHub) -> None:
    posted = put_comment(github, 7, MARKER, text("plan"))
    assert posted.done is Done.CREATED
    assert posted.url.endswith("#issuecomment-1")
    assert forge.bodies() == [text("plan")]


def test_the_next_one_edits_it_in_place(forge: Fake, github: GitHub) -> None:
    put_comment(github, 7, MARKER, text("plan"))
    posted = put_comment(github, 7, MARKER, text("another plan"))
    assert posted.done is Done.EDITED
    assert posted.url.endswith("#issuecomment-1")
    assert forge.bodies() == [text("another plan")]


def test_the_same_text_is_not_written_again(forge: Fake, github: GitHub) -> None:
    forge.add_comment(7, text("plan").replace("\n", "\r\n"))
    assert put_comment(github, 7, MARKER, text("plan")).done is Done.UNCHANGED
    assert forge.writes() == []


@pytest.mark.parametrize("editor", ["mallory", None])
def test_the_same_text_that_somebody_else_wrote_is_written_anew(
    forge: Fake, github: GitHub, editor: str | None
) -> None:
    """Who guesses what we will write would else be the last who edited it, and nothing could be approved."""
    old = forge.add_comment(7, text("old plan"))
    forge.edit_comment(old, text("plan"), editor)
    assert put_comment(github, 7, MARKER, text("plan")).done is Done.CREATED
    assert [(id_, comment["body"]) for id_, comment in forge.comments.items()] == [(old + 1, text("plan"))]
    assert forge.edits.keys() == {old}


def test_each_stack_has_its_own(forge: Fake, github: GitHub) -> None:
    other = comment_marker("local2")
    put_comment(github, 7, MARKER, text("plan"))
    put_comment(github, 7, other, f"{other}\nplan of another")
    assert forge.bodies() == [text("plan"), f"{other}\nplan of another"]


def test_it_is_found_behind_hundreds_of_others(forge: Fake, github: GitHub) -> None:
    for number in range(230):
        forge.add_comment(7, f"talk {number}", "somebody")
    mine = forge.add_comment(7, text("plan"))
    for number in range(100):
        forge.add_comment(7, f"more talk {number}", "somebody")
    assert put_comment(github, 7, MARKER, text("new")).done is Done.EDITED
    assert forge.comments[mine]["body"] == text("new")
    assert len(forge.comments) == 331


@pytest.mark.parametrize("author", ["somebody", "github-actions", None])
def test_a_marker_that_somebody_else_pasted_neither_captures_nor_blocks(
    forge: Fake, github: GitHub, author: str | None
) -> None:
    theirs = forge.add_comment(7, text("pasted"), author)
    assert put_comment(github, 7, MARKER, text("plan")).done is Done.CREATED
    assert put_comment(github, 7, MARKER, text("new plan")).done is Done.EDITED
    assert forge.comments[theirs]["body"] == text("pasted")
    assert forge.bodies() == [text("pasted"), text("new plan")]


def test_two_of_a_race_become_the_older_one(forge: Fake, github: GitHub) -> None:
    first = forge.add_comment(7, text("one"))
    forge.add_comment(7, text("two"))
    forge.add_comment(7, text("three"))
    put_comment(github, 7, MARKER, text("new"))
    assert {id_: comment["body"] for id_, comment in forge.comments.items()} == {first: text("new")}


def test_who_creates_second_edits_the_first_and_takes_its_own_away(forge: Fake, github: GitHub) -> None:
    """Another run's comment appears between our look and our create."""

    def other_run(method: str, _path: str) -> None:
        if method == "POST" and _path.endswith("/comments") and not forge.comments:
            forge.add_comment(7, text("the other run's"))

    forge.before = other_run
    posted = put_comment(github, 7, MARKER, text("ours"))
    assert posted.url.endswith("#issuecomment-1")
    assert forge.bodies() == [text("ours")]


def test_who_creates_first_removes_the_second(forge: Fake, github: GitHub) -> None:
    def other_run(method: str, path: str) -> None:
        if method == "GET" and path.endswith("/comments") and len(forge.comments) == 1:
            forge.add_comment(7, text("the other run's"))

    forge.before = other_run
    assert put_comment(github, 7, MARKER, text("ours")).done is Done.CREATED
    assert forge.bodies() == [text("ours")]


def test_many_runs_at_once_leave_one(forge: Fake, connect: Connect) -> None:
    barrier = threading.Barrier(4)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        github = connect()
        barrier.wait()
        try:
            put_comment(github, 7, MARKER, text(f"run {number}"))
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(forge.bodies()) == 1
    assert forge.bodies()[0].startswith(text("run "))


def test_a_create_whose_answer_was_lost_leaves_one(forge: Fake, github: GitHub) -> None:
    def lose(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/comments") and not forge.comments:
            forge.add_comment(7, text("plan"))
            forge.trouble = [Answer(502)]

    forge.before = lose
    put_comment(github, 7, MARKER, text("plan"))
    assert forge.bodies() == [text("plan")]


def test_one_that_is_removed_meanwhile_is_created_anew(forge: Fake, github: GitHub) -> None:
    forge.add_comment(7, text("plan"))

    def remove(method: str, _path: str) -> None:
        if method == "PATCH":
            forge.comments.clear()

    forge.before = remove
    assert put_comment(github, 7, MARKER, text("new")).done is Done.CREATED
    assert forge.bodies() == [text("new")]


def test_one_that_is_removed_each_time_ends_in_an_error(forge: Fake, github: GitHub) -> None:
    def remove(method: str, path: str) -> None:
        if method == "PATCH":
            forge.comments.clear()
        elif method == "GET" and path.endswith("/comments") and not forge.comments:
            forge.add_comment(7, text("plan"))

    forge.before = remove
    with pytest.raises(NotFound, match="again and again"):
        put_comment(github, 7, MARKER, text("new"))


def test_a_surplus_that_is_gone_already_is_no_failure(forge: Fake, github: GitHub) -> None:
    forge.add_comment(7, text("one"))
    second = forge.add_comment(7, text("two"))

    def remove(method: str, _path: str) -> None:
        if method == "DELETE":
            forge.comments.pop(second, None)

    forge.before = remove
    assert put_comment(github, 7, MARKER, text("new")).done is Done.EDITED
    assert forge.bodies() == [text("new")]


def test_the_missing_permission_is_named(forge: Fake, github: GitHub) -> None:
    forge.read_only = True
    with pytest.raises(NotPermitted, match="`permissions: pull-requests: write`"):
        put_comment(github, 7, MARKER, text("plan"))


def test_a_pull_request_that_is_not_there_is_named(github: GitHub) -> None:
    with pytest.raises(NotFound, match="no pull request 8 in example/register"):
        put_comment(github, 8, MARKER, text("plan"))


def test_another_token_s_comment_is_not_ours(forge: Fake, connect: Connect) -> None:
    forge.tokens["ghp_other"] = "somebody"
    forge.add_comment(7, text("the bot's"), BOT)
    put_comment(connect(GITHUB_TOKEN="ghp_other"), 7, MARKER, text("mine"))
    assert forge.bodies() == [text("the bot's"), text("mine")]
