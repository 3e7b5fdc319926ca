from typing import Any

import pytest

from tests.forge.fake import BOT, HEAD, MERGE, Answer, Fake
from voiceid_optout.forge import NotReviewed
from voiceid_optout.forge.client import GitHub
from voiceid_optout.forge.posts import comment_marker, put_comment, reviewed_digest
from voiceid_optout.forge.texts import Origin, failed_comment, plan_comment

DIGEST = "0123456789abcdef" * 2
PLAN = plan_comment(Origin("local", HEAD), "the plan", DIGEST)


def test_the_digest_that_people_saw_is_found(forge: Fake, github: GitHub) -> None:
    forge.add_comment(forge.add_pull(), PLAN)
    forge.add_pull(8, merged_at=None)  # open, and its branch has the commit too
    forge.add_pull(9, merge_commit_sha="3" * 40)
    assert reviewed_digest(github, "local", MERGE) == DIGEST


def test_a_comment_that_somebody_else_wrote_approves_nothing(forge: Fake, github: GitHub) -> None:
    forge.add_comment(forge.add_pull(), PLAN, "somebody")
    with pytest.raises(NotReviewed, match="pull request 7 has no plan of stack local"):
        reviewed_digest(github, "local", MERGE)


def test_a_push_without_a_pull_request_was_not_reviewed(github: GitHub) -> None:
    with pytest.raises(NotReviewed, match="no pull request became commit 2222222"):
        reviewed_digest(github, "local", MERGE)


def test_two_pull_requests_have_no_one_plan(forge: Fake, github: GitHub) -> None:
    forge.add_pull(7)
    forge.add_pull(8)
    with pytest.raises(NotReviewed, match="2 pull requests became"):
        reviewed_digest(github, "local", MERGE)


@pytest.mark.parametrize(
    "body", [failed_comment(Origin("local", HEAD), "no"), plan_comment(Origin("local", HEAD), "refused", None)]
)
def test_a_failed_or_refused_preview_approves_nothing(forge: Fake, github: GitHub, body: str) -> None:
    forge.add_comment(forge.add_pull(), body)
    with pytest.raises(NotReviewed, match="approves nothing"):
        reviewed_digest(github, "local", MERGE)


def test_a_plan_of_an_older_push_is_not_what_was_merged(forge: Fake, github: GitHub) -> None:
    forge.add_comment(forge.add_pull(head={"sha": "4" * 40}), PLAN)
    with pytest.raises(NotReviewed, match="is of commit 1111111, merged was 4444444"):
        reviewed_digest(github, "local", MERGE)


@pytest.mark.parametrize(
    ("editor", "named"),
    [
        ("mallory", "mallory"),
        ("github-actions", "github-actions"),
        ("other[bot]", "other"),
        (None, "an account that is gone"),
    ],
)
def test_a_comment_of_ours_that_somebody_edited_approves_nothing(
    forge: Fake, github: GitHub, editor: str | None, named: str
) -> None:
    """A person may have the login that a bot has without its mark."""
    comment = forge.add_comment(forge.add_pull(), PLAN)
    forge.edit_comment(comment, PLAN.replace(DIGEST, "f" * 32), editor)
    with pytest.raises(NotReviewed) as caught:
        reviewed_digest(github, "local", MERGE)
    assert f"the comment with the plan was edited by {named}, who is not its author" in str(caught.value)
    assert f"pull request 7, https://github.com/example/register/pull/7#issuecomment-{comment})" in str(
        caught.value
    )


def test_a_comment_that_we_edited_ourselves_is_believed(forge: Fake, github: GitHub) -> None:
    comment = forge.add_comment(forge.add_pull(), PLAN.replace(DIGEST, "f" * 32))
    forge.edit_comment(comment, PLAN.replace(DIGEST, "e" * 32), "mallory")
    put_comment(github, 7, comment_marker("local"), PLAN)
    assert reviewed_digest(github, "local", MERGE) == DIGEST


def test_an_edit_between_two_questions_does_not_slip_through(forge: Fake, github: GitHub) -> None:
    """The list has the forged text, and we have written over it since: what we wrote counts."""
    comment = forge.add_comment(forge.add_pull(), PLAN)
    forge.edit_comment(comment, PLAN.replace(DIGEST, "f" * 32), "mallory")

    def ours(_method: str, path: str) -> None:
        if path == "/graphql":
            forge.edit_comment(comment, PLAN, BOT)

    github.login()
    forge.before = ours
    assert reviewed_digest(github, "local", MERGE) == DIGEST


@pytest.mark.parametrize("hidden", ["body", "author", "editor", "lastEditedAt"])
def test_an_answer_that_lacks_who_edited_is_not_believed(forge: Fake, github: GitHub, hidden: str) -> None:
    forge.add_comment(forge.add_pull(), PLAN)
    forge.hidden = (hidden,)
    with pytest.raises(NotReviewed, match="GitHub does not say who edited the comment"):
        reviewed_digest(github, "local", MERGE)


@pytest.mark.parametrize("data", [None, {}, {"data": None}, {"data": {"node": None}}, {"data": {"node": "x"}}])
def test_graphql_that_tells_nothing_is_not_believed(forge: Fake, github: GitHub, data: Any) -> None:
    forge.add_comment(forge.add_pull(), PLAN)
    github.login()

    def nothing(_method: str, path: str) -> None:
        if path == "/graphql":
            forge.trouble = [Answer(200, data)]

    forge.before = nothing
    with pytest.raises(NotReviewed, match="GitHub does not say who edited the comment"):
        reviewed_digest(github, "local", MERGE)


def test_a_comment_without_a_node_is_not_believed(forge: Fake, github: GitHub) -> None:
    del forge.comments[forge.add_comment(forge.add_pull(), PLAN)]["node_id"]
    with pytest.raises(NotReviewed, match="GitHub does not say who edited the comment"):
        reviewed_digest(github, "local", MERGE)


def test_a_digest_of_fewer_digits_approves_nothing(forge: Fake, github: GitHub) -> None:
    """Comments of earlier versions have them; somebody can make two plans with the same 48 bits."""
    forge.add_comment(forge.add_pull(), PLAN.replace(DIGEST, DIGEST[:12]))
    with pytest.raises(NotReviewed, match="approves nothing"):
        reviewed_digest(github, "local", MERGE)
