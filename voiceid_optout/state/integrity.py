"""The integrity of a state: what the official engine refuses to work on, and what would be misread here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voiceid_optout import urn as urns
from voiceid_optout.state.errors import OutOfScopeError, StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

_URN_SEPARATORS = 3
_SHAPES: dict[str, type] = {
    "inputs": dict,
    "outputs": dict,
    "propertyDependencies": dict,
    "customTimeouts": dict,
    "dependencies": list,
    "parent": str,
    "provider": str,
    "id": str,
    "type": str,
}


def entries(value: Any, path: str) -> tuple[dict[str, Any], ...]:
    """Return a list of the state file as a tuple; none counts as empty."""
    if value is not None and not isinstance(value, list):
        raise StateError(f"{path}: a list was expected where resources are; {_advice(path)}")
    return tuple(value or ())


def check(resources: Sequence[Any], pending: Sequence[Any], path: str) -> None:
    """Raise :class:`StateError` for the first fault; ``path`` is the state file's.

    :class:`OutOfScopeError` is raised for a resource of a package that this engine has no plugin for.
    """
    seen: dict[str, str] = {}
    live: set[str] = set()
    for item in resources:
        urn = _check_shape(item, path)
        _check_id(item, urn, path)
        _check_references(item, urn, seen, path)
        if urn in live and not item.get("delete"):
            raise StateError(f"{path}: {urn} is listed twice; {_advice(path)}")
        seen[urn] = item.get("id") or ""
        if not item.get("delete"):
            live.add(urn)
    for operation in pending:
        if not isinstance(operation, dict) or not isinstance(operation.get("type"), str):
            raise StateError(f"{path}: a pending operation without a type; {_advice(path)}")
        _check_shape(operation.get("resource"), path)


def _check_shape(item: Any, path: str) -> str:
    urn = item.get("urn") if isinstance(item, dict) else None
    if not isinstance(urn, str) or urn.count("::") < _URN_SEPARATORS:
        raise StateError(f"{path}: a resource without a URN; {_advice(path)}")
    for key, shape in _SHAPES.items():
        if item.get(key) is not None and not isinstance(item[key], shape):
            raise StateError(f"{path}: `{key}` of {urn} is not what it must be; {_advice(path)}")
    return urn


def _check_id(item: dict[str, Any], urn: str, path: str) -> None:
    type_ = urns.type_of(urn)
    package = type_.removeprefix(urns.PROVIDER_TYPE_PREFIX).split(":", 1)[0]
    if item.get("custom") and package != urns.DYNAMIC_PACKAGE:
        raise OutOfScopeError(f"resource type {type_} in the state")
    if bool(item.get("custom")) != bool(item.get("id")):
        what = "has no id" if item.get("custom") else "is a component and has an id"
        raise StateError(f"{path}: {urn} {what}; {_advice(path)}")


def _check_references(item: dict[str, Any], urn: str, seen: dict[str, str], path: str) -> None:
    provider, _, provider_id = (item.get("provider") or "").rpartition("::")
    lists = (item.get("dependencies"), *(item.get("propertyDependencies") or {}).values())
    many = (need for one in lists for need in one or ())
    for need in (item.get("parent"), provider, item.get("deletedWith"), *many):
        if need and need not in seen:
            raise StateError(f"{path}: {urn} refers to {need}, which does not stand before it; {_advice(path)}")
    if provider and seen[provider] != provider_id:
        raise StateError(
            f"{path}: {urn} refers to {urns.name(provider)} by an id it does not have; {_advice(path)}"
        )


def _advice(path: str) -> str:
    return f"restore the file from {path}.bak"
