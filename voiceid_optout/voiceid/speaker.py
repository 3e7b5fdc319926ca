"""Speakers and domains as the service describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, Self

from voiceid_optout.speakers import SpeakerStatus


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
    def from_api(cls, answer: Mapping[str, Any]) -> Self:
        """Build from ``Speaker`` or ``SpeakerSummary`` as botocore parses them.

        Raises KeyError or ValueError if a member is missing or the status is not one of the API's.
        """
        return cls(
            domain_id=answer["DomainId"],
            customer_speaker_id=answer.get("CustomerSpeakerId"),
            generated_speaker_id=answer["GeneratedSpeakerId"],
            status=SpeakerStatus(answer["Status"]),
            created_at=answer["CreatedAt"],
            updated_at=answer["UpdatedAt"],
        )

    def names(self) -> tuple[str, ...]:
        """Return both identifiers under which the service knows this speaker."""
        if self.customer_speaker_id is None:
            return (self.generated_speaker_id,)
        return (self.customer_speaker_id, self.generated_speaker_id)


class Unknown(Enum):
    """What a snapshot answers that knows neither a speaker nor its absence."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain; ``status`` is ACTIVE, PENDING or SUSPENDED."""

    domain_id: str
    name: str
    status: str

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Self:
        """Build from ``Domain`` as botocore parses it."""
        return cls(domain_id=answer["DomainId"], name=answer["Name"], status=answer["DomainStatus"])
