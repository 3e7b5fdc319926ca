"""Foreign text in GitHub's Markdown: as code, where nothing in it means anything.

Backslashes do not do it: mentions, issue references and addresses are found in the finished page, after the escapes
are gone. In code there are none of them, nor links, HTML, emphasis or emoji.
"""

from __future__ import annotations

import re

from voiceid_optout.plan.words import clean

_TICKS = re.compile(r"`+")
_BEFORE_PIPE = re.compile(r"\\(?=\\*\|)")


def code(text: str, length: int = 200) -> str:
    """Return the text as a code span for a paragraph; empty for an empty one.

    It is one line of at most ``length`` characters. The fence is longer than any run of backticks inside.
    """
    line = clean(text, length)
    if not line:
        return ""
    longest = max(map(len, _TICKS.findall(line)), default=0)
    fence = "`" * (longest + 1)
    # A blank at both ends is taken off again by whoever reads it, and keeps backticks apart.
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(text: str, length: int = 200) -> str:
    """Return the text as a code span for a table's cell, where a bar would end the cell even in code."""
    # A backslash before a bar would be read as the bar's own: a blank between keeps both visible.
    return _BEFORE_PIPE.sub(r"\\ ", code(text, length)).replace("|", r"\|")
