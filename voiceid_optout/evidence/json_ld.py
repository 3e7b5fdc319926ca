"""A receipt for those who exchange records: JSON-LD in the terms of ISO/IEC TS 27560, through the W3C community
group's Data Privacy Vocabulary (DPV), version 2.

TS 27560 describes records of consent. An objection is none, so the record is one of DPV's records of an exercised
right, with the fields of TS 27560 where they fit; docs/verify.md has the table. The context stands in the file, so
nobody has to fetch anything to read it. The receipt itself is in it too, and what surrounds it can be made from it
again: that is how it is verified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voiceid_optout.evidence.receipt import (
    Receipt,
    ReceiptInvalid,
    checked,
    content,
    loaded,
    require_same,
    written,
)
from voiceid_optout.speakers import Ensure, is_as_asked

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTEXT: Mapping[str, Any] = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_TIME, _DATE = "xsd:dateTime", "xsd:date"


def render(receipt: Receipt) -> bytes:
    """Return a receipt as a JSON-LD file."""
    return written(_document(receipt))


def read(data: bytes) -> Receipt:
    """Return the receipt of a JSON-LD file; raises :class:`ReceiptInvalid` where a byte is not as written."""
    document = loaded(data)
    try:
        inner = document["dct:hasFormat"]["rdf:value"]["@value"]
    except (LookupError, TypeError):
        raise ReceiptInvalid("dct:hasFormat: the receipt itself is missing") from None
    receipt = checked(inner)
    require_same(data, render(receipt))
    return receipt


def _document(receipt: Receipt) -> dict[str, Any]:
    row = receipt.row
    return {
        "@context": dict(CONTEXT),
        "@type": "dpv:RightExerciseRecord",
        "dct:conformsTo": {"dct:identifier": f"{receipt.type}/{receipt.version}"},
        "dct:created": _typed(receipt.header.made_at, _TIME),
        "dct:identifier": f"{receipt.root}/{receipt.index}",
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dct:identifier": receipt.speaker_id or row.label},
        "dpv:hasProcess": {
            "@type": "dpv:Process",
            "dct:identifier": row.domain_id,
            "dpv:hasPersonalData": {"@id": "pd:Biometric"},
            "dpv:hasPurpose": {"@id": "dpv:IdentityAuthentication"},
        },
        "dct:hasPart": _activities(receipt),
        "dct:hasFormat": {
            "dct:format": "application/json",
            "rdf:value": {"@type": "@json", "@value": content(receipt)},
        },
    }


def _activities(receipt: Receipt) -> list[dict[str, Any]]:
    """Return what happened, each as an activity of exercising the right: asked, listed, applied, verified."""
    row = receipt.row
    is_released = row.ensure == Ensure.RELEASED
    involvement = "dpv:OptingInToProcess" if is_released else "dpv:OptingOutFromProcess"
    asked: dict[str, Any] = {
        "dct:source": row.ticket,
        "dpv:hasStatus": {"@id": "dpv:RequestInitiated"},
        "dpv:isIndicatedAtTime": _typed(row.requested_on, _DATE),
        "dpv:isIndicatedBy": {"@id": "dpv:DataSubject"},
    }
    listed: dict[str, Any] = {
        "dct:source": row.listed_in,
        "dpv:hasStatus": {"@id": "dpv:RequestAccepted"},
        "dpv:isIndicatedAtTime": _typed(row.listed_at, _TIME),
    }
    applied: dict[str, Any] = {
        "dpv:hasStatus": {"@id": "dpv:RequestFulfilled"},
        "dpv:isIndicatedAtTime": _typed(row.applied_at, _TIME),
    }
    holds = "dpv:RequestFulfilled" if is_as_asked(row.ensure, row.status) else "dpv:RequestUnfulfilled"
    verified: dict[str, Any] = {
        "dct:description": row.status or "absent from the service",
        "dpv:hasStatus": None if row.ensure is None else {"@id": holds},  # nobody asked
        "dpv:isIndicatedAtTime": _typed(row.verified_at, _TIME),
    }
    frame = {"@type": "dpv:RightExerciseActivity", "dpv:hasEntityInvolvement": {"@type": involvement}}
    happened = [
        (asked, row.requested_on),
        (listed, row.listed_at),
        (applied, None if is_released or row.ensure is None else row.applied_at),
        (verified, row.verified_at),
    ]
    return [frame | _without_nothing(each) for each, at in happened if at is not None]


def _typed(value: str | None, type_: str) -> dict[str, str] | None:
    return None if value is None else {"@type": type_, "@value": value}


def _without_nothing(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
