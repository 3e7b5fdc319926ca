"""Client of the Voice ID API: typed results, pacing within the quotas, one snapshot of a domain a run."""

from optout.voiceid.client import Client
from optout.voiceid.errors import (
    AccessDenied,
    ConcurrentChanges,
    Conflict,
    CredentialsMissing,
    CredentialsRejected,
    DomainNotActive,
    EndpointUnreachable,
    QuotaExceeded,
    RequestInvalid,
    ServiceFault,
    SettingsInvalid,
    Throttled,
    UnexpectedAnswer,
    UnknownDomain,
    UnknownSpeaker,
    VoiceIdError,
)
from optout.voiceid.settings import ClientSettings, Quotas
from optout.voiceid.snapshot import Snapshot
from optout.voiceid.speaker import Domain, Speaker, SpeakerStatus

__all__ = [
    "AccessDenied",
    "Client",
    "ClientSettings",
    "ConcurrentChanges",
    "Conflict",
    "CredentialsMissing",
    "CredentialsRejected",
    "Domain",
    "DomainNotActive",
    "EndpointUnreachable",
    "QuotaExceeded",
    "Quotas",
    "RequestInvalid",
    "ServiceFault",
    "SettingsInvalid",
    "Snapshot",
    "Speaker",
    "SpeakerStatus",
    "Throttled",
    "UnexpectedAnswer",
    "UnknownDomain",
    "UnknownSpeaker",
    "VoiceIdError",
]
