import io
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.tables import each_row
from voiceid_optout.cli.options import (
    approve_option,
    plan_option,
    refresh_option,
    report_options,
    require_answer,
    run_options,
    stack_options,
    with_options,
    yes_option,
)


def parse(*arguments: str, options: Any = run_options, **environment: str) -> dict[str, Any]:
    """Return what the options make of the arguments."""
    seen: dict[str, Any] = {}

    @click.command()
    @with_options(*options)
    def command(**choices: Any) -> None:
        seen.update(choices)

    result = CliRunner().invoke(command, arguments, env=environment)
    if result.exit_code:
        raise click.UsageError(result.stderr)
    return seen


def test_the_defaults() -> None:
    assert parse() == {
        "root": Path(),
        "stack": "local",
        "engine": "auto",
        "as_json": False,
        "quiet": False,
        "parallel": 8,
        "targets": (),
        "event_log": None,
        "trust_state": False,
    }


def test_everything_given(tmp_path: Path) -> None:
    given = ["--cwd", str(tmp_path), "-s", "a", "--engine", "embedded", "--json", "-q"]
    given += ["-p", "3", "-t", "x", "-t", "y", "--event-log", str(tmp_path / "events.jsonl"), "--trust-state"]
    assert parse(*given) == {
        "root": tmp_path,
        "stack": "a",
        "engine": "embedded",
        "as_json": True,
        "quiet": True,
        "parallel": 3,
        "targets": ("x", "y"),
        "event_log": tmp_path / "events.jsonl",
        "trust_state": True,
    }


@each_row("name", ["production", "acme/production", "acme/voiceid-optout/production"])
def test_a_stack_may_be_named_as_pulumi_names_it(name: str) -> None:
    assert parse("--stack", name)["stack"] == "production"
    assert parse(PULUMI_STACK=name)["stack"] == "production"


def test_an_argument_wins_over_the_environment() -> None:
    assert parse("--stack", "a", PULUMI_STACK="b")["stack"] == "a"
    assert parse("--engine", "pulumi", OPTOUT_ENGINE="embedded")["engine"] == "pulumi"
    assert parse(OPTOUT_ENGINE="embedded")["engine"] == "embedded"


@each_row(
    ("arguments", "complaint"),
    [
        (["--cwd", "/nowhere/at/all"], "does not exist"),
        (["--engine", "terraform"], "'terraform' is not one of 'auto', 'embedded', 'pulumi'"),
        (["--parallel", "0"], "0 is not in the range 1<=x<=256"),
        (["--parallel", "many"], "not a valid integer"),
        (["--nonsense"], "No such option"),
    ],
)
def test_what_cannot_be_meant_is_said(arguments: list[str], complaint: str) -> None:
    with pytest.raises(click.UsageError, match=complaint):
        parse(*arguments)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    with pytest.raises(click.UsageError, match="is a file"):
        parse("--cwd", str(tmp_path / "Pulumi.yaml"))


def test_refresh_is_on_unless_switched_off() -> None:
    assert parse(options=[refresh_option]) == {"refresh": True}
    assert parse("--no-refresh", options=[refresh_option]) == {"refresh": False}


def test_options_are_shown_in_the_order_given() -> None:
    @click.command()
    @with_options(*stack_options, yes_option)
    def command() -> None: ...

    assert [option.name for option in command.params] == ["root", "stack", "yes"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_question_needs_somebody_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    require_answer(yes=True)
    for nobody in (io.StringIO("y\n"), None):
        monkeypatch.setattr("sys.stdin", nobody)
        with pytest.raises(click.UsageError, match="pass --yes"):
            require_answer(yes=False)
        require_answer(yes=True)
    monkeypatch.setattr("sys.stdin", _Terminal())
    require_answer(yes=False)


def test_a_report_goes_where_and_how_it_is_asked_for() -> None:
    assert parse(options=report_options) == {"form": None, "outputs": ()}
    assert parse("--format", "html", "-o", "a.md", "--output", "b", options=report_options) == {
        "form": "html",
        "outputs": (Path("a.md"), Path("b")),
    }
    with pytest.raises(click.UsageError, match="'pdf' is not one of"):
        parse("--format", "pdf", options=report_options)


DIGEST = "0123456789abcdef" * 4


@each_row(
    ("given", "meant"),
    [(DIGEST, DIGEST), (DIGEST[:32], DIGEST[:32]), (f" SHA256:{DIGEST.upper()}\n", DIGEST)],
)
def test_an_approval_may_be_pasted_as_it_was_found(given: str, meant: str) -> None:
    assert parse("--approve", given, options=[approve_option, plan_option]) == {"approve": meant, "plan_file": None}


@each_row("given", ["", DIGEST[:12], DIGEST[:31], f"{DIGEST}0", "plan.json", f"{DIGEST[:31]}g"])
def test_what_is_no_digest_is_said(given: str) -> None:
    with pytest.raises(click.UsageError, match="32 to 64 hexadecimal digits"):
        parse("--approve", given, options=[approve_option])
