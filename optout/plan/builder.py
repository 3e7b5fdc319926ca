"""Makes a plan from engine events, whichever engine they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optout.plan.model import Action, Change, Plan, Step

SPEAKER_TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeaker"
DROPPED = "no longer in the register"
DESTROYED = "the stack is destroyed"
_QUIET_TYPES = ("pulumi:pulumi:Stack", "pulumi:providers:")
_ASKED = "opted_out"
_OPTED_OUT = "OPTED_OUT"
_RELEASED = "released"
_GONE = "gone from the service"


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
        return f"{self.status} in the service, should be {'gone' if self.ensure == _RELEASED else _OPTED_OUT}"

    @property
    def change(self) -> Change:
        """What a repair changes."""
        return Change("status", self.status, None if self.ensure == _RELEASED else _OPTED_OUT)


class PlanBuilder:
    """Takes events one by one (:meth:`add`) and gives the plan at the end (:meth:`plan`).

    Events are ``pulumi.automation.events.EngineEvent`` objects or anything of their shape. ``dropped`` says why
    people leave the stack.
    """

    def __init__(self, dropped: str = DROPPED) -> None:
        self._dropped = dropped
        self._drift: dict[str, Drift] = {}
        self._steps: dict[str, Step] = {}
        self._people: set[str] = set()
        self._managed: set[str] = set()
        self._compared = False

    def add(self, event: Any) -> None:
        """Take one event; those of other kinds are ignored."""
        if (done := event.res_outputs_event) is not None:
            if is_read(done.metadata):
                self._add_read(done.metadata)
        elif (before := event.resource_pre_event) is not None and not is_read(before.metadata):
            self._add_step(before.metadata)

    def _add_read(self, metadata: Any) -> None:
        if metadata.type != SPEAKER_TYPE:
            return
        self._see(metadata)
        if drift := drift_of(metadata.old, metadata.new):
            self._drift[metadata.urn] = drift

    def _add_step(self, metadata: Any) -> None:
        self._compared = True
        if metadata.type.startswith(_QUIET_TYPES):
            return
        drift = self._drift.pop(metadata.urn, None)
        if metadata.type == SPEAKER_TYPE:
            self._see(metadata)
            step = _speaker_step(metadata, drift, self._dropped)
        else:
            step = _other_step(metadata)
        if step is not None:
            self._steps[metadata.urn] = step

    def _see(self, metadata: Any) -> None:
        self._people.add(metadata.urn)
        if metadata.old is not None and _ensured(metadata.old) != _RELEASED:
            self._managed.add(metadata.urn)

    def plan(self) -> Plan:
        """Return the plan; drift that no step has taken up is part of it."""
        everything = self._steps | {urn: self._left(urn, drift) for urn, drift in self._drift.items()}
        steps = sorted(everything.values(), key=lambda step: (step.label, step.action))
        return Plan(tuple(steps), len(self._people - everything.keys()), len(self._managed))

    def _left(self, urn: str, drift: Drift) -> Step:
        """Return the step of drift that nothing repairs: a read alone, or someone gone whom nobody asks for."""
        if self._compared and drift.status is None:
            change = Change("ensure", drift.ensure, None)
            return Step(_name(urn), Action.FORGET, f"{self._dropped}; {_GONE}", change)
        return Step(_name(urn), Action.REPAIR, drift.reason, drift.change)


def is_read(metadata: Any) -> bool:
    """Tell whether an event is about reading a resource rather than about a step.

    A refresh on its own reports a read under the operation it found (same, update, delete); what still tells it
    from a step of the program is that it is not ``logical``.
    """
    return metadata.op == "refresh" or (metadata.op in ("same", "update", "delete") and not metadata.logical)


def is_change(metadata: Any) -> bool:
    """Tell whether an event is about a step that a plan would show."""
    return metadata.op != "same" and not is_read(metadata) and not metadata.type.startswith(_QUIET_TYPES)


def drift_of(old: Any, new: Any) -> Drift | None:
    """Return how a read differs from what the person asked for, or None.

    ``new`` is None, or has no id, for a speaker that is gone.
    """
    ensure = _property(old, "ensure") or _property(new, "ensure") or _ASKED
    if new is None or not new.id:
        return None if ensure == _RELEASED else Drift(ensure, None)
    status = _property(new, "status")
    if not status or status == (None if ensure == _RELEASED else _OPTED_OUT):
        return None
    return Drift(ensure, status)


def _speaker_step(metadata: Any, drift: Drift | None, dropped: str) -> Step | None:
    label = _name(metadata.urn)
    match metadata.op:
        case "same":
            return Step(label, Action.REPAIR, drift.reason, drift.change) if drift else None
        case "create":
            return _create_step(label, metadata, drift)
        case "update":
            return _update_step(label, metadata, drift)
        case "delete" | "discard":
            change = Change("ensure", _ensured(metadata.old), None)
            if metadata.op == "discard" or metadata.old.retain_on_delete:
                return Step(label, Action.FORGET, f"{dropped}; stays as it is in the service", change)
            return Step(label, Action.DELETE, dropped, change)
        case _:
            return Step(label, Action.REPLACE, "the resource would be replaced")


def _create_step(label: str, metadata: Any, drift: Drift | None) -> Step:
    # A speaker that is gone is created anew: only the read before tells it from a new one.
    before = drift.ensure if drift else None
    if _property(metadata.new, "ensure") == _RELEASED:
        return Step(label, Action.RELEASE, "released", Change("ensure", before, _RELEASED))
    if drift:
        return Step(label, Action.REPAIR, drift.reason, drift.change)
    return Step(label, Action.OPT_OUT, "new", Change("ensure", None, _ASKED))


def _update_step(label: str, metadata: Any, drift: Drift | None) -> Step:
    was, becomes = _ensured(metadata.old), _ensured(metadata.new)
    if becomes != was:
        change = Change("ensure", was, becomes)
        if becomes == _RELEASED:
            return Step(label, Action.RELEASE, "released", change)
        return Step(label, Action.OPT_OUT, "no longer released", change)
    # Without a read in this run, the state may know of drift since an earlier one.
    if drift := drift or drift_of(metadata.old, metadata.old):
        return Step(label, Action.REPAIR, drift.reason, drift.change)
    return Step(label, Action.UPDATE, "its settings changed")


def _other_step(metadata: Any) -> Step | None:
    match metadata.op:
        case "same":
            return None
        case "create":
            action = Action.CREATE
        case "update":
            action = Action.UPDATE
        case "delete" | "discard":
            kept = metadata.op == "discard" or metadata.old.retain_on_delete
            action = Action.FORGET if kept else Action.DELETE
        case _:
            action = Action.REPLACE
    return Step(_name(metadata.urn), action, metadata.type, type=metadata.type)


def _ensured(state: Any) -> str:
    return _RELEASED if _property(state, "ensure") == _RELEASED else _ASKED


def _property(state: Any, name: str) -> str | None:
    """Return a property from the outputs, or the inputs: before a step the CLI gives its new side no outputs."""
    if state is None:
        return None
    for properties in (state.outputs, state.inputs):
        if properties and properties.get(name) is not None:
            return str(properties[name])
    return None


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]
