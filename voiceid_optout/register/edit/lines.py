"""Lines of a text as a YAML parser and an editor count them."""

import re
from itertools import accumulate

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
LINE_END = re.compile(r"\r\n|\r|\n")


def line_starts(text: str) -> list[int]:
    """Return the offsets of all lines, and of the end of the text."""
    return list(accumulate(map(len, LINE.findall(text)), initial=0))
