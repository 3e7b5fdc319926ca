"""What the documentation shows as commands exists: each is run or has a reason, and no option is made up."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest
from boto3 import Session

from tests.docs import elsewhere
from tests.docs.pages import PAGES, ROOT, commands, languages, spans
from tests.docs.preparations import BEFORE, CODES, PREPARED
from voiceid_optout.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.docs.pages import Command

ALL = [command for page in PAGES for command in commands(page)]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
RUNS_HERE = (
    "optout",
    "make up",
    "git ",
    "curl ",
    "export ",
    "eval ",
    "aws voice-id ",
    "echo ",
    "sleep ",
    "kill ",
    "AWS_",
)
_ENDS = {"&&", "||", ";", "|", "&", "<", ">", ">>", "(", ")"}


def simple_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a line of shell, those in ``$(...)`` too."""
    for inner in re.findall(r"\$\(([^()]*)\)", text):
        yield from simple_commands(inner)
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in _ENDS:
            words.append(word)
            continue
        while words and re.match(r"\w+=", words[0]):
            del words[0]
        if words:
            yield words
        words = []


def parse(words: list[str]) -> None:
    """Parse the arguments of ``optout`` without running it; raises click's error about what does not exist."""
    command: click.Command = main
    context, rest = click.Context(main, info_name="optout", **main.context_settings), words
    while rest and isinstance(command, click.Group):
        if command is not main:
            rest = command.make_parser(context).parse_args(rest)[1]
            if not rest:
                return
        name, inner, rest = command.resolve_command(context, rest)
        assert inner is not None
        assert name is not None
        context, command = click.Context(inner, info_name=name, parent=context), inner
    command.make_parser(context).parse_args(rest)


@pytest.mark.parametrize("command", ALL, ids=str)
def test_a_command_is_one_that_runs_here_or_has_a_reason(command: Command) -> None:
    """A new kind of command needs a decision: to be run, or to stand in ``elsewhere`` with the reason."""
    assert elsewhere.reason(command) or command.text.startswith(RUNS_HERE), f"{command}: run it, or say why not"


@pytest.mark.parametrize("command", ALL, ids=str)
def test_what_a_command_names_exists(command: Command) -> None:
    for words in simple_commands(command.text):
        match words:
            case ["optout", *rest]:
                parse(rest)
            case ["make", target, *_]:
                assert target in TARGETS
            case ["aws", "voice-id", operation, *options]:
                model = Session().client("voice-id", region_name="us-east-1").meta
                shape = model.service_model.operation_model(
                    model.method_to_api_mapping[operation.replace("-", "_")]
                ).input_shape
                members = {name.lower() for name in shape.members}
                assert {option[2:].replace("-", "") for option in options[::2]} <= members
            case _:
                pass


@pytest.mark.parametrize("page", PAGES)
def test_what_prose_names_exists(page: str) -> None:
    """Commands within sentences too, such as ``optout up --approve DIGEST``."""
    for span in spans(page):
        for words in simple_commands(span) if span.startswith(("optout ", "make ")) else ():
            if words[0] == "make":
                assert words[1] in TARGETS or "=" in words[1], f"{page}: {span}"
            elif words[0] == "optout":
                try:
                    parse(words[1:])
                except click.BadOptionUsage:  # an option named without its value
                    continue
                except click.UsageError as error:
                    raise AssertionError(f"{page}: {span}: {error.format_message()}") from None


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_console_blocks(page: str) -> None:
    """In any other block nobody would notice them here."""
    assert not languages(page) & {"sh", "bash", "shell", "zsh", "shell-session"}


@pytest.mark.parametrize(
    "text",
    [
        "optout up --no-such-option",
        "optout nothing",
        "make x && optout serve keys add --nothing",
        "optout up --plan",
    ],
)
def test_what_does_not_exist_is_noticed(text: str) -> None:
    (arguments,) = (words[1:] for words in simple_commands(text) if words[0] == "optout")
    with pytest.raises(click.UsageError):
        parse(arguments)


def test_no_preparation_and_no_reason_outlives_its_commands() -> None:
    texts = {(command.page, command.text) for command in ALL}
    assert {*PREPARED} <= {page for page, _ in texts}
    assert [key for key in BEFORE if not any(page == key[0] and key[1] in text for page, text in texts)] == []
    assert [key for key in CODES if (key[0], key[1]) not in texts] == []
