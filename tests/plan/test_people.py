import pytest

from voiceid_optout.plan import Action, Change, Step
from voiceid_optout.plan.people import ASKED, RELEASED, Drift, found, leaving, repair, step, together

SAM = "sp-00000000000005a1"
GONE, ENROLLED = Drift(ASKED, None), Drift(ASKED, "ENROLLED")
BACK = Drift(RELEASED, "ENROLLED")
DROPPED = "no longer in the register"
FORGOTTEN = leaving(SAM, ASKED, None, DROPPED)


@pytest.mark.parametrize(
    ("was", "becomes", "drift", "expected"),
    [
        (None, ASKED, None, (Action.OPT_OUT, "new", Change("ensure", None, ASKED))),
        (None, ASKED, GONE, (Action.REPAIR, "gone from the service", Change("status", None, "OPTED_OUT"))),
        (None, RELEASED, None, (Action.RELEASE, "released", Change("ensure", None, RELEASED))),
        (None, RELEASED, GONE, (Action.RELEASE, "released", Change("ensure", ASKED, RELEASED))),
        (ASKED, RELEASED, ENROLLED, (Action.RELEASE, "released", Change("ensure", ASKED, RELEASED))),
        (RELEASED, ASKED, BACK, (Action.OPT_OUT, "no longer released", Change("ensure", RELEASED, ASKED))),
        (ASKED, ASKED, ENROLLED, (Action.REPAIR, ENROLLED.reason, Change("status", "ENROLLED", "OPTED_OUT"))),
        (RELEASED, RELEASED, BACK, (Action.REPAIR, BACK.reason, Change("status", "ENROLLED", None))),
        (
            ASKED,
            None,
            None,
            (Action.FORGET, f"{DROPPED}; the opt-out stays in the service", Change("ensure", ASKED, None)),
        ),
        (ASKED, None, GONE, (Action.FORGET, f"{DROPPED}; gone from the service", Change("ensure", ASKED, None))),
        (
            RELEASED,
            None,
            BACK,
            (Action.FORGET, f"{DROPPED}; nothing changes in the service", Change("ensure", RELEASED, None)),
        ),
    ],
)
def test_what_happens(
    was: str | None, becomes: str | None, drift: Drift | None, expected: tuple[Action, str, Change]
) -> None:
    assert step(SAM, was, becomes, drift, DROPPED) == Step(SAM, *expected)


@pytest.mark.parametrize("ensure", [ASKED, RELEASED])
def test_nothing_happens_to_somebody_who_is_as_asked(ensure: str) -> None:
    assert step(SAM, ensure, ensure, None, DROPPED) is None


def test_a_delete_that_would_reach_the_service_says_so() -> None:
    made = step(SAM, ASKED, None, None, DROPPED, kept=False)
    assert made == Step(SAM, Action.DELETE, DROPPED, Change("ensure", ASKED, None))


@pytest.mark.parametrize(
    ("ensure", "status", "expected"),
    [
        (ASKED, "OPTED_OUT", None),
        (ASKED, "EXPIRED", Drift(ASKED, "EXPIRED")),
        (ASKED, None, GONE),
        (RELEASED, None, None),
        (RELEASED, "OPTED_OUT", Drift(RELEASED, "OPTED_OUT")),
    ],
)
def test_drift_is_what_was_not_asked(ensure: str, status: str | None, expected: Drift | None) -> None:
    assert found(ensure, status) == expected


@pytest.mark.parametrize(
    ("ensure", "effect"),
    [(ASKED, "the opt-out stays in the service"), (RELEASED, "nothing changes in the service")],
)
def test_who_leaves_one_resource_and_joins_another_moves(ensure: str, effect: str) -> None:
    joining = step(SAM, None, ensure, None, DROPPED)
    forgotten = leaving(SAM, ensure, None, DROPPED)
    assert joining is not None
    moved = Step(SAM, Action.MOVE, f"moves to another resource; {effect}")
    assert together(forgotten, joining, DROPPED) == together(joining, forgotten, DROPPED) == moved


def test_who_moves_and_has_drifted_is_repaired() -> None:
    assert together(repair(SAM, ENROLLED), FORGOTTEN, DROPPED) == repair(SAM, ENROLLED)


@pytest.mark.parametrize(("was", "becomes"), [(ASKED, RELEASED), (RELEASED, ASKED)])
def test_who_moves_and_is_asked_for_otherwise_is_as_in_one_resource(was: str, becomes: str) -> None:
    joining = step(SAM, None, becomes, None, DROPPED)
    assert joining is not None
    expected = step(SAM, was, becomes, None, DROPPED)
    assert together(leaving(SAM, was, None, DROPPED), joining, DROPPED) == expected


def test_of_other_pairs_the_later_step_counts() -> None:
    deleted = leaving(SAM, ASKED, None, DROPPED, kept=False)
    assert together(repair(SAM, GONE), deleted, DROPPED) == deleted
