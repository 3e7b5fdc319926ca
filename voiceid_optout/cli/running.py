"""A run of an engine on an opened stack: what it is asked, what becomes of its events, and how it ended."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, fields, replace
from enum import Enum
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Self

from voiceid_optout import urn as urns
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.known import is_given
from voiceid_optout.cli.output import echo
from voiceid_optout.engine.interface import WRITES_STATE, Operation, Outcome, Request, Result
from voiceid_optout.plan.build import DESTROYED, DROPPED, PlanBuilder, is_change, shard_size, shard_steps
from voiceid_optout.speakers import ASK_FIRST_VARIABLE, LABEL, SHARD_TYPE, SPEAKER_TYPE, upgraded
from voiceid_optout.voiceid.pacing import wait_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from voiceid_optout.cli.known import Mask
    from voiceid_optout.cli.session import Session
    from voiceid_optout.plan import Plan

    Masking = Callable[[Any], Any] | None

_CODES = {
    Result.FAILED: ExitCode.FAILED,
    Result.PARTIAL: ExitCode.PARTIAL,
    Result.ENDED: ExitCode.ENDED,
}
_OURS = {SPEAKER_TYPE, SHARD_TYPE, urns.STACK_TYPE, f"{urns.PROVIDER_TYPE_PREFIX}pulumi-python"}
_DESTROYING = (Operation.DESTROY, Operation.PREVIEW_DESTROY)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the options say of a run. ``targets`` are labels."""

    refresh: bool = True
    targets: tuple[str, ...] = ()
    parallel: int = 8
    continue_on_error: bool = False
    trust_state: bool = False

    @classmethod
    def take(cls, options: dict[str, Any]) -> Self:
        """Take what is about a run out of a command's options."""
        return cls(**{item.name: options.pop(item.name) for item in fields(cls) if item.name in options})


def perform(
    session: Session,
    operation: Operation,
    options: RunOptions,
    *,
    title: str,
    total: int | None = None,
    message: str = "",
    resources: frozenset[str] = frozenset(),
    repeatable: bool = False,
    ask_first: bool = False,
) -> tuple[Outcome, Plan]:
    """Run an operation, show its progress, and return its outcome with the plan its events make.

    ``message`` is what the history keeps of it. ``resources`` are the URNs of the only ones it may touch, in place
    of those that the options name. ``repeatable``: see :class:`voiceid_optout.engine.interface.Request`. With
    ``ask_first`` people who are new in a resource are looked up before they are written to.
    """
    people, screen, mask = session.people, session.screen, session.mask
    request = Request(
        root=session.context.project.root,
        stack=session.context.stack,
        backend=session.context.backend(),
        remote_backend=session.context.remote_backend,
        environment={**session.environment, **({ASK_FIRST_VARIABLE: "1"} if ask_first else {})},
        declared=people.declared,
        upgrade=upgraded,
        refresh=options.refresh,
        targets=tuple(sorted(resources))
        or tuple(
            urns.make(session.context.stack, session.context.project.name, "", SPEAKER_TYPE, label)
            for label in options.targets
        ),
        parallel=options.parallel,
        continue_on_error=options.continue_on_error,
        message=message,
        repeatable=repeatable,
        trust_state=options.trust_state,
    )
    builder = PlanBuilder(DESTROYED if operation in _DESTROYING else DROPPED, people.renamed)
    error_places = ErrorPlaces(people.places)
    # A plan is about everybody: each is read and compared, and counts once.
    weight = _People() if total is None else partial(_changes, renamed=people.renamed)
    expected = (people.count or None) if total is None else total
    with screen.working(title, expected, lasting=total is not None) as progress:

        def on_event(event: Any) -> None:
            masking = _masking(event, mask)
            session.event_log.write(event, masking)
            if operation in WRITES_STATE:
                screen.emit(lambda: document(event, masking))
            builder.add(event)
            if (said := event.diagnostic_event) is not None:
                error_places.add(said)
                if (reason := wait_reason(said.message)) is not None:
                    progress.waits(reason)
                elif said.severity == "warning" and said.message.strip():
                    screen.warn(f"warning: {said.message.strip()}")
                elif said.severity in ("info", "info#err") and said.message.strip():
                    screen.say(f"note: {said.message.strip()}", "dim")
            if (done := event.res_outputs_event) is not None and (ended := weight(done.metadata)):
                progress.advance(ended)

        outcome = session.engine.run(operation, request, on_event)
    if outcome.errors:
        outcome = replace(outcome, errors=tuple(map(mask, error_places.located(outcome.errors))))
    return outcome, _masked(builder.plan(), mask)


def _masked(plan: Plan, mask: Mask) -> Plan:
    """Return the plan with the names of resources masked; most plans have only labels, which need it not."""
    if all(is_given(step.label) for step in plan.steps):
        return plan
    return replace(plan, steps=tuple(replace(step, label=mask.name(step.label)) for step in plan.steps))


def is_repeatable(session: Session, plan: Plan) -> bool:
    """Whether a killed run may lose what it wrote down: opt-outs are asked for again, other resources are not.

    With a resource a person that would cost each of them a call; shards find at once who is opted out already.
    """
    return session.context.is_sharded and bool(plan.types) and plan.types <= _OURS


def end(outcome: Outcome) -> None:
    """Leave with an error for a run that did not end well; each cause is said once."""
    if outcome.result is Result.SUCCEEDED:
        return
    errors = outcome.errors or ("the run failed without saying why",)
    if outcome.result is Result.PARTIAL:
        errors = (*errors, "applied in part; run the command again to go on from there")
    for error in errors[:-1]:
        echo(f"error: {error}", err=True)
    raise CommandError(errors[-1], _CODES[outcome.result])


def _masking(event: Any, mask: Mask) -> Masking:
    """Return what makes an event's texts fit for logs; None for what is our own, which names people by label.

    A message is masked at once: it is shown too.
    """
    if (said := event.diagnostic_event) is not None:
        if said.message and wait_reason(said.message) is None:
            said.message = mask(said.message)
        return mask.values if said.urn and not is_given(urns.name(said.urn)) else None
    step = event.resource_pre_event or event.res_outputs_event or event.res_op_failed_event
    return None if step is None or _is_ours(step.metadata) else mask.values


def _is_ours(metadata: Any) -> bool:
    """Tell whether an event is about what our program declares: it names people by label."""
    return metadata.type in _OURS and (
        metadata.type not in (SPEAKER_TYPE, SHARD_TYPE) or is_given(urns.name(metadata.urn))
    )


class _People:
    """Counts each person once, however many events there are about them."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, metadata: Any) -> int:
        if metadata.type not in (SPEAKER_TYPE, SHARD_TYPE) or metadata.urn in self._seen:
            return 0
        self._seen.add(metadata.urn)
        return shard_size(metadata) if metadata.type == SHARD_TYPE else 1


def _changes(metadata: Any, renamed: Mapping[str, str]) -> int:
    """Return how many rows of a plan an event is about."""
    if not is_change(metadata):
        return 0
    steps = shard_steps(metadata, {}, DROPPED, renamed) if metadata.type == SHARD_TYPE else None
    return 1 if steps is None else len(steps)


class EventLog:
    """Writes events to ``path``; without a path it writes nothing. A context manager."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stream: IO[str] | None = None
        self._failure: OSError | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                # An engine's text may have halves of surrogates; what reads the log gets a mark in their place.
                self._stream = self._path.open("w", encoding="utf-8", errors="replace")
            except OSError as error:
                raise self._error(error) from error
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        self._close()
        if self._failure is not None and error is None:
            raise self._error(self._failure)

    def write(self, event: Any, mask: Masking = None) -> None:
        """Write one event, with ``mask`` applied to its JSON; engines hand them over one at a time.

        A failure ends the log and is raised at the end of the block: the run itself must not suffer from it.
        """
        if self._stream is not None:
            try:
                self._stream.write(json.dumps(document(event, mask), ensure_ascii=False) + "\n")
            except OSError as error:
                self._failure = error
                self._close()

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        try:
            if stream is not None:
                stream.close()
        except OSError as error:
            self._failure = self._failure or error

    def _error(self, error: OSError) -> CommandError:
        return CommandError(f"cannot write the event log {self._path}: {error.strerror}")


def document(event: Any, mask: Masking = None) -> Any:
    """Return an event as JSON, with ``mask`` applied."""
    found = to_json(event)
    return found if mask is None else mask(found)


_LABEL = re.compile(rf"\b{LABEL.pattern}\b")
PLACES_SHOWN = 3  # what is wrong for more people than that is hardly about one of them


class ErrorPlaces:
    """Takes what an engine says (:meth:`add`) and puts places before the errors (:meth:`located`)."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._labels: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, said: Any) -> None:
        """Take a diagnostic event; those that are no error of a person are ignored."""
        if said.severity == "error" and said.urn and urns.type_of(said.urn) == SPEAKER_TYPE:
            self._labels[said.message.strip()].append(urns.name(said.urn))

    def located(self, errors: Iterable[str]) -> tuple[str, ...]:
        """Return the errors, those about a few people with their ``file:line``, or label, in front.

        An error of a shard names people by label already: their places take the labels' place.
        """
        return tuple(f"{self._where(error)}{_LABEL.sub(self._place, error)}" for error in errors)

    def _place(self, found: re.Match[str]) -> str:
        return self._places.get(found[0], found[0])

    def _where(self, error: str) -> str:
        labels = self._labels.get(error) or self._labels.get(error.rpartition(" (")[0], [])
        if not 0 < len(labels) <= PLACES_SHOWN:
            return ""
        return f"{', '.join(sorted(self._places.get(label, label) for label in labels))}: "


def to_json(event: object) -> dict[str, Any]:
    """Return the event as the CLI writes it into an event log."""
    document: dict[str, Any] = {}
    for attribute, value in vars(event).items():
        if value is None:
            continue
        key = "PolicyPacks" if attribute == "policy_packs" else _camel(attribute)
        document[key] = _json_value(value)
    return document


def _json_value(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(_json_value(key)): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return to_json(value) if hasattr(value, "__dict__") else value  # an event has events for parts


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
