"""What a speaker is to every part of the product: what is asked, what holds, and the names that stand for people.

Everybody may import this module, and it imports nothing of ours. Sources: the Voice ID API, version 2021-09-27, for
ids and statuses; docs/adr/0005-sharded-resource.md, 0014-generated-ids.md and 0015-secret-label-key.md for names.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

SPEAKER_TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeaker"  # Pulumi's type of a person's resource
SHARD_TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeakers"  # and of a resource that holds many people

DOMAIN_ID = re.compile(r"[a-zA-Z0-9]{22}")
GENERATED_ID_MARK = "id#"  # begins the service's own id of a speaker
CUSTOMER_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,255}")
SPEAKER_ID = re.compile(rf"{GENERATED_ID_MARK}[a-zA-Z0-9]{{22}}|{CUSTOMER_ID.pattern}")
LABEL = re.compile(r"sp-[0-9a-f]{16}")

ASK_FIRST_VARIABLE = "OPTOUT_ASK_FIRST"  # set by `optout` for a run that moves people from resource to resource
GUESSABLE_VARIABLE = "OPTOUT_GUESSABLE_LABELS"  # set by `optout` for a stack that has run without a label key
DOMAIN_IS_KEY = "domain-id"  # as previousLabelKey: the labels of before had the domain's id for a key
_LABEL_DIGITS = 16
_BLOCK = 64  # bytes of SHA-256's blocks
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
LABEL_PREFIX = "sp-"
_LABEL_LENGTH = len(LABEL_PREFIX) + _LABEL_DIGITS
ABSENT = "gone"  # in a shard, in place of a status: the service does not have the speaker
# How many shards a domain may have, with the hexadecimal digits of a label that tell them apart. The names of the
# resources have the digits, so the number lies in every state.
SHARDS = {256: 2, 4096: 3}
MANY_PEOPLE = 2_000_000  # in a domain; beyond, it has the larger number of shards
_FEWEST_DIGITS = min(SHARDS.values())
_RESOURCE_ID_DIGITS = 32
_GENERATED_ID_OUTPUT = "generated_speaker_id"  # in states of earlier versions


class Ensure(StrEnum):
    """What the register asks for a speaker."""

    OPTED_OUT = "opted_out"
    RELEASED = "released"


class SpeakerStatus(StrEnum):
    """What the service says of a speaker: the enumeration SpeakerStatus of the API."""

    ENROLLED = "ENROLLED"
    EXPIRED = "EXPIRED"
    OPTED_OUT = "OPTED_OUT"
    PENDING = "PENDING"


# Up to Python 3.11, each reading of a member from its class takes as long as a call.
_RELEASED, _OPTED_OUT = Ensure.RELEASED, SpeakerStatus.OPTED_OUT


def is_as_asked(ensure: object, status: object) -> bool:
    """Tell whether a status, None for a speaker who is absent, is the one that ``ensure`` asks for."""
    if ensure == _RELEASED:
        return not status
    return status == _OPTED_OUT


def label(key: str, domain_id: str, speaker_id: str) -> str:
    """Return the label of a speaker, ``sp-`` and 16 hexadecimal digits: their name wherever no identifier may be.

    The digits are the start of HMAC-SHA256 over ``<domain id>/<speaker id>``. With a secret ``key`` nobody
    who sees a plan can test guesses; with the domain id as key (the fallback) they can, if they know the domain.
    """
    inner, outer = (copy() for copy in _hashes(key, domain_id))
    inner.update(speaker_id.encode())
    outer.update(inner.digest())
    return f"{LABEL_PREFIX}{outer.hexdigest()[:_LABEL_DIGITS]}"


def label_digits(label: str) -> int:
    """Return the number that the digits of a label are, in which it takes a tenth of the memory."""
    return int(label[len(LABEL_PREFIX) :], 16)


def label_with(digits: int) -> str:
    """Return the label that has these digits."""
    return f"{LABEL_PREFIX}{digits:0{_LABEL_DIGITS}x}"


@lru_cache(maxsize=64)
def _hashes(key: str, domain_id: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what gives the two hashes of RFC 2104, with all of a domain's labels in them but the speaker's id.

    Each label is made from copies: :mod:`hmac` begins with the key each time, or copies an object of OpenSSL's,
    which takes longer than hashing.
    """
    secret = key.encode()
    block = (secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()).ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(block.translate(_INNER) + f"{domain_id}/".encode())
    return inner.copy, hashlib.sha256(block.translate(_OUTER)).copy


class Listed(Protocol):
    """Who is listed in a register, whatever else it says of them."""

    @property
    def domain_id(self) -> str: ...
    @property
    def speaker_id(self) -> str: ...
    @property
    def ensure(self) -> Ensure: ...


class Person(NamedTuple):
    """Somebody to be opted out or released, and the label that stands for them.

    ``previous_label`` is there while the labels change their key. A tuple, because that is made in a third of a
    dataclass's time, and a hundred thousand go from the command to the program.
    """

    label: str
    domain_id: str
    speaker_id: str
    ensure: str
    previous_label: str | None = None

    @property
    def people(self) -> int:
        """How many they are."""
        return 1

    @property
    def released(self) -> int:
        """How many of them are released."""
        return int(self.ensure == Ensure.RELEASED)

    def __repr__(self) -> str:
        """Return the label alone: the id identifies a person."""
        return f"Person({self.label})"


@dataclass(frozen=True, slots=True)
class LabelKeys:
    """What labels are made with. Without a current key each domain's id takes its place.

    ``previous`` is there while the labels change their key; DOMAIN_IS_KEY stands for the domain's id.
    """

    current: str | None = field(default=None, repr=False)
    previous: str | None = field(default=None, repr=False)

    def label(self, listed: Listed) -> str:
        """Return the label of somebody in the register."""
        return label(self.current or listed.domain_id, listed.domain_id, listed.speaker_id)

    def in_domain(self, domain_id: str) -> tuple[str, ...]:
        """Return what the labels of a domain are made with: the current key, then the one of before."""
        current = self.current or domain_id
        if self.previous is None:
            return (current,)
        return (current, domain_id if self.previous == DOMAIN_IS_KEY else self.previous)

    def labels(self, domain_id: str, speaker_id: str) -> tuple[str, ...]:
        """Return the labels that somebody may have, listed or not: the present one first."""
        return tuple(label(key, domain_id, speaker_id) for key in self.in_domain(domain_id))

    def previous_label(self, listed: Listed) -> str | None:
        """Return the label of before, or None where the labels do not change their key."""
        if self.previous is None:
            return None
        return label(self.in_domain(listed.domain_id)[1], listed.domain_id, listed.speaker_id)

    def people(self, listed: Iterable[Listed]) -> tuple[Person, ...]:
        """Return those who are listed, in the same order, each with the label."""
        return tuple(
            Person(self.label(one), one.domain_id, one.speaker_id, one.ensure, self.previous_label(one))
            for one in listed
        )


class Shard(NamedTuple):
    """People of a domain whose labels begin with the same digits, as the texts that their resource has."""

    domain_id: str
    digits: str
    members: str
    speaker_ids: str

    @property
    def name(self) -> str:
        """The name of the resource, which identifies nobody."""
        return f"{self.domain_id}-{self.digits}"

    @property
    def people(self) -> int:
        """How many they are."""
        return self.members.count("\n")

    @property
    def released(self) -> int:
        """How many of them are released."""
        return self.members.count(f" {Ensure.RELEASED}\n")

    def __repr__(self) -> str:
        """Return what identifies nobody."""
        return f"Shard({self.name}, {self.people})"


def shards_for(people: int) -> int:
    """Return how many shards a domain of so many people has, where its stack does not say."""
    return max(SHARDS) if people > MANY_PEOPLE else min(SHARDS)


def sharded(
    listed: Sequence[Listed], keys: LabelKeys, shards_of_domain: int | None = None
) -> Iterator[tuple[Shard, array[int]]]:
    """Yield the shards that have people, in order, each with the places of its people in ``listed``, which rise.

    ``shards_of_domain`` is one of SHARDS, None for as many as the people of each domain need.
    """
    domains: defaultdict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(listed):
        domains[one.domain_id].append(number)
    is_released = Ensure.RELEASED  # up to Python 3.11, each reading of it from its class costs a fifth of a label
    for domain_id, numbers in sorted(domains.items()):
        new_inner, new_outer = _hashes(keys.in_domain(domain_id)[0], domain_id)
        shards: defaultdict[str, tuple[list[str], array[int]]] = defaultdict(lambda: ([], array("I")))
        released = set()
        count = SHARDS[shards_of_domain or shards_for(len(numbers))]
        for number in numbers:  # a million times: this is label() with nothing around it
            one = listed[number]
            speaker_id = one.speaker_id
            inner, outer = new_inner(), new_outer()
            inner.update(speaker_id.encode())
            outer.update(inner.digest())
            digits = outer.hexdigest()[:_LABEL_DIGITS]
            if one.ensure == is_released:
                released.add(f"{LABEL_PREFIX}{digits}")
            lines, places = shards[digits[:count]]
            lines.append(f"{LABEL_PREFIX}{digits} {speaker_id}\n")
            places.append(number)
        for name in sorted(shards):
            lines, places = shards.pop(name)
            lines.sort()
            labels = [line[:_LABEL_LENGTH] for line in lines]
            if not released or released.isdisjoint(labels):
                members = f" {Ensure.OPTED_OUT}\n".join([*labels, ""])  # no text for each
            else:
                members = "".join(
                    [f"{label} {'released' if label in released else 'opted_out'}\n" for label in labels]
                )
            yield Shard(domain_id, name, members, "".join(lines)), places


class _HandOver:
    """A command reads the register, and the program that it starts declares whom it has read."""

    declared: tuple[Person, ...] | tuple[Shard, ...] | None = None


def hand_over(declared: tuple[Person, ...] | tuple[Shard, ...]) -> None:
    """Say in the program's process, before the program runs, whom the command has found in the register."""
    _HandOver.declared = declared


def handed_over() -> tuple[Person, ...] | tuple[Shard, ...] | None:
    """Return whom the command has found; None under the Pulumi CLI, which starts the program alone."""
    return _HandOver.declared


# A resource of many people holds texts: one line a person, ``<label> <value>``, in the order of the labels, and a
# line feed after each. So one person more is one line more in any comparison of texts. Nobody is the empty text.


def shard_of(label: str) -> str:
    """Return the first digits of a label: the shard of the person, where a domain has the fewest shards."""
    return label[len(LABEL_PREFIX) : len(LABEL_PREFIX) + _FEWEST_DIGITS]


def shard_labels(text: str) -> list[str]:
    """Return the labels of a text, in their order."""
    return [line.partition(" ")[0] for line in text.splitlines()]


def shard_text(values: Mapping[str, str]) -> str:
    """Return the text of values by label."""
    return "".join(f"{label} {values[label]}\n" for label in sorted(values))


def shard_lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield label and value of each line of a text; what has no blank is a label with an empty value."""
    for line in text.splitlines():
        label, _, value = line.partition(" ")
        yield label, value


def shard_values(text: str) -> dict[str, str]:
    """Return the values of a text by label."""
    return dict(shard_lines(text))


def resource_id(domain_id: str, generated_id: str) -> str:
    """Return the id of a person's resource: domain id, and 32 hexadecimal digits of the generated id's SHA-256.

    A resource's id lies in clear in states, histories and events, and a generated id is an identifier of a person.
    Nobody guesses it, because it has 130 random bits: unlike that of a telephone number its hash needs no key.
    """
    return f"{domain_id}/{hashlib.sha256(generated_id.encode()).hexdigest()[:_RESOURCE_ID_DIGITS]}"


def upgraded(type_: str, id_: str, outputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a resource's id and outputs as they are written today; those of other types as they are.

    States of earlier versions have generated ids in clear.
    """
    if type_ != SPEAKER_TYPE or (GENERATED_ID_MARK not in id_ and _GENERATED_ID_OUTPUT not in outputs):
        return id_, outputs
    domain_id, _, generated_id = id_.partition("/")
    if GENERATED_ID_MARK in id_:
        id_ = resource_id(domain_id, generated_id)
    return id_, {key: value for key, value in outputs.items() if key != _GENERATED_ID_OUTPUT}
