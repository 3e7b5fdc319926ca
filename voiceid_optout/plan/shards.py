"""Shards in a plan: from the old and new texts of one resource to a step for each of its people. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from voiceid_optout import shard
from voiceid_optout.plan import people
from voiceid_optout.plan.people import ASKED, Drift

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.plan.model import Step

SHARD_TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeakers"
_NOBODY: Mapping[str, str] = MappingProxyType({})
_GONE = "gone"  # in place of a status: the service does not have the speaker


def members(state: Any, renamed: Mapping[str, str] = _NOBODY) -> dict[str, str]:
    """Return what one side of an event ensures, by label; nobody for a side that is not there.

    ``renamed`` has labels by those of before.
    """
    found = shard.values(_text(state, "members"))
    return {renamed.get(label, label): ensure for label, ensure in found.items()} if renamed else found


def drifted(state: Any, renamed: Mapping[str, str] = _NOBODY) -> dict[str, Drift]:
    """Return who is not as asked, as a side of an event knows it."""
    text = _text(state, "drifted")
    asked = members(state) if text else {}
    return {
        renamed.get(label, label): Drift(asked.get(label, ASKED), None if status == _GONE else status)
        for label, status in shard.pairs(text)
    }


def steps(
    metadata: Any, drift: Mapping[str, Drift], dropped: str, renamed: Mapping[str, str] = _NOBODY
) -> list[Step] | None:
    """Return what a step on a shard does to its people; None if it is none that keeps them apart.

    ``drift`` is what reads of this run have found; without one, the state may know of drift since an earlier run.
    """
    if metadata.op not in ("same", "create", "update", "delete", "discard"):
        return None
    leaves = metadata.op in ("delete", "discard")
    old = None if metadata.op == "create" else metadata.old
    new = None if leaves else metadata.new
    kept = not leaves or metadata.op == "discard" or bool(metadata.old.retain_on_delete)
    known = {**drifted(old, renamed), **drift}
    if not leaves and not known and _text(old, "members") == _text(new, "members"):
        return []
    was, becomes = members(old, renamed), members(new)
    made = (
        people.step(label, was.get(label), becomes.get(label), known.get(label), dropped, kept=kept)
        for label in sorted(was.keys() | becomes.keys())
        if was.get(label) != becomes.get(label) or label in known
    )
    return [step for step in made if step is not None]


def size(metadata: Any) -> int:
    """Return how many people a shard has that is read."""
    return _text(metadata.old or metadata.new, "members").count("\n")


def _text(state: Any, name: str) -> str:
    """Return a text of a side; before a step the CLI gives its new side no outputs, and we give it the old ones."""
    if state is None:
        return ""
    for properties in (state.inputs, state.outputs):
        if properties and properties.get(name) is not None:
            return str(properties[name])
    return ""
