"""Standard streams that fail: nobody reads the pipe, the disk is full, or there is no stream at all."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from voiceid_optout.cli import streams
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.main import main
from voiceid_optout.cli.streams import lasting, plain
from voiceid_optout.engine.interface import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.engines import ScriptedEngine
    from tests.cli.projects import Project

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs Linux's /dev/full")


def written(text: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, newline="") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with lasting():
            sys.stdout.write(text)
        stream.flush()
        return raw.getvalue()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", b". x ... b?ro ?"),
        ("latin-1", "· ± ... büro ?".encode("latin-1")),
        ("utf-8", "· ± … büro 山".encode()),
    ],
)
def test_every_text_can_be_written(encoding: str, expected: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert written("· ± … büro 山", encoding, monkeypatch) == expected


def test_names_that_no_encoding_knows_do_not_stop_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written("config/b\udcfcro.yaml", "utf-8", monkeypatch) == b"config/b?ro.yaml"


def test_streams_that_are_no_text_files_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    with lasting():
        assert sys.stdout is stream
    assert stream.errors is None


def test_only_encoding_can_be_tolerated() -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid")
    with pytest.raises(UnicodeDecodeError):
        plain(error)


@contextmanager
def failing(kind: str) -> Iterator[io.TextIOWrapper | None]:
    """Give a standard output that takes nothing."""
    if kind == "closed":
        yield None
        return
    if kind == "full":
        number = os.open(FULL, os.O_WRONLY)
    else:
        reading, number = os.pipe()
        os.close(reading)
    stream = io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8", write_through=True)
    try:
        yield stream
    finally:
        os.close(number)


def leave(work: Callable[[], None], kind: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Do the work with such a standard output; returns the exit code."""
    with failing(kind) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        try:
            with lasting():
                work()
        except SystemExit as end:
            return int(str(end.code))
    return 0


FAILURES = [
    pytest.param("full", "No space left on device", marks=needs_full),
    ("left", "Broken pipe"),
    ("closed", "it is closed"),
]


@pytest.mark.parametrize(("kind", "reason"), FAILURES)
def test_output_that_fails_ends_no_work_and_is_told_at_the_end(
    kind: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = []

    def work() -> None:
        for number in range(3):
            click.echo("x" * 100_000)
            done.append(number)
        streams.result("Added 1 person: config/people.yaml:24")
        raise SystemExit(0)

    assert leave(work, kind, monkeypatch) == ExitCode.FAILED
    assert done == [0, 1, 2]
    assert capsys.readouterr().err == (
        f"error: standard output cannot be written ({reason}); this was done all the same: "
        "Added 1 person: config/people.yaml:24\n"
    )


def test_a_command_keeps_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        click.echo("drift")
        raise SystemExit(ExitCode.DRIFT)

    assert leave(work, "left", monkeypatch) == ExitCode.DRIFT
    assert capsys.readouterr().err == "error: standard output cannot be written (Broken pipe)\n"


def test_a_closed_output_that_nobody_needs_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert leave(lambda: click.echo("told elsewhere", err=True), "closed", monkeypatch) == ExitCode.DONE


def test_what_must_arrive_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        click.echo("a secret")
        with pytest.raises(CommandError, match=r"cannot be written \(Broken pipe\); nothing was changed"):
            streams.require_written()

    assert leave(work, "left", monkeypatch) == ExitCode.FAILED


def test_a_pipe_that_does_not_block_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    found = []
    stream = io.TextIOWrapper(io.FileIO(writing, "w", closefd=False), "utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)

    def read() -> None:
        while data := os.read(reading, 65_536):
            found.append(len(data))

    reader = threading.Thread(target=read)
    reader.start()
    with lasting():
        click.echo("x" * 1_000_000, nl=False)
    os.close(writing)
    reader.join()
    os.close(reading)
    assert sum(found) == 1_000_000


@pytest.mark.parametrize("options", [["--yes"], ["--yes", "--json"]])
def test_a_run_whose_reader_has_left_goes_on_and_says_what_it_did(
    project: Project,
    engine: ScriptedEngine,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for label in ("sp-00000000000005a1", "sp-00000000000005a2"):
        engine.stream.step("create", label)
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    arguments = ["up", "--stack", "test", "--cwd", str(project.root), *options]
    assert leave(lambda: main(arguments), "left", monkeypatch) == ExitCode.FAILED
    assert engine.operations == [Operation.PREVIEW, Operation.UP]
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: standard output cannot be written (Broken pipe); this was done all the same: Done: 2 opted out."
    )


def optout(arguments: str, project: Project) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell does, with all that it can do to the standard streams."""
    command = f"{shlex.quote(sys.executable)} -m voiceid_optout {arguments}"
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=project.root,
        env={**os.environ, **project.environment},
        capture_output=True,
        text=True,
        check=False,
    )


@needs_full
def test_a_document_that_finds_no_room_is_one_clear_line(project: Project) -> None:
    finished = optout("validate --stack test --json > /dev/full", project)
    assert finished.returncode == ExitCode.FAILED
    assert finished.stderr.splitlines()[-1] == (
        "error: standard output cannot be written (No space left on device)"
    )
    assert "Traceback" not in finished.stderr


@needs_full
def test_what_was_added_is_said_though_standard_output_is_full(project: Project) -> None:
    finished = optout("add caller-3 --stack test > /dev/full", project)
    assert finished.returncode == ExitCode.FAILED
    assert finished.stderr == (
        "error: standard output cannot be written (No space left on device); this was done all the same: "
        "Added 1 person: config/people.yaml:5\n"
    )
    assert "caller-3" in (project.root / "config" / "people.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", ["add -", "release - --reason asked", "add --from-csv -"])
def test_a_closed_standard_input_is_one_clear_line(project: Project, arguments: str) -> None:
    finished = optout(f"{arguments} <&-", project)
    assert (finished.returncode, finished.stdout) == (ExitCode.USAGE, "")
    assert finished.stderr == "error: standard input is closed: give the text on it, or name a file\n"


def test_a_closed_standard_output_is_no_other_file_s(project: Project) -> None:
    """What is opened next gets the number of what is closed: a document would go there."""
    finished = optout("validate --stack test --json >&-", project)
    assert finished.returncode == ExitCode.FAILED
    assert finished.stderr.endswith("error: standard output cannot be written (it is closed)\n")
