"""Replaces, in both orders, and what they mean for the resources that depend on the replaced one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi.automation.events import OpType

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded.plugin import ProviderError
from voiceid_optout.state import values
from voiceid_optout.state.journal import EntryKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from voiceid_optout.engine.embedded.goal import Goal
    from voiceid_optout.engine.embedded.run import Run
    from voiceid_optout.state.resource import ResourceState


class Replacer:
    """Replaces resources. ``condemned`` holds those deleted because of what they depend on, by URN."""

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
        self.condemned: dict[str, ResourceState] = {}

    def replace(
        self, goal: Goal, new: ResourceState, old: ResourceState, *, delete_first: bool
    ) -> ResourceState | None:
        """Put a new resource in the place of the old one."""
        if old.protect and new.protect:
            self._refuse(old, f"{urns.name(old.urn)} is protected and would be replaced: unprotect it first")
        new = replace(new, inputs=self._run.checked(goal.urn, {}, goal.inputs))
        if delete_first:
            return self._delete_first(new, old)
        copy = replace(old, delete=True)
        if self._run.planning:
            self._run.journal.record(EntryKind.REPLACED, old)
        created = self._create(new, old, OpType.CREATE_REPLACEMENT, copy)
        if created is not None:
            self._run.replaced(copy, created)
        return created

    def _delete_first(self, new: ResourceState, old: ResourceState) -> ResourceState | None:
        for user in reversed(self._to_be_replaced_with(old)):
            if user.protect:
                self._refuse(
                    user, f"{urns.name(user.urn)} is protected and would be replaced with {urns.name(old.urn)}"
                )
            self._delete_half(user)
            self.condemned[user.urn] = user
        if not old.pending_replacement:
            self._delete_half(old)
        self._run.replaced(old, new)
        return self._create(new, old, OpType.CREATE_REPLACEMENT, None)

    def _delete_half(self, old: ResourceState) -> None:
        def act() -> ResourceState:
            if not old.retain_on_delete and old.deleted_with not in self.condemned:
                self._run.plugin().delete(old.urn, old.id, old.outputs)
            return replace(old, pending_replacement=True)

        self._run.step(OpType.DELETE_REPLACED, old, None, act)

    def _to_be_replaced_with(self, root: ResourceState) -> list[ResourceState]:
        """Return what depends on a resource and cannot do without it for a while, by its provider's word."""
        involved, replaced = {root.urn}, {root.urn}
        found = []
        for item in self._base:
            if item.urn in self._seen or item.urn in self.condemned or item.urn == root.urn:
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
        return bool(self._run.diffed(item, inputs).replaces)

    def _refuse(self, old: ResourceState, message: str) -> None:
        """Fail because of a protected resource; a preview goes on, to show everything that is wrong."""
        self._run.fail(old.urn, message, halt=not self._run.planning)
        if not self._run.planning:
            raise ProviderError(message)
