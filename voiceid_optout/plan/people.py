"""What a run does to one person: decided from what was asked, what is asked now, and what the service says."""

from __future__ import annotations

from dataclasses import dataclass

from voiceid_optout.plan.model import Action, Change, Step

ASKED = "opted_out"
RELEASED = "released"
_OPTED_OUT = "OPTED_OUT"
_GONE = "gone from the service"
_STAYS = "the opt-out stays in the service"
_SAME = "nothing changes in the service"  # of somebody released


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
        return f"{self.status} in the service, should be {'gone' if self.ensure == RELEASED else _OPTED_OUT}"

    @property
    def change(self) -> Change:
        """What a repair changes."""
        return Change("status", self.status, None if self.ensure == RELEASED else _OPTED_OUT)


def found(ensure: str, status: str | None) -> Drift | None:
    """Return the drift of somebody with this status, or None."""
    return None if status == (None if ensure == RELEASED else _OPTED_OUT) else Drift(ensure, status)


def step(
    label: str, was: str | None, becomes: str | None, drift: Drift | None, dropped: str, *, kept: bool = True
) -> Step | None:
    """Return what happens to a person, or None.

    ``was`` and ``becomes`` are what the stack ensures before and after; None is somebody it does not manage.
    ``dropped`` says why people are no longer managed, ``kept`` whether the service is then left alone.
    """
    if becomes is None:
        return leaving(label, was, drift, dropped, kept=kept)
    if becomes != was and becomes == RELEASED:
        # A speaker that is gone is created anew: only the read before tells it from a new one.
        before = drift.ensure if drift and was is None else was
        return Step(label, Action.RELEASE, "released", Change("ensure", before, RELEASED))
    if was == RELEASED != becomes:
        return Step(label, Action.OPT_OUT, "no longer released", Change("ensure", was, becomes))
    if drift:
        return repair(label, drift)
    return Step(label, Action.OPT_OUT, "new", Change("ensure", None, ASKED)) if was is None else None


def repair(label: str, drift: Drift) -> Step:
    """Return the step that undoes a drift."""
    return Step(label, Action.REPAIR, drift.reason, drift.change)


def leaving(label: str, was: str | None, drift: Drift | None, dropped: str, *, kept: bool = True) -> Step:
    """Return the step of somebody whom the stack manages no longer."""
    change = Change("ensure", was, None)
    if not kept:
        return Step(label, Action.DELETE, dropped, change)
    gone = drift is not None and drift.status is None
    return Step(label, Action.FORGET, f"{dropped}; {_GONE if gone else _effect(was)}", change)


def renamed(label: str) -> Step:
    """Return the step of somebody who gets this label because the labels' key changes."""
    return Step(label, Action.MOVE, f"gets a new label; {_STAYS}")


def together(one: Step, other: Step, dropped: str) -> Step:
    """Return what two steps are that one run does to the same person.

    Somebody who leaves one resource and joins another only moves, unless the two ask for different things.
    """
    leaving, joining = (one, other) if one.action is Action.FORGET else (other, one)
    if leaving.action is not Action.FORGET or leaving.change is None or joining.change is None:
        return other
    if joining.action is Action.REPAIR:
        return joining
    was, becomes = leaving.change.before, joining.change.after
    moved = Step(joining.label, Action.MOVE, f"moves to another resource; {_effect(was)}")
    return step(joining.label, was, becomes, None, dropped) or moved


def _effect(was: str | None) -> str:
    """Return what the service keeps of somebody whom it is not asked about."""
    return _SAME if was == RELEASED else _STAYS
