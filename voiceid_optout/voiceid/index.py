"""What a snapshot knows: pages of a walk and our own writes, put together without I/O."""

from collections.abc import Iterable
from enum import Enum
from typing import Final

from voiceid_optout.voiceid.speaker import Speaker


class Unknown(Enum):
    """The one answer that is neither a speaker nor its absence."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


class Index:
    """Speakers of one domain by either of their names; not thread-safe on its own.

    A page may be older than a write of ours, whenever it arrives; so a speaker that we wrote is never taken
    from a page.
    """

    def __init__(self) -> None:
        self._listed: dict[str, Speaker] = {}
        self._written: dict[str, Speaker | None] = {}
        self._complete = False

    def lookup(self, speaker_id: str) -> Speaker | Unknown | None:
        """Return the speaker, None if it is known to be absent, or UNKNOWN."""
        if speaker_id in self._written:
            return self._written[speaker_id]
        if speaker_id in self._listed:
            return self._listed[speaker_id]
        return None if self._complete else UNKNOWN

    def add_page(self, speakers: Iterable[Speaker]) -> None:
        """Take in a page of the walk."""
        for speaker in speakers:
            names = speaker.names()
            if not any(name in self._written for name in names):
                self._listed.update(dict.fromkeys(names, speaker))

    def complete(self) -> None:
        """The walk has seen the whole domain: what is not here is absent."""
        self._complete = True

    @property
    def is_complete(self) -> bool:
        return self._complete

    def wrote(self, speaker_id: str, speaker: Speaker | None) -> None:
        """Take in the outcome of our write: the speaker as it is now, or None if it is deleted."""
        before = self.lookup(speaker_id)
        if isinstance(before, Speaker):
            self._written.update(dict.fromkeys(before.names()))
        self._written[speaker_id] = speaker
        if speaker is not None:
            self._written.update(dict.fromkeys(speaker.names(), speaker))
