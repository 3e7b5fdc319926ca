"""What the documentation shows as commands exists: each is run or has a reason, and no option is made up."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
import pytest
from boto3 import Session
from click.exceptions import Exit

from tests.docs import elsewhere
from tests.docs.pages import PAGES, ROOT, commands, languages, spans
from tests.docs.preparations import BEFORE, CODES, PREPARED
from voiceid_optout.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL = [command for page in PAGES for command in commands(page)]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
RUNS_HERE = (
    "optout",
    "make up",
    "git ",
    "cd ",
    "cp -R ../made",
    "rm ../made",
    "curl ",
    "export ",
    "cp .optout",
    "ls ",
    "mv ",
    "openssl ",
    "cd ",
    "sed -i ",
    "unset ",
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


def test_a_command_is_one_that_runs_here_or_has_a_reason() -> None:
    """A new kind of command needs a decision: to be run, or to stand in ``elsewhere`` with the reason."""
    undecided = [str(c) for c in ALL if not elsewhere.reason(c) and not c.text.startswith(RUNS_HERE)]
    assert undecided == []


def test_a_page_about_a_production_stack_begins_with_the_doctor() -> None:
    """Whoever follows a page sees first what is missing, and not in its middle."""
    first: dict[str, str] = {}
    for command in ALL:
        if re.match(r"optout \S.*--stack production\b", command.text):
            first.setdefault(command.page, command.text)
    assert len(first) > 5
    assert {page: text for page, text in first.items() if not text.startswith("optout doctor ")} == {}


@pytest.fixture(scope="module")
def voice_id() -> Any:
    return Session().client("voice-id", region_name="us-east-1").meta


def wrong_name(text: str, voice_id: Any) -> str | None:
    """Return what a command names that does not exist."""
    for words in simple_commands(text):
        match words:
            case ["optout", *rest]:
                try:
                    with suppress(Exit):  # of --help
                        parse(rest)
                except click.UsageError as error:
                    return error.format_message()
            case ["make", target, *_] if target not in TARGETS and "=" not in target:
                return target
            case ["aws", "voice-id", operation, *options]:
                api = voice_id.method_to_api_mapping.get(operation.replace("-", "_"))
                if api is None:
                    return operation
                members = {name.lower() for name in voice_id.service_model.operation_model(api).input_shape.members}
                if strange := {option[2:].replace("-", "") for option in options[::2]} - members:
                    return ", ".join(strange)
            case _:
                pass
    return None


def test_what_a_command_names_exists(voice_id: Any) -> None:
    found = {str(command): wrong_name(command.text, voice_id) for command in ALL}
    assert {command: wrong for command, wrong in found.items() if wrong is not None} == {}


def test_what_prose_names_exists(voice_id: Any) -> None:
    """Commands within sentences too, such as ``optout up --approve DIGEST``."""
    found = {
        f"{page}: {span}": wrong_name(span, voice_id)
        for page in PAGES
        if page != "CHANGELOG.md"  # which speaks of what was
        for span in spans(page)
        if span.startswith(("optout ", "make "))
    }
    assert found
    named_alone = r"Option '\S+' requires"  # an option without its value
    assert {span: wrong for span, wrong in found.items() if wrong and not re.match(named_alone, wrong)} == {}


def test_commands_stand_in_console_blocks() -> None:
    """In any other block nobody would notice them here."""
    shells = {"sh", "bash", "shell", "zsh", "shell-session"}
    assert [page for page in PAGES if languages(page) & shells] == []


def glued(page: str) -> list[str]:
    """Return where a list, or text below code, lacks the blank line that the site's Markdown wants above it."""
    found, fenced, above = [], False, ""
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1):
        is_fence, is_item = line.startswith("```"), re.match(r"(?:[-*]|\d+\.) ", line)
        after_text = above.strip() and not re.match(r"\s*(?:[-*]|\d+\.) | {2}|#", above)
        if not fenced and line.strip() and (above.startswith("```") or (is_item and after_text)):
            found.append(f"{page}:{number}")
        fenced, above = fenced != is_fence, line
    return found


def test_lists_and_text_below_code_are_set_apart() -> None:
    assert [place for page in PAGES for place in glued(page)] == []


@pytest.mark.parametrize(
    "text",
    [
        "optout up --no-such-option",
        "optout nothing",
        "make up && optout serve keys add --nothing",
        "optout up --plan",
        "make nothing",
        "aws voice-id opt-in-speaker",
        "aws voice-id opt-out-speaker --domain 1",
    ],
)
def test_what_does_not_exist_is_noticed(text: str, voice_id: Any) -> None:
    assert wrong_name(text, voice_id) is not None


def test_no_preparation_and_no_reason_outlives_its_commands() -> None:
    texts = {(command.page, command.text) for command in ALL}
    assert {*PREPARED} <= {page for page, _ in texts}
    assert [key for key in BEFORE if not any(page == key[0] and key[1] in text for page, text in texts)] == []
    assert [key for key in CODES if (key[0], key[1]) not in texts] == []
