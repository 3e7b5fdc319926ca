import pytest

from tests.cli.forge import PEOPLE, Hosted
from voiceid_optout.cli.exit_codes import ExitCode

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


def test_no_identifier_is_ever_posted(on_github: Hosted) -> None:
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
def test_wrong_usage_is_named(on_github: Hosted, arguments: list[str]) -> None:
    result = on_github.run("issue", *arguments)
    assert result.exit_code == ExitCode.USAGE
    assert "--close" in result.stderr or "is empty" in result.stderr
    assert on_github.github.issues == {}


def test_a_missing_permission_is_named(on_github: Hosted) -> None:
    on_github.github.read_only = True
    result = on_github.run("issue", "--log-file", on_github.write("drift.txt", "drift\n"))
    assert result.exit_code == ExitCode.FAILED
    assert "permissions: issues: write" in result.stderr
