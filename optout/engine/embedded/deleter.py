"""Deletes: what the program no longer speaks of, users before what they use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pulumi.automation.events import OpType

from optout.engine import urn as urns
from optout.engine.embedded import decisions
from optout.engine.embedded.ledger import EntryKind
from optout.engine.embedded.plugin import ProviderError
from optout.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from optout.engine.embedded.resource import ResourceState
    from optout.engine.embedded.run import Run


def delete_all(run: Run, resources: Iterable[ResourceState]) -> None:
    """Delete the resources in waves; a retained one is only forgotten, a protected one fails the run."""
    wanted = [item for item in resources if decisions.is_targeted(item.urn, run.request.targets)]
    needed: set[str] = set()  # by what could not be deleted
    for wave in reversed(_levels(wanted)):
        free: list[ResourceState] = []
        for item in wave:
            if item.urn in needed:
                needed.update(item.uses)
            else:
                free.append(item)
        with ThreadPoolExecutor(run.request.parallel, thread_name_prefix="delete") as pool:
            done = pool.map(lambda item: _delete(run, item), free)
            needed.update(need for item, gone in zip(free, done, strict=True) if not gone for need in item.uses)


def unseen(resources: Iterable[ResourceState], seen: Collection[str]) -> list[ResourceState]:
    """Return the resources to delete after the program has ended: not registered, or replaced.

    A provider's entry stays while a resource that stays refers to it.
    """
    resources = list(resources)
    gone = [item for item in resources if item.delete or item.urn not in seen]
    staying = (item for item in resources if not item.delete and item.urn in seen)
    kept = {item.provider.rsplit("::", 1)[0] for item in staying}
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


def _delete(run: Run, old: ResourceState) -> bool:
    """Delete one resource; False when it stays."""
    if run.stopped:
        return False
    if old.protect:
        run.failed.set()
        run.emitter.diagnostic(
            "error", f"{urns.name(old.urn)} is protected and cannot be deleted: unprotect it first", old.urn
        )
        return False

    def act() -> None:
        if old.custom and not old.retain_on_delete and not old.external and not old.is_provider:
            run.plugin().delete(old.urn, old.id, old.outputs)

    op = OpType.DELETE_REPLACED if old.delete else OpType.DELETE
    try:
        run.step(op, old, None, act, entry=EntryKind.REMOVE)
    except ProviderError:
        return False
    except EngineError as error:
        run.stop(error)
        return False
    return True
