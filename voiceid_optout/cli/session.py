"""One command's work on a stack: its service, its engine, its output."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from rich.console import Console

from voiceid_optout import urn as urns
from voiceid_optout.cli import context as contexts
from voiceid_optout.cli import git, labels
from voiceid_optout.cli.connection import client_settings, environment_for, make_private, pace_of, scope_of
from voiceid_optout.cli.context import People
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.known import Mask, Shown, is_given
from voiceid_optout.cli.labels import Missing
from voiceid_optout.cli.output import confirmed, echo, remember, styled
from voiceid_optout.cli.progress import WorkProgress
from voiceid_optout.cli.run_events import ErrorPlaces, EventLog, document
from voiceid_optout.engine import EMBEDDED, choose
from voiceid_optout.engine.interface import WRITES_STATE, Operation, Outcome, Request, Result, place_of
from voiceid_optout.plan import Action, Purpose
from voiceid_optout.plan.build import DESTROYED, DROPPED, PlanBuilder, is_change, shard_size, shard_steps
from voiceid_optout.plan.render_text import Tone, lines
from voiceid_optout.plan.review import Review
from voiceid_optout.speakers import SHARD_TYPE, SPEAKER_TYPE, LabelKeys, upgraded
from voiceid_optout.state import StackError
from voiceid_optout.voiceid.pacing import wait_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from voiceid_optout.cli.context import Context
    from voiceid_optout.engine.interface import Engine
    from voiceid_optout.plan import Plan, Scope
    from voiceid_optout.speakers import Person
    from voiceid_optout.voiceid.settings import ClientSettings

_CODES = {
    Result.FAILED: ExitCode.FAILED,
    Result.PARTIAL: ExitCode.PARTIAL,
    Result.ENDED: ExitCode.ENDED,
}
_OURS = {SPEAKER_TYPE, SHARD_TYPE, urns.STACK_TYPE, f"{urns.PROVIDER_TYPE_PREFIX}pulumi-python"}
_DESTROYING = (Operation.DESTROY, Operation.PREVIEW_DESTROY)
NO_LABEL = "--target takes a label, as a plan shows it: sp- and 16 hexadecimal digits"
_STYLES = {
    Tone.TITLE: "bold",
    Tone.GOOD: "green",
    Tone.CHANGE: "cyan",
    Tone.WARNING: "yellow",
    Tone.LOSS: "red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the shared options say."""

    root: Path
    stack: str
    engine: str
    as_json: bool
    parallel: int
    targets: tuple[str, ...]
    event_log: Path | None = None
    continue_on_error: bool = False
    quiet: bool = False
    trust_state: bool = False


@dataclass(frozen=True)
class Session:
    """A stack that is ready for runs: register valid, service there, engine chosen."""

    context: Context
    choices: Choices
    engine: Engine
    environment: Mapping[str, str] = field(repr=False)
    places: Mapping[str, str] = field(repr=False)
    console: Console
    mask: Mask = field(repr=False)
    because: Mapping[str, str] = field(default_factory=dict, repr=False)
    event_log: EventLog = field(default_factory=lambda: EventLog(None))
    keys: LabelKeys = field(default_factory=LabelKeys, repr=False)
    renamed: Mapping[str, str] = field(default_factory=dict, repr=False)  # labels by those of before
    persons: tuple[Person, ...] | None = field(default=None, repr=False)

    def perform(
        self,
        operation: Operation,
        *,
        refresh: bool,
        title: str,
        total: int | None = None,
        message: str = "",
        targets: frozenset[str] = frozenset(),
        repeatable: bool = False,
    ) -> tuple[Outcome, Plan]:
        """Run an operation, show its progress, and return its outcome with the plan its events make.

        ``message`` is what the history keeps of it. ``targets`` are the URNs of the only resources it may touch, in
        place of those that the options name. ``repeatable``: see :class:`voiceid_optout.engine.interface.Request`.
        """
        builder = PlanBuilder(DESTROYED if operation in _DESTROYING else DROPPED, self.renamed)
        error_places = ErrorPlaces(self.places)
        # A plan is about everybody: each is read and compared, and counts once.
        weight = _People() if total is None else partial(_changes, renamed=self.renamed)
        expected = (len(self.places) - len(self.renamed) or None) if total is None else total
        prints = self.choices.as_json and operation in WRITES_STATE
        shown = Console(quiet=True) if self.choices.quiet else self.console
        with WorkProgress(shown, title, expected, lasting=total is not None) as progress:

            def on_event(event: Any) -> None:
                mask = self._mask_of(event)
                self.event_log.write(event, mask)
                if prints:
                    echo(json.dumps(document(event, mask)))
                builder.add(event)
                if (said := event.diagnostic_event) is not None:
                    error_places.add(said)
                    if (reason := wait_reason(said.message)) is None:
                        self._show(said)
                    else:
                        progress.waits(reason)
                if (done := event.res_outputs_event) is not None and (ended := weight(done.metadata)):
                    progress.advance(ended)

            request = self._request(message, targets, refresh=refresh, repeatable=repeatable)
            outcome = self.engine.run(operation, request, on_event)
        if outcome.errors:
            outcome = replace(outcome, errors=tuple(map(self.mask, error_places.located(outcome.errors))))
        plan = builder.plan()
        steps = tuple(replace(step, label=self.mask.name(step.label)) for step in plan.steps)
        return outcome, replace(plan, steps=steps)

    def _mask_of(self, event: Any) -> Callable[[Any], Any] | None:
        """Return what makes an event's texts fit for logs; None for what is our own, which names people by label.

        A message is masked at once: it is shown too.
        """
        if (said := event.diagnostic_event) is not None:
            if said.message and wait_reason(said.message) is None:
                said.message = self.mask(said.message)
            return self.mask.values if said.urn and not is_given(urns.name(said.urn)) else None
        step = event.resource_pre_event or event.res_outputs_event or event.res_op_failed_event
        return None if step is None or _is_ours(step.metadata) else self.mask.values

    def _request(self, message: str, targets: frozenset[str], *, refresh: bool, repeatable: bool) -> Request:
        return Request(
            root=self.context.project.root,
            stack=self.context.stack,
            backend=self.context.backend(),
            remote_backend=self.context.remote_backend,
            environment=self.environment,
            people=self.persons,
            upgrade=upgraded,
            refresh=refresh,
            targets=tuple(sorted(targets)) or tuple(self._target(label) for label in self.choices.targets),
            parallel=self.choices.parallel,
            continue_on_error=self.choices.continue_on_error,
            message=message,
            repeatable=repeatable,
            trust_state=self.choices.trust_state,
        )

    def is_repeatable(self, plan: Plan) -> bool:
        """Whether a killed run may lose what it wrote down: opt-outs are asked for again, other resources are not.

        With a resource a person that would cost each of them a call; shards find at once who is opted out already.
        """
        return self.context.is_sharded and bool(plan.types) and plan.types <= _OURS

    def _target(self, label: str) -> str:
        return urns.make(self.context.stack, self.context.project.name, "", SPEAKER_TYPE, label)

    def _show(self, said: Any) -> None:
        message = said.message.strip()
        if said.severity in ("warning", "info", "info#err") and message:
            if said.severity == "warning":
                self.warn(f"warning: {message}")
            else:
                self.say(f"note: {message}", "dim")

    def say(self, message: str, style: str = "") -> None:
        """Print a line for people, unless they want quiet; machines that read JSON get it on standard error."""
        if not self.choices.quiet:
            self._print(message, style)

    def warn(self, message: str) -> None:
        """Print what somebody should look at, whatever the options say."""
        self._print(message, "yellow")

    def _print(self, message: str, style: str) -> None:
        self.console.print(styled(message, style))

    def tell(self, result: str, style: str = "green") -> None:
        """Print what was done or found; it is said whatever the options and standard output let through."""
        remember(result)
        self._print(result, style)

    @property
    def endpoint(self) -> str:
        """The service that the calls go to, for people."""
        return self.settings.place()

    @cached_property
    def settings(self) -> ClientSettings:
        """Where the run's calls go, and how fast."""
        return client_settings(self.context, self.environment)

    def scope(self, purpose: Purpose) -> Scope:
        """Return where a plan of this stack belongs."""
        return scope_of(self.context, self.settings, purpose)

    def review(self, plan: Plan, purpose: Purpose) -> Review:
        """Return a plan with what the register says about its people."""
        scope = self.scope(purpose)
        pace = pace_of(self.settings) if purpose in (Purpose.UP, Purpose.DESTROY) else None
        return Review(plan, scope, self.places, self.because, pace=pace, former=self._former(plan))

    def _former(self, plan: Plan) -> Mapping[str, str]:
        """Return where the register listed those whom it does not list any more."""
        left = {
            step.label
            for step in plan.steps
            if step.is_person and step.action is Action.FORGET and step.label not in self.places
        }
        return Shown(git.places(self.context, self.keys, left), self.mask) if left else {}

    def show(self, review: Review) -> None:
        """Print a plan: its summary and its rows, which those who want quiet do without."""
        # A file has no width; on a narrow terminal the reasons get lines of their own.
        width = self.console.width if self.console.is_terminal else None
        for line in lines(review, width, rows=not self.choices.quiet):
            self._print(line.text, _STYLES.get(line.tone, ""))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask, unless --yes was given; raises :class:`CommandError` when the answer is not yes."""
        if not yes and not confirmed(question, err=self.choices.as_json):
            raise CommandError("not confirmed; nothing was changed", ExitCode.USAGE)

    def emit(self, document: Mapping[str, Any]) -> None:
        """Print the JSON object on a line of its own, if that is what was asked for."""
        if self.choices.as_json:
            echo(json.dumps(document))


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


@contextmanager
def opened(choices: Choices, missing: Missing = Missing.LEAVE) -> Iterator[Session]:
    """Make a session and clean up after it; raises what :func:`voiceid_optout.cli.output.reported` reports.

    ``missing`` says what to do about a stack that has no label key yet.
    """
    context = contexts.find(choices.root, choices.stack)
    _ = context.register  # an invalid register ends the command before anything is started
    with ExitStack() as cleanup:
        environment = cleanup.enter_context(environment_for(context))
        make_private(context.data_folder)
        engine = choose(None if choices.engine == "auto" else choices.engine, context.environment)
        if context.remote_backend and engine.name == EMBEDDED:
            raise CommandError(
                f"the state is in {place_of(context.remote_backend)}; the embedded engine keeps it in a folder: "
                "install the Pulumi CLI (https://www.pulumi.com/docs/install/), or leave PULUMI_BACKEND_URL out"
            )
        console = Console(stderr=choices.as_json, highlight=False, soft_wrap=True)
        context, variables = labels.provided(
            context, environment, missing, lambda words: console.print(styled(words, "yellow"))
        )
        environment = {**environment, **variables}
        keys = contexts.label_keys(context, environment)
        if keys.previous is not None and choices.targets:
            raise CommandError(
                "the labels change their key: leave --target out until an `up` has moved everybody", ExitCode.USAGE
            )
        people = People.of(context.register, keys)
        places = people.places
        if choices.targets and context.is_sharded:
            raise CommandError(
                f"{context.settings.path.name}: {context.project.name}:grouping is sharded, and a resource of many "
                "people is brought up to date as a whole: leave --target out",
                ExitCode.USAGE,
            )
        unknown = [label for label in choices.targets if label not in places]
        if unknown:
            # What is no label may be the identifier of somebody.
            which = f"no one in the register has the label {unknown[0]}" if is_given(unknown[0]) else NO_LABEL
            raise CommandError(which, ExitCode.USAGE)
        event_log = cleanup.enter_context(EventLog(choices.event_log))

        def note(words: str) -> None:
            console.print(styled(words, "dim"))

        mask = Mask(context, environment, places, note)
        shown, because = Shown(places, mask.place), Shown(people.reasons, mask)
        session = Session(
            context,
            choices,
            engine,
            environment,
            shown,
            console,
            mask,
            because,
            event_log,
            keys,
            people.renamed,
            people.persons,
        )
        _ = session.settings  # what cannot be used ends the command before anything is run
        try:
            yield session
        except StackError as error:  # it may quote what others say
            error.args = tuple(mask(item) if isinstance(item, str) else item for item in error.args)
            raise


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
