"""A plan as a JSON document, for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optout.plan.model import Plan

VERSION = 1


def document(plan: Plan, places: Mapping[str, str]) -> dict[str, Any]:
    """Return the plan as JSON's types: ``version``, ``counts``, ``unchanged`` and ``steps``."""
    return {
        "version": VERSION,
        "counts": {action.value: count for action, count in sorted(plan.counts.items())},
        "unchanged": plan.unchanged,
        "steps": [
            {
                "label": step.label,
                "action": step.action.value,
                "reason": step.reason,
                "place": places.get(step.label),
            }
            for step in plan.steps
        ],
    }
