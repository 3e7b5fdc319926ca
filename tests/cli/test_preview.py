import json
import stat
from pathlib import Path

import pytest
from jsonschema import validate

from tests.cli.engines import ModelEngine
from tests.cli.projects import DOMAIN, Project, label_of
from voiceid_optout.cli.exit_codes import ExitCode
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
    monkeypatch.setattr("voiceid_optout.cli.scale.MANY", 1)
    result = project.run("preview")
    assert "note: 2 people with a resource each: an unchanged preview takes about 1 s, with" in result.stdout
