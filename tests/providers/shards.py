"""Shards as a program declares them."""

from collections.abc import Mapping
from typing import Any

from voiceid_optout import speakers

OPTED_OUT, RELEASED = "opted_out", "released"


def name(number: int) -> str:
    """Return the label of the person with this number."""
    return f"sp-a7{number:014x}"


def inputs(domain_id: str, people: Mapping[str, str]) -> dict[str, Any]:
    """Return the inputs of a shard with these people: ``ensure`` by id, numbered from 0 on."""
    return {
        "domain_id": domain_id,
        "members": speakers.shard_text({name(number): ensure for number, ensure in enumerate(people.values())}),
        "speaker_ids": speakers.shard_text({name(number): person for number, person in enumerate(people)}),
    }


def opted_out(domain_id: str, *people: str) -> dict[str, Any]:
    """Return the inputs of a shard whose people are all to be opted out."""
    return inputs(domain_id, dict.fromkeys(people, OPTED_OUT))


def without(props: Mapping[str, Any], *numbers: int) -> dict[str, Any]:
    """Return the inputs without the people of these numbers."""
    gone = {name(number) for number in numbers}
    kept = {
        key: speakers.shard_text(
            {label: value for label, value in speakers.shard_values(props[key]).items() if label not in gone}
        )
        for key in ("members", "speaker_ids")
    }
    return {"domain_id": props["domain_id"], **kept}
