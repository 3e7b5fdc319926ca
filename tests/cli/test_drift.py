import json
from pathlib import Path

from tests.cli.engines import ModelEngine, ScriptedEngine
from tests.cli.projects import DOMAIN, Project, label_of
from tests.plan.streams import RELEASED
from voiceid_optout.cli.exit_codes import ExitCode

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
