"""Text that others wrote, made safe to print: names, aliases, lock files, messages of other programs.

A terminal acts on control characters, a reader is misled by invisible ones and by those that turn the direction of
writing, and a CI runner takes a line that begins with ``::`` for a command. Everything that is printed passes
through this module, at the latest where it is printed.
"""

from __future__ import annotations

import re
import unicodedata

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# How GitHub's runner knows a command: in front of a line, or in its older form anywhere in one.
_COMMAND = re.compile(r"^(\s*)::", re.MULTILINE)
_OLD_COMMAND = "##["
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_SPACES = "\t\n\r\v\f"


def one_line(text: str, length: int) -> str:
    """Return the text as one line of at most ``length`` characters; what is invisible goes."""
    # What the limit cuts away anyhow need not be looked at.
    start = text[: length * 8]
    if not start.isprintable():
        start = "".join(" " if _breaks(letter) else letter for letter in start if not _is_hidden(letter))
    line = _without_commands(" ".join(start.split()))
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def escaped(text: str) -> str:
    """Return the text as one line, all of it; what is invisible is shown as an escape: for names of files."""
    return text if text.isprintable() else "".join(map(_visible, text))


def printable(text: str) -> str:
    """Return the text with its line breaks and tabs; colours go, what else is invisible is shown as an escape."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return _without_commands(text)
    text = _ANSI.sub("", text).replace("\r\n", "\n")
    return _without_commands("".join(letter if letter in "\n\t" else _visible(letter) for letter in text))


def _without_commands(text: str) -> str:
    if "::" in text:
        text = _COMMAND.sub(r"\1: :", text)
    return text.replace(_OLD_COMMAND, "# #[") if _OLD_COMMAND in text else text


def _breaks(letter: str) -> bool:
    return letter in _SPACES or unicodedata.category(letter) in ("Zl", "Zp", "Zs")


def _is_hidden(letter: str) -> bool:
    return not _breaks(letter) and unicodedata.category(letter) in _HIDDEN


def _visible(letter: str) -> str:
    if letter.isprintable() or unicodedata.category(letter) == "Zs":
        return letter
    number = ord(letter)
    return f"\\x{number:02x}" if number <= 0xFF else f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - how Python writes escapes
