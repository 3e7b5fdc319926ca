"""Evidence: what can be shown of a person, or of everybody, to a regulator, a court, or the person.

Nothing is stored twice. Git says when a person was listed and by whom, the run history which plan was applied,
and the service since when a person is opted out. This package joins them; it imports no Pulumi and no command line.

A report is a header and one :class:`Row` a person. Its root is the hash of a Merkle tree (RFC 9162) whose first
leaf is the header and whose other leaves are the rows, so that one row can be shown and checked without the others.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

REPORT_TYPE = "voiceid-optout/report"
REPORT_VERSION = 1
ALGORITHM = "Ed25519"
_DAY_SECONDS = 86_400


class EvidenceError(Exception):
    """Root of all errors of this package; the text is one line that says what to do and names nobody."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a report says of one person. Times are UTC, ``2026-03-02T09:15:00Z``; days are ``2026-03-02``.

    ``person`` is a commitment to who it is (see :func:`commitment`); ``nonce`` is random, so that nobody who sees
    the hash of this row in somebody else's receipt can test guesses. ``ensure`` is None for who is opted out in the
    service and in no register. ``listed_at`` and ``listed_in`` are time and commit of the merge since which the
    person is listed without a break; ``applied_at`` is the service's own time of the opt-out; ``verified_at`` is
    when this report read ``status``, which is None for who is absent from the service.
    """

    label: str
    domain_id: str
    person: str
    nonce: str
    ensure: str | None
    place: str | None
    requested_on: str | None
    ticket: str | None
    review_on: str | None
    listed_at: str | None
    listed_in: str | None
    applied_at: str | None
    status: str | None
    verified_at: str


@dataclass(frozen=True, slots=True)
class Header:
    """What a report says of itself. ``people`` counts the rows; ``previous`` is the root of the report before."""

    project: str
    stack: str
    made_at: str
    commit: str | None
    people: int
    overdue_days: int
    previous: str | None
    tool: str  # name and version of the program that made it
    type: str = REPORT_TYPE
    version: int = REPORT_VERSION


@dataclass(frozen=True, slots=True)
class Signature:
    """Who vouches for a root: 64 hexadecimal digits of the public key, 128 of the signature."""

    public_key: str
    value: str
    algorithm: str = ALGORITHM


def canonical(value: Row | Header | Signature | dict[str, Any]) -> bytes:
    """Return the bytes that are hashed and signed: JSON as RFC 8785 has it, here that is sorted keys."""
    if isinstance(value, dict):
        return _ENCODER.encode(value).encode()
    # In half the time of the encoder, which is made anew for each of a million rows.
    return f"{{{','.join([key + _word(getattr(value, name)) for key, name in _KEYS[type(value)]])}}}".encode()


def _word(value: str | int | None) -> str:
    return "null" if value is None else encode_basestring(value) if isinstance(value, str) else str(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_KEYS = {
    kind: [(f'"{name}":', name) for name in sorted(each.name for each in fields(kind))]
    for kind in (Row, Header, Signature)
}


def opening(key: str, domain_id: str, speaker_id: str) -> str:
    """Return what opens the commitment to a person: 32 hexadecimal digits that only holders of the label key make.

    Whoever gets it with a row can check that the row speaks of the person whose id they know, and can test guesses.
    It therefore stands in a person's own receipt, and in no report.
    """
    keyed = hmac.new(key.encode(), f"opening/{domain_id}/{speaker_id}".encode(), "sha256")
    return keyed.hexdigest()[:32]


def commitment(opening: str, domain_id: str, speaker_id: str) -> str:
    """Return the SHA-256 of ``<opening>/<domain id>/<speaker id>`` in hexadecimal digits."""
    return hashlib.sha256(f"{opening}/{domain_id}/{speaker_id}".encode()).hexdigest()


def time_text(seconds: int) -> str:
    """Return a time as reports have it: UTC, ``2026-03-02T09:15:00Z``."""
    days, second = divmod(seconds, _DAY_SECONDS)
    minutes, second = divmod(second, 60)
    return f"{_day_text(days)}T{minutes // 60:02}:{minutes % 60:02}:{second:02}Z"


@lru_cache(maxsize=4096)
def _day_text(days: int) -> str:
    return datetime.fromtimestamp(days * _DAY_SECONDS, UTC).date().isoformat()
