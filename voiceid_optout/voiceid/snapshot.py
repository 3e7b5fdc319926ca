"""A snapshot of one domain: many reads for the price of a few pages."""

import threading
from collections.abc import Iterable

from voiceid_optout.voiceid import UNKNOWN, Speaker, Unknown, VoiceIdError
from voiceid_optout.voiceid.client import Client, NotNeeded

FEW_READS = 5  # up to here a walk would cost more than it saves
# From here on they only wait for it: described one by one they would take 100 s, half a whole walk.
MANY_READS = 1000
RETRY_AFTER_READS = 50  # reads after which a walk that failed is tried again
PAGE_TIMEOUT = 10.0  # seconds without a page after which even one of many reads describes


class Snapshot:
    """Reads and writes of one domain in one run; thread-safe.

    DescribeSpeaker allows 10 people a second, ListSpeakers 500. So the first reads are described one by one,
    and from the sixth on a walk through the domain runs beside them. Each read takes whichever answers first,
    and when the walk is complete no read calls the service any more. N reads in a domain of D speakers take
    about min(N / 10, D / 500) seconds. When they are many, describing would only keep the walk from its work.
    Changes that others make after that are seen by the next run.

    - A read returns what the service said during this run, and after a write of ours never what was before it.
    - None is an answer: the domain has no such speaker. What is not known raises VoiceIdError and is never None.
    - A write calls the service each time; only reads are saved.
    - A walk that fails costs time and no read: the reads describe one by one.
    """

    def __init__(self, client: Client, domain_id: str) -> None:
        self._client = client
        self._domain_id = domain_id
        self._index = Index()
        self._lock = threading.Lock()
        self._progress = threading.Condition(self._lock)  # a page of the walk, or its end
        self._reads = 0
        self._walk_from = FEW_READS  # reads after which a walk begins
        self._walk: threading.Thread | None = None
        self._pages = 0  # that walks have read
        self._closed = False

    def read(self, speaker_id: str) -> Speaker | None:
        """Return the speaker or None; raises VoiceIdError."""
        known = self._lookup_and_count(speaker_id)
        while known is UNKNOWN:
            if self._wait_for_progress():
                known = self._lookup(speaker_id)
                continue
            try:
                described = self._client.describe(
                    self._domain_id, speaker_id, unless=lambda: self._lookup(speaker_id) is not UNKNOWN
                )
            except NotNeeded:
                known = self._lookup(speaker_id)
                continue
            known = self._lookup(speaker_id)  # a write of ours may have overtaken the call
            return described if known is UNKNOWN else known
        return known

    def known(self, speaker_id: str) -> Speaker | Unknown | None:
        """Return what a read would, if it needs no call; else UNKNOWN."""
        return self._lookup(speaker_id)

    def known_all(self, speaker_ids: Iterable[str]) -> list[Speaker | Unknown | None]:
        """Return of each in turn what :meth:`known` does."""
        with self._lock:
            return [self._index.lookup(speaker_id) for speaker_id in speaker_ids]

    def expect(self, reads: int) -> None:
        """Tell that so many reads are to come: if they are many, the walk starts now."""
        with self._lock:
            self._count(reads)

    def opt_out(self, speaker_id: str) -> Speaker:
        """Opt the speaker out; later reads know."""
        speaker = self._client.opt_out(self._domain_id, speaker_id)
        with self._lock:
            self._index.record_write(speaker_id, speaker)
        return speaker

    def delete(self, speaker_id: str) -> bool:
        """Delete the speaker; later reads know. False if there was none."""
        existed = self._client.delete(self._domain_id, speaker_id)
        with self._lock:
            self._index.record_write(speaker_id, None)
        return existed

    def close(self) -> None:
        """Stop the walk after the page it is on, and wait for that."""
        self._closed = True
        walk = self._walk
        if walk is not None:
            walk.join()

    def _lookup(self, speaker_id: str) -> Speaker | Unknown | None:
        with self._lock:
            return self._index.lookup(speaker_id)

    def _lookup_and_count(self, speaker_id: str) -> Speaker | Unknown | None:
        """Look up and count: the walk starts with the first read too many."""
        with self._lock:
            known = self._index.lookup(speaker_id)
            if known is UNKNOWN:
                self._count(1)
            return known

    def _count(self, reads: int) -> None:
        self._reads += reads
        if self._walk is None and self._reads > self._walk_from:
            self._walk = threading.Thread(target=self._walk_domain, name="voiceid-walk", daemon=True)
            self._walk.start()

    def _wait_for_progress(self) -> bool:
        """Wait for the walk to go on, if it is under way and all that the reads should do; else return False."""
        with self._lock:
            if self._walk is None or self._closed or self._reads <= MANY_READS:
                return False
            pages = self._pages
            return self._index.is_complete or self._progress.wait(PAGE_TIMEOUT) or self._pages > pages

    def _walk_domain(self) -> None:
        """Walk the domain. A walk that fails costs nothing but time: the reads go on one by one."""
        try:
            for page in self._client.list_pages(self._domain_id):
                with self._lock:
                    self._index.add_page(page)
                    self._pages += 1
                    # One read in turn looks for its speaker: to wake all takes longer than the page.
                    self._progress.notify()
                    if self._closed:
                        self._progress.notify_all()
                        return
            with self._lock:
                self._index.complete()
                self._progress.notify_all()
        except VoiceIdError:
            with self._lock:
                self._walk_from = self._reads + RETRY_AFTER_READS
                self._walk = None
                self._progress.notify_all()


class Index:
    """Speakers of one domain by either of their names; not thread-safe on its own.

    A page may be older than a write of ours, whenever it arrives; so a speaker that we wrote is never taken
    from a page.
    """

    def __init__(self) -> None:
        self._speakers: dict[str, Speaker | None] = {}
        self._written: set[str] = set()
        self._complete = False

    def lookup(self, speaker_id: str) -> Speaker | Unknown | None:
        """Return the speaker, None if it is known to be absent, or UNKNOWN."""
        return self._speakers.get(speaker_id, None if self._complete else UNKNOWN)

    def add_page(self, page: Iterable[Speaker]) -> None:
        """Take in a page of the walk."""
        speakers, written = self._speakers, self._written
        for speaker in page:
            names = speaker.names()
            if written and not written.isdisjoint(names):
                continue
            for name in names:
                speakers[name] = speaker

    def complete(self) -> None:
        """The walk has seen the whole domain: what is not here is absent."""
        self._complete = True

    @property
    def is_complete(self) -> bool:
        return self._complete

    def record_write(self, speaker_id: str, speaker: Speaker | None) -> None:
        """Take in the outcome of our write: the speaker as it is now, or None if it is deleted."""
        before = self.lookup(speaker_id)
        changed: dict[str, Speaker | None] = dict.fromkeys(before.names() if isinstance(before, Speaker) else ())
        changed[speaker_id] = speaker
        if speaker is not None:
            changed.update(dict.fromkeys(speaker.names(), speaker))
        self._speakers.update(changed)
        self._written.update(changed)
