"""Say in words of the trade what a YAML parser could not read.

The parser's own words name tokens and quote the text, which may be an identifier; none of them is passed on.
"""

import re

from yaml.error import MarkedYAMLError, YAMLError

from voiceid_optout.register.codes import Code

# Parts of what libyaml and PyYAML say (context and problem), most telling first, and what it means here.
_ADVICE: tuple[tuple[str, Code, str], ...] = (
    ("tag handle", Code.TAG, "tags ('!') are not used in a register: delete it, and put the text in quotes"),
    (
        "scanning an a",  # an alias, an anchor
        Code.ANCHOR_OR_ALIAS,
        "'&' and '*' have a meaning in YAML: put the text in quotes",
    ),
    (
        "document start>",
        Code.YAML_SYNTAX,
        "text after the end of the document: delete the line of '...'",
    ),
    (
        "cannot start any token",
        Code.YAML_SYNTAX,
        "no value can start with this character: put the text in quotes",
    ),
    (
        "mapping values",
        Code.YAML_SYNTAX,
        "no ':' can stand here: check the indentation, or put the text in quotes",
    ),
    ("block mapping", Code.YAML_SYNTAX, "this line does not fit the ones above: check its indentation"),
    (
        "block collection",
        Code.YAML_SYNTAX,
        "no '- ' here, but the lines above are a list: check the indentation",
    ),
    ("flow sequence", Code.YAML_SYNTAX, "a list in brackets lacks a ',' or its ']'"),
    ("flow mapping", Code.YAML_SYNTAX, "a mapping in braces lacks a ',' or its '}'"),
    ("end of stream", Code.YAML_SYNTAX, "a quoted text is not closed"),
    ("document indicator", Code.YAML_SYNTAX, "a quoted text is not closed before a line of '---' or '...'"),
    ("expected ':'", Code.YAML_SYNTAX, "a key lacks its ':'"),
    ("escape", Code.YAML_SYNTAX, "'\\' starts an escape inside double quotes: use single quotes"),
    ("incompatible YAML", Code.YAML_SYNTAX, "a %YAML line of another version: delete it"),
    (
        "directive",
        Code.YAML_SYNTAX,
        "a line that starts with '%' is a YAML directive: put the text in quotes",
    ),
    ("node", Code.YAML_SYNTAX, "a value is missing, or a bracket or brace is not closed"),
)
_UNKNOWN = "YAML cannot be read from here on: check indentation, quotes and brackets just before"


def explain(error: YAMLError | ValueError | OverflowError, data: bytes) -> tuple[int, int, Code, str]:
    """Return line, column (from 1) and what is wrong, from a parser's error over ``data`` (UTF-8)."""
    if not isinstance(error, MarkedYAMLError):
        # PyYAML's own parser stumbles over an escape beyond Unicode and does not say where.
        return 1, 1, Code.YAML_SYNTAX, "a text in this file holds an escape that is no character: correct it"
    mark = error.problem_mark or error.context_mark
    line, column = (0, 0) if mark is None else (mark.line, mark.column)
    tab = _tab_in_indentation(data, line)
    if tab is not None:
        return line + 1, tab + 1, Code.TAB_INDENTATION, "a tab in the indentation: use spaces"
    said = f"{error.context or ''} {error.problem or ''}"
    code, message = next(
        ((code, advice) for part, code, advice in _ADVICE if part in said), (Code.YAML_SYNTAX, _UNKNOWN)
    )
    start = error.context_mark
    begins_before = start is not None and (start.line, start.column) < (line, column)
    if _is_end(data, line, column):
        if start is not None and begins_before:
            # Something is open to the end of the file; where it begins is the only place to look at.
            return start.line + 1, start.column + 1, code, f"{message}; it begins here"
        line, column = _last_character(data)  # parsers count an empty line after the last one
    elif start is not None and begins_before and start.line < line:
        message = f"{message}; it begins at line {start.line + 1}, column {start.column + 1}"
    return line + 1, column + 1, code, message


def _tab_in_indentation(data: bytes, line: int) -> int | None:
    """Return the column (from 0) of a tab before the first word of a line."""
    lines = _lines(data)
    text = lines[line] if line < len(lines) else b""
    indentation = text[: len(text) - len(text.lstrip(b" \t-"))]
    column = indentation.find(b"\t")
    return None if column < 0 else column


def _is_end(data: bytes, line: int, column: int) -> bool:
    """Whether nothing but blanks stands from a place on."""
    first, *others = _lines(data)[line:] or [b""]
    return not first.decode()[column:].strip() and not any(text.strip() for text in others)


def _last_character(data: bytes) -> tuple[int, int]:
    """Return line and column (from 0) of the last character that is no blank."""
    lines = _lines(data.rstrip())
    return len(lines) - 1, max(0, len(lines[-1].decode()) - 1)


def _lines(data: bytes) -> list[bytes]:
    return re.split(rb"\r\n|\r|\n", data)
