import pytest

from tests.forge.fake import Answer, Fake
from voiceid_optout.forge import NotFound, NotPermitted
from voiceid_optout.forge.client import GitHub
from voiceid_optout.forge.posts import Done, close_issue, issue_marker, put_issue

MARKER = issue_marker("local")


def text(words: str) -> str:
    return f"{MARKER}\n{words}"


def states(forge: Fake) -> list[str]:
    return [issue["state"] for issue in forge.issues.values()]


def test_one_is_opened_then_brought_up_to_date(forge: Fake, github: GitHub) -> None:
    first = put_issue(github, MARKER, "Drift", text("one person"))
    assert first.done is Done.CREATED
    second = put_issue(github, MARKER, "Drift", text("two people"))
    assert (second.done, second.url) == (Done.EDITED, first.url)
    assert put_issue(github, MARKER, "Drift", text("two people")).done is Done.UNCHANGED
    assert [issue["body"] for issue in forge.issues.values()] == [text("two people")]


def test_it_is_closed_with_a_word_and_a_new_one_opened_next_time(forge: Fake, github: GitHub) -> None:
    put_issue(github, MARKER, "Drift", text("one person"))
    closed = close_issue(github, MARKER, "gone")
    assert closed is not None
    assert closed.done is Done.CLOSED
    assert forge.issues[1]["state_reason"] == "completed"
    assert [comment["body"] for comment in forge.comments.values()] == ["gone"]
    assert close_issue(github, MARKER, "gone") is None
    assert put_issue(github, MARKER, "Drift", text("again")).done is Done.CREATED
    assert states(forge) == ["closed", "open"]


def test_only_our_own_counts_and_no_pull_request(forge: Fake, github: GitHub) -> None:
    forge.add_issue("theirs", text("pasted"), "somebody")
    forge.add_issue("a pull request", text("pasted"), pull_request={"url": "…"})
    forge.add_issue("another stack", issue_marker("other"))
    assert close_issue(github, MARKER, "gone") is None
    assert put_issue(github, MARKER, "Drift", text("one person")).done is Done.CREATED
    assert states(forge) == ["open"] * 4


def test_it_is_found_behind_hundreds_of_others(forge: Fake, github: GitHub) -> None:
    for number in range(210):
        forge.add_issue(f"{number}", "talk", "somebody")
    mine = forge.add_issue("Drift", text("one"))
    put_issue(github, MARKER, "Drift", text("two"))
    assert forge.issues[mine]["body"] == text("two")


def test_duplicates_of_a_race_are_closed(forge: Fake, github: GitHub) -> None:
    kept = forge.add_issue("Drift", text("one"))
    forge.add_issue("Drift", text("two"))
    put_issue(github, MARKER, "Drift", text("new"))
    assert states(forge) == ["open", "closed"]
    assert forge.issues[kept]["body"] == text("new")
    assert forge.issues[2]["state_reason"] == "not_planned"


def test_who_opens_second_keeps_the_first(forge: Fake, github: GitHub) -> None:
    def other_run(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/issues") and not forge.issues:
            forge.add_issue("Drift", text("the other run's"))

    forge.before = other_run
    posted = put_issue(github, MARKER, "Drift", text("ours"))
    assert posted.url.endswith("/1")
    assert states(forge) == ["open", "closed"]
    assert forge.issues[1]["body"] == text("ours")


def test_what_is_missing_is_named(forge: Fake, github: GitHub) -> None:
    forge.read_only = True
    with pytest.raises(NotPermitted, match="`permissions: issues: write`"):
        put_issue(github, MARKER, "Drift", text("one"))
    forge.trouble = [Answer(410, {"message": "Issues are disabled for this repo"})]
    with pytest.raises(NotFound, match="Issues are disabled"):
        close_issue(github, MARKER, "gone")
