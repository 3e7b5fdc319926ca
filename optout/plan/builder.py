"""Makes a plan from engine events, whichever engine they come from."""

from __future__ import annotations

from typing import Any

from optout.plan.model import Action, Plan, Step

SPEAKER_TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeaker"
_QUIET_TYPES = ("pulumi:pulumi:Stack", "pulumi:providers:")
_OPTED_OUT = "OPTED_OUT"


class PlanBuilder:
    """Takes events one by one (:meth:`add`) and gives the plan at the end (:meth:`plan`).

    Events are ``pulumi.automation.events.EngineEvent`` objects or anything of their shape.
    """

    def __init__(self) -> None:
        self._drift: dict[str, str] = {}
        self._steps: dict[str, Step] = {}
        self._seen: set[str] = set()
        self.read = 0

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
        self.read += 1
        self._seen.add(metadata.urn)
        if reason := drift_reason(metadata.old, metadata.new):
            self._drift[metadata.urn] = reason

    def _add_step(self, metadata: Any) -> None:
        if metadata.type.startswith(_QUIET_TYPES):
            return
        self._seen.add(metadata.urn)
        drift = self._drift.pop(metadata.urn, None)
        step = _speaker_step(metadata, drift) if metadata.type == SPEAKER_TYPE else _other_step(metadata)
        if step is not None:
            self._steps[metadata.urn] = step

    def plan(self) -> Plan:
        """Return the plan; drift that no step has taken up is part of it."""
        left = {urn: Step(_name(urn), Action.REPAIR, reason) for urn, reason in self._drift.items()}
        steps = sorted((self._steps | left).values(), key=lambda step: (step.label, step.action))
        return Plan(tuple(steps), len(self._seen) - len(steps))


def is_read(metadata: Any) -> bool:
    """Tell whether an event is about reading a resource rather than about a step.

    A refresh on its own reports a read under the operation it found (same, update, delete); what still tells it
    from a step of the program is that it is not ``logical``.
    """
    return metadata.op == "refresh" or (metadata.op in ("same", "update", "delete") and not metadata.logical)


def drift_reason(old: Any, new: Any) -> str | None:
    """Return how a read differs from what the person asked for, or None.

    ``new`` is None, or has no id, for a speaker that is gone.
    """
    ensure = _property(old, "ensure") or _property(new, "ensure") or "opted_out"
    if new is None or not new.id:
        return None if ensure == "released" else "gone from the service"
    status = _property(new, "status")
    if not status or status == (None if ensure == "released" else _OPTED_OUT):
        return None
    return f"{status} in the service, should be {'gone' if ensure == 'released' else _OPTED_OUT}"


def _speaker_step(metadata: Any, drift: str | None) -> Step | None:
    label = _name(metadata.urn)
    match metadata.op:
        case "same":
            return Step(label, Action.REPAIR, drift) if drift else None
        case "create":
            if drift:
                return Step(label, Action.REPAIR, drift)
            if _property(metadata.new, "ensure") == "released":
                return Step(label, Action.RELEASE, "released")
            return Step(label, Action.OPT_OUT, "new")
        case "update":
            return _update_step(label, metadata, drift)
        case "delete" | "discard":
            if metadata.op == "discard" or metadata.old.retain_on_delete:
                return Step(label, Action.FORGET, "no longer in the register; stays as it is in the service")
            return Step(label, Action.DELETE, "no longer in the register")
        case _:
            return Step(label, Action.REPLACE, "the resource would be replaced")


def _update_step(label: str, metadata: Any, drift: str | None) -> Step:
    before, after = _property(metadata.old, "ensure"), _property(metadata.new, "ensure")
    if before != after:
        if after == "released":
            return Step(label, Action.RELEASE, "released")
        return Step(label, Action.OPT_OUT, "no longer released")
    drift = drift or drift_reason(metadata.old, metadata.old)
    if drift:
        return Step(label, Action.REPAIR, drift)
    return Step(label, Action.UPDATE, "its settings changed")


def _other_step(metadata: Any) -> Step | None:
    label = _name(metadata.urn)
    match metadata.op:
        case "same":
            return None
        case "create" | "update":
            return Step(label, Action.UPDATE, metadata.type)
        case "delete":
            return Step(label, Action.DELETE, metadata.type)
        case _:
            return Step(label, Action.REPLACE, metadata.type)


def _property(state: Any, name: str) -> str | None:
    if state is None:
        return None
    for properties in (state.outputs, state.inputs):
        if properties and name in properties:
            return str(properties[name])
    return None


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]
