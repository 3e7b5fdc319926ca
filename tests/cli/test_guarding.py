from pathlib import Path
from typing import Any

import pytest

from tests.cli.projects import Project
from tests.plan.plans import review, step, steps
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.guarding import guarded, limits, override, refused
from voiceid_optout.cli.session import Choices
from voiceid_optout.plan import Action, Purpose
from voiceid_optout.plan.guard import Limits

DIGEST = "0123456789abcdef" * 4


def choices(root: str = ".", targets: tuple[str, ...] = ()) -> Choices:
    return Choices(root=Path(root), stack="test", engine="auto", as_json=False, parallel=8, targets=targets)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (None, Limits()),
        ({"maxLosses": 5}, Limits(max_losses=5)),
        ('{"maxLosses": 5, "maxLossPercent": 1.5}', Limits(5, 1.5)),  # as set without --path
    ],
)
def test_limits_are_in_the_stack_s_config(project: Project, value: Any, meant: Limits) -> None:
    project.configure(guard=value)
    assert limits(project.context()) == meant


@pytest.mark.parametrize("value", [{"maxLosses": -5}, {"maxLosses": "5"}])
def test_wrong_limits_name_file_and_key(project: Project, value: Any) -> None:
    project.configure(guard=value)
    with pytest.raises(CommandError, match=r"^Pulumi\.test\.yaml: voiceid-optout:guard needs a whole number"):
        limits(project.context())


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
