"""What a state may name: a state is input, and whoever can write it must not run code here.

The plugin process makes an object of the text under ``__provider`` before each kind of call, and a pickle can run
anything. So only two kinds of texts are let through to it: the references that our own classes give, letter for
letter, and what the program itself sends in this run. Nothing is unpickled to find out.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voiceid_optout import urn as urns
from voiceid_optout.foreign_text import one_line
from voiceid_optout.speakers import DOMAIN_ID, LABEL, SHARD_TYPE, SPEAKER_TYPE
from voiceid_optout.state import StateError, UntrustedStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

PROVIDER_KEY = "__provider"
# The secret property that identifies people, by the type of the resource.
IDENTIFIERS = {
    SPEAKER_TYPE: "speaker_id",
    SHARD_TYPE: "speaker_ids",
}
_CLASSES = {
    "opted_out_speaker": "OptedOutSpeakerProvider",
    "opted_out_speakers": "OptedOutSpeakersProvider",
}
_PACKAGE = "voiceid_optout.providers"
_PROTOCOLS = (4, 5)  # pickle's default: 4 up to Python 3.13, 5 from 3.14 on
_NAMES_NOBODY = re.compile(rf"{LABEL.pattern}|{DOMAIN_ID.pattern}-[0-9a-f]{{1,4}}")  # a label, or a shard
_MOST_NAMED = 3


def _reference(protocol: int, module: str, class_: str) -> str:
    """Return what pickling an empty instance of a class by reference gives."""
    names = b"".join(b"\x8c" + bytes([len(name)]) + name.encode() + b"\x94" for name in (module, class_))
    body = names + b"\x93\x94)\x81\x94."
    return base64.b64encode(b"\x80" + bytes([protocol]) + b"\x95" + struct.pack("<Q", len(body)) + body).decode()


OURS = frozenset(
    _reference(protocol, f"{_PACKAGE}.{module}", class_)
    for protocol in _PROTOCOLS
    for module, class_ in _CLASSES.items()
)


@dataclass(frozen=True, slots=True)
class Named:
    """A provider that a state names. ``text`` is anything but a text where it cannot be one of a provider."""

    urn: str
    text: Any = field(repr=False)


def require(
    named: Iterable[Named],
    place: str,
    program_providers: Callable[[], Collection[str]] | None,
    *,
    what: str = "state",
) -> None:
    """Raise :class:`UntrustedStateError` unless every provider is ours, or one that the program sends.

    ``program_providers`` is asked only when there is another than ours; None where no program takes part.
    """
    foreign = [item for item in named if not (isinstance(item.text, str) and item.text in OURS)]
    if foreign and program_providers is not None:
        known = program_providers()
        foreign = [item for item in foreign if not (isinstance(item.text, str) and item.text in known)]
    if not foreign:
        return
    resources = list(dict.fromkeys(item.urn for item in foreign))
    more = f" and {len(resources) - _MOST_NAMED:,} more" if len(resources) > _MOST_NAMED else ""
    by_program = ", nor what the program sends" if program_providers is not None else ""
    raise UntrustedStateError(
        f"the {what} names a provider that is not ours{by_program}, for "
        f"{', '.join(map(shown, resources[:_MOST_NAMED]))}{more}. It is code, which would run here with your keys. "
        f"Restore the {what} from a backup; if you trust everybody who can write to {place}, pass --trust-state"
    )


def shown(urn: str) -> str:
    """Return a URN for people; one whose name may be an identifier is shown as its type alone."""
    parts = urn.split("::", 3)
    if len(parts) < 4:  # noqa: PLR2004 - a URN's parts
        return "a resource without a URN"
    if _NAMES_NOBODY.fullmatch(parts[3]):
        return one_line(urn, 300)
    return f"a resource of type {one_line(urns.type_of(urn), 120)}"


@dataclass(slots=True)
class Inspection:
    """What the text of a state holds, whoever reads it.

    Programs differ in how they read JSON: Go takes ``OUTPUTS`` for ``outputs`` and joins what stands there twice.
    So every property called ``__provider`` counts, wherever it stands and how often; but for lists, which are what
    the property depends on.
    """

    named: list[Named] = field(default_factory=list)
    clear: Counter[str] = field(default_factory=Counter)
    salt: str | None = None
    _open: list[Any] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, text: bytes, place: str) -> Inspection:
        """Read it; raises :class:`StateError` for what is no JSON."""
        found = cls()
        try:
            document = json.loads(text, object_pairs_hook=found._object)
        except (ValueError, RecursionError):
            raise StateError(
                f"the state in {place} is no JSON that can be read: "
                f"restore it from {place}/.pulumi/backups or another backup"
            ) from None
        found.named += [Named("", value) for value in found._open]
        found.salt = salt_of(document)
        return found

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if PROVIDER_KEY in made:
            self._open += [value for key, value in pairs if key == PROVIDER_KEY and not isinstance(value, list)]
            self.clear.update(
                key for key, value in pairs if key in IDENTIFIERS.values() and isinstance(value, str) and value
            )
        if self._open and isinstance(urn := made.get("urn") or made.get("URN"), str):
            self.named += [Named(urn, value) for value in self._open]
            self._open.clear()
        return made


def latest(document: Any) -> dict[str, Any]:
    """Return what a state says at its newest: the file of a backend, or what the Pulumi CLI exports.

    It is empty before the first run. Raises ValueError for what is neither.
    """
    match document:
        case {"deployment": dict(found)} | {"checkpoint": {"latest": dict(found)}}:
            return found
        case {"deployment": None} | {"checkpoint": dict()}:
            return {}
    raise ValueError("it is no state")


def salt_of(document: Any) -> str | None:
    """Return the salt of the passphrase's key, None if the secrets are not sealed so."""
    try:
        match latest(document):
            case {"secrets_providers": {"state": {"salt": str(salt)}}}:
                return salt
    except ValueError:
        pass
    return None
