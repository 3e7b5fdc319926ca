"""What the providers decide, without I/O: valid inputs, changes, and what the state keeps.

It is decided of a person, and of a shard with its people: there also whom an update is for.
"""

import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from voiceid_optout import speakers
from voiceid_optout.pulumi_internals import UNKNOWN, Unknown
from voiceid_optout.speakers import ABSENT, DOMAIN_ID, LABEL, SPEAKER_ID, Ensure, is_as_asked, resource_id
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


def check(new: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """Return the inputs to keep, with ``ensure`` filled in, and what is wrong with them."""
    inputs = {name: new[name] for name in INPUTS if new.get(name) is not None}
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


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    """Compare old outputs with new inputs; during a refresh the old outputs are those just read.

    A status that is not what ``ensure`` asks is a change too: nothing else makes a drift visible. Another
    person or domain is a replacement, which is safe in either order because a delete calls nobody. Names are
    made from both, so this happens only to resources that were named by hand.
    """
    changed = [name for name in INPUTS if _text(name, old.get(name)) != _text(name, new.get(name))]
    replaces = tuple(name for name in changed if name in IDENTITY and not is_unknown(new.get(name)))
    return Difference(bool(changed) or not is_as_asked(new.get("ensure"), old.get("status")), replaces)


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
    return f"{domain_id}/released/{speakers.label(label_key or domain_id, domain_id, speaker_id)}"


SHARD_INPUTS = ("domain_id", "members", "speaker_ids", "digits")  # the last one only where there are many shards

_MEMBERS = re.compile(rf"(?:{LABEL.pattern} (?:{'|'.join(Ensure)})\n)*")
_LINES = re.compile(rf"(?:{LABEL.pattern} [ -~]*\n)*")
_IDS = re.compile(rf"(?:{LABEL.pattern} (?:{SPEAKER_ID.pattern})\n)*")


class Member(NamedTuple):
    """One person of a shard. A tuple, because a read makes a million."""

    label: str
    speaker_id: str
    ensure: str

    def __repr__(self) -> str:
        """Return the label alone: the id identifies a person."""
        return f"Member({self.label})"


def check_shard(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """Return the inputs to keep and what is wrong with them; a reason names labels, never an identifier.

    Inputs that the state has already were checked when it got them. To check a million people again takes as long
    as a third of reading their register.
    """
    inputs = {name: new[name] for name in SHARD_INPUTS if new.get(name) is not None}
    failures = []
    if reason := domain_fault(inputs.get("domain_id")):
        failures.append(Failure("domain_id", reason))
    members, speaker_ids = inputs.get("members"), inputs.get("speaker_ids")
    if is_unknown(members) or is_unknown(speaker_ids):
        return inputs, failures
    if isinstance(members, str) and all(inputs.get(name) == old.get(name) for name in SHARD_INPUTS):
        return inputs, failures
    if not isinstance(members, str) or not _MEMBERS.fullmatch(members):
        form = f"members has a line a person: a label, a blank, {' or '.join(Ensure)}, and a line feed"
        return inputs, [*failures, Failure("members", form)]
    labels = speakers.shard_labels(members)
    if any(map(operator.ge, labels, labels[1:])):
        failures.append(Failure("members", "members lists each label once, in their order"))
    elif reason := _digits_fault(inputs.get("digits", ""), labels):
        failures.append(Failure("digits", reason))
    else:
        failures.extend(Failure("speaker_ids", reason) for reason in _ids_faults(labels, speaker_ids))
    return inputs, failures


def _digits_fault(digits: object, labels: Sequence[str]) -> str | None:
    """Say what is wrong with digits. Of labels in their order, those between begin as the first and the last do."""
    if is_unknown(digits):
        return None
    start = f"{speakers.LABEL_PREFIX}{digits}"
    if not labels or (labels[0].startswith(start) and labels[-1].startswith(start)):
        return None
    return "digits are those that the labels of members begin with"


def _ids_faults(labels: Sequence[str], speaker_ids: object) -> Iterator[str]:
    if not isinstance(speaker_ids, str) or not _LINES.fullmatch(speaker_ids):
        yield "speaker_ids has a line a person: a label, a blank, the id, and a line feed"
        return
    if speakers.shard_labels(speaker_ids) != labels:
        yield "speaker_ids and members list the same labels, in the same order"
        return
    if _IDS.fullmatch(speaker_ids):
        return
    for label, speaker_id in speakers.shard_lines(speaker_ids):
        if reason := speaker_fault(speaker_id):
            yield f"{label}: {reason}"


def is_shard_changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Compare old outputs with new inputs; during a refresh the old outputs are those just read.

    Anybody who is not as asked is a change. There is never a replacement: the people of a shard change, one by one.
    """
    return bool(old.get("drifted")) or any((old.get(name) or "") != (new.get(name) or "") for name in SHARD_INPUTS)


def members(props: Mapping[str, Any]) -> list[Member]:
    """Return the people of a shard by its inputs, or by its outputs, which hold them too."""
    ids = speakers.shard_values(props["speaker_ids"])
    return [Member(label, ids[label], ensure) for label, ensure in speakers.shard_lines(props["members"])]


def to_apply(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Member]:
    """Return to whom an update applies: new, changed or drifted since the old outputs.

    Somebody who is no longer there is only managed no longer. In another domain everybody is new.
    """
    if old.get("domain_id") != new["domain_id"]:
        return members(new)
    before = set(members(old))
    drifted = speakers.shard_values(old.get("drifted") or "")
    return [member for member in members(new) if member not in before or member.label in drifted]


def is_member_as_asked(member: Member, speaker: Speaker | None) -> bool:
    """Tell whether a person is as asked; ``speaker`` is None for somebody the service does not have."""
    return is_as_asked(member.ensure, speaker and speaker.status)


def drifted(found: Iterable[tuple[Member, Speaker | None]]) -> str:
    """Return the text of those who are not as asked: label and status."""
    return speakers.shard_text(
        {
            member.label: ABSENT if speaker is None else speaker.status.value
            for member, speaker in found
            if not is_member_as_asked(member, speaker)
        }
    )


def shard_inputs_of(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return a shard's inputs among its old outputs."""
    return {name: props[name] for name in SHARD_INPUTS if name in props}


def shard_outputs(inputs: Mapping[str, Any], drifted: str) -> dict[str, Any]:
    """Return what the state keeps of a shard."""
    return {**shard_inputs_of(inputs), "drifted": drifted}


def shard_resource_id(inputs: Mapping[str, Any]) -> str:
    """Return the id of a new shard: its domain and the digits that its labels begin with."""
    digits = inputs.get("digits") or speakers.shard_of(inputs["members"])
    return f"{inputs['domain_id']}/{digits or 'nobody'}"
