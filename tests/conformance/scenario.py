"""What a scenario is: a start, turns to play, and the differences that may stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from voiceid_optout.engine.interface import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Wishes: TypeAlias = "Mapping[str, Mapping[str, Any]]"
Deployment = dict[str, Any]

THREE: Wishes = {"s0": {}, "s1": {}, "s2": {}}
GREETING = "sample:greeting: hello\n"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One operation, after changes to the program, the cloud, the config and the state; what is None stays.

    ``faults`` make provider calls go wrong until the next turn. ``drift`` changes objects of the cloud by id
    (None removes one). ``edit`` changes the deployment in the state file. ``targets`` are names.
    """

    operation: Operation = Operation.UP
    wants: Wishes | None = None
    config: str | None = None
    faults: Mapping[str, Any] = field(default_factory=dict)
    drift: Mapping[str, str | None] = field(default_factory=dict)
    edit: Callable[[Deployment], None] | None = None
    moved: bool = False  # the state is exported, removed and imported before the operation
    environment: Mapping[str, str] = field(default_factory=dict)
    refresh: bool = False
    targets: tuple[str, ...] = ()
    continue_on_error: bool = False


@dataclass(frozen=True)
class Allowed:
    """A difference that stays: where (the beginning of its path) and why."""

    where: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Turns after a start.

    ``ordered`` compares the order of all calls and steps, not only that of each resource. ``refused`` are the words
    before "the embedded engine does not do this" where a scenario lies outside that engine's scope.
    """

    name: str
    about: str
    turns: tuple[Turn, ...]
    start: tuple[Turn, ...] = (Turn(wants=THREE),)
    ordered: bool = False
    allowed: tuple[Allowed, ...] = ()
    refused: str | None = None

    @property
    def refusal(self) -> str:
        """The whole refusal."""
        return f"{self.refused}: the embedded engine does not do this; install the Pulumi CLI for it"


def own_words(*turns: str) -> tuple[Allowed, ...]:
    """Allow the engines to say the same thing differently; turns as in ``2 up``."""
    return tuple(Allowed(f"{turn}/errors", "words") for turn in turns)


def preview(**options: Any) -> Turn:
    return Turn(operation=Operation.PREVIEW, **options)


def up(**options: Any) -> Turn:
    return Turn(operation=Operation.UP, **options)


def refresh(**options: Any) -> Turn:
    return Turn(operation=Operation.REFRESH, **options)


def drift(**options: Any) -> Turn:
    return Turn(operation=Operation.DRIFT, **options)


def destroy(**options: Any) -> Turn:
    return Turn(operation=Operation.DESTROY, **options)
