from tests.cli.forge import Hosted
from tests.forge.fake import MERGE
from voiceid_optout.cli.exit_codes import ExitCode

DIGEST = "0123456789abcdef" * 2


def test_what_was_shown_is_what_the_merge_approves(on_github: Hosted) -> None:
    on_github.run("comment", "--body-file", on_github.write("plan.md", "plan"), "--digest", DIGEST)
    result = on_github.run("approved", GITHUB_SHA=MERGE)
    assert (result.exit_code, result.stdout, result.stderr) == (ExitCode.DONE, f"{DIGEST}\n", "")
    assert on_github.run("approved", "--commit", MERGE).stdout == f"{DIGEST}\n"


def test_without_a_reviewed_plan_there_is_none(on_github: Hosted) -> None:
    on_github.run("comment", "--failed", "failed")
    result = on_github.run("approved", "--commit", MERGE)
    assert (result.exit_code, result.stdout) == (ExitCode.STALE, "")
    assert "approves nothing" in result.stderr


def test_the_commit_must_be_known(on_github: Hosted) -> None:
    result = on_github.run("approved")
    assert result.exit_code == ExitCode.USAGE
    assert "pass --commit ID" in result.stderr


def test_a_comment_that_somebody_edited_is_one_clear_line(on_github: Hosted) -> None:
    on_github.run("comment", "--body-file", on_github.write("plan.md", "plan"), "--digest", DIGEST)
    ((number, comment),) = on_github.github.comments.items()
    on_github.github.edit_comment(number, comment["body"].replace(DIGEST, "f" * 32), "mallory")
    result = on_github.run("approved", "--commit", MERGE)
    assert (result.exit_code, result.stdout) == (ExitCode.STALE, "")
    assert result.stderr == (
        "error: the comment with the plan was edited by mallory, who is not its author, so it approves nothing "
        f"(pull request 7, {comment['html_url']}): look at `optout preview` now, and approve its digest if it is "
        "right\n"
    )
