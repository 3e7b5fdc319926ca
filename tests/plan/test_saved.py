import json
from dataclasses import replace
from typing import Any

import pytest

from tests.plan.plans import EVERY_ACTION, SCOPE, plan, review
from voiceid_optout.plan import Purpose, Review, Scope
from voiceid_optout.plan.document import document, render
from voiceid_optout.plan.errors import ForeignPlanError, PlanFileError
from voiceid_optout.plan.saved import parse

MADE = Review(plan(EVERY_ACTION, 3, 7), SCOPE, {EVERY_ACTION[0].label: "config/people.yaml:3"})


def changed(**parts: Any) -> bytes:
    return json.dumps({**document(MADE), **parts}).encode()


def test_a_saved_plan_is_read_back() -> None:
    saved = parse(render(MADE).encode())
    assert (saved.plan, saved.scope, saved.digest) == (MADE.plan, SCOPE, MADE.digest)
    assert saved.places == MADE.places
    assert not saved.refused
    assert parse(changed(guard={"breaches": []})).refused
    saved.require(SCOPE)
    assert parse(render(review([])).encode()).plan == plan([])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no JSON document"),
        (b"\xff\xfe", "is no JSON document"),
        (render(MADE).encode()[:-30], "is no JSON document"),
        (b"[" * 100_000, "is no JSON document"),
        (b"[]", "is no saved plan"),
        (b"null", "is no saved plan"),
        (b'{"version": 1}', "is no saved plan"),
        (changed(version=1), "is of version '1'; this program reads version 2"),
        (changed(version=["x" * 500]), "is of version"),
        (changed(purpose="delete"), "is damaged"),
        (changed(stack=None), "is damaged"),
        (changed(unchanged="many"), "is damaged"),
        (changed(steps={}), "was changed after it was written"),
        (changed(steps=3), "is damaged"),
        (changed(steps=["sp-1"]), "is damaged"),
        (changed(steps=[{"label": "sp-1"}]), "is damaged"),
        (changed(steps=[{**document(MADE)["steps"][0], "action": "enrol"}]), "is damaged"),
        (changed(steps=[{**document(MADE)["steps"][0], "label": 3}]), "is damaged"),
        (changed(steps=[{**document(MADE)["steps"][0], "change": []}]), "is damaged"),
        (changed(digest=None), "is damaged"),
        (changed(digest="0" * 64), "was changed after it was written"),
        (changed(endpoint=None), "is damaged"),
        (changed(region=["us-east-1"]), "is damaged"),
        (changed(endpoint="http://127.0.0.1:8099"), "was changed after it was written"),
        (changed(region="eu-west-2"), "was changed after it was written"),
        (changed(steps=[{**document(MADE)["steps"][0], "domain": 3}]), "is damaged"),
        (changed(steps=[{**step, "domain": "E" * 22} for step in document(MADE)["steps"]]), "was changed after"),
        (changed(stack="production"), "was changed after it was written"),
        (changed(steps=document(MADE)["steps"][1:]), "was changed after it was written"),
    ],
)
def test_what_is_no_plan_or_not_as_written_is_not_believed(content: bytes, words: str) -> None:
    with pytest.raises(PlanFileError) as caught:
        parse(content)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (
            Scope("voiceid-optout", "production", Purpose.UP, "https://voiceid.example.org", "us-east-1"),
            "plan for stack test of project voiceid-optout, not for stack production of project voiceid-optout",
        ),
        (
            Scope("another", "test", Purpose.UP, "https://voiceid.example.org", "us-east-1"),
            "not for stack test of project another",
        ),
        (
            Scope("voiceid-optout", "test", Purpose.DESTROY, "https://voiceid.example.org", "us-east-1"),
            "is a plan for `up`, not for `destroy`",
        ),
        (
            replace(SCOPE, endpoint="http://127.0.0.1:8099"),
            "plan for https://voiceid.example.org (us-east-1), not for http://127.0.0.1:8099 (us-east-1)",
        ),
        (replace(SCOPE, region="eu-west-2"), "not for https://voiceid.example.org (eu-west-2)"),
    ],
)
def test_a_plan_for_something_else_is_refused(scope: Scope, words: str) -> None:
    with pytest.raises(ForeignPlanError) as caught:
        parse(render(MADE).encode()).require(scope)
    assert words in str(caught.value)
