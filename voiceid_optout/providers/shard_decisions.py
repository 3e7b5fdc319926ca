"""What the provider of shards decides, without I/O: valid texts, whom an update is for, what the state keeps."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from voiceid_optout import speakers
from voiceid_optout.providers.decisions import (
    Failure,
    domain_fault,
    is_unknown,
    speaker_fault,
)
from voiceid_optout.speakers import ABSENT, LABEL, Ensure, is_as_asked
from voiceid_optout.voiceid import Speaker

INPUTS = ("domain_id", "members", "speaker_ids")

_MEMBERS = re.compile(rf"(?:{LABEL.pattern} (?:{'|'.join(Ensure)})\n)*")
_IDS = re.compile(rf"(?:{LABEL.pattern} [ -~]*\n)*")


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a shard."""

    label: str
    speaker_id: str = field(repr=False)
    ensure: str


def check(news: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """Return the inputs to keep and what is wrong with them; a reason names labels, never an identifier."""
    inputs = {name: news[name] for name in INPUTS if news.get(name) is not None}
    failures = []
    if reason := domain_fault(inputs.get("domain_id")):
        failures.append(Failure("domain_id", reason))
    members, speaker_ids = inputs.get("members"), inputs.get("speaker_ids")
    if is_unknown(members) or is_unknown(speaker_ids):
        return inputs, failures
    if reason := _members_fault(members):
        failures.append(Failure("members", reason))
    else:
        failures.extend(Failure("speaker_ids", reason) for reason in _ids_faults(str(members), speaker_ids))
    return inputs, failures


def _members_fault(members: object) -> str | None:
    if not isinstance(members, str) or not _MEMBERS.fullmatch(members):
        return f"members has a line a person: a label, a blank, {' or '.join(Ensure)}, and a line feed"
    labels = [label for label, _ in speakers.shard_lines(members)]
    if any(one >= other for one, other in itertools.pairwise(labels)):
        return "members lists each label once, in their order"
    return None


def _ids_faults(members: str, speaker_ids: object) -> Iterator[str]:
    if not isinstance(speaker_ids, str) or not _IDS.fullmatch(speaker_ids):
        yield "speaker_ids has a line a person: a label, a blank, the id, and a line feed"
        return
    pairs = list(speakers.shard_lines(speaker_ids))
    if [label for label, _ in pairs] != [label for label, _ in speakers.shard_lines(members)]:
        yield "speaker_ids and members list the same labels, in the same order"
        return
    for label, speaker_id in pairs:
        if reason := speaker_fault(speaker_id):
            yield f"{label}: {reason}"


def is_changed(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Compare old outputs with new inputs; during a refresh the old outputs are those just read.

    Anybody who is not as asked is a change. There is never a replacement: the people of a shard change, one by one.
    """
    return bool(olds.get("drifted")) or any((olds.get(name) or "") != (news.get(name) or "") for name in INPUTS)


def members(props: Mapping[str, Any]) -> list[Member]:
    """Return the people of a shard by its inputs, or by its outputs, which hold them too."""
    ids = speakers.shard_values(props["speaker_ids"])
    return [Member(label, ids[label], ensure) for label, ensure in speakers.shard_lines(props["members"])]


def to_apply(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[Member]:
    """Return to whom an update applies: new, changed or drifted since the old outputs.

    Somebody who is no longer there is only managed no longer. In another domain everybody is new.
    """
    if olds.get("domain_id") != news["domain_id"]:
        return members(news)
    before = set(members(olds))
    drifted = speakers.shard_values(olds.get("drifted") or "")
    return [member for member in members(news) if member not in before or member.label in drifted]


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


def inputs_of(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs among old outputs."""
    return {name: props[name] for name in INPUTS}


def outputs(inputs: Mapping[str, Any], drifted: str) -> dict[str, Any]:
    """Return what the state keeps of a shard."""
    return {**inputs_of(inputs), "drifted": drifted}


def resource_id(inputs: Mapping[str, Any]) -> str:
    """Return the id of a new shard: its domain and the digits that its labels begin with."""
    return f"{inputs['domain_id']}/{speakers.shard_of(inputs['members']) or 'nobody'}"
