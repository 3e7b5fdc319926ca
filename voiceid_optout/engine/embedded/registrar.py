"""Registrations: turns each goal of the program into a step and does it."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded.goal import ResourceOp, choose_op, is_targeted, keep_ignored
from voiceid_optout.engine.embedded.plugin import ProviderError
from voiceid_optout.engine.embedded.run import describe, stamped
from voiceid_optout.pulumi_parts import events as api
from voiceid_optout.state import OutOfScope, OutOfScopeError, ProgramError, values
from voiceid_optout.state.journal import EntryKind
from voiceid_optout.state.resource import ResourceState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from voiceid_optout.engine.embedded.goal import Goal
    from voiceid_optout.engine.embedded.run import Run
    from voiceid_optout.state.checkpoint import Checkpoint
    from voiceid_optout.state.values import PropertyMap

    _Registered = tuple[api.OpType, ResourceState | None, ResourceState]


class Registrar:
    """Knows the base checkpoint and which resources the program has registered. Thread-safe."""

    def __init__(self, run: Run, base: Checkpoint, stack: str, project: str, config: PropertyMap) -> None:
        self._run = run
        self._base = {item.urn: item for item in base.resources if not item.delete}
        self._stack = stack
        self._project = project
        self._config = config
        self._lock = threading.Lock()
        self._provider: ResourceState | None = None
        self._goals: dict[str, Goal] = {}
        self._not_made: set[str] = set()  # wanted and new, but no target
        self._renamed: set[str] = set()  # found by an alias
        self.components = Components(run)
        self.seen: set[str] = set()
        self._replacer = Replacer(run, tuple(self._base.values()), self.seen, self.create)

    def register(self, goal: Goal) -> ResourceState | None:
        """Bring one resource to what the program wants; None when it is left out or has failed."""
        goal = goal.inheriting(self._goals.get(goal.parent))
        self._goals[goal.urn] = goal
        old = self._claim(goal)
        if not goal.custom:
            return self.components.register(goal, old)
        if not is_targeted(goal.urn, self._run.request.targets):
            return self._leave(goal, old)
        if self._run.stopped:
            return None
        try:
            return self._custom(goal, old)
        except ProviderError:
            return None

    def _claim(self, goal: Goal) -> ResourceState | None:
        """Return what the state has of a resource, by the URN that it has there: a step brings the new one."""
        with self._lock:
            if goal.urn in self.seen:
                raise ProgramError(f"Duplicate resource URN '{goal.urn}'; try giving it a unique name")
            if goal.parent in self._renamed:
                # The engine would have to make aliases of the parent's for the child, or delete the real one.
                raise OutOfScopeError(OutOfScope.BELOW_ALIAS, urns.name(goal.urn), urns.name(goal.parent))
            self.seen.add(goal.urn)
            if old := self._base.get(goal.urn):
                return old
            for urn in goal.aliases:
                if old := self._base.get(urn):
                    if urn in self.seen:
                        raise ProgramError(f"the alias '{urn}' of '{goal.urn}' belongs to another resource too")
                    self.seen.add(urn)
                    self._renamed.add(goal.urn)
                    return old
        return None

    def _leave(self, goal: Goal, old: ResourceState | None) -> ResourceState:
        """Leave alone what is no target; a new one is not made, and its id and outputs stay unknown."""
        provider = self._default_provider()
        if old is None:
            self._not_made.add(goal.urn)
            new = goal.state(goal.inputs, provider=provider)
            self._run.report_same(new, new)
            return new
        self._goals[old.urn] = goal  # an alias does not count here: children know it by this URN
        self._run.report_same(old, replace(old, id=""))
        self._run.journal.record(EntryKind.SAME, old)
        return old

    def _custom(self, goal: Goal, old: ResourceState | None) -> ResourceState | None:
        provider = self._default_provider()
        wanted = keep_ignored(goal, old) if old else goal.inputs
        deleted = self._replacer.deleted_dependents.get(old.urn) if old else None
        inputs = self._run.check_inputs(goal.urn, old.inputs if old and not deleted else {}, wanted)
        new = goal.state(inputs, provider=provider)
        if deleted is not None:
            self._run.report_replace(deleted, new)
            return self.create(new, deleted, api.OpType.CREATE_REPLACEMENT)
        if old is None:
            return self.create(new) if self._may_begin(new) else None
        diff = self._run.diff(replace(old, urn=goal.urn), inputs)
        step = choose_op(goal, old, inputs, diff)
        if not self._may_begin(new):
            return None
        match step:
            case ResourceOp.SAME:
                same = replace(new, id=old.id, outputs=old.outputs, created=old.created, modified=old.modified)
                return self._run.step(api.OpType.SAME, old, same, lambda: same, entry=EntryKind.SAME)
            case ResourceOp.UPDATE:
                return self._update(new, old)
            case _:
                return self._replacer.replace(goal, new, old, delete_first=step is ResourceOp.DELETE_THEN_CREATE)

    def _may_begin(self, new: ResourceState) -> bool:
        """Tell whether everything the resource depends on is there."""
        if not self._run.left_out.isdisjoint(new.uses):
            self._run.left_out.add(new.urn)
            return False
        if missing := self._not_made.intersection(new.uses):
            message = (
                f"{urns.name(new.urn)} depends on {urns.name(min(missing))}, which is new and no target: "
                "add it to the targets"
            )
            self._run.fail(new.urn, message, halt=not self._run.planning)
            return self._run.planning
        return True

    def create(
        self,
        new: ResourceState,
        old: ResourceState | None = None,
        op: api.OpType = api.OpType.CREATE,
        old_after: ResourceState | None = None,
    ) -> ResourceState | None:
        """Create a resource; in a replace of ``old``, ``old_after`` is its copy, which waits for its deletion."""

        def act() -> ResourceState:
            id_, outputs = self._run.plugin().create(new.urn, new.inputs)
            if old_after is not None and old is not None:
                # Not before: as long as there is no new one, the old one is the resource.
                self._run.journal.record(EntryKind.REPLACED, old)
            return stamped(replace(new, id=id_, outputs=outputs), None)

        planned = replace(new, outputs=new.inputs)
        return self._run.step(op, old, planned, act, old_after=old_after)

    def _update(self, new: ResourceState, old: ResourceState) -> ResourceState | None:
        def act() -> ResourceState:
            outputs = self._run.plugin().update(new.urn, old.id, old.outputs, new.inputs)
            return stamped(replace(new, id=old.id, outputs=outputs), old)

        planned = replace(new, id=old.id, outputs=new.inputs)
        return self._run.step(api.OpType.UPDATE, old, planned, act)

    def _default_provider(self) -> str:
        """Return the reference to the default provider's entry, which comes before its first user."""
        with self._lock:
            if self._provider is None:
                self._provider = self._register_provider()
            return f"{self._provider.urn}::{self._provider.id}"

    def _register_provider(self) -> ResourceState:
        type_ = f"{urns.PROVIDER_TYPE_PREFIX}{urns.DYNAMIC_PACKAGE}"
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
            kind, op = EntryKind.SAME, api.OpType.SAME
        else:
            new = stamped(new, old)
            kind, op = EntryKind.PUT, api.OpType.UPDATE if old else api.OpType.CREATE
        self._run.step(op, old, new, lambda: new, entry=kind)
        return new


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
        op, kind = (api.OpType.SAME, EntryKind.SAME) if old else (api.OpType.CREATE, EntryKind.PUT)
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


class Replacer:
    """Replaces resources. ``deleted_dependents`` has what was deleted because of what it depends on, by URN."""

    def __init__(
        self,
        run: Run,
        base: tuple[ResourceState, ...],
        seen: Collection[str],
        create: Callable[[ResourceState, ResourceState, api.OpType, ResourceState | None], ResourceState | None],
    ) -> None:
        self._run = run
        self._base = base
        self._seen = seen
        self._create = create
        self.deleted_dependents: dict[str, ResourceState] = {}

    def replace(
        self, goal: Goal, new: ResourceState, old: ResourceState, *, delete_first: bool
    ) -> ResourceState | None:
        """Put a new resource in the place of the old one."""
        if old.protect and new.protect:
            self._refuse(old, f"{urns.name(old.urn)} is protected and would be replaced: unprotect it first")
        new = replace(new, inputs=self._run.check_inputs(goal.urn, {}, goal.inputs))
        if delete_first:
            return self._delete_first(new, old)
        copy = replace(old, delete=True)
        if self._run.planning:
            self._run.journal.record(EntryKind.REPLACED, old)
        created = self._create(new, old, api.OpType.CREATE_REPLACEMENT, copy)
        if created is not None:
            self._run.report_replace(copy, created)
        return created

    def _delete_first(self, new: ResourceState, old: ResourceState) -> ResourceState | None:
        for user in reversed(self._to_be_replaced_with(old)):
            if user.protect:
                self._refuse(
                    user, f"{urns.name(user.urn)} is protected and would be replaced with {urns.name(old.urn)}"
                )
            self._delete_half(user)
            self.deleted_dependents[user.urn] = user
        if not old.pending_replacement:
            self._delete_half(old)
        self._run.report_replace(old, new)
        return self._create(new, old, api.OpType.CREATE_REPLACEMENT, None)

    def _delete_half(self, old: ResourceState) -> None:
        def act() -> ResourceState:
            if not old.retain_on_delete and old.deleted_with not in self.deleted_dependents:
                self._run.plugin().delete(old.urn, old.id, old.outputs)
            return replace(old, pending_replacement=True)

        self._run.step(api.OpType.DELETE_REPLACED, old, None, act)

    def _to_be_replaced_with(self, root: ResourceState) -> list[ResourceState]:
        """Return what depends on a resource and cannot do without it for a while, by its provider's word."""
        involved, replaced = {root.urn}, {root.urn}
        found = []
        for item in self._base:
            if item.urn in self._seen or item.urn in self.deleted_dependents or item.urn == root.urn:
                continue
            parent = {item.parent} - set(item.dependencies)
            if involved.isdisjoint(set(item.uses) - parent):
                continue
            involved.add(item.urn)
            if item.custom and not item.external and self._needs_replace(item, replaced):
                replaced.add(item.urn)
                found.append(item)
        return found

    def _needs_replace(self, item: ResourceState, replaced: set[str]) -> bool:
        if item.deleted_with in replaced:
            return True
        unknown = [key for key, needs in item.property_dependencies.items() if not replaced.isdisjoint(needs)]
        if not unknown:
            return False
        inputs = {**item.inputs, **dict.fromkeys(unknown, values.UNKNOWN)}
        return bool(self._run.diff(item, inputs).replaces)

    def _refuse(self, old: ResourceState, message: str) -> None:
        """Fail because of a protected resource; a preview goes on, to show everything that is wrong."""
        self._run.fail(old.urn, message, halt=not self._run.planning)
        if not self._run.planning:
            raise ProviderError(message)
