"""What a run does to one person, by what was asked, what is asked now, and what the service says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from voiceid_optout.plan import Action, Change, Step
from voiceid_optout.speakers import Ensure, SpeakerStatus, is_as_asked

_GONE = "gone from the service"
_STAYS = "the opt-out stays in the service"


@dataclass(frozen=True, slots=True)
class Drift:
    """How a read differs from what was asked. ``ensure`` is what was; a ``status`` of None is nobody there."""

    ensure: str
    status: str | None

    @property
    def reason(self) -> str:
        """The difference as a phrase."""
        if self.status is None:
            return _GONE
        expected = "gone" if self.ensure == Ensure.RELEASED else SpeakerStatus.OPTED_OUT
        return f"{self.status} in the service, should be {expected}"

    @property
    def change(self) -> Change:
        """What a repair changes."""
        return Change("status", self.status, None if self.ensure == Ensure.RELEASED else SpeakerStatus.OPTED_OUT)


@lru_cache(maxsize=64)
def _ensures(before: str | None, after: str | None) -> Change:
    """Return the change of what the stack asks; one object for all to whom it happens."""
    return Change("ensure", before, after)


def drift_for(ensure: str, status: str | None) -> Drift | None:
    """Return the drift of somebody with this status, or None."""
    return None if is_as_asked(ensure, status) else Drift(ensure, status)


def person_step(
    label: str, was: str | None, becomes: str | None, drift: Drift | None, dropped: str, *, kept: bool = True
) -> Step | None:
    """Return what happens to a person, or None.

    ``was`` and ``becomes`` are what the stack ensures before and after; None is somebody it does not manage.
    ``dropped`` says why people are no longer managed, ``kept`` whether the service is then left alone.
    """
    if becomes is None:
        return forget_step(label, was, drift, dropped, kept=kept)
    if becomes != was and becomes == Ensure.RELEASED:
        # A speaker that is gone is created anew: only the read before tells it from a new one.
        before = drift.ensure if drift and was is None else was
        return Step(label, Action.RELEASE, "released", _ensures(before, Ensure.RELEASED))
    if was == Ensure.RELEASED != becomes:
        return Step(label, Action.OPT_OUT, "no longer released", _ensures(was, becomes))
    if drift:
        return repair_step(label, drift)
    return Step(label, Action.OPT_OUT, "new", _ensures(None, Ensure.OPTED_OUT)) if was is None else None


def repair_step(label: str, drift: Drift) -> Step:
    """Return the step that undoes a drift."""
    return Step(label, Action.REPAIR, drift.reason, drift.change)


def forget_step(label: str, was: str | None, drift: Drift | None, dropped: str, *, kept: bool = True) -> Step:
    """Return the step of somebody whom the stack no longer manages."""
    change = _ensures(was, None)
    if not kept:
        return Step(label, Action.DELETE, dropped, change)
    gone = drift is not None and drift.status is None
    return Step(label, Action.FORGET, f"{dropped}; {_GONE if gone else _effect(was)}", change)


def rename_step(label: str) -> Step:
    """Return the step of somebody who gets this label because the label key changes."""
    return Step(label, Action.MOVE, f"gets a new label; {_STAYS}")


def merge_steps(one: Step, other: Step, dropped: str) -> Step:
    """Return what two steps are that one run does to the same person.

    Somebody who leaves one resource and joins another only moves, unless the two ask for different things.
    """
    leaving, joining = (one, other) if one.action is Action.FORGET else (other, one)
    if leaving.action is not Action.FORGET or leaving.change is None or joining.change is None:
        return other
    if joining.action is Action.REPAIR:
        return joining
    was, becomes = leaving.change.before, joining.change.after
    return person_step(joining.label, was, becomes, None, dropped) or move_step(joining.label, was)


def move_step(label: str, ensure: str | None) -> Step:
    """Return the step of somebody whom another resource of the stack keeps as asked."""
    return Step(label, Action.MOVE, f"moves to another resource; {_effect(ensure)}")


def _effect(was: str | None) -> str:
    """Return what the service keeps of somebody whom it is not asked about."""
    return "nothing changes in the service" if was == Ensure.RELEASED else _STAYS
