"""What a run does to people, as steps: of a resource each, or of a shard, from its old and new texts. Pure.

A step is decided from what was asked, what is asked now, and what the service says.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from voiceid_optout import speakers
from voiceid_optout.plan.model import Action, Change, Step
from voiceid_optout.speakers import ABSENT, Ensure, SpeakerStatus, is_as_asked

if TYPE_CHECKING:
    from collections.abc import Mapping

_GONE = "gone from the service"
_STAYS = "the opt-out stays in the service"
_SAME = "nothing changes in the service"  # of somebody released


@dataclass(frozen=True, slots=True)
class Drift:
    """How a read differs from what was asked. ``ensure`` is what was; a ``status`` of None is nobody there."""

    ensure: str
    status: str | None

    @property
    def reason(self) -> str:
        """The difference as a phrase."""
        if self.status is None:
            return _GONE
        expected = "gone" if self.ensure == Ensure.RELEASED else SpeakerStatus.OPTED_OUT
        return f"{self.status} in the service, should be {expected}"

    @property
    def change(self) -> Change:
        """What a repair changes."""
        return Change("status", self.status, None if self.ensure == Ensure.RELEASED else SpeakerStatus.OPTED_OUT)


def drift_for(ensure: str, status: str | None) -> Drift | None:
    """Return the drift of somebody with this status, or None."""
    return None if is_as_asked(ensure, status) else Drift(ensure, status)


def person_step(
    label: str, was: str | None, becomes: str | None, drift: Drift | None, dropped: str, *, kept: bool = True
) -> Step | None:
    """Return what happens to a person, or None.

    ``was`` and ``becomes`` are what the stack ensures before and after; None is somebody it does not manage.
    ``dropped`` says why people are no longer managed, ``kept`` whether the service is then left alone.
    """
    if becomes is None:
        return forget_step(label, was, drift, dropped, kept=kept)
    if becomes != was and becomes == Ensure.RELEASED:
        # A speaker that is gone is created anew: only the read before tells it from a new one.
        before = drift.ensure if drift and was is None else was
        return Step(label, Action.RELEASE, "released", Change("ensure", before, Ensure.RELEASED))
    if was == Ensure.RELEASED != becomes:
        return Step(label, Action.OPT_OUT, "no longer released", Change("ensure", was, becomes))
    if drift:
        return repair_step(label, drift)
    return Step(label, Action.OPT_OUT, "new", Change("ensure", None, Ensure.OPTED_OUT)) if was is None else None


def repair_step(label: str, drift: Drift) -> Step:
    """Return the step that undoes a drift."""
    return Step(label, Action.REPAIR, drift.reason, drift.change)


def forget_step(label: str, was: str | None, drift: Drift | None, dropped: str, *, kept: bool = True) -> Step:
    """Return the step of somebody whom the stack no longer manages."""
    change = Change("ensure", was, None)
    if not kept:
        return Step(label, Action.DELETE, dropped, change)
    gone = drift is not None and drift.status is None
    return Step(label, Action.FORGET, f"{dropped}; {_GONE if gone else _effect(was)}", change)


def rename_step(label: str) -> Step:
    """Return the step of somebody who gets this label because the labels' key changes."""
    return Step(label, Action.MOVE, f"gets a new label; {_STAYS}")


def merge_steps(one: Step, other: Step, dropped: str) -> Step:
    """Return what two steps are that one run does to the same person.

    Somebody who leaves one resource and joins another only moves, unless the two ask for different things.
    """
    leaving, joining = (one, other) if one.action is Action.FORGET else (other, one)
    if leaving.action is not Action.FORGET or leaving.change is None or joining.change is None:
        return other
    if joining.action is Action.REPAIR:
        return joining
    was, becomes = leaving.change.before, joining.change.after
    moved = Step(joining.label, Action.MOVE, f"moves to another resource; {_effect(was)}")
    return person_step(joining.label, was, becomes, None, dropped) or moved


def _effect(was: str | None) -> str:
    """Return what the service keeps of somebody whom it is not asked about."""
    return _SAME if was == Ensure.RELEASED else _STAYS


_NOBODY: Mapping[str, str] = MappingProxyType({})


def shard_members(state: Any, renamed: Mapping[str, str] = _NOBODY) -> dict[str, str]:
    """Return what one side of an event ensures, by label; nobody for a side that is not there.

    ``renamed`` has labels by those of before.
    """
    found = speakers.shard_values(_text(state, "members"))
    return {renamed.get(label, label): ensure for label, ensure in found.items()} if renamed else found


def shard_drift(state: Any, renamed: Mapping[str, str] = _NOBODY) -> dict[str, Drift]:
    """Return who is not as asked, as a side of an event knows it."""
    text = _text(state, "drifted")
    asked = shard_members(state) if text else {}
    return {
        renamed.get(label, label): Drift(asked.get(label, Ensure.OPTED_OUT), None if status == ABSENT else status)
        for label, status in speakers.shard_lines(text)
    }


def shard_steps(
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
    known = {**shard_drift(old, renamed), **drift}
    if not leaves and not known and _text(old, "members") == _text(new, "members"):
        return []
    was, becomes = shard_members(old, renamed), shard_members(new)
    made = (
        person_step(label, was.get(label), becomes.get(label), known.get(label), dropped, kept=kept)
        for label in sorted(was.keys() | becomes.keys())
        if was.get(label) != becomes.get(label) or label in known
    )
    return [step for step in made if step is not None]


def shard_size(metadata: Any) -> int:
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
