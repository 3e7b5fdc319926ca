"""The rows of a report: whom the register lists, since when Git has them there, and what the service says of them.

The register is in memory anyhow. Everything else that is kept of a person is a few numbers, so that a report of a
million people needs little more than the register itself; texts are made for one row at a time.
"""

from __future__ import annotations

import hashlib
import secrets
from array import array
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from voiceid_optout.evidence import EvidenceError, Row, commitment, opening, time_text
from voiceid_optout.speakers import LABEL_PREFIX, SpeakerStatus, label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from voiceid_optout.evidence.git_history import Listing
    from voiceid_optout.register import Entry
    from voiceid_optout.voiceid import Speaker

_STATUSES = (None, *SpeakerStatus)
_NUMBERS = {status: number for number, status in enumerate(_STATUSES)}
_HEX = 16
_LABEL_DIGITS = 16
_NONCE_BYTES = 16
_NEVER = -1


class _Unlisted(NamedTuple):
    """Somebody who is opted out in the service and in no register."""

    domain_id: str
    speaker_id: str
    updated: float
    seen: float

    def __repr__(self) -> str:
        return f"_Unlisted({self.domain_id})"


class Rows:
    """Everybody of a report. First the walks and Git's listings are taken in; then it may be iterated repeatedly.

    Rows come in the order of domain and label, the same ones each time: a nonce is a keyed hash whose key is random
    and leaves this object with nobody.
    """

    def __init__(self, entries: Sequence[Entry], key: str | None, shown: Callable[[str], str] = str) -> None:
        """``key`` is that of the labels, None where each domain's id takes its place.

        ``shown`` makes a ticket or a file's name fit to be seen: people write identifiers into both.
        """
        self._entries = entries
        self._key = key
        self._shown = shown
        self._file = lru_cache(maxsize=None)(shown)  # few files have many people
        self._secret = secrets.token_bytes(_NONCE_BYTES)
        self._places: dict[str, dict[str, int]] = {}
        for number, entry in enumerate(entries):
            self._places.setdefault(entry.domain_id, {})[entry.speaker_id] = number
        self._status = bytearray(len(entries))
        self._updated = array("d", bytes(8 * len(entries)))
        self._seen = array("d", bytes(8 * len(entries)))
        self._since = array("l", [_NEVER]) * len(entries)
        self._merges: list[tuple[str, str]] = []
        self._unlisted: dict[str, _Unlisted] = {}  # by the service's own id

    def take(self, domain_id: str, speakers: Iterable[Speaker], at: float) -> None:
        """Take in a page of a walk, read at this time (epoch seconds)."""
        places = self._places.get(domain_id, {})
        for speaker in speakers:
            found = [places[name] for name in speaker.names() if name in places]
            for number in found:
                self._status[number] = _NUMBERS[speaker.status]
                self._updated[number] = speaker.updated
                self._seen[number] = at
            generated = speaker.generated_speaker_id
            if not found and speaker.status is SpeakerStatus.OPTED_OUT:
                self._unlisted[generated] = _Unlisted(domain_id, speaker.names()[0], speaker.updated, at)
            else:
                self._unlisted.pop(generated, None)  # a speaker may change while pages are read

    def end(self, domain_id: str, at: float) -> None:
        """Take in that a walk has seen the whole domain: who was not there is absent."""
        for number in self._places.get(domain_id, {}).values():
            if not self._seen[number]:
                self._seen[number] = at

    def listed(self, listings: Mapping[tuple[str, str], Listing]) -> None:
        """Take in since when Git has each person as the register has them now."""
        merges: dict[str, int] = {}
        for number, entry in enumerate(self._entries):
            listing = listings.get((entry.domain_id, entry.speaker_id))
            if (
                listing is None or listing.ensure is not entry.ensure
            ):  # what is not committed yet Git knows otherwise
                continue
            if listing.commit not in merges:
                merges[listing.commit] = len(self._merges)
                self._merges.append((_time(listing.at.timestamp()), listing.commit))
            self._since[number] = merges[listing.commit]

    def __len__(self) -> int:
        return len(self._entries) + len(self._unlisted)

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows; raises EvidenceError for a time of the service that no calendar has."""
        unlisted = list(self._unlisted.values())
        everybody: dict[str, array[int]] = {}
        labels = array("Q")  # as numbers: they sort as the texts do, at an eighth of the size
        for number, who in enumerate(self._everybody()):
            everybody.setdefault(who.domain_id, array("l")).append(number)
            labels.append(int(self._label(who).removeprefix(LABEL_PREFIX), _HEX))
        for domain_id in sorted(everybody):
            for number in sorted(everybody[domain_id], key=labels.__getitem__):
                name = f"{LABEL_PREFIX}{labels[number]:0{_LABEL_DIGITS}x}"
                if number < len(self._entries):
                    yield self._row(name, number)
                else:
                    yield self._row_of_unlisted(name, unlisted[number - len(self._entries)])

    def identifiers(self) -> Iterator[str]:
        """Yield the ids of all whom the rows stand for, so that no text of a row shows one."""
        yield from (who.speaker_id for who in self._everybody())

    def _everybody(self) -> Iterator[Entry | _Unlisted]:
        yield from self._entries
        yield from self._unlisted.values()

    def names(self) -> dict[str, str]:
        """Return the ids of those whom the register lists, by label."""
        return {self._label(entry): entry.speaker_id for entry in self._entries}

    def _label(self, who: Entry | _Unlisted) -> str:
        return label(self._key or who.domain_id, who.domain_id, who.speaker_id)

    def _row(self, name: str, number: int) -> Row:
        entry = self._entries[number]
        status = _STATUSES[self._status[number]]
        since = self._since[number]
        listed_at, listed_in = (None, None) if since == _NEVER else self._merges[since]
        return Row(
            name,
            entry.domain_id,
            self._person(entry),
            self._nonce(name, entry.domain_id),
            entry.ensure.value,
            f"{self._file(entry.file)}:{entry.line}",
            None if entry.requested_on is None else entry.requested_on.isoformat(),
            None if entry.ticket is None else self._shown(entry.ticket),
            None if entry.review_on is None else entry.review_on.isoformat(),
            listed_at,
            listed_in,
            _time(self._updated[number]) if status is SpeakerStatus.OPTED_OUT else None,
            None if status is None else status.value,
            _time(self._seen[number]),
        )

    def _row_of_unlisted(self, name: str, who: _Unlisted) -> Row:
        return Row(
            name,
            who.domain_id,
            self._person(who),
            self._nonce(name, who.domain_id),
            ensure=None,
            place=None,
            requested_on=None,
            ticket=None,
            review_on=None,
            listed_at=None,
            listed_in=None,
            applied_at=_time(who.updated),
            status=SpeakerStatus.OPTED_OUT.value,
            verified_at=_time(who.seen),
        )

    def _person(self, who: Entry | _Unlisted) -> str:
        opened = opening(self._key or who.domain_id, who.domain_id, who.speaker_id)
        return commitment(opened, who.domain_id, who.speaker_id)

    def _nonce(self, name: str, domain_id: str) -> str:
        text = f"{domain_id}/{name}".encode()
        return hashlib.blake2b(text, key=self._secret, digest_size=_NONCE_BYTES).hexdigest()


def _time(seconds: float) -> str:
    try:
        return time_text(int(seconds))
    except (ValueError, OverflowError, OSError):
        raise EvidenceError("the service gives a time that no calendar has") from None
