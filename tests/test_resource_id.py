import hashlib

from voiceid_optout.plan.builder import SPEAKER_TYPE
from voiceid_optout.providers import resource
from voiceid_optout.resource_id import TYPE, is_old, resource_id, upgraded

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
GENERATED = "id#AbCdEfGhIjKlMnOpQrStUv"
TODAY = f"{DOMAIN}/{hashlib.sha256(GENERATED.encode()).hexdigest()[:32]}"


def test_the_type_is_everybody_s() -> None:
    assert TYPE == SPEAKER_TYPE == resource.TYPE


def test_an_id_is_the_domain_and_a_hash() -> None:
    assert resource_id(DOMAIN, GENERATED) == TODAY
    assert resource_id("D" * 22, GENERATED) != TODAY


def test_what_is_old_becomes_what_is_written_today() -> None:
    outputs = {"status": "OPTED_OUT", "generated_speaker_id": GENERATED}
    assert upgraded(TYPE, f"{DOMAIN}/{GENERATED}", outputs) == (TODAY, {"status": "OPTED_OUT"})
    released = f"{DOMAIN}/released/sp-0123456789abcdef"
    assert upgraded(TYPE, released, outputs) == (released, {"status": "OPTED_OUT"})
    assert upgraded(TYPE, f"{DOMAIN}/{GENERATED}", {}) == (TODAY, {})


def test_what_is_of_today_or_of_others_stays() -> None:
    outputs = {"status": "OPTED_OUT"}
    assert upgraded(TYPE, TODAY, outputs)[1] is outputs
    assert not is_old(TYPE, TODAY, outputs)
    foreign = {"generated_speaker_id": "theirs"}
    assert upgraded("test:index:Thing", "id#1", foreign) == ("id#1", foreign)
