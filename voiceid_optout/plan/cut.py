"""Which rows of a long plan are shown: some of each action, from both ends, and how many lie between."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voiceid_optout.plan.model import Action, Step


@dataclass(frozen=True, slots=True)
class Gap:
    """Stands for ``count`` rows that are left out."""

    count: int


def shares(counts: Mapping[Action, int], room: int) -> dict[Action, int]:
    """Divide ``room`` so that nobody gets more than they have, and a few of one kind are not lost among many."""
    given: dict[Action, int] = {}
    waiting = sorted(counts, key=counts.__getitem__)
    for position, key in enumerate(waiting):
        given[key] = min(counts[key], room // (len(waiting) - position))
        room -= given[key]
    return given


def cut(steps: Sequence[Step], room: int) -> list[Step | Gap]:
    """Return at most ``room`` of the steps in their order, and gaps in place of the others.

    Each action keeps its first and its last ones: a release does not disappear among a thousand opt-outs.
    """
    if len(steps) <= room:
        return list(steps)
    given = shares(Counter(step.action for step in steps), room)
    positions: defaultdict[Action, list[int]] = defaultdict(list)
    for position, step in enumerate(steps):
        positions[step.action].append(position)
    kept = {position for action, found in positions.items() for position in _ends(found, given[action])}
    shown: list[Step | Gap] = []
    left_out = 0
    for position, step in enumerate(steps):
        if position not in kept:
            left_out += 1
            continue
        if left_out:
            shown.append(Gap(left_out))
            left_out = 0
        shown.append(step)
    return [*shown, Gap(left_out)] if left_out else shown


def _ends(positions: list[int], count: int) -> list[int]:
    first = (count + 1) // 2
    return positions[:first] + positions[len(positions) - (count - first) :]
