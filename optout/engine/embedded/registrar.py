"""Registrations: turns each goal of the program into a step and does it."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi.automation.events import OpType

from optout.engine import urn as urns
from optout.engine.embedded import decisions, values
from optout.engine.embedded.decisions import Step
from optout.engine.embedded.ledger import EntryKind
from optout.engine.embedded.plugin import PROVIDER_PACKAGE, ProviderError
from optout.engine.embedded.resource import ResourceState
from optout.engine.embedded.run import describe, stamped
from optout.engine.errors import ProgramError

if TYPE_CHECKING:
    from optout.engine.embedded.goal import Goal
    from optout.engine.embedded.run import Run
    from optout.engine.embedded.snapshot import Snapshot
    from optout.engine.embedded.values import PropertyMap


class Registrar:
    """Knows the base snapshot and which resources the program has spoken of. Thread-safe."""

    def __init__(self, run: Run, base: Snapshot, stack: str, project: str, config: PropertyMap) -> None:
        self._run = run
        self._base = {item.urn: item for item in base.resources if not item.delete}
        self._stack = stack
        self._project = project
        self._config = config
        self._lock = threading.Lock()
        self._provider: ResourceState | None = None
        self._components: dict[str, tuple[OpType, ResourceState | None, ResourceState]] = {}
        self.seen: set[str] = set()

    def register(self, goal: Goal) -> ResourceState | None:
        """Bring one resource to what the program wants; None when it is left alone or has failed."""
        old = self._claim(goal)
        if not goal.custom:
            return self._component(goal, self._rename(old, goal.urn))
        if not decisions.is_targeted(goal.urn, self._run.request.targets):
            return old
        if self._run.stopped:
            return None
        try:
            return self._custom(goal, self._rename(old, goal.urn))
        except ProviderError:
            return None

    def finish_component(self, urn: str, outputs: PropertyMap) -> None:
        """Take a component's outputs; the stack's are its exports."""
        with self._lock:
            known = self._components.get(urn)
        if known is None:
            return
        op, old, new = known
        new = replace(new, outputs=outputs)
        if not self._run.planning:
            self._run.ledger.record(EntryKind.SAME, new)
        self._run.emitter.done(describe(op, old, new), planning=self._run.planning)

    def _claim(self, goal: Goal) -> ResourceState | None:
        with self._lock:
            if goal.urn in self.seen:
                raise ProgramError(f"Duplicate resource URN '{goal.urn}'; give each resource another name")
            self.seen.add(goal.urn)
            for urn in (goal.urn, *goal.aliases):
                if old := self._base.get(urn):
                    self.seen.add(urn)
                    return old
        return None

    def _rename(self, old: ResourceState | None, urn: str) -> ResourceState | None:
        """Let a resource that was found by an alias go on under the URN it has now."""
        if old is None or old.urn == urn:
            return old
        self._run.ledger.record(EntryKind.RENAMED, old, renamed=urn)
        return replace(old, urn=urn)

    def _component(self, goal: Goal, old: ResourceState | None) -> ResourceState | None:
        outputs = old.outputs if old else {}
        new = goal.state(goal.inputs, outputs=outputs)
        new = replace(new, created=old.created, modified=old.modified) if old else stamped(new, None)
        op, kind = (OpType.SAME, EntryKind.SAME) if old else (OpType.CREATE, EntryKind.PUT)
        with self._lock:
            self._components[new.urn] = (op, old, new)
        return self._run.step(op, old, new, lambda: new, entry=kind)

    def _custom(self, goal: Goal, old: ResourceState | None) -> ResourceState | None:
        provider = self._default_provider()
        wanted = decisions.keep_ignored(goal, old) if old else goal.inputs
        plugin = self._run.plugin()
        inputs = self._checked(goal.urn, old.inputs if old else {}, wanted)
        new = goal.state(inputs, provider=provider)
        if old is None:
            return self._create(new, None)
        if old.pending_replacement:
            return self._create(new, old)
        try:
            diff = plugin.diff(goal.urn, old.id, old.outputs, inputs)
        except ProviderError as error:
            self._complain(goal.urn, str(error))
            raise
        match decisions.choose(goal, old, inputs, diff):
            case Step.SAME:
                same = replace(new, id=old.id, outputs=old.outputs, created=old.created, modified=old.modified)
                return self._run.step(OpType.SAME, old, same, lambda: same, entry=EntryKind.SAME)
            case Step.UPDATE:
                return self._update(new, old)
            case Step.REPLACE:
                return self._replace(goal, new, old)
            case _:
                return self._delete_then_create(goal, new, old)

    def _checked(self, urn: str, old: PropertyMap, wanted: PropertyMap) -> PropertyMap:
        try:
            inputs, failures = self._run.plugin().check(urn, old, wanted)
        except ProviderError as error:
            self._complain(urn, str(error))
            raise
        if failures:
            for failure in failures:
                self._complain(urn, failure)
            raise ProviderError("invalid properties")
        return inputs

    def _complain(self, urn: str, message: str) -> None:
        self._run.failed.set()
        self._run.emitter.diagnostic("error", message, urn)

    def _create(
        self,
        new: ResourceState,
        old: ResourceState | None,
        op: OpType = OpType.CREATE,
        left: ResourceState | None = None,
    ) -> ResourceState | None:
        def act() -> ResourceState:
            id_, outputs = self._run.plugin().create(new.urn, new.inputs)
            if left is not None and old is not None:
                # Not before: as long as there is no new one, the old one is the resource.
                self._run.ledger.record(EntryKind.REPLACED, old)
            return stamped(replace(new, id=id_, outputs=self._secret_outputs(new, outputs)), None)

        planned = replace(new, outputs=new.inputs)
        return self._run.step(op, old if op is not OpType.CREATE else None, planned, act, left=left)

    def _update(self, new: ResourceState, old: ResourceState) -> ResourceState | None:
        def act() -> ResourceState:
            outputs = self._run.plugin().update(new.urn, old.id, old.outputs, new.inputs)
            return stamped(replace(new, id=old.id, outputs=self._secret_outputs(new, outputs)), old)

        planned = replace(new, id=old.id, outputs=new.inputs)
        return self._run.step(OpType.UPDATE, old, planned, act)

    def _replace(self, goal: Goal, new: ResourceState, old: ResourceState) -> ResourceState | None:
        self._refuse_protected(old)
        new = replace(new, inputs=self._checked(goal.urn, {}, goal.inputs))
        copy = replace(old, delete=True)
        created = self._create(new, old, OpType.CREATE_REPLACEMENT, left=copy)
        if created is not None:
            self._run.replaced(copy, created)
        return created

    def _delete_then_create(self, goal: Goal, new: ResourceState, old: ResourceState) -> ResourceState | None:
        self._refuse_protected(old)
        new = replace(new, inputs=self._checked(goal.urn, {}, goal.inputs))

        def act() -> ResourceState:
            if not old.retain_on_delete:
                self._run.plugin().delete(old.urn, old.id, old.outputs)
            return replace(old, pending_replacement=True)

        self._run.step(OpType.DELETE_REPLACED, old, None, act)
        self._run.replaced(old, new)
        return self._create(new, old, OpType.CREATE_REPLACEMENT)

    def _refuse_protected(self, old: ResourceState) -> None:
        if old.protect:
            message = f"{urns.name(old.urn)} is protected and would be replaced: unprotect it first"
            self._complain(old.urn, message)
            raise ProviderError(message)

    @staticmethod
    def _secret_outputs(new: ResourceState, outputs: PropertyMap) -> PropertyMap:
        return {
            key: values.Secret(value)
            if key in new.additional_secret_outputs and not isinstance(value, values.Secret)
            else value
            for key, value in outputs.items()
        }

    def _default_provider(self) -> str:
        """Return the reference to the default provider's entry, which comes before its first user."""
        with self._lock:
            if self._provider is None:
                self._provider = self._register_provider()
            return f"{self._provider.urn}::{self._provider.id}"

    def _register_provider(self) -> ResourceState:
        type_ = f"{urns.PROVIDER_TYPE_PREFIX}{PROVIDER_PACKAGE}"
        urn = urns.make(self._stack, self._project, "", type_, "default")
        self.seen.add(urn)
        old = self._base.get(urn)
        new = ResourceState(
            urn=urn,
            custom=True,
            type=type_,
            id=old.id if old else str(uuid.uuid4()),
            inputs=self._config,
            outputs=self._config,
        )
        if old is not None and old.inputs == new.inputs:
            new = replace(new, created=old.created, modified=old.modified)
            kind, op = EntryKind.SAME, OpType.SAME
        else:
            new = stamped(new, old)
            kind, op = EntryKind.PUT, OpType.UPDATE if old else OpType.CREATE
        self._run.step(op, old, new, lambda: new, entry=kind)
        return new
