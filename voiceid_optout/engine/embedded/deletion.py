"""Deletes, of what the program no longer registers, and replaces: users go before what they use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi.automation.events import OpType

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded.goal import is_targeted
from voiceid_optout.engine.embedded.plugin import ProviderError
from voiceid_optout.engine.embedded.run import describe
from voiceid_optout.state import StackError, values
from voiceid_optout.state.journal import EntryKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from voiceid_optout.engine.embedded.goal import Goal
    from voiceid_optout.engine.embedded.run import Run
    from voiceid_optout.state.resource import ResourceState


def delete_all(run: Run, resources: Iterable[ResourceState]) -> None:
    """Delete the resources in waves; a retained one is only forgotten, a protected one fails the run.

    With targets only those are deleted; a resource that depends on one of them must be a target too.
    """
    resources = tuple(resources)
    wanted = _targeted(run, resources)
    if run.stopped:
        return
    going = {id(item) for item in wanted}
    for item in resources:
        if id(item) not in going and not item.delete:
            run.report_same(item, replace(item, id=""))
    deleted = {item.urn for item in wanted}
    needed: set[str] = set()  # by what could not be deleted
    for wave in reversed(_levels(wanted)):
        if run.halted.is_set():
            return
        free: list[ResourceState] = []
        for item in wave:
            if item.urn in needed:
                needed.update(item.uses)
            else:
                free.append(item)
        with ThreadPoolExecutor(run.request.parallel, thread_name_prefix="delete") as pool:
            done = pool.map(lambda item: _delete(run, item, deleted), free)
            needed.update(need for item, gone in zip(free, done, strict=True) if not gone for need in item.uses)


def unregistered(resources: Iterable[ResourceState], seen: Collection[str]) -> list[ResourceState]:
    """Return the resources to delete after the program has ended: not registered, or replaced.

    A provider's entry stays while a resource that stays refers to it.
    """
    resources = list(resources)
    gone = [item for item in resources if item.delete or item.urn not in seen]
    staying = (item for item in resources if not item.delete and item.urn in seen)
    kept = {item.provider.rsplit("::", 1)[0] for item in staying}
    return [item for item in gone if item.urn not in kept]


def _targeted(run: Run, resources: Sequence[ResourceState]) -> list[ResourceState]:
    """Return the targets and what depends on them; complain about each of those that is no target itself."""
    targets = run.request.targets
    if not targets:
        return list(resources)
    reached: set[str] = set()
    wanted = []
    for item in resources:  # the state's order: what is used comes first
        is_target = is_targeted(item.urn, targets)
        if not is_target and reached.isdisjoint(item.uses):
            continue
        reached.add(item.urn)
        wanted.append(item)
        if not is_target:
            message = f"{urns.name(item.urn)} depends on a target that is to be deleted: add it to the targets"
            run.fail(item.urn, message, halt=not run.planning)
    return wanted


def _levels(resources: list[ResourceState]) -> list[list[ResourceState]]:
    """Sort into levels: what nothing else here uses is in the last one."""
    level: dict[str, int] = {}
    for item in resources:  # the state's order: what is used comes first
        level[item.urn] = max((level[need] + 1 for need in item.uses if need in level), default=0)
    levels: list[list[ResourceState]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for item in resources:
        levels[level[item.urn]].append(item)
    return levels


def _delete(run: Run, old: ResourceState, deleted: Collection[str]) -> bool:
    """Delete one resource; False when it stays."""
    if run.fatal is not None:  # a failure lets the rest of its wave go on, as the CLI does
        return False
    if old.protect and not old.delete:
        _refuse_delete(run, old)
        return False

    def act() -> None:
        forgotten = old.retain_on_delete or old.external or old.deleted_with in deleted
        if old.custom and not old.is_provider and not forgotten and op is not OpType.REMOVE_PENDING_REPLACE:
            run.plugin().delete(old.urn, old.id, old.outputs)

    op = _operation(old)
    try:
        run.step(op, old, None, act, entry=EntryKind.REMOVE)
    except ProviderError:
        return False
    except StackError as error:
        run.stop(error)
        return False
    return True


def _operation(old: ResourceState) -> OpType:
    if old.delete:
        return OpType.DELETE_REPLACED
    if old.pending_replacement:
        return OpType.REMOVE_PENDING_REPLACE  # it was deleted by the run that could not make its successor
    return OpType.DISCARD if old.external else OpType.DELETE


def _refuse_delete(run: Run, old: ResourceState) -> None:
    """Fail because of a protected resource; nothing was tried, so the other deletes go on."""
    metadata = describe(OpType.DELETE, old, None)
    run.emitter.before(metadata, planning=run.planning)
    run.fail(old.urn, f"{urns.name(old.urn)} is protected and cannot be deleted: unprotect it first", halt=False)
    if not run.planning:
        run.emitter.failed(metadata)


class Replacer:
    """Replaces resources. ``deleted_dependents`` has what was deleted because of what it depends on, by URN."""

    def __init__(
        self,
        run: Run,
        base: tuple[ResourceState, ...],
        seen: Collection[str],
        create: Callable[[ResourceState, ResourceState, OpType, ResourceState | None], ResourceState | None],
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
        created = self._create(new, old, OpType.CREATE_REPLACEMENT, copy)
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
        return self._create(new, old, OpType.CREATE_REPLACEMENT, None)

    def _delete_half(self, old: ResourceState) -> None:
        def act() -> ResourceState:
            if not old.retain_on_delete and old.deleted_with not in self.deleted_dependents:
                self._run.plugin().delete(old.urn, old.id, old.outputs)
            return replace(old, pending_replacement=True)

        self._run.step(OpType.DELETE_REPLACED, old, None, act)

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
