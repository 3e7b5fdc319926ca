from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.automation import events as api

from tests.plan.streams import OPTED_OUT, urn_of
from tests.tables import each_row
from voiceid_optout import speakers
from voiceid_optout.engine.embedded.run import Emitter
from voiceid_optout.plan import Action, Change, Plan, Purpose, Scope, Step, digest
from voiceid_optout.plan.build import PlanBuilder, shard_drift, shard_members, shard_size
from voiceid_optout.plan.guard import Limits, check
from voiceid_optout.plan.steps import Drift, drift_for, forget_step, merge_steps, person_step, repair_step
from voiceid_optout.speakers import SHARD_TYPE, SPEAKER_TYPE, Ensure

ASKED, RELEASED, DROPPED = Ensure.OPTED_OUT, Ensure.RELEASED, "no longer in the register"
SAM = "sp-00000000000005a1"
GONE, ENROLLED = Drift(ASKED, None), Drift(ASKED, "ENROLLED")
BACK = Drift(RELEASED, "ENROLLED")
FORGOTTEN = forget_step(SAM, ASKED, None, DROPPED)


@each_row(
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
    assert person_step(SAM, was, becomes, drift, DROPPED) == Step(SAM, *expected)


@pytest.mark.parametrize("ensure", [ASKED, RELEASED])
def test_nothing_happens_to_somebody_who_is_as_asked(ensure: str) -> None:
    assert person_step(SAM, ensure, ensure, None, DROPPED) is None


def test_a_delete_that_would_reach_the_service_says_so() -> None:
    made = person_step(SAM, ASKED, None, None, DROPPED, kept=False)
    assert made == Step(SAM, Action.DELETE, DROPPED, Change("ensure", ASKED, None))


@each_row(
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
    assert drift_for(ensure, status) == expected


@pytest.mark.parametrize(
    ("ensure", "effect"),
    [(ASKED, "the opt-out stays in the service"), (RELEASED, "nothing changes in the service")],
)
def test_who_leaves_one_resource_and_joins_another_moves(ensure: str, effect: str) -> None:
    joining = person_step(SAM, None, ensure, None, DROPPED)
    forgotten = forget_step(SAM, ensure, None, DROPPED)
    assert joining is not None
    moved = Step(SAM, Action.MOVE, f"moves to another resource; {effect}")
    assert merge_steps(forgotten, joining, DROPPED) == merge_steps(joining, forgotten, DROPPED) == moved


def test_who_moves_and_has_drifted_is_repaired() -> None:
    assert merge_steps(repair_step(SAM, ENROLLED), FORGOTTEN, DROPPED) == repair_step(SAM, ENROLLED)


@pytest.mark.parametrize(("was", "becomes"), [(ASKED, RELEASED), (RELEASED, ASKED)])
def test_who_moves_and_is_asked_for_otherwise_is_as_in_one_resource(was: str, becomes: str) -> None:
    joining = person_step(SAM, None, becomes, None, DROPPED)
    assert joining is not None
    expected = person_step(SAM, was, becomes, None, DROPPED)
    assert merge_steps(forget_step(SAM, was, None, DROPPED), joining, DROPPED) == expected


def test_of_other_pairs_the_later_step_counts() -> None:
    deleted = forget_step(SAM, ASKED, None, DROPPED, kept=False)
    assert merge_steps(repair_step(SAM, GONE), deleted, DROPPED) == deleted


NAME = "DomainDomainDomain0001-a7"
People = dict[str, str]


def name(number: int) -> str:
    return f"sp-a7{number:014x}"


def people(count: int, ensure: str = OPTED_OUT) -> People:
    return {name(number): ensure for number in range(count)}


def side(members: People | None, drifted: People | None = None, *, retained: bool = True) -> Any:
    """Return one side of an event; ``drifted`` None is a side from before a step, which has no outputs."""
    if members is None:
        return None
    inputs = {"domain_id": "D", "members": speakers.shard_text(members), "speaker_ids": "[secret]"}
    outputs = None if drifted is None else {**inputs, "drifted": speakers.shard_text(drifted)}
    return api.StepEventStateMetadata.from_json(
        {
            "type": SHARD_TYPE,
            "urn": urn_of(NAME, SHARD_TYPE),
            "id": "D/a7",
            "parent": "",
            "provider": "",
            "inputs": inputs,
            "outputs": outputs,
            "retainOnDelete": retained or None,
        }
    )


def metadata(op: str, old: Any, new: Any, *, logical: bool | None = True) -> api.StepEventMetadata:
    return api.StepEventMetadata(
        api.OpType(op), urn_of(NAME, SHARD_TYPE), SHARD_TYPE, "", old=old, new=new, logical=logical
    )


def plan_of(*, read: Any = None, step: Any = None) -> Plan:
    builder = PlanBuilder()
    emitter = Emitter(builder.add)
    if read is not None:
        emitter.before(read, planning=True)
        emitter.done(read, planning=True)
    if step is not None:
        emitter.before(step, planning=True)
        emitter.done(step, planning=True)
    return builder.plan()


def reading(members: People, drifted: People) -> Any:
    return metadata("refresh", side(members, {}), side(members, drifted), logical=None)


def rows(plan: Plan) -> list[tuple[str, Action, str]]:
    return [(step.label, step.action, step.reason) for step in plan.steps]


def test_a_new_shard_opts_out_and_releases() -> None:
    wanted = {**people(2), name(2): RELEASED}
    plan = plan_of(step=metadata("create", None, side(wanted)))
    assert rows(plan) == [
        (name(0), Action.OPT_OUT, "new"),
        (name(1), Action.OPT_OUT, "new"),
        (name(2), Action.RELEASE, "released"),
    ]
    assert (plan.unchanged, plan.managed) == (0, 0)


def test_an_unchanged_shard_counts_its_people() -> None:
    everybody = {**people(3), name(3): RELEASED}
    plan = plan_of(step=metadata("same", side(everybody, {}), side(everybody, {})))
    assert plan == Plan((), 4, 3)


def test_each_change_is_a_row_and_nobody_else_is() -> None:
    before = {**people(4), name(4): RELEASED}
    after = {**people(3), name(2): RELEASED, name(4): OPTED_OUT, name(9): OPTED_OUT}
    plan = plan_of(step=metadata("update", side(before, {}), side(after)))
    assert rows(plan) == [
        (name(2), Action.RELEASE, "released"),
        (name(3), Action.FORGET, "no longer in the register; the opt-out stays in the service"),
        (name(4), Action.OPT_OUT, "no longer released"),
        (name(9), Action.OPT_OUT, "new"),
    ]
    assert (plan.unchanged, plan.managed) == (2, 4)


@pytest.mark.parametrize("new_has_old_outputs", [False, True], ids=["as the CLI tells", "as the embedded engine"])
def test_drift_that_was_read_is_repaired(new_has_old_outputs: bool) -> None:
    everybody = {**people(4), name(4): RELEASED}
    drifted = {name(0): "ENROLLED", name(1): "gone", name(4): "OPTED_OUT"}
    new = side(everybody, drifted if new_has_old_outputs else None)
    plan = plan_of(read=reading(everybody, drifted), step=metadata("update", side(everybody, drifted), new))
    assert rows(plan) == [
        (name(0), Action.REPAIR, "ENROLLED in the service, should be OPTED_OUT"),
        (name(1), Action.REPAIR, "gone from the service"),
        (name(4), Action.REPAIR, "OPTED_OUT in the service, should be gone"),
    ]
    assert plan.unchanged == 2


def test_drift_is_the_same_when_nothing_follows_the_read() -> None:
    drifted = {name(1): "PENDING"}
    assert rows(plan_of(read=reading(people(3), drifted))) == [
        (name(1), Action.REPAIR, "PENDING in the service, should be OPTED_OUT")
    ]
    assert plan_of(read=reading(people(3), drifted)).unchanged == 2


def test_drift_the_state_knows_is_repaired_without_asking_again() -> None:
    known = side(people(2), {name(1): "ENROLLED"})
    assert [step.action for step in plan_of(step=metadata("update", known, side(people(2)))).steps] == [
        Action.REPAIR
    ]


def test_somebody_gone_whom_nobody_asks_for_is_forgotten() -> None:
    drifted = {name(1): "gone"}
    step = metadata("update", side(people(2), drifted), side(people(1)))
    assert rows(plan_of(read=reading(people(2), drifted), step=step)) == [
        (name(1), Action.FORGET, "no longer in the register; gone from the service")
    ]


@pytest.mark.parametrize("op", ["delete", "discard"])
def test_a_shard_that_goes_is_only_forgotten(op: str) -> None:
    plan = plan_of(step=metadata(op, side(people(2), {}), None))
    assert [step.action for step in plan.steps] == [Action.FORGET] * 2
    assert plan.managed == 2


def test_a_shard_that_would_be_deleted_or_replaced_is_seen_by_the_guard() -> None:
    deleted = plan_of(step=metadata("delete", side(people(2), {}, retained=False), None))
    assert [step.action for step in deleted.steps] == [Action.DELETE] * 2
    replaced = plan_of(step=metadata("replace", side(people(2), {}), side(people(2))))
    assert [(step.label, step.action, step.is_person) for step in replaced.steps] == [(NAME, Action.REPLACE, False)]
    for plan in (deleted, replaced):
        assert check(plan, Limits(), "x", "y") is not None


def test_the_size_of_a_shard() -> None:
    assert shard_size(reading(people(7), {})) == 7
    assert shard_size(metadata("create", None, side(people(3)))) == 3
    assert shard_size(metadata("same", None, None)) == 0


def test_a_side_without_texts_has_nobody() -> None:
    assert shard_members(single(name(1), OPTED_OUT, None)) == {}
    assert shard_drift(single(name(1), OPTED_OUT, None)) == {}


# The same changes told of single resources and of

STATUSES = st.sampled_from([None, "ENROLLED", "EXPIRED", "PENDING", "OPTED_OUT"])
REGISTERS = st.dictionaries(st.integers(0, 12).map(name), st.sampled_from([OPTED_OUT, RELEASED]), max_size=10)
STACK = api.StepEventMetadata(
    api.OpType.SAME, urn_of("stack", "pulumi:pulumi:Stack"), "pulumi:pulumi:Stack", "", logical=True
)
SCOPE = Scope("voiceid-optout", "test", Purpose.UP, "https://voiceid.example.org", "us-east-1")


def single(label: str, ensure: str | None, status: str | None) -> Any:
    if ensure is None:
        return None
    outputs = {"ensure": ensure, **({"status": status} if status else {})}
    return api.StepEventStateMetadata.from_json(
        {
            "type": SPEAKER_TYPE,
            "urn": urn_of(label),
            "id": "x",
            "parent": "",
            "provider": "",
            "inputs": {"domain_id": "D", "ensure": ensure},
            "outputs": outputs,
            "retainOnDelete": True,
        }
    )


def desired(ensure: str) -> str | None:
    return None if ensure == RELEASED else "OPTED_OUT"


def plan_of_singles(before: People, after: People, statuses: dict[str, str | None]) -> Plan:
    builder = PlanBuilder()
    emitter = Emitter(builder.add)
    emitter.before(STACK, planning=True)

    def tell(op: str, label: str, old: Any, new: Any, *, logical: bool | None = True) -> None:
        told = api.StepEventMetadata(
            api.OpType(op), urn_of(label), SPEAKER_TYPE, "", old=old, new=new, logical=logical
        )
        emitter.before(told, planning=True)
        emitter.done(told, planning=True)

    def is_gone(label: str) -> bool:
        return before[label] == OPTED_OUT and statuses[label] is None

    for label, ensure in before.items():
        new = None if is_gone(label) else single(label, ensure, statuses[label])
        tell("refresh", label, single(label, ensure, desired(ensure)), new, logical=None)
    for label, ensure in after.items():
        if label not in before or is_gone(label):
            tell("create", label, None, single(label, ensure, None))
            continue
        changed = ensure != before[label] or statuses[label] != desired(ensure)
        old = single(label, before[label], statuses[label])
        tell("update" if changed else "same", label, old, single(label, ensure, statuses[label]))
    for label in before.keys() - after.keys():
        if not is_gone(label):
            tell("delete", label, single(label, before[label], statuses[label]), None)
    return builder.plan()


def plan_of_shard(before: People, after: People, statuses: dict[str, str | None]) -> Plan:
    drifted = {
        label: statuses[label] or "gone" for label, ensure in before.items() if statuses[label] != desired(ensure)
    }
    read = reading(before, drifted) if before else None
    if not after:
        step = metadata("delete", side(before, drifted), None) if before else None
    elif not before:
        step = metadata("create", None, side(after))
    else:
        op = "same" if before == after and not drifted else "update"
        step = metadata(op, side(before, drifted), side(after))
    return plan_of(read=read, step=step or STACK)


@given(REGISTERS, REGISTERS, st.data())
def test_shards_make_the_rows_counts_digest_and_refusals_of_single_resources(
    before: People, after: People, data: st.DataObject
) -> None:
    statuses = {label: data.draw(STATUSES, label) for label in before}
    of_shard, of_singles = (make(before, after, statuses) for make in (plan_of_shard, plan_of_singles))
    assert of_shard == of_singles
    assert digest(of_shard, SCOPE) == digest(of_singles, SCOPE)
    limits = Limits(max_losses=2, percent_from_losses=2)
    assert check(of_shard, limits, "d", "o") == check(of_singles, limits, "d", "o")


@pytest.mark.parametrize("done", [False, True], ids=["at once", "killed between"])
@pytest.mark.parametrize("to_shards", [True, False])
def test_who_changes_from_a_resource_of_their_own_to_a_shard_or_back_only_moves(
    to_shards: bool, done: bool
) -> None:
    """Also where a run before has made the new resources, and was killed before it let go of the old ones."""
    builder = PlanBuilder()
    emitter = Emitter(builder.add)
    made = api.OpType.SAME if done else api.OpType.CREATE
    everybody = {**people(2), name(2): RELEASED}
    resources = [
        api.StepEventMetadata(
            api.OpType.DELETE if to_shards else made,
            urn_of(label),
            SPEAKER_TYPE,
            "",
            old=single(label, ensure, desired(ensure)) if to_shards or done else None,
            new=None if to_shards else single(label, ensure, None),
            logical=True,
        )
        for label, ensure in everybody.items()
    ]
    of_shard = (
        metadata(made, side(everybody, {}) if done else None, side(everybody))
        if to_shards
        else metadata("delete", side(everybody, {}), None)
    )
    for told in [of_shard, *resources] if to_shards else [*resources, of_shard]:
        emitter.before(told, planning=True)
    plan = builder.plan()
    effect = {"opted_out": "the opt-out stays in the service", RELEASED: "nothing changes in the service"}
    assert plan.steps == tuple(
        Step(label, Action.MOVE, f"moves to another resource; {effect[ensure]}", domain="D")
        for label, ensure in everybody.items()
    )
    assert (plan.unchanged, plan.managed) == (0, 2)
    assert check(plan, Limits(max_losses=0, percent_from_losses=1), "d", "o") is None
