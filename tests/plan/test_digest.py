import hashlib
import json
from dataclasses import replace

import pytest

from tests.plan.plans import EVERY_ACTION, SCOPE, plan, step
from voiceid_optout.plan import Action, Change, Plan, Purpose, Scope, Step
from voiceid_optout.plan.digest import SHORT, approves, digest, short

PLAN = plan(EVERY_ACTION, 3, 4)


def test_a_digest_is_sha_256_of_canonical_json() -> None:
    only = Step("sp-1", Action.REPAIR, "in any words", Change("status", None, "OPTED_OUT"))
    text = (
        '{"project":"voiceid-optout","purpose":"up","stack":"test",'
        '"steps":[["sp-1","person","repair","status","","OPTED_OUT"]],"version":1}'
    )
    assert json.loads(text)
    assert digest(Plan((only,), 7, 8), SCOPE) == hashlib.sha256(text.encode()).hexdigest()


def test_order_wording_and_counts_do_not_matter() -> None:
    other = Plan(tuple(replace(each, reason="x") for each in reversed(PLAN.steps)), 99, 99)
    assert digest(other, SCOPE) == digest(PLAN, SCOPE)


@pytest.mark.parametrize(
    "scope",
    [replace(SCOPE, stack="b"), replace(SCOPE, project="b"), replace(SCOPE, purpose=Purpose.DESTROY)],
)
def test_an_approval_holds_for_one_stack_and_one_command(scope: Scope) -> None:
    assert digest(PLAN, scope) != digest(PLAN, SCOPE)


def test_every_step_matters() -> None:
    found = {digest(plan(EVERY_ACTION[:count]), SCOPE) for count in range(len(EVERY_ACTION) + 1)}
    found.add(digest(plan([*EVERY_ACTION[:-1], step(Action.OPT_OUT, 99)]), SCOPE))
    found.add(digest(plan([*EVERY_ACTION, EVERY_ACTION[0]]), SCOPE))
    assert len(found) == len(EVERY_ACTION) + 3


FULL = digest(PLAN, SCOPE)


@pytest.mark.parametrize("approval", [FULL, FULL[: SHORT + 1], short(FULL)])
def test_the_first_digits_name_a_digest(approval: str) -> None:
    assert approves(approval, FULL)


@pytest.mark.parametrize(
    "approval", ["", FULL[: SHORT - 1], FULL[1:], FULL + "0", FULL[:SHORT].upper() + "G", "0" * 64]
)
def test_anything_else_does_not(approval: str) -> None:
    assert not approves(approval, FULL)
