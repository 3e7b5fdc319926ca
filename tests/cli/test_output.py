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

from tests.tables import each_row
from voiceid_optout.cli import output
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.main import main
from voiceid_optout.cli.output import PlainConsole, console_of, echo, lasting, plain, reported
from voiceid_optout.engine.interface import Operation
from voiceid_optout.engine.messages import DEBUG_VARIABLE
from voiceid_optout.register.faults import Code, Fault, Location, RegisterError, RegisterInvalid
from voiceid_optout.state import PassphraseError, StackLockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.engines import ScriptedEngine
    from tests.cli.projects import Project


EVIL = "a\x1b[2Jb\r\u202ec\n::add-mask::d\n  ::error::e ##[group]f"
SAFE = "ab\\x0d\\u202ec\n: :add-mask::d\n  : :error::e # #[group]f"


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    echo(EVIL)
    echo(EVIL, err=True, nl=False)
    assert capsys.readouterr() == (f"{SAFE}\n", SAFE)


def test_a_file_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for err in (False, True):
        assert console_of(err=err) == PlainConsole(err)
        console_of(err=err).print(EVIL, style="red")
    PlainConsole(quiet=True).print("nothing")
    assert capsys.readouterr() == (f"{SAFE}\n", f"{SAFE}\n")


@each_row(("variable", "value"), [("FORCE_COLOR", "1"), ("TTY_COMPATIBLE", "1")])
def test_a_file_gets_colours_if_somebody_asks_for_them(
    variable: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    console_of().print("[b]no :smile: markup[/b] 12", style="red")
    assert capsys.readouterr().out == "\x1b[31m[b]no :smile: markup[/b] 12\x1b[0m\n"


def test_a_file_needs_nothing_of_rich() -> None:
    code = "import sys\nfrom voiceid_optout.cli.screen import Screen\nScreen().say('done', 'green')"
    code += "\nsys.exit('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("error", [CommandError(EVIL), StackLockedError(EVIL, EVIL, EVIL)])
def test_errors(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), reported():
        raise error
    said = capsys.readouterr().err
    assert SAFE in said
    assert "\x1b" not in said


def test_a_file_of_the_register_with_a_name_for_the_runner(project: Project) -> None:
    (project.root / "config" / "people.yaml").unlink()
    (project.root / "config" / "a\n::add-mask::x\x1b[2J.yaml").write_text("speakers: [1]\n", encoding="utf-8")
    for words in (["validate"], ["validate", "--format", "github"], ["preview", "--stack", "test"]):
        result = project.run(*words)
        assert "add-mask" in result.output
        assert all(line.isprintable() for line in result.output.splitlines())
        assert not [line for line in result.output.splitlines() if line.startswith("::add-mask")]


def test_an_alias_for_the_runner(project: Project) -> None:
    project.configure(domain="x", domains={"sandbox": "UcUuCPFOsAjzg9xoByUatN", "\n::add-mask::x\x1b[2J": "y" * 22})
    project.people("caller-1", domain="quite-another")
    result = project.run("validate")
    assert "it defines : :add-mask::x[2J, sandbox" in result.stdout
    assert all(line.isprintable() for line in result.output.splitlines())


def test_usage_errors(project: Project) -> None:
    result = project.run("preview", "--stack", "a", "--format", EVIL)
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert not [line for line in result.output.splitlines() if line.startswith("::")]


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
        output.result("Added 1 person: config/people.yaml:24")
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
            output.require_written()

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


WHERE = Location("config/people.yaml", 3, 5)
FAULT = Fault(WHERE, Code.NO_DOMAIN, "no domain")


def left_with(error: BaseException) -> int:
    with pytest.raises(SystemExit) as exit_, reported():
        raise error
    return int(str(exit_.value.code))


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (CommandError("it broke"), ExitCode.FAILED, ["error: it broke"]),
        (CommandError("no such thing", ExitCode.USAGE), ExitCode.USAGE, ["error: no such thing"]),
        (PassphraseError("no passphrase"), ExitCode.FAILED, ["error: no passphrase"]),
        (RegisterError("no folder"), ExitCode.FAILED, ["error: no folder"]),
        (
            RegisterInvalid([FAULT]),
            ExitCode.REGISTER_INVALID,
            [str(FAULT), "error: the register has 1 fault; nothing was changed"],
        ),
        (
            RegisterInvalid([FAULT] * 1001),
            ExitCode.REGISTER_INVALID,
            [*[str(FAULT)] * 1001, "error: the register has 1,001 faults; nothing was changed"],
        ),
        (KeyboardInterrupt(), ExitCode.FAILED, ["error: interrupted; run the command again to go on"]),
    ],
)
def test_every_error_has_its_lines_and_its_code(
    error: BaseException, code: ExitCode, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert left_with(error) == code
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", lines)


def test_a_lock_has_a_code_of_its_own(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert left_with(StackLockedError("sam@host (pid 7)", "today", project.root)) == ExitCode.LOCKED
    assert capsys.readouterr().err.startswith("error: the stack is locked by sam@host (pid 7) since today.")


def test_an_unexpected_error_is_one_line_without_what_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert left_with(KeyError("caller-000017")) == ExitCode.FAILED
    err = capsys.readouterr().err
    assert err.startswith("error: unexpected: KeyError at test_output.py:")
    assert err.count("\n") == 1
    assert DEBUG_VARIABLE in err
    assert "caller" not in err


def test_what_the_system_says_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert left_with(OSError(28, "No space left on device")) == ExitCode.FAILED
    assert capsys.readouterr().err.startswith("error: unexpected: No space left on device at ")


def test_whoever_debugs_gets_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEBUG_VARIABLE, "1")
    with pytest.raises(KeyError), reported():
        raise KeyError("x")
    assert left_with(CommandError("expected")) == ExitCode.FAILED


@each_row("error", [click.UsageError("no"), click.exceptions.Exit(4), click.Abort(), SystemExit(4)])
def test_what_click_handles_is_left_to_it(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, reported():
        raise error
    assert caught.value is error


def test_a_pipe_that_broke_inside_is_no_silent_end(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output does not fail in a command; whatever else does is a fault to be told."""
    assert left_with(BrokenPipeError(32, "Broken pipe")) == ExitCode.FAILED
    assert capsys.readouterr().err.startswith("error: unexpected: Broken pipe at test_output.py:")


def test_nothing_is_said_when_nothing_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with reported():
        click.echo("fine")
    assert capsys.readouterr() == ("fine\n", "")
