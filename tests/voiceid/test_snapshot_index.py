"""The index of a snapshot: pages that arrive late, writes of ours, and both names of a speaker."""

import uuid
from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from voiceid_optout.speakers import SpeakerStatus
from voiceid_optout.voiceid import UNKNOWN, Speaker
from voiceid_optout.voiceid.snapshot import FEW_READS, MANY_READS, PAGE_TIMEOUT, RETRY_AFTER_READS, Index

NOW = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
PEOPLE = [f"caller-{number}" for number in range(6)]


def test_the_numbers_are_those_of_the_documents() -> None:
    """From the sixth read on a walk; a thousand wait; a walk that failed is tried again after fifty."""
    assert (FEW_READS, MANY_READS, RETRY_AFTER_READS, PAGE_TIMEOUT) == (5, 1000, 50, 10.0)


def listed_speaker(person: str, status: SpeakerStatus = SpeakerStatus.OPTED_OUT) -> Speaker:
    generated = f"id#{uuid.uuid4().hex[:22]}"
    return Speaker("UcUuCPFOsAjzg9xoByUatN", person, generated, status, NOW, NOW)


class Walk(RuleBasedStateMachine):
    """A domain that only we change, a walk through it in the order of creation, and pages that arrive late."""

    def __init__(self) -> None:
        super().__init__()
        self.index = Index()
        self.domain = [listed_speaker(person, SpeakerStatus.ENROLLED) for person in PEOPLE[:4]]
        self.created: list[Speaker | None] = list(self.domain)
        self.position = 0
        self.in_flight: list[list[Speaker]] = []
        self.ended = False

    @rule(person=st.sampled_from(PEOPLE), by_generated=st.booleans())
    def opt_out(self, person: str, by_generated: bool) -> None:
        found = self.find(person)
        if found is None:
            written = listed_speaker(person)
            self.domain.append(written)
            self.created.append(written)
        else:
            written = Speaker(
                found.domain_id, person, found.generated_speaker_id, SpeakerStatus.OPTED_OUT, NOW, NOW
            )
            self.swap(found, written)
        self.index.record_write(written.generated_speaker_id if by_generated and found else person, written)

    @rule(person=st.sampled_from(PEOPLE), by_generated=st.booleans())
    def delete(self, person: str, by_generated: bool) -> None:
        found = self.find(person)
        if found is not None:
            self.swap(found, None)
        self.index.record_write(found.generated_speaker_id if by_generated and found else person, None)

    @precondition(lambda self: self.position < len(self.created))
    @rule(size=st.integers(1, 3))
    def read_page(self, size: int) -> None:
        page = [found for found in self.created[self.position : self.position + size] if found]
        self.position += size
        self.in_flight.append(page)

    @precondition(lambda self: self.in_flight)
    @rule()
    def page_arrives(self) -> None:
        self.index.add_page(self.in_flight.pop(0))
        if self.position >= len(self.created) and not self.in_flight:
            self.index.complete()
            self.ended = True

    @invariant()
    def answers_are_true(self) -> None:
        for person in PEOPLE:
            found, answer = self.find(person), self.index.lookup(person)
            assert answer is UNKNOWN or answer == found
            assert answer is not UNKNOWN or not self.ended
            if found:
                assert self.index.lookup(found.generated_speaker_id) in (UNKNOWN, found)
        assert self.index.is_complete == self.ended

    def find(self, person: str) -> Speaker | None:
        return next((found for found in self.domain if found.customer_speaker_id == person), None)

    def swap(self, old: Speaker, new: Speaker | None) -> None:
        self.created[self.created.index(old)] = new
        self.domain.remove(old)
        if new:
            self.domain.append(new)


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_page_read_before_our_write_does_not_undo_it() -> None:
    index = Index()
    stale = listed_speaker("caller-1", SpeakerStatus.ENROLLED)
    index.record_write("caller-1", None)
    index.add_page([stale])
    assert index.lookup("caller-1") is None


def test_a_speaker_deleted_by_generated_id_is_gone_by_both_names() -> None:
    index = Index()
    listed = listed_speaker("caller-1")
    index.add_page([listed])
    index.record_write(listed.generated_speaker_id, None)
    assert index.lookup("caller-1") is None


def test_absence_is_known_only_after_the_walk() -> None:
    index = Index()
    assert index.lookup("caller-1") is UNKNOWN
    index.complete()
    assert index.lookup("caller-1") is None
