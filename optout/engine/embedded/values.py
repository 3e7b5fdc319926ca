"""Property values: from and to the wire (protobuf Struct) and the state file (JSON).

In memory a value is what JSON has, plus :class:`Secret` around a value that must be encrypted at rest. A value
that is not known yet (in a preview) is the text :data:`UNKNOWN`, as on the wire.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from google.protobuf import struct_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the wire format, no secret
NUMBER_SIGNATURE = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_GO_EXPONENT_FROM = 1e21

PropertyMap = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value to be encrypted in the state and hidden from events."""

    value: Any = field(repr=False)


def from_struct(struct: struct_pb2.Struct) -> PropertyMap:
    """Read a Struct; members that are null at the top are dropped, as the official engine does."""
    return {
        key: _from_value(value)
        for key, value in struct.fields.items()
        if value.WhichOneof("kind") not in ("null_value", None)
    }


def _from_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return normal_number(value.number_value)
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if SIGNATURE_KEY in fields and fields[SIGNATURE_KEY].string_value == SECRET_SIGNATURE:
                return Secret(_from_value(fields["value"]))
            return {key: _from_value(item) for key, item in fields.items()}
        case _:
            return None


def to_struct(properties: Mapping[str, Any], *, keep_secrets: bool = False) -> struct_pb2.Struct:
    """Write a Struct; secrets go as plain values unless the receiver takes them marked."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _fill(struct.fields[key], value, keep_secrets)
    return struct


def _fill(target: struct_pb2.Value, value: Any, keep_secrets: bool) -> None:  # noqa: FBT001
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, Secret):
        if keep_secrets:
            target.struct_value.fields[SIGNATURE_KEY].string_value = SECRET_SIGNATURE
            _fill(target.struct_value.fields["value"], value.value, keep_secrets)
        else:
            _fill(target, value.value, keep_secrets)
    elif isinstance(value, list):
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item, keep_secrets)
    else:
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item, keep_secrets)


def normal_number(number: float) -> int | float:
    """Return the number as Go prints it in JSON: without a fraction where there is none."""
    if math.isfinite(number) and number.is_integer() and abs(number) < _GO_EXPONENT_FROM:
        return int(Decimal(repr(number)))
    return number


def encode(value: Any, encrypt: Callable[[str], str]) -> Any:
    """Turn a value into what the state file holds: secrets encrypted, keys sorted."""
    if isinstance(value, Secret):
        plain = json.dumps(plain_value(value), separators=(",", ":"), ensure_ascii=False)
        return {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": encrypt(plain)}
    if isinstance(value, dict):
        return {key: encode(value[key], encrypt) for key in sorted(value)}
    if isinstance(value, list):
        return [encode(item, encrypt) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {SIGNATURE_KEY: NUMBER_SIGNATURE, "value": struct_bits(value)}
    return value


def struct_bits(number: float) -> str:
    """Return the 64 bits of a number JSON cannot write, as hexadecimal digits."""
    if math.isnan(number):
        return "7ff8000000000001"
    return "7ff0000000000000" if number > 0 else "fff0000000000000"


def decode(value: Any, decrypt: Callable[[str], str]) -> Any:
    """Turn a value of the state file into a value in memory."""
    if isinstance(value, dict):
        match value.get(SIGNATURE_KEY):
            case None:
                return {key: decode(item, decrypt) for key, item in value.items()}
            case sig if sig == SECRET_SIGNATURE:
                text = value["plaintext"] if "plaintext" in value else decrypt(value["ciphertext"])
                return Secret(decode(json.loads(text), decrypt))
            case sig if sig == NUMBER_SIGNATURE:
                return {"f": -math.inf, "7": math.inf}[value["value"][0]] if value["value"][3] == "0" else math.nan
            case _:
                return value
    if isinstance(value, list):
        return [decode(item, decrypt) for item in value]
    return value


def plain_value(value: Any) -> Any:
    """Return the value without secret marks."""
    if isinstance(value, Secret):
        return plain_value(value.value)
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    return value


def masked(value: Any) -> Any:
    """Return the value as events show it: ``[secret]`` for what is secret."""
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def mark_secrets(values: PropertyMap, like: PropertyMap) -> PropertyMap:
    """Mark values as secret where the same key is secret in ``like``.

    The plugin gives plain values back; this is how the official engine finds the secret ones again. A list with
    one secret item is secret as a whole.
    """
    return {key: _mark(value, like[key]) if key in like else value for key, value in values.items()}


def _mark(value: Any, like: Any) -> Any:
    if isinstance(value, Secret):
        return value
    if isinstance(like, Secret):
        return Secret(value)
    if isinstance(like, dict) and isinstance(value, dict):
        return mark_secrets(value, like)
    if isinstance(like, list) and isinstance(value, list) and contains_secret(like):
        return Secret(value)
    return value


def contains_secret(value: Any) -> bool:
    """Tell whether any part of the value is secret."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(contains_secret(item) for item in value.values())
    return isinstance(value, list) and any(contains_secret(item) for item in value)
