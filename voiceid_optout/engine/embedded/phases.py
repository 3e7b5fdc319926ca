"""What a run does beside the program: the refresh, which reads every resource, and the deletes.

A refresh says which resources have drifted. Deleted is what the program no longer registers, and, in a destroy,
everything; users go before what they use.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded.goal import is_targeted, missing_target, missing_targets
from voiceid_optout.engine.embedded.plugin import ProviderError
from voiceid_optout.engine.embedded.run import describe, now
from voiceid_optout.pulumi_parts import events as api
from voiceid_optout.state import StackError, values
from voiceid_optout.state.journal import EntryKind
from voiceid_optout.state.resource import sealed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from voiceid_optout.engine.embedded.run import Run
    from voiceid_optout.state.checkpoint import Checkpoint
    from voiceid_optout.state.resource import ResourceState


def refresh(run: Run, base: Checkpoint, *, final: bool) -> None:
    """Read all resources the run concerns, several at a time.

    ``final`` tells that nothing follows: the differences are then what the run counts; otherwise they are only
    noted, and the steps that follow are counted.
    """
    # Where the program follows, a target may be a resource that it adds.
    known = [item.urn for item in base.resources]
    for target in missing_targets(run.request.targets, known) if final else ():
        run.fail(target, missing_target(target), halt=True)
    if run.stopped:
        return
    wanted = [item for item in base.resources if is_targeted(item.urn, run.request.targets)]
    with ThreadPoolExecutor(run.request.parallel, thread_name_prefix="refresh") as pool:
        for done in [pool.submit(_refresh_one, run, item, final) for item in wanted]:
            done.result()  # raises what nobody expected


def _refresh_one(run: Run, old: ResourceState, final: bool) -> None:  # noqa: FBT001 - a worker's argument
    if run.stopped:
        return
    metadata = describe(api.OpType.REFRESH, old, old, read=True)
    run.emitter.before(metadata, planning=run.planning)
    try:
        new, op = _read(run, old)
    except ProviderError as error:
        run.fail(old.urn, str(error), halt=False)  # the others are read all the same
        if not run.planning:
            run.emitter.failed(metadata)
        return
    except StackError as error:
        run.stop(error)
        run.emitter.failed(metadata)
        return
    if new is None:
        run.journal.record(EntryKind.REMOVE, old)
    else:
        run.journal.record(EntryKind.SAME if op is api.OpType.SAME else EntryKind.PUT, new)
    shown = op if final else api.OpType.REFRESH
    run.emitter.done(describe(shown, old, new, read=True), planning=run.planning)
    if final and not old.is_provider:
        run.emitter.count(op)


def _read(run: Run, old: ResourceState) -> tuple[ResourceState | None, api.OpType]:
    if not old.custom or old.is_provider or old.pending_replacement:
        return old, api.OpType.SAME
    plugin = run.plugin()
    id_, outputs, inputs = plugin.read(old.urn, old.id, old.outputs, old.inputs)
    if not id_:
        return None, api.OpType.DELETE
    diff = plugin.diff(old.urn, id_, outputs, old.inputs)
    new = sealed(replace(old, id=id_, outputs=outputs, inputs=inputs))
    if values.plain_value([outputs, inputs]) != values.plain_value([old.outputs, old.inputs]):
        new = replace(new, modified=now())
    return new, api.OpType.UPDATE if diff.changes else api.OpType.SAME


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
        if old.custom and not old.is_provider and not forgotten and op is not api.OpType.REMOVE_PENDING_REPLACE:
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


def _operation(old: ResourceState) -> api.OpType:
    if old.delete:
        return api.OpType.DELETE_REPLACED
    if old.pending_replacement:
        return api.OpType.REMOVE_PENDING_REPLACE  # it was deleted by the run that could not make its successor
    return api.OpType.DISCARD if old.external else api.OpType.DELETE


def _refuse_delete(run: Run, old: ResourceState) -> None:
    """Fail because of a protected resource; nothing was tried, so the other deletes go on."""
    metadata = describe(api.OpType.DELETE, old, None)
    run.emitter.before(metadata, planning=run.planning)
    run.fail(old.urn, f"{urns.name(old.urn)} is protected and cannot be deleted: unprotect it first", halt=False)
    if not run.planning:
        run.emitter.failed(metadata)
