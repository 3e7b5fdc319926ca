"""Makes a plan from engine events, whichever engine they come from."""

from __future__ import annotations

from typing import Any

from optout.plan.model import Action, Plan, Step

SPEAKER_TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeaker"
_QUIET_TYPES = ("pulumi:pulumi:Stack", "pulumi:providers:")
_OPTED_OUT = "OPTED_OUT"
_RELEASED = "released"
_GONE = "gone from the service"
_DROPPED = "no longer in the register"


class PlanBuilder:
    """Takes events one by one (:meth:`add`) and gives the plan at the end (:meth:`plan`).

    Events are ``pulumi.automation.events.EngineEvent`` objects or anything of their shape.
    """

    def __init__(self) -> None:
        self._drift: dict[str, str] = {}
        self._steps: dict[str, Step] = {}
        self._people: set[str] = set()
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
        self._people.add(metadata.urn)
        if reason := drift_reason(metadata.old, metadata.new):
            self._drift[metadata.urn] = reason

    def _add_step(self, metadata: Any) -> None:
        self._compared = True
        if metadata.type.startswith(_QUIET_TYPES):
            return
        drift = self._drift.pop(metadata.urn, None)
        if metadata.type == SPEAKER_TYPE:
            self._people.add(metadata.urn)
            step = _speaker_step(metadata, drift)
        else:
            step = _other_step(metadata)
        if step is not None:
            self._steps[metadata.urn] = step

    def plan(self) -> Plan:
        """Return the plan; drift that no step has taken up is part of it."""
        everything = self._steps | {urn: self._left(urn, reason) for urn, reason in self._drift.items()}
        steps = sorted(everything.values(), key=lambda step: (step.label, step.action))
        return Plan(tuple(steps), len(self._people - everything.keys()))

    def _left(self, urn: str, reason: str) -> Step:
        """Return the step of drift that nothing repairs: a read alone, or someone gone whom nobody asks for."""
        if self._compared and reason == _GONE:
            return Step(_name(urn), Action.FORGET, f"{_DROPPED}; {_GONE}")
        return Step(_name(urn), Action.REPAIR, reason)


def is_read(metadata: Any) -> bool:
    """Tell whether an event is about reading a resource rather than about a step.

    A refresh on its own reports a read under the operation it found (same, update, delete); what still tells it
    from a step of the program is that it is not ``logical``.
    """
    return metadata.op == "refresh" or (metadata.op in ("same", "update", "delete") and not metadata.logical)


def is_change(metadata: Any) -> bool:
    """Tell whether an event is about a step that a plan would show."""
    return metadata.op != "same" and not is_read(metadata) and not metadata.type.startswith(_QUIET_TYPES)


def drift_reason(old: Any, new: Any) -> str | None:
    """Return how a read differs from what the person asked for, or None.

    ``new`` is None, or has no id, for a speaker that is gone.
    """
    released = (_property(old, "ensure") or _property(new, "ensure")) == _RELEASED
    if new is None or not new.id:
        return None if released else _GONE
    status = _property(new, "status")
    if not status or status == (None if released else _OPTED_OUT):
        return None
    return f"{status} in the service, should be {'gone' if released else _OPTED_OUT}"


def _speaker_step(metadata: Any, drift: str | None) -> Step | None:
    label = _name(metadata.urn)
    match metadata.op:
        case "same":
            return Step(label, Action.REPAIR, drift) if drift else None
        case "create":
            return _create_step(label, metadata, drift)
        case "update":
            return _update_step(label, metadata, drift)
        case "delete" | "discard":
            return _delete_step(label, metadata, f"{_DROPPED}; stays as it is in the service", _DROPPED)
        case _:
            return Step(label, Action.REPLACE, "the resource would be replaced")


def _create_step(label: str, metadata: Any, drift: str | None) -> Step:
    # A speaker that is gone is created anew: only the read before tells it from a new one.
    if _property(metadata.new, "ensure") == _RELEASED:
        return Step(label, Action.RELEASE, "released")
    return Step(label, Action.REPAIR, drift) if drift else Step(label, Action.OPT_OUT, "new")


def _update_step(label: str, metadata: Any, drift: str | None) -> Step:
    was, becomes = (_property(side, "ensure") == _RELEASED for side in (metadata.old, metadata.new))
    if becomes and not was:
        return Step(label, Action.RELEASE, "released")
    if was and not becomes:
        return Step(label, Action.OPT_OUT, "no longer released")
    # Without a read in this run, the state may know of drift since an earlier one.
    if drift := drift or drift_reason(metadata.old, metadata.old):
        return Step(label, Action.REPAIR, drift)
    return Step(label, Action.UPDATE, "its settings changed")


def _delete_step(label: str, metadata: Any, forgotten: str, deleted: str) -> Step:
    if metadata.op == "discard" or metadata.old.retain_on_delete:
        return Step(label, Action.FORGET, forgotten)
    return Step(label, Action.DELETE, deleted)


def _other_step(metadata: Any) -> Step | None:
    label = _name(metadata.urn)
    match metadata.op:
        case "same":
            return None
        case "create" | "update":
            return Step(label, Action.UPDATE, metadata.type)
        case "delete" | "discard":
            return _delete_step(label, metadata, metadata.type, metadata.type)
        case _:
            return Step(label, Action.REPLACE, metadata.type)


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
