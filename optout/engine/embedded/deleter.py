"""Deletes: what the program no longer speaks of, users before what they use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pulumi.automation.events import OpType

from optout.engine import urn as urns
from optout.engine.embedded import decisions
from optout.engine.embedded.ledger import EntryKind
from optout.engine.embedded.plugin import ProviderError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from optout.engine.embedded.resource import ResourceState
    from optout.engine.embedded.run import Run


def delete_all(run: Run, resources: Iterable[ResourceState]) -> None:
    """Delete the resources in waves; a retained one is only forgotten, a protected one fails the run."""
    wanted = [item for item in resources if decisions.is_targeted(item.urn, run.request.targets)]
    for wave in reversed(_levels(wanted)):
        with ThreadPoolExecutor(run.request.parallel, thread_name_prefix="delete") as pool:
            for done in [pool.submit(_delete, run, item) for item in wave]:
                done.result()
        if run.failed.is_set():
            return


def unseen(resources: Iterable[ResourceState], seen: Collection[str]) -> list[ResourceState]:
    """Return the resources to delete after the program has ended: not registered, or replaced.

    A provider's entry stays while a resource that stays refers to it.
    """
    resources = list(resources)
    gone = [item for item in resources if item.delete or item.urn not in seen]
    kept = {item.provider.rsplit("::", 1)[0] for item in resources if item not in gone}
    return [item for item in gone if item.urn not in kept]


def _levels(resources: list[ResourceState]) -> list[list[ResourceState]]:
    """Sort into levels: what nothing else here uses is in the last one."""
    level: dict[str, int] = {}
    for item in resources:  # the state's order: what is used comes first
        level[item.urn] = max((level[need] + 1 for need in item.uses if need in level), default=0)
    levels: list[list[ResourceState]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for item in resources:
        levels[level[item.urn]].append(item)
    return levels


def _delete(run: Run, old: ResourceState) -> None:
    if run.stopped:
        return
    if old.protect:
        run.failed.set()
        run.emitter.diagnostic(
            "error", f"{urns.name(old.urn)} is protected and cannot be deleted: unprotect it first", old.urn
        )
        return

    def act() -> None:
        if old.custom and not old.retain_on_delete and not old.external and not old.is_provider:
            run.plugin().delete(old.urn, old.id, old.outputs)

    op = OpType.DELETE_REPLACED if old.delete else OpType.DELETE
    try:
        run.step(op, old, None, act, entry=EntryKind.REMOVE)
    except ProviderError:
        return
