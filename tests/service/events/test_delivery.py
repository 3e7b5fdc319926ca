"""Delivery: order, retries, restarts, one process at a time; and that a dead sink holds up nobody."""

import asyncio
import hashlib
import hmac
import json
import logging
import os
import signal
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.auth.keyring import until
from tests.service.events.sinks import MemorySink, webhook
from tests.service.events.test_outbox import happen
from tests.service.running import child, thread
from tests.tables import each_row
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import write
from voiceid_optout.service.events import delivery
from voiceid_optout.service.events.delivery import Delivery, JsonLinesSink, SinkError, WebhookSink, backoff
from voiceid_optout.service.events.outbox import DELIVERY
from voiceid_optout.service.settings import EventSinks, Kind, SecretSource, Tenant, WebhookSettings

SECRET = SecretSource(Kind.STORED, "shared-secret")


def use(tmp_path: Path, scenario: Callable[[Store], Awaitable[Any]]) -> None:
    async def main() -> None:
        tenant = Tenant("us-east-1", sinks=("memory",))
        store = Store(tmp_path, tenant, {**DELIVERY, "Happen": write(happen, apart=True)})
        try:
            await asyncio.wait_for(scenario(store), 20)
        finally:
            store.close()

    asyncio.run(main())


async def delivering(*deliveries: Delivery, until: Callable[[], bool]) -> None:
    tasks = [asyncio.create_task(each.run()) for each in deliveries]
    while not until():  # noqa: ASYNC110  what it waits for happens in a thread
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # what it was doing is noted down
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def numbers(sink: MemorySink) -> list[int]:
    return [int(json.loads(body)["detail"]["generatedSpeakerId"][3:]) for body in sink.taken]


def test_all_events_arrive_once_and_in_order(tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        sink = MemorySink()
        await store.run("Happen", {"Count": 20})
        await delivering(Delivery(store, sink, "one", poll=0.01), until=lambda: len(sink.taken) == 20)
        assert numbers(sink) == list(range(20))
        assert await store.run("EventLag", {}) == {}

    use(tmp_path, scenario)


def test_a_failing_sink_is_tried_again_and_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "MAX_WAIT_SECONDS", 0.02)

    async def scenario(store: Store) -> None:
        sink = MemorySink(failures=4)
        await store.run("Happen", {"Count": 5})
        await delivering(Delivery(store, sink, "one", poll=0.01), until=lambda: len(sink.taken) == 5)
        assert numbers(sink) == list(range(5))

    with caplog.at_level(logging.INFO):
        use(tmp_path, scenario)
    assert caplog.text.count("out of order") == 1
    assert caplog.text.count("delivered again") == 1


def test_an_unexpected_error_is_tried_again_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "MAX_WAIT_SECONDS", 0.02)

    class Surprising(MemorySink):
        def deliver(self, bodies: list[str]) -> None:
            self.attempts += 1
            if self.attempts < 3:
                raise ValueError(bodies[0])
            super().deliver(bodies)

    async def scenario(store: Store) -> None:
        sink = Surprising()
        await store.run("Happen", {"Count": 2})
        await delivering(Delivery(store, sink, "one", poll=0.01), until=lambda: len(sink.taken) == 2)

    use(tmp_path, scenario)
    assert "unexpected: ValueError" in caplog.text
    assert "generatedSpeakerId" not in caplog.text


def test_waits_grow_to_five_minutes() -> None:
    waits = [[backoff(failures) for _ in range(200)] for failures in range(1, 15)]
    assert all(0.5 * 2**n <= wait <= 2**n for n, some in enumerate(waits[:8]) for wait in some)
    assert all(150 <= wait <= 300 for some in waits[9:] for wait in some)
    assert statistics.pstdev(waits[5]) > 1


def test_two_processes_deliver_nothing_twice(tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        first, second = MemorySink(), MemorySink()
        await store.run("Happen", {"Count": 30})
        both = [Delivery(store, first, "one", poll=0.01), Delivery(store, second, "two", poll=0.01)]
        await delivering(*both, until=lambda: len(first.taken) + len(second.taken) >= 30)
        assert sorted(numbers(first) + numbers(second)) == list(range(30))
        assert not (first.taken and second.taken)

    use(tmp_path, scenario)


def test_when_one_ends_the_other_goes_on_at_once(tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        first, second = MemorySink(), MemorySink()
        await store.run("Happen", {"Count": 3})
        await delivering(Delivery(store, first, "one", poll=0.01), until=lambda: len(first.taken) == 3)
        await store.run("Happen", {"Count": 3})
        await delivering(Delivery(store, second, "two", poll=0.01), until=lambda: len(second.taken) == 3)

    use(tmp_path, scenario)


def test_a_service_delivers_what_happens_to_both_sinks(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with webhook() as hook:
        events = EventSinks(path, WebhookSettings(hook.url, SECRET))
        with thread(tmp_path / "data", events=events) as service:
            domain, client = service.new_domain(), service.client()
            made = client.opt_out_speaker(DomainId=domain, SpeakerId="caller-private")["Speaker"]
            client.delete_speaker(DomainId=domain, SpeakerId="caller-private")
            with pytest.raises(client.exceptions.ResourceNotFoundException):
                client.delete_speaker(DomainId=domain, SpeakerId="caller-private")
            until(lambda: len(hook.events) == 2 and path.exists() and len(path.read_text().splitlines()) == 2)
            until(lambda: 'voiceid_events_waiting{sink="' not in service.admin("/metrics")[1])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == hook.events
    assert [line["detail"]["action"] for line in lines] == ["OPT_OUT_SPEAKER", "DELETE_SPEAKER"]
    assert {line["detail"]["generatedSpeakerId"] for line in lines} == {made["GeneratedSpeakerId"]}
    assert "caller-private" not in path.read_text()


def test_a_dead_address_holds_up_neither_calls_nor_the_file_nor_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.jsonl"
    with webhook() as hook:
        hook.hold.clear()  # it takes the request and does not answer
        events = EventSinks(path, WebhookSettings(hook.url, SECRET))
        with thread(tmp_path / "data", events=events) as service:
            domain, client = service.new_domain(), service.client()
            for number in range(20):
                client.opt_out_speaker(DomainId=domain, SpeakerId=f"caller-{number}")
            until(lambda: path.exists() and len(path.read_text().splitlines()) == 20)
            assert 'voiceid_events_waiting{sink="webhook"} 20.0' in service.admin("/metrics")[1]
            began = time.monotonic()
        assert time.monotonic() - began < 5
        hook.hold.set()
        until(lambda: bool(hook.requests))
        hook.requests.clear()
        with thread(tmp_path / "data", events=events):
            until(lambda: len(hook.events) == 20)
    assert "not-for-logs" not in caplog.text
    assert "caller-" not in caplog.text


def test_events_survive_a_kill(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("shared-secret")
    with webhook() as hook:
        hook.statuses = [500]
        options = ("--events-webhook", hook.url, "--events-webhook-secret", f"file:{secret}")
        with child(tmp_path / "data", *options) as service:
            domain, client = service.new_domain(), service.client()
            made = [client.opt_out_speaker(DomainId=domain, SpeakerId=f"caller-{n}")["Speaker"] for n in range(10)]
            until(lambda: hook.refused > 0)  # it is amid delivering
            os.kill(service.running.pid, signal.SIGKILL)
            assert service.process is not None
            service.process.wait()
        assert hook.events == []
        hook.statuses = [200]
        with child(tmp_path / "data", *options):
            until(lambda: len(hook.events) == 10)
    found = [event["detail"]["generatedSpeakerId"] for event in hook.events]
    assert found == [speaker["GeneratedSpeakerId"] for speaker in made]


def test_events_are_appended_a_line_each_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = JsonLinesSink(path)
    sink.deliver(["{1}", "{2}"])
    sink.deliver(["{3}"])
    assert path.read_text() == "{1}\n{2}\n{3}\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_cut_by_a_crash_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("{1}\n{2")
    JsonLinesSink(path).deliver(["{2}"])
    assert path.read_text() == "{1}\n{2\n{2}\n"


def test_a_file_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = JsonLinesSink(path)
    sink.deliver(["{1}"])
    path.rename(tmp_path / "events.1")
    sink.deliver(["{2}"])
    assert path.read_text() == "{2}\n"


def test_what_cannot_be_written_says_where(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="Is a directory"):
        JsonLinesSink(tmp_path).deliver(["{1}"])


SECRET = SecretSource(Kind.STORED, "shared-secret")


def verified(secret: str, headers: dict[str, str], body: bytes, now: float, tolerance: float = 300) -> bool:
    """Check a request as docs/service-operations.md tells receivers to."""
    fields = dict(part.split("=", 1) for part in headers["voiceid-signature"].split(","))
    expected = hmac.new(secret.encode(), fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, fields["v1"]) and abs(now - int(fields["t"])) <= tolerance


def test_a_batch_is_one_signed_request() -> None:
    with webhook() as hook:
        WebhookSink(WebhookSettings(hook.url, SECRET)).deliver(['{"a":1}', '{"b":2}'])
    ((headers, body),) = hook.requests
    assert json.loads(body) == [{"a": 1}, {"b": 2}]
    assert headers["content-type"] == "application/json"
    assert verified("shared-secret", headers, body, time.time())
    assert not verified("another", headers, body, time.time())
    assert not verified("shared-secret", headers, body + b" ", time.time())
    assert not verified("shared-secret", headers, body, time.time() + 301)


@each_row("status", [301, 400, 401, 410, 429, 500, 503])
def test_any_answer_but_success_is_a_failure(status: int) -> None:
    with webhook() as hook:
        hook.statuses = [status]
        hook.headers = {"Retry-After": "7", "Location": "/elsewhere"}
        with pytest.raises(SinkError, match=f"answered {status}") as refusal:
            WebhookSink(WebhookSettings(hook.url, SECRET)).deliver(["{}"])
    assert refusal.value.wait == 7.0
    assert hook.requests == []


def test_an_address_that_is_away_is_not_quoted() -> None:
    with webhook() as hook:
        pass
    with pytest.raises(SinkError, match="cannot be reached") as refusal:
        WebhookSink(WebhookSettings(hook.url, SECRET)).deliver(["{}"])
    assert "not-for-logs" not in str(refusal.value)


def test_a_secret_is_looked_up_for_every_batch(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    sink = WebhookSink(WebhookSettings("", SecretSource(Kind.FILE, str(path))))
    with pytest.raises(SinkError, match="secret cannot be had"):
        sink.deliver(["{}"])
    with webhook() as hook:
        sink = WebhookSink(WebhookSettings(hook.url, SecretSource(Kind.FILE, str(path))))
        for secret in ("first", "second"):
            path.write_text(secret)
            path.chmod(0o600)
            sink.deliver(["{}"])
            headers, body = hook.requests[-1]
            assert verified(secret, headers, body, time.time())
