"""Refresh: reads every resource and says which have drifted; the program is not run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi.automation.events import OpType

from voiceid_optout.engine.embedded.goal import is_targeted, missing_target, missing_targets
from voiceid_optout.engine.embedded.plugin import ProviderError
from voiceid_optout.engine.embedded.run import describe, now
from voiceid_optout.state import StackError, values
from voiceid_optout.state.journal import EntryKind
from voiceid_optout.state.resource import sealed

if TYPE_CHECKING:
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
    _forget_the_gone(run, {item.urn for item in base.resources})


def _refresh_one(run: Run, old: ResourceState, final: bool) -> None:  # noqa: FBT001 - a worker's argument
    if run.stopped:
        return
    metadata = describe(OpType.REFRESH, old, old, read=True)
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
        run.journal.record(EntryKind.SAME if op is OpType.SAME else EntryKind.PUT, new)
    shown = op if final else OpType.REFRESH
    run.emitter.done(describe(shown, old, new, read=True), planning=run.planning)
    if final and not old.is_provider:
        run.emitter.count(op)


def _read(run: Run, old: ResourceState) -> tuple[ResourceState | None, OpType]:
    if not old.custom or old.is_provider or old.pending_replacement:
        return old, OpType.SAME
    plugin = run.plugin()
    id_, outputs, inputs = plugin.read(old.urn, old.id, old.outputs, old.inputs)
    if not id_:
        return None, OpType.DELETE
    diff = plugin.diff(old.urn, id_, outputs, old.inputs)
    new = sealed(replace(old, id=id_, outputs=outputs, inputs=inputs))
    if values.plain_value([outputs, inputs]) != values.plain_value([old.outputs, old.inputs]):
        new = replace(new, modified=now())
    return new, OpType.UPDATE if diff.changes else OpType.SAME


def _forget_the_gone(run: Run, before: set[str]) -> None:
    """Take what a refresh found gone out of the dependencies of what is left: the state must stay consistent."""
    resources = run.journal.checkpoint().resources
    gone = before - {item.urn for item in resources}
    for item in resources if gone else ():
        if gone.isdisjoint(item.uses):
            continue
        mended = replace(
            item,
            parent="" if item.parent in gone else item.parent,
            dependencies=tuple(urn for urn in item.dependencies if urn not in gone),
            property_dependencies={
                key: [urn for urn in many if urn not in gone] for key, many in item.property_dependencies.items()
            },
            deleted_with="" if item.deleted_with in gone else item.deleted_with,
        )
        run.journal.record(EntryKind.PUT, mended)
