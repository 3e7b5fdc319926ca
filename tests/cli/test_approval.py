from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.projects import Project
from tests.plan.plans import SCOPE, review, step, steps
from voiceid_optout.cli.approval import Approval, guarded, override, read, refused
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.session import Choices
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


def stale(approval: Approval, present: Review) -> str:
    with pytest.raises(CommandError) as caught:
        approval.require(present, OVERRIDE)
    assert caught.value.code == ExitCode.STALE
    return str(caught.value)


def test_without_options_there_is_nothing_to_keep_to() -> None:
    nothing = read(None, None)
    assert not nothing.is_given
    nothing.require_scope(SCOPE)
    nothing.require(REVIEWED, OVERRIDE)


@pytest.mark.parametrize("digits", [32, 40, 64])
def test_the_approved_plan_may_be_done(tmp_path: Path, digits: int) -> None:
    for approval in (
        read(REVIEWED.digest[:digits], None),
        read(None, saved(tmp_path)),
        read(REVIEWED.digest[:digits], saved(tmp_path)),
    ):
        assert approval.is_given
        approval.require_scope(SCOPE)
        approval.require(REVIEWED, OVERRIDE)


def test_of_a_digest_only_the_digests_can_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    present = review([ONE])
    assert stale(read(REVIEWED.digest, None), present) == (
        f"the plan is stale, nothing was changed: {REVIEWED.digest[:32]} was reviewed, and "
        f"what would be done now is {present.digest[:32]}. Review that, then: {OVERRIDE}"
    )
    assert capsys.readouterr() == ("", "")


def test_of_a_saved_plan_the_rows_that_differ_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    present = review([ONE, THREE], places={THREE.label: "config/people.yaml:9"})
    assert "the plan is stale" in stale(read(None, saved(tmp_path)), present)
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == (
        "",
        [
            "Only in the reviewed plan:",
            f"  + opt out  {TWO.label}  config/people.yaml:4  ensure: none → opted_out",
            "Only in the present one:",
            f"  + opt out  {THREE.label}  config/people.yaml:9  ensure: none → opted_out",
        ],
    )


def test_at_most_twenty_rows_a_side_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path, review([]))
    stale(read(None, path), review(steps(Action.OPT_OUT, 25)))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Only in the present one:"
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "  … 5 more rows …"


def test_a_plan_that_was_done_already_is_stale_too(tmp_path: Path) -> None:
    assert stale(read(None, saved(tmp_path)), review([])).endswith("was reviewed, and nothing is left to do now")


def test_a_digest_beside_a_saved_plan_must_be_its_digest(tmp_path: Path) -> None:
    stale(read(review([ONE]).digest, saved(tmp_path)), REVIEWED)


def test_a_plan_for_something_else_is_wrong_usage(tmp_path: Path) -> None:
    approval = read(None, saved(tmp_path))
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
        read(None, path)
    assert caught.value.code == ExitCode.USAGE


def test_a_plan_whose_steps_stay_may_differ_in_words(tmp_path: Path) -> None:
    worded = review([replace(ONE, reason="in other words"), TWO], unchanged=9)
    read(None, saved(tmp_path, worded)).require(REVIEWED, OVERRIDE)
    assert step(Action.OPT_OUT) == ONE


DIGEST = "0123456789abcdef" * 4


def choices(root: str = ".", targets: tuple[str, ...] = ()) -> Choices:
    return Choices(root=Path(root), stack="test", engine="auto", as_json=False, parallel=8, targets=targets)


@pytest.mark.parametrize("value", [{"maxLosses": -5}, {"maxLosses": "5"}])
def test_wrong_limits_name_file_and_key(project: Project, value: Any) -> None:
    project.configure(guard=value)
    with pytest.raises(CommandError, match=r"^Pulumi\.test\.yaml: voiceid-optout:guard needs a whole number"):
        project.context()


def test_the_override_is_the_command_for_exactly_this_plan() -> None:
    assert override(Purpose.UP, choices(), DIGEST) == f"optout up --stack test --approve {DIGEST[:32]}"
    assert override(Purpose.DESTROY, choices("a b", ("sp-1", "sp-2")), DIGEST, refresh=False) == (
        f"optout destroy --stack test --cwd 'a b' --no-refresh --target sp-1 --target sp-2 --approve {DIGEST[:32]}"
    )


def test_a_guarded_review_says_what_is_refused() -> None:
    assert guarded(review([step(Action.OPT_OUT)]), Limits(), choices()).refusal is None
    made = guarded(review(steps(Action.FORGET, 3)), Limits(), choices())
    assert made.refusal is not None
    assert made.refusal.digest == made.digest
    error = refused(made.refusal)
    assert error.code == ExitCode.REFUSED
    assert str(error) == (
        "refused by the guard, nothing was changed: 3 people would no longer be managed, and nobody would be left. "
        f"If exactly this is meant: optout up --stack test --approve {made.digest[:32]}"
    )
