import click
import pytest

from tests.cli.projects import Project
from voiceid_optout.cli.errors import CommandError, reported
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.engine.messages import DEBUG_VARIABLE
from voiceid_optout.register.faults import Code, Fault, Location, RegisterError, RegisterInvalid
from voiceid_optout.state import PassphraseError, StackLockedError

WHERE = Location("config/people.yaml", 3, 5)
FAULT = Fault(WHERE, Code.NO_DOMAIN, "no domain")


def leave(error: BaseException) -> int:
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
    assert leave(error) == code
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", lines)


def test_a_lock_has_a_code_of_its_own(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(StackLockedError("sam@host (pid 7)", "today", project.root)) == ExitCode.LOCKED
    assert capsys.readouterr().err.startswith("error: the stack is locked by sam@host (pid 7) since today.")


def test_what_nobody_foresaw_is_one_line_without_what_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(KeyError("caller-000017")) == ExitCode.FAILED
    err = capsys.readouterr().err
    assert err.startswith("error: unforeseen: KeyError at test_errors.py:")
    assert err.count("\n") == 1
    assert DEBUG_VARIABLE in err
    assert "caller" not in err


def test_what_the_system_says_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(OSError(28, "No space left on device")) == ExitCode.FAILED
    assert capsys.readouterr().err.startswith("error: unforeseen: No space left on device at ")


def test_whoever_debugs_gets_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEBUG_VARIABLE, "1")
    with pytest.raises(KeyError), reported():
        raise KeyError("x")
    assert leave(CommandError("foreseen")) == ExitCode.FAILED


@pytest.mark.parametrize("error", [click.UsageError("no"), click.exceptions.Exit(4), click.Abort(), SystemExit(4)])
def test_what_click_handles_is_left_to_it(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, reported():
        raise error
    assert caught.value is error


def test_a_pipe_that_broke_inside_is_no_silent_end(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output does not fail in a command; whatever else does is a fault to be told."""
    assert leave(BrokenPipeError(32, "Broken pipe")) == ExitCode.FAILED
    assert capsys.readouterr().err.startswith("error: unforeseen: Broken pipe at test_errors.py:")


def test_nothing_is_said_when_nothing_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with reported():
        click.echo("fine")
    assert capsys.readouterr() == ("fine\n", "")
