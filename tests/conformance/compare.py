"""Compares what two engines did in a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conformance.play import Observed
    from tests.conformance.scenario import Scenario

_ABSENT = "(absent)"


@dataclass(frozen=True)
class Difference:
    """One value on which two engines differ; ``where`` is the path to it, turns counted from 1."""

    where: str
    official: Any
    embedded: Any

    def __str__(self) -> str:
        return f"{self.where}\n    official: {self.official}\n    embedded: {self.embedded}"


def differences(official: Sequence[Observed], embedded: Sequence[Observed]) -> list[Difference]:
    """Return every value that differs; what was exported on the way is no result."""
    if len(official) != len(embedded):
        return [Difference("turns", len(official), len(embedded))]
    found = []
    for number, (one, other) in enumerate(zip(official, embedded, strict=True), 1):
        results = ({key: value for key, value in turn.items() if key != "export"} for turn in (one, other))
        found += list(_walk(f"{number} {one['operation']}", *results))
    return found


def _walk(where: str, one: Any, other: Any) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _walk(f"{where}/{key}", one.get(key, _ABSENT), other.get(key, _ABSENT))
    elif one != other or type(one) is not type(other):
        yield Difference(where, one, other)


@dataclass(frozen=True)
class Verdict:
    """What is left to mend, and the allowances nothing needs any more."""

    unexpected: tuple[Difference, ...]
    unneeded: tuple[str, ...]


def judge(scenario: Scenario, found: Sequence[Difference]) -> Verdict:
    """Hold differences against those the scenario allows."""
    allowed = [item.where for item in scenario.allowed]
    unexpected = [item for item in found if not any(item.where.startswith(where) for where in allowed)]
    unneeded = [where for where in allowed if not any(item.where.startswith(where) for item in found)]
    return Verdict(tuple(unexpected), tuple(unneeded))
