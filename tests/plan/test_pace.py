import pytest

from tests.plan.plans import plan, review, steps
from voiceid_optout.plan import Action
from voiceid_optout.plan.pace import Pace


@pytest.mark.parametrize(
    ("opt_outs", "releases", "seconds", "words"),
    [
        (0, 0, 0, ""),
        (99, 0, 9.9, ""),
        (4210, 0, 421, "about 7 min at 10 calls a second"),
        (4210, 10, 421, "about 7 min at 10 calls a second"),
        (10, 90, 30, "about 30 s at 3 calls a second"),
    ],
)
def test_the_slower_quota_decides(opt_outs: int, releases: int, seconds: float, words: str) -> None:
    made = plan([*steps(Action.OPT_OUT, opt_outs), *steps(Action.RELEASE, releases)])
    pace = Pace(opt_out=10, delete=3)
    assert pace.seconds(made) == pytest.approx(seconds)
    assert pace.words(made) == words


def test_repairs_are_opt_outs_and_the_forgotten_cost_nothing() -> None:
    made = plan([*steps(Action.REPAIR, 150), *steps(Action.FORGET, 1000)])
    assert Pace(10, 10).words(made) == "about 15 s at 10 calls a second"


def test_a_review_says_it_behind_the_counts() -> None:
    made = steps(Action.OPT_OUT, 600)
    assert review(made, pace=Pace(10, 10)).summary == (
        "600 to opt out, 0 unchanged; about 1 min at 10 calls a second"
    )
    assert review(made).summary == "600 to opt out, 0 unchanged"
