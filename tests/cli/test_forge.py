import json
from dataclasses import replace

import pytest

from tests.cli.forge import PEOPLE, Hosted
from tests.forge.fake import BOT, HEAD, MERGE, TOKEN
from tests.plan import plans
from voiceid_optout.cli import forge
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.posting import FAULTS_SHOWN
from voiceid_optout.forge.posts import Reviewed, reviewed_in
from voiceid_optout.plan.render_json import document
from voiceid_optout.plan.review import Review

DIGEST = "0123456789abcdef" * 2
PLAN = "### Plan\n\n1 to opt out\n"
RUN = "https://github.com/example/register/actions/runs/5"


def test_a_plan_is_shown_and_shown_anew_in_its_place(on_github: Hosted) -> None:
    plan = on_github.write("plan.md", PLAN)
    first = on_github.run("comment", "--body-file", plan, "--digest", DIGEST)
    assert (first.exit_code, first.stderr) == (ExitCode.DONE, "")
    address = "https://github.com/example/register/pull/7#issuecomment-1"
    assert first.stdout == f"comment created: {address}\n"
    on_github.write("plan.md", PLAN.replace("1", "2"))
    assert on_github.run("comment", "--body-file", plan).stdout == f"comment edited: {address}\n"
    assert on_github.run("comment", "--body-file", plan).stdout == f"comment unchanged: {address}\n"
    (body,) = on_github.github.bodies()
    assert body.startswith("<!-- optout:stack=test -->\n")
    assert "2 to opt out" in body
    assert f"commit `1111111` · [run]({RUN})" in body


def test_the_digest_is_bound_to_the_commit_people_see(on_github: Hosted) -> None:
    on_github.run(
        "comment", "--body-file", on_github.write("plan.md", PLAN), "--digest", DIGEST, GITHUB_SHA="9" * 40
    )
    assert reviewed_in(on_github.github.bodies()[0]) == Reviewed(HEAD, DIGEST)


MADE = Review(plans.plan(plans.EVERY_ACTION), plans.SCOPE)


def saved(**changed: object) -> str:
    return json.dumps({**document(MADE), **changed})


def test_a_saved_plan_has_the_digest(on_github: Hosted) -> None:
    plan = ["--body-file", on_github.write("plan.md", PLAN), "--plan", on_github.write("plan.json", saved())]
    assert on_github.run("comment", *plan).exit_code == ExitCode.DONE
    assert reviewed_in(on_github.github.bodies()[0]) == Reviewed(HEAD, MADE.digest)
    on_github.write("plan.json", saved(guard={"breaches": []}))
    assert on_github.run("comment", *plan).exit_code == ExitCode.DONE
    assert reviewed_in(on_github.github.bodies()[0]) is None, "what the guard refuses no merge approves"
    assert "1 to opt out" in on_github.github.bodies()[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no JSON document"),
        ("[]", "is no saved plan"),
        ("{}", "is no saved plan"),
        (json.dumps(document(replace(MADE, scope=replace(plans.SCOPE, stack="other")))), "another stack than test"),
        (saved(stack="other"), "was changed after it was written"),
        (
            saved(version=1),
            "is of version 1; this program reads version 2: write it with `optout preview",
        ),
        (saved(digest=DIGEST * 2), "was changed after it was written"),
        (saved(steps=[]), "was changed after it was written"),
    ],
)
def test_a_file_that_is_no_plan_of_the_stack_is_refused(on_github: Hosted, content: str, said: str) -> None:
    plan = ["--body-file", on_github.write("plan.md", PLAN), "--plan", on_github.write("plan.json", content)]
    result = on_github.run("comment", *plan)
    assert result.exit_code in (ExitCode.FAILED, ExitCode.USAGE)
    assert said in result.stderr
    assert on_github.github.bodies() == []


def test_a_saved_plan_that_cannot_be_read_is_named(on_github: Hosted) -> None:
    with pytest.raises(CommandError, match="cannot be read: Is a directory"):
        forge._digest(on_github.project.root, "test")


def test_it_reads_standard_input(on_github: Hosted) -> None:
    result = on_github.run("comment", "--body-file", "-", "--pr", "7", answer=PLAN)
    assert result.exit_code == ExitCode.DONE
    assert "1 to opt out" in on_github.github.bodies()[0]


def test_a_failure_voids_the_plan(on_github: Hosted) -> None:
    on_github.run("comment", "--body-file", on_github.write("plan.md", PLAN), "--digest", DIGEST)
    log = on_github.write("preview.log", "error: no answer from the endpoint\n")
    result = on_github.run("comment", "--failed", "the preview failed", "--log-file", log)
    assert result.stdout.startswith("comment edited: ")
    (body,) = on_github.github.bodies()
    assert reviewed_in(body) is None
    assert "1 to opt out" not in body
    for shown in ("the preview failed", "error: no answer from the endpoint", "commit `1111111`"):
        assert shown in body


@pytest.mark.parametrize("id_", PEOPLE)
@pytest.mark.parametrize("option", ["--body-file", "--log-file", "--failed"])
def test_no_identifier_is_ever_posted(on_github: Hosted, id_: str, option: str) -> None:
    text = f"### Plan\n\n| {id_} |\n"
    if option == "--failed":
        arguments = ["--failed", text]
    else:
        failed = ["--failed", "failed"] if option == "--log-file" else []
        arguments = [option, on_github.write("text", text), *failed]
    result = on_github.run("comment", *arguments)
    assert result.exit_code == ExitCode.REFUSED
    assert f"carries the identifier of config/people.yaml:{PEOPLE.index(id_) + 3}" in result.stderr
    assert id_ not in result.output
    assert on_github.github.bodies() == []


def test_an_invalid_register_still_gets_a_comment_of_its_faults_alone(on_github: Hosted) -> None:
    on_github.write("config/people.yaml", f"domain: sandbox\nspeakers:\n  - {PEOPLE[0]}\n  - {PEOPLE[0]}\n")
    log = on_github.write("preview.log", f"a line with {PEOPLE[0]}, which nothing could find\n")
    result = on_github.run("comment", "--failed", "the preview failed", "--log-file", log)
    assert result.exit_code == ExitCode.DONE
    (body,) = on_github.github.bodies()
    assert "The register is invalid." in body
    assert "config/people.yaml:4:5: duplicate-speaker" in body
    assert PEOPLE[0] not in body


def test_many_faults_are_counted(on_github: Hosted) -> None:
    lines = "\n".join("  - {}" for _ in range(FAULTS_SHOWN + 7))
    on_github.write("config/people.yaml", f"domain: sandbox\nspeakers:\n{lines}\n")
    on_github.run("comment", "--failed", "failed")
    assert "… and 7 more" in on_github.github.bodies()[0]


def test_broken_project_files_still_get_a_comment(on_github: Hosted) -> None:
    on_github.write("Pulumi.test.yaml", "config: [\n")
    assert on_github.run("comment", "--failed", "failed").exit_code == ExitCode.DONE
    on_github.write("Pulumi.test.yaml", "config: {voiceid-optout:domains: {sandbox: 7}}\n")
    assert on_github.run("comment", "--failed", "failed").exit_code == ExitCode.DONE
    assert "The project's files cannot be used: Pulumi.test.yaml" in on_github.github.bodies()[0]


def test_a_plan_of_an_invalid_register_is_refused(on_github: Hosted) -> None:
    on_github.write("config/people.yaml", "speakers: 7\n")
    result = on_github.run("comment", "--body-file", on_github.write("plan.md", PLAN))
    assert result.exit_code == ExitCode.REGISTER_INVALID
    assert on_github.github.bodies() == []


def test_somebody_s_copy_of_the_marker_is_left_alone(on_github: Hosted) -> None:
    theirs = on_github.github.add_comment(7, "<!-- optout:stack=test -->\nmine now", "somebody")
    on_github.run("comment", "--body-file", on_github.write("plan.md", PLAN))
    assert on_github.github.comments[theirs]["body"].endswith("mine now")
    assert [comment["user"]["login"] for comment in on_github.github.comments.values()] == ["somebody", BOT]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --body-file"),
        (["--failed", "x", "--digest", DIGEST], "approves nothing"),
        (["--failed", "x", "--plan", "event.json"], "approves nothing"),
        (["--body-file", "-", "--plan", "event.json", "--digest", DIGEST], "either --digest or --plan"),
        (["--body-file", "-", "--log-file", "-"], "--log-file goes with --failed"),
        (["--failed", "x", "--body-file", "-", "--log-file", "-"], "standard input is read once"),
        (["--body-file", "-"], "is empty"),
        (["--body-file", "missing.md"], "does not exist"),
        (["--failed", "x", "--commit", "abc"], "full commit id"),
        (["--failed", "x", "--repo", "nonsense"], "owner/name"),
        (["--failed", "x", "--pr", "0"], "--pr"),
    ],
)
def test_wrong_usage_is_named(
    on_github: Hosted, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(on_github.project.root)
    result = on_github.run("comment", *arguments)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert said in result.stderr
    assert on_github.github.bodies() == []


def test_what_only_a_workflow_knows_must_be_said_elsewhere(on_github: Hosted) -> None:
    plan = on_github.write("plan.md", PLAN)
    result = on_github.run("comment", "--body-file", plan, GITHUB_EVENT_PATH=None)
    assert result.exit_code == ExitCode.USAGE
    assert "pass --pr NUMBER" in result.stderr
    result = on_github.run("comment", "--body-file", plan, "--pr", "7", "--digest", DIGEST, GITHUB_EVENT_PATH=None)
    assert result.exit_code == ExitCode.USAGE
    assert "pass --commit ID" in result.stderr
    result = on_github.run("comment", "--body-file", plan, GITHUB_TOKEN=None)
    assert result.exit_code == ExitCode.USAGE
    assert "no GITHUB_TOKEN" in result.stderr


def test_what_the_token_may_not_do_is_one_line(on_github: Hosted) -> None:
    on_github.github.read_only = True
    result = on_github.run("comment", "--body-file", on_github.write("plan.md", PLAN))
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.startswith("error: the token is not allowed this while writing the comment")
    assert "permissions: pull-requests: write" in result.stderr
    assert result.stderr.count("\n") == 1
    assert TOKEN not in result.output


@pytest.mark.parametrize("text", ["ticket_{}", "mail of {}-mail", "X{}X", "see id#AbCdEfGhIjKlMnOpQrStUv"])
def test_an_identifier_is_found_however_it_is_glued(on_github: Hosted, text: str) -> None:
    plan = on_github.write("plan.md", text.format(PEOPLE[0].upper()))
    result = on_github.run("comment", "--body-file", plan)
    assert (result.exit_code, on_github.github.bodies()) == (ExitCode.REFUSED, [])


def test_without_the_state_s_passphrase_it_says_what_was_checked(on_github: Hosted) -> None:
    state = on_github.project.state_file
    state.parent.mkdir(parents=True)
    state.write_text("{", encoding="utf-8")
    result = on_github.run("comment", "--body-file", on_github.write("plan.md", PLAN))
    assert result.exit_code == ExitCode.DONE
    assert (
        "note: texts are checked for the identifiers of the register, not for those of the state" in result.stderr
    )


ADDRESS = "https://github.com/example/register/issues/1"


def test_the_life_of_a_drift(on_github: Hosted) -> None:
    log = on_github.write(
        "drift.txt", "Drift in stack test: 1 to repair\n  ! repair  sp-2357877d05320d78  ENROLLED\n"
    )
    assert on_github.run("issue", "--log-file", log).stdout == f"issue created: {ADDRESS}\n"
    report = on_github.write("drift.md", "| who | why |\n| --- | --- |\n")
    assert on_github.run("issue", "--body-file", report).stdout == f"issue edited: {ADDRESS}\n"
    assert on_github.run("issue", "--close").stdout == f"issue closed: {ADDRESS}\n"
    assert on_github.run("issue", "--close").stdout == "no issue is open\n"
    (issue,) = on_github.github.issues.values()
    assert issue["title"] == "Drift in stack test"
    assert issue["body"].startswith("<!-- optout:drift=test -->\n\n| who | why |")
    assert issue["state"] == "closed"


def test_a_check_that_failed_has_the_same_issue(on_github: Hosted) -> None:
    log = on_github.write("drift.log", "error: no answer\n")
    failed = ["--failed", "optout drift ended with exit code 1", "--log-file", log]
    assert on_github.run("issue", *failed).stdout == f"issue created: {ADDRESS}\n"
    (issue,) = on_github.github.issues.values()
    assert issue["title"] == "Not checked: stack test"
    assert "error: no answer" in issue["body"]
    report = on_github.write("drift.md", "| who | why |\n| --- | --- |\n")
    assert on_github.run("issue", "--body-file", report).stdout == f"issue edited: {ADDRESS}\n"
    assert on_github.github.issues[1]["title"] == "Drift in stack test"
    assert on_github.run("issue", "--failed", "again").stdout == f"issue edited: {ADDRESS}\n"
    assert on_github.run("issue", "--close").stdout == f"issue closed: {ADDRESS}\n"


def test_a_register_that_cannot_be_read_is_such_a_failure(on_github: Hosted) -> None:
    on_github.write("config/people.yaml", "speakers: 7\n")
    log = on_github.write("drift.log", f"about {PEOPLE[1]}\n")
    assert on_github.run("issue", "--failed", "exit code 3", "--log-file", log).exit_code == ExitCode.DONE
    (issue,) = on_github.github.issues.values()
    assert "The register is invalid." in issue["body"]
    assert "config/people.yaml:1:" in issue["body"]
    assert PEOPLE[1] not in issue["body"]


def test_no_identifier_is_ever_posted_in_an_issue(on_github: Hosted) -> None:
    result = on_github.run("issue", "--log-file", on_github.write("drift.txt", f"drift of {PEOPLE[1]}\n"))
    assert result.exit_code == ExitCode.REFUSED
    assert "config/people.yaml:4" in result.stderr
    assert PEOPLE[1] not in result.output
    assert on_github.github.issues == {}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--close", "--body-file", "-"],
        ["--body-file", "-", "--log-file", "-"],
        ["--log-file", "-"],
        ["--failed", "a", "--close"],
    ],
)
def test_wrong_usage_of_an_issue_is_named(on_github: Hosted, arguments: list[str]) -> None:
    result = on_github.run("issue", *arguments)
    assert result.exit_code == ExitCode.USAGE
    assert "--close" in result.stderr or "is empty" in result.stderr
    assert on_github.github.issues == {}


def test_a_missing_permission_is_named(on_github: Hosted) -> None:
    on_github.github.read_only = True
    result = on_github.run("issue", "--log-file", on_github.write("drift.txt", "drift\n"))
    assert result.exit_code == ExitCode.FAILED
    assert "permissions: issues: write" in result.stderr


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
