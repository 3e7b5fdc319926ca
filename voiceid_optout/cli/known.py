"""Whose identifiers no text may carry: the people of the register, and those whom the state has besides."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceid_optout import urn as urns
from voiceid_optout.files import read_json
from voiceid_optout.forge.identifiers import Matcher, parts_of
from voiceid_optout.speakers import DOMAIN_ID, LABEL, SHARD_TYPE, SHARDS, SPEAKER_TYPE, shard_lines
from voiceid_optout.state import StackError, trust, values
from voiceid_optout.state.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from voiceid_optout.cli.context import Context
    from voiceid_optout.state.passphrase import Crypter

# Names of resources: a label, a shard.
_DIGITS = f"{min(SHARDS.values())},{max(SHARDS.values())}"
_GIVEN = re.compile(rf"{LABEL.pattern}|{DOMAIN_ID.pattern}-[0-9a-f]{{{_DIGITS}}}")
IN_STATE = "somebody in the state"
# Up to so many short texts it is quicker to look through everybody for each than to make a Matcher.
MOST_TEXTS, MOST_CHARACTERS = 5, 1_000
_GENERATED = re.compile(rb"id#[A-Za-z0-9]{22}")  # in clear in states of before


class StateSealedError(Exception):
    """The state's identifiers cannot be read here; the text says why."""


def matcher(
    context: Context,
    environment: Mapping[str, str],
    labels: AbstractSet[str],
    members: AbstractSet[str] = frozenset(),
) -> tuple[Matcher, str]:
    """Return what finds identifiers, and why it does not know those of the state; empty if it does.

    ``environment`` goes over the context's own. ``labels`` are those of the register, ``members`` the texts of its
    shards: who is listed there need not be unsealed in the state. Raises what loading the register raises.
    """
    found, why = _others(context, environment, labels, members)
    return _of_all(context, found), why


def _of_all(context: Context, others: set[str]) -> Matcher:
    places = {entry.speaker_id: f"{entry.file}:{entry.line}" for entry in context.register.entries}
    return Matcher(dict.fromkeys(others - places.keys(), IN_STATE) | places)


def _others(
    context: Context, environment: Mapping[str, str], labels: AbstractSet[str], members: AbstractSet[str]
) -> tuple[set[str], str]:
    """Return what the state has besides the register's, and more, and why that is not known."""
    try:
        return set(_of_state(context, {**context.environment, **environment}, labels, members)), ""
    except StateSealedError as error:
        return set(), str(error)


def _of_state(
    context: Context, environment: Mapping[str, str], labels: AbstractSet[str], members: AbstractSet[str]
) -> Iterator[str]:
    raw = raw_state(context, environment)
    yield from (found.decode() for found in _GENERATED.findall(raw))
    if not raw:
        return
    try:
        latest = trust.latest(read_json(raw))
        pending = (item["resource"] for item in latest.get("pending_operations") or ())
        every = (*(latest.get("resources") or ()), *pending)
        resources = [item for item in every if _has_others(item, labels, members)]
        if not resources:
            return
        decrypt = _crypter(context, environment, latest).decrypt
        for item in resources:
            for properties in (item.get("inputs") or {}, item.get("outputs") or {}):
                yield from _in_properties(properties, decrypt)
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
        raise StateSealedError("it is no state that can be read") from None
    except StackError as error:
        raise StateSealedError(str(error)) from None


def _has_others(item: Mapping[str, Any], labels: AbstractSet[str], members: AbstractSet[str]) -> bool:
    """Tell whether a resource has people whom the register does not list.

    Most shards are as the register has them, and are not taken apart.
    """
    kind = urns.type_of(item["urn"])
    if not kind:
        raise ValueError("no URN")
    if kind == SPEAKER_TYPE:
        return urns.name(item["urn"]) not in labels
    text = (item.get("outputs") or item.get("inputs") or {}).get("members")
    return kind == SHARD_TYPE and not (
        isinstance(text, str) and (text in members or all(label in labels for label, _ in shard_lines(text)))
    )


def _in_properties(properties: Mapping[str, Any], decrypt: Callable[[str], str]) -> Iterator[str]:
    speaker_id, speaker_ids = (
        values.plain_value(values.decode(properties.get(key), decrypt)) for key in ("speaker_id", "speaker_ids")
    )
    if isinstance(speaker_id, str):
        yield speaker_id
    if isinstance(speaker_ids, str):
        yield from (identifier for _, identifier in shard_lines(speaker_ids))


def _crypter(context: Context, environment: Mapping[str, str], latest: Mapping[str, Any]) -> Crypter:
    provider = latest.get("secrets_providers") or {}
    if provider.get("type") != "passphrase":
        raise StateSealedError("it is sealed with another secrets provider than a passphrase")
    return context.crypter(environment, provider["state"]["salt"])


def raw_state(context: Context, environment: Mapping[str, str]) -> bytes:
    """Return the stack's state as it lies there, sealed; nothing if there is none yet.

    Raises :class:`StateSealedError` when it cannot be read here.
    """
    if context.remote_backend:
        return _exported(context, environment)
    try:
        return Backend(context.backend(), context.project.name, context.stack).read() or b""
    except StackError as error:
        raise StateSealedError(str(error)) from None


def _exported(context: Context, environment: Mapping[str, str]) -> bytes:
    """Return what the Pulumi CLI gives of a state that lies in no folder; what is secret in it stays sealed."""
    from voiceid_optout.engine.official.command import PulumiFailedError, find  # noqa: PLC0415 - few stacks

    variables = {**environment, "PULUMI_BACKEND_URL": context.remote_backend}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.json"
        words = ["stack", "export", "--stack", context.stack, "--file", str(path)]
        try:
            find().run(words, str(context.project.root), {**os.environ, **variables})
            return path.read_bytes()
        except PulumiFailedError as error:
            if "no stack named" in error.stderr:
                return b""
            raise StateSealedError("the Pulumi CLI cannot export it") from None
        except (StackError, OSError):
            raise StateSealedError("it takes the Pulumi CLI to read it where it is") from None


class Mask:
    """Puts ``…`` in place of identifiers.

    What finds them is made when a text may have one: a million identifiers take seconds to be made ready, and most
    plans have no other texts than the names of files.
    """

    def __init__(
        self,
        context: Context,
        environment: Mapping[str, str],
        labels: AbstractSet[str],
        say: Callable[[str], None],
        members: AbstractSet[str] = frozenset(),
    ) -> None:
        """``say`` gets the word that the identifiers of the state are not known, if that is so.

        ``labels`` and ``members`` are as for :func:`matcher`.
        """
        self._given = context, environment, labels, members
        self._say = say
        self._files: dict[str, str] = {}
        self._compared = False
        self._made = False
        self._looked = 0  # texts that had none

    def listed_alone(self) -> None:
        """Say that the state has nobody whom the register does not list: a plan has looked at both."""
        self._compared = True

    @cached_property
    def _others(self) -> tuple[set[str], str]:
        return _others(*self._given)

    @cached_property
    def _nobody_else(self) -> bool:
        if not self._compared:
            return self._others == (set(), "")
        context, environment, *_ = self._given
        try:
            raw = raw_state(context, {**context.environment, **environment})
        except StateSealedError:
            return False
        # A step that nobody saw end is in no plan, and old states have identifiers in clear.
        return b'"pending_operations"' not in raw and not _GENERATED.search(raw)

    @cached_property
    def _files_may_have_one(self) -> bool:
        """Whether a file of the register may be named after somebody: one look tells of all of them."""
        return self._may_have_one("\n".join(self._given[0].register.files))

    def _may_have_one(self, text: str) -> bool:
        is_short = len(text) <= MOST_CHARACTERS and self._looked < MOST_TEXTS
        if self._made or not is_short or not self._nobody_else:
            return True
        self._looked += 1
        identifiers = map(attrgetter("speaker_id"), self._given[0].register.entries)
        return not parts_of(text).isdisjoint(map(str.lower, identifiers))

    @cached_property
    def _matcher(self) -> Matcher:
        self._made = True
        found, why = self._others
        if why:
            self._say(unknown_words(why))
        return _of_all(self._given[0], found)

    def __call__(self, text: str) -> str:
        """Return the text without identifiers."""
        return self._matcher.masked(text) if text and self._may_have_one(text) else text

    def place(self, place: str) -> str:
        """Return ``file:line`` for a file that may be named after somebody."""
        file, colon, line = place.rpartition(":")
        if file not in self._files:
            is_clean = file in self._given[0].register.files and not self._files_may_have_one
            self._files[file] = file if is_clean else self(file)
        return f"{self._files[file]}{colon}{line}"

    def name(self, name: str) -> str:
        """Return a resource's name; one that our program gives stays as it is."""
        return name if is_given(name) else self(name)

    def values(self, document: Any) -> Any:
        """Return a JSON document with each of its texts masked."""
        if isinstance(document, str):
            return self(document)
        if isinstance(document, dict):
            return {key: self.values(value) for key, value in document.items()}
        return [self.values(item) for item in document] if isinstance(document, list) else document


class Shown(Mapping[str, str]):
    """Texts by label, each masked when it is asked for."""

    def __init__(self, texts: Mapping[str, str], masked: Callable[[str], str]) -> None:
        """``masked`` makes a text fit to be shown."""
        self._texts, self._masked = texts, masked

    def __getitem__(self, label: str) -> str:
        return self._masked(self._texts[label])

    def __contains__(self, label: object) -> bool:
        return label in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def is_given(name: str) -> bool:
    """Tell whether a resource's name is of the kind that our program gives: it identifies nobody."""
    return _GIVEN.fullmatch(name) is not None


def unknown_words(why: str) -> str:
    """Return what to say when only the register's identifiers can be looked for."""
    return f"note: texts are checked for the identifiers of the register, not for those of the state: {why}"
