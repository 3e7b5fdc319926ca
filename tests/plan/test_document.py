import json

import pytest
from jsonschema import Draft202012Validator, ValidationError

from tests.plan.plans import EVERY_ACTION, plan, review, step
from voiceid_optout.plan import Action, Purpose, Review, Scope
from voiceid_optout.plan.document import SCHEMA, document, render
from voiceid_optout.plan.guard import Limits, check

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


@pytest.mark.parametrize("purpose", Purpose)
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
