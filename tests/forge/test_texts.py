from tests.forge.fake import HEAD
from tests.tables import each_row
from voiceid_optout.forge.posts import Reviewed, reviewed_in
from voiceid_optout.forge.texts import (
    LIMIT,
    Origin,
    cut,
    drift_closing_comment,
    drift_issue,
    failed_comment,
    failed_issue,
    plan_comment,
    size,
)

RUN = "https://github.com/example/register/actions/runs/5"
ORIGIN = Origin("local", HEAD, RUN)
DIGEST = "0123456789abcdef" * 2


def test_a_plan_with_its_digest() -> None:
    assert plan_comment(ORIGIN, "## Plan\n\n1 to opt out\n", DIGEST) == (
        "<!-- optout:stack=local -->\n"
        f"<!-- optout:plan commit={HEAD} digest={DIGEST} -->\n"
        "\n"
        "## Plan\n\n1 to opt out\n"
        "\n"
        f"<sub>commit `1111111` · merging approves the plan `{DIGEST}` · [run]({RUN})</sub>"
    )


def test_a_plan_without_a_digest_approves_nothing_whatever_it_says() -> None:
    text = plan_comment(ORIGIN, f"<!-- optout:plan commit={HEAD} digest={DIGEST} -->", None)
    assert reviewed_in(text) is None
    assert reviewed_in(plan_comment(ORIGIN, "plan", DIGEST)) == Reviewed(HEAD, DIGEST)


def test_what_is_not_known_is_left_out() -> None:
    assert plan_comment(Origin("local"), "plan", None) == "<!-- optout:stack=local -->\n\nplan"
    assert drift_closing_comment(Origin("local")) == (
        "The check found no drift: the service says what the register asks."
    )


def test_a_failure_voids_the_plan_and_says_of_which_commit() -> None:
    text = failed_comment(ORIGIN, "the preview failed", log="error: no answer\n")
    assert text.splitlines()[:2] == ["<!-- optout:stack=local -->", "### No approved plan for stack `local`"]
    assert "A plan that stood here before is void." in text
    assert "```text\nthe preview failed\n```" in text
    assert "```text\nerror: no answer\n```" in text
    assert "commit `1111111`" in text
    assert reviewed_in(text) is None


def test_a_check_that_failed_has_the_issue_of_drift() -> None:
    text = failed_issue(ORIGIN, "optout drift ended with exit code 1", log="error: no answer\n")
    assert text.splitlines()[:2] == ["<!-- optout:drift=local -->", "### Not checked: stack `local`"]
    assert "```text\noptout drift ended with exit code 1\n```" in text
    assert "```text\nerror: no answer\n```" in text
    assert "nobody knows whether the opt-outs still hold" in text
    assert "[run](" in text
    assert size(failed_issue(ORIGIN, "a", log="x" * 200_000)) < LIMIT


def test_a_failure_may_show_the_plan_that_was_refused() -> None:
    text = failed_comment(ORIGIN, "refused by the guard", body="| 900 | to stop managing |")
    assert text.index("refused by the guard") < text.index("| 900 |")
    assert text.count("```") == 2


def test_nothing_in_a_log_is_markdown() -> None:
    text = failed_comment(ORIGIN, "a", log="\x1b[31mred\x1b[0m\n```\n@somebody <img src=x>\n````\x07")
    assert "`````text\nred\n```\n@somebody <img src=x>\n````\\x07\n`````" in text


def test_a_long_log_shows_its_end() -> None:
    text = failed_comment(ORIGIN, "a", log="\n".join(f"line {number}" for number in range(500)))
    assert "line 499\n```" in text
    assert "line 1\n" not in text
    assert size(failed_comment(ORIGIN, "a", log="x" * 200_000)) < LIMIT
    wide = failed_comment(ORIGIN, "a", log="\n".join(["first", *["y" * 9_000] * 3]))
    assert "first" not in wide
    assert "y" * 9_000 in wide


def test_drift_in_markdown_or_as_the_terminal_showed_it() -> None:
    assert drift_issue(ORIGIN, "| row |").splitlines()[:3] == ["<!-- optout:drift=local -->", "", "| row |"]
    assert "```text\nDrift in stack local: 1 to repair\n```" in drift_issue(
        ORIGIN, "", log="Drift in stack local: 1 to repair"
    )
    assert "The next `optout up` repairs this." in drift_issue(ORIGIN, "| row |")


@each_row("letter", ["a", "ä", "😀"])
@each_row(
    "make",
    [
        lambda body: plan_comment(ORIGIN, body, DIGEST),
        lambda body: failed_comment(ORIGIN, "refused", body=body),
        lambda body: drift_issue(ORIGIN, body),
        lambda body: drift_issue(ORIGIN, "", log=body),
    ],
)
def test_nothing_is_longer_than_the_forge_takes(make: object, letter: str) -> None:
    assert callable(make)
    body = "\n".join(["**12,000 to opt out**", *[f"| {letter * 40} |"] * 4_000])
    text = make(body)
    assert size(text) <= LIMIT
    assert "**12,000 to opt out**" in text
    assert "more lines, too long for a comment" in text
    assert text.endswith("</sub>")


def test_a_cut_closes_what_is_open_and_counts_what_is_gone() -> None:
    fenced = "\n".join(
        ["summary", "<details><summary>rows</summary>", "", "```diff", *["+ row"] * 100, "```", "</details>"]
    )
    assert cut(fenced, 400).splitlines()[-6:-1] == ["+ row", "```", "", "</details>", ""]
    kept = cut(fenced, 400).count("+ row")
    assert f"… and {106 - 4 - kept:,} more lines" in cut(fenced, 400)
    assert size(cut(fenced, 400)) <= 400
    assert cut("short", 400) == "short"
    closed = "\n".join(["```", "code", "```", "~~~", "```", "~~~", *["row"] * 300])
    assert cut(closed, 300).count("```") == 3


def test_one_endless_line_leaves_the_count() -> None:
    assert cut("x" * 500, 200).strip() == "… and 1 more line, too long for a comment: the run has it all."
