"""Reports and receipts are verified from their bytes and public keys alone."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence.receipts import damaged, person, receipt, report
from tests.evidence.test_signing import PUBLIC
from tests.tables import each_row
from voiceid_optout.evidence import json_ld
from voiceid_optout.evidence.receipt import render
from voiceid_optout.evidence.verification import NeitherError, NotVerified, Verified, breaks, verify

FORMS: dict[str, Callable[[], bytes]] = {
    "report": report,
    "receipt": lambda: render(receipt()),
    "revealed receipt": lambda: render(receipt(reveal=True)),
    "JSON-LD": lambda: json_ld.render(receipt()),
}
UNSIGNED: dict[str, Callable[[], bytes]] = {
    "report": lambda: report(signed=False),
    "receipt": lambda: render(receipt(signed=False)),
}


def check(data: bytes, *public_keys: str) -> Verified:
    found = verify(io.BytesIO(data))
    if (problem := found.unvouched(public_keys)) is not None:
        raise NotVerified(problem)
    return found


@each_row("form", FORMS)
def test_what_was_signed_by_a_known_key_is_verified(form: str) -> None:
    found = check(FORMS[form](), "0" * 64, PUBLIC)
    assert (found.header.stack, found.header.people) == ("production", 3)
    assert found.signature is not None
    assert (found.receipt is None) == (form == "report")


@pytest.mark.costly
@each_row("form", FORMS)
def test_each_changed_or_missing_byte_is_found(form: str) -> None:
    """Of a receipt without the id, the bytes of the opening are checked by who knows the id."""
    for data in damaged(FORMS[form]()):
        try:
            found = check(data, PUBLIC)
        except (NotVerified, NeitherError):
            continue
        assert form in ("receipt", "JSON-LD"), data
        assert found.receipt is not None
        assert replace(found.receipt, opening=receipt().opening) == receipt()
        assert not found.receipt.is_of(person(1))


@each_row("form", FORMS)
@each_row("keys", [(), ("0" * 64,)])
def test_a_key_that_nobody_vouches_for_is_said(form: str, keys: tuple[str, ...]) -> None:
    with pytest.raises(NotVerified, match=f"by a key that nothing here vouches for: {PUBLIC}"):
        check(FORMS[form](), *keys)


@pytest.mark.parametrize("form", UNSIGNED)
def test_what_is_not_signed_is_verified_only_where_no_key_is_known(form: str) -> None:
    assert check(UNSIGNED[form]()).signature is None
    with pytest.raises(NotVerified, match="it is not signed"):
        check(UNSIGNED[form](), PUBLIC)


@each_row("data", [b"", b"{}", b"\0" * 100, b'{"resources": []}', b"speakers:\n  - caller-1\n"])
def test_what_is_neither_is_said_to_be(data: bytes) -> None:
    with pytest.raises(NeitherError, match="this is neither a report nor a receipt"):
        check(data)


def nights(*files: bytes) -> list[tuple[int, str]]:
    return list(breaks([check(data, PUBLIC) for data in files]))


def chain(count: int, first: int = 20) -> list[bytes]:
    """Return the reports of nights that follow one another."""
    found: list[bytes] = []
    for night in range(first, first + count):
        previous = check(found[-1], PUBLIC).root if found else None
        found.append(report(previous=previous, night=night))
    return found


def test_a_chain_of_nights_holds() -> None:
    assert nights(*chain(4)) == []
    assert nights(*chain(4)[1:]) == []
    assert nights(chain(1)[0], chain(1)[0]) == []  # the same night, as with a report and a receipt of it


def test_a_missing_night_is_named() -> None:
    first, second, third, fourth = chain(4)
    root = check(third, PUBLIC).root
    ((place, said),) = nights(first, second, fourth)
    assert place == 2
    assert said.startswith("a report is missing between 2026-11-21T03:23:00Z and 2026-11-23T03:23:00Z: this one")
    assert f"follows the root {root}, which the file before it does not have" in said


def test_a_chain_that_begins_anew_or_goes_back_or_is_another_s_is_named() -> None:
    first, second, _ = chain(3)
    new = report(night=25)
    assert nights(first, second, new)[0][1].startswith("a new chain begins here: it names no report before it")
    assert nights(second, first) == [(1, "it is older than the file before it: give the oldest first")]
    one = check(first, PUBLIC)
    other = replace(one, root="0" * 64, header=replace(one.header, stack="other"))
    assert [number for number, words in breaks([one, other]) if "of another stack" in words] == [1]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=8,
)


@given(data=st.data(), value=ANYTHING, form=st.sampled_from(["receipt", "JSON-LD"]))
def test_whatever_stands_in_a_place_gets_a_verdict(data: st.DataObject, value: object, form: str) -> None:
    """Never another error, which would be a traceback."""
    document = json.loads(FORMS[form]())
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    before, place[key] = place[key], value
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=data.draw(st.booleans()))
    if value == before or key == "opening":
        return
    with pytest.raises((NotVerified, NeitherError)):
        check(f"{text}\n".encode("utf-8", "surrogatepass"), PUBLIC)
