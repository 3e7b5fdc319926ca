import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from tests.plan.plans import EVERY_ACTION, SCOPE, plan, review, step
from tests.tables import each_row
from voiceid_optout.plan import Action, ForeignPlanError, PlanFileError, Purpose, Scope
from voiceid_optout.plan.guard import Limits, check
from voiceid_optout.plan.render_json import SCHEMA, document, parse_saved, render
from voiceid_optout.plan.review import Review

LOADED = json.loads(SCHEMA.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(LOADED)


def test_the_whole_document() -> None:
    released, forgotten = step(Action.RELEASE, 1), step(Action.FORGET, 2)
    made = Review(
        plan([released, forgotten], 1200, 1202),
        Scope("voiceid-optout", "production", Purpose.UP, "https://voiceid.example.org", "us-east-1"),
        {released.label: "config/people.yaml:9"},
        {released.label: "consented\nagain", forgotten.label: "not asked for"},
        former={forgotten.label: "config/people.yaml:14 (1a2b3c4)"},
    )
    assert document(made) == {
        "version": 2,
        "project": "voiceid-optout",
        "stack": "production",
        "purpose": "up",
        "endpoint": "https://voiceid.example.org",
        "region": "us-east-1",
        "domains": ["DomainDomainDomain0001"],
        "digest": made.digest,
        "counts": {"forget": 1, "release": 1},
        "unchanged": 1200,
        "managed": 1202,
        "seconds": None,
        "steps": [
            {
                "label": "sp-0000000000000001",
                "domain": "DomainDomainDomain0001",
                "type": "person",
                "action": "release",
                "change": {"field": "ensure", "before": "opted_out", "after": "released"},
                "reason": "released",
                "because": "consented again",
                "place": "config/people.yaml:9",
                "formerly": None,
            },
            {
                "label": "sp-0000000000000002",
                "domain": "DomainDomainDomain0001",
                "type": "person",
                "action": "forget",
                "change": {"field": "ensure", "before": "opted_out", "after": None},
                "reason": "no longer in the register; the opt-out stays in the service",
                "because": None,
                "place": None,
                "formerly": "config/people.yaml:14 (1a2b3c4)",
            },
        ],
        "guard": None,
    }


def test_what_the_guard_says_is_part_of_it() -> None:
    made = plan([step(Action.FORGET)], managed=1)
    refusal = check(made, Limits(), "d" * 64, "optout up --approve d")
    assert document(review(made.steps, refusal=refusal))["guard"] == {
        "breaches": [
            {
                "rule": "emptied",
                "count": 1,
                "of": None,
                "limit": None,
                "message": "1 person would no longer be managed, and nobody would be left",
            }
        ],
        "losses": 1,
        "override": "optout up --approve d",
    }


def refusable() -> Review:
    made = plan(EVERY_ACTION, managed=4)
    limits = Limits(max_losses=0, max_loss_percent=0.5, percent_from_losses=1)
    return review(EVERY_ACTION, refusal=check(made, limits, "d" * 64, "optout up"))


@each_row("purpose", Purpose)
def test_documents_are_as_the_schema_says(purpose: Purpose) -> None:
    for made in (review([]), review(EVERY_ACTION, 3), refusable()):
        VALIDATOR.validate(
            document(
                Review(
                    made.plan,
                    Scope("p", "s", purpose, "https://voiceid.example.org", "us-east-1"),
                    refusal=made.refusal,
                )
            )
        )


def test_the_schema_knows_every_action_and_every_field() -> None:
    Draft202012Validator.check_schema(LOADED)
    assert LOADED["$defs"]["action"]["enum"] == [action.value for action in Action]
    made = document(refusable())
    for key in made:
        with pytest.raises(ValidationError):
            VALIDATOR.validate({name: value for name, value in made.items() if name != key})
    with pytest.raises(ValidationError):
        VALIDATOR.validate({**made, "speaker_id": "caller-000017"})
    with pytest.raises(ValidationError):
        VALIDATOR.validate({**made, "steps": [{**made["steps"][0], "speaker_id": "caller-000017"}]})


def test_rendered_it_is_one_object_in_ascii() -> None:
    made = review([step(Action.RELEASE)], because={step(Action.RELEASE).label: "zurück 🎉"})
    text = render(made)
    assert text.isascii()
    assert text.endswith("}\n")
    assert json.loads(text) == document(made)


MADE = Review(plan(EVERY_ACTION, 3, 7), SCOPE, {EVERY_ACTION[0].label: "config/people.yaml:3"})


def changed(**parts: Any) -> bytes:
    return json.dumps({**document(MADE), **parts}).encode()


def test_a_saved_plan_is_read_back() -> None:
    saved = parse_saved(render(MADE).encode())
    assert (saved.plan, saved.scope, saved.digest) == (MADE.plan, SCOPE, MADE.digest)
    assert saved.places == MADE.places
    assert not saved.refused
    assert parse_saved(changed(guard={"breaches": []})).refused
    saved.require(SCOPE)
    assert parse_saved(render(review([])).encode()).plan == plan([])


@each_row(
    ("content", "words"),
    [
        (b"", "is no JSON document"),
        (b"\xff\xfe", "is no JSON document"),
        (render(MADE).encode()[:-30], "is no JSON document"),
        (b"[" * 100_000, "is no JSON document"),
        (b"[]", "is no saved plan"),
        (b"null", "is no saved plan"),
        (b'{"version": 1}', "is no saved plan"),
        (changed(version=1), "is of version 1; this program reads version 2"),
        (changed(version=["x" * 500]), "is of version unknown; this"),
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
        parse_saved(content)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 200


@each_row(
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
        parse_saved(render(MADE).encode()).require(scope)
    assert words in str(caught.value)
