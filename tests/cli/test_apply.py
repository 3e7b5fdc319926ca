"""From a plan to what is done. The engine is a script here, so that it does more than the plan said."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.desk import Desk, desk
from tests.cli.engines import DONE
from tests.cli.projects import DOMAIN
from tests.plan.streams import EmbeddedStream, urn_of
from voiceid_optout.cli import up
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.running import RunOptions
from voiceid_optout.cli.up import Foundation, files_read, state_of
from voiceid_optout.cli.verdict import Approval
from voiceid_optout.engine.interface import Operation, Outcome, Request, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.projects import Project
    from voiceid_optout.plan import Plan


SAM, KIM = "sp-00000000000005a1", "sp-00000000000005a2"


@dataclass
class TwoFacedEngine:
    """Plays one stream for the plan and another for what is done."""

    planned: EmbeddedStream = field(default_factory=EmbeddedStream)
    done: EmbeddedStream = field(default_factory=EmbeddedStream)
    outcome: Outcome = DONE
    name: str = "two-faced"
    ran: list[Operation] = field(default_factory=list)
    request: Request | None = None

    def run(self, operation: Operation, request: Request, on_event: Callable[[Any], None]) -> Outcome:
        self.ran.append(operation)
        self.request = request
        planning = operation in (Operation.PREVIEW, Operation.PREVIEW_DESTROY)
        for event in (self.planned if planning else self.done).events:
            on_event(event)
        return DONE if planning else self.outcome


def prepared(project: Project, engine: TwoFacedEngine, *, as_json: bool = False) -> Desk:
    made = desk(project, as_json=as_json)
    object.__setattr__(made.session, "engine", engine)
    for stream in (engine.planned, engine.done):
        stream.step("same", "sp-0")
        stream.step("create", SAM)
    return made


def apply(made: Desk, approval: Approval | None = None) -> Plan:
    return up.apply(made.session, up.UP, RunOptions(), approval or Approval(), yes=True)


def test_what_was_planned_is_done(project: Project) -> None:
    engine = TwoFacedEngine()
    made = prepared(project, engine)
    assert [step.label for step in apply(made).steps] == [SAM]
    assert engine.ran == [Operation.PREVIEW, Operation.UP]
    assert made.shown.splitlines()[-1] == "Applying: 1 of 1"


def changing(project: Project, engine: TwoFacedEngine, people: int = 1) -> Desk:
    made = desk(project)
    object.__setattr__(made.session, "engine", engine)
    for number in range(people):
        label = f"sp-{number:016x}"
        engine.planned.read(label, "OPTED_OUT", "OPTED_OUT")
        engine.planned.step("update", label)
    return made


def test_a_register_saved_after_it_was_read_is_not_overlooked(project: Project) -> None:
    """The engine gets what the command has read, however long it takes to begin."""
    made = prepared(project, TwoFacedEngine())
    assert made.session.context.register.entries
    project.people("caller-1", "caller-2", "caller-3")
    with pytest.raises(CommandError, match=r"^config/people\.yaml changed") as caught:
        apply(made)
    assert caught.value.code == ExitCode.STALE


def test_only_the_resources_of_the_plan_are_named_to_the_engine_and_none_is_read_again(project: Project) -> None:
    engine = TwoFacedEngine()
    apply(changing(project, engine, people=2))
    assert engine.request is not None
    assert engine.request.targets == (urn_of(f"sp-{0:016x}"), urn_of(f"sp-{1:016x}"))
    assert not engine.request.refresh


def test_after_a_plan_that_found_news_everything_is_read_again(project: Project) -> None:
    engine = TwoFacedEngine()
    made = changing(project, engine)
    engine.planned.read("sp-1", "OPTED_OUT", "ENROLLED")
    apply(made)
    assert engine.request is not None
    assert engine.request.targets == ()
    assert engine.request.refresh


@pytest.mark.parametrize(("people", "named"), [(up.MOST_NAMED, True), (up.MOST_NAMED + 1, False)])
def test_too_many_resources_are_not_named(project: Project, people: int, *, named: bool) -> None:
    engine = TwoFacedEngine()
    apply(changing(project, engine, people))
    assert engine.request is not None
    assert len(engine.request.targets) == (people if named else 0)


@pytest.mark.parametrize("type_", ["pulumi:providers:pulumi-python", "aws:iam/role:Role"])
def test_a_plan_about_more_than_people_is_done_to_everything(project: Project, type_: str) -> None:
    engine = TwoFacedEngine()
    made = changing(project, engine)
    engine.planned.step("update", "other", type_=type_)
    apply(made)
    assert engine.request is not None
    assert engine.request.targets == ()


def test_destroy_is_about_everything(project: Project) -> None:
    engine = TwoFacedEngine()
    up.apply(changing(project, engine).session, up.DESTROY, RunOptions(), Approval(), yes=True)
    assert engine.request is not None
    assert engine.request.targets == ()


def test_a_repair_beyond_the_plan_is_said(project: Project) -> None:
    engine = TwoFacedEngine()
    made = prepared(project, engine)
    engine.done.step("update", KIM, status="ENROLLED")
    apply(made)
    assert made.shown.splitlines()[-2:] == [
        "Done beyond the plan, because the service or the state changed after it was made:",
        f"  ! repair  {KIM}  status: ENROLLED → OPTED_OUT",
    ]


@pytest.mark.parametrize("op", ["update", "delete"])
def test_more_than_was_approved_or_a_loss_beyond_the_plan_fails(
    project: Project, capsys: pytest.CaptureFixture[str], op: str
) -> None:
    engine = TwoFacedEngine()
    made = prepared(project, engine, as_json=True)
    engine.done.step(op, KIM, status="ENROLLED")
    digest = up.judged(made.session, up.UP, RunOptions()).review.digest
    with pytest.raises(CommandError, match="more was done than the plan said: 1 step") as caught:
        apply(made, Approval(digest) if op == "update" else None)
    assert caught.value.code == ExitCode.PARTIAL
    assert KIM in made.shown
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["result"], said["errors"]) == ("partial", [str(caught.value)])


def test_a_failed_run_says_its_own_errors_alone(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    engine = TwoFacedEngine(outcome=Outcome(Result.FAILED, ("the domain is not active",)))
    made = prepared(project, engine, as_json=True)
    engine.done.step("delete", KIM)
    with pytest.raises(CommandError, match="the domain is not active") as caught:
        apply(made)
    assert caught.value.code == ExitCode.FAILED
    assert KIM not in made.shown
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["errors"] == ["the domain is not active"]


@pytest.mark.parametrize(
    ("approval", "change", "result", "code"),
    [
        (Approval("0" * 64), False, "stale", ExitCode.STALE),
        (Approval(), False, "refused", ExitCode.REFUSED),
        (None, True, "stale", ExitCode.STALE),
    ],
)
def test_what_may_not_be_done_is_not_begun(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    approval: Approval | None,
    result: str,
    code: ExitCode,
    *,
    change: bool,
) -> None:
    engine = TwoFacedEngine()
    made = prepared(project, engine, as_json=True)
    engine.planned.step("delete", KIM, retained=False)
    approval = approval or Approval(up.judged(made.session, up.UP, RunOptions()).review.digest)
    if change:
        events: list[Any] = engine.planned.events
        events.append(_Changing(project))
    with pytest.raises(CommandError) as caught:
        apply(made, approval)
    assert caught.value.code == code
    assert Operation.UP not in engine.ran
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["result"], said["errors"]) == (result, [str(caught.value)])
    assert len(said["plan"]["steps"]) == 2


class _Changing:
    """An event at which somebody saves the register."""

    diagnostic_event = None
    res_op_failed_event = None

    def __init__(self, project: Project) -> None:
        self._project = project

    @property
    def res_outputs_event(self) -> None:
        self._project.people("caller-3")

    @property
    def resource_pre_event(self) -> None:
        return None


def foundation(project: Project) -> Foundation:
    context = project.context()
    return Foundation(files_read(context), state_of(context))


def changed(made: Foundation, project: Project) -> str:
    with pytest.raises(CommandError) as caught:
        made.require_unchanged(project.context())
    assert caught.value.code == ExitCode.STALE
    return re.sub(" changed after .*", "", str(caught.value))


def test_nothing_has_changed(project: Project) -> None:
    made = foundation(project)
    made.require_unchanged(project.context())
    project.people("caller-1", "caller-2")  # written anew with the same content
    project.salt()  # as a first run does
    made.require_unchanged(project.context())


def test_a_value_that_is_only_written_otherwise_has_not_changed(project: Project) -> None:
    """The Pulumi CLI puts quotes round a truth value when its first run writes a salt into the file."""
    domains: dict[str, Any] = {"domains": {"sandbox": DOMAIN}}
    project.configure(**domains, contactWarnings=False)
    made = foundation(project)
    project.configure(**domains, contactWarnings="false")
    made.require_unchanged(project.context())
    project.configure(**domains, contactWarnings=True)
    assert changed(made, project) == "Pulumi.test.yaml"


def test_a_changed_line_is_seen(project: Project) -> None:
    made = foundation(project)
    project.people("caller-1")
    assert changed(made, project) == "config/people.yaml"


def test_a_new_and_a_missing_file_are_seen(project: Project) -> None:
    made = foundation(project)
    (project.root / "config" / "more.yaml").write_text("speakers: [caller-3]\n", encoding="utf-8")
    assert changed(made, project) == "config/more.yaml"
    (project.root / "config" / "people.yaml").unlink()
    assert changed(made, project) == "config/more.yaml and 1 more"


def test_a_changed_config_is_seen(project: Project) -> None:
    made = foundation(project)
    project.configure(domain="another")
    assert changed(made, project) == "Pulumi.test.yaml"


def test_another_run_s_state_is_seen(project: Project) -> None:
    before = foundation(project)
    assert before.state == ()
    project.state_file.parent.mkdir(parents=True)
    project.state_file.write_text("one", encoding="utf-8")
    assert changed(before, project) == "the state, by another run,"
    made = foundation(project)
    made.require_unchanged(project.context())
    new = project.state_file.with_suffix(".new")
    new.write_text("two", encoding="utf-8")
    new.replace(project.state_file)
    assert changed(made, project) == "the state, by another run,"


def test_a_file_that_cannot_be_read_any_more_has_changed(project: Project) -> None:
    made = foundation(project)
    people = project.root / "config" / "people.yaml"
    people.unlink()
    people.symlink_to(project.root / "nowhere")
    assert changed(made, project) == "config/people.yaml"
