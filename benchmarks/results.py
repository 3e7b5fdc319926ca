"""Results: a line of JSON for each run, kept in a folder, so that a run that was cut short goes on where it was."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from benchmarks.cells import Cell, Phase, Quotas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

FILE = "results.jsonl"
DONE = "done"


@dataclass(frozen=True, slots=True)
class Result:
    """One run of a cell.

    Seconds are of the wall clock and of all processors; ``service`` is the processor time of the service. Memory is
    in bytes: of the largest process, and of all at once. ``calls`` counts answers by operation, ``throttled`` those
    that were refused for their rate. ``state`` is the state file's bytes, ``exposed`` how many of 100 planted ids
    it shows in clear. ``told`` is what the program measured of itself.
    ``others`` is the processor time of everything else on the machine meanwhile, None where nobody looked.
    ``outcome`` is ``done`` or what went wrong.
    """

    cell: Cell
    date: str
    outcome: str
    wall: float
    cpu: float
    service: float = 0.0
    peak: int = 0
    tree: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)
    throttled: Mapping[str, int] = field(default_factory=dict)
    state: int = 0
    exposed: int = 0
    told: Mapping[str, float] = field(default_factory=dict)
    others: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether the run ended well."""
        return self.outcome == DONE

    @property
    def throttled_share(self) -> float:
        """Share of the calls that were refused for their rate, over 0 to 1."""
        return sum(self.throttled.values()) / max(1, sum(self.calls.values()))


def to_line(result: Result) -> str:
    """Return the line that stands for a result."""
    return json.dumps(asdict(result), separators=(",", ":"))


def from_line(line: str) -> Result:
    """Read a line; raises ValueError if it is none of ours."""
    try:
        found: dict[str, Any] = json.loads(line)
        cell = found.pop("cell")
        parsed = Cell(
            cell["peer"], cell["people"], Phase(cell["phase"]), Quotas(cell["quotas"]), cell.get("latency", 0)
        )
        return Result(cell=parsed, **found)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no result: {error}") from None


class Store:
    """The results of a folder, in the order of their runs."""

    def __init__(self, folder: Path) -> None:
        """Read what is there; raises ValueError, with the line, for a file that is damaged before its last line."""
        self._path = folder / FILE
        self._results: list[Result] = []
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        for number, line in enumerate(lines, 1):
            try:
                self._results.append(from_line(line))
            except ValueError as error:
                if number < len(lines):
                    raise ValueError(
                        f"{self._path}:{number} is no result: move the file away, or mend it"
                    ) from error
                # A run that was killed while it wrote: the line is measured again.
                self._path.write_text("".join(f"{one}\n" for one in lines[:-1]), encoding="utf-8")

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results)

    def add(self, result: Result) -> None:
        """Keep a result."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{to_line(result)}\n")
        self._results.append(result)

    def forget(self, patterns: Sequence[str]) -> int:
        """Drop the results of cells whose key matches a pattern; returns how many."""
        kept = [one for one in self._results if not any(fnmatch(one.cell.key, pattern) for pattern in patterns)]
        dropped = len(self._results) - len(kept)
        draft = self._path.with_suffix(".draft")
        draft.write_text("".join(f"{to_line(one)}\n" for one in kept), encoding="utf-8")
        draft.replace(self._path)
        self._results = kept
        return dropped

    def rounds(self, cell: Cell) -> int:
        """Return how often a cell has been run."""
        return sum(result.cell == cell for result in self._results)


def best(results: Iterable[Result]) -> dict[Cell, Result]:
    """Fold rounds: keep the quickest that ended well of each cell, or the last if none did.

    What else the machine does only ever adds time, so the least is what the program needs.
    """
    found: dict[Cell, Result] = {}
    for result in results:
        known = found.get(result.cell)
        if known is None or not known.is_done or (result.is_done and result.wall < known.wall):
            found[result.cell] = result
    return found
