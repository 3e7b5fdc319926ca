"""What becomes of a run. The engine is a script here: no real one fails in all these ways on demand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pulumi.automation.events import DiagnosticEvent, EngineEvent

from tests.cli.desk import desk
from tests.cli.engines import DONE, ScriptedEngine
from tests.plan.streams import RELEASED, EmbeddedStream
from tests.tables import each_row
from voiceid_optout import urn as urns
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.running import ErrorPlaces, EventLog, RunOptions, end, is_repeatable, perform
from voiceid_optout.engine.embedded.run import Emitter
from voiceid_optout.engine.interface import Operation, Outcome, Request, Result
from voiceid_optout.plan import Action
from voiceid_optout.speakers import SPEAKER_TYPE

if TYPE_CHECKING:
    from tests.cli.projects import Project

SAM = "sp-00000000000005a1"
SAMS_PLACE = {SAM: "config/people.yaml:3"}


def test_a_run_gets_what_the_options_say(project: Project) -> None:
    made = desk(project, places=SAMS_PLACE)
    options = RunOptions(refresh=False, targets=(SAM,), parallel=3, continue_on_error=True)
    perform(made.session, Operation.UP, options, title="Applying", message="up: plan 0123")
    root = project.root.resolve()
    assert made.engine.requests == [
        (
            Operation.UP,
            Request(
                root=root,
                stack="test",
                backend=root / ".optout" / "state",
                environment={"A": "b"},
                refresh=False,
                targets=(f"urn:pulumi:test::voiceid-optout::pulumi-python:dynamic/voiceid:OptedOutSpeaker::{SAM}",),
                parallel=3,
                continue_on_error=True,
                message="up: plan 0123",
            ),
        )
    ]


def test_a_run_may_be_confined_to_resources(project: Project) -> None:
    made = desk(project, places=SAMS_PLACE)
    perform(
        made.session,
        Operation.UP,
        RunOptions(targets=(SAM,)),
        title="Applying",
        resources=frozenset({"urn:b", "urn:a"}),
    )
    assert [request.targets for _, request in made.engine.requests] == [("urn:a", "urn:b")]


def test_events_become_the_plan(project: Project) -> None:
    made = desk(project)
    made.engine.stream.step("create", SAM)
    made.engine.stream.step("create", "sp-2", becomes=RELEASED)
    made.engine.stream.step("same", "sp-3")
    outcome, plan = perform(made.session, Operation.PREVIEW, RunOptions(), title="Comparing")
    assert outcome == DONE
    assert [(step.label, step.action) for step in plan.steps] == [(SAM, Action.OPT_OUT), ("sp-2", Action.RELEASE)]
    assert (plan.unchanged, plan.managed) == (1, 1)
    assert made.shown == ""


@pytest.mark.parametrize(
    ("grouping", "foreign", "expected"),
    [("sharded", None, True), ("sharded", "aws:s3/bucket:Bucket", False), ("single", None, False)],
)
def test_only_what_is_asked_for_again_may_be_done_without_saving(
    project: Project, grouping: str, foreign: str | None, expected: bool
) -> None:
    project.configure(grouping=grouping)
    made = desk(project)
    made.engine.stream.stack("create")
    made.engine.stream.step("create", "shard", type_="pulumi-python:dynamic/voiceid:OptedOutSpeakers")
    made.engine.stream.step("create", "default", type_="pulumi:providers:pulumi-python")
    if foreign:
        made.engine.stream.step("same", "other", type_=foreign)
    _, plan = perform(made.session, Operation.PREVIEW, RunOptions(), title="Comparing")
    assert is_repeatable(made.session, plan) == expected
    assert not is_repeatable(made.session, replace(plan, types=frozenset())), "of what nobody saw nobody knows"
    perform(made.session, Operation.UP, RunOptions(), title="Applying", repeatable=expected)
    assert [request.repeatable for _, request in made.engine.requests] == [False, expected]


def test_a_backend_elsewhere_reaches_the_engine(project: Project) -> None:
    made = desk(project)
    context = project.context(PULUMI_BACKEND_URL="s3://bucket/prefix?region=eu-central-1")
    perform(replace(made.session, context=context), Operation.PREVIEW, RunOptions(), title="Comparing")
    ((_, request),) = made.engine.requests
    assert request.remote_backend == "s3://bucket/prefix?region=eu-central-1"
    assert request.place == "s3://bucket/prefix"


def test_progress_counts_the_steps_of_the_plan_and_no_reads(project: Project) -> None:
    made = desk(project)
    made.engine.stream.stack("create")
    made.engine.stream.read("sp-2", "OPTED_OUT", "OPTED_OUT")
    made.engine.stream.step("same", "sp-2")
    made.engine.stream.step("create", SAM)
    made.engine.stream.step("create", "guard", type_="aws:s3/bucket:Bucket")
    perform(made.session, Operation.UP, RunOptions(), title="Applying", total=2)
    assert made.shown == "Applying: 2 of 2\n"


@pytest.mark.parametrize(
    ("severity", "line"),
    [
        ("warning", "warning: look here\n"),
        ("info", "note: look here\n"),
        ("info#err", "note: look here\n"),
        ("debug", ""),
        ("error", ""),  # said at the end, each once
    ],
)
def test_what_a_run_says_is_passed_on(project: Project, severity: str, line: str) -> None:
    made = desk(project)
    made.say(severity, " look here\n")
    made.say(severity, "  \n")
    perform(made.session, Operation.PREVIEW, RunOptions(), title="Comparing")
    assert made.shown == line


def test_what_a_run_says_is_no_markup(project: Project) -> None:
    made = desk(project)
    made.say("warning", "[bold]list[0][/bold] :warning:")
    perform(made.session, Operation.PREVIEW, RunOptions(), title="Comparing")
    assert made.shown == "warning: [bold]list[0][/bold] :warning:\n"


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (Operation.UP, "no longer in the register"),
        (Operation.PREVIEW, "no longer in the register"),
        (Operation.PREVIEW_DESTROY, "the stack is destroyed"),
        (Operation.DESTROY, "the stack is destroyed"),
    ],
)
def test_a_plan_says_why_people_leave_the_stack(project: Project, operation: Operation, why: str) -> None:
    made = desk(project)
    made.engine.stream.step("delete", SAM)
    _, plan = perform(made.session, operation, RunOptions(), title="Comparing")
    assert plan.steps[0].reason == f"{why}; the opt-out stays in the service"


@pytest.mark.parametrize(
    ("outcome", "code", "lines"),
    [
        (Outcome(Result.FAILED, ("a", "b")), ExitCode.FAILED, ["error: a", "b"]),
        (Outcome(Result.FAILED, ("a",)), ExitCode.FAILED, ["a"]),
        (Outcome(Result.FAILED), ExitCode.FAILED, ["the run failed without saying why"]),
        (
            Outcome(Result.PARTIAL, ("a",)),
            ExitCode.PARTIAL,
            ["error: a", "applied in part; run the command again to go on from there"],
        ),
    ],
)
def test_a_run_that_failed_ends_the_command(
    outcome: Outcome, code: ExitCode, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError) as caught:
        end(outcome)
    out, err = capsys.readouterr()
    assert (out, [*err.splitlines(), str(caught.value)], caught.value.code) == ("", lines, code)


def test_a_run_that_succeeded_goes_on() -> None:
    end(DONE)


def test_what_others_say_names_nobody(project: Project, tmp_path: Path) -> None:
    project.people("caller-1000017")
    made, stream = desk(project), EmbeddedStream()
    Emitter(stream.events.append).diagnostic("warning", "xCALLER-1000017x was seen")
    stream.step("create", "queue-of-caller-1000017", type_="test:index:Queue", becomes="caller-1000017")
    engine = ScriptedEngine(stream, Outcome(Result.FAILED, ("no caller-1000017 here",)))
    with EventLog(tmp_path / "events") as log:
        session = replace(made.session, engine=engine, event_log=log)
        outcome, plan = perform(session, Operation.PREVIEW, RunOptions(), title="Comparing")
    assert outcome.errors == ("no … here",)
    assert [step.label for step in plan.steps] == ["queue-of-…"]
    assert "warning: x…x was seen" in made.shown
    written = (tmp_path / "events").read_text(encoding="utf-8")
    assert "queue-of-…" in written
    assert "1000017" not in written


FULL = Path("/dev/full")  # takes nothing, as a full disk does


def events() -> list[EngineEvent]:
    stream = EmbeddedStream()
    stream.stack("create")
    stream.step("create", "sp-00000000000005a1")
    return stream.events


def test_an_event_is_a_line_that_the_automation_api_reads(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("what an earlier run left\n", encoding="utf-8")
    with EventLog(path) as log:
        for event in events():
            log.write(event)
    read = [EngineEvent.from_json(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [event.sequence for event in read] == [0, 1, 2, 3]
    assert read[2].resource_pre_event is not None
    assert read[2].resource_pre_event.metadata.urn.endswith("::sp-00000000000005a1")


def test_half_of_a_surrogate_does_not_end_a_run(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventLog(path) as log:
        log.write(EngineEvent(0, 0, diagnostic_event=DiagnosticEvent("x\ud800", "never", "info")))
    assert json.loads(path.read_text(encoding="utf-8"))["diagnosticEvent"]["message"] == "x?"


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with EventLog(None) as log:
        log.write(events()[0])
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_opened_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cannot write the event log .*: No such file or directory"):
        EventLog(tmp_path / "missing" / "events.jsonl").__enter__()


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("count", [1, 1000], ids=["at the end", "on the way"])
def test_a_full_disk_is_said_at_the_end(count: int) -> None:
    log, event = EventLog(FULL), events()[0]
    log.__enter__()
    for _ in range(count):
        log.write(event)
    with pytest.raises(CommandError, match="cannot write the event log /dev/full: No space left"):
        log.__exit__(None, None, None)


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux's /dev/full")
def test_an_error_of_the_run_is_not_hidden_by_one_of_the_log() -> None:
    log = EventLog(FULL)
    log.__enter__()
    log.write(events()[0])
    log.__exit__(CommandError, CommandError("the run failed"), None)


PLACES = {"sp-1": "config/people.yaml:3", "sp-2": "config/people.yaml:9"}


def said(message: str, label: str, *, type_: str = SPEAKER_TYPE, severity: str = "error") -> DiagnosticEvent:
    return DiagnosticEvent(message, "never", severity, urn=urns.make("local", "voiceid-optout", "", type_, label))


def located(error: str, *events: DiagnosticEvent) -> str:
    places = ErrorPlaces(PLACES)
    for event in events:
        places.add(event)
    (line,) = places.located([error])
    return line


def test_one_person() -> None:
    assert located("no such speaker", said("no such speaker\n", "sp-2")) == "config/people.yaml:9: no such speaker"


def test_a_few_people_in_the_order_of_places() -> None:
    events = [said("no such speaker", "sp-2"), said("no such speaker", "sp-1")]
    line = located("no such speaker (2 times)", *events)
    assert line == "config/people.yaml:3, config/people.yaml:9: no such speaker (2 times)"


def test_somebody_who_is_no_longer_listed_is_named_by_label() -> None:
    assert located("throttled", said("throttled", "sp-9")) == "sp-9: throttled"


@each_row(
    "events",
    [
        [],
        [said("no answer", f"sp-{n}") for n in range(4)],
        [said("no answer", "sp-1", severity="warning")],
        [said("no answer", "sp-1", type_="pulumi:pulumi:Stack")],
        [DiagnosticEvent("no answer", "never", "error")],
        [said("another", "sp-1")],
    ],
)
def test_errors_about_nobody_or_many_stay_as_they_are(events: list[DiagnosticEvent]) -> None:
    assert located("no answer", *events) == "no answer"
