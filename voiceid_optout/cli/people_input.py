"""People as they are named to a command: in its arguments, on standard input, or in a CSV file.

No error carries what was given, only where it stood: any of it may be an identifier.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.output import echo, standard_input
from voiceid_optout.register.edit import Given, Person
from voiceid_optout.register.fields import SPEAKER_ID, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from voiceid_optout.register.fields import ListField

STANDARD_INPUT = "-"
_LONGEST_LINE = 1024  # bytes of an id, many times what any takes
SHOWN = 20  # problems told one by one
_DELIMITERS = ",;\t"
_SEPARATOR = re.compile(r'"?sep=([,;\t])"?\s*', re.IGNORECASE)  # the line that a spreadsheet puts before the header
_LINE_END = re.compile(r"\r\n|\r|\n")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def line_or_input(given: str, what: str) -> str:
    """Return what was given, or the line on standard input for -; raises :class:`CommandError`."""
    if given != STANDARD_INPUT:
        return given
    stream = standard_input()
    if stream.isatty():
        echo(f"Type {what}, then Enter:", err=True)
    try:
        found = stream.readline(_LONGEST_LINE).decode().strip()
    except UnicodeDecodeError:
        found = ""
    if not found:
        raise CommandError(f"{what} did not come on standard input", ExitCode.USAGE)
    return found


def refused(problems: Sequence[str], command: str) -> CommandError:
    """Return the error for people who cannot be added or released, a line each."""
    count = "one person" if len(problems) == 1 else f"{len(problems):,} people"
    lines = [f"  {problem}" for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        lines.append(f"  … and {len(problems) - SHOWN:,} more")
    message = f"cannot {command} {count}; nothing was changed:"
    return CommandError("\n".join([message, *lines]), ExitCode.USAGE)


def people(
    ids: Sequence[str], from_csv: Path | None, details: Mapping[str, str | None], spec: ListField, command: str
) -> list[Given]:
    """Return everybody who was named; ``details`` (by field) are for those who bring none of their own.

    Raises click.UsageError if nobody was named or in two ways, CommandError for what no register may hold.
    """
    common = {name: text for name, text in details.items() if text is not None}
    _check_options(common, spec)
    if bool(ids) == (from_csv is not None):
        raise click.UsageError("name people in one way: ids, '-' for standard input, or --from-csv FILE")
    if from_csv is not None:
        rows = _rows(_text(str(from_csv), _name(str(from_csv))), _name(str(from_csv)), spec)
    elif STANDARD_INPUT not in ids:
        rows = ((f"the {ordinal(number)} id", {"id": id_}) for number, id_ in enumerate(ids, 1))
    elif len(ids) == 1:
        if standard_input().isatty():
            echo("One id a line; Ctrl-D ends:", err=True)
        rows = _lines(_text(STANDARD_INPUT, _name(STANDARD_INPUT)))
    else:
        raise click.UsageError("'-' reads all ids from standard input: give no others beside it")
    given, problems = [], []
    for place, row in rows:
        texts = {**common, **row}
        problems += [f"{place}: {problem}" for problem in _problems(texts, spec)]
        given.append(Given(place, Person(texts.pop("id", ""), texts)))
    if problems:
        raise refused(problems, command)
    if not given:
        raise CommandError("nobody is named there; nothing was changed", ExitCode.USAGE)
    return given


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th..."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _check_options(common: Mapping[str, str], spec: ListField) -> None:
    for name, text in common.items():
        if (problem := spec.by_name[name].rule.problem(text, plain=False)) is not None:
            raise click.UsageError(f"--{name.replace('_', '-')}: {problem.message}")


def _problems(texts: Mapping[str, str], spec: ListField) -> Iterator[str]:
    """Yield what the register would refuse, with the field it is about."""
    if not texts.get("id"):
        yield "no id"
        return
    for name, text in texts.items():
        if (problem := spec.by_name[name].rule.problem(text, plain=False)) is not None:
            yield problem.message if name == "id" else f"{name}: {problem.message}"


def _name(file: str) -> str:
    return "standard input" if file == STANDARD_INPUT else file


def _text(file: str, name: str) -> str:
    try:
        data = standard_input().read() if file == STANDARD_INPUT else Path(file).read_bytes()
        if data.startswith(_UTF16) or b"\0" in data:
            raise CommandError(f"{name}:1: looks like UTF-16: save it as UTF-8", ExitCode.USAGE)
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(data[: error.start].decode("latin-1"))) + 1
        raise CommandError(f"{name}:{line}: not UTF-8: save it as UTF-8", ExitCode.USAGE) from None
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}", ExitCode.USAGE) from error


def _lines(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if id_ := line.strip():
            yield f"line {number} of standard input", {"id": id_}


def _rows(text: str, name: str, spec: ListField) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield place and filled cells of each row; spreadsheets write `;` or tabs where the comma is decimal.

    A place is where a row begins: a cell in quotes may go on over lines.
    """
    lines = list(io.StringIO(text, newline=""))
    first = 1
    if lines and (said := _SEPARATOR.fullmatch(lines[0])) is not None:
        first, delimiter = 2, said[1]
    else:
        delimiter = max(_DELIMITERS, key=("".join(lines[:1])).count)
    reader = csv.reader(lines[first - 1 :], delimiter=delimiter, strict=True)
    at = first
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header, f"{name}:{first}", spec)
        at = first + reader.line_num
        for row in reader:
            after = first + reader.line_num
            if any(cell.strip() for cell in row):
                if len(row) != len(header):
                    raise _bad(f"{name}:{at}", f"{len(row)} cells, but the header has {len(header)}")
                if _swallows(lines[at - 1 : after - 1], header, delimiter):
                    raise _bad(
                        f"{name}:{at}",
                        f"a quote that opens here closes in line {after - 1}, with other people in between: "
                        "close it where the cell ends, or put that text on one line",
                    )
                cells = zip(header, map(_cell, row), strict=True)
                yield f"{name}:{at}", {key: cell for key, cell in cells if cell}
            at = after
    except csv.Error:
        opens = at + _last_opening("".join(lines[at - 1 :]), delimiter)
        problem = "no CSV from here on: look for a quote that is not closed, or not at the end of its cell"
        raise _bad(f"{name}:{opens}", problem) from None


def _cell(text: str) -> str:
    """Return a cell's text, with line ends within as the register has them."""
    return _LINE_END.sub("\n", text).strip()


def _swallows(lines: Sequence[str], header: Sequence[str], delimiter: str) -> bool:
    """Whether several of the lines that make a row have a person of their own."""
    at = header.index("id")
    least = max(at + 1, min(2, len(header)))  # a word alone may be text that goes on
    rows = ([cell.strip(' \t\r\n"') for cell in line.split(delimiter)] for line in lines)
    return sum(len(row) >= least and SPEAKER_ID.regexp.fullmatch(row[at]) is not None for row in rows) > 1


def _last_opening(text: str, delimiter: str) -> int:
    """Return the number, from 0, of the line where the first quote opens that no end of a cell closes."""
    cell = re.compile(rf'(?:"(?:[^"]|"")*"|[^"\r\n{delimiter}][^\r\n{delimiter}]*|)(?:{delimiter}|\r\n|\r|\n|\Z)')
    position = 0
    while position < len(text) and (found := cell.match(text, position)) is not None:
        position = found.end()
    return len(_LINE_END.findall(text, 0, position))


def _check_header(header: Sequence[str], place: str, spec: ListField) -> None:
    columns = ", ".join(_columns(spec))
    if "id" not in header:
        raise _bad(place, f"the first line must name the columns, 'id' among them; known are {columns}")
    for number, key in enumerate(header, 1):
        if key not in spec.by_name:
            raise _bad(place, f"column {number}: {suggest(key, _columns(spec))}")
        if header.index(key) != number - 1:
            raise _bad(place, f"column {number} has the name of an earlier one")


def _columns(spec: ListField) -> Iterable[str]:
    return list(spec.by_name)


def _bad(place: str, problem: str) -> CommandError:
    return CommandError(f"{place}: {problem}; nothing was changed", ExitCode.USAGE)
