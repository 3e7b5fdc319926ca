import pytest
from pulumi.automation import events as api

from tests.plan.plans import DOMAIN
from tests.plan.streams import RELEASED, Stream, others
from tests.tables import each_row
from voiceid_optout.plan import Action, Change, Plan, Step
from voiceid_optout.plan.build import DESTROYED, PlanBuilder, is_change, is_read
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


def metadata_of(op: str, type_: str = SPEAKER_TYPE, *, logical: bool | None = True) -> api.StepEventMetadata:
    data = {"op": op, "urn": f"urn:pulumi:dev::sample::{type_}::x", "type": type_, "logical": logical}
    return api.StepEventMetadata.from_json(data)


@each_row(
    ("metadata", "read", "change"),
    [
        (metadata_of("refresh", logical=None), True, False),
        (metadata_of("delete", logical=None), True, False),
        (metadata_of("update", logical=None), True, False),
        (metadata_of("same", logical=None), True, False),
        (metadata_of("same"), False, False),
        (metadata_of("create"), False, True),
        (metadata_of("update"), False, True),
        (metadata_of("delete"), False, True),
        (metadata_of("create-replacement", logical=False), False, True),
        (metadata_of("delete-replaced", logical=False), False, True),
        (metadata_of("replace"), False, True),
        (metadata_of("create", "pulumi:pulumi:Stack"), False, False),
        (metadata_of("delete", "pulumi:providers:pulumi-python"), False, False),
    ],
)
def test_kinds_of_steps(metadata: api.StepEventMetadata, *, read: bool, change: bool) -> None:
    assert (is_read(metadata), is_change(metadata)) == (read, change)
