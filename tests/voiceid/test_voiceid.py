from datetime import UTC, datetime

import pytest

from voiceid_optout.speakers import SpeakerStatus
from voiceid_optout.voiceid import Speaker

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WIRE = {
    "DomainId": "UcUuCPFOsAjzg9xoByUatN",
    "CustomerSpeakerId": "planted-4711",
    "GeneratedSpeakerId": "id#AbCdEfGhIjKlMnOpQrStUv",
    "Status": "ENROLLED",
    "CreatedAt": NOW.timestamp(),
    "UpdatedAt": NOW,  # as botocore gives it
}


def test_from_wire() -> None:
    speaker = Speaker.from_api(WIRE)
    assert speaker.status is SpeakerStatus.ENROLLED
    assert speaker.created_at == speaker.updated_at == NOW
    assert speaker.names() == ("planted-4711", "id#AbCdEfGhIjKlMnOpQrStUv")


def test_repr_does_not_identify() -> None:
    assert "planted" not in repr(Speaker.from_api(WIRE))


def test_speaker_without_a_customer_id() -> None:
    without = {name: value for name, value in WIRE.items() if name != "CustomerSpeakerId"}
    assert Speaker.from_api(without).names() == ("id#AbCdEfGhIjKlMnOpQrStUv",)


def test_unknown_status_is_refused() -> None:
    with pytest.raises(KeyError, match="GONE"):
        Speaker.from_api({**WIRE, "Status": "GONE"})


@pytest.mark.parametrize("name", ["CustomerSpeakerId", "GeneratedSpeakerId"])
def test_an_id_that_is_no_text_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match="texts"):
        Speaker.from_api({**WIRE, name: ["planted-4711"]})
