"""One chart for each table of docs/benchmarks.md, made from the tables of that page.

The tables are the record that Git keeps: the lines of JSON that they come from stay on the machine that measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import svg, tables
from benchmarks.cells import PEERS, Cell
from benchmarks.results import DONE, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    Times = Mapping[tuple[str, str], Mapping[int, float]]  # seconds by heading and peer, then by number of people

FOLDER = "images/benchmarks"  # beside the page
_MEASURED = re.compile(r"([\d.,]+)(?: (ms|s) \(| \(| / )")
_CALLS = re.compile(r"([\d,]+) [A-Z]\w+")
_HEADING = re.compile(r"^#{2,3} (.+)\n\n?(!\[Chart: .*\n\n)?", re.MULTILINE)
_CLAIMS = "Claims"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page: its heading, the first row, and the others."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def name(self) -> str:
        """Return the name of its chart's file, without the ending."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower().replace("'", "")).strip("-")


def tables_of(page: str) -> Iterator[Table]:
    """Yield the first table below each heading."""
    for section in re.split(r"\n#{2,3} ", page)[1:]:
        title, _, rest = section.partition("\n")
        found = re.search(r"(?:^\|.*\n?)+", rest, re.MULTILINE)
        rows = [line.strip("| ").split(" | ") for line in found[0].splitlines()] if found else []
        if len(rows) > 1:
            yield Table(title, rows[0], rows[2:])


def values(table: Table) -> dict[str, dict[int, float]]:
    """Return the first number of each cell by row and number of people, times in seconds, without holes."""
    sizes = [cell.replace(",", "") for cell in table.head]
    sizes = sizes if not sizes[0] else ["", *sizes]
    found: dict[str, dict[int, float]] = {}
    for name, *cells in table.rows:
        for size, cell in zip(sizes[1:], cells, strict=False):
            if (number := _MEASURED.match(cell)) and size.isdigit():
                value = float(number[1].replace(",", "")) / (1000 if number[2] == "ms" else 1)
                found.setdefault(name.replace("`", ""), {})[int(size)] = value
    return found


def recorded(page: str) -> Times:
    """Return the seconds in a page's tables of times."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for table in tables_of(page):
        if any(" s (" in cell or " ms (" in cell for row in table.rows for cell in row):
            for name, of in values(table).items():
                found[table.title, name] = of
    return found


def precedents(page: str) -> dict[Cell, Result]:
    """Return what a page says about cells as results of seconds alone, from which others are estimated."""
    peers = {peer.title: peer.name for peer in PEERS.values()}
    headings = {
        f"{title}, {words}": (phase, quotas)
        for phase, title in tables.PHASES.items()
        for quotas, words in tables.QUOTAS.items()
    }
    found = {}
    for (heading, title), times in recorded(page).items():
        if heading in headings and title in peers:
            for people, seconds in times.items():
                cell = Cell(peers[title], people, *headings[heading])
                found[cell] = Result(cell, "", DONE, wall=seconds, cpu=seconds)
    return found


def drawn(page: str) -> dict[str, str]:
    """Return the charts of a page as SVG, by the names of their files; none where there is nothing to draw."""
    found = {}
    for table in tables_of(page):
        if chart := _chart(table):
            found[f"{table.name}.svg"] = chart
    return found


def _chart(table: Table) -> str | None:
    if table.title == _CLAIMS:
        return _claims(table)
    if table.title.startswith(tables.CALLS):
        return _calls(table)
    if table.title == tables.SERVICE:
        return _rates(table)
    measured = values(table)
    unit = _unit(table)
    if not measured or not any(value > 0 for of in measured.values() for value in of.values()):
        return None
    title = f"{table.title}: {unit}"
    if len({people for of in measured.values() for people in of}) == 1:
        only = [(name, next(iter(of.values()))) for name, of in measured.items()]
        return svg.bars(title, [svg.Group(title, only)], _plain)
    return svg.lines(title, measured, _plain)


def _unit(table: Table) -> str:
    if table.title.startswith(tables.MEMORY):
        return "MB of the largest process"
    return "bytes" if table.title == tables.STATE else "seconds"


def _claims(table: Table) -> str | None:
    rows = [row for row in table.rows if row[3:] and row[3].endswith("%")]
    shares = [(row[0].strip("`"), float(row[3].rstrip("%"))) for row in rows]
    if not shares:
        return None
    title = "Claims: what was measured, in % of the limit"
    group = svg.Group(title, shares)
    return svg.bars(title, [group], lambda share: f"{share:.0f} %", limit=100)


def _calls(table: Table) -> str | None:
    groups: dict[str, list[tuple[str, float]]] = {}
    for name, phase, people, calls in (row for row in table.rows if len(row) == 4):
        count = sum(int(number.replace(",", "")) for number in _CALLS.findall(calls))
        groups.setdefault(phase, []).append((name, count / int(people.replace(",", ""))))
    shown = [svg.Group(f"{phase}: calls a person", of) for phase, of in groups.items()]
    if not shown:
        return None
    return svg.bars(f"{table.title}, for each person", shown, lambda value: f"{value:.5f}".rstrip("0").rstrip("."))


def _rates(table: Table) -> str:
    groups = [
        svg.Group(title, [(row[0], float(row[place].replace(",", ""))) for row in table.rows])
        for place, title in enumerate(table.head, start=1)  # the head has no name for the names
        if title.endswith(" a second")
    ]
    return svg.bars(f"{table.title}: opt-outs and pages a second", groups, _plain)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def illustrated(page: str) -> str:
    """Return the page with each chart below the heading of its table."""
    there = drawn(page)
    names = {table.title: f"{table.name}.svg" for table in tables_of(page)}

    def linked(heading: re.Match[str]) -> str:
        title, name = heading[1], names.get(heading[1], "")
        shown = f"![Chart: {title}]({FOLDER}/{name})\n\n" if name in there else ""
        return f"{heading[0].splitlines()[0]}\n\n{shown}" if shown or heading[2] else heading[0]

    return _HEADING.sub(linked, page)


def write(path: Path, page: str) -> None:
    """Write the charts of a page beside it, and no others."""
    folder = path.parent / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    charts = drawn(page)
    for old in folder.glob("*.svg"):
        if old.name not in charts:
            old.unlink()
    for name, chart in charts.items():
        (folder / name).write_text(chart, encoding="utf-8")
