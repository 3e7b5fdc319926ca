from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.projects import Project
from tests.plan.plans import SCOPE, review, step, steps
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.running import RunOptions
from voiceid_optout.cli.session import Choices
from voiceid_optout.cli.up import read_approval
from voiceid_optout.cli.verdict import Approval, Verdict, judge, override
from voiceid_optout.plan import Action, Purpose
from voiceid_optout.plan.guard import Limits
from voiceid_optout.plan.render_json import render
from voiceid_optout.plan.review import Review

ONE, TWO, THREE = steps(Action.OPT_OUT, 3)
REVIEWED = review([ONE, TWO], places={TWO.label: "config/people.yaml:4"})
OVERRIDE = "optout up --stack test --approve 0123456789abcdef0123456789abcdef"


def saved(folder: Path, made: Review = REVIEWED) -> Path:
    path = folder / "plan.json"
    path.write_text(render(made), encoding="utf-8")
    return path


def verdict(approval: Approval, present: Review = REVIEWED) -> Verdict:
    return judge(present, Limits(), approval, OVERRIDE)


def stale(approval: Approval, present: Review) -> str:
    found = verdict(approval, present)
    assert (found.code, found.asks) == (ExitCode.STALE, False)
    with pytest.raises(CommandError) as caught:
        found.require()
    assert (str(caught.value), caught.value.code) == (found.reason, ExitCode.STALE)
    return found.reason


def test_without_options_there_is_nothing_to_keep_to_and_somebody_is_asked() -> None:
    nothing = read_approval(None, None)
    assert not nothing.is_given
    nothing.require_scope(SCOPE)
    found = verdict(nothing)
    found.require()
    assert found == Verdict(REVIEWED, asks=True)
    assert (found.code, found.reason, found.differences, found.overridden) == (None, "", (), "")


def test_where_nothing_is_to_be_done_nobody_is_asked() -> None:
    assert verdict(read_approval(None, None), review([])) == Verdict(review([]))


@pytest.mark.parametrize("digits", [32, 40, 64])
def test_the_approved_plan_may_be_done(tmp_path: Path, digits: int) -> None:
    for approval in (
        read_approval(REVIEWED.digest[:digits], None),
        read_approval(None, saved(tmp_path)),
        read_approval(REVIEWED.digest[:digits], saved(tmp_path)),
    ):
        assert approval.is_given
        approval.require_scope(SCOPE)
        assert verdict(approval) == Verdict(REVIEWED)


def test_of_a_digest_only_the_digests_can_be_told() -> None:
    present = review([ONE])
    assert stale(read_approval(REVIEWED.digest, None), present) == (
        f"the plan is stale, nothing was changed: {REVIEWED.digest[:32]} was reviewed, and "
        f"what would be done now is {present.digest[:32]}. Review that, then: {OVERRIDE}"
    )
    assert verdict(read_approval(REVIEWED.digest, None), present).differences == ()


def test_of_a_saved_plan_the_rows_that_differ_are_told(tmp_path: Path) -> None:
    present = review([ONE, THREE], places={THREE.label: "config/people.yaml:9"})
    approval = read_approval(None, saved(tmp_path))
    assert "the plan is stale" in stale(approval, present)
    assert verdict(approval, present).differences == (
        "Only in the reviewed plan:",
        f"  + opt out  {TWO.label}  config/people.yaml:4  ensure: none → opted_out",
        "Only in the present one:",
        f"  + opt out  {THREE.label}  config/people.yaml:9  ensure: none → opted_out",
    )


def test_at_most_twenty_rows_a_side_are_told(tmp_path: Path) -> None:
    lines = verdict(read_approval(None, saved(tmp_path, review([]))), review(steps(Action.OPT_OUT, 25))).differences
    assert lines[0] == "Only in the present one:"
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "  … 5 more rows …"


def test_a_plan_that_was_done_already_is_stale_too(tmp_path: Path) -> None:
    assert stale(read_approval(None, saved(tmp_path)), review([])).endswith(
        "was reviewed, and nothing is left to do now"
    )


def test_a_digest_beside_a_saved_plan_must_be_its_digest(tmp_path: Path) -> None:
    stale(read_approval(review([ONE]).digest, saved(tmp_path)), REVIEWED)


def test_a_plan_for_something_else_is_wrong_usage(tmp_path: Path) -> None:
    approval = read_approval(None, saved(tmp_path))
    for scope in (replace(SCOPE, stack="production"), replace(SCOPE, purpose=Purpose.DESTROY)):
        with pytest.raises(CommandError, match=r"plan\.json is a plan for ") as caught:
            approval.require_scope(scope)
        assert caught.value.code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read the plan .*plan.json: No such file or directory"),
        (b"{", "plan.json is no JSON document; write it anew with `optout preview --save-plan"),
        (render(REVIEWED).replace(ONE.label, THREE.label).encode(), "plan.json was changed after it was written"),
    ],
)
def test_what_is_no_plan_is_one_clear_error(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=words) as caught:
        read_approval(None, path)
    assert caught.value.code == ExitCode.USAGE


def test_a_plan_whose_steps_stay_may_differ_in_words(tmp_path: Path) -> None:
    worded = review([replace(ONE, reason="in other words"), TWO], unchanged=9)
    verdict(read_approval(None, saved(tmp_path, worded))).require()
    assert step(Action.OPT_OUT) == ONE


DIGEST = "0123456789abcdef" * 4


def choices(root: str = ".") -> Choices:
    return Choices(root=Path(root), stack="test", engine="auto")


@pytest.mark.parametrize("value", [{"maxLosses": -5}, {"maxLosses": "5"}])
def test_wrong_limits_name_file_and_key(project: Project, value: Any) -> None:
    project.configure(guard=value)
    with pytest.raises(CommandError, match=r"^Pulumi\.test\.yaml: voiceid-optout:guard needs a whole number"):
        project.context()


def test_the_override_is_the_command_for_exactly_this_plan() -> None:
    assert (
        override(Purpose.UP, choices(), RunOptions(), DIGEST) == f"optout up --stack test --approve {DIGEST[:32]}"
    )
    options = RunOptions(refresh=False, targets=("sp-1", "sp-2"), trust_state=True)
    assert override(Purpose.DESTROY, choices("a b"), options, DIGEST) == (
        "optout destroy --stack test --cwd 'a b' --no-refresh --trust-state --target sp-1 --target sp-2 "
        f"--approve {DIGEST[:32]}"
    )


def test_what_the_guard_refuses_may_not_be_done() -> None:
    found = verdict(Approval(), review(steps(Action.FORGET, 3)))
    assert found.review.refusal is not None
    assert found.review.refusal.digest == found.review.digest
    assert (found.code, found.asks) == (ExitCode.REFUSED, False)
    assert found.reason == (
        "refused by the guard, nothing was changed: 3 people would no longer be managed, and nobody would be left. "
        f"If exactly this is meant: {OVERRIDE}"
    )


def test_the_limits_are_the_stack_s() -> None:
    present = review(steps(Action.FORGET, 3), unchanged=100)
    assert judge(present, Limits(), Approval(), OVERRIDE).code is None
    assert judge(present, Limits(max_losses=2), Approval(), OVERRIDE).code == ExitCode.REFUSED


def test_only_the_digest_gets_past_the_guard_and_it_is_said(tmp_path: Path) -> None:
    refused = review(steps(Action.FORGET, 3))
    approved = verdict(Approval(refused.digest), refused)
    assert (approved.code, approved.asks) == (None, False)
    assert approved.overridden == "3 people would no longer be managed, and nobody would be left"
    assert verdict(read_approval(None, saved(tmp_path, refused)), refused).code == ExitCode.REFUSED
