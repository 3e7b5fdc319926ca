"""The order of a state: what is used stands before its users, and nothing refers to what is not there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from voiceid_optout.state.resource import ResourceState


def tidy(resources: Iterable[ResourceState]) -> tuple[ResourceState, ...]:
    """Return the resources in a valid order, close to the given one.

    A reference to a resource that is gone is dropped, as the official engine does: a state that holds one is
    refused by both engines.
    """
    items = list(resources)
    present = {item.urn for item in items if not item.delete}
    return _topological([_without_missing(item, present) for item in items])


def _without_missing(item: ResourceState, present: Collection[str]) -> ResourceState:
    if all(urn in present for urn in item.uses):
        return item
    return replace(
        item,
        parent=item.parent if item.parent in present else "",
        deleted_with=item.deleted_with if item.deleted_with in present else "",
        dependencies=tuple(urn for urn in item.dependencies if urn in present),
        property_dependencies={
            key: [urn for urn in urns if urn in present] for key, urns in item.property_dependencies.items()
        },
    )


def _topological(items: list[ResourceState]) -> tuple[ResourceState, ...]:
    """Keep the order, but move what is used in front of its users. No recursion: chains may be long."""
    by_urn = {item.urn: number for number, item in enumerate(items) if not item.delete}
    result: list[ResourceState] = []
    placed: set[int] = set()
    entered: set[int] = set()
    for start in range(len(items)):
        stack = [start]
        while stack:
            number = stack[-1]
            needs = () if number in entered else (by_urn.get(urn) for urn in items[number].uses)
            entered.add(number)
            waiting = [need for need in needs if need is not None and need not in entered]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            if number not in placed:
                placed.add(number)
                result.append(items[number])
    return tuple(result)
