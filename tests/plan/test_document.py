import json

from optout.plan import Action, Plan, Step
from optout.plan.document import document


def test_the_whole_document() -> None:
    plan = Plan(
        (
            Step("sp-1", Action.OPT_OUT, "new"),
            Step("sp-2", Action.FORGET, "no longer in the register"),
            Step("sp-3", Action.OPT_OUT, "new"),
        ),
        1200,
    )
    made = document(plan, {"sp-1": "config/people.yaml:3", "sp-3": "config/people.yaml:9"})
    assert made == {
        "version": 1,
        "counts": {"forget": 1, "opt-out": 2},
        "unchanged": 1200,
        "steps": [
            {"label": "sp-1", "action": "opt-out", "reason": "new", "place": "config/people.yaml:3"},
            {"label": "sp-2", "action": "forget", "reason": "no longer in the register", "place": None},
            {"label": "sp-3", "action": "opt-out", "reason": "new", "place": "config/people.yaml:9"},
        ],
    }
    assert json.loads(json.dumps(made)) == made


def test_an_empty_plan_has_all_keys() -> None:
    assert document(Plan((), 0), {}) == {"version": 1, "counts": {}, "unchanged": 0, "steps": []}
