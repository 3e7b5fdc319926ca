"""The outbox is written by the transaction of the change: both happen or neither."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import create_engine, text

from tests.service.calls import call, send, signed
from tests.service.http.test_app import opt_out
from tests.service.running import thread
from voiceid_optout.service.events.sinks import EventSinks


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
