"""People as they are named to a command: in its arguments, on standard input, or in a CSV file.

No error carries what was given, only where it stood: any of it may be an identifier.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.streams import standard_input
from voiceid_optout.register.edit import Given, Person
from voiceid_optout.register.suggest import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from voiceid_optout.register.fields import ListField

STANDARD_INPUT = "-"
SHOWN = 20  # problems told one by one
_DELIMITERS = ",;\t"


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
            click.echo("One id a line; Ctrl-D ends:", err=True)
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
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{name}:{line}: not UTF-8: save it as UTF-8", ExitCode.USAGE) from None
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}", ExitCode.USAGE) from error


def _lines(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if id_ := line.strip():
            yield f"line {number} of standard input", {"id": id_}


def _rows(text: str, name: str, spec: ListField) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield place and filled cells of each row; spreadsheets write `;` or tabs where the comma is decimal."""
    first_line = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first_line.count), strict=True
    )
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header, name, spec)
        for row in reader:
            if any(cell.strip() for cell in row):
                if len(row) != len(header):
                    raise _bad(f"{name}:{reader.line_num}", f"{len(row)} cells, but the header has {len(header)}")
                cells = zip(header, map(str.strip, row), strict=True)
                yield f"{name}:{reader.line_num}", {key: cell for key, cell in cells if cell}
    except csv.Error:
        raise _bad(
            f"{name}:{reader.line_num}", "no CSV from here on: look for a quote that is not closed"
        ) from None


def _check_header(header: Sequence[str], name: str, spec: ListField) -> None:
    columns = ", ".join(_columns(spec))
    if "id" not in header:
        raise _bad(f"{name}:1", f"the first line must name the columns, 'id' among them; known are {columns}")
    for number, key in enumerate(header, 1):
        if key not in spec.by_name:
            raise _bad(f"{name}:1", f"column {number}: {suggest(key, _columns(spec))}")
        if header.index(key) != number - 1:
            raise _bad(f"{name}:1", f"column {number} has the name of an earlier one")


def _columns(spec: ListField) -> Iterable[str]:
    return list(spec.by_name)


def _bad(place: str, problem: str) -> CommandError:
    return CommandError(f"{place}: {problem}; nothing was changed", ExitCode.USAGE)
