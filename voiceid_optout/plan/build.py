"""Makes a plan from engine events, whichever engine they come from. Pure.

People have a resource each, or are in a shard, which is compared by its old and new texts. What happens to each is
decided in :mod:`voiceid_optout.plan.steps`.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from voiceid_optout import speakers
from voiceid_optout import urn as urns
from voiceid_optout.plan import Action, Plan, Step
from voiceid_optout.plan.steps import (
    Drift,
    drift_for,
    forget_step,
    merge_steps,
    move_step,
    person_step,
    rename_step,
    repair_step,
)
from voiceid_optout.speakers import ABSENT, SHARD_TYPE, SPEAKER_TYPE, Ensure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


DROPPED = "no longer in the register"
DESTROYED = "the stack is destroyed"
_KNOWN = ("update", "delete", "discard")  # steps on a resource that the state has
_LEAVING = ("delete", "discard")
_ON_OTHERS = {"create": Action.CREATE, "update": Action.UPDATE, "delete": Action.DELETE}
_QUIET_TYPES = (urns.STACK_TYPE, urns.PROVIDER_TYPE_PREFIX)


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
        self._domains: dict[str, str] = {}  # by label, of those whose step does not say it yet
        self._people: set[str] = set()
        self._managed: set[str] = set()
        self._staying: dict[str, str] = {}  # by label, what a resource ensures that the run leaves or makes
        self._shards: dict[str, tuple[str, str]] = {}  # the members of shards, before and after, by URN
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
        old, new = metadata.old, metadata.new
        self._is_state_old |= old is None or new is None or (old.id, old.outputs) != (new.id, new.outputs)
        if metadata.type == SPEAKER_TYPE:
            self._see(metadata)
            if drift := drift_of(old, new):
                self._drift[self._label(metadata.urn)] = drift
                self._domains[self._label(metadata.urn)] = _domain(metadata)
        elif metadata.type == SHARD_TYPE:
            self._see_shard(metadata)
            drifted = shard_drift(new, self._renamed)
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
            if metadata.op not in _LEAVING:
                self._staying[label] = _ensured(metadata.new)
            if metadata.old is not None and urns.name(metadata.old.urn) != urns.name(metadata.urn):
                self._move(label, _domain(metadata))
            if step := _speaker_step(label, metadata, self._drift.pop(label, None), self._dropped):
                self._put(step, _domain(metadata))
        elif step := _other_step(metadata):
            self._steps[metadata.urn] = step

    def _add_shard(self, metadata: Any) -> None:
        self._see_shard(metadata)
        drift = {label: self._drift.pop(label) for label in self._drift.keys() & self._drifting(metadata)}
        found = shard_steps(metadata, drift, self._dropped, self._renamed)
        if found is None:
            name = urns.name(metadata.urn)
            self._steps[metadata.urn] = Step(name, Action.REPLACE, SHARD_TYPE, type=SHARD_TYPE)
            self._domains[name] = _domain(metadata)
            return
        domain = _domain(metadata)
        for step in found:
            self._put(step, domain)
        if metadata.op != "same" and self._renamed:
            for label in shard_members(metadata.old).keys() & self._renamed.keys():
                self._move(self._renamed[label], domain)

    def _label(self, urn: str) -> str:
        """Return the label of a person's resource, the new one where it changes."""
        name = urns.name(urn)
        return self._renamed.get(name, name)

    def _move(self, label: str, domain: str) -> None:
        self._moved.add(label)
        self._domains[label] = domain
        self._confined = False  # the state does not know the resource by the name that a run could be given

    def _put(self, step: Step, domain: str) -> None:
        known = self._steps.get(step.label)
        merged = step if known is None else merge_steps(known, step, self._dropped)
        self._steps[step.label] = replace(merged, domain=domain)

    def _see(self, metadata: Any) -> None:
        label = self._label(metadata.urn)
        self._people.add(label)
        if metadata.old is not None and _ensured(metadata.old) != Ensure.RELEASED:
            self._managed.add(label)

    def _see_shard(self, metadata: Any) -> None:
        """Take the texts alone: to take apart those of a million people who do not change is most of a plan."""
        before = _text(metadata.old, "members")
        after = "" if metadata.op in _LEAVING else _text(metadata.new, "members")
        self._shards[metadata.urn] = self._shards.get(metadata.urn, (before, ""))[0], after

    def _drifting(self, metadata: Any) -> set[str]:
        """Return the people of a shard, if any of them may have drifted."""
        digits = speakers.shard_of(_text(metadata.old, "members") or _text(metadata.new, "members"))
        if not self._renamed and not any(speakers.shard_of(label) == digits for label in self._drift):
            return set()
        before, after = (shard_members(side, self._renamed) for side in (metadata.old, metadata.new))
        return before.keys() | after.keys()

    def _take_apart(self, before: str, after: str) -> None:
        was = _renamed_values(before, self._renamed)
        found = was.keys() | _renamed_values(after, self._renamed).keys()
        self._people |= found.difference(self._steps)  # of a first plan's million, nobody is left
        self._managed.update(label for label, ensure in was.items() if ensure != Ensure.RELEASED)

    def _count(self) -> tuple[int, int]:
        """Return how many people no step is about, and how many are managed. Somebody in two resources counts once.

        Shards in which nobody changes are only counted, unless one of their people may be elsewhere too.
        """
        quiet = []
        for before, after in self._shards.values():
            if before == after and not self._renamed:
                quiet.append(before)
            else:
                self._take_apart(before, after)
        busy = {speakers.shard_of(label) for label in itertools.chain(self._people, self._steps)}
        unchanged = managed = 0
        for text in quiet:
            if speakers.shard_of(text) in busy:
                self._take_apart(text, text)
            else:
                people = text.count("\n")
                unchanged += people
                managed += people - text.count(f" {Ensure.RELEASED}\n")
        return unchanged + len(self._people.difference(self._steps)), managed + len(self._managed)

    def _staying_of(self, labels: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield those of the people whom a resource of the run has, with what it ensures."""
        digits = {speakers.shard_of(label) for label in labels}
        staying = (after for _, after in self._shards.values())
        near = (text for text in staying if self._renamed or speakers.shard_of(text) in digits)
        for found in (self._staying, *(_renamed_values(text, self._renamed) for text in near)):
            yield from ((label, found[label]) for label in found.keys() & labels)

    def plan(self) -> Plan:
        """Return the plan; drift that no step has taken up is part of it. Called once."""
        everything = self._steps  # not a copy: they may be a million
        everything |= {label: self._left(label, drift) for label, drift in self._drift.items()}
        # Those whose other resource stays or is made: a run that was killed had not removed this one.
        forgotten = {label for label, step in everything.items() if step.action is Action.FORGET}
        for label, ensure in self._staying_of(forgotten):
            everything[label] = replace(move_step(label, ensure), domain=everything[label].domain)
        for label in self._moved:
            if label not in everything or everything[label].action is Action.MOVE:
                everything[label] = rename_step(label)
        placed = (step if step.domain else self._placed(step) for step in everything.values())
        steps = sorted(placed, key=attrgetter("action"))
        steps.sort(key=attrgetter("label"))  # twice, for a million pairs to compare would take memory
        unchanged, managed = self._count()
        return Plan(
            tuple(steps),
            unchanged,
            managed,
            resources=frozenset(self._touched) if self._confined and not self._is_state_old else None,
            is_state_old=self._is_state_old,
            types=frozenset(self._types),
        )

    def _placed(self, step: Step) -> Step:
        return replace(step, domain=self._domains.get(step.label, ""))

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
            return forget_step(label, _ensured(metadata.old), None, dropped, kept=_is_kept(metadata))
        case _:
            return Step(label, Action.REPLACE, "the resource would be replaced")


def _other_step(metadata: Any) -> Step | None:
    if metadata.op == "same":
        return None
    action = Action.FORGET if _is_kept(metadata) else _ON_OTHERS.get(metadata.op, Action.REPLACE)
    return Step(urns.name(metadata.urn), action, metadata.type, type=metadata.type)


def _is_kept(metadata: Any) -> bool:
    """Tell whether what the stack lets go of stays where it is."""
    return metadata.op == "discard" or (metadata.op == "delete" and bool(metadata.old.retain_on_delete))


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


_NOBODY: Mapping[str, str] = MappingProxyType({})


def shard_members(state: Any, renamed: Mapping[str, str] = _NOBODY) -> dict[str, str]:
    """Return what one side of an event ensures, by label; nobody for a side that is not there.

    ``renamed`` has labels by those of before.
    """
    return _renamed_values(_text(state, "members"), renamed)


def _renamed_values(text: str, renamed: Mapping[str, str]) -> dict[str, str]:
    found = speakers.shard_values(text)
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
    leaves = metadata.op in _LEAVING
    old = None if metadata.op == "create" else metadata.old
    new = None if leaves else metadata.new
    kept = not leaves or _is_kept(metadata)
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
