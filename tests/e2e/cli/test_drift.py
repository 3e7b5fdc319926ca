import json
from pathlib import Path

from tests.cli.projects import Project, label_of
from tests.service.running import Service
from voiceid_optout.cli.exit_codes import ExitCode

A, B, C = "sp-00000000000005a1", "sp-00000000000005a2", "sp-00000000000005a3"


def test_drift_is_found_told_and_left_alone(live: Project, service: Service, domain: str) -> None:
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    calm = live.run("drift")
    assert (calm.exit_code, calm.stdout) == (ExitCode.DONE, "No drift: 2 people as the register asks.\n")

    service.seed(domain, "caller-2", "ENROLLED")
    found = live.run("drift", "--json")
    assert found.exit_code == ExitCode.DRIFT
    label = label_of(domain, "caller-2")
    reason = "ENROLLED in the service, should be OPTED_OUT"
    shown = json.loads(found.stdout)
    assert (shown["purpose"], shown["counts"], shown["unchanged"]) == ("drift", {"repair": 1}, 1)
    (step,) = shown["steps"]
    assert (step["label"], step["reason"], step["place"]) == (label, reason, "config/people.yaml:4")
    assert step["change"] == {"field": "status", "before": "ENROLLED", "after": "OPTED_OUT"}
    assert found.stderr.splitlines() == [
        "Drift in stack test: 1 to repair, 1 unchanged",
        f"Endpoint: {service.url} (us-east-1), domain {domain}",
        f"  ! repair  {label}  config/people.yaml:4  {reason}",
        "`optout up` repairs this.",
    ]
    speakers = service.client().list_speakers(DomainId=domain)["SpeakerSummaries"]
    assert {item["CustomerSpeakerId"]: item["Status"] for item in speakers}["caller-2"] == "ENROLLED"


def test_whom_the_register_lists_and_nobody_opted_out_is_drift(live: Project) -> None:
    result = live.run("drift")
    assert result.exit_code == ExitCode.DRIFT
    assert result.stdout.startswith("Drift in stack test: 2 to opt out, 0 unchanged\n")


def test_the_report_may_go_to_a_file(live: Project, tmp_path: Path) -> None:
    report = tmp_path / "drift.md"
    result = live.run("drift", "--output", str(report))
    assert result.exit_code == ExitCode.DRIFT
    assert result.stdout.startswith("Drift in stack test: 2 to opt out, 0 unchanged\n")
    assert report.read_text(encoding="utf-8").startswith("### Drift in stack `test`\n\n2 to opt out, 0 unchanged\n")
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    assert live.run("drift", "--output", str(report)).exit_code == ExitCode.DONE
    assert "2 unchanged" in report.read_text(encoding="utf-8")
