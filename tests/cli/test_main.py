import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner

from tests.cli.projects import Project
from tests.tables import each_row
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.main import COMMANDS, main, without_arguments

# What no help needs: each takes a tenth of a second or more to import.
HEAVY = {"pulumi", "grpc", "boto3", "botocore", "sqlalchemy", "uvicorn", "starlette", "cryptography"}


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.stdout, result.stderr


def python(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_lists_every_command(option: str) -> None:
    code, text, errors = invoke(option)
    assert (code, errors) == (ExitCode.DONE, "")
    listed = text.partition("Commands:")[2].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed if line] == list(COMMANDS)
    assert all(len(line.split()) > 2 for line in listed if line), "every command says in a few words what it does"


def test_without_a_command_the_help_is_shown() -> None:
    code, out, err = invoke()
    assert code == ExitCode.USAGE
    assert "Usage: " in out + err


@dataclass(frozen=True)
class Ran:
    """What a call of the program wrote, and which heavy modules it loaded."""

    code: int
    out: str
    err: str
    heavy: list[str]


# click keeps the help option that a command was first called with, and modules stay loaded: each call has a process
# of its own, forked from one that has imported the program.
EACH_IN_A_FORK = f"""
import contextlib, io, json, os, sys
from voiceid_optout.cli.main import main
done = []
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(["--help"])  # what all helps load need not be loaded by each
for arguments in json.loads(sys.argv[1]):
    reading, writing = os.pipe()
    if os.fork() == 0:
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(arguments)
            except SystemExit as end:
                code = int(end.code or 0)
        told = dict(code=code, out=out.getvalue(), err=err.getvalue(), heavy=sorted({HEAVY!r} & set(sys.modules)))
        with open(writing, "w") as stream:
            json.dump(told, stream)
        os._exit(0)
    os.close(writing)
    with open(reading) as stream:
        done.append(json.load(stream))
    os.wait()
json.dump(done, sys.stdout)
"""


@pytest.fixture(scope="module")
def helps() -> dict[tuple[str, ...], Ran]:
    """Give what each call of the help says, by its arguments."""
    calls = [("--help",), ("--version",), *((name, option) for name in COMMANDS for option in ("--help", "-h"))]
    finished = python("-c", EACH_IN_A_FORK, json.dumps(calls), COLUMNS="200")
    assert (finished.returncode, finished.stderr) == (0, "")
    return {call: Ran(**told) for call, told in zip(calls, json.loads(finished.stdout), strict=True)}


@each_row("name", COMMANDS)
@each_row("option", ["--help", "-h"])
def test_every_command_s_help_teaches(helps: dict[tuple[str, ...], Ran], name: str, option: str) -> None:
    ran = helps[name, option]
    assert (ran.code, ran.err) == (ExitCode.DONE, "")
    assert "Example" in ran.out
    assert f"optout {name}" in ran.out.partition("Example")[2]
    assert "Exit codes: 0 " in ran.out
    assert max(map(len, ran.out.splitlines())) <= 116


@each_row("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    inner = (
        [command.get_command(click.Context(command), word) for word in command.commands]
        if isinstance(command, click.Group)
        else []
    )
    options = [
        parameter
        for one in (command, *inner)
        if one
        for parameter in one.params
        if isinstance(parameter, click.Option)
    ]
    assert options or name == "completion"
    assert [option.name for option in options if not option.help] == []


@each_row(
    ("arguments", "meant"),
    [(["validte"], "validate"), (["previw"], "preview"), (["serve", "bakup"], "backup")],
)
def test_a_misspelled_command_gets_the_one_that_was_meant(arguments: list[str], meant: str) -> None:
    code, out, err = invoke(*arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert f"Did you mean '{meant}'?" in err


def test_the_version_is_the_installed_one() -> None:
    assert invoke("--version") == (ExitCode.DONE, f"optout, version {version('voiceid-optout')}\n", "")


def test_it_runs_as_a_module() -> None:
    finished = python("-m", "voiceid_optout", "--version")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"optout, version {version('voiceid-optout')}\n"


def test_no_help_loads_what_runs_need(helps: dict[tuple[str, ...], Ran]) -> None:
    assert {call: ran.heavy for call, ran in helps.items() if ran.heavy or ran.code or not ran.out} == {}


def test_a_reader_who_leaves_is_told_of_in_one_line() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "voiceid_optout", "validate", "--print-schema"],
        stdout=writing,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writing)
        _, errors = process.communicate()
    assert process.returncode == ExitCode.FAILED
    assert errors == b"error: standard output cannot be written (Broken pipe)\n"


def test_the_help_can_be_written_in_ascii() -> None:
    finished = python("-m", "voiceid_optout", "drift", "--help", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.isascii()


def test_a_file_name_that_the_locale_does_not_know_is_reported_all_the_same(project: Project) -> None:
    (project.root / "config" / "山.yaml").write_text("speakers: 7\n", encoding="utf-8")
    finished = python(
        *["-m", "voiceid_optout", "preview", "--cwd", str(project.root), "--stack", "test"],
        PYTHONIOENCODING="latin-1",
    )
    assert finished.returncode == ExitCode.REGISTER_INVALID
    assert finished.stderr.startswith("config/?.yaml:1:")


ID = "00491701234567"


@each_row(
    ("arguments", "said"),
    [
        ([ID], "No such command '…'."),
        (["serve", ID], "No such command '…'."),
        (["preview", ID], "Got unexpected extra argument"),
        (["preview", ID, f"x{ID}"], "Got unexpected extra arguments"),
        ([f"--{ID}", "preview"], "No such option"),
        (["preview", f"--{ID}"], "No such option"),
        (["preview", f"--{ID}=1"], "No such option"),
        (["preview", f"--yes={ID}"], "No such option"),
        (["up", f"--yes={ID}"], "Option '--yes' does not take a value."),
        (
            ["preview", "--engine", ID],
            "'…' is not one of 'auto', 'embedded', 'pulumi'.",
        ),
        (
            ["preview", f"--parallel={ID}x"],
            "'-p' / '--parallel': '…' is not a valid integer range.",
        ),
        (["preview", "-p", ID], "'-p' / '--parallel': … is not in the range 1<=x<=256."),
        (["preview", f"-p{ID}"], "'-p' / '--parallel': … is not in the range 1<=x<=256."),
        (["preview", "--cwd", f"/nowhere/{ID}"], "'--cwd': Directory '…' does not exist."),
        (["preview", "-o", f"{ID}.pdf"], "… has none of the endings"),
        (["preview", "-p", "a"], "'…' is not a valid integer range."),
        (["up", "--approve", ID], "a digest is "),
        (["validate", "--stack", ID], "no Pulumi.….yaml here"),
        (["validate", "--stack"], "Option '--stack' requires an argument."),
    ],
)
def test_no_error_quotes_an_argument(arguments: list[str], said: str) -> None:
    code, out, err = invoke(*arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert said in err
    assert ID not in err


def test_no_error_quotes_a_variable() -> None:
    result = CliRunner().invoke(main, ["preview"], env={"OPTOUT_ENGINE": ID})
    assert result.exit_code == ExitCode.USAGE
    assert "'…' is not one of" in result.stderr
    assert ID not in result.output


def test_a_label_may_be_quoted() -> None:
    label = "sp-0123456789abcdef"
    assert without_arguments(f"unexpected extra arguments ({label} {ID} x)", [label, ID, "x"]) == (
        f"unexpected extra arguments ({label} … x)"
    )


@pytest.mark.parametrize("target", [ID, f"sp-{ID}", "caller-1"])
def test_a_target_that_is_no_label_is_not_quoted(project: Project, target: str) -> None:
    result = project.run("preview", "--stack", "test", "--target", target)
    assert result.exit_code == ExitCode.USAGE
    assert "--target takes a label, as a plan shows it" in result.stderr
    assert target not in result.output
