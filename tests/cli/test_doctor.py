"""``optout doctor`` names what is wrong with a stack: one test a kind, in the command that people type."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.projects import DOMAIN, NAME, SALT, Project
from voiceid_optout.cli.context import Context, find, read
from voiceid_optout.cli.doctor import Finding, examine
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.state.backend import Backend

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.running import Service

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


ELSEWHERE = "https://voiceid.example.org"
GONE_PID = 2**22 + 1  # above Linux's highest


def findings(project: Project, **environment: str) -> dict[str, Finding]:
    """Return the findings by subject, the last one of each."""
    return {finding.subject: finding for finding in examine(whatever(project, **environment))}


def whatever(project: Project, **environment: str) -> Context:
    """Return the context of a stack whose file may contradict itself."""
    return read(project.root, "test", {**project.environment, "PATH": "", **environment})


def backend(project: Project) -> Backend:
    made = Backend(project.state_folder, NAME, "test")
    for folder in (made.lock_folder, made.state_file.parent, made.journal_file.parent):
        folder.mkdir(parents=True)
    return made


def lock(project: Project, pid: int) -> Path:
    path = backend(project).lock_folder / "a.json"
    content = {"pid": pid, "username": "sam", "hostname": socket.gethostname(), "timestamp": "2026-03-02T10:00:00Z"}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def pulumi(folder: Path, script: str) -> str:
    """Make a command `pulumi` of this script; returns the PATH that finds it."""
    path = folder / "bin" / "pulumi"
    path.parent.mkdir()
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    return f"{path.parent}{os.pathsep}{os.defpath}"


def test_all_is_well(live: Project, service: Service, domain: str) -> None:
    live.salt()
    found = findings(live)
    assert {subject: finding.verdict for subject, finding in found.items()} == dict.fromkeys(
        ["python", "pulumi", "project", "register", "passphrase", "state", "settings", "credentials", "endpoint"],
        "ok",
    )
    assert found["pulumi"].text == "no Pulumi CLI on PATH: the embedded engine does the work"
    assert found["project"].text == "voiceid-optout, stack test"
    assert found["register"].text == "2 people in 1 file, 0 released"
    assert found["passphrase"].text == "fits the stack"
    assert found["state"].text == "none yet; the first `up` makes it"
    assert found["endpoint"].text == f"domain {domain} of Voice ID at {service.url} (us-east-1) is ACTIVE"


def test_nothing_is_left_in_the_environment(live: Project) -> None:
    before = dict(os.environ)
    findings(live)
    assert dict(os.environ) == before


def test_a_register_with_faults_shows_the_first(live: Project) -> None:
    live.people("not an id", "nor this")
    register = findings(live)["register"]
    assert register.verdict == "fail"
    assert register.text.startswith("config/people.yaml:3:3: ")
    assert register.text.endswith(" (`optout validate` lists everything)")
    assert "not an id" not in register.text


def test_a_missing_passphrase_is_asked_for(live: Project) -> None:
    del live.environment["PULUMI_CONFIG_PASSPHRASE"]
    assert findings(live)["passphrase"].verdict == "fail"
    assert "set PULUMI_CONFIG_PASSPHRASE" in findings(live)["passphrase"].text


def test_a_wrong_passphrase_is_noticed(live: Project) -> None:
    live.salt()
    passphrase = findings(live, PULUMI_CONFIG_PASSPHRASE="another")["passphrase"]
    assert (passphrase.verdict, passphrase.text.partition(":")[0]) == ("fail", "incorrect passphrase")


def test_a_stack_without_a_salt_gets_one_later(project: Project) -> None:
    found = findings(project)["passphrase"]
    assert (found.verdict, found.text) == (
        "note",
        "set; the first `up` adds an encryptionsalt to the stack file",
    )


def test_a_lost_salt_is_noticed_and_given_back(live: Project) -> None:
    state = {"secrets_providers": {"type": "passphrase", "state": {"salt": SALT}}}
    there = backend(live)
    there.state_file.write_text(
        json.dumps({**EMPTY_STATE, "checkpoint": {"stack": "organization/voiceid-optout/test", "latest": state}}),
        encoding="utf-8",
    )
    found = findings(live)["passphrase"]
    assert found.verdict == "fail"
    assert found.text.startswith("Pulumi.test.yaml has lost its encryptionsalt")
    assert found.text.endswith(f"add this line to it: encryptionsalt: {SALT}")
    live.salt()
    assert findings(live)["passphrase"] == Finding("passphrase", "ok", "fits the stack")


def test_a_missing_program_is_noticed(live: Project) -> None:
    (live.root / "__main__.py").unlink()
    found = findings(live)["project"]
    assert found.verdict == "fail"
    assert found.text.startswith(f"no program: {live.root.resolve()}/__main__.py is missing; restore it from Git")


def test_what_the_stack_s_file_says_is_not_said_of_the_shell(
    live: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command sets variables for the AWS SDK itself, which it must not mistake for the shell's."""
    for name, value in live.environment.items():
        monkeypatch.setenv(name, value)
    found = {finding.subject: finding for finding in examine(find(live.root, "test"))}
    assert found["settings"].text == (
        "region us-east-1 from voiceid-optout:region, endpoint from voiceid-optout:endpoint"
    )
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    found = {finding.subject: finding for finding in examine(find(live.root, "test"))}
    assert found["settings"].text.startswith("region us-east-1 from AWS_REGION, ")


def test_a_locked_state_names_holder_and_remedy(live: Project) -> None:
    lock(live, os.getpid())
    state = findings(live)["state"]
    assert state.verdict == "fail"
    assert state.text.startswith(f"locked by sam@{socket.gethostname()} (pid {os.getpid()}) since 2026-03-02T10:")
    assert state.text.endswith("wait, or run `optout unlock`")


def test_an_abandoned_lock_hinders_nobody(live: Project) -> None:
    lock(live, GONE_PID)
    state = findings(live)["state"]
    assert state.verdict == "note"
    assert state.text.startswith("an abandoned lock of sam@")


def test_the_state_is_read(live: Project) -> None:
    content = json.dumps(EMPTY_STATE)
    backend(live).state_file.write_text(content, encoding="utf-8")
    state = findings(live)["state"]
    assert (state.verdict, state.text) == ("ok", f"0 resources, {len(content):,} bytes")


def test_a_state_that_cannot_be_read_is_named(live: Project) -> None:
    backend(live).state_file.write_text("{", encoding="utf-8")
    state = findings(live)["state"]
    assert state.verdict == "fail"
    assert "test.json" in state.text


EMPTY_STATE = {"version": 3, "checkpoint": {"stack": "organization/voiceid-optout/test", "latest": {}}}


def test_a_run_that_was_cut_short_is_told(live: Project) -> None:
    there = backend(live)
    there.state_file.write_text(json.dumps(EMPTY_STATE), encoding="utf-8")
    there.journal_file.touch()
    state = findings(live)["state"]
    assert (state.verdict, state.text) == ("note", "a run was cut short; the next one recovers what it did")


def test_a_state_s_folder_must_be_writable(live: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    there = backend(live)
    there.state_file.write_text(json.dumps(EMPTY_STATE), encoding="utf-8")
    # For root every folder is writable: only the answer to the question can be changed.
    monkeypatch.setattr("os.access", lambda path, _mode: path != there.state_file.parent.resolve())
    state = findings(live)["state"]
    assert (state.verdict, state.text) == ("fail", f"{there.state_file.parent.resolve()} cannot be written")


def test_every_domain_is_asked_for(live: Project, service: Service, domain: str) -> None:
    """Those of the stack and those of the register, whether anybody else names them or not."""
    suspended, unknown = service.new_domain(), "X" * 22
    service.suspend(suspended)
    live.configure(endpoint=service.url, region="us-east-1", domain=unknown, domains={"sandbox": domain})
    live.people("caller-1", domain=suspended)
    texts = {f.text: f.verdict for f in examine(live.context(PATH="")) if f.subject == "endpoint"}
    assert len(texts) == 3
    assert texts[f"domain {domain} of Voice ID at {service.url} (us-east-1) is ACTIVE"] == "ok"
    assert texts[f"domain {suspended} of Voice ID at {service.url} (us-east-1) is SUSPENDED"] == "fail"
    assert [verdict for text, verdict in texts.items() if unknown in text or "not" in text] == ["fail"]


def test_an_endpoint_that_does_not_answer_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        project.configure(endpoint=endpoint, region="us-east-1", domain=DOMAIN, domains={"sandbox": DOMAIN})
        found = findings(project)["endpoint"]
    assert found.verdict == "fail"
    assert f"{endpoint} (us-east-1) does not answer" in found.text


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"endpoint": "ftp://somewhere", "region": "us-east-1"}, "no http or https URL"),
        ({}, "no region"),
    ],
)
def test_settings_that_cannot_be_used_are_named(project: Project, config: dict[str, Any], complaint: str) -> None:
    project.configure(**config)
    found = findings(project)["endpoint"]
    assert found.verdict == "fail"
    assert complaint in found.text


def test_without_a_domain_nobody_is_asked(project: Project) -> None:
    project.configure(region="us-east-1")
    (project.root / "config" / "people.yaml").write_text("speakers: [caller-1]\n", encoding="utf-8")
    found = findings(project)["endpoint"]
    assert (found.verdict, found.text) == (
        "note",
        "not asked: neither register nor stack names a domain of AWS's Voice ID in us-east-1",
    )


def test_a_sandbox_that_cannot_start_is_a_finding(project: Project) -> None:
    project.configure(service="embedded", domain="no domain id")
    found = findings(project)
    assert found["service"].verdict == "fail"
    assert found["service"].text.startswith("the sandbox's service did not start: ")
    assert "endpoint" not in found


def test_a_sandbox_whose_service_is_not_installed_is_a_finding(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.configure(service="embedded", domain="sandbox", domains={"sandbox": DOMAIN})
    monkeypatch.setitem(sys.modules, "starlette", None)
    found = findings(project)
    assert (found["service"].verdict, found["service"].text) == (
        "fail",
        "the service needs starlette, which is not installed; run: pip install 'voiceid-optout[service]'",
    )


def test_the_pulumi_cli_says_its_version(project: Project, tmp_path: Path) -> None:
    path = pulumi(tmp_path, '#!/bin/sh\n[ "$1" = version ] && echo v3.260.0\n')
    found = findings(project, PATH=path)["pulumi"]
    assert (found.verdict, found.text) == ("ok", "v3.260.0 on PATH; --engine embedded does without it")


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/no/such/interpreter\n"])
def test_a_pulumi_cli_that_does_not_run_is_named(project: Project, tmp_path: Path, script: str) -> None:
    found = findings(project, PATH=pulumi(tmp_path, script))["pulumi"]
    assert found.verdict == "fail"
    assert found.text.startswith(f"{tmp_path}/bin/pulumi does not run: ")


@pytest.mark.parametrize(
    ("config", "environment", "named"),
    [
        ({"gaurd": {"maxLosses": 0}}, {}, "voiceid-optout:gaurd is no setting: did you mean guard?"),
        ({"service": "embeded"}, {}, "voiceid-optout:service is embedded, nothing else"),
        ({"quotas": {"optOut": 0}}, {}, "quotas needs a positive number of calls a second for optOut"),
        ({"service": "embedded", "endpoint": ELSEWHERE}, {}, "service: embedded beside voiceid-optout:endpoint"),
        ({"service": "embedded", "salt": True}, {}, "service: embedded beside an encryptionsalt"),
        ({"service": "embedded"}, {"PULUMI_CONFIG_PASSPHRASE": "mine"}, "would count for nothing: unset it"),
        (
            {"endpoint": "http://a.example.net:8099"},
            {},
            "http://a.example.net:8099 (voiceid-optout:endpoint) is on another",
        ),
        ({"endpoint": ELSEWHERE}, {"AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:1"}, f"which says {ELSEWHERE}"),
        ({"region": "us-east-1"}, {"AWS_REGION": "eu-west-2"}, "AWS_REGION says eu-west-2"),
        ({"region": "us-east-1"}, {"OPTOUT_ENV_FOR": "voiceid-optout/local"}, "printed for voiceid-optout/local"),
        ({"region": "us-east-1"}, {"PULUMI_CONFIG_PASSPHRASE": "local"}, "which everybody knows"),
        ({"region": "us-east-1"}, {"PULUMI_CONFIG_PASSPHRASE": ""}, "is empty and would seal nothing"),
    ],
)
def test_each_wrong_kind_of_stack_is_named_and_nobody_asked(
    project: Project, config: dict[str, Any], environment: dict[str, str], named: str
) -> None:
    salted = config.pop("salt", False)
    project.configure(domain=DOMAIN, **config)
    if salted:
        project.salt()
    found = findings(project, **environment)
    assert found["place"].verdict == "fail"
    assert named in found["place"].text
    assert found.keys() == {"python", "pulumi", "project", "register", "place"}
    assert project.run("doctor", "--stack", "test", **environment).exit_code == ExitCode.FAILED
    assert not (project.root / ".optout").exists()
