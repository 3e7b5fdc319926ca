import dataclasses
import hashlib
import json
from collections import Counter
from dataclasses import replace

import pytest

from tests.plan.plans import EVERY_ACTION, SCOPE, plan, step, steps
from tests.tables import each_row
from voiceid_optout.plan import (
    SHORT,
    Action,
    Change,
    Differences,
    Plan,
    Purpose,
    Scope,
    Step,
    approves,
    differences,
    digest,
    people,
    short,
    unplanned_steps,
)

PLAN = Plan(
    (
        Step("sp-1", Action.OPT_OUT, "new"),
        Step("sp-2", Action.REPAIR, "gone from the service"),
        Step("sp-3", Action.OPT_OUT, "new"),
    ),
    7,
)


def test_counts_are_by_action() -> None:
    assert PLAN.counts == Counter({Action.OPT_OUT: 2, Action.REPAIR: 1})
    assert PLAN.counts[Action.DELETE] == 0


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLAN.unchanged = 0  # type: ignore[misc]


def test_a_plan_knows_no_more_than_it_was_told() -> None:
    made = Plan((), 0)
    assert (made.managed, made.resources, made.is_state_old, made.types) == (0, None, True, frozenset())
    assert Step("sp-1", Action.OPT_OUT, "new").domain == ""


def test_what_the_engine_needs_makes_no_other_plan_and_is_not_printed() -> None:
    """A plan that was saved is compared with one that was made anew, by what it does."""
    urn = "urn:pulumi:test::voiceid-optout::T::sp-1"
    made = replace(PLAN, resources=frozenset({urn}), is_state_old=False, types=frozenset({"T"}))
    assert made == PLAN
    assert repr(made) == repr(PLAN)


def test_the_domains_are_those_of_people() -> None:
    of_people = [replace(step, domain=domain) for step, domain in zip(PLAN.steps, "BAB", strict=True)]
    bucket = Step("guard", Action.CREATE, "", type="aws:s3/bucket:Bucket")
    assert plan([*of_people, bucket]).domains == ("A", "B")


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 people"), (1, "1 person"), (2, "2 people"), (1200, "1,200 people")]
)
def test_people_are_counted_in_words(count: int, words: str) -> None:
    assert people(count) == words


def test_purposes_are_the_words_of_the_command_line() -> None:
    assert [purpose.value for purpose in Purpose] == ["up", "destroy", "refresh", "drift"]


def test_a_step_is_about_a_person_unless_it_names_a_type() -> None:
    assert Step("sp-1", Action.OPT_OUT, "new").is_person
    assert not Step("guard", Action.CREATE, "", type="aws:s3/bucket:Bucket").is_person


def test_wording_makes_no_other_step_and_everything_else_does() -> None:
    step = Step("sp-1", Action.REPAIR, "gone", Change("status", None, "OPTED_OUT"))
    assert step.identity == dataclasses.replace(step, reason="in other words").identity
    others: list[dict[str, object]] = [
        {"label": "sp-2"},
        {"action": Action.OPT_OUT},
        {"type": "aws:s3/bucket:Bucket"},
        {"change": None},
        {"change": Change("status", "ENROLLED", "OPTED_OUT")},
        {"change": Change("status", None, None)},
        {"change": Change("ensure", None, "OPTED_OUT")},
    ]
    identities = {dataclasses.replace(step, **other).identity for other in others}  # type: ignore[arg-type]
    assert step.identity not in identities
    assert len(identities) == len(others)


def test_actions_are_the_words_of_the_json_document() -> None:
    assert [action.value for action in Action] == [
        "opt-out",
        "repair",
        "release",
        "forget",
        "move",
        "create",
        "update",
        "delete",
        "replace",
    ]


EVERY = plan(EVERY_ACTION, 3, 4)


def test_a_digest_is_sha_256_of_canonical_json() -> None:
    only = Step("sp-1", Action.REPAIR, "in any words", Change("status", None, "OPTED_OUT"), domain="D")
    text = (
        '{"endpoint":"https://voiceid.example.org","project":"voiceid-optout","purpose":"up","region":"us-east-1",'
        '"stack":"test","steps":[["sp-1","D","person","repair","status","","OPTED_OUT"]],"version":2}'
    )
    assert json.loads(text)
    assert digest(Plan((only,), 7, 8), SCOPE) == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_not_there_is_an_empty_text_and_what_is_not_ascii_is_escaped() -> None:
    scope = replace(SCOPE, project="r\N{LATIN SMALL LETTER E WITH ACUTE}gistre")
    gone = Step("sp-1", Action.FORGET, "", Change("ensure", "opted_out", None))
    text = (
        '{"endpoint":"https://voiceid.example.org","project":"r\\u00e9gistre","purpose":"up","region":"us-east-1",'
        '"stack":"test","steps":[["guard","","aws:s3/bucket:Bucket","create","","",""],'
        '["sp-1","","person","forget","ensure","opted_out",""]],"version":2}'
    )
    made = Plan((gone, Step("guard", Action.CREATE, "", type="aws:s3/bucket:Bucket")), 0)
    assert digest(made, scope) == hashlib.sha256(text.encode()).hexdigest()


def test_a_digest_of_many_is_that_of_all_of_them_in_one_text() -> None:
    labels = [*(f"sp-{number:02x}{number:04x}" for number in range(40)), "sp-", "s", "sp-00", "sp-000"]
    steps = [Step(label, Action.OPT_OUT, "new", domain=domain) for domain in ("E", "D") for label in labels]
    scope = replace(SCOPE, stack="[]")
    content = {
        **{name: getattr(scope, name) for name in ("project", "stack", "purpose", "endpoint", "region")},
        "version": 2,
        "steps": sorted([one.label, one.domain, "person", "opt-out", "", "", ""] for one in steps),
    }
    text = json.dumps(content, separators=(",", ":"), sort_keys=True)
    for given in (steps, reversed(steps)):
        assert digest(Plan(tuple(given), 0), scope) == hashlib.sha256(text.encode()).hexdigest()


def test_order_wording_and_counts_do_not_matter() -> None:
    other = Plan(tuple(replace(each, reason="x") for each in reversed(EVERY.steps)), 99, 99)
    assert digest(other, SCOPE) == digest(EVERY, SCOPE)


@each_row(
    "scope",
    [
        replace(SCOPE, stack="b"),
        replace(SCOPE, project="b"),
        replace(SCOPE, purpose=Purpose.DESTROY),
        replace(SCOPE, endpoint="http://127.0.0.1:8099"),
        replace(SCOPE, region="eu-west-2"),
    ],
)
def test_an_approval_holds_for_one_stack_one_command_and_one_place(scope: Scope) -> None:
    assert digest(EVERY, scope) != digest(EVERY, SCOPE)


def test_the_domain_of_a_step_matters() -> None:
    moved = [replace(EVERY_ACTION[0], domain="E" * 22), *EVERY_ACTION[1:]]
    assert digest(plan(moved), SCOPE) != digest(EVERY, SCOPE)


@each_row(
    ("endpoint", "words"),
    [
        ("https://voiceid.example.org", "https://voiceid.example.org (us-east-1)"),
        ("aws", "AWS's Voice ID in us-east-1"),
        ("embedded", "the sandbox's own service (us-east-1)"),
    ],
)
def test_a_place_is_told_in_words(endpoint: str, words: str) -> None:
    assert replace(SCOPE, endpoint=endpoint).place == words


def test_every_step_matters() -> None:
    found = {digest(plan(EVERY_ACTION[:count]), SCOPE) for count in range(len(EVERY_ACTION) + 1)}
    found.add(digest(plan([*EVERY_ACTION[:-1], step(Action.OPT_OUT, 99)]), SCOPE))
    found.add(digest(plan([*EVERY_ACTION, EVERY_ACTION[0]]), SCOPE))
    assert len(found) == len(EVERY_ACTION) + 3


FULL = digest(EVERY, SCOPE)


def test_people_are_shown_128_bits() -> None:
    assert short(FULL) == FULL[:32]


@each_row("approval", [FULL, FULL[: SHORT + 1], short(FULL)])
def test_the_first_digits_name_a_digest(approval: str) -> None:
    assert approves(approval, FULL)


@each_row("approval", ["", FULL[: SHORT - 1], FULL[1:], FULL + "0", FULL[:SHORT].upper() + "G", "0" * 64])
def test_anything_else_does_not(approval: str) -> None:
    assert not approves(approval, FULL)


ONE, TWO, THREE = steps(Action.OPT_OUT, 3)


def test_equal_plans_do_not_differ_whatever_their_words() -> None:
    made = plan(EVERY_ACTION)
    other = plan([replace(each, reason="x") for each in EVERY_ACTION], unchanged=9)
    assert differences(made, other) == Differences((), ())
    assert unplanned_steps(made, other) == ()


def test_each_side_s_own_steps_are_found() -> None:
    drifted = step(Action.REPAIR, 2)
    assert differences(plan([ONE, TWO]), plan([THREE, drifted, ONE])) == Differences((TWO,), (drifted, THREE))


def test_another_status_is_another_step_to_review_but_no_surplus() -> None:
    expired = replace(step(Action.REPAIR), change=Change("status", "EXPIRED", "OPTED_OUT"))
    planned, done = plan([step(Action.REPAIR)]), plan([expired])
    assert differences(planned, done) == Differences((step(Action.REPAIR),), (expired,))
    assert unplanned_steps(planned, done) == ()


def test_surplus_is_another_person_or_another_action() -> None:
    assert unplanned_steps(plan([ONE]), plan([ONE, TWO])) == (TWO,)
    assert unplanned_steps(plan([ONE]), plan([TWO])) == (TWO,), "as many steps, but for another person"
    assert unplanned_steps(plan([ONE]), plan([step(Action.RELEASE)])) == (step(Action.RELEASE),)
    assert unplanned_steps(plan([ONE, TWO]), plan([ONE])) == (), "less than planned is no surplus"
    assert unplanned_steps(plan([ONE, TWO]), plan([TWO])) == ()
    assert unplanned_steps(plan([ONE, THREE]), plan([TWO, THREE])) == (TWO,)
