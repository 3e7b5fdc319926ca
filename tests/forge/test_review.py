import pytest

from tests.forge.fake import HEAD, MERGE, Fake
from voiceid_optout.forge.client import GitHub
from voiceid_optout.forge.errors import NotReviewed
from voiceid_optout.forge.review import reviewed_digest
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
