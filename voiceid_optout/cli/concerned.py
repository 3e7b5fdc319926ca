"""Whom the errors of a run concern: the engine knows labels, people look for lines of the register."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from voiceid_optout import urn as urns
from voiceid_optout.plan.builder import SPEAKER_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LABEL = re.compile(r"\bsp-[0-9a-f]{16}\b")
PLACES_SHOWN = 3  # what is wrong for more people than that is hardly about one of them


class Concerned:
    """Takes what an engine says (:meth:`add`) and puts places before the errors (:meth:`located`)."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._labels: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, said: Any) -> None:
        """Take a diagnostic event; those that are no error of a person are ignored."""
        if said.severity == "error" and said.urn and urns.type_of(said.urn) == SPEAKER_TYPE:
            self._labels[said.message.strip()].append(urns.name(said.urn))

    def located(self, errors: Iterable[str]) -> tuple[str, ...]:
        """Return the errors, those about a few people with their ``file:line``, or label, in front.

        An error of a shard names people by label already: their places take the labels' place.
        """
        return tuple(f"{self._where(error)}{_LABEL.sub(self._place, error)}" for error in errors)

    def _place(self, found: re.Match[str]) -> str:
        return self._places.get(found[0], found[0])

    def _where(self, error: str) -> str:
        labels = self._labels.get(error) or self._labels.get(error.rpartition(" (")[0], [])
        if not 0 < len(labels) <= PLACES_SHOWN:
            return ""
        return f"{', '.join(sorted(self._places.get(label, label) for label in labels))}: "
