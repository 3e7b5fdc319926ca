"""Faults of the surroundings: one clear error each, and the state stays as it was."""

from __future__ import annotations

import configparser
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e import copies
from tests.e2e.commands import ended, eventually, optout_command
from tests.e2e.services import Service, opted_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.commands import Finished
    from tests.e2e.copies import Copy

FULL_DEVICE = Path("/dev/full")
PEOPLE = [f"caller-{n:06}" for n in range(60)]


@pytest.fixture
def alone(copy: Copy) -> Copy:
    """Give a copy whose people are opted out, with one more to come, in a domain of its own."""
    copy.write(PEOPLE)
    copy.up()
    copy.write([*PEOPLE, "caller-900000"])
    return copy


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def assert_one_error(finished: Finished, *words: str, code: int = 1) -> None:
    assert finished.code == code, finished.output
    assert len(finished.err.splitlines()) == 1, finished.err
    assert finished.err.startswith("error: ")
    for word in words:
        assert word in finished.err
    assert "caller-" not in finished.output


def assert_refused(copy: Copy, *words: str, env: dict[str, str | None] | None = None) -> None:
    """Expect one error of `up`, and a state of the same bytes."""
    before = copy.state_file.read_bytes()
    assert_one_error(copy.optout("up", "--yes", env=env), *words)
    assert copy.state_file.read_bytes() == before


class TestEndpoint:
    def test_nobody_listens(self, applied: Copy) -> None:
        port = free_port()
        copies.write_stack(applied, f"http://127.0.0.1:{port}")
        before = applied.resources()
        for command in (["up", "--yes"], ["preview"], ["drift"], ["refresh"]):
            finished = applied.optout(*command)
            assert_one_error(finished, f"http://127.0.0.1:{port}", "does not answer", "voiceid-optout:endpoint")
        assert applied.resources() == before

    def test_without_a_refresh_too(self, applied: Copy, service: Service) -> None:
        before = applied.resources()
        copies.write_stack(applied, f"http://127.0.0.1:{free_port()}")
        assert_one_error(applied.optout("up", "--yes", "--no-refresh"), "does not answer")
        assert applied.resources() == before
        assert service.statuses(applied.domain_id) == opted_out(PEOPLE)

    def test_at_the_first_up_of_sixty_people(self, copy: Copy, service: Service) -> None:
        copy.write(PEOPLE)
        copies.write_stack(copy, f"http://127.0.0.1:{free_port()}")
        assert_one_error(copy.optout("up", "--yes"), "does not answer")
        assert copy.resources() == {}
        copies.write_stack(copy, service.running.url)
        assert "Done: 60 opted out." in copy.up().out
        assert service.statuses(copy.domain_id) == opted_out(PEOPLE)

    def test_something_else_listens(self, applied: Copy, service: Service) -> None:
        copies.write_stack(applied, service.running.admin_url or "")
        assert_one_error(applied.optout("preview"), "voiceid-optout:endpoint")


class TestCredentials:
    def test_secret_altered(self, applied: Copy, service: Service) -> None:
        key, secret = service.keys
        wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        environment = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": wrong}
        before = applied.state_file.read_bytes()
        finished = applied.optout("up", "--yes", env=environment)
        assert_one_error(finished, "rejects the AWS credentials")
        assert wrong not in finished.output
        assert applied.state_file.read_bytes() == before

    def test_unknown_key(self, applied: Copy, tmp_path: Path) -> None:
        path = tmp_path / "credentials"
        parser = configparser.RawConfigParser()
        parser["default"] = {"aws_access_key_id": "OPTOUNKNOWN", "aws_secret_access_key": "x" * 40}
        with path.open("w") as file:
            parser.write(file)
        assert_refused(applied, "rejects the AWS credentials", env={"AWS_SHARED_CREDENTIALS_FILE": str(path)})

    def test_none(self, applied: Copy) -> None:
        assert_refused(
            applied, "no usable AWS credentials", "AWS_PROFILE", env={"AWS_SHARED_CREDENTIALS_FILE": None}
        )


class TestDomain:
    def test_unknown_one_at_the_first_up(self, copy: Copy) -> None:
        unknown = copies.Copy(copy.shell, copy.stack, "0" * 22)
        copies.write_stack(unknown, read_endpoint(copy))
        unknown.write(PEOPLE)
        assert_one_error(unknown.optout("up", "--yes"), f"domain {'0' * 22} is unknown there")
        assert unknown.resources() == {}

    def test_suspended(self, alone: Copy, service: Service) -> None:
        service.hook(f"/domains/{alone.domain_id}/suspend")
        before = alone.resources()
        finished = alone.optout("up", "--yes")
        assert_one_error(finished, f"domain {alone.domain_id} is not active", "OptOutSpeaker is refused")
        assert alone.resources() == before
        doctor = alone.optout("doctor")
        assert doctor.code == 1
        assert "is SUSPENDED" in doctor.out

        service.hook(f"/domains/{alone.domain_id}/reactivate")
        assert "Done: 1 opted out." in alone.up().out


class TestPerson:
    def test_unknown_to_the_service_is_named_by_place(self, applied: Copy) -> None:
        unknown = f"id#{'x' * 22}"
        applied.write([*PEOPLE, unknown])
        finished = applied.optout("up", "--yes")
        assert_one_error(finished, "error: config/people.yaml:63: ", "has no such speaker")
        assert unknown not in finished.output


class TestDisk:
    def test_full_for_every_file(self, alone: Copy, service: Service) -> None:
        """No file may grow beyond a size that the state of 60 people has passed: the journal still fits."""
        before = alone.state_file.read_bytes()
        limit = len(before) // 2

        def limited() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        finished = alone.optout("up", "--yes", preexec_fn=limited)
        assert finished.code in (1, 9), finished.output
        assert "cannot write" in finished.err
        assert "make room" in finished.err
        assert alone.state_file.read_bytes() == before

        again = alone.up()
        assert "recovered" in again.out  # the opt-out made in vain is not forgotten
        assert len(alone.resources()) == 61
        assert service.statuses(alone.domain_id) == opted_out([*PEOPLE, "caller-900000"])

    def test_full_from_the_start(self, copy: Copy, small_disk: Path, service: Service) -> None:
        copy.write(PEOPLE)
        backend: dict[str, str | None] = {"PULUMI_BACKEND_URL": small_disk.as_uri()}
        ballast = fill(small_disk)
        finished = copy.optout("up", "--yes", env=backend)
        assert_one_error(finished, "cannot write", "No space left on device")
        assert service.statuses(copy.domain_id) == {}

        ballast.unlink()
        assert "Done: 60 opted out." in copy.up(env=backend).out

    @pytest.mark.skipif(not FULL_DEVICE.exists(), reason="needs a device that is always full")
    def test_full_for_the_event_log(self, copy: Copy, service: Service) -> None:
        copy.write(PEOPLE)
        finished = copy.optout("up", "--yes", "--event-log", str(FULL_DEVICE))
        assert_one_error(finished, "cannot write the event log /dev/full: No space left on device")
        assert "Done: 60 opted out." in finished.out  # the run itself does not suffer from it
        assert len(copy.resources()) == 60
        assert service.statuses(copy.domain_id) == opted_out(PEOPLE)

    def test_full_on_the_way(self, copy: Copy, small_disk: Path, service: Service) -> None:
        copy.write(PEOPLE)
        backend: dict[str, str | None] = {"PULUMI_BACKEND_URL": small_disk.as_uri()}
        ballast = fill(small_disk, leave=64 * 1024)
        finished = copy.optout("up", "--yes", env=backend)
        assert finished.code in (1, 9), finished.output
        assert finished.err.count("No space left on device") == 1, finished.err
        assert 0 < len(service.statuses(copy.domain_id)) <= 60

        ballast.unlink()
        copy.up(env=backend)
        assert service.statuses(copy.domain_id) == opted_out(PEOPLE)
        assert copy.optout("drift", env=backend).code == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of one megabyte of its own."""
    place = tmp_path / "small disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs the rights of root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """Take all of a disk but ``leave`` bytes; deleting the file that is returned makes room again."""
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * (shutil.disk_usage(disk).free - leave))
    return ballast


class TestState:
    def test_wrong_passphrase(self, applied: Copy) -> None:
        assert_refused(applied, "incorrect passphrase", env={"PULUMI_CONFIG_PASSPHRASE": "another"})

    def test_no_passphrase(self, applied: Copy) -> None:
        assert_refused(
            applied, "no passphrase: set PULUMI_CONFIG_PASSPHRASE", env={"PULUMI_CONFIG_PASSPHRASE": None}
        )

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 3, "checkpoint": {"latest": {"resour'])
    def test_damaged_file(self, applied: Copy, service: Service, content: bytes) -> None:
        applied.state_file.write_bytes(content)
        finished = applied.optout("up", "--yes")
        assert_one_error(finished, "test.json is not a Pulumi state file", ".bak")
        assert applied.state_file.read_bytes() == content
        assert service.statuses(applied.domain_id) == opted_out(PEOPLE)

    def test_locked(self, applied: Copy, service: Service) -> None:
        folder = (
            applied.root / ".optout" / "state" / ".pulumi" / "locks" / "organization" / "voiceid-optout" / "test"
        )
        lock = folder / "5f3c.json"
        holder = {
            "pid": os.getpid(),
            "username": "robin",
            "hostname": socket.gethostname(),
            "timestamp": "2026-01-01",
        }
        lock.write_text(json.dumps(holder), encoding="utf-8")
        before = applied.state_file.read_bytes()
        digest = applied.optout("destroy", "--preview").out.partition("Digest: ")[2].split()[0]
        for command in (["up", "--yes"], ["refresh"], ["destroy", "--approve", digest]):
            finished = applied.optout(*command)
            assert_one_error(finished, "the stack is locked by robin@", str(lock), code=8)
        assert applied.state_file.read_bytes() == before
        assert service.statuses(applied.domain_id) == opted_out(PEOPLE)
        doctor = applied.optout("doctor")
        assert doctor.code == 1
        assert "locked by robin@" in doctor.out

        assert applied.optout("preview").code == 0  # it writes nothing
        lock.unlink()
        assert applied.optout("refresh").code == 0

    def test_locked_by_a_run_under_way(self, copy: Copy, service: Service) -> None:
        copy.write(PEOPLE)
        process = copy.shell.start(*optout_command("up", "--yes"))
        locks = copy.root / ".optout" / "state" / ".pulumi" / "locks"
        eventually(lambda: list(locks.rglob("*.json")), "it holds the lock")
        process.send_signal(signal.SIGSTOP)
        try:
            assert_one_error(copy.optout("refresh"), "the stack is locked by", f"(pid {process.pid})", code=8)
        finally:
            process.send_signal(signal.SIGCONT)
        assert ended(process).code == 0
        assert service.statuses(copy.domain_id) == opted_out(PEOPLE)

    @pytest.mark.parametrize("content", ["", "[]", '{"pid": "x"}', "{"])
    def test_locked_by_a_file_that_says_nothing(self, applied: Copy, content: str) -> None:
        folder = (
            applied.root / ".optout" / "state" / ".pulumi" / "locks" / "organization" / "voiceid-optout" / "test"
        )
        (folder / "5f3c.json").write_text(content, encoding="utf-8")
        assert_one_error(applied.optout("up", "--yes"), "the stack is locked", code=8)


def read_endpoint(copy: Copy) -> str:
    line = next(line for line in copy.stack_file.read_text().splitlines() if ":endpoint:" in line)
    return str(json.loads(line.split(": ", 1)[1]))
