"""Makes a plan from engine events, whichever engine they come from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from voiceid_optout.plan.model import Action, Plan, Step
from voiceid_optout.plan.steps import (
    Drift,
    drift_for,
    forget_step,
    merge_steps,
    person_step,
    rename_step,
    repair_step,
    shard_drift,
    shard_members,
    shard_steps,
)
from voiceid_optout.speakers import SHARD_TYPE, SPEAKER_TYPE, Ensure

if TYPE_CHECKING:
    from collections.abc import Mapping

DROPPED = "no longer in the register"
DESTROYED = "the stack is destroyed"
_KNOWN = ("update", "delete", "discard")  # steps on a resource that the state has
_QUIET_TYPES = ("pulumi:pulumi:Stack", "pulumi:providers:")


class PlanBuilder:
    """Takes events one by one (:meth:`add`) and gives the plan at the end (:meth:`plan`).

    Events are ``pulumi.automation.events.EngineEvent`` objects or anything of their shape. ``dropped`` says why
    people are no longer managed. ``renamed`` has labels by those of before: the plan knows people by the new ones.
    """

    def __init__(self, dropped: str = DROPPED, renamed: Mapping[str, str] | None = None) -> None:
        self._dropped = dropped
        self._renamed = renamed or {}
        self._moved: set[str] = set()  # people who had another label in the state
        self._drift: dict[str, Drift] = {}  # by label
        self._steps: dict[str, Step] = {}  # by label, or by URN for what is no person
        self._domains: dict[str, str] = {}  # by label, of those who have drifted or a step
        self._people: set[str] = set()
        self._managed: set[str] = set()
        self._compared = False
        self._is_state_old = False
        self._touched: set[str] = set()
        self._types: set[str] = set()
        self._confined = True

    def add(self, event: Any) -> None:
        """Take one event; those of other kinds are ignored."""
        if (done := event.res_outputs_event) is not None:
            self._types.add(done.metadata.type)
            if is_read(done.metadata):
                self._add_read(done.metadata)
        elif (before := event.resource_pre_event) is not None and not is_read(before.metadata):
            self._add_step(before.metadata)

    def _add_read(self, metadata: Any) -> None:
        self._is_state_old |= _is_new_to_state(metadata)
        if metadata.type == SPEAKER_TYPE:
            self._see(metadata)
            if drift := drift_of(metadata.old, metadata.new):
                self._drift[self._label(metadata.urn)] = drift
                self._domains[self._label(metadata.urn)] = _domain(metadata)
        elif metadata.type == SHARD_TYPE:
            self._see_shard(metadata)
            drifted = shard_drift(metadata.new, self._renamed)
            self._drift.update(drifted)
            self._domains.update(dict.fromkeys(drifted, _domain(metadata)))
        self._is_state_old |= bool(self._drift)

    def _add_step(self, metadata: Any) -> None:
        self._compared = True
        if metadata.op != "same":
            self._touched.add(metadata.urn)
            self._confined &= metadata.type in (SPEAKER_TYPE, SHARD_TYPE) and metadata.op in _KNOWN
        if metadata.type.startswith(_QUIET_TYPES):
            return
        if metadata.type == SHARD_TYPE:
            self._add_shard(metadata)
        elif metadata.type == SPEAKER_TYPE:
            self._see(metadata)
            label = self._label(metadata.urn)
            if metadata.old is not None and _name(metadata.old.urn) != _name(metadata.urn):
                self._move(label, _domain(metadata))
            if step := _speaker_step(label, metadata, self._drift.pop(label, None), self._dropped):
                self._put(step, _domain(metadata))
        elif step := _other_step(metadata):
            self._steps[metadata.urn] = step

    def _add_shard(self, metadata: Any) -> None:
        labels = self._see_shard(metadata)
        drift = {label: self._drift.pop(label) for label in self._drift.keys() & labels}
        found = shard_steps(metadata, drift, self._dropped, self._renamed)
        if found is None:
            name = _name(metadata.urn)
            self._steps[metadata.urn] = Step(name, Action.REPLACE, SHARD_TYPE, type=SHARD_TYPE)
            self._domains[name] = _domain(metadata)
            return
        domain = _domain(metadata)
        for step in found:
            self._put(step, domain)
        if metadata.op != "same":
            for label in shard_members(metadata.old).keys() & self._renamed.keys():
                self._move(self._renamed[label], domain)

    def _label(self, urn: str) -> str:
        """Return the label of a person's resource, the new one where it changes."""
        name = _name(urn)
        return self._renamed.get(name, name)

    def _move(self, label: str, domain: str) -> None:
        self._moved.add(label)
        self._domains[label] = domain
        self._confined = False  # the state does not know the resource by the name that a run could be given

    def _put(self, step: Step, domain: str) -> None:
        self._domains[step.label] = domain
        known = self._steps.get(step.label)
        self._steps[step.label] = step if known is None else merge_steps(known, step, self._dropped)

    def _see(self, metadata: Any) -> None:
        label = self._label(metadata.urn)
        self._people.add(label)
        if metadata.old is not None and _ensured(metadata.old) != Ensure.RELEASED:
            self._managed.add(label)

    def _see_shard(self, metadata: Any) -> set[str]:
        before = shard_members(metadata.old, self._renamed)
        labels = before.keys() | shard_members(metadata.new, self._renamed).keys()
        self._people |= labels
        self._managed.update(label for label, ensure in before.items() if ensure != Ensure.RELEASED)
        return labels

    def plan(self) -> Plan:
        """Return the plan; drift that no step has taken up is part of it."""
        everything = self._steps | {label: self._left(label, drift) for label, drift in self._drift.items()}
        for label in self._moved:
            if label not in everything or everything[label].action is Action.MOVE:
                everything[label] = rename_step(label)
        placed = (replace(step, domain=self._domains.get(step.label, "")) for step in everything.values())
        steps = sorted(placed, key=lambda step: (step.label, step.action))
        confined = self._confined and not self._is_state_old
        return Plan(
            tuple(steps),
            len(self._people - everything.keys()),
            len(self._managed),
            resources=frozenset(self._touched) if confined else None,
            is_state_old=self._is_state_old,
            types=frozenset(self._types),
        )

    def _left(self, label: str, drift: Drift) -> Step:
        """Return the step of drift that nothing repairs: a read alone, or someone gone whom nobody asks for."""
        if self._compared and drift.status is None:
            return forget_step(label, drift.ensure, drift, self._dropped)
        return repair_step(label, drift)


def is_read(metadata: Any) -> bool:
    """Tell whether an event is about reading a resource rather than about a step.

    A refresh on its own reports a read under the operation it found (same, update, delete); what still tells it
    from a step of the program is that it is not ``logical``.
    """
    return metadata.op == "refresh" or (metadata.op in ("same", "update", "delete") and not metadata.logical)


def is_change(metadata: Any) -> bool:
    """Tell whether an event is about a step that a plan would show."""
    return metadata.op != "same" and not is_read(metadata) and not metadata.type.startswith(_QUIET_TYPES)


def _is_new_to_state(metadata: Any) -> bool:
    """Tell whether a read found something else than the state says."""
    old, new = metadata.old, metadata.new
    return old is None or new is None or (old.id, old.outputs) != (new.id, new.outputs)


def drift_of(old: Any, new: Any) -> Drift | None:
    """Return how a read differs from what the person asked for, or None.

    ``new`` is None, or has no id, for a speaker that is gone.
    """
    ensure = _property(old, "ensure") or _property(new, "ensure") or Ensure.OPTED_OUT
    if new is None or not new.id:
        return None if ensure == Ensure.RELEASED else Drift(ensure, None)
    # A side without a status is one from before the step: nothing is known of it.
    status = _property(new, "status")
    return drift_for(ensure, status) if status else None


def _speaker_step(label: str, metadata: Any, drift: Drift | None, dropped: str) -> Step | None:
    match metadata.op:
        case "same":
            return repair_step(label, drift) if drift else None
        case "create":
            return person_step(label, None, _ensured(metadata.new), drift, dropped)
        case "update":
            # Without a read in this run, the state may know of drift since an earlier one.
            known = drift or drift_of(metadata.old, metadata.old)
            was, becomes = _ensured(metadata.old), _ensured(metadata.new)
            changed = Step(label, Action.UPDATE, "its settings changed")
            return person_step(label, was, becomes, known, dropped) or changed
        case "delete" | "discard":
            kept = metadata.op == "discard" or bool(metadata.old.retain_on_delete)
            return forget_step(label, _ensured(metadata.old), None, dropped, kept=kept)
        case _:
            return Step(label, Action.REPLACE, "the resource would be replaced")


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


def _domain(metadata: Any) -> str:
    """Return the domain of a person, or of a shard; one that changes is asked for anew."""
    return _property(metadata.new, "domain_id") or _property(metadata.old, "domain_id") or ""


def _ensured(state: Any) -> str:
    return Ensure.RELEASED if _property(state, "ensure") == Ensure.RELEASED else Ensure.OPTED_OUT


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
