"""Processes killed at the worst moment: nothing acknowledged is lost, and the next run converges."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.e2e import copies
from tests.e2e.commands import Shell, ended, eventually, optout_command
from tests.e2e.services import Service, opted_out, serving
from tests.e2e.test_leaks import PERSON, leaking_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.copies import Copy

PEOPLE = [f"caller-{n:06}" for n in range(500)]


def journal_lines(copy: Copy) -> int:
    """Return how many steps the run under way has noted."""
    path = copy.root / ".optout" / "state" / ".pulumi" / "journals" / "voiceid-optout" / f"{copy.stack}.jsonl"
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def speakers(data: Path) -> list[tuple[str, str]]:
    """Return id and status of everybody in the database of a service that does not run."""
    with closing(sqlite3.connect(data / "voiceid.db")) as database:
        rows = database.execute("select customer_id, status from speakers").fetchall()
    return [(str(customer), str(status)) for customer, status in rows]


def test_service_killed_in_the_middle_of_up(tmp_path: Path) -> None:
    data, shell = tmp_path / "data", Shell(tmp_path)
    with serving(shell, data) as service:
        domain_id = service.new_domain()
        copy = copies.with_service(tmp_path / "opt outs", service, domain_id)
        # Slow enough to be caught in the middle, quick enough for a test.
        quotas = {"optOut": 300, "describe": 1000, "delete": 1000, "list": 1000}
        copies.write_stack(copy, service.running.url, quotas=quotas)
        copy.write(PEOPLE)
        process = copy.shell.start(*optout_command("up", "--yes"))
        eventually(lambda: journal_lines(copy) > 150, "a part of the people is opted out")
        assert service.process is not None
        service.process.send_signal(signal.SIGKILL)
        finished = ended(process)
    assert finished.code == 9, finished.output
    errors = finished.err.splitlines()
    assert len([line for line in errors if "does not answer" in line]) == 1, errors
    assert "error: applied in part; run the command again to go on from there" in errors
    assert len(errors) == 2

    recorded = {item["id"] for item in copy.resources().values()}
    assert 0 < len(recorded) < len(PEOPLE)
    kept = {customer for customer, status in speakers(data) if status == "OPTED_OUT"}
    assert len(recorded) <= len(kept) < len(PEOPLE)

    with serving(shell, data) as restarted:
        copies.write_stack(copy, restarted.running.url)
        # Everybody in the state was acknowledged before the service was killed.
        assert recorded <= restarted.resource_ids(domain_id)
        assert kept == restarted.statuses(domain_id).keys()
        again = copy.up()
        assert f"Done: {len(PEOPLE) - len(recorded)} opted out." in again.out
        assert restarted.statuses(domain_id) == opted_out(PEOPLE)
    eventually(lambda: not copy.shell.processes(), "nothing is left running")


def test_up_killed_in_the_middle(sandbox: Copy) -> None:
    sandbox.write(PEOPLE)
    process = sandbox.shell.start(*optout_command("up", "--yes"))
    eventually(lambda: journal_lines(sandbox) > 150, "a part of the people is opted out")
    process.kill()
    process.communicate()
    eventually(lambda: not sandbox.shell.processes(), "service, program and plugin end with it")
    assert not sandbox.state_file.exists()
    data = sandbox.root / ".optout" / "service"
    kept = {customer for customer, _ in speakers(data)}
    assert 0 < len(kept) < len(PEOPLE)

    assert "abandoned lock" in sandbox.optout("doctor").out
    again = sandbox.up()
    assert "took over the lock" in again.out
    assert "the run before this one was killed: recovered" in again.out
    assert len(sandbox.resources()) == len(PEOPLE)
    assert journal_lines(sandbox) == 0
    assert {customer for customer, status in speakers(data) if status == "OPTED_OUT"} == set(PEOPLE)


def test_up_killed_on_a_state_that_exists_keeps_it_and_leaves_no_identifier(copy: Copy, service: Service) -> None:
    copy.write(PEOPLE[:2])
    copy.up()
    state = copy.state_file.read_bytes()
    quotas = {"optOut": 20, "describe": 1000, "delete": 1000, "list": 1000}
    copies.write_stack(copy, service.running.url, quotas=quotas)
    copy.write([PERSON, *PEOPLE[:60]])
    process = copy.shell.start(*optout_command("up", "--yes"))
    eventually(lambda: PERSON in service.statuses(copy.domain_id), "the person is opted out")
    process.kill()
    process.communicate()
    assert copy.state_file.read_bytes() == state
    assert journal_lines(copy) > 0
    assert leaking_files(copy.root) == {"config/people.yaml"}

    copies.write_stack(copy, service.running.url)
    copy.up()
    assert service.statuses(copy.domain_id) == opted_out([PERSON, *PEOPLE[:60]])
    assert len(copy.resources()) == 61
    assert journal_lines(copy) == 0


def test_up_killed_while_the_labels_change_their_key(copy: Copy, service: Service) -> None:
    copy.write(PEOPLE)
    copy.up()
    before, asked = copy.resources().keys(), service.answered("OptOutSpeaker")
    assert copy.optout("labels", "rotate").code == 0
    process = copy.shell.start(*optout_command("up", "--yes"))
    eventually(lambda: journal_lines(copy) > 150, "a part of the people has moved")
    process.kill()
    process.communicate()
    eventually(lambda: not copy.shell.processes(), "nothing is left running")
    assert "previousLabelKey" in copy.stack_file.read_text(encoding="utf-8")

    again = copy.up()
    assert "the run before this one was killed: recovered" in again.out
    assert "previousLabelKey" not in copy.stack_file.read_text(encoding="utf-8")
    after = copy.resources().keys()
    assert len(after) == len(PEOPLE)
    assert not after & before
    assert service.answered("OptOutSpeaker") == asked
    assert copy.optout("preview", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_writes_what_it_did_and_takes_its_service_along(
    sandbox: Copy, number: signal.Signals
) -> None:
    sandbox.write(PEOPLE[:300])
    process = sandbox.shell.start(*optout_command("up", "--yes"))
    eventually(lambda: journal_lines(sandbox) > 20, "it is under way")
    process.send_signal(number)
    finished = ended(process)
    assert finished.code == 9
    assert finished.err.splitlines() == [
        "error: interrupted; what was done is kept",
        "error: applied in part; run the command again to go on from there",
    ]
    eventually(lambda: not sandbox.shell.processes(), "service, program and plugin end with it")
    assert journal_lines(sandbox) == 0
    assert 0 < len(sandbox.resources()) < 300
