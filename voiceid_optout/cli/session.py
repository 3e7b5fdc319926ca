"""A stack that a command has opened: its register read once, its service there, its engine chosen."""

from __future__ import annotations

from collections import ChainMap
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli import labels
from voiceid_optout.cli.connection import client_settings, environment_for, make_private, pace_of, scope_of
from voiceid_optout.cli.context import People
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.known import Mask, Shown, is_given
from voiceid_optout.cli.labels import Missing
from voiceid_optout.cli.running import EventLog
from voiceid_optout.cli.screen import Screen
from voiceid_optout.engine import EMBEDDED, choose
from voiceid_optout.engine.interface import place_of
from voiceid_optout.plan import Action, Purpose
from voiceid_optout.plan.review import Review
from voiceid_optout.speakers import LabelKeys, Shard
from voiceid_optout.state import StackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping
    from pathlib import Path

    from voiceid_optout.cli import git
    from voiceid_optout.cli.context import Context
    from voiceid_optout.engine.interface import Engine
    from voiceid_optout.plan import Plan, Scope
    from voiceid_optout.voiceid.settings import ClientSettings

_LEAVING = (Action.FORGET, Action.DELETE, Action.REPLACE)  # what becomes of people who are in the state alone
NO_LABEL = "--target takes a label, as a plan shows it: sp- and 16 hexadecimal digits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the options say of which stack a command opens, and how it talks."""

    root: Path
    stack: str
    engine: str
    as_json: bool = False
    quiet: bool = False
    event_log: Path | None = None


@dataclass(frozen=True)
class Session:
    """A stack that is ready for runs. ``people`` is its register, as :func:`opened` has parsed it, masked."""

    context: Context
    choices: Choices
    engine: Engine
    environment: Mapping[str, str] = field(repr=False)
    screen: Screen
    mask: Mask = field(repr=False)
    people: People = field(default_factory=People, repr=False)
    keys: LabelKeys = field(default_factory=LabelKeys, repr=False)
    event_log: EventLog = field(default_factory=lambda: EventLog(None))

    @cached_property
    def settings(self) -> ClientSettings:
        """Where the run's calls go, and how fast."""
        return client_settings(self.context, self.environment)

    def scope(self, purpose: Purpose) -> Scope:
        """Return where a plan of this stack belongs."""
        return scope_of(self.context, self.settings, purpose)

    def review(self, plan: Plan, purpose: Purpose) -> Review:
        """Return a plan with what the register says about its people."""
        pace = pace_of(self.settings) if purpose in (Purpose.UP, Purpose.DESTROY) else None
        # Not of single people: a run may be confined to some.
        leaving = any(step.action in _LEAVING for step in plan.steps)
        if purpose is Purpose.UP and self.context.is_sharded and not leaving:  # else a run may be of some people
            self.mask.listed_alone()
        places, was = self.people.places, self._former(plan)
        former = {label: found.words(self.mask.place(found.place)) for label, found in was.items()}
        tickets = {label: self.mask(found.ticket) for label, found in was.items()}
        return Review(
            plan,
            self.scope(purpose),
            places,
            self.people.reasons,
            pace=pace,
            former=former,
            links=self._links(plan, was),
            tickets=ChainMap(tickets, cast("MutableMapping[str, str]", self.people.tickets)),
        )

    def _links(self, plan: Plan, was: Mapping[str, git.Was]) -> Mapping[str, str]:
        """Return the address of each row's line, as far as one is known; it is made when a row is shown."""
        if not plan.steps:
            return {}
        from voiceid_optout.cli import links  # noqa: PLC0415 - only where something changes, as the next one

        found = links.find(self.context, self.mask)
        if found is None:
            return {}
        former = {label: found.to(self.mask.place(item.place), item.commit) for label, item in was.items()}
        now = Shown(self.people.places, found.to)
        return ChainMap(former, cast("MutableMapping[str, str]", now))

    def _former(self, plan: Plan) -> Mapping[str, git.Was]:
        """Return where the register listed those whom it does not list any more."""
        left = {
            step.label
            for step in plan.steps
            if step.is_person and step.action is Action.FORGET and step.label not in self.people.places
        }
        if not left:
            return {}
        from voiceid_optout.cli import git  # noqa: PLC0415

        return git.places(self.context, self.keys, left)


@contextmanager
def opened(choices: Choices, missing: Missing = Missing.LEAVE, targets: tuple[str, ...] = ()) -> Iterator[Session]:
    """Open a stack and clean up after it; raises what :func:`voiceid_optout.cli.output.reported` reports.

    ``missing`` says what to do about a stack that has no label key yet. ``targets`` are the labels of the only
    people whom the command may touch; those that cannot be meant end it before anything is written.
    """
    context = contexts.find(choices.root, choices.stack)
    # First of all: the engine forks this process, which is still small.
    engine = choose(None if choices.engine == "auto" else choices.engine, context.environment)
    _ = context.register  # an invalid register ends the command before anything is asked
    with ExitStack() as cleanup:
        environment = cleanup.enter_context(environment_for(context))
        make_private(context.data_folder)
        if context.remote_backend and engine.name == EMBEDDED:
            raise CommandError(
                f"the state is in {place_of(context.remote_backend)}; the embedded engine keeps it in a folder: "
                "install the Pulumi CLI (https://www.pulumi.com/docs/install/), or leave PULUMI_BACKEND_URL out"
            )
        screen = Screen.of(as_json=choices.as_json, quiet=choices.quiet)
        context, variables = labels.provided(context, environment, missing, screen.warn)
        environment = {**environment, **variables}
        keys = contexts.label_keys(context, environment)
        people = People.of(context.register, keys, context.config.grouping, context.config.shards)
        _require_targets(context, keys, people, targets)
        members = frozenset(one.members for one in people.declared if isinstance(one, Shard))
        mask = Mask(context, environment, people.places.keys(), screen.note, members)
        people = replace(
            people,
            places=Shown(people.places, mask.place),
            reasons=Shown(people.reasons, mask),
            tickets=Shown(people.tickets, mask),
        )
        event_log = cleanup.enter_context(EventLog(choices.event_log))
        session = Session(context, choices, engine, environment, screen, mask, people, keys, event_log)
        _ = session.settings  # what cannot be used ends the command before anything is run
        try:
            yield session
        except StackError as error:  # it may quote what others say
            error.args = tuple(mask(item) if isinstance(item, str) else item for item in error.args)
            raise


def _require_targets(context: Context, keys: LabelKeys, people: People, targets: tuple[str, ...]) -> None:
    """Raise :class:`CommandError` where a run cannot be confined to these."""
    if targets and keys.previous is not None:
        raise CommandError(
            "the labels change their key: leave --target out until an `up` has moved everybody", ExitCode.USAGE
        )
    if targets and context.is_sharded:
        raise CommandError(
            f"{context.settings.path.name}: {context.project.name}:grouping is sharded, and a resource of many "
            "people is brought up to date as a whole: leave --target out",
            ExitCode.USAGE,
        )
    unknown = next((label for label in targets if label not in people.places), None)
    if unknown is not None:
        # What is no label may be the identifier of somebody.
        which = f"no one in the register has the label {unknown}" if is_given(unknown) else NO_LABEL
        raise CommandError(which, ExitCode.USAGE)
