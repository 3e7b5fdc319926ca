"""The outbox is written by the transaction of the change: both happen or neither."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import create_engine, text

from tests.service.calls import call, send, signed
from tests.service.db.test_store import Clock
from tests.service.http.test_app import opt_out
from tests.service.running import thread
from tests.tables import each_row
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Request, Result, Transaction, write
from voiceid_optout.service.events.outbox import (
    DELIVERY,
    Action,
    SpeakerEvent,
    Status,
    envelope,
    record,
)
from voiceid_optout.service.settings import EventSinks, Tenant

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
GENERATED = "id#AbCdEfGhIjKlMnOpQrStUv"
TENANT = Tenant("eu-west-2", "111122223333")


def test_the_envelope_of_an_opt_out_is_eventbridge_s() -> None:
    event = json.loads(envelope(SpeakerEvent(Action.OPT_OUT, DOMAIN, GENERATED), TENANT, 1767323045.678))
    assert len(event.pop("id")) == 36
    assert len(event["detail"].pop("sourceId")) == 36
    assert event == {
        "version": "0",
        "detail-type": "VoiceId Speaker Action",
        "source": "aws.voiceid",
        "account": "111122223333",
        "time": "2026-01-02T03:04:05Z",
        "region": "eu-west-2",
        "resources": [f"arn:aws:voiceid:eu-west-2:111122223333:domain/{DOMAIN}"],
        "detail": {
            "action": "OPT_OUT_SPEAKER",
            "status": "SUCCESS",
            "domainId": DOMAIN,
            "generatedSpeakerId": GENERATED,
        },
    }


def test_an_enrolment_that_failed_says_where_from_and_why() -> None:
    data = {"enrollmentSource": "BATCH", "enrollmentSourceId": "j" * 22, "enrollmentStatus": "FAILED"}
    error = {"errorMessage": "The speaker has opted out.", "errorType": "ConflictException", "errorCode": 409}
    event = SpeakerEvent(Action.ENROLL, DOMAIN, GENERATED, Status.FAILURE, data, error)
    detail = json.loads(envelope(event, TENANT, 0))["detail"]
    assert detail["status"] == "FAILURE"
    assert (detail["data"], detail["errorInfo"]) == (data, error)


@each_row("action", Action)
def test_it_is_one_line(action: Action) -> None:
    assert "\n" not in envelope(SpeakerEvent(action, DOMAIN, GENERATED), TENANT, 0)


def waiting(folder: Path) -> int:
    engine = create_engine(f"sqlite:///{folder / 'voiceid.db'}")
    with engine.connect() as connection:
        count = connection.scalar(text("SELECT count(*) FROM event_outbox"))
    engine.dispose()
    return int(count or 0)


@pytest.fixture
def away(tmp_path: Path) -> EventSinks:
    """A file that cannot be written, so that events stay where they are."""
    (tmp_path / "events").mkdir()
    return EventSinks(file=tmp_path / "events")


def test_every_change_has_its_event_and_a_refusal_has_none(tmp_path: Path, away: EventSinks) -> None:
    data = tmp_path / "data"
    with thread(data, events=away) as service:
        domain = service.new_domain()
        for number in range(3):
            assert call(service, "OptOutSpeaker", opt_out(domain, f"caller-{number}")).status == 200
        assert call(service, "OptOutSpeaker", opt_out(domain, "id#" + "0" * 22)).status == 400
        assert call(service, "OptOutSpeaker", opt_out("0" * 22)).status == 400
        assert waiting(data) == 3
        service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-0")  # a success again
        assert waiting(data) == 4
        assert call(service, "DeleteSpeaker", opt_out(domain, "caller-0")).status == 200
        with pytest.raises(ClientError):
            service.client().delete_speaker(DomainId=domain, SpeakerId="caller-0")
        assert waiting(data) == 5


def test_a_request_that_is_sent_again_is_no_second_event(tmp_path: Path, away: EventSinks) -> None:
    data = tmp_path / "data"
    with thread(data, events=away) as service:
        domain = service.new_domain()
        body = opt_out(domain)
        for operation, events in (("OptOutSpeaker", 1), ("DeleteSpeaker", 2)):
            headers = signed(service, body, target=f"VoiceID.{operation}")
            assert [send(service, headers, body).status for _ in range(3)] == [200] * 3
            assert waiting(data) == events


def test_without_a_sink_nothing_is_recorded(tmp_path: Path) -> None:
    with thread(tmp_path) as service:
        domain = service.new_domain()
        call(service, "OptOutSpeaker", opt_out(domain))
        call(service, "DeleteSpeaker", opt_out(domain))
        assert waiting(tmp_path) == 0


LEASE = {"Sink": "a", "Seconds": 60.0}
FIRST, SECOND = {**LEASE, "Holder": "first"}, {**LEASE, "Holder": "second"}


def happen(tx: Transaction, request: Request) -> Result:
    record(tx, [SpeakerEvent(Action.OPT_OUT, "d" * 22, f"id#{number:022}") for number in range(request["Count"])])
    return {}


def use(
    tmp_path: Path, scenario: Callable[[Store, Clock], Awaitable[Any]], sinks: tuple[str, ...] = ("a",)
) -> None:
    async def main() -> None:
        clock = Clock()
        tenant = Tenant("us-east-1", sinks=sinks)
        store = Store(tmp_path, tenant, {**DELIVERY, "Happen": write(happen, apart=True)}, clock)
        try:
            await scenario(store, clock)
        finally:
            store.close()

    asyncio.run(main())


def test_events_wait_in_order_until_they_are_delivered(tmp_path: Path) -> None:
    async def scenario(store: Store, _clock: Clock) -> None:
        await store.run("Happen", {"Count": 5})
        first = (await store.run("WaitingEvents", {"Sink": "a", "Limit": 3}))["Events"]
        assert [f"id#{number:022}" in body for number, (_, body) in enumerate(first)] == [True] * 3
        await store.run("EventsDelivered", {"Sequences": [sequence for sequence, _ in first]})
        rest = (await store.run("WaitingEvents", {"Sink": "a", "Limit": 3}))["Events"]
        assert len(rest) == 2
        assert rest[0][0] > first[-1][0]

    use(tmp_path, scenario)


def test_each_sink_has_its_own(tmp_path: Path) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        await store.run("Happen", {"Count": 1})
        ((sequence, body),) = (await store.run("WaitingEvents", {"Sink": "a", "Limit": 9}))["Events"]
        await store.run("EventsDelivered", {"Sequences": [sequence]})
        ((_, other),) = (await store.run("WaitingEvents", {"Sink": "b", "Limit": 9}))["Events"]
        assert other == body
        clock.time += 30
        assert await store.run("EventLag", {}) == {"b": {"count": 1, "age": 30.0}}

    use(tmp_path, scenario, ("a", "b"))


def test_without_sinks_nothing_is_written(tmp_path: Path) -> None:
    async def scenario(store: Store, _clock: Clock) -> None:
        await store.run("Happen", {"Count": 3})
        assert await store.run("EventLag", {}) == {}

    use(tmp_path, scenario, ())


def test_a_lease_has_one_holder(tmp_path: Path) -> None:
    async def scenario(store: Store, clock: Clock) -> None:
        assert await store.run("LeaseSink", FIRST) == {"Held": True}
        assert await store.run("LeaseSink", FIRST) == {"Held": True}
        assert await store.run("LeaseSink", SECOND) == {"Held": False}
        assert await store.run("LeaseSink", {**SECOND, "Sink": "b"}) == {"Held": True}
        clock.time += 61
        assert await store.run("LeaseSink", SECOND) == {"Held": True}
        assert await store.run("LeaseSink", FIRST) == {"Held": False}

    use(tmp_path, scenario)


def test_only_its_holder_gives_a_lease_back(tmp_path: Path) -> None:
    async def scenario(store: Store, _clock: Clock) -> None:
        await store.run("LeaseSink", FIRST)
        await store.run("ReleaseSink", {"Sink": "a", "Holder": "second"})
        assert await store.run("LeaseSink", SECOND) == {"Held": False}
        await store.run("ReleaseSink", {"Sink": "a", "Holder": "first"})
        assert await store.run("LeaseSink", SECOND) == {"Held": True}

    use(tmp_path, scenario)
