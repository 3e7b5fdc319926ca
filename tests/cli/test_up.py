"""From a plan to what is done. The engine is a script here, so that it does more than the plan said."""

from __future__ import annotations

import json
import os
import re
import shlex
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.desk import Desk, desk
from tests.cli.engines import DONE, ModelEngine, ScriptedEngine
from tests.cli.projects import DOMAIN, Project, label_of
from tests.plan.streams import EmbeddedStream, urn_of
from voiceid_optout.cli import up
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.running import RunOptions
from voiceid_optout.cli.up import Foundation, files_of, state_of
from voiceid_optout.cli.verdict import Approval
from voiceid_optout.engine.interface import Operation, Outcome, Request, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voiceid_optout.plan import Plan


def digest_in(output: str) -> str:
    return output.partition("Digest: ")[2].split()[0]


def opted_out(*people: str) -> dict[str, str]:
    return {label_of(DOMAIN, person): "OPTED_OUT" for person in people}


def test_the_register_is_applied_and_what_was_done_is_said(project: Project, model: ModelEngine) -> None:
    model.service[label_of(DOMAIN, "caller-3")] = "ENROLLED"
    project.people("caller-1", "caller-2", released={"caller-3": "consented again in writing"})
    result = project.run("up", "--yes")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "Plan for stack test: 2 to opt out, 1 to release, 0 unchanged"
    assert lines[1] == "Endpoint: AWS's Voice ID in us-east-1, domain DomainDomainDomain0001"
    assert lines[2].endswith('released because "consented again in writing"')
    assert lines[5].startswith("Digest: ")
    assert lines[6:] == ["Applying: 3 of 3", "Done: 2 opted out, 1 released."]
    assert model.service == opted_out("caller-1", "caller-2")
    assert [request.message for _, request in model.requests] == ["", f"up: plan {digest_in(result.stdout)[:32]}"]
    again = project.run("up", "--yes", "--continue-on-error")
    assert again.stdout.splitlines() == [
        "Plan for stack test: 3 unchanged",
        "Endpoint: AWS's Voice ID in us-east-1",
        "Nothing changed: the service says what the register asks.",
    ]


def test_without_a_terminal_it_says_at_once_that_nobody_can_answer(project: Project, model: ModelEngine) -> None:
    result = project.run("up", answer="y\n")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "nobody is here to confirm: pass --yes" in result.stderr
    assert not (project.root / ".optout").exists()


def test_after_a_run_of_the_sandbox_the_next_step_names_a_file_that_is_there(
    project: Project, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:1", "AWS_REGION": "us-east-1"}
    monkeypatch.setattr("voiceid_optout.cli.session.environment_for", lambda _context: nullcontext(there))
    (project.root / "people").mkdir()
    (project.root / "people" / "main.yaml").write_text("speakers: [caller-1]\n", encoding="utf-8")
    project.configure(service="embedded", domain="S" * 22, region="us-east-1", register="people")
    engine.stream.step("create", label_of("S" * 22, "caller-1"))
    result = project.run("up", "--yes", "--stack", "test")
    assert result.exit_code == ExitCode.DONE, result.stderr
    assert result.stdout.splitlines()[-2:] == [
        "Done: 1 opted out.",
        "Next: edit people/main.yaml and do this again; `optout --help` lists the commands.",
    ]


def asked(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], bool]) -> list[str]:
    """Answer the question as somebody at a terminal would; returns what is asked."""
    questions: list[str] = []

    def confirmed(question: str, **_: bool) -> bool:
        questions.append(question)
        return answer()

    monkeypatch.setattr("voiceid_optout.cli.up.require_answer", lambda **_: None)
    monkeypatch.setattr("voiceid_optout.cli.screen.confirmed", confirmed)
    return questions


def test_the_question_says_what_and_where_and_takes_no_for_an_answer(
    project: Project, model: ModelEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = asked(monkeypatch, lambda: False)
    result = project.run("up")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.endswith("error: not confirmed; nothing was changed\n")
    assert questions == ["2 to opt out, 0 unchanged, at AWS's Voice ID in us-east-1. Do this?"]
    assert model.service == {}


def test_a_register_saved_while_the_question_waits_is_not_applied(
    project: Project, model: ModelEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer() -> bool:
        project.people("caller-9")
        return True

    asked(monkeypatch, answer)
    result = project.run("up")
    assert result.exit_code == ExitCode.STALE
    assert "config/people.yaml changed after the plan was made" in result.stderr
    assert model.service == {}


def test_who_drifts_while_repairs_wait_for_an_answer_is_repaired_too_and_said(
    project: Project, model: ModelEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    one, other = (label_of(DOMAIN, person) for person in ("caller-1", "caller-2"))

    def answer() -> bool:
        model.service[one] = "ENROLLED"
        return True

    asked(monkeypatch, answer)
    model.service[other] = "ENROLLED"
    result = project.run("up")
    assert result.exit_code == ExitCode.DONE
    assert "Done beyond the plan" in result.stdout
    assert one in result.stdout.partition("Done beyond the plan")[2]
    assert model.service == opted_out("caller-1", "caller-2")


CROWD = [f"caller-{n}" for n in range(40)]


def test_a_saved_plan_is_done_without_asking_or_not_at_all(
    project: Project, model: ModelEngine, tmp_path: Path
) -> None:
    saved = str(tmp_path / "plan.json")
    assert project.run("preview", "--save-plan", saved).exit_code == ExitCode.DONE
    project.people("caller-2", "caller-3")
    stale = project.run("up", "--plan", saved)
    assert stale.exit_code == ExitCode.STALE
    assert stale.stderr.splitlines()[:-1] == [
        "Only in the reviewed plan:",
        f"  + opt out  {label_of(DOMAIN, 'caller-1')}  config/people.yaml:3  ensure: none → opted_out",
        "Only in the present one:",
        f"  + opt out  {label_of(DOMAIN, 'caller-3')}  config/people.yaml:4  ensure: none → opted_out",
    ]
    assert stale.stderr.splitlines()[-1].startswith("error: the plan is stale, nothing was changed: ")
    assert model.service == {}

    project.people("caller-1", "caller-2")
    done = project.run("up", "--plan", saved)
    assert (done.exit_code, done.stderr) == (ExitCode.DONE, "")
    assert model.service == opted_out("caller-1", "caller-2")
    again = project.run("up", "--plan", saved)
    assert again.exit_code == ExitCode.STALE
    assert again.stderr.endswith("was reviewed, and nothing is left to do now\n")


def test_drift_since_the_review_makes_a_plan_stale(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    project.people("caller-1", "caller-2", "caller-3")
    digest = digest_in(project.run("preview").stdout)
    model.service[label_of(DOMAIN, "caller-1")] = "ENROLLED"
    assert project.run("up", "--approve", digest).exit_code == ExitCode.STALE
    assert model.service[label_of(DOMAIN, "caller-1")] == "ENROLLED"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--approve", "0123456789ab"], "a digest is 32 to 64 hexadecimal digits"),
        (["--plan", "nowhere.json"], "cannot read the plan nowhere.json: No such file or directory"),
        (["--plan", "Pulumi.yaml"], "Pulumi.yaml is no JSON document"),
    ],
)
def test_no_approval_is_said_before_anything_starts(
    project: Project, model: ModelEngine, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(project.root)
    result = project.run("up", *arguments)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert words in result.stderr
    assert not (project.root / ".optout").exists()


def test_a_mass_change_needs_the_digest_of_exactly_this_plan(
    project: Project, model: ModelEngine, tmp_path: Path
) -> None:
    project.people(*CROWD)
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    saved = str(tmp_path / "plan.json")
    project.people(*CROWD[13:], released={"caller-0": "consented again in writing"})
    assert project.run("preview", "--save-plan", saved).exit_code == ExitCode.DONE
    for answer in ("--yes", f"--plan={saved}"):
        refused = project.run("up", answer)
        assert refused.exit_code == ExitCode.REFUSED
        assert refused.stdout.startswith("Plan for stack test: 1 to release, 12 to stop managing, 27 unchanged\n")
    assert refused.stderr == (
        "error: refused by the guard, nothing was changed: "
        "13 of 40 people (32.5 %, at most 30 % may) would be released or no longer managed. "
        "If exactly this is meant: "
        f"optout up --stack test --cwd '{project.root}' --approve {digest_in(refused.stdout)}\n"
    )
    assert len(model.service) == 40

    command = shlex.split(refused.stderr.partition("If exactly this is meant: optout ")[2])
    assert project.run("up", *command[command.index("--approve") :]).exit_code == ExitCode.DONE
    assert len(model.service) == 39
    assert project.run("up", "--yes").exit_code == ExitCode.DONE


def test_an_emptied_register_is_refused_and_the_limits_are_the_stack_s(
    project: Project, model: ModelEngine
) -> None:
    project.people(*CROWD)
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    project.people()
    emptied = project.run("up", "--yes", "--json")
    assert emptied.exit_code == ExitCode.REFUSED
    said = json.loads(emptied.stdout)
    assert said["result"] == "refused"
    assert [breach["rule"] for breach in said["plan"]["guard"]["breaches"]] == ["emptied", "share"]

    project.people(*CROWD[20:])
    assert project.run("up", "--yes").exit_code == ExitCode.REFUSED
    with (project.root / "Pulumi.test.yaml").open("a", encoding="utf-8") as file:
        file.write("  voiceid-optout:guard: {maxLossPercent: thirty}\n")
    wrong = project.run("up", "--yes")
    assert wrong.exit_code == ExitCode.USAGE
    assert wrong.stderr == (
        "error: Pulumi.test.yaml: voiceid-optout:guard needs a number from 0 to 100 for maxLossPercent, "
        "without quotes\n"
    )


EMPTIED = "2 people would no longer be managed, and nobody would be left"
FORGOTTEN = "the stack is destroyed; the opt-out stays in the service"


def test_yes_is_not_enough_to_forget_everybody(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    before = dict(model.state)
    refused = project.run("destroy", "--yes")
    assert refused.exit_code == ExitCode.REFUSED
    assert refused.stdout.startswith("Plan to destroy stack test: 2 to stop managing, 0 unchanged\n")
    digest = digest_in(refused.stdout)
    assert refused.stderr == (
        f"error: refused by the guard, nothing was changed: {EMPTIED}. "
        f"If exactly this is meant: optout destroy --stack test --cwd '{project.root}' --approve {digest}\n"
    )
    assert model.state == before


def test_an_approved_plan_is_done_and_people_stay_opted_out(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    shown = project.run("destroy", "--preview")
    assert (shown.exit_code, shown.stderr) == (ExitCode.DONE, "")
    assert shown.stdout.splitlines()[2] == (
        f"  · stop managing  {label_of(DOMAIN, 'caller-1')}  config/people.yaml:3  {FORGOTTEN}"
    )
    assert f"The guard would refuse this: {EMPTIED}." in shown.stdout
    done = project.run("destroy", "--approve", digest_in(shown.stdout))
    assert (done.exit_code, done.stderr) == (ExitCode.DONE, "")
    assert done.stdout.splitlines()[-3:] == [
        f"Approved although the guard would refuse it: {EMPTIED}.",
        "No longer managed: 2 of 2",
        "Done: 2 people no longer managed; opt-outs stay in the service.",
    ]
    assert list(model.service.values()) == ["OPTED_OUT", "OPTED_OUT"]
    assert model.state == {}


def test_an_approval_holds_for_the_people_it_was_given_for(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    digest = digest_in(project.run("destroy", "--preview").stdout)
    project.people("caller-1", "caller-2", "caller-3")
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    stale = project.run("destroy", "--approve", digest)
    assert stale.exit_code == ExitCode.STALE
    assert f"{digest} was reviewed" in stale.stderr


def test_an_approval_to_empty_the_register_is_none_to_destroy(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    project.people()
    digest = digest_in(project.run("preview").stdout)
    assert project.run("destroy", "--approve", digest).exit_code == ExitCode.STALE
    assert project.run("up", "--approve", digest).exit_code == ExitCode.DONE


def test_a_few_named_people_need_no_approval(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    label = label_of(DOMAIN, "caller-1")
    one = project.run("destroy", "--yes", "--json", "--target", label)
    assert one.exit_code == ExitCode.DONE
    done = json.loads(one.stdout.splitlines()[-1])
    assert (done["result"], done["errors"], done["plan"]["purpose"]) == ("succeeded", [], "destroy")
    assert done["plan"]["unchanged"] == 1
    assert done["plan"]["steps"] == [
        {
            "label": label,
            "domain": "DomainDomainDomain0001",
            "type": "person",
            "action": "forget",
            "change": {"field": "ensure", "before": "opted_out", "after": None},
            "reason": FORGOTTEN,
            "because": None,
            "place": "config/people.yaml:3",
            "formerly": None,
        }
    ]
    assert project.run("destroy", "--preview", "--json").stdout.count('"label"') == 1


def test_nobody_to_forget_needs_no_approval(project: Project, model: ModelEngine) -> None:
    done = project.run("destroy", "--yes")
    assert (done.exit_code, done.stderr) == (ExitCode.DONE, "")
    assert done.stdout.splitlines()[-1] == "Done: 0 people no longer managed; opt-outs stay in the service."


def test_without_a_terminal_it_wants_a_yes(project: Project, model: ModelEngine) -> None:
    result = project.run("destroy", answer="y\n")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "pass --yes" in result.stderr
    assert not os.path.lexists(project.root / ".optout")


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
    return Foundation(files_of(context), state_of(context))


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
    project.configure(contactWarnings=False)
    made = foundation(project)
    project.configure(contactWarnings="false")
    made.require_unchanged(project.context())
    project.configure(contactWarnings=True)
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
    assert before.state is None
    project.state_file.parent.mkdir(parents=True)
    project.state_file.write_text("one", encoding="utf-8")
    assert changed(before, project) == "the state, by another run,"
    made = foundation(project)
    made.require_unchanged(project.context())
    new = project.state_file.with_suffix(".new")
    new.write_text("two", encoding="utf-8")
    new.replace(project.state_file)
    assert changed(made, project) == "the state, by another run,"


def test_a_file_that_cannot_be_read_is_the_register_s_to_complain_about(project: Project) -> None:
    (project.root / "config" / "gone.yaml").symlink_to(project.root / "nowhere")
    assert files_of(project.context())["config/gone.yaml"] == ""
