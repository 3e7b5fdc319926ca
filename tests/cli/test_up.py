"""``optout up`` as people type it, on an engine of the tests. What it does of a plan is in test_apply.py."""

from __future__ import annotations

import json
import shlex
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from tests.cli.projects import DOMAIN, Project, digest_in, label_of
from voiceid_optout.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.engines import ModelEngine, ScriptedEngine


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
