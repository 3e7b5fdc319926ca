"""What every phase of a run shares: its options, the journal, whether it has failed, and the events it emits."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from voiceid_optout.engine.embedded.plugin import ProviderError
from voiceid_optout.engine.interface import Operation
from voiceid_optout.pulumi_parts import events as api
from voiceid_optout.state import PluginError, values
from voiceid_optout.state.checkpoint import timestamp
from voiceid_optout.state.journal import EntryKind
from voiceid_optout.state.resource import sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceid_optout.engine.embedded.plugin import Diff, Plugin
    from voiceid_optout.engine.interface import Request
    from voiceid_optout.state import StackError
    from voiceid_optout.state.journal import Journal
    from voiceid_optout.state.resource import ResourceState
    from voiceid_optout.state.values import PropertyMap

PENDING = {"create": "creating", "update": "updating", "delete": "deleting"}
_DELETES = (api.OpType.DELETE, api.OpType.DELETE_REPLACED, api.OpType.REMOVE_PENDING_REPLACE)
# Parts of a replace; the replace itself is reported, and counted, between them.
_PARTS = (api.OpType.CREATE_REPLACEMENT, api.OpType.DELETE_REPLACED, api.OpType.REMOVE_PENDING_REPLACE)


@dataclass(slots=True)
class Run:
    """One operation on one stack.

    ``failed`` says how it will end, ``halted`` that nothing further may begin. ``left_out`` are the URNs of
    resources whose step has failed or was not done: what depends on them is left out too. ``renamed`` has the URN
    of before by the URN that an alias gave a resource in this run.
    """

    operation: Operation
    request: Request
    journal: Journal
    emitter: Emitter
    plugin: Callable[[], Plugin]
    failed: threading.Event = field(default_factory=threading.Event)
    halted: threading.Event = field(default_factory=threading.Event)
    left_out: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    applied: int = 0
    fatal: StackError | None = None

    @property
    def planning(self) -> bool:
        """Whether nothing may be changed."""
        return self.operation in (Operation.PREVIEW, Operation.DRIFT, Operation.PREVIEW_DESTROY)

    @property
    def stopped(self) -> bool:
        """Whether no further step may start."""
        return self.fatal is not None or self.halted.is_set()

    def fail(self, urn: str, message: str, *, halt: bool) -> None:
        """Say what went wrong; ``halt`` lets nothing further begin."""
        self.failed.set()
        if halt:
            self.halted.set()
        self.emitter.diagnostic("error", message, urn)

    def stop(self, error: StackError) -> None:
        """Let no further step start: the run itself cannot go on."""
        self.fatal = self.fatal or error
        self.failed.set()

    def step(
        self,
        op: api.OpType,
        old: ResourceState | None,
        new: ResourceState | None,
        act: Callable[[], ResourceState | None],
        *,
        entry: EntryKind = EntryKind.PUT,
        old_after: ResourceState | None = None,
    ) -> ResourceState | None:
        """Run one step with its events and its lines in the journal; ``act`` does it and returns the new state.

        In a preview ``act`` is not called and ``new`` is what is planned. ``old_after`` is the old state after
        the step, where that differs from ``old``. A failure is reported, marks the run as failed and is raised
        again.
        """
        subject = new or old
        if subject is None:
            raise ValueError("a step needs a resource")
        shown_old = old
        if old is not None and old.delete and old.urn in self.renamed:
            # An old copy is shown with the URN that it had, as with the CLI.
            shown_old = replace(old, urn=self.renamed[old.urn])
        self.emitter.before(describe(op, shown_old, _before_step(new)), planning=self.planning)
        failed = describe(op, shown_old, new and replace(new, outputs={}))
        result = new if self.planning else self._act(failed, subject, act)
        if result is not None:
            result = sealed(result)
            if op is api.OpType.SAME and old is not None and old.custom:
                old_after = replace(old, outputs=result.outputs)
        if old is not None and old.urn != subject.urn:
            # It was found by an alias. Not before: as long as its step is not done it is the one of the state.
            self.journal.record(EntryKind.RENAMED, old, renamed=subject.urn)
            self.renamed[subject.urn] = old.urn
        self.journal.record(entry, result or subject)
        if op is not api.OpType.SAME and subject.custom and not subject.is_provider:
            self.applied += 1
        if op not in _PARTS and not subject.is_provider:
            self.emitter.count(op)
        # What a component has put out is only known when the program says so, and reported then.
        if subject.custom or self.planning or op in _DELETES:
            result_shown = None if op in _DELETES else result
            self.emitter.done(describe(op, old_after or shown_old, result_shown), planning=self.planning)
        return result

    def _act(
        self,
        failed: api.StepEventMetadata,
        subject: ResourceState,
        act: Callable[[], ResourceState | None],
    ) -> ResourceState | None:
        """Do it, noted as pending meanwhile; a failure is reported and raised again."""
        pending = PENDING.get(failed.op.value.split("-")[0])
        if pending is None:
            return act()
        self.journal.record(EntryKind.BEGIN, subject, pending)
        try:
            return act()
        except PluginError:
            # It may have happened or not: the entry that it began stays.
            self.failed.set()
            self.emitter.failed(failed)
            raise
        except Exception as error:
            self.journal.record(EntryKind.FAILED, subject)
            self.left_out.add(subject.urn)
            self.fail(subject.urn, str(error), halt=not self.request.continue_on_error)
            self.emitter.failed(failed)
            raise

    def check_inputs(self, urn: str, old: PropertyMap, wanted: PropertyMap) -> PropertyMap:
        """Return the inputs as the provider wants them; its complaints end the run."""
        if not self.planning and values.contains_unknown(wanted):
            # With continue-on-error, what a failed resource has not given; a provider gets it in plans only.
            wanted = values.known(wanted)
        try:
            inputs, failures = self.plugin().check(urn, old, wanted)
        except ProviderError as error:
            self.fail(urn, str(error), halt=True)
            raise
        for failure in failures:
            self.fail(urn, failure, halt=True)
        if failures:
            raise ProviderError("invalid properties")
        return inputs

    def diff(self, old: ResourceState, inputs: PropertyMap) -> Diff:
        """Return what the provider says of a difference; an exception of it ends the run."""
        try:
            return self.plugin().diff(old.urn, old.id, old.outputs, inputs)
        except ProviderError as error:
            self.fail(old.urn, str(error), halt=True)
            raise

    def report_same(self, old: ResourceState, started: ResourceState) -> None:
        """Tell of a resource that is left alone because it is no target."""
        self.emitter.before(describe(api.OpType.SAME, old, started), planning=self.planning)
        if not old.is_provider:
            self.emitter.count(api.OpType.SAME)
        if old.custom or self.planning:
            self.emitter.done(describe(api.OpType.SAME, old, old), planning=self.planning)

    def report_replace(self, old: ResourceState, new: ResourceState) -> None:
        """Tell of a replace, whose halves are steps of their own."""
        metadata = describe(api.OpType.REPLACE, old, new)
        self.emitter.before(metadata, planning=self.planning)
        self.emitter.count(api.OpType.REPLACE)
        self.emitter.done(metadata, planning=self.planning)


def _before_step(new: ResourceState | None) -> ResourceState | None:
    """Return the new state as it is before its step: neither id nor outputs are known."""
    return replace(new, id="", outputs={}) if new else None


def describe(
    op: api.OpType, old: ResourceState | None, new: ResourceState | None, *, read: bool = False
) -> api.StepEventMetadata:
    """Return what an event tells of a step; secrets are masked. ``read`` marks a step of a refresh."""
    subject = new or old
    if subject is None:
        raise ValueError("a step needs a resource")
    return api.StepEventMetadata(
        op=op,
        urn=subject.urn,
        type=subject.type,
        provider=subject.provider,
        old=_state(old),
        new=_state(new),
        logical=None if read or op in _PARTS else True,
    )


def _state(resource: ResourceState | None) -> api.StepEventStateMetadata | None:
    if resource is None:
        return None
    return api.StepEventStateMetadata(
        type=resource.type,
        urn=resource.urn,
        id=resource.id,
        parent=resource.parent,
        provider=resource.provider,
        custom=resource.custom or None,
        delete=resource.delete or None,
        protect=resource.protect or None,
        retain_on_delete=resource.retain_on_delete or None,
        inputs=values.masked(resource.inputs),
        outputs=values.masked(resource.outputs),
    )


def now() -> str:
    """Return the present moment as the state file writes it."""
    return timestamp(datetime.now(UTC))


def stamped(new: ResourceState, old: ResourceState | None) -> ResourceState:
    """Return the new state with its times: created once, modified now."""
    moment = now()
    return replace(new, created=old.created if old else moment, modified=moment)


class Emitter:
    """Numbers, times and hands out events, one at a time, and counts the steps for the summary."""

    def __init__(self, handler: Callable[[api.EngineEvent], None]) -> None:
        self._handler = handler
        self._lock = threading.Lock()
        self._sequence = 0
        self._started = time.monotonic()
        self.counts: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()

    def _emit(self, **content: Any) -> None:
        with self._lock:
            event = api.EngineEvent(sequence=self._sequence, timestamp=int(time.time()), **content)
            self._sequence += 1
            self._handler(event)

    def prelude(self, config: Mapping[str, str]) -> None:
        """Say that the run begins, with its config (secrets already blinded)."""
        self._emit(prelude_event=api.PreludeEvent(dict(config)))

    def diagnostic(self, severity: str, message: str, urn: str | None = None) -> None:
        """Say something to people; severity is ``debug``, ``info``, ``info#err``, ``warning`` or ``error``."""
        if severity == "error":
            with self._lock:
                self._errors[message] += 1
        self._emit(diagnostic_event=api.DiagnosticEvent(message, "never", severity, urn=urn))

    def before(self, metadata: api.StepEventMetadata, *, planning: bool) -> None:
        """Say that a step starts, or would in a preview."""
        self._emit(resource_pre_event=api.ResourcePreEvent(metadata, planning or None))

    def count(self, op: api.OpType) -> None:
        """Count a step for the summary."""
        with self._lock:
            self.counts[op.value] += 1

    def done(self, metadata: api.StepEventMetadata, *, planning: bool) -> None:
        """Say that a step has ended well."""
        self._emit(res_outputs_event=api.ResOutputsEvent(metadata, planning or None))

    def failed(self, metadata: api.StepEventMetadata) -> None:
        """Say that a step has failed."""
        self._emit(res_op_failed_event=api.ResOpFailedEvent(metadata, 0, 0))

    def summary(self) -> None:
        """Say how the run ended: its duration in seconds and how many steps of each kind."""
        changes: Any = {key: self.counts[key] for key in sorted(self.counts)}
        seconds = int(time.monotonic() - self._started)
        self._emit(summary_event=api.SummaryEvent(False, seconds, changes, {}))  # noqa: FBT003

    def errors(self) -> tuple[str, ...]:
        """Return the errors said so far, each once, with how often it was said."""
        return tuple(
            message if count == 1 else f"{message} ({count} times)" for message, count in self._errors.items()
        )

    def cancelled(self) -> None:
        """Say that nothing follows: the CLI closes every stream so."""
        self._emit(cancel_event=api.CancelEvent())
