"""Results as the model's output shapes allow them: unknown and absent members left out, times as numbers."""

from collections.abc import Callable, Mapping
from typing import Any

Filter = Callable[[Any], Any]


class OutputFilter:
    """Cuts a result down to its operation's output shape; None when the operation has no output."""

    def __init__(self, model: Mapping[str, Any]) -> None:
        self._shapes: Mapping[str, dict[str, Any]] = model["shapes"]
        self._filters: dict[str, Filter] = {}
        self._operations: dict[str, Filter | None] = {
            name: self._filter(operation["output"]["shape"]) if "output" in operation else None
            for name, operation in model["operations"].items()
        }

    def result(self, operation: str, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what to send as JSON, or None for the empty body of an operation without output."""
        cut = self._operations[operation]
        return None if cut is None else cut(result)

    def _filter(self, name: str) -> Filter:
        if name not in self._filters:
            shape = self._shapes[name]
            build = {"structure": self._structure, "list": self._list, "timestamp": _timestamp}.get(shape["type"])
            self._filters[name] = build(shape) if build else _as_is
        return self._filters[name]

    def _structure(self, shape: Mapping[str, Any]) -> Filter:
        members = [(name, self._filter(member["shape"])) for name, member in shape["members"].items()]
        return lambda value: {name: cut(value[name]) for name, cut in members if value.get(name) is not None}

    def _list(self, shape: Mapping[str, Any]) -> Filter:
        cut = self._filter(shape["member"]["shape"])
        return lambda values: [cut(value) for value in values]


def _timestamp(_shape: Mapping[str, Any]) -> Filter:
    # Epoch seconds as a number with milliseconds: other clients than Python's refuse ISO text.
    return lambda seconds: round(float(seconds), 3)


def _as_is(value: Any) -> Any:
    return value
