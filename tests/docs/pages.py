"""What the documentation tells people to type, with the lines it shows as the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "deploy/**/*.md")
    for path in ROOT.glob(pattern)
)
_PROMPT = "$ "


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page, its lines joined as they stand, and the lines shown below it."""

    page: str
    line: int
    text: str
    shown: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def commands(page: str) -> list[Command]:
    """Return the commands of a page's ``console`` blocks, in order."""
    blocks = (token for token in _tokens(page) if token.type == "fence" and token.info.split()[:1] == ["console"])
    return [command for token in blocks for command in _of_block(page, (token.map or [0])[0] + 2, token.content)]


def languages(page: str) -> set[str]:
    """Return what the page's blocks of code are marked as."""
    return {token.info.split(" ")[0] for token in _tokens(page) if token.type == "fence"}


def spans(page: str) -> Iterator[str]:
    """Yield what the page's prose shows as code."""
    for token in _tokens(page):
        yield from (child.content for child in token.children or () if child.type == "code_inline")


def _of_block(page: str, first: int, content: str) -> Iterator[Command]:
    found: list[tuple[int, list[str], list[str]]] = []
    for number, line in enumerate(content.splitlines(), first):
        if line.startswith(_PROMPT):
            found.append((number, [line.removeprefix(_PROMPT)], []))
            continue
        if not found:
            raise AssertionError(f"{page}:{number}: a console block begins with a command after {_PROMPT!r}")
        _, text, shown = found[-1]
        (text if not shown and text[-1].endswith("\\") else shown).append(line)
    for number, text, shown in found:
        yield Command(page, number, "\n".join(text), tuple(filter(str.strip, shown)))


@cache
def _tokens(page: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text(encoding="utf-8"))


_LOOSE = (  # what differs from run to run and from machine to machine
    (re.compile(r"(?<=domain )[A-Za-z0-9]{22}\b"), "0"),
    (re.compile(r"sp-[0-9a-f]{16}"), "sp-0"),
    (re.compile(r"OPTO[A-Z0-9]{16}"), "OPTO0"),
    (re.compile(r"(?<=aws_secret_access_key = )\S+"), "0"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "0"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:0"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:ms|s)\b"), "0 s"),
    (re.compile(r"(?:/[\w .-]+)+/(?=\.optout/)"), ""),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ][\d:.]+Z?"), "then"),
    (re.compile(r"\s+"), " "),
)


def loose(line: str) -> str:
    """Return a line without what differs from run to run."""
    for pattern, word in _LOOSE:
        line = pattern.sub(word, line)
    return line.strip()


def missing(shown: tuple[str, ...], said: str) -> str | None:
    """Return the first line of a page that the command did not say in that order; ``...`` stands for any lines."""
    lines = iter([loose(line) for line in said.splitlines()])
    for line in shown:
        if line.strip() != "..." and loose(line) not in lines:  # looks on from where the line before was found
            return line
    return None
