"""A plan as a JSON document, for machines; plan.schema.json beside this module says what it looks like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voiceid_optout.plan.guard import Refusal
    from voiceid_optout.plan.model import Step
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
