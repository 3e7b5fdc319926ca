"""What the provider decides, without I/O: valid inputs, changes, and what the state keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from voiceid_optout.pulumi_internals import UNKNOWN, Unknown
from voiceid_optout.speakers import DOMAIN_ID, SPEAKER_ID, Ensure, is_as_asked, label, resource_id
from voiceid_optout.voiceid import Speaker

INPUTS = ("domain_id", "speaker_id", "ensure")
IDENTITY = ("domain_id", "speaker_id")


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that cannot be used; the reason never quotes the value."""

    property: str
    reason: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Whether a resource is to be changed, and the properties that make it another person's."""

    changes: bool
    replaces: tuple[str, ...] = ()


def is_unknown(value: object) -> bool:
    """Tell whether a preview does not know the value yet."""
    return isinstance(value, Unknown) or value == UNKNOWN


def check(news: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """Return the inputs to keep, with ``ensure`` filled in, and what is wrong with them."""
    inputs = {name: news[name] for name in INPUTS if news.get(name) is not None}
    inputs.setdefault("ensure", Ensure.OPTED_OUT.value)
    failures = [
        Failure(name, reason)
        for name, reason in (
            ("domain_id", domain_fault(inputs.get("domain_id"))),
            ("speaker_id", speaker_fault(inputs.get("speaker_id"))),
            ("ensure", _ensure_fault(inputs["ensure"])),
        )
        if reason
    ]
    return inputs, failures


def domain_fault(value: object) -> str | None:
    """Return what is wrong with a domain id; None if nothing is, or if it is not known yet."""
    if is_unknown(value) or (isinstance(value, str) and DOMAIN_ID.fullmatch(value)):
        return None
    return "a domain id is 22 letters and digits; an alias must be defined in voiceid-optout:domains"


def speaker_fault(value: object) -> str | None:
    """Return what is wrong with a speaker id, without quoting it."""
    if is_unknown(value) or (isinstance(value, str) and SPEAKER_ID.fullmatch(value)):
        return None
    if isinstance(value, float | int):
        return "a speaker id is text: put it in quotes"
    return (
        "a speaker id is 1 to 256 letters, digits, _ or -, beginning with a letter or digit, "
        "or id# and 22 letters and digits"
    )


def _ensure_fault(value: object) -> str | None:
    if is_unknown(value) or value in set(Ensure):
        return None
    return f"ensure is {Ensure.OPTED_OUT} or {Ensure.RELEASED}"


def diff(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Difference:
    """Compare old outputs with new inputs; during a refresh the old outputs are those just read.

    A status that is not what ``ensure`` asks is a change too: nothing else makes a drift visible. Another
    person or domain is a replacement, which is safe in either order because a delete calls nobody. Names are
    made from both, so this happens only to resources that were named by hand.
    """
    changed = [name for name in INPUTS if _text(name, olds.get(name)) != _text(name, news.get(name))]
    replaces = tuple(name for name in changed if name in IDENTITY and not is_unknown(news.get(name)))
    return Difference(bool(changed) or not is_as_asked(news.get("ensure"), olds.get("status")), replaces)


def _text(name: str, value: object) -> str | None:
    """Bring a value to the form it had in the program: every number passes the engine as a float."""
    if value is None:
        return Ensure.OPTED_OUT.value if name == "ensure" else None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return UNKNOWN if is_unknown(value) else str(value)


def inputs_of(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs among old outputs."""
    return {name: props[name] for name in INPUTS}


def outputs(inputs: Mapping[str, Any], speaker: Speaker | None, opted_out_at: str | None = None) -> dict[str, Any]:
    """Return what the state keeps of a person: the inputs, and the service's status and time."""
    kept: dict[str, Any] = inputs_of(inputs)
    if speaker is not None:
        kept["status"] = speaker.status.value
    if opted_out_at is not None:
        kept["opted_out_at"] = opted_out_at
    return kept


def timestamp(time: datetime) -> str:
    """Return a time of the service as text in UTC with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def speaker_resource_id(speaker: Speaker) -> str:
    """Return the id of somebody the service knows: the same for as long as the service has this speaker."""
    return resource_id(speaker.domain_id, speaker.generated_speaker_id)


def released_resource_id(label_key: str | None, domain_id: str, speaker_id: str) -> str:
    """Return the id of somebody the service does not know; with the label, that is all it tells."""
    return f"{domain_id}/released/{label(label_key or domain_id, domain_id, speaker_id)}"
