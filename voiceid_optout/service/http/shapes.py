"""Requests checked, and results cut, by the shapes of the service model.

Each shape becomes a closure once, at start, so that a request costs a few calls. A wrong JSON type is answered at
once with SerializationException; broken constraints are gathered and answered together with ValidationException.
Of a result, members that are unknown or absent are left out, and times are numbers.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from voiceid_optout.service.errors import invalid, serialization

Request = dict[str, Any]
Check = Callable[[Any, str, list[str]], Any]
"""Takes a value, its path and the list of findings; returns the value as the operation gets it."""

_SHOWN = 100
_PEOPLE = {"SpeakerId", "CustomerSpeakerId", "FraudsterId"}


Filter = Callable[[Any], Any]


class Validator:
    """Turns the decoded body of an operation into a clean request, or raises the ApiError to answer."""

    def __init__(self, model: Mapping[str, Any]) -> None:
        self._shapes: Mapping[str, dict[str, Any]] = model["shapes"]
        self._checks: dict[tuple[str, bool], Check] = {}
        inputs = {name: operation["input"]["shape"] for name, operation in model["operations"].items()}
        # Ids change places easily: of a request that can name a person no value is repeated, whatever its member.
        self._operations = {name: self._check(shape, self._names_people(shape)) for name, shape in inputs.items()}

    def request(self, operation: str, body: Any) -> Request:
        """Return the members the model knows, without nulls; unknown members are dropped as AWS does."""
        findings: list[str] = []
        request: Request = self._operations[operation](body, "", findings)
        if findings:
            errors = "error" if len(findings) == 1 else "errors"
            raise invalid(f"{len(findings)} validation {errors} detected: {'; '.join(findings)}")
        return request

    def _check(self, name: str, hidden: bool) -> Check:  # noqa: FBT001  whether values stay out of findings
        if (name, hidden) not in self._checks:
            shape = self._shapes[name]
            if shape["type"] == "structure":
                check = self._structure(shape, hidden)
            elif shape["type"] == "list":
                check = self._list(shape, hidden)
            else:
                check = _string(shape, hidden) if shape["type"] == "string" else _scalar(shape)
            self._checks[name, hidden] = check
        return self._checks[name, hidden]

    def _structure(self, shape: Mapping[str, Any], hidden: bool) -> Check:  # noqa: FBT001  see _check
        members = [
            (name, _lower_camel(name), self._check(member["shape"], hidden), name in shape.get("required", ()))
            for name, member in shape["members"].items()
        ]

        def check(value: Any, path: str, findings: list[str]) -> Request:
            if not isinstance(value, dict):
                raise _wrong_type(path, "an object")
            request: Request = {}
            for name, label, check_member, required in members:
                given = value.get(name)
                if given is not None:
                    request[name] = check_member(given, f"{path}.{label}" if path else label, findings)
                elif required:
                    where = f"{path}.{label}" if path else label
                    findings.append(_finding("Value null", where, "Member must not be null"))
            return request

        return check

    def _list(self, shape: Mapping[str, Any], hidden: bool) -> Check:  # noqa: FBT001  see _check
        check_item = self._check(shape["member"]["shape"], hidden)
        check_size = _bounds(shape, "length")
        sensitive = hidden or self._holds_sensitive(shape["member"]["shape"])

        def check(value: Any, path: str, findings: list[str]) -> list[Any]:
            if not isinstance(value, list):
                raise _wrong_type(path, "a list")
            findings += [_finding(_quoted(value, hidden=sensitive), path, rule) for rule in check_size(len(value))]
            items = []
            for number, item in enumerate(value, 1):
                where = f"{path}.{number}.member"
                if item is None:
                    findings.append(_finding("Value null", where, "Member must not be null"))
                else:
                    items.append(check_item(item, where, findings))
            return items

        return check

    def _names_people(self, name: str) -> bool:
        inner = [member["shape"] for member in self._shapes[name].get("members", {}).values()]
        return name in _PEOPLE or any(self._names_people(child) for child in inner)

    def _holds_sensitive(self, name: str) -> bool:
        shape = self._shapes[name]
        inner = [member["shape"] for member in shape.get("members", {}).values()]
        return bool(shape.get("sensitive")) or any(self._holds_sensitive(child) for child in inner)


def _string(shape: Mapping[str, Any], hidden: bool) -> Check:  # noqa: FBT001  see Validator._check
    length = _bounds(shape, "length")
    match, pattern = _pattern(shape.get("pattern"))
    options: list[str] | None = shape.get("enum")
    sensitive = hidden or bool(shape.get("sensitive"))

    def check(value: Any, path: str, findings: list[str]) -> str:
        if not isinstance(value, str):
            raise _wrong_type(path, "a string")
        broken = length(len(value))
        if match is not None and not match(value):
            broken.append(f"Member must satisfy regular expression pattern: {pattern}")
        if options is not None and value not in options:
            broken.append(f"Member must satisfy enum value set: [{', '.join(options)}]")
        if not broken and ("\0" in value or not (value.isascii() or _encodable(value))):
            broken.append("Member must be text without NUL and unpaired surrogates")
        findings += [_finding(_quoted(value, hidden=sensitive), path, rule) for rule in broken]
        return value

    return check


def _scalar(shape: Mapping[str, Any]) -> Check:
    """Integers, the only other type that a request of this model holds, and booleans for completeness."""
    value_bounds = _bounds(shape, "value")
    kind: type[Any] = bool if shape["type"] == "boolean" else int
    wanted = "a boolean" if kind is bool else "an integer"

    def check(value: Any, path: str, findings: list[str]) -> Any:
        # A JSON true is an int to Python, so the exact type counts.
        if type(value) is not kind:
            raise _wrong_type(path, wanted)
        findings += [_finding(_quoted(value, hidden=False), path, rule) for rule in value_bounds(int(value))]
        return value

    return check


def _bounds(shape: Mapping[str, Any], noun: str) -> Callable[[int], list[str]]:
    low, high = shape.get("min"), shape.get("max")

    def broken(size: int) -> list[str]:
        if low is not None and size < low:
            return [f"Member must have {noun} greater than or equal to {low}"]
        if high is not None and size > high:
            return [f"Member must have {noun} less than or equal to {high}"]
        return []

    return broken


def _pattern(pattern: str | None) -> tuple[Callable[[str], object] | None, str]:
    if pattern is None:
        return None, ""
    # The anchors are implied by a full match, and "$" alone would let a trailing line feed through.
    bare = pattern.removeprefix("^").removesuffix("$")
    if "\\p{" in bare:
        # Only Unicode classes need it; the standard library knows none.
        import regex  # type: ignore[import-untyped]  # noqa: PLC0415  see above

        return regex.compile(bare).fullmatch, bare
    return re.compile(bare).fullmatch, bare


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lower_camel(name: str) -> str:
    return name[0].lower() + name[1:]


def _wrong_type(path: str, wanted: str) -> Exception:
    return serialization(f"The value at '{path}' must be {wanted}." if path else f"The body must be {wanted}.")


def _quoted(value: object, *, hidden: bool) -> str:
    if hidden:
        return "Value"
    text = ascii(value) if not isinstance(value, str) else "'" + ascii(value)[1:-1] + "'"
    return f"Value {text}" if len(text) <= _SHOWN else f"Value {text[:_SHOWN]}..."


def _finding(value: str, path: str, rule: str) -> str:
    return f"{value} at '{path}' failed to satisfy constraint: {rule}"


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
        return lambda value: {
            name: found if cut is _as_is else cut(found)
            for name, cut in members
            if (found := value.get(name)) is not None
        }

    def _list(self, shape: Mapping[str, Any]) -> Filter:
        cut = self._filter(shape["member"]["shape"])
        return lambda values: [cut(value) for value in values]


def _timestamp(_shape: Mapping[str, Any]) -> Filter:
    # Epoch seconds as a number with milliseconds: other clients than Python's refuse ISO text.
    return lambda seconds: round(float(seconds), 3)


def _as_is(value: Any) -> Any:
    return value
