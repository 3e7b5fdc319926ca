"""From how many people on they should share resources, and what that saves."""

from __future__ import annotations

MANY = 2000  # people; beyond, a run with a resource each takes longer than one cares to wait for

# Measured on two cores with the embedded engine (docs/adr/0005-sharded-resource.md): an unchanged preview takes
# 1.2 s, and for each person 2.4 ms with a resource each, 0.03 ms in shards.
_START = 1.2
_EACH_SINGLE = 0.0024
_SHARDS = 0.8
_EACH_SHARDED = 0.00003


def advice(people: int, *, sharded: bool) -> str | None:
    """Return the recommendation to group so many people in shards; None if they are few, or are so already."""
    if sharded or people <= MANY:
        return None
    single = _START + people * _EACH_SINGLE
    shared = _START + _SHARDS + people * _EACH_SHARDED
    return (
        f"{people:,} people with a resource each: an unchanged preview takes about {single:.0f} s, with "
        f"voiceid-optout:grouping: sharded about {shared:.0f} s. Switching changes nobody in the service"
    )
