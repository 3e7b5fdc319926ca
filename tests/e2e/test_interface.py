"""What scripts rely on: exit codes, JSON, and help with an example."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from voiceid_optout.cli.main import COMMANDS

if TYPE_CHECKING:
    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

PEOPLE = [f"caller-{n:06}" for n in range(5)]


def test_json_is_all_there_is_on_standard_output(copy: Copy, service: Service) -> None:
    def run(code: int, *arguments: str) -> Any:
        finished = copy.optout(*arguments, "--json")
        assert finished.code == code, finished.output
        if arguments[0] not in ("up", "refresh", "destroy") or code or "--preview" in arguments:
            return json.loads(finished.out)  # fails on anything before or after the object
        *events, last = map(json.loads, finished.out.splitlines())
        assert events
        assert all("sequence" in event and "timestamp" in event for event in events)
        return last

    copy.write(PEOPLE, {"caller-000099": "consented again in writing"})
    planned = run(4, "preview", "--detailed-exitcode")
    assert planned["version"] == 2
    assert planned["counts"] == {"opt-out": 5, "release": 1}
    assert {step["place"] for step in planned["steps"]} >= {"config/people.yaml:3", "config/people.yaml:9"}

    done = run(0, "up", "--yes")
    assert (done["result"], done["errors"], done["plan"]) == ("succeeded", [], planned)
    unchanged = run(0, "preview", "--detailed-exitcode")
    assert (unchanged["counts"], unchanged["unchanged"], unchanged["steps"]) == ({}, 6, [])
    assert run(0, "drift")["steps"] == []

    service.seed(copy.domain_id, PEOPLE[2], "ENROLLED")
    (step,) = run(5, "drift")["steps"]
    assert step["action"] == "repair"
    assert step["place"] == "config/people.yaml:5"
    assert f"{step['label']}  " in copy.row(PEOPLE[2])
    (refreshed,) = run(0, "refresh")["steps"]
    assert refreshed == step
    assert run(4, "preview", "--detailed-exitcode", "--no-refresh")["counts"] == {"repair": 1}

    findings = run(0, "doctor")["findings"]
    assert {finding["verdict"] for finding in findings} <= {"ok", "note"}
    assert {"register", "state", "endpoint"} <= {finding["subject"] for finding in findings}
    to_destroy = run(0, "destroy", "--preview")
    assert (to_destroy["purpose"], to_destroy["counts"]) == ("destroy", {"forget": 6})
    refused = run(6, "destroy", "--yes")
    assert (refused["result"], refused["plan"]) == ("refused", to_destroy)
    assert run(0, "destroy", "--approve", to_destroy["digest"])["plan"] == to_destroy
    assert run(0, "validate")["people"] == 6

    copy.write_raw("speakers: [0017]\n")
    assert [fault["code"] for fault in run(3, "validate")["faults"]] == ["not-text"]


def test_detailed_exit_code_is_given_when_asked_for(applied: Copy) -> None:
    planned = applied.optout("preview")
    assert planned.code == 0
    assert "1 to opt out, 60 unchanged" in planned.out


def test_json_of_a_failure_says_nothing_on_standard_output(copy: Copy) -> None:
    copy.write_raw("nobody: here\n")
    for command in (["preview"], ["up", "--yes"], ["drift"]):
        finished = copy.optout(*command, "--json")
        assert finished.code == 3
        assert finished.out == ""
        assert finished.errors == ["error: the register has 2 faults; nothing was changed"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_the_exit_codes(sandbox: Copy, command: str) -> None:
    shown = sandbox.optout(command, "--help")
    assert shown.code == 0
    assert "Example" in shown.out
    assert f"optout {command}" in shown.out
    assert "Exit codes: 0 " in shown.out
    assert not (sandbox.root / ".optout").exists()


def test_help_of_all(sandbox: Copy) -> None:
    shown = sandbox.optout("--help")
    for command in COMMANDS:
        assert f"\n  {command} " in shown.out
    assert "Exit codes: 0 done, 1 failed" in shown.out


def test_targets_are_labels(copy: Copy, service: Service) -> None:
    copy.write(PEOPLE)
    label = copy.row(PEOPLE[3]).split()[0]
    assert "Done: 1 opted out." in copy.up("--target", label).out
    assert list(service.statuses(copy.domain_id)) == [PEOPLE[3]]
    unknown = copy.optout("up", "--yes", "--target", "sp-0000000000000000")
    assert unknown.code == 2
    assert unknown.errors == ["error: no one in the register has the label sp-0000000000000000"]


def test_a_name_that_no_stack_can_have_is_wrong_usage(sandbox: Copy) -> None:
    finished = sandbox.optout("preview", "--stack", "a b")
    assert (finished.code, finished.out) == (2, "")
    assert "a stack's name has letters, digits, " in finished.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("preview", "--stack", "nowhere"), "no stack file Pulumi.nowhere.yaml; the stacks here are: local"),
        (("drift", "--cwd", "config"), "no Pulumi.yaml"),
    ],
)
def test_wrong_place_is_said(sandbox: Copy, arguments: tuple[str, ...], words: str) -> None:
    finished = sandbox.optout(*arguments)
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert line.startswith("error: ")
    assert words in line
