from dataclasses import replace

import pytest

from tests.plan.plans import DOMAIN, SCOPE, plan, review, step, steps
from voiceid_optout.plan import Action, Purpose, Review, Scope
from voiceid_optout.plan.digest import digest
from voiceid_optout.plan.review import Pace
from voiceid_optout.plan.words import REASON_LENGTH

A, B, C = steps(Action.OPT_OUT, 3)


@pytest.mark.parametrize(
    ("purpose", "title", "is_plan"),
    [
        (Purpose.UP, "Plan for stack test", True),
        (Purpose.DESTROY, "Plan to destroy stack test", True),
        (Purpose.REFRESH, "Drift in stack test", False),
        (Purpose.DRIFT, "Drift in stack test", False),
    ],
)
def test_what_it_is_called(purpose: Purpose, title: str, *, is_plan: bool) -> None:
    made = Review(plan([]), Scope("voiceid-optout", "test", purpose, "https://voiceid.example.org", "us-east-1"))
    assert (made.title, made.is_plan) == (title, is_plan)


def test_its_digest_is_the_plan_s() -> None:
    assert review([A, B]).digest == digest(plan([A, B]), SCOPE)


def test_steps_follow_the_register_and_what_it_no_longer_lists_comes_last() -> None:
    made = review([A, B, C], places={B.label: "config/people.yaml:10", C.label: "config/people.yaml:9"})
    assert made.steps == [C, B, A]
    assert [made.place(each) for each in made.steps] == ["config/people.yaml:9", "config/people.yaml:10", ""]


def test_only_a_release_has_the_register_s_reason() -> None:
    released = step(Action.RELEASE, 4)
    because = {A.label: "objection by phone", released.label: "consented\nagain\x1b[31m " + "x" * 500}
    made = review([A, released], because=because)
    assert made.reason_of_release(A) == ""
    assert made.reason_of_release(released).startswith("consented again[31m xx")
    assert len(made.reason_of_release(released)) == REASON_LENGTH
    assert review([released]).reason_of_release(released) == ""


def test_it_does_not_show_places_and_reasons() -> None:
    made = review([], places={"sp-1": "config/people.yaml:10"}, because={"sp-1": "consented"})
    assert "people.yaml" not in repr(made)
    assert "consented" not in repr(made)


def in_domains(count: int) -> Review:
    placed = [replace(each, domain=f"D{number:021}") for number, each in enumerate(steps(Action.OPT_OUT, count))]
    return review(placed)


def test_where_a_plan_goes_is_one_line() -> None:
    assert review([]).where == "https://voiceid.example.org (us-east-1)"
    assert review([step(Action.OPT_OUT)]).where == f"https://voiceid.example.org (us-east-1), domain {DOMAIN}"
    assert in_domains(2).where.endswith(f", domains D{0:021}, D{1:021}")
    assert in_domains(13).where.endswith(f"D{9:021} and 3 more")


def test_a_hostile_place_is_one_line_without_controls() -> None:
    hostile = replace(step(Action.OPT_OUT), domain="D\n::add-mask::x\x1b[2J")
    made = review([hostile], scope=replace(SCOPE, endpoint="https://a\n::error::b\u202e"))
    assert made.where == "https://a ::error::b (us-east-1), domain D ::add-mask::x[2J"


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
