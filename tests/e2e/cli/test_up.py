import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli import projects
from tests.cli.projects import DOMAIN, Project, digest_in, label_of
from tests.cli.test_shell import exports
from tests.service.running import Service, thread
from voiceid_optout.cli.exit_codes import ExitCode


def statuses(service: Service, domain: str) -> dict[str, str]:
    found = service.client().list_speakers(DomainId=domain)["SpeakerSummaries"]
    return {speaker["CustomerSpeakerId"]: speaker["Status"] for speaker in found}


def test_the_register_is_applied_and_what_was_done_is_said(live: Project, service: Service, domain: str) -> None:
    service.seed(domain, "caller-3", "ENROLLED")
    live.people("caller-1", "caller-2", released={"caller-3": "consented again in writing"})
    result = live.run("up", "--yes")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "Plan for stack test: 2 to opt out, 1 to release, 0 unchanged"
    assert lines[1] == f"Endpoint: {service.url} (us-east-1), domain {domain}"
    assert lines[2].endswith('released because "consented again in writing"')
    assert lines[5].startswith("Digest: ")
    assert lines[6:] == ["Applying: 3 of 3", "Done: 2 opted out, 1 released."]
    assert statuses(service, domain) == {"caller-1": "OPTED_OUT", "caller-2": "OPTED_OUT"}
    (entry,) = (live.root / ".optout" / "state").glob(".pulumi/history/voiceid-optout/test/*.history.json")
    assert json.loads(entry.read_bytes())["message"] == f"up: plan {lines[5].removeprefix('Digest: ')[:32]}"
    again = live.run("up", "--yes", "--continue-on-error")
    assert again.stdout.splitlines() == [
        "Plan for stack test: 3 unchanged",
        f"Endpoint: {service.url} (us-east-1)",
        "Nothing changed: the service says what the register asks.",
    ]


def read_until(terminal: int, word: bytes) -> bytes:
    """Read what is shown on a terminal until a word comes, or its end."""
    seen = b""
    while word not in seen:
        assert select.select([terminal], [], [], 60)[0], seen
        try:
            seen += os.read(terminal, 4096)
        except OSError:  # Linux's way to say that the other side has closed
            break
    return seen


@contextmanager
def on_a_terminal(project: Project, *arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run a command on a terminal of its own; gives the process and our end of it."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "voiceid_optout", *arguments, "--cwd", str(project.root)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **project.environment, "NO_COLOR": "1"},
    ) as process:
        os.close(theirs)
        try:
            yield process, ours
        finally:
            os.close(ours)
            process.kill()


@pytest.mark.parametrize("answer", [b"n\n", b"\x04", signal.SIGINT], ids=["n", "Ctrl-D", "Ctrl-C"])
def test_on_a_terminal_it_asks_and_takes_no_for_an_answer(
    live: Project, service: Service, domain: str, answer: bytes | signal.Signals
) -> None:
    with on_a_terminal(live, "up") as (process, terminal):
        shown = read_until(terminal, b"Do this? [y/N]")
        if isinstance(answer, bytes):
            os.write(terminal, answer)
        else:
            process.send_signal(answer)
            while not select.select([terminal], [], [], 5)[0]:  # it came just before the wait for an answer
                process.send_signal(answer)
        shown += read_until(terminal, b"no end but the end")
        assert process.wait(600) == ExitCode.USAGE
    assert b"2 to opt out" in shown
    assert shown.endswith(b"error: not confirmed; nothing was changed\r\n")
    assert b"\x1b[3" not in shown, "NO_COLOR asks for no colours"
    assert statuses(service, domain) == {}


def test_the_question_says_again_what_and_where(live: Project, service: Service) -> None:
    with on_a_terminal(live, "up") as (process, terminal):
        shown = read_until(terminal, b"Do this? [y/N]")
        os.write(terminal, b"n\n")
        read_until(terminal, b"no end but the end")
        assert process.wait(600) == ExitCode.USAGE
    question = shown.decode().splitlines()[-1]
    assert question.startswith(
        f"2 to opt out, 0 unchanged, at Voice ID at {service.url} (us-east-1). Do this? [y/N]"
    )


def test_what_was_typed_before_the_question_is_no_answer(live: Project, service: Service, domain: str) -> None:
    with on_a_terminal(live, "up") as (process, terminal):
        os.write(terminal, b"y\n")
        read_until(terminal, b"Do this? [y/N]")
        os.write(terminal, b"n\n")
        read_until(terminal, b"no end but the end")
        assert process.wait(600) == ExitCode.USAGE
    assert statuses(service, domain) == {}


def test_a_run_that_failed_says_why_without_a_trace(live: Project, service: Service, domain: str) -> None:
    service.suspend(domain)
    result = live.run("up", "--yes", "--no-refresh")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in result.output
    assert "caller-" not in result.output


CROWD = [f"caller-{n}" for n in range(40)]


def test_a_saved_plan_is_done_without_asking_or_not_at_all(
    live: Project, service: Service, domain: str, tmp_path: Path
) -> None:
    saved = str(tmp_path / "plan.json")
    assert live.run("preview", "--save-plan", saved).exit_code == ExitCode.DONE
    live.people("caller-2", "caller-3")
    stale = live.run("up", "--plan", saved)
    assert stale.exit_code == ExitCode.STALE
    assert stale.stderr.splitlines()[:-1] == [
        "Only in the reviewed plan:",
        f"  + opt out  {label_of(domain, 'caller-1')}  config/people.yaml:3  ensure: none → opted_out",
        "Only in the present one:",
        f"  + opt out  {label_of(domain, 'caller-3')}  config/people.yaml:4  ensure: none → opted_out",
    ]
    assert stale.stderr.splitlines()[-1].startswith("error: the plan is stale, nothing was changed: ")
    assert statuses(service, domain) == {}

    live.people("caller-1", "caller-2")
    done = live.run("up", "--plan", saved)
    assert (done.exit_code, done.stderr) == (ExitCode.DONE, "")
    assert sorted(statuses(service, domain)) == ["caller-1", "caller-2"]
    again = live.run("up", "--plan", saved)
    assert again.exit_code == ExitCode.STALE
    assert again.stderr.endswith("was reviewed, and nothing is left to do now\n")


def test_drift_since_the_review_makes_a_plan_stale(live: Project, service: Service, domain: str) -> None:
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    live.people("caller-1", "caller-2", "caller-3")
    digest = digest_in(live.run("preview").stdout)
    service.seed(domain, "caller-1", "ENROLLED")
    assert live.run("up", "--approve", digest).exit_code == ExitCode.STALE
    assert statuses(service, domain)["caller-1"] == "ENROLLED"


def test_a_mass_change_needs_the_digest_of_exactly_this_plan(
    live: Project, service: Service, domain: str, tmp_path: Path
) -> None:
    live.people(*CROWD)
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    saved = str(tmp_path / "plan.json")
    live.people(*CROWD[13:], released={"caller-0": "consented again in writing"})
    assert live.run("preview", "--save-plan", saved).exit_code == ExitCode.DONE
    for answer in ("--yes", f"--plan={saved}"):
        refused = live.run("up", answer)
        assert refused.exit_code == ExitCode.REFUSED
        assert refused.stdout.startswith("Plan for stack test: 1 to release, 12 to stop managing, 27 unchanged\n")
    assert refused.stderr == (
        "error: refused by the guard, nothing was changed: "
        "13 of 40 people (32.5 %, at most 30 % may) would be released or no longer managed. "
        "If exactly this is meant: "
        f"optout up --stack test --cwd '{live.root}' --approve {digest_in(refused.stdout)}\n"
    )
    assert len(statuses(service, domain)) == 40

    command = shlex.split(refused.stderr.partition("If exactly this is meant: optout ")[2])
    assert live.run("up", *command[command.index("--approve") :]).exit_code == ExitCode.DONE
    assert len(statuses(service, domain)) == 39
    assert live.run("up", "--yes").exit_code == ExitCode.DONE


def test_an_emptied_register_is_refused_and_the_limits_are_the_stack_s(live: Project) -> None:
    live.people(*CROWD)
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    live.people()
    emptied = live.run("up", "--yes", "--json")
    assert emptied.exit_code == ExitCode.REFUSED
    said = json.loads(emptied.stdout)
    assert said["result"] == "refused"
    assert [breach["rule"] for breach in said["plan"]["guard"]["breaches"]] == ["emptied", "share"]

    live.people(*CROWD[20:])
    assert live.run("up", "--yes").exit_code == ExitCode.REFUSED
    with (live.root / "Pulumi.test.yaml").open("a", encoding="utf-8") as file:
        file.write("  voiceid-optout:guard: {maxLossPercent: thirty}\n")
    wrong = live.run("up", "--yes")
    assert wrong.exit_code == ExitCode.USAGE
    assert wrong.stderr == (
        "error: Pulumi.test.yaml: voiceid-optout:guard needs a number from 0 to 100 for maxLossPercent, "
        "without quotes\n"
    )


def test_a_register_saved_while_the_question_waits_is_not_applied(
    live: Project, service: Service, domain: str
) -> None:
    with on_a_terminal(live, "up") as (process, terminal):
        read_until(terminal, b"Do this? [y/N]")
        live.people("caller-9")
        os.write(terminal, b"y\n")
        shown = read_until(terminal, b"no end but the end")
        assert process.wait(600) == ExitCode.STALE
    assert b"config/people.yaml changed after the plan was made" in shown
    assert statuses(service, domain) == {}


def test_who_drifts_while_the_question_waits_is_left_to_the_next_run(
    live: Project, service: Service, domain: str
) -> None:
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    live.people("caller-1", "caller-2", "caller-3")
    drifts_while_it_asks(live, service, domain, "caller-1")
    assert statuses(service, domain) == {
        "caller-1": "ENROLLED",
        "caller-2": "OPTED_OUT",
        "caller-3": "OPTED_OUT",
    }
    again = live.run("up", "--yes")
    assert "Done: 1 repaired." in again.stdout
    assert set(statuses(service, domain).values()) == {"OPTED_OUT"}


def test_who_drifts_while_repairs_wait_for_an_answer_is_repaired_too_and_said(
    live: Project, service: Service, domain: str
) -> None:
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    service.seed(domain, "caller-2", "ENROLLED")
    shown = drifts_while_it_asks(live, service, domain, "caller-1")
    assert b"Done beyond the plan" in shown
    assert label_of(domain, "caller-1").encode() in shown
    assert set(statuses(service, domain).values()) == {"OPTED_OUT"}


def drifts_while_it_asks(live: Project, service: Service, domain: str, person: str) -> bytes:
    """Enrol somebody behind the run's back, agree to its plan, and return what it says from then on."""
    with on_a_terminal(live, "up") as (process, terminal):
        read_until(terminal, b"Do this? [y/N]")
        service.seed(domain, person, "ENROLLED")
        os.write(terminal, b"y\n")
        shown = read_until(terminal, b"no end but the end")
        assert process.wait(600) == ExitCode.DONE
    return shown


def test_exports_of_the_sandbox_do_not_take_production_there(tmp_path: Path) -> None:
    """The shell of somebody who has just tried things out, and then means it."""
    project = projects.make(tmp_path / "a project")
    project.configure("local", service="embedded", domain=DOMAIN)
    project.configure("production", endpoint="https://voiceid.example.org", region="us-east-1", domain=DOMAIN)
    project.people("caller-1", "caller-2", domain=DOMAIN)
    stack_file = project.root / "Pulumi.production.yaml"
    before = stack_file.read_bytes()
    with thread(project.root / ".optout" / "service", domains=((DOMAIN, "sandbox"),)) as sandbox:
        exported = exports(project.run("env", "--stack", "local").stdout)
        result = project.run("up", "--stack", "production", "--yes", **exported)
        listed = sandbox.client().list_speakers(DomainId=DOMAIN)["SpeakerSummaries"]
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr == (
        f"error: AWS_ENDPOINT_URL_VOICE_ID says {sandbox.url} and would win over voiceid-optout:endpoint in "
        "Pulumi.production.yaml, which says https://voiceid.example.org: unset the variable, or change the file; "
        "nothing was called or written\n"
    )
    assert listed == []
    assert stack_file.read_bytes() == before, "no salt was made"
    assert not list((project.root / ".optout").rglob("production.json"))


def test_a_plan_names_endpoint_and_domains_in_every_form(live: Project, service: Service, domain: str) -> None:
    files = {form: live.root / f"plan.{form}" for form in ("txt", "md", "html", "json")}
    shown = live.run("preview", *(word for path in files.values() for word in ("--output", str(path))))
    line = f"{service.url} (us-east-1), domain {domain}"
    assert shown.stdout.splitlines()[1] == f"Endpoint: {line}"
    for form in ("txt", "md", "html"):
        text = files[form].read_text(encoding="utf-8")
        assert line in text
        assert text.index(line) < text.index("sp-"), "above the rows"
    document = json.loads(files["json"].read_text(encoding="utf-8"))
    assert (document["endpoint"], document["region"], document["domains"]) == (service.url, "us-east-1", [domain])
    assert {step["domain"] for step in document["steps"]} == {domain}


def test_a_plan_for_another_endpoint_is_refused_by_name(live: Project, service: Service, domain: str) -> None:
    plan = live.root / "plan.json"
    assert live.run("preview", "--save-plan", str(plan)).exit_code == ExitCode.DONE
    digest = json.loads(plan.read_text(encoding="utf-8"))["digest"]
    other = service.url.replace("127.0.0.1", "localhost")
    live.configure(endpoint=other, region="us-east-1", domain="sandbox", domains={"sandbox": domain})
    result = live.run("up", "--plan", str(plan))
    assert result.exit_code == ExitCode.USAGE
    assert f"is a plan for {service.url} (us-east-1), not for {other} (us-east-1)" in result.stderr
    assert live.run("up", "--approve", digest).exit_code == ExitCode.STALE


def test_a_saved_plan_of_the_old_version_is_told_what_to_do(live: Project) -> None:
    plan = live.root / "plan.json"
    live.run("preview", "--save-plan", str(plan))
    plan.write_text(json.dumps({**json.loads(plan.read_bytes()), "version": 1}), encoding="utf-8")
    result = live.run("up", "--plan", str(plan))
    assert result.exit_code == ExitCode.USAGE
    assert "is of version 1; this program reads version 2; write it anew with `optout preview" in result.stderr


def test_another_domain_of_the_stack_makes_no_plan_stale(live: Project, service: Service, domain: str) -> None:
    """Somebody else's merge brings a domain along, and is applied: this plan still does the same."""
    digest = json.loads(live.run("preview", "--json").stdout)["digest"]
    other = service.new_domain()
    live.configure(
        endpoint=service.url, region="us-east-1", domain="sandbox", domains={"sandbox": domain, "other": other}
    )
    assert live.run("up", "--approve", digest).exit_code == ExitCode.DONE
