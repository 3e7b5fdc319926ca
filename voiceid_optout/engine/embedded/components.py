"""Components: they hold other resources, and what they put out is only what the program says."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi.automation.events import OpType

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded.run import describe, stamped
from voiceid_optout.state import values
from voiceid_optout.state.journal import EntryKind

if TYPE_CHECKING:
    from voiceid_optout.engine.embedded.goal import Goal
    from voiceid_optout.engine.embedded.run import Run
    from voiceid_optout.state.resource import ResourceState
    from voiceid_optout.state.values import PropertyMap

    _Registered = tuple[OpType, ResourceState | None, ResourceState]


class Components:
    """The components of a run, the stack's own among them. Thread-safe."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._registered: dict[str, _Registered] = {}
        self._exports: tuple[str, PropertyMap] | None = None

    def register(self, goal: Goal, old: ResourceState | None) -> ResourceState | None:
        """Take a component into the state; None when what it depends on is not there."""
        new = goal.state(goal.inputs, outputs=old.outputs if old else {})
        if not self._run.left_out.isdisjoint(new.uses):
            self._run.left_out.add(new.urn)
            return None
        new = replace(new, created=old.created, modified=old.modified) if old else stamped(new, None)
        op, kind = (OpType.SAME, EntryKind.SAME) if old else (OpType.CREATE, EntryKind.PUT)
        with self._lock:
            self._registered[new.urn] = (op, old, new)
        return self._run.step(op, old, new, lambda: new, entry=kind)

    def finish(self, urn: str, outputs: PropertyMap) -> None:
        """Take a component's outputs. The stack's, its exports, are kept back until the run has ended."""
        if urns.type_of(urn) == urns.STACK_TYPE:
            self._exports = (urn, outputs)
        else:
            self._put_out(urn, outputs)

    def finish_stack(self, *, failed: bool) -> None:
        """Take the exports; those a failed run does not speak of may only be missing, and stay."""
        if self._exports is None:
            return
        urn, outputs = self._exports
        _, old, _ = self._registered[urn]
        if failed and old is not None:
            outputs = {**old.outputs, **outputs}
        self._put_out(urn, outputs)

    def _put_out(self, urn: str, outputs: PropertyMap) -> None:
        if self._run.stopped and values.contains_unknown(outputs):
            return  # They have waited for what has failed: the CLI answers nobody by then, and keeps the old ones.
        with self._lock:
            known = self._registered.get(urn)
        if known is None:
            return
        op, old, new = known
        new = replace(new, outputs=outputs)
        if not self._run.planning:
            self._run.journal.record(EntryKind.SAME, new)
        self._run.emitter.done(describe(op, old, new), planning=self._run.planning)
