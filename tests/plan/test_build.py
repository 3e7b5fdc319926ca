import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.automation import events as api

from tests.plan.plans import DOMAIN
from tests.plan.streams import RELEASED, CliStream, EmbeddedStream, Stream, others, urn_of
from voiceid_optout.plan import Action, Change, Plan, Step
from voiceid_optout.plan.build import DESTROYED, PlanBuilder, drift_of, is_change, is_read
from voiceid_optout.speakers import SPEAKER_TYPE

SAM = "sp-00000000000005a1"
FORGOTTEN = "no longer in the register; the opt-out stays in the service"


def plan_of(stream: Stream) -> Plan:
    builder = PlanBuilder()
    for event in stream.events:
        builder.add(event)
    return builder.plan()


def only(stream: Stream) -> tuple[Action, str]:
    plan = plan_of(stream)
    assert ([step.label for step in plan.steps], plan.unchanged) == ([SAM], 0)
    return plan.steps[0].action, plan.steps[0].reason


def change(stream: Stream) -> Change | None:
    (step,) = plan_of(stream).steps
    assert step.is_person
    return step.change


def repair(label: str, reason: str, before: str | None, after: str | None = "OPTED_OUT") -> Step:
    return Step(label, Action.REPAIR, reason, Change("status", before, after), domain=DOMAIN)


def test_an_empty_stream_makes_an_empty_plan() -> None:
    assert PlanBuilder().plan() == Plan((), 0)


def test_someone_new_is_opted_out(stream: Stream) -> None:
    stream.stack("create")
    stream.step("create", SAM)
    assert only(stream) == (Action.OPT_OUT, "new")
    assert change(stream) == Change("ensure", None, "opted_out")


def test_someone_new_among_the_released_is_released(stream: Stream) -> None:
    stream.step("create", SAM, becomes=RELEASED)
    assert only(stream) == (Action.RELEASE, "released")
    assert change(stream) == Change("ensure", None, "released")


def test_someone_who_stays_is_counted_and_not_shown(stream: Stream) -> None:
    stream.stack()
    stream.read(SAM, "OPTED_OUT", "OPTED_OUT")
    stream.step("same", SAM)
    assert plan_of(stream) == Plan((), 1, 1)


@pytest.mark.parametrize("status", ["ENROLLED", "EXPIRED", "PENDING"])
def test_another_status_is_repaired(stream: Stream, status: str) -> None:
    stream.read(SAM, "OPTED_OUT", status)
    stream.step("update", SAM, status=status)
    assert only(stream) == (Action.REPAIR, f"{status} in the service, should be OPTED_OUT")
    assert change(stream) == Change("status", status, "OPTED_OUT")


def test_drift_is_shown_even_if_the_engine_calls_it_same(stream: Stream) -> None:
    stream.read(SAM, "OPTED_OUT", "ENROLLED")
    stream.step("same", SAM, status="ENROLLED")
    assert only(stream) == (Action.REPAIR, "ENROLLED in the service, should be OPTED_OUT")


def test_someone_gone_is_created_again_and_that_is_a_repair(stream: Stream) -> None:
    stream.read(SAM, "OPTED_OUT", None)
    stream.step("create", SAM)
    assert only(stream) == (Action.REPAIR, "gone from the service")
    assert change(stream) == Change("status", None, "OPTED_OUT")


def test_drift_the_state_knows_is_repaired_without_asking_again(stream: Stream) -> None:
    stream.step("update", SAM, status="ENROLLED")
    assert only(stream) == (Action.REPAIR, "ENROLLED in the service, should be OPTED_OUT")


def test_to_release_is_no_repair_whatever_the_service_says(stream: Stream) -> None:
    stream.read(SAM, "OPTED_OUT", "ENROLLED")
    stream.step("update", SAM, status="ENROLLED", becomes=RELEASED)
    assert only(stream) == (Action.RELEASE, "released")
    assert change(stream) == Change("ensure", "opted_out", "released")


def test_someone_gone_and_now_released_is_no_repair(stream: Stream) -> None:
    stream.read(SAM, "OPTED_OUT", None)
    stream.step("create", SAM, becomes=RELEASED)
    assert only(stream) == (Action.RELEASE, "released")
    assert change(stream) == Change("ensure", "opted_out", "released")


def test_a_released_person_may_be_opted_out_again(stream: Stream) -> None:
    stream.step("update", SAM, status=None, was=RELEASED)
    assert only(stream) == (Action.OPT_OUT, "no longer released")
    assert change(stream) == Change("ensure", "released", "opted_out")


@pytest.mark.parametrize("status", ["OPTED_OUT", "ENROLLED", "PENDING"])
def test_a_released_person_who_is_back_is_released_again(stream: Stream, status: str) -> None:
    stream.read(SAM, None, status, RELEASED)
    stream.step("update", SAM, status=status, was=RELEASED, becomes=RELEASED)
    assert only(stream) == (Action.REPAIR, f"{status} in the service, should be gone")
    assert change(stream) == Change("status", status, None)


def test_a_released_person_who_is_away_is_as_the_register_asks(stream: Stream) -> None:
    stream.read(SAM, None, None, RELEASED)
    stream.step("same", SAM, status=None, was=RELEASED, becomes=RELEASED)
    assert plan_of(stream) == Plan((), 1)


def test_a_state_that_does_not_say_what_it_ensures_ensures_the_opt_out(stream: Stream) -> None:
    stream.step("update", SAM, was=None)
    assert only(stream) == (Action.UPDATE, "its settings changed")


@pytest.mark.parametrize("op", ["delete", "discard"])
def test_a_retained_person_is_only_forgotten(stream: Stream, op: str) -> None:
    stream.read(SAM, "OPTED_OUT", "OPTED_OUT")
    stream.step(op, SAM)
    assert only(stream) == (Action.FORGET, FORGOTTEN)
    assert change(stream) == Change("ensure", "opted_out", None)


def test_to_forget_someone_released_says_what_was_asked_of_them(stream: Stream) -> None:
    stream.step("delete", SAM, was=RELEASED, status=None)
    assert change(stream) == Change("ensure", "released", None)


def test_a_plan_to_destroy_says_that_the_stack_lets_go_of_people(stream: Stream) -> None:
    stream.step("delete", SAM)
    builder = PlanBuilder(DESTROYED)
    for event in stream.events:
        builder.add(event)
    (step,) = builder.plan().steps
    assert (step.action, step.reason) == (
        Action.FORGET,
        "the stack is destroyed; the opt-out stays in the service",
    )


def test_managed_is_whom_the_stack_kept_opted_out_before(stream: Stream) -> None:
    stream.read("sp-1", "OPTED_OUT", "OPTED_OUT")
    stream.step("same", "sp-1")
    stream.read("sp-2", "OPTED_OUT", None)
    stream.step("create", "sp-2")
    stream.step("create", "sp-3")
    stream.step("delete", "sp-4")
    stream.step("same", "sp-5", was=RELEASED, becomes=RELEASED, status=None)
    stream.step("update", "sp-6", becomes=RELEASED)
    assert plan_of(stream).managed == 4


def test_a_drifted_person_who_left_the_register_is_only_forgotten(stream: Stream) -> None:
    stream.read(SAM, "OPTED_OUT", "ENROLLED")
    stream.step("delete", SAM, status="ENROLLED")
    assert only(stream) == (Action.FORGET, FORGOTTEN)


def test_someone_gone_who_left_the_register_is_not_said_to_be_repaired(stream: Stream) -> None:
    stream.read(SAM, "OPTED_OUT", None)
    stream.stack()
    assert only(stream) == (Action.FORGET, "no longer in the register; gone from the service")
    assert change(stream) == Change("ensure", "opted_out", None)


def test_a_person_who_would_be_deleted_is_not_hidden_among_the_forgotten(stream: Stream) -> None:
    stream.step("delete", SAM, retained=False)
    assert only(stream) == (Action.DELETE, "no longer in the register")


@pytest.mark.parametrize("ops", [["create-replacement", "replace", "delete-replaced"], ["import"]])
def test_every_other_operation_on_a_person_is_a_replacement(stream: Stream, ops: list[str]) -> None:
    for op in ops:
        stream.step(op, SAM)
    assert only(stream) == (Action.REPLACE, "the resource would be replaced")


@pytest.mark.parametrize(
    ("op", "retained", "action"),
    [
        ("create", True, Action.CREATE),
        ("update", True, Action.UPDATE),
        ("delete", False, Action.DELETE),
        ("delete", True, Action.FORGET),
        ("discard", False, Action.FORGET),
        ("replace", False, Action.REPLACE),
    ],
)
def test_other_resources_are_rows_of_their_own(stream: Stream, op: str, *, retained: bool, action: Action) -> None:
    stream.step(op, "guard", retained=retained, type_="aws:s3/bucket:Bucket")
    stream.step("same", SAM)
    bucket = "aws:s3/bucket:Bucket"
    assert plan_of(stream) == Plan((Step("guard", action, bucket, type=bucket),), 1, 1)
    assert not plan_of(stream).steps[0].is_person


def test_other_resources_that_stay_are_nobody(stream: Stream) -> None:
    stream.step("same", "guard", type_="aws:s3/bucket:Bucket")
    assert plan_of(stream) == Plan((), 0)


def test_stack_and_providers_are_not_shown(stream: Stream) -> None:
    stream.stack("create")
    stream.step("update", "default", type_="pulumi:providers:pulumi-python")
    assert plan_of(stream) == Plan((), 0)


def test_a_refresh_alone_counts_everybody_and_shows_what_drifted(refreshing: Stream) -> None:
    refreshing.read("sp-1", "OPTED_OUT", "OPTED_OUT")
    refreshing.read("sp-2", "OPTED_OUT", "EXPIRED")
    refreshing.read("sp-3", "OPTED_OUT", None)
    refreshing.read("sp-4", None, "ENROLLED", RELEASED)
    refreshing.read("sp-5", None, None, RELEASED)
    assert plan_of(refreshing) == Plan(
        (
            repair("sp-2", "EXPIRED in the service, should be OPTED_OUT", "EXPIRED"),
            repair("sp-3", "gone from the service", None),
            repair("sp-4", "ENROLLED in the service, should be gone", "ENROLLED", None),
        ),
        2,
        3,
    )


def test_someone_read_twice_is_one_row(refreshing: Stream) -> None:
    refreshing.read(SAM, "OPTED_OUT", "ENROLLED")
    refreshing.read(SAM, "OPTED_OUT", "ENROLLED")
    reason = "ENROLLED in the service, should be OPTED_OUT"
    assert plan_of(refreshing) == Plan((repair(SAM, reason, "ENROLLED"),), 0, 1)


def test_reads_of_other_resources_are_nobody() -> None:
    builder = PlanBuilder()
    metadata = api.StepEventMetadata(api.OpType.REFRESH, "urn:pulumi:a::b::c:d:E::f", "c:d:E", "")
    builder.add(api.EngineEvent(1, 1, res_outputs_event=api.ResOutputsEvent(metadata)))
    assert builder.plan() == Plan((), 0)


def test_events_about_no_resource_are_ignored(stream: Stream) -> None:
    stream.step("same", SAM)
    others(stream.events)
    assert plan_of(stream) == Plan((), 1, 1)


def test_the_order_is_that_of_the_labels(stream: Stream) -> None:
    for label in ("sp-c", "sp-a", "sp-b"):
        stream.step("create", label)
    assert [step.label for step in plan_of(stream).steps] == ["sp-a", "sp-b", "sp-c"]


def test_a_name_may_hold_the_separator_of_urns(stream: Stream) -> None:
    stream.step("create", "a::b")
    assert plan_of(stream).steps[0].label == "a::b"


def test_only_steps_to_be_shown_are_changes() -> None:
    metadata = api.StepEventMetadata(api.OpType.UPDATE, "urn", SPEAKER_TYPE, "", logical=True)
    assert is_change(metadata)
    assert not is_read(metadata)
    metadata.logical = None
    assert is_read(metadata)
    assert not is_change(metadata)
    metadata.op = api.OpType.CREATE_REPLACEMENT
    assert is_change(metadata)
    metadata.op = api.OpType.SAME
    metadata.logical = True
    assert not is_change(metadata)
    metadata.op, metadata.type = api.OpType.CREATE, "pulumi:pulumi:Stack"
    assert not is_change(metadata)


def _side(id_: str = "domain/speaker", **outputs: str | None) -> api.StepEventStateMetadata:
    return api.StepEventStateMetadata(SPEAKER_TYPE, "urn", id_, "", "", outputs=outputs)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (None, None, "gone from the service"),
        (_side(), _side(""), "gone from the service"),
        (_side(ensure="released"), _side(""), None),
        (_side(ensure="released"), None, None),
        (_side(), _side(), None),
        (_side(), _side(status=None), None),
        (_side(), _side(status="OPTED_OUT"), None),
        (None, _side(ensure="released", status="OPTED_OUT"), "OPTED_OUT in the service, should be gone"),
    ],
)
def test_what_counts_as_drift(
    old: api.StepEventStateMetadata | None, new: api.StepEventStateMetadata | None, reason: str | None
) -> None:
    drift = drift_of(old, new)
    assert (drift and drift.reason) == reason


# One person in a run: what is ensured before and after (None: not in state or register), what the service says.
ENSURE = st.sampled_from([None, "opted_out", "released"])
STATUS = st.sampled_from([None, "OPTED_OUT", "ENROLLED", "EXPIRED", "PENDING"])


def _live(
    stream: Stream, label: str, was: str | None, becomes: str | None, status: str | None, *, read: bool
) -> bool:
    """Add what the engine says of one person; False for nobody."""
    if was is None and becomes is None:
        return False
    asked = None if was == "released" else "OPTED_OUT"
    known = was is not None
    if known and read:
        stream.read(label, asked, status, was or "")
        known = status is not None or was == "released"
    if not known:
        if becomes is not None:
            stream.step("create", label, becomes=becomes)
    elif becomes is None:
        stream.step("delete", label, was=was, status=status)
    else:
        wanted = None if becomes == "released" else "OPTED_OUT"
        op = "same" if was == becomes and (status if read else asked) == wanted else "update"
        stream.step(op, label, was=was, becomes=becomes, status=status if read else asked)
    return True


@given(
    st.sampled_from([CliStream, EmbeddedStream]),
    st.lists(st.tuples(ENSURE, ENSURE, STATUS), max_size=20),
    st.booleans(),
)
def test_everybody_seen_is_either_a_step_or_unchanged(
    make: type[Stream], people: list[tuple[str | None, str | None, str | None]], read: bool
) -> None:
    stream = make()
    stream.stack()
    seen = [
        _live(stream, f"sp-{number:016x}", was, becomes, status, read=read)
        for number, (was, becomes, status) in enumerate(people)
    ]
    plan = plan_of(stream)
    assert plan.counts.total() + plan.unchanged == sum(seen)
    assert not any(step.action in {Action.DELETE, Action.REPLACE, Action.UPDATE} for step in plan.steps)
    dropped = {f"sp-{n:016x}" for n, (was, becomes, _) in enumerate(people) if was is not None and becomes is None}
    assert {step.label for step in plan.steps if step.action is Action.FORGET} == dropped
    assert plan.managed == sum(was == "opted_out" for was, _, _ in people)
    assert all(step.change is not None and step.change.before != step.change.after for step in plan.steps)


def test_a_plan_names_the_resources_that_change(stream: Stream) -> None:
    stream.stack()
    stream.read(SAM, "OPTED_OUT", "OPTED_OUT")
    stream.step("same", "sp-1")
    stream.step("update", SAM, becomes=RELEASED)
    stream.step("delete", "sp-2")
    plan = plan_of(stream)
    assert plan.resources == frozenset({urn_of(SAM), urn_of("sp-2")})
    assert (plan.is_state_old, SPEAKER_TYPE in plan.types) == (False, True)


def test_a_plan_without_steps_names_nobody(stream: Stream) -> None:
    stream.stack()
    stream.step("same", SAM)
    assert plan_of(stream).resources == frozenset()


@pytest.mark.parametrize(
    ("op", "type_"),
    [("create", SPEAKER_TYPE), ("replace", SPEAKER_TYPE), ("update", "pulumi:providers:pulumi-python")],
)
def test_what_takes_more_than_known_people_names_no_resources(stream: Stream, op: str, type_: str) -> None:
    stream.step("update", SAM, becomes=RELEASED)
    stream.step(op, "other", type_=type_)
    assert plan_of(stream).resources is None


@pytest.mark.parametrize("found", [None, "ENROLLED"])
@pytest.mark.parametrize("known", ["OPTED_OUT", "ENROLLED"])
def test_a_read_that_finds_somebody_otherwise_is_news(stream: Stream, known: str, found: str | None) -> None:
    stream.read("sp-1", "OPTED_OUT", "OPTED_OUT")
    stream.read(SAM, known, found)
    stream.step("update", SAM)
    plan = plan_of(stream)
    assert plan.is_state_old
    assert plan.resources is None


def test_a_released_speaker_who_is_gone_is_news_and_no_drift(stream: Stream) -> None:
    stream.read(SAM, "OPTED_OUT", None, ensure=RELEASED)
    assert plan_of(stream).is_state_old
