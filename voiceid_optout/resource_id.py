"""The id of a person's resource, and what states of earlier versions have in its place.

The service's own name of a speaker, ``id#`` and 22 letters and digits, is an identifier of a person like any other,
and a resource's id lies in clear in states, histories and events: it carries a hash in place of it.
"""

from __future__ import annotations

import hashlib
from typing import Any

TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeaker"
OLD_OUTPUT = "generated_speaker_id"
MARK = "id#"
_DIGITS = 32


def resource_id(domain_id: str, generated_id: str) -> str:
    """Return domain id and 32 hexadecimal digits of the SHA-256 of the generated id.

    Nobody guesses such an id, which has 130 random bits: unlike that of a telephone number its hash needs no key.
    """
    return f"{domain_id}/{hashlib.sha256(generated_id.encode()).hexdigest()[:_DIGITS]}"


def is_old(type_: str, id_: str, outputs: dict[str, Any]) -> bool:
    """Tell whether a resource of a state has a generated id in clear."""
    return type_ == TYPE and (MARK in id_ or OLD_OUTPUT in outputs)


def upgraded(type_: str, id_: str, outputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a resource's id and outputs as they are written today; those of other types as they are."""
    if not is_old(type_, id_, outputs):
        return id_, outputs
    domain_id, _, generated_id = id_.partition("/")
    if MARK in id_:
        id_ = resource_id(domain_id, generated_id)
    return id_, {key: value for key, value in outputs.items() if key != OLD_OUTPUT}
