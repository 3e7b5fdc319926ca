"""From people to resources: one each, or shards of many."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from voiceid_optout import shard
from voiceid_optout.providers.resource import OptedOutSpeaker, OptedOutSpeakers
from voiceid_optout.providers.stack_config import Grouping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be opted out or released, and the label that stands for them.

    ``previous_label`` is there while the labels change their key.
    """

    label: str
    domain_id: str
    speaker_id: str = field(repr=False)
    ensure: str
    previous_label: str | None = None


def declared(people: Iterable[Person], grouping: Grouping) -> Iterator[pulumi.CustomResource]:
    """Declare the resources one by one, as they are asked for; their names identify nobody.

    Shards without people are not declared: an empty one would stand for nothing, and the few people of a small
    domain need few resources. When the last of a shard leaves, a resource goes, which, as always, calls nobody.
    """
    if grouping is Grouping.SINGLE:
        for one in people:
            # Under the label of before it is the same resource: nothing is created, so nobody is called.
            aliases = [pulumi.Alias(name=one.previous_label)] if one.previous_label else []
            yield OptedOutSpeaker(
                one.label,
                domain_id=one.domain_id,
                speaker_id=one.speaker_id,
                ensure=one.ensure,
                opts=pulumi.ResourceOptions(aliases=aliases) if aliases else None,
            )
        return
    shards: defaultdict[tuple[str, str], list[Person]] = defaultdict(list)
    for one in people:
        shards[one.domain_id, shard.shard_of(one.label)].append(one)
    for (domain_id, digits), members in sorted(shards.items()):
        yield OptedOutSpeakers(
            f"{domain_id}-{digits}",
            domain_id=domain_id,
            members=shard.lines({one.label: one.ensure for one in members}),
            speaker_ids=shard.lines({one.label: one.speaker_id for one in members}),
        )
