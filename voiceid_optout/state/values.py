"""Property values in memory and in the state file (JSON).

In memory a value is what JSON has, plus :class:`Secret` around a value that must be encrypted at rest. A value
that is not known yet (in a preview) is the text :data:`UNKNOWN`, as on the wire.
"""

from __future__ import annotations

import json
import math
import re
import struct
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from voiceid_optout.files import read_json
from voiceid_optout.state import StateError

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the wire format, no secret
NUMBER_SIGNATURE = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c"
RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_GO_EXPONENT_FROM = 1e21
_GO_EXPONENT_BELOW = 1e-6
_TEXT_OR_SMALL_NUMBER = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?e-0\d|-0\.0(?!\d)')

PropertyMap = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value to be encrypted in the state and hidden from events."""

    value: Any = field(repr=False)


def normal_number(number: float) -> int | float:
    """Return the number as an int where Go would print it without a fraction or an exponent; -0 stays -0."""
    if math.isfinite(number) and number.is_integer() and abs(number) < _GO_EXPONENT_FROM:
        return int(Decimal(repr(number))) or (-0.0 if math.copysign(1, number) < 0 else 0)
    return number


def to_text(document: Any) -> str:
    """Return compact JSON as Go prints it: an exponent below 1e-6, -0 as it is, line separators escaped."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    if _has_fraction(document):
        text = _TEXT_OR_SMALL_NUMBER.sub(_as_go, text)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _has_fraction(document: Any) -> bool:
    """Tell whether a number is among the values that Go may print otherwise. Few are, and texts may be long."""
    if isinstance(document, dict):
        return any(map(_has_fraction, document.values()))
    if isinstance(document, list | tuple):
        return any(map(_has_fraction, document))
    return isinstance(document, float)


def _as_go(token: re.Match[str]) -> str:
    text = token[0]
    if text.startswith('"'):
        return text
    if text == "-0.0":
        return "-0"
    return text.replace("e-0", "e-") if abs(float(text)) < _GO_EXPONENT_BELOW else f"{Decimal(text):f}"


def encode(value: Any, encrypt: Callable[[str], str]) -> Any:
    """Turn a value into what the state file holds: secrets encrypted, keys sorted."""
    if isinstance(value, Secret):
        plain = to_text(encode(plain_value(value), encrypt))
        return {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": encrypt(plain)}
    if isinstance(value, dict):
        return {key: encode(value[key], encrypt) for key in sorted(value)}
    if isinstance(value, list):
        return [encode(item, encrypt) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no such number: its 64 bits are written as hexadecimal digits.
        return {SIGNATURE_KEY: NUMBER_SIGNATURE, "value": struct.pack(">d", value).hex()}
    return value


def decode(value: Any, decrypt: Callable[[str], str]) -> Any:
    """Turn a value of the state file into a value in memory; raises :class:`StateError` for a damaged one."""
    if isinstance(value, dict):
        signature = value.get(SIGNATURE_KEY)
        if signature == SECRET_SIGNATURE:
            return Secret(decode(_clear_json(value, decrypt), decrypt))
        if signature == NUMBER_SIGNATURE:
            return _number(value.get("value"))
        return {key: decode(item, decrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item, decrypt) for item in value]
    return value


def _clear_json(value: dict[str, Any], decrypt: Callable[[str], str]) -> Any:
    text = value.get("plaintext")
    if text is None:
        text = decrypt(str(value.get("ciphertext")))
    try:
        return read_json(text)
    except (ValueError, TypeError):
        raise StateError("a secret of the state is damaged: restore the state from a backup") from None


def _number(bits: Any) -> float:
    try:
        number: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    except (ValueError, TypeError, struct.error):
        raise StateError("a number of the state is damaged: restore the state from a backup") from None
    return number


def shared(value: PropertyMap, like: PropertyMap) -> PropertyMap:
    """Return the same properties, with the texts of ``like`` in the place of equal ones: they are then there once.

    Texts alone, secret or not: of other values equal ones may differ, such as 1 and true.
    """
    return {
        key: like[key] if isinstance(plain_value(item), str) and like.get(key) == item else item
        for key, item in value.items()
    }


def is_sealed(value: Any) -> bool:
    """Tell whether a value of the state file is an encrypted one."""
    return isinstance(value, dict) and value.get(SIGNATURE_KEY) == SECRET_SIGNATURE and "plaintext" not in value


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
    one secret item is secret as a whole. A text that ``like`` has too is taken from there: it may be long, and is
    then there once.
    """
    return {key: _mark(value, like[key]) if key in like else value for key, value in values.items()}


def _mark(value: Any, like: Any) -> Any:
    if isinstance(value, Secret):
        return value
    if isinstance(value, str) and value == plain_value(like):
        return like
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


def known(value: Any) -> Any:
    """Return the value without the parts that are not known yet; of an unknown one nothing is left but None."""
    if isinstance(value, Secret):
        inner = known(value.value)
        return None if inner is None and value.value is not None else Secret(inner)
    if isinstance(value, dict):
        found = {key: known(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item is not None or value[key] is None}
    if isinstance(value, list):
        return [found for item in value if (found := known(item)) is not None or item is None]
    return None if value == UNKNOWN else value


def contains_unknown(value: Any) -> bool:
    """Tell whether any part of the value is not known yet."""
    if isinstance(value, Secret):
        return contains_unknown(value.value)
    if isinstance(value, dict):
        return any(map(contains_unknown, value.values()))
    return any(map(contains_unknown, value)) if isinstance(value, list) else bool(value == UNKNOWN)
