import hashlib
import hmac
import re
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import each_row
from voiceid_optout import speakers
from voiceid_optout.speakers import SPEAKER_TYPE, Ensure, LabelKeys, label, resource_id, sharded, upgraded

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"


def test_a_label_is_the_same_for_ever() -> None:
    """Made with another program; every state and every plan holds such names."""
    assert label(DOMAIN, DOMAIN, "caller-000017") == "sp-723d475f7bba2603"
    assert label("a secret key", DOMAIN, "caller-000017") == "sp-d74744e159288252"


@given(st.text(), st.text("aZ09", min_size=22, max_size=22), st.text())
def test_a_label_is_the_start_of_a_keyed_digest(key: str, domain: str, speaker: str) -> None:
    made = label(key, domain, speaker)
    assert re.fullmatch(r"sp-[0-9a-f]{16}", made)
    assert made[3:] == hmac.digest(key.encode(), f"{domain}/{speaker}".encode(), hashlib.sha256).hex()[:16]


def test_key_domain_and_speaker_all_matter() -> None:
    assert len({label(key, domain, speaker) for key in "ab" for domain in "cd" for speaker in "ef"}) == 8


LABELS = st.integers(0, 16**16 - 1).map(lambda number: f"sp-{number:016x}")
VALUES = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="_-#"), min_size=1)


@given(LABELS)
def test_a_label_is_made_of_its_digits_again(made: str) -> None:
    assert speakers.label_with(speakers.label_digits(made)) == made


def test_a_line_a_person_in_the_order_of_labels() -> None:
    text = speakers.shard_text({"sp-b": "released", "sp-a": "opted_out"})
    assert text == "sp-a opted_out\nsp-b released\n"
    assert speakers.shard_values(text) == {"sp-a": "opted_out", "sp-b": "released"}


def test_nobody_is_the_empty_text() -> None:
    assert speakers.shard_text({}) == ""
    assert speakers.shard_values("") == {}


def test_a_line_without_a_value() -> None:
    assert list(speakers.shard_lines("sp-a\n")) == [("sp-a", "")]


@given(st.dictionaries(LABELS, VALUES))
def test_texts_are_read_back(values: dict[str, str]) -> None:
    assert speakers.shard_values(speakers.shard_text(values)) == values


@given(st.dictionaries(LABELS, VALUES), LABELS, VALUES)
def test_one_person_more_is_one_line_more(values: dict[str, str], new: str, value: str) -> None:
    before = speakers.shard_text({name: each for name, each in values.items() if name != new}).splitlines()
    after = speakers.shard_text({**values, new: value}).splitlines()
    assert set(after) - set(before) == {f"{new} {value}"}
    assert len(after) == len(before) + 1


def test_the_shard_is_in_the_label() -> None:
    assert speakers.shard_of("sp-2357877d05320d78") == "23"
    assert speakers.shard_of("") == ""


def test_the_shards_of_ten_thousand_people_are_of_one_size() -> None:
    sizes: dict[str, int] = {}
    for number in range(10_000):
        digits = speakers.shard_of(label(DOMAIN, DOMAIN, f"caller-{number:06}"))
        sizes[digits] = sizes.get(digits, 0) + 1
    assert len(sizes) == 256
    assert max(sizes.values()) < 2 * 10_000 / 256


class Someone(NamedTuple):
    domain_id: str
    speaker_id: str
    ensure: Ensure


LISTED = st.lists(
    st.builds(
        Someone, st.sampled_from(["D", "E"]), st.integers(0, 9999).map("caller-{}".format), st.sampled_from(Ensure)
    ),
    unique_by=lambda one: one[:2],
)


@given(LISTED, st.sampled_from([None, "a key"]))
def test_everybody_is_in_one_shard_by_domain_and_label(listed: list[Someone], key: str | None) -> None:
    keys = LabelKeys(key)
    found = list(sharded(listed, keys))
    names = [shard.name for shard, _ in found]
    assert names == sorted(set(names))
    assert sum(shard.people for shard, _ in found) == len(listed)
    assert sum(shard.released for shard, _ in found) == sum(one.ensure is Ensure.RELEASED for one in listed)
    for shard, places in found:
        those = [listed[place] for place in places]
        assert {one.domain_id for one in those} == {shard.domain_id}
        assert {speakers.shard_of(keys.label(one)) for one in those} == {shard.digits}
        assert shard.members == speakers.shard_text({keys.label(one): one.ensure for one in those})
        assert shard.speaker_ids == speakers.shard_text({keys.label(one): one.speaker_id for one in those})
        assert [*places] == sorted(places)


@each_row(
    ("people", "wanted", "digits"),
    [(3, None, {2}), (3, 256, {2}), (3, 4096, {3}), (4, None, {3}), (4, 256, {2})],
)
def test_the_number_of_shards_grows_with_the_people_of_a_domain(
    monkeypatch: pytest.MonkeyPatch, people: int, wanted: int | None, digits: set[int]
) -> None:
    monkeypatch.setattr(speakers, "MANY_PEOPLE", 3)
    listed = [Someone("D", f"caller-{number}", Ensure.OPTED_OUT) for number in range(people)]
    listed.append(Someone("E", "caller-1", Ensure.OPTED_OUT))  # a domain that has few
    found = [shard for shard, _ in sharded(listed, LabelKeys(), wanted)]
    assert {len(shard.digits) for shard in found if shard.domain_id == "D"} == digits
    assert {len(shard.digits) for shard in found if shard.domain_id == "E"} == {3 if wanted == 4096 else 2}
    assert all(line[3:].startswith(shard.digits) for shard in found for line in shard.members.splitlines())


GENERATED = "id#AbCdEfGhIjKlMnOpQrStUv"
TODAY = f"{DOMAIN}/{hashlib.sha256(GENERATED.encode()).hexdigest()[:32]}"


@each_row(
    ("ensure", "status", "expected"),
    [
        ("opted_out", "OPTED_OUT", True),
        ("opted_out", "ENROLLED", False),
        ("opted_out", None, False),
        (None, "OPTED_OUT", True),
        ("released", None, True),
        ("released", "ENROLLED", False),
        ("released", "OPTED_OUT", False),
    ],
)
def test_is_as_asked(ensure: str | None, status: str | None, *, expected: bool) -> None:
    assert speakers.is_as_asked(ensure, status) == expected


def test_an_id_is_the_domain_and_a_hash() -> None:
    assert resource_id(DOMAIN, GENERATED) == TODAY
    assert resource_id("D" * 22, GENERATED) != TODAY


def test_what_is_old_becomes_what_is_written_today() -> None:
    outputs = {"status": "OPTED_OUT", "generated_speaker_id": GENERATED}
    assert upgraded(SPEAKER_TYPE, f"{DOMAIN}/{GENERATED}", outputs) == (TODAY, {"status": "OPTED_OUT"})
    released = f"{DOMAIN}/released/sp-0123456789abcdef"
    assert upgraded(SPEAKER_TYPE, released, outputs) == (released, {"status": "OPTED_OUT"})
    assert upgraded(SPEAKER_TYPE, f"{DOMAIN}/{GENERATED}", {}) == (TODAY, {})


def test_what_is_of_today_or_of_others_stays() -> None:
    outputs = {"status": "OPTED_OUT"}
    assert upgraded(SPEAKER_TYPE, TODAY, outputs)[1] is outputs
    foreign = {"generated_speaker_id": "theirs"}
    assert upgraded("test:index:Thing", "id#1", foreign) == ("id#1", foreign)
