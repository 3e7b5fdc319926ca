"""Which step a resource needs: pure rules, the official engine's."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from voiceid_optout.state import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voiceid_optout.engine.embedded.goal import Goal
    from voiceid_optout.engine.embedded.plugin import Diff
    from voiceid_optout.state.resource import ResourceState
    from voiceid_optout.state.values import PropertyMap


class Step(StrEnum):
    """What is done to a resource."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"  # the new one first, the old one at the end of the run
    DELETE_THEN_CREATE = "delete-then-create"


def choose(goal: Goal, old: ResourceState, inputs: PropertyMap, diff: Diff) -> Step:
    """Choose the step for a resource that exists."""
    changed = diff.changes
    replaces = (bool(diff.replaces) and changed is not False) or old.pending_replacement
    if changed is None:
        different = changed_keys(old.inputs, inputs)
        changed = bool(different)
        replaces = replaces or any(_matches(key, goal.replace_on_changes) for key in different)
    if replaces:
        before = goal.delete_before_replace or (diff.delete_before_replace and not goal.create_before_delete)
        return Step.DELETE_THEN_CREATE if before else Step.REPLACE
    return Step.UPDATE if changed else Step.SAME


def changed_keys(old: PropertyMap, new: PropertyMap) -> tuple[str, ...]:
    """Return the top-level keys whose values differ, secret or not."""
    return tuple(
        key for key in sorted({*old, *new}) if values.plain_value(old.get(key)) != values.plain_value(new.get(key))
    )


def keep_ignored(goal: Goal, old: ResourceState) -> PropertyMap:
    """Return the goal's inputs with the old value wherever a change is to be ignored."""
    inputs = dict(goal.inputs)
    for key in {*inputs, *old.inputs}:
        if _matches(key, goal.ignore_changes):
            if key in old.inputs:
                inputs[key] = old.inputs[key]
            else:
                inputs.pop(key, None)
    return inputs


def _matches(key: str, patterns: tuple[str, ...]) -> bool:
    return any(pattern in ("*", key) for pattern in patterns)


def is_targeted(urn: str, targets: Sequence[str]) -> bool:
    """Tell whether the run concerns a resource; no targets means all. ``**`` and ``*`` match as in the CLI."""
    return not targets or any(_pattern(target).fullmatch(urn) for target in targets)


@cache
def _pattern(target: str) -> re.Pattern[str]:
    """``**`` stands for anything, ``*`` for anything within one part of a URN."""
    parts = re.split(r"(\*\*|\*)", target)
    return re.compile("".join({"**": ".*", "*": "[^:]*"}.get(part, re.escape(part)) for part in parts), re.DOTALL)


def missing_targets(targets: Sequence[str], known: Iterable[str]) -> list[str]:
    """Return the targets that name a single resource which is nowhere."""
    known = set(known)
    return [target for target in targets if "*" not in target and target not in known]


def missing_words(target: str) -> str:
    """Say that a target is nowhere."""
    return f"the target {target} is neither in the state nor in the program: look at `pulumi stack --show-urns`"
