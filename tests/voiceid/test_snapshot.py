import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from tests.voiceid.fixtures import REGION, SWIFT, Connect, Serve
from tests.voiceid.live import Live
from tests.voiceid.scripted import DOMAIN, Answer, Scripted, failure, speaker, summary
from voiceid_optout.speakers import SpeakerStatus
from voiceid_optout.voiceid import UNKNOWN, Speaker, UnknownDomain
from voiceid_optout.voiceid.client import Client
from voiceid_optout.voiceid.settings import ClientSettings, Quotas
from voiceid_optout.voiceid.snapshot import FEW_READS, MANY_READS, RETRY_AFTER_READS, Snapshot

NOT_FOUND = failure("ResourceNotFoundException", ResourceType="SPEAKER")
TIMEOUT = 600


@pytest.fixture
def snapshot(client: Client, domain: str) -> Iterator[Snapshot]:
    snapshot = Snapshot(client, domain)
    yield snapshot
    snapshot.close()


def finish(snapshot: Snapshot) -> None:
    """Wait for the walk to end by itself."""
    walk = snapshot._walk
    assert walk is not None
    walk.join(TIMEOUT)
    assert not walk.is_alive()


def join_walks() -> None:
    for thread in threading.enumerate():
        if thread.name == "voiceid-walk":
            thread.join(TIMEOUT)


def page(*people: str, more: str | None = None) -> Answer:
    body: dict[str, Any] = {"SpeakerSummaries": [summary(person, f"id#{person:0>22}") for person in people]}
    return Answer(body if more is None else {**body, "NextToken": more})


class Domain:
    """A scripted domain whose listing waits until it is told to go on."""

    def __init__(self, *pages: Answer) -> None:
        self.pages = list(pages)
        self.listing = threading.Event()

    def __call__(self, operation: str, body: dict[str, Any]) -> Answer:
        if operation == "ListSpeakers":
            assert self.listing.wait(TIMEOUT)
            return self.pages[int(body.get("NextToken", "0"))]
        if operation == "DeleteSpeaker":
            return Answer(b"")
        status = "OPTED_OUT" if operation == "OptOutSpeaker" else "ENROLLED"
        return speaker(body["SpeakerId"], generated=f"id#{body['SpeakerId']:0>22}", status=status)


def reads(server: Scripted) -> int:
    return server.operations().count("DescribeSpeaker")


def test_a_few_reads_start_no_walk(snapshot: Snapshot, client: Client, domain: str) -> None:
    client.opt_out(domain, "caller-0")
    found = [snapshot.read(f"caller-{number}") for number in range(FEW_READS)]
    assert [speaker is not None for speaker in found] == [True] + [False] * (FEW_READS - 1)
    assert snapshot._walk is None


def test_many_reads_are_right(snapshot: Snapshot, client: Client, live: Live, domain: str) -> None:
    for number in range(0, 240, 2):
        client.opt_out(domain, f"caller-{number}")
    live.seed(domain, "caller-1", "ENROLLED")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(snapshot.read, (f"caller-{number}" for number in range(240))))
    expected = [None if n % 2 else SpeakerStatus.OPTED_OUT for n in range(240)]
    expected[1] = SpeakerStatus.ENROLLED
    assert [speaker and speaker.status for speaker in found] == expected


def test_a_complete_walk_answers_everything(serve: Serve, connect: Connect) -> None:
    script = Domain(page("a", "b", more="1"), page("c"))
    script.listing.set()
    server = serve(script)
    snapshot = Snapshot(connect(server.url), DOMAIN)
    for number in range(FEW_READS + 1):
        snapshot.read(f"x{number}")
    finish(snapshot)
    before = len(server.calls)
    assert snapshot.read("c") == snapshot.read("id#" + "c".rjust(22, "0"))
    assert snapshot.read("nobody") is None
    assert len(server.calls) == before


def test_a_page_answers_a_read_that_waits_for_its_turn(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceid_optout.voiceid.snapshot.FEW_READS", 0)
    server = serve(script := Domain(page("a", more="1"), page("b")))
    slow = Client(ClientSettings(server.url, REGION, Quotas(describe=0.01, list=1000)))
    with closing(slow), ThreadPoolExecutor(1) as pool:
        snapshot = Snapshot(slow, DOMAIN)
        snapshot.read("x")  # takes the only token for a long time
        waiting = pool.submit(snapshot.read, "a")
        script.listing.set()
        found = waiting.result(TIMEOUT)
    assert found is not None
    assert found.status is SpeakerStatus.OPTED_OUT  # as listed, not as described
    assert reads(server) == 1


def test_a_page_answers_before_the_walk_is_at_its_end(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceid_optout.voiceid.snapshot.FEW_READS", 0)
    script = Domain(page("a", more="1"), page("b"))
    rest = threading.Event()

    def in_two_steps(operation: str, body: dict[str, Any]) -> Answer:
        assert body.get("NextToken") is None or rest.wait(TIMEOUT)
        return script(operation, body)

    server = serve(in_two_steps)
    slow = Client(ClientSettings(server.url, REGION, Quotas(describe=0.01, list=1000)))
    with closing(slow), ThreadPoolExecutor(1) as pool:
        snapshot = Snapshot(slow, DOMAIN)
        snapshot.read("x")  # takes the only token for a long time
        waiting = pool.submit(snapshot.read, "a")
        script.listing.set()
        assert waiting.result(TIMEOUT) is not None
        assert not snapshot._index.is_complete
        assert reads(server) == 1
        rest.set()
        snapshot.close()


def test_a_speaker_that_was_made_anew_is_gone_by_its_former_name(serve: Serve, connect: Connect) -> None:
    script = Domain(page("a"))
    script.listing.set()
    snapshot = Snapshot(connect(serve(script).url), DOMAIN)
    former = "id#" + "f" * 22
    snapshot._index.add_page([Speaker(DOMAIN, "a", former, SpeakerStatus.ENROLLED, 0, 0)])
    assert snapshot.opt_out("a").generated_speaker_id != former
    assert snapshot.known(former) is None


def test_our_write_wins_over_an_older_page(serve: Serve, connect: Connect) -> None:
    people = [summary("a", "id#" + "a" * 22, "ENROLLED"), summary("b", "id#" + "b" * 22)]
    script = Domain(Answer({"SpeakerSummaries": people}))
    snapshot = Snapshot(connect(serve(script).url), DOMAIN)
    for number in range(FEW_READS + 1):
        snapshot.read(f"x{number}")
    snapshot.opt_out("a")
    assert snapshot.delete("b")
    script.listing.set()
    finish(snapshot)
    found = snapshot.read("a")
    assert found is not None
    assert found.status is SpeakerStatus.OPTED_OUT
    assert snapshot.read("b") is None


def test_our_write_wins_over_a_read_in_flight(serve: Serve, connect: Connect) -> None:
    described, go_on = threading.Event(), threading.Event()

    def script(operation: str, body: dict[str, Any]) -> Answer:
        if operation == "DescribeSpeaker":
            described.set()
            assert go_on.wait(TIMEOUT)
            return NOT_FOUND
        return speaker(body["SpeakerId"])

    snapshot = Snapshot(connect(serve(script).url), DOMAIN)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(snapshot.read, "a")
        assert described.wait(TIMEOUT)
        written = snapshot.opt_out("a")
        go_on.set()
        assert reading.result(TIMEOUT) == written


def test_a_failed_walk_leaves_the_reads_to_describe(serve: Serve, connect: Connect) -> None:
    denied = failure("AccessDeniedException")
    server = serve(lambda operation, body: denied if operation == "ListSpeakers" else speaker(body["SpeakerId"]))
    snapshot = Snapshot(connect(server.url, SWIFT), DOMAIN)
    for number in range(FEW_READS + 1):
        snapshot.read(f"x{number}")
    join_walks()
    for number in range(RETRY_AFTER_READS):
        assert snapshot.read(f"y{number}") is not None
    assert server.operations().count("ListSpeakers") == 1
    snapshot.read("z")
    snapshot.close()
    assert server.operations().count("ListSpeakers") == 2


def test_close_ends_a_walk_after_its_page(serve: Serve, connect: Connect) -> None:
    server = serve(script := Domain(page("a", more="1"), page("b")))
    snapshot = Snapshot(connect(server.url), DOMAIN)
    for number in range(FEW_READS + 1):
        snapshot.read(f"x{number}")
    snapshot._closed = True
    script.listing.set()
    snapshot.close()
    assert server.operations().count("ListSpeakers") == 1
    assert snapshot.read("b") is not None


def test_close_waits_for_the_page_that_is_under_way(serve: Serve, connect: Connect) -> None:
    server = serve(script := Domain(page("a", more="1"), page("b")))
    snapshot = Snapshot(connect(server.url), DOMAIN)
    snapshot.expect(MANY_READS)
    walk = snapshot._walk
    assert walk is not None
    assert (walk.name, walk.daemon) == ("voiceid-walk", True), "a run that is killed waits for no walk"
    with ThreadPoolExecutor(1) as pool:
        closing_it = pool.submit(snapshot.close)
        while not snapshot._closed:
            walk.join(0.01)
        assert not closing_it.done()
        script.listing.set()
        closing_it.result(TIMEOUT)
    assert not walk.is_alive()
    assert server.operations() == ["ListSpeakers"]
    assert snapshot.read("a") is not None
    assert server.operations() == ["ListSpeakers"], "the page that was under way counts"
    assert snapshot.read("b") is not None
    assert server.operations() == ["ListSpeakers", "DescribeSpeaker"]


def test_a_thousand_reads_describe_and_one_more_waits(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    script = Domain(page("a"))
    server = serve(script)
    snapshot = Snapshot(connect(server.url), DOMAIN)

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return False

    monkeypatch.setattr(snapshot._progress, "wait", wait)
    snapshot.expect(MANY_READS - 1)
    assert snapshot.read("x") is not None
    assert waits == []
    assert snapshot.read("y") is not None
    assert waits == [10.0]
    assert reads(server) == 2
    script.listing.set()
    snapshot.close()


def test_what_was_there_is_told_and_gone_afterwards(serve: Serve, connect: Connect) -> None:
    server = serve(lambda operation, body: Answer(b"") if body["SpeakerId"] == "a" else NOT_FOUND)
    snapshot = Snapshot(connect(server.url), DOMAIN)
    assert (snapshot.delete("a"), snapshot.delete("b")) == (True, False)
    assert (snapshot.known("a"), snapshot.known("b")) == (None, None)
    assert [body["DomainId"] for _, body in server.calls] == [DOMAIN, DOMAIN]


def test_an_unknown_domain_is_an_error_and_nobody_is_gone(client: Client) -> None:
    snapshot = Snapshot(client, DOMAIN)
    for number in range(FEW_READS + 5):
        with pytest.raises(UnknownDomain):
            snapshot.read(f"caller-{number}")
    snapshot.close()


def test_what_is_known_needs_no_call(serve: Serve, connect: Connect) -> None:
    server = serve(Domain())
    snapshot = Snapshot(connect(server.url), DOMAIN)
    assert snapshot.known("a") is UNKNOWN
    assert server.calls == []
    assert snapshot.known_all(["a", "b"]) == [UNKNOWN, UNKNOWN]
    written = snapshot.opt_out("a")
    assert snapshot.known("a") == written
    snapshot._index.complete()
    assert snapshot.known_all(iter(["b", "a"])) == [None, written]


def test_many_reads_to_come_start_the_walk_at_once(serve: Serve, connect: Connect) -> None:
    script = Domain(page("a"))
    script.listing.set()
    server = serve(script)
    snapshot = Snapshot(connect(server.url), DOMAIN)
    snapshot.expect(FEW_READS)
    assert snapshot._walk is None
    snapshot.expect(1)
    finish(snapshot)
    assert snapshot.known("nobody") is None
    assert server.operations() == ["ListSpeakers"]


def test_very_many_reads_wait_for_the_walk(serve: Serve, connect: Connect) -> None:
    server = serve(script := Domain(page("a", more="1"), page("b")))
    snapshot = Snapshot(connect(server.url), DOMAIN)
    snapshot.expect(MANY_READS)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(snapshot.read, person) for person in ("a", "b", "nobody")]
        script.listing.set()
        found = [each.result(TIMEOUT) for each in waiting]
    assert [speaker and speaker.customer_speaker_id for speaker in found] == ["a", "b", None]
    assert reads(server) == 0


def test_a_page_wakes_one_read_and_the_end_all(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, waiting = 30, 8
    script = Domain(*(page(f"a{number}", more=str(number + 1)) for number in range(pages - 1)), page("b"))
    server = serve(script)
    snapshot = Snapshot(connect(server.url), DOMAIN)
    looked, lookup = list[str](), snapshot._lookup

    def counted(speaker_id: str) -> Any:
        looked.append(speaker_id)
        return lookup(speaker_id)

    monkeypatch.setattr(snapshot, "_lookup", counted)
    snapshot.expect(MANY_READS)
    with ThreadPoolExecutor(waiting) as pool:
        found = [pool.submit(snapshot.read, f"nobody-{number}") for number in range(waiting)]
        script.listing.set()
        assert [each.result(TIMEOUT) for each in found] == [None] * waiting
    assert len(looked) <= pages + 2 * waiting  # each at first and at the end, and one a page
    assert snapshot._pages == pages
    assert reads(server) == 0


def test_a_read_that_no_page_has_woken_goes_on_to_wait_while_there_are_pages(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Domain(page("a"))
    server = serve(script)
    snapshot = Snapshot(connect(server.url), DOMAIN)
    came, calls = [2, 1, 0], list[int]()

    def wait(_seconds: float) -> bool:
        calls.append(reads(server))
        snapshot._pages += came.pop(0)
        return False

    monkeypatch.setattr(snapshot._progress, "wait", wait)
    snapshot.expect(MANY_READS)
    assert snapshot.read("x") is not None
    assert (calls, reads(server)) == ([0, 0, 0], 1)
    script.listing.set()
    snapshot.close()


def test_close_sends_the_reads_that_wait_to_describe(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceid_optout.voiceid.snapshot.PAGE_TIMEOUT", 2.0 * TIMEOUT)
    server = serve(script := Domain(page("a", more="1"), page("b")))
    snapshot = Snapshot(connect(server.url), DOMAIN)
    snapshot.expect(MANY_READS)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(snapshot.read, person) for person in ("x", "y", "z")]
        while len(snapshot._progress._waiters) < len(waiting):  # type: ignore[attr-defined]
            threading.Event().wait(0.01)
        snapshot._closed = True
        script.listing.set()
        assert all(each.result(TIMEOUT) for each in waiting)
    assert reads(server) == 3


def test_very_many_reads_describe_when_the_walk_fails(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = failure("AccessDeniedException")
    server = serve(lambda operation, body: denied if operation == "ListSpeakers" else speaker(body["SpeakerId"]))
    snapshot = Snapshot(connect(server.url), DOMAIN)
    snapshot.expect(MANY_READS)
    assert snapshot.read("a") is not None
    assert reads(server) == 1
    join_walks()
    with monkeypatch.context() as patched:
        patched.setattr(snapshot, "_walk_from", MANY_READS * 2)
        patched.setattr(snapshot._progress, "wait", lambda _: pytest.fail("there is no walk to wait for"))
        assert snapshot.read("b") is not None
    assert reads(server) == 2


def test_very_many_reads_describe_when_the_walk_stands_still(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceid_optout.voiceid.snapshot.PAGE_TIMEOUT", 0.01)
    script = Domain(page("b"))
    snapshot = Snapshot(connect(serve(script).url), DOMAIN)
    snapshot.expect(MANY_READS)
    assert snapshot.read("a") is not None
    script.listing.set()
    snapshot.close()
