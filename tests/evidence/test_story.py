"""The join of what Git, the runs and the service say of a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from tests.evidence.repositories import DOMAIN
from tests.tables import each_row
from voiceid_optout.evidence.git_history import Event, History, Kind
from voiceid_optout.evidence.register_file import Said
from voiceid_optout.evidence.repository import Commit
from voiceid_optout.evidence.runs import Managed, Run
from voiceid_optout.evidence.story import Service, Story, join, of_service, words
from voiceid_optout.evidence.versions import Held
from voiceid_optout.register import Ensure, Entry
from voiceid_optout.speakers import SpeakerStatus
from voiceid_optout.voiceid import Speaker

LABEL = "sp-0000000000000001"
MADE = Commit("a" * 40, ("0" * 40,), datetime(2026, 1, 2, tzinfo=UTC), "Ann \x1b[31mcaller-1\u202e", "add")
MERGE = Commit("b" * 40, ("0" * 40, "a" * 40), datetime(2026, 1, 3, tzinfo=UTC), "Carl", "Add caller-1 (#7)")
LISTED = Event(Kind.LISTED, MERGE, MADE, None, "config/people.yaml:3")
HELD = Held("config/people.yaml", Said(Ensure.OPTED_OUT, (date(2026, 1, 1), None, None, None)))
ENTRY = Entry(DOMAIN, "caller-1", Ensure.OPTED_OUT, "config/people.yaml", 3, 5, date(2026, 1, 1), None, None)
BEFORE = Managed(LABEL, "opted_out", "ENROLLED", "2026-01-04T00:00:00Z")
AFTER = Managed(LABEL, "opted_out", "OPTED_OUT", "2026-01-04T00:00:00Z")
RUN = Run(datetime(2026, 1, 4, tzinfo=UTC), "update", True, "d" * 32, "b" * 40, None, AFTER)
OUT = Service("2026-02-01T00:00:00Z", "OPTED_OUT", "2026-01-04T00:00:01Z", "2026-01-05T00:00:00Z")


def story(entry: Entry | None = ENTRY, history: History | None = None, *runs: Run, reveal: bool = False) -> Story:
    history = history or History((LISTED,), HELD)
    hidden = lambda text: text.replace("caller-1", "…")  # noqa: E731
    return join(LABEL, DOMAIN, "caller-1" if reveal else None, entry, history, runs, OUT, hidden)


def test_moments_are_in_order_of_time_and_name_nobody() -> None:
    found = story(ENTRY, None, replace(RUN, at=datetime(2026, 1, 1, tzinfo=UTC)), RUN)
    assert [(one.at, one.source) for one in found.moments] == [
        ("2026-01-01T00:00:00Z", "run"),
        ("2026-01-03T00:00:00Z", "register"),
        ("2026-01-04T00:00:00Z", "run"),
    ]
    assert words(found.moments[1]) == (
        "listed at config/people.yaml:3 by Ann [31m…, commit aaaaaaa of 2026-01-02T00:00:00Z, merge bbbbbbb #7"
    )
    assert words(found.moments[2]) == f"opted out in the service by an update, plan {'d' * 32}, commit bbbbbbb"
    assert "caller-1" not in repr(found)


def test_since_is_the_merge_that_brought_them() -> None:
    found = story()
    assert found.since == found.moments[0]
    assert found.listed is not None
    assert (found.listed.committed, found.listed.requested_on, found.listed.reason) == (True, "2026-01-01", None)


@each_row(
    ("entry", "history"),
    [
        (None, None),  # taken out, and not committed yet
        (ENTRY._replace(ensure=Ensure.RELEASED), None),  # released, and not committed yet
        (ENTRY, History((), None)),  # added, and not committed yet
        (ENTRY, History((replace(LISTED, kind=Kind.FOUND),), HELD)),
    ],
)
def test_since_is_not_told_where_git_does_not_know(entry: Entry | None, history: History | None) -> None:
    assert story(entry, history).since is None


def test_an_edit_that_is_not_committed_yet_is_seen() -> None:
    found = story(ENTRY._replace(ticket="PRIV-7")).listed
    assert found is not None
    assert not found.committed


def test_the_reason_is_told_with_the_identifier_alone() -> None:
    entry = ENTRY._replace(reason="caller-1 asked")
    shown, hidden = story(entry, reveal=True), story(entry)
    assert shown.listed is not None
    assert hidden.listed is not None
    assert (shown.speaker_id, shown.listed.reason) == ("caller-1", "caller-1 asked")
    assert (hidden.speaker_id, hidden.listed.reason) == (None, None)


def test_opted_out_since_is_our_write_or_else_the_record_s_last_change() -> None:
    assert story(ENTRY, None, RUN).opted_out_at == "2026-01-04T00:00:00Z"
    assert story().opted_out_at == "2026-01-05T00:00:00Z"
    assert replace(RUN, after=None).after is None
    gone = join(LABEL, DOMAIN, None, ENTRY, None, (RUN,), replace(OUT, status=None), str)
    assert gone.opted_out_at is None


@each_row(
    ("before", "after", "what"),
    [
        (None, AFTER, "opted out in the service"),
        (BEFORE, AFTER, "opted out in the service"),
        (AFTER, BEFORE, "found otherwise than asked"),
        (AFTER, replace(AFTER, opted_out_at="2026-02-02T00:00:00Z"), "repaired"),
        (AFTER, replace(AFTER, label="sp-0000000000000002"), "label changed"),
        (AFTER, None, "no longer managed"),
        (AFTER, replace(AFTER, ensure="released", status=None), "released in the service"),
    ],
)
def test_a_run_did_one_thing(before: Managed | None, after: Managed | None, what: str) -> None:
    assert [
        one.what for one in story(None, History((), None), replace(RUN, before=before, after=after)).moments
    ] == [what]


def test_what_the_service_says_is_told_in_utc() -> None:
    at = datetime(2026, 1, 4, 0, 0, 1, 500, tzinfo=UTC)
    speaker = Speaker(DOMAIN, "caller-1", "id#x", SpeakerStatus.OPTED_OUT, at.timestamp(), at.timestamp())
    assert of_service(speaker, at) == Service(*["2026-01-04T00:00:01Z", "OPTED_OUT", *["2026-01-04T00:00:01Z"] * 2])
    assert of_service(None, at) == Service("2026-01-04T00:00:01Z", None, None, None)
