from hypothesis import given
from hypothesis import strategies as st

from voiceid_optout import shard
from voiceid_optout.label import label

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
LABELS = st.integers(0, 16**16 - 1).map(lambda number: f"sp-{number:016x}")
VALUES = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="_-#"), min_size=1)


def test_a_line_a_person_in_the_order_of_labels() -> None:
    text = shard.lines({"sp-b": "released", "sp-a": "opted_out"})
    assert text == "sp-a opted_out\nsp-b released\n"
    assert shard.values(text) == {"sp-a": "opted_out", "sp-b": "released"}


def test_nobody_is_the_empty_text() -> None:
    assert shard.lines({}) == ""
    assert shard.values("") == {}


def test_a_line_without_a_value() -> None:
    assert list(shard.pairs("sp-a\n")) == [("sp-a", "")]


@given(st.dictionaries(LABELS, VALUES))
def test_texts_are_read_back(values: dict[str, str]) -> None:
    assert shard.values(shard.lines(values)) == values


@given(st.dictionaries(LABELS, VALUES), LABELS, VALUES)
def test_one_person_more_is_one_line_more(values: dict[str, str], new: str, value: str) -> None:
    before = shard.lines({name: each for name, each in values.items() if name != new}).splitlines()
    after = shard.lines({**values, new: value}).splitlines()
    assert set(after) - set(before) == {f"{new} {value}"}
    assert len(after) == len(before) + 1


def test_the_shard_is_in_the_label() -> None:
    assert shard.shard_of("sp-2357877d05320d78") == "23"
    assert shard.shard_of("") == ""


def test_the_shards_of_ten_thousand_people_are_of_one_size() -> None:
    sizes: dict[str, int] = {}
    for number in range(10_000):
        digits = shard.shard_of(label(DOMAIN, DOMAIN, f"caller-{number:06}"))
        sizes[digits] = sizes.get(digits, 0) + 1
    assert len(sizes) == 256
    assert max(sizes.values()) < 2 * 10_000 / 256
