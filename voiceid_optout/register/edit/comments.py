"""Comments: those of an entry that moves, and the section that lists people without opting them out."""

import re
from collections.abc import Sequence

from yaml.events import ScalarEvent

from voiceid_optout.register.events import open_parser

BEGIN = "# not opted out in the service (renewed by `optout adopt --include-enrolled`):"
END = "# end of those not opted out in the service"

_BREAK = r"(?:\r\n|\r|\n)"
_SECTION = re.compile(
    rf"^[ ]*{re.escape(BEGIN)}[ ]*{_BREAK}"
    rf"(?:[ ]*#(?! end of)[^\r\n]*{_BREAK})*"
    rf"[ ]*{re.escape(END)}[ ]*(?:{_BREAK}|\Z)",
    re.MULTILINE,
)
_HEADER = re.compile(r"[|>][-+0-9]*")  # of a block of text; the text begins a line further down
_COMMENT = re.compile(r"(?:^|\s)(#.*)$")


def section(people: Sequence[tuple[str, str]], indent: int, line_end: str) -> str:
    """Return the comment lines for ids and statuses; nothing for nobody."""
    if not people:
        return ""
    lines = [BEGIN, *(f"# - {speaker_id}  # {status}" for speaker_id, status in people), END]
    return "".join(f"{' ' * indent}{line}{line_end}" for line in lines)


def find_sections(text: str) -> list[tuple[int, int]]:
    """Return where earlier sections stand, whole lines."""
    return [match.span() for match in _SECTION.finditer(text)]


def comments_in(lines: Sequence[str]) -> list[str]:
    """Return the comments in the lines of one entry, each from its ``#`` on."""
    covered = [0] * (len(lines) + 1)  # up to which column a line is text
    next_event = open_parser("\n".join(lines).encode()).get_event
    while (event := next_event()) is not None:
        if isinstance(event, ScalarEvent) and event.start_mark is not None and event.end_mark is not None:
            start, end = event.start_mark, event.end_mark
            covered[end.line] = end.column
            for line in range(start.line, end.line):
                covered[line] = len(lines[line])
            if (header := _HEADER.match(lines[start.line], start.column)) and event.style in ("|", ">"):
                covered[start.line] = header.end()
    found = (_COMMENT.search(line[column:]) for line, column in zip(lines, covered, strict=False))
    return [match[1] for match in found if match]
