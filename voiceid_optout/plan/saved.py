"""Saved plans: reads back what ``preview --save-plan`` wrote, and believes nothing it cannot check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voiceid_optout.limits import read_json
from voiceid_optout.plan.digest import Purpose, Scope, digest
from voiceid_optout.plan.document import VERSION
from voiceid_optout.plan.errors import ForeignPlanError, PlanFileError
from voiceid_optout.plan.model import Action, Change, Plan, Step
from voiceid_optout.plan.words import clean

_PLACE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan somebody has reviewed, and its digest, 64 hexadecimal digits.

    ``refused``: whether the file says that the guard refuses it. No digest covers that: a run asks the guard again.
    """

    plan: Plan
    scope: Scope
    digest: str
    places: dict[str, str]
    refused: bool

    def require(self, scope: Scope) -> None:
        """Raise :class:`ForeignPlanError` unless the plan was made for this."""
        if self.scope.purpose is not scope.purpose:
            raise ForeignPlanError(f"is a plan for `{self.scope.purpose}`, not for `{scope.purpose}`")
        theirs, ours = (f"stack {each.stack} of project {each.project}" for each in (self.scope, scope))
        if theirs == ours:
            theirs, ours = (clean(each.place, _PLACE_LENGTH) for each in (self.scope, scope))
        if self.scope != scope:
            raise ForeignPlanError(f"is a plan for {theirs}, not for {ours}")


def parse(content: bytes) -> SavedPlan:
    """Return the plan in a file's content; raises :class:`PlanFileError` for one not as it was written."""
    try:
        document = read_json(content)
    except ValueError:
        raise PlanFileError("is no JSON document") from None
    if not isinstance(document, dict) or "version" not in document or "steps" not in document:
        raise PlanFileError("is no saved plan")
    if document["version"] != VERSION:
        raise PlanFileError(
            f"is of version {str(document['version'])[:20]!r}; this program reads version {VERSION}"
        )
    try:
        saved = _read(document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise PlanFileError("is damaged: a part of the plan is missing or is not what belongs there") from None
    if saved.digest != digest(saved.plan, saved.scope):
        raise PlanFileError("was changed after it was written: its digest is not that of its steps")
    return saved


def _read(document: dict[str, Any]) -> SavedPlan:
    scope = Scope(
        _text(document["project"]),
        _text(document["stack"]),
        Purpose(document["purpose"]),
        _text(document["endpoint"]),
        _text(document["region"]),
    )
    steps = tuple(_step(item) for item in document["steps"])
    plan = Plan(steps, int(document["unchanged"]), int(document["managed"]))
    places = {item["label"]: _text(item["place"]) for item in document["steps"] if item["place"] is not None}
    return SavedPlan(plan, scope, _text(document["digest"]), places, document["guard"] is not None)


def _step(item: dict[str, Any]) -> Step:
    found = item["change"]
    change = None
    if found is not None:
        change = Change(_text(found["field"]), _optional(found["before"]), _optional(found["after"]))
    return Step(
        _text(item["label"]),
        Action(item["action"]),
        _text(item["reason"]),
        change,
        _text(item["type"]),
        _optional(item["domain"]) or "",
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)
