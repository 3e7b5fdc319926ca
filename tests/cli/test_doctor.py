import json

from tests.cli.projects import Project
from voiceid_optout.cli.exit_codes import ExitCode

SUBJECTS = ["python", "pulumi", "project", "register", "passphrase", "state", "settings", "credentials", "endpoint"]


def test_a_line_each_and_all_is_well(live: Project) -> None:
    live.salt()
    result = live.run("doctor")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", subject] for subject in SUBJECTS]
    assert lines[3] == "ok    register      2 people in 1 file, 0 released"


def test_what_is_wrong_stands_out_and_fails(live: Project) -> None:
    result = live.run("doctor", PULUMI_CONFIG_PASSPHRASE=None)
    assert result.exit_code == ExitCode.FAILED
    assert [line.split()[1] for line in result.stdout.splitlines() if line.startswith("FAIL")] == ["passphrase"]


def test_json_is_alone_on_standard_output(live: Project) -> None:
    result = live.run("doctor", "--json")
    document = json.loads(result.stdout)
    assert document["version"] == 1
    assert [row["subject"] for row in document["findings"]] == SUBJECTS
    assert document["findings"][2] == {
        "subject": "project",
        "verdict": "ok",
        "text": "voiceid-optout, stack test",
    }
    assert result.stderr.splitlines()[2] == "ok    project       voiceid-optout, stack test"


def test_json_is_complete_when_something_is_wrong(live: Project) -> None:
    result = live.run("doctor", "--json", PULUMI_CONFIG_PASSPHRASE=None)
    assert result.exit_code == ExitCode.FAILED
    assert [row["verdict"] for row in json.loads(result.stdout)["findings"]].count("fail") == 1


def test_a_wrong_stack_is_one_line(live: Project) -> None:
    result = live.run("doctor", "--stack", "nope")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr == "error: no stack file Pulumi.nope.yaml; the stacks here are: test\n"
