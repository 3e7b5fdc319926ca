import json
import stat
from pathlib import Path

import click
import pytest
from jsonschema import validate

from tests.cli.engines import ModelEngine, ScriptedEngine
from tests.cli.projects import DOMAIN, Project, label_of
from tests.plan.plans import review, steps
from tests.plan.streams import RELEASED
from tests.tables import each_row
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.preview import COMMENT_LENGTH, Report, render, report, write
from voiceid_optout.plan import Action
from voiceid_optout.plan.render_json import SCHEMA

CROWD = [f"caller-{n}" for n in range(40)]


def test_the_plan_is_shown_and_nothing_is_done(project: Project, model: ModelEngine) -> None:
    result = project.run("preview")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    *rows, last = result.stdout.splitlines()
    assert rows == [
        "Plan for stack test: 2 to opt out, 0 unchanged",
        "Endpoint: AWS's Voice ID in us-east-1, domain DomainDomainDomain0001",
        f"  + opt out  {label_of(DOMAIN, 'caller-1')}  config/people.yaml:3  new",
        f"  + opt out  {label_of(DOMAIN, 'caller-2')}  config/people.yaml:4  new",
    ]
    assert last.startswith("Digest: ")
    assert len(last) == len("Digest: ") + 32
    assert (model.state, model.service) == ({}, {})


def test_a_script_can_tell_changes_from_none(project: Project, model: ModelEngine) -> None:
    assert project.run("preview", "--detailed-exitcode").exit_code == ExitCode.CHANGES_PLANNED
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    result = project.run("preview", "--detailed-exitcode")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines() == [
        "Plan for stack test: 2 unchanged",
        "Endpoint: AWS's Voice ID in us-east-1",
        "Nothing to do: the service says what the register asks.",
    ]


def test_a_reviewer_sees_what_the_guard_would_refuse(project: Project, model: ModelEngine) -> None:
    project.people(*CROWD)
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    project.people(*CROWD[13:])
    shown = project.run("preview")
    assert shown.exit_code == ExitCode.DONE
    *_, warning, override, digest = shown.stdout.splitlines()
    assert warning == (
        "The guard would refuse this: "
        "13 of 40 people (32.5 %, at most 30 % may) would be released or no longer managed."
    )
    assert override == (
        f"To do exactly this all the same: optout up --stack test --cwd '{project.root}' "
        f"--approve {digest.removeprefix('Digest: ')}"
    )
    assert project.run("preview", "--detailed-exitcode").exit_code == ExitCode.REFUSED


def test_json_is_alone_on_standard_output(project: Project, model: ModelEngine) -> None:
    label = label_of(DOMAIN, "caller-2")
    result = project.run("preview", "--json", "--target", label)
    assert result.exit_code == ExitCode.DONE
    shown = json.loads(result.stdout)
    validate(shown, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert (shown["stack"], shown["purpose"], shown["counts"], shown["unchanged"]) == (
        "test",
        "up",
        {"opt-out": 1},
        1,
    )
    assert [(step["label"], step["place"]) for step in shown["steps"]] == [(label, "config/people.yaml:4")]
    assert result.stderr.startswith("Plan for stack test: 1 to opt out, 1 unchanged\n")
    assert f"Digest: {shown['digest'][:32]}\n" in result.stderr


@pytest.mark.parametrize(
    ("form", "beginning"),
    [
        ("markdown", "### Plan for stack `test`\n"),
        ("json", '{\n  "version": 2,'),
        ("html", "<!DOCTYPE html>\n"),
        ("text", "Plan for stack test: "),
    ],
)
def test_every_form_is_alone_on_standard_output(
    project: Project, model: ModelEngine, form: str, beginning: str
) -> None:
    result = project.run("preview", "--format", form)
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.startswith(beginning)
    assert (result.stderr == "") == (form == "text")


def test_one_run_may_write_every_form_and_shows_the_text(
    project: Project, model: ModelEngine, tmp_path: Path
) -> None:
    files = {name: tmp_path / f"plan.{name}" for name in ("txt", "md", "json", "html")}
    outputs = [word for path in files.values() for word in ("--output", str(path))]
    result = project.run("preview", *outputs)
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert files["txt"].read_text(encoding="utf-8") == result.stdout
    digest = json.loads(files["json"].read_text(encoding="utf-8"))["digest"]
    assert all(digest[:32] in path.read_text(encoding="utf-8") for path in files.values())


def test_a_saved_plan_is_for_its_owner_alone(project: Project, model: ModelEngine, tmp_path: Path) -> None:
    saved = tmp_path / "plan.json"
    result = project.run("preview", "--save-plan", str(saved), "--json")
    assert result.exit_code == ExitCode.DONE
    assert saved.read_text(encoding="utf-8") == result.stdout
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


@pytest.mark.parametrize("option", ["--save-plan", "--output"])
def test_a_file_that_cannot_be_written_is_one_clear_error(
    project: Project, model: ModelEngine, tmp_path: Path, option: str
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "plan.md"
    result = project.run("preview", option, str(path))
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.splitlines()[-1].startswith(f"error: cannot write {path}: ")


def test_no_output_carries_an_identifier(project: Project, model: ModelEngine) -> None:
    project.people("caller-1", released={"caller-2": "caller-2 wrote, like caller-1, that it is fine"})
    for form in ("json", "markdown", "html", "text"):
        result = project.run("preview", "--format", form)
        assert result.exit_code == ExitCode.DONE
        assert "that it is fine" in result.stdout
        assert "caller-" not in result.stdout + result.stderr


def test_an_invalid_register_ends_it_before_anything_starts(project: Project, model: ModelEngine) -> None:
    project.people("not an id")
    result = project.run("preview")
    assert (result.exit_code, result.stdout) == (ExitCode.REGISTER_INVALID, "")
    assert result.stderr.endswith("error: the register has 1 fault; nothing was changed\n")
    assert not (project.root / ".optout").exists()


def test_many_people_should_share_resources(
    project: Project, model: ModelEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceid_optout.register.report.MANY", 1)
    result = project.run("preview")
    assert "note: 2 people with a resource each: an unchanged preview takes about 1 s, with" in result.stdout


def test_the_state_learns_what_the_service_says(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    calm = project.run("refresh")
    assert (calm.exit_code, calm.stdout) == (ExitCode.DONE, "The state is up to date: 2 people, no drift.\n")

    model.service[label_of(DOMAIN, "caller-1")] = "EXPIRED"
    found = project.run("refresh", "--json")
    assert found.exit_code == ExitCode.DONE
    shown = json.loads(found.stdout.splitlines()[-1])
    assert (shown["purpose"], shown["counts"]) == ("refresh", {"repair": 1})
    assert found.stderr.splitlines()[0] == "Drift in stack test: 1 to repair, 1 unchanged"
    assert found.stderr.splitlines()[-1] == "The state is up to date; `optout up` repairs what has drifted."

    planned = project.run("preview", "--no-refresh")
    assert planned.stdout.splitlines()[2] == (
        f"  ! repair  {label_of(DOMAIN, 'caller-1')}  config/people.yaml:3  "
        "EXPIRED in the service, should be OPTED_OUT"
    )


A, B, C = "sp-00000000000005a1", "sp-00000000000005a2", "sp-00000000000005a3"


def test_drift_is_found_told_and_left_alone(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    calm = project.run("drift")
    assert (calm.exit_code, calm.stdout) == (ExitCode.DONE, "No drift: 2 people as the register asks.\n")

    model.service[label_of(DOMAIN, "caller-2")] = "ENROLLED"
    found = project.run("drift", "--json")
    assert found.exit_code == ExitCode.DRIFT
    label = label_of(DOMAIN, "caller-2")
    reason = "ENROLLED in the service, should be OPTED_OUT"
    shown = json.loads(found.stdout)
    assert (shown["purpose"], shown["counts"], shown["unchanged"]) == ("drift", {"repair": 1}, 1)
    (step,) = shown["steps"]
    assert (step["label"], step["reason"], step["place"]) == (label, reason, "config/people.yaml:4")
    assert step["change"] == {"field": "status", "before": "ENROLLED", "after": "OPTED_OUT"}
    assert found.stderr.splitlines() == [
        "Drift in stack test: 1 to repair, 1 unchanged",
        "Endpoint: AWS's Voice ID in us-east-1, domain DomainDomainDomain0001",
        f"  ! repair  {label}  config/people.yaml:4  {reason}",
        "`optout up` repairs this.",
    ]
    assert model.service[label] == "ENROLLED"


def test_whom_the_register_lists_and_nobody_opted_out_is_drift(project: Project, model: ModelEngine) -> None:
    result = project.run("drift")
    assert result.exit_code == ExitCode.DRIFT
    assert result.stdout.startswith("Drift in stack test: 2 to opt out, 0 unchanged\n")


def test_whom_the_register_dropped_or_releases_is_no_drift(project: Project, engine: ScriptedEngine) -> None:
    for label in (A, B):
        engine.stream.read(label, "OPTED_OUT", "OPTED_OUT")
    engine.stream.step("delete", A)
    engine.stream.step("update", B, becomes=RELEASED)
    engine.stream.step("same", C)
    result = project.run("drift", "--stack", "test")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines() == [
        "Not applied yet, and no drift: 1 to release, 1 to stop managing. `optout up` does it.",
        "No drift: 3 people as the register asks.",
    ]


def test_a_pending_release_is_not_among_what_is_repaired(project: Project, engine: ScriptedEngine) -> None:
    engine.stream.read(A, "OPTED_OUT", "ENROLLED")
    engine.stream.step("same", A)
    engine.stream.step("update", B, becomes=RELEASED)
    result = project.run("drift", "--stack", "test")
    assert result.exit_code == ExitCode.DRIFT
    assert result.stdout.splitlines() == [
        "Not applied yet, and no drift: 1 to release. `optout up` does it.",
        "Drift in stack test: 1 to repair, 1 unchanged",
        "Endpoint: AWS's Voice ID in us-east-1, domain DomainDomainDomain0001",
        f"  ! repair  {A}    ENROLLED in the service, should be OPTED_OUT",
        "`optout up` repairs this.",
    ]


def test_the_report_may_go_to_a_file(project: Project, model: ModelEngine, tmp_path: Path) -> None:
    report = tmp_path / "drift.md"
    result = project.run("drift", "--output", str(report))
    assert result.exit_code == ExitCode.DRIFT
    assert result.stdout.startswith("Drift in stack test: 2 to opt out, 0 unchanged\n")
    assert report.read_text(encoding="utf-8").startswith("### Drift in stack `test`\n\n2 to opt out, 0 unchanged\n")
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    assert project.run("drift", "--output", str(report)).exit_code == ExitCode.DONE
    assert "2 unchanged" in report.read_text(encoding="utf-8")


MD, HTML = Path("plan.md"), Path("plan.html")


@each_row(
    ("form", "outputs", "as_json", "meant"),
    [
        (None, (), False, Report("text")),
        ("text", (), False, Report("text")),
        ("markdown", (), False, Report("markdown")),
        (None, (), True, Report("json")),
        ("json", (), True, Report("json")),
        (None, (MD, HTML), False, Report("text", ((MD, "markdown"), (HTML, "html")))),
        (None, (Path("PLAN.MARKDOWN"),), False, Report("text", ((Path("PLAN.MARKDOWN"), "markdown"),))),
        (None, (MD,), True, Report("json", ((MD, "markdown"),))),
        ("html", (Path("plan"), MD), False, Report("text", ((Path("plan"), "html"), (MD, "html")))),
    ],
)
def test_what_the_options_mean_together(
    form: str | None, outputs: tuple[Path, ...], *, as_json: bool, meant: Report
) -> None:
    assert report(form, outputs, as_json=as_json) == meant


@each_row(
    ("form", "outputs", "as_json", "words"),
    [
        ("html", (), True, "--json and --format say different things"),
        (None, (Path("plan"),), False, "plan has none of the endings .txt, .md"),
        (None, (MD, Path("plan.pdf")), False, "say with --format what to write"),
    ],
)
def test_what_cannot_be_meant_is_said(
    form: str | None, outputs: tuple[Path, ...], *, as_json: bool, words: str
) -> None:
    with pytest.raises(click.UsageError, match=words):
        report(form, outputs, as_json=as_json)


def test_only_text_leaves_standard_output_to_people() -> None:
    assert [Report(form).is_for_machines for form in ("text", "json", "markdown", "html")] == [
        False,
        True,
        True,
        True,
    ]


def test_markdown_leaves_room_in_a_comment() -> None:
    assert len(render(review(steps(Action.OPT_OUT, 5000)), "markdown")) <= COMMENT_LENGTH < 65_536


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "plan.md"
    write(path, b"one", 0o600)
    write(path, b"two", 0o644)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(CommandError, match=r"cannot write .*: "):
        write(path / "below a file", b"x", 0o644)


def test_what_was_asked_for_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = review(steps(Action.OPT_OUT, 2))
    Report("text", ((tmp_path / "plan.txt", "text"),)).publish(made)
    assert capsys.readouterr() == ("", "")
    Report("markdown").publish(made)
    assert capsys.readouterr().out == render(made, "markdown")
    assert (tmp_path / "plan.txt").read_text(encoding="utf-8") == render(made, "text")
