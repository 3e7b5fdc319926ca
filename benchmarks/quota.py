"""What quotas allow at best: arithmetic, no measurement."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.cells import DRIFTED, ONE_MORE, PEERS, Cell, Kind, Phase, Quotas

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = 100  # speakers that one ListSpeakers returns
CALLS_A_SECOND = {
    "OptOutSpeaker": 10.0,
    "DescribeSpeaker": 10.0,
    "DeleteSpeaker": 10.0,
    "ListSpeakers": 5.0,
    "DescribeDomain": 2.0,
}
"""AWS's published quotas for Voice ID, for an account and region."""


def calls(cell: Cell) -> Mapping[str, int]:
    """Return the calls that a peer makes for a cell, by its way of working."""
    kind, people = PEERS[cell.peer].kind, cell.people
    if cell.phase in (Phase.PREVIEW, Phase.LOAD, Phase.SERVE, Phase.EDIT, Phase.START):
        return {}
    if cell.phase in ONE_MORE:
        return {"OptOutSpeaker": people if kind is Kind.LOOP else 1}
    if cell.phase is Phase.UP:
        return {"OptOutSpeaker": people}
    if kind not in (Kind.OPTOUT, Kind.RAW):
        return {"DescribeSpeaker": people}
    return {"ListSpeakers": math.ceil(people / PAGE)}


def floor(cell: Cell) -> float:
    """Return the seconds that the quotas alone take, over 0; 0 without quotas."""
    if cell.quotas is Quotas.NONE:
        return 0.0
    return max((count / CALLS_A_SECOND[name] for name, count in calls(cell).items()), default=0.0)


def drifted(people: int) -> int:
    """Return how many have drifted in a refresh of so many people; at least one."""
    return max(1, people // DRIFTED)
