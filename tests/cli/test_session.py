"""What a session makes of a run. The engine is a script here: no real one fails in all these ways on demand."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.cli.engines import DONE, ScriptedEngine
from tests.cli.projects import DOMAIN, Project, label_of
from tests.plan.streams import RELEASED, EmbeddedStream
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.known import Mask
from voiceid_optout.cli.run_events import EventLog
from voiceid_optout.cli.session import Choices, Session, end, opened
from voiceid_optout.engine.embedded.run import Emitter
from voiceid_optout.engine.interface import Operation, Outcome, Request, Result
from voiceid_optout.plan import Action, Change, Plan, Purpose, Scope, Step, render_text
from voiceid_optout.service.data_folder import find
from voiceid_optout.state import StackError

if TYPE_CHECKING:
    from pathlib import Path

    from voiceid_optout.plan.review import Review

SAM = "sp-00000000000005a1"


@dataclass
class Desk:
    """A session, its engine, and what it shows."""

    session: Session
    engine: ScriptedEngine

    @property
    def shown(self) -> str:
        file = self.session.console.file
        return file.getvalue() if isinstance(file, io.StringIO) else "no text"

    def say(self, severity: str, message: str) -> None:
        Emitter(self.engine.stream.events.append).diagnostic(severity, message)


def desk(
    project: Project,
    *,
    as_json: bool = False,
    targets: tuple[str, ...] = (),
    terminal: bool = False,
    width: int = 200,
    places: dict[str, str] | None = None,
    because: dict[str, str] | None = None,
) -> Desk:
    engine = ScriptedEngine()
    choices = Choices(root=project.root, stack="test", engine="auto", as_json=as_json, parallel=3, targets=targets)
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=width, highlight=False, soft_wrap=True, color_system=None
    )
    mask = Mask(project.context(), {"A": "b"}, places or {}, lambda _: None)
    return Desk(
        Session(project.context(), choices, engine, {"A": "b"}, places or {}, console, mask, because or {}), engine
    )


def test_a_run_gets_what_the_options_say(project: Project) -> None:
    made = desk(project, targets=(SAM,))
    choices = replace(made.session.choices, continue_on_error=True)
    replace(made.session, choices=choices).perform(
        Operation.UP, refresh=False, title="Applying", message="up: plan 0123"
    )
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
    made = desk(project, targets=(SAM,))
    made.session.perform(Operation.UP, refresh=True, title="Applying", targets=frozenset({"urn:b", "urn:a"}))
    assert [request.targets for _, request in made.engine.requests] == [("urn:a", "urn:b")]


def test_events_become_the_plan(project: Project) -> None:
    made = desk(project)
    made.engine.stream.step("create", SAM)
    made.engine.stream.step("create", "sp-2", becomes=RELEASED)
    made.engine.stream.step("same", "sp-3")
    outcome, plan = made.session.perform(Operation.PREVIEW, refresh=True, title="Comparing")
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
    _, plan = made.session.perform(Operation.PREVIEW, refresh=True, title="Comparing")
    assert made.session.is_repeatable(plan) == expected
    assert not made.session.is_repeatable(replace(plan, types=frozenset())), "of what nobody saw nobody knows"
    made.session.perform(Operation.UP, refresh=True, title="Applying", repeatable=expected)
    assert [request.repeatable for _, request in made.engine.requests] == [False, expected]


def test_a_backend_elsewhere_reaches_the_engine(project: Project) -> None:
    made = desk(project)
    context = project.context(PULUMI_BACKEND_URL="s3://bucket/prefix?region=eu-central-1")
    replace(made.session, context=context).perform(Operation.PREVIEW, refresh=True, title="Comparing")
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
    made.session.perform(Operation.UP, refresh=True, title="Applying", total=2)
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
    made.session.perform(Operation.PREVIEW, refresh=True, title="Comparing")
    assert made.shown == line


def test_what_a_run_says_is_no_markup(project: Project) -> None:
    made = desk(project)
    made.say("warning", "[bold]list[0][/bold] :warning:")
    made.session.perform(Operation.PREVIEW, refresh=True, title="Comparing")
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
    _, plan = made.session.perform(operation, refresh=True, title="Comparing")
    assert plan.steps[0].reason == f"{why}; the opt-out stays in the service"


REPAIRED = Step(SAM, Action.REPAIR, "ENROLLED in the service, should be OPTED_OUT")
RELEASE = Step("sp-00000000000005a2", Action.RELEASE, "released", Change("ensure", "opted_out", "released"))
PLACES = {SAM: "config/people.yaml:3"}


def reviewed(made: Desk, *steps: Step, unchanged: int = 3, purpose: Purpose = Purpose.DRIFT) -> Review:
    return made.session.review(Plan(steps, unchanged), purpose)


def test_a_review_knows_the_stack_and_what_the_register_says(project: Project) -> None:
    made = desk(project, places=PLACES, because={RELEASE.label: "consented"})
    review = reviewed(made, REPAIRED, RELEASE, purpose=Purpose.UP)
    assert review.scope == Scope("voiceid-optout", "test", Purpose.UP, "aws", "us-east-1")
    assert (review.place(REPAIRED), review.reason_of_release(RELEASE)) == ("config/people.yaml:3", "consented")


def test_a_plan_is_shown_as_its_text(project: Project) -> None:
    made = desk(project, places=PLACES, width=40)
    review = reviewed(made, REPAIRED, RELEASE, purpose=Purpose.UP)
    made.session.show(review)
    assert made.shown == render_text.render(review)
    assert len(made.shown.splitlines()) == 5


def test_on_a_narrow_terminal_the_reasons_go_below(project: Project) -> None:
    made = desk(project, places=PLACES, width=80, terminal=True)
    made.session.show(reviewed(made, REPAIRED))
    lines = [line.removeprefix("\x1b[1m").removesuffix("\x1b[0m") for line in made.shown.splitlines()]
    assert lines == [
        "Drift in stack test: 1 to repair, 3 unchanged",
        "Endpoint: AWS's Voice ID in us-east-1",
        f"  ! repair  {SAM}  config/people.yaml:3",
        "      ENROLLED in the service, should be OPTED_OUT",
    ]


def test_on_a_wide_terminal_a_row_is_a_line(project: Project) -> None:
    made = desk(project, places=PLACES, width=200, terminal=True)
    made.session.show(reviewed(made, REPAIRED))
    assert len(made.shown.splitlines()) == 3


def test_json_is_one_object_in_ascii_and_only_if_asked_for(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    desk(project).session.emit({"place": "config/büro.yaml:3"})
    assert capsys.readouterr() == ("", "")
    desk(project, as_json=True).session.emit({"place": "config/büro.yaml:3"})
    out, err = capsys.readouterr()
    assert out.isascii()
    assert (json.loads(out), err) == ({"place": "config/büro.yaml:3"}, "")


@pytest.mark.parametrize(
    ("answer", "ends"),
    [("y\n", None), ("yes\n", None), ("n\n", ExitCode.USAGE), ("\n", ExitCode.USAGE), ("", ExitCode.USAGE)],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_question_wants_a_yes(project: Project, answer: str, ends: ExitCode | None, *, as_json: bool) -> None:
    session = desk(project, as_json=as_json).session

    @click.command()
    def ask() -> None:
        session.confirm("Do this?", yes=False)

    result = CliRunner().invoke(ask, input=answer)
    assert "Do this? [y/N]" in (result.stderr if as_json else result.stdout)
    assert not as_json or result.stdout == "", "standard output is for the JSON alone"
    if ends is None:
        assert result.exception is None
    else:
        assert isinstance(result.exception, CommandError)
        assert (str(result.exception), result.exception.code) == ("not confirmed; nothing was changed", ends)


def test_with_yes_nobody_is_asked(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk(project).session.confirm("Do this?", yes=True)
    assert capsys.readouterr() == ("", "")


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


def choices(project: Project, **changes: Any) -> Choices:
    given: dict[str, Any] = {
        "root": project.root,
        "stack": "test",
        "engine": "embedded",
        "as_json": False,
        "parallel": 8,
        "targets": (),
    }
    return Choices(**{**given, **changes})


def test_an_opened_session_has_engine_places_and_environment(project: Project) -> None:
    with opened(choices(project, targets=(label_of(DOMAIN, "caller-1"),))) as session:
        assert session.engine.name == "embedded"
        assert set(session.places) == {label_of(DOMAIN, "caller-1"), label_of(DOMAIN, "caller-2")}
        assert session.environment["OPTOUT_STACK_CONFIG"] == json.dumps({"region": "us-east-1"})
        assert (session.console.stderr, (project.root / ".optout").is_dir()) == (False, True)
    with opened(choices(project, as_json=True)) as session:
        assert session.console.stderr, "standard output is for the JSON alone"


def test_auto_takes_the_embedded_engine_where_there_is_no_other(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with opened(choices(project, engine="auto")) as session:
        assert session.engine.name == "embedded"


def test_a_label_that_nobody_has_is_wrong_usage_and_ends_the_service(project: Project) -> None:
    project.configure(service="embedded", domain="sandbox", domains={"sandbox": DOMAIN})
    with (
        pytest.raises(CommandError, match=r"no one in the register has the label sp-0{16}") as caught,
        opened(choices(project, targets=(label_of(DOMAIN, "caller-1"), f"sp-{0:016}"))),
    ):
        raise AssertionError
    assert caught.value.code == ExitCode.USAGE
    assert find(project.context().service_folder) is None


def test_a_session_shows_no_environment_and_no_places(project: Project) -> None:
    made = desk(project, places=PLACES)
    assert "PULUMI_CONFIG_PASSPHRASE" in made.session.context.environment
    assert "PULUMI_CONFIG_PASSPHRASE" not in repr(made.session)
    assert SAM not in repr(made.session)


@pytest.mark.parametrize("command", ["preview", "up", "drift", "refresh", "destroy"])
def test_who_wants_quiet_gets_the_result_and_what_is_wrong(
    project: Project, engine: ScriptedEngine, command: str
) -> None:
    engine.stream.stack("same")
    engine.stream.read(SAM, "OPTED_OUT", "ENROLLED")
    engine.stream.step("same", SAM)
    tell = Emitter(engine.stream.events.append).diagnostic
    tell("info", "by the way")
    tell("warning", "look here")
    extra = ["--yes"] if command == "up" else ["--preview"] if command == "destroy" else []
    loud = project.run(command, "--stack", "test", *extra).output
    quiet = project.run(command, "--stack", "test", "--quiet", *extra).output
    assert "note: by the way" in loud
    assert f"! repair  {SAM}" in loud
    assert "by the way" not in quiet
    assert "! repair" not in quiet
    assert "warning: look here" in quiet
    assert "1 to repair" in quiet
    assert "Applying" not in quiet
    assert ("Done: 1 repaired." in quiet) == (command == "up")


def test_what_others_say_names_nobody(project: Project, tmp_path: Path) -> None:
    project.people("caller-1000017")
    made, stream = desk(project), EmbeddedStream()
    Emitter(stream.events.append).diagnostic("warning", "xCALLER-1000017x was seen")
    stream.step("create", "queue-of-caller-1000017", type_="test:index:Queue", becomes="caller-1000017")
    engine = ScriptedEngine(stream, Outcome(Result.FAILED, ("no caller-1000017 here",)))
    with EventLog(tmp_path / "events") as log:
        session = replace(made.session, engine=engine, event_log=log)
        outcome, plan = session.perform(Operation.PREVIEW, refresh=True, title="Comparing")
    assert outcome.errors == ("no … here",)
    assert [step.label for step in plan.steps] == ["queue-of-…"]
    assert "warning: x…x was seen" in made.shown
    written = (tmp_path / "events").read_text(encoding="utf-8")
    assert "queue-of-…" in written
    assert "1000017" not in written


def test_texts_of_register_and_engine_name_nobody(project: Project) -> None:
    project.people("caller-1", released={"caller-1000017": "CALLER-1000017 wrote, mail_caller-1000017"})
    (project.root / "config" / "people.yaml").rename(project.root / "config" / "caller-1000017.yaml")
    choices = Choices(root=project.root, stack="test", engine="embedded", as_json=False, parallel=1, targets=())
    released = label_of(DOMAIN, "caller-1000017")
    seen: list[str] = []
    with pytest.raises(StackError, match=r"^no … here$"), opened(choices) as session:  # noqa: PT012 - as a command
        seen += [session.because[released], session.places[released]]
        raise StackError("no caller-1000017 here")
    assert seen == ["… wrote, mail_…", "config/….yaml:3"]
