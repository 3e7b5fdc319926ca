"""Client of the Voice ID API: typed results, pacing within the quotas, one snapshot of a domain a run.

``Client`` and ``Snapshot`` load on first use: they bring botocore along, which takes 0.15 s, and a preview
calls nobody.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from voiceid_optout.speakers import SpeakerStatus
from voiceid_optout.voiceid.aws_config import FULL_NAMES as AWS_CONFIG
from voiceid_optout.voiceid.errors import (
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
from voiceid_optout.voiceid.settings import KEYS as STACK_CONFIG
from voiceid_optout.voiceid.settings import ClientSettings, Quotas
from voiceid_optout.voiceid.speaker import Domain, Speaker

if TYPE_CHECKING:
    from voiceid_optout.voiceid.client import Client
    from voiceid_optout.voiceid.snapshot import Snapshot

__all__ = [
    "AWS_CONFIG",
    "STACK_CONFIG",
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

_ON_FIRST_USE = {"Client": "voiceid_optout.voiceid.client", "Snapshot": "voiceid_optout.voiceid.snapshot"}


def __getattr__(name: str) -> object:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ON_FIRST_USE[name]), name)
