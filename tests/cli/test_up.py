import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from optout.cli.exit_codes import ExitCode
from optout.cli.up import _past
from optout.plan import Action, Plan, Step
from tests.cli.projects import Project
from tests.service.running import Service


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
    assert lines[4:] == ["Applying: 3 of 3", "Done: 2 opted out, 1 released."]
    assert statuses(service, domain) == {"caller-1": "OPTED_OUT", "caller-2": "OPTED_OUT"}
    again = live.run("up", "--yes")
    assert again.stdout.splitlines() == [
        "Plan for stack test: 3 unchanged",
        "Nothing changed: the service says what the register asks.",
    ]


def test_without_a_terminal_it_says_at_once_that_nobody_can_answer(live: Project) -> None:
    result = live.run("up", answer="y\n")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "nobody is here to confirm: pass --yes" in result.stderr
    assert not (live.root / ".optout").exists()


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
        [sys.executable, "-m", "optout", *arguments, "--cwd", str(project.root)],
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
        shown += read_until(terminal, b"no end but the end")
        assert process.wait(60) == ExitCode.USAGE
    assert b"2 to opt out" in shown
    assert shown.endswith(b"error: not confirmed; nothing was changed\r\n")
    assert b"\x1b[3" not in shown, "NO_COLOR asks for no colours"
    assert statuses(service, domain) == {}


def test_a_run_that_failed_says_why_without_a_trace(live: Project, service: Service, domain: str) -> None:
    service.suspend(domain)
    result = live.run("up", "--yes", "--no-refresh")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in result.output
    assert "caller-" not in result.output


def test_every_action_has_its_past() -> None:
    plan = Plan(tuple(Step(f"sp-{n}", action, "") for n, action in enumerate(Action)), 0)
    assert _past(plan) == (
        "1 opted out, 1 repaired, 1 released, 1 no longer managed, 1 updated, 1 deleted, 1 replaced"
    )


def test_after_the_first_run_the_sandbox_says_what_to_try_next(project: Project) -> None:
    project.configure(
        service="embedded", domain="sandbox", domains={"sandbox": "S" * 22}, quotas={"optOut": 99, "describe": 99}
    )
    result = project.run("up", "--yes", "--stack", "test")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines()[-2] == "Done: 2 opted out."
    assert result.stdout.splitlines()[-1].startswith("Next: edit config/people.yaml")
