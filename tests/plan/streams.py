"""Event streams of one run as each of the engines writes them, for the same things happening to the same people.

What differs between the two was measured with version 3.260.0 of the Pulumi CLI, and is said at each place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pulumi.automation import events as api

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded.run import Emitter
from voiceid_optout.speakers import SPEAKER_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

STACK = "test"
PROJECT = "voiceid-optout"
OPTED_OUT = "opted_out"
RELEASED = "released"


def urn_of(label: str, type_: str = SPEAKER_TYPE) -> str:
    return urns.make(STACK, PROJECT, "", type_, label)


class Stream(Protocol):
    """One engine's events of a run, in the order in which they were asked for."""

    events: list[api.EngineEvent]

    def read(self, label: str, before: str | None, after: str | None, ensure: str = OPTED_OUT) -> None:
        """Read a person; a status of None is no speaker."""

    def step(
        self,
        op: str,
        label: str,
        *,
        status: str | None = "OPTED_OUT",
        was: str | None = OPTED_OUT,
        becomes: str | None = OPTED_OUT,
        retained: bool = True,
        type_: str = SPEAKER_TYPE,
    ) -> None:
        """Plan a step. ``was``, ``becomes``: what is ensured before and after; ``status``: the last one known."""

    def stack(self, op: str = "same") -> None:
        """Plan the stack's own step, with which every program begins."""


def _state(
    type_: str, label: str, ensure: str | None, status: str | None, *, outputs: bool, retained: bool = True
) -> dict[str, Any]:
    inputs = {"domain_id": "DomainDomainDomain0001", "speaker_id": "[secret]"}
    if ensure is not None:
        inputs["ensure"] = ensure
    found = {} if status is None else {"status": status}
    return {
        "type": type_,
        "urn": urn_of(label, type_),
        "custom": True,
        "id": "DomainDomainDomain0001/SpeakerSpeakerSpeaker1" if outputs else "",
        "parent": urn_of(f"{PROJECT}-{STACK}", "pulumi:pulumi:Stack"),
        "provider": "",
        "inputs": inputs,
        "outputs": {**inputs, **found} if outputs else None,
        "retainOnDelete": retained or None,
    }


class CliStream:
    """The CLI's: JSON lines of its event log. ``alone`` is a refresh that no program follows."""

    def __init__(self, *, alone: bool = False) -> None:
        self.events: list[api.EngineEvent] = []
        self._alone = alone

    def read(self, label: str, before: str | None, after: str | None, ensure: str = OPTED_OUT) -> None:
        old = _state(SPEAKER_TYPE, label, ensure, before, outputs=True)
        is_gone = after is None and ensure != RELEASED
        new = None if is_gone else _state(SPEAKER_TYPE, label, ensure, after, outputs=True)
        # Before the read, both sides are the old state; and reads are never logical.
        self._add("resourcePreEvent", "refresh", label, SPEAKER_TYPE, old, old, logical=None)
        op = "refresh"
        if self._alone:
            op = "delete" if is_gone else "same" if before == after else "update"
        self._add("resOutputsEvent", op, label, SPEAKER_TYPE, old, new, logical=None)

    def step(
        self,
        op: str,
        label: str,
        *,
        status: str | None = "OPTED_OUT",
        was: str | None = OPTED_OUT,
        becomes: str | None = OPTED_OUT,
        retained: bool = True,
        type_: str = SPEAKER_TYPE,
    ) -> None:
        old = None if op == "create" else _state(type_, label, was, status, outputs=True, retained=retained)
        # Before a step, the new side knows its inputs alone.
        new = None if op in ("delete", "discard") else _state(type_, label, becomes, None, outputs=False)
        logical = None if "-" in op else True
        self._add("resourcePreEvent", op, label, type_, old, new, logical=logical)
        after = new if new is None else {**new, "outputs": new["inputs"]}
        self._add("resOutputsEvent", op, label, type_, old, after, logical=logical)

    def stack(self, op: str = "same") -> None:
        self.step(op, f"{PROJECT}-{STACK}", was=None, becomes=None, status=None, type_="pulumi:pulumi:Stack")

    def _add(self, kind: str, op: str, label: str, type_: str, old: Any, new: Any, *, logical: bool | None) -> None:
        metadata = {"op": op, "urn": urn_of(label, type_), "type": type_, "provider": "", "old": old, "new": new}
        document = {
            "sequence": len(self.events),
            "timestamp": 1767225600,
            kind: {"metadata": {**metadata, "logical": logical}, "planning": True},
        }
        self.events.append(api.EngineEvent.from_json(document))


class EmbeddedStream:
    """The embedded engine's: made by its emitter. Reads keep the name ``refresh`` whatever follows."""

    def __init__(self) -> None:
        self.events: list[api.EngineEvent] = []
        self._emitter = Emitter(self.events.append)

    def read(self, label: str, before: str | None, after: str | None, ensure: str = OPTED_OUT) -> None:
        old = _state(SPEAKER_TYPE, label, ensure, before, outputs=True)
        is_gone = after is None and ensure != RELEASED
        new = None if is_gone else _state(SPEAKER_TYPE, label, ensure, after, outputs=True)
        self._emitter.before(self._metadata("refresh", label, SPEAKER_TYPE, old, None), planning=True)
        self._emitter.done(self._metadata("refresh", label, SPEAKER_TYPE, old, new), planning=True)

    def step(
        self,
        op: str,
        label: str,
        *,
        status: str | None = "OPTED_OUT",
        was: str | None = OPTED_OUT,
        becomes: str | None = OPTED_OUT,
        retained: bool = True,
        type_: str = SPEAKER_TYPE,
    ) -> None:
        old = None if op == "create" else _state(type_, label, was, status, outputs=True, retained=retained)
        # Before a step, the new side has the old one's outputs.
        kept = None if op == "create" else status
        new = None if op in ("delete", "discard") else _state(type_, label, becomes, kept, outputs=True)
        metadata = self._metadata(op, label, type_, old, new)
        self._emitter.before(metadata, planning=True)
        self._emitter.done(metadata, planning=True)

    def stack(self, op: str = "same") -> None:
        self.step(op, f"{PROJECT}-{STACK}", was=None, becomes=None, status=None, type_="pulumi:pulumi:Stack")

    def _metadata(self, op: str, label: str, type_: str, old: Any, new: Any) -> api.StepEventMetadata:
        sides = [api.StepEventStateMetadata.from_json(side) if side else None for side in (old, new)]
        return api.StepEventMetadata(
            api.OpType(op), urn_of(label, type_), type_, "", old=sides[0], new=sides[1], logical=True
        )


def others(emitter_events: list[api.EngineEvent]) -> Iterable[api.EngineEvent]:
    """Add what every run says besides, and no plan is about."""
    emitter = Emitter(emitter_events.append)
    emitter.prelude({"voiceid-optout:domain": "sandbox"})
    emitter.diagnostic("info", "a word", None)
    emitter.summary()
    emitter.cancelled()
    return emitter_events
