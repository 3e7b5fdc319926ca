"""Speakers and domains as the service tells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class SpeakerStatus(StrEnum):
    """Source: enumeration SpeakerStatus of the Voice ID API, version 2021-09-27."""

    ENROLLED = "ENROLLED"
    EXPIRED = "EXPIRED"
    OPTED_OUT = "OPTED_OUT"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class Speaker:
    """One speaker of a domain; times are aware and UTC.

    ``customer_speaker_id`` is the identifier of a person and stays out of ``repr``. ``generated_speaker_id``
    is the service's own name for the record (``id#`` and 22 characters), new after every re-creation.
    """

    domain_id: str
    customer_speaker_id: str | None = field(repr=False)
    generated_speaker_id: str
    status: SpeakerStatus
    created_at: datetime
    updated_at: datetime

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """Build from ``Speaker`` or ``SpeakerSummary`` as botocore parses them.

        Raises KeyError or ValueError if a member is missing or the status is not one of the API's.
        """
        return cls(
            domain_id=wire["DomainId"],
            customer_speaker_id=wire.get("CustomerSpeakerId"),
            generated_speaker_id=wire["GeneratedSpeakerId"],
            status=SpeakerStatus(wire["Status"]),
            created_at=wire["CreatedAt"],
            updated_at=wire["UpdatedAt"],
        )

    def names(self) -> tuple[str, ...]:
        """Return both identifiers under which the service knows this speaker."""
        if self.customer_speaker_id is None:
            return (self.generated_speaker_id,)
        return (self.customer_speaker_id, self.generated_speaker_id)


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain; ``status`` is ACTIVE, PENDING or SUSPENDED."""

    domain_id: str
    name: str
    status: str

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """Build from ``Domain`` as botocore parses it."""
        return cls(domain_id=wire["DomainId"], name=wire["Name"], status=wire["DomainStatus"])
