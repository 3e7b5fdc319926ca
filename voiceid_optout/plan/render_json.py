"""A plan as a JSON document, for machines, and a saved plan read back.

plan.schema.json beside this module describes it. What is read is input: only what can be checked is believed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceid_optout.files import read_json
from voiceid_optout.plan import Action, Change, ForeignPlanError, Plan, PlanFileError, Purpose, Scope, Step, digest
from voiceid_optout.plan.review import clean

if TYPE_CHECKING:
    from voiceid_optout.plan.guard import Refusal
    from voiceid_optout.plan.review import Review


VERSION = 2
SCHEMA = Path(__file__).with_name("plan.schema.json")


def render(review: Review) -> str:
    """Return the document as text, one object, in ASCII."""
    return json.dumps(document(review), indent=2) + "\n"


def document(review: Review) -> dict[str, Any]:
    """Return the plan as JSON's types. The steps are in the order of their labels."""
    plan = review.plan
    return {
        "version": VERSION,
        "project": review.scope.project,
        "stack": review.scope.stack,
        "purpose": review.scope.purpose.value,
        "endpoint": review.scope.endpoint,
        "region": review.scope.region,
        "domains": list(plan.domains),
        "digest": review.digest,
        "counts": {action.value: count for action, count in sorted(plan.counts.items())},
        "unchanged": plan.unchanged,
        "managed": plan.managed,
        "seconds": None if review.pace is None else round(review.pace.seconds(plan), 1),
        "steps": [_step(review, step) for step in plan.steps],
        "guard": None if review.refusal is None else _guard(review.refusal),
    }


def _step(review: Review, step: Step) -> dict[str, Any]:
    change = step.change
    return {
        "label": step.label,
        "domain": step.domain or None,
        "type": step.type,
        "action": step.action.value,
        "change": None
        if change is None
        else {"field": change.field, "before": change.before, "after": change.after},
        "reason": step.reason,
        "because": review.reason_of_release(step) or None,
        "place": review.place(step) or None,
        "formerly": review.former.get(step.label),
    }


def _guard(refusal: Refusal) -> dict[str, Any]:
    return {
        "breaches": [
            {
                "rule": breach.rule.value,
                "count": breach.count,
                "of": breach.of,
                "limit": breach.limit,
                "message": breach.sentence,
            }
            for breach in refusal.breaches
        ],
        "losses": refusal.losses,
        "override": refusal.override,
    }


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


def parse_saved(content: bytes) -> SavedPlan:
    """Return the plan in a file's content; raises :class:`PlanFileError` for one not as it was written."""
    try:
        document = read_json(content)
    except ValueError:
        raise PlanFileError("is no JSON document") from None
    if not isinstance(document, dict) or "version" not in document or "steps" not in document:
        raise PlanFileError("is no saved plan")
    if document["version"] != VERSION:
        found = document["version"]
        raise PlanFileError(
            f"is of version {found if isinstance(found, int) else 'unknown'}; this program reads version {VERSION}"
        )
    try:
        saved = _read_plan(document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise PlanFileError("is damaged: a part of the plan is missing or is not what belongs there") from None
    if saved.digest != digest(saved.plan, saved.scope):
        raise PlanFileError("was changed after it was written: its digest is not that of its steps")
    return saved


def _read_plan(document: dict[str, Any]) -> SavedPlan:
    scope = Scope(
        _text(document["project"]),
        _text(document["stack"]),
        Purpose(document["purpose"]),
        _text(document["endpoint"]),
        _text(document["region"]),
    )
    steps = tuple(_read_step(item) for item in document["steps"])
    plan = Plan(steps, int(document["unchanged"]), int(document["managed"]))
    places = {item["label"]: _text(item["place"]) for item in document["steps"] if item["place"] is not None}
    return SavedPlan(plan, scope, _text(document["digest"]), places, document["guard"] is not None)


def _read_step(item: dict[str, Any]) -> Step:
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
