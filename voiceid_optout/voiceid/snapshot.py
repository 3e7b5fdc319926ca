"""A snapshot of one domain: many reads for the price of a few pages."""

import threading

from voiceid_optout.voiceid.client import Client, NotNeeded
from voiceid_optout.voiceid.errors import VoiceIdError
from voiceid_optout.voiceid.index import UNKNOWN, Index, Unknown
from voiceid_optout.voiceid.speaker import Speaker

FEW_READS = 5  # up to here a walk would cost more than it saves
# From here on they only wait for it: described one by one they would take 100 s, half a whole walk.
MANY_READS = 1000
RETRY_AFTER_READS = 50  # reads after which a walk that failed is tried again
PATIENCE = 10.0  # seconds without a page after which even one of many reads describes


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
        self._news = threading.Condition(self._lock)  # a page of the walk, or its end
        self._reads = 0
        self._walk_from = FEW_READS  # reads after which a walk begins
        self._walk: threading.Thread | None = None
        self._closed = False

    def read(self, speaker_id: str) -> Speaker | None:
        """Return the speaker or None; raises VoiceIdError."""
        known = self._ask(speaker_id)
        while known is UNKNOWN:
            if self._wait_for_news():
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

    def expect(self, reads: int) -> None:
        """Tell that so many reads are to come: if they are many, the walk starts now."""
        with self._lock:
            self._count(reads)

    def opt_out(self, speaker_id: str) -> Speaker:
        """Opt the speaker out; later reads know."""
        speaker = self._client.opt_out(self._domain_id, speaker_id)
        with self._lock:
            self._index.wrote(speaker_id, speaker)
        return speaker

    def delete(self, speaker_id: str) -> bool:
        """Delete the speaker; later reads know. False if there was none."""
        existed = self._client.delete(self._domain_id, speaker_id)
        with self._lock:
            self._index.wrote(speaker_id, None)
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

    def _ask(self, speaker_id: str) -> Speaker | Unknown | None:
        """Look up and count: the walk starts with the first read too many."""
        with self._lock:
            known = self._index.lookup(speaker_id)
            if known is UNKNOWN:
                self._count(1)
            return known

    def _count(self, reads: int) -> None:
        self._reads += reads
        if self._walk is None and self._reads > self._walk_from:
            self._walk = threading.Thread(target=self._go_through, name="voiceid-walk", daemon=True)
            self._walk.start()

    def _wait_for_news(self) -> bool:
        """Wait for the walk to go on, if it is under way and all that the reads should do; else return False."""
        with self._lock:
            if self._walk is None or self._closed or self._reads <= MANY_READS:
                return False
            return self._index.is_complete or self._news.wait(PATIENCE)

    def _go_through(self) -> None:
        """Walk the domain. A walk that fails costs nothing but time: the reads go on one by one."""
        try:
            for page in self._client.list_pages(self._domain_id):
                with self._lock:
                    self._index.add_page(page)
                    self._news.notify_all()
                    if self._closed:
                        return
            with self._lock:
                self._index.complete()
                self._news.notify_all()
        except VoiceIdError:
            with self._lock:
                self._walk_from = self._reads + RETRY_AFTER_READS
                self._walk = None
                self._news.notify_all()
