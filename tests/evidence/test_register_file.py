"""One version of a register file."""

from __future__ import annotations

import pytest

from tests.evidence.repositories import DOMAIN, OTHER_DOMAIN, block
from voiceid_optout.evidence.register_file import RegisterFile, Said, read_file
from voiceid_optout.speakers import Ensure


def read(text: str, domains: dict[str, str] | None = None) -> RegisterFile | None:
    return read_file("1" * 40, text.encode(), domains or {}, None)


def test_a_file_says_whom_it_lists_and_where() -> None:
    found = read(block("a", domain="main", released=("b",)), {"main": DOMAIN})
    assert found is not None
    assert (found.domain_id, found.line("a"), found.line("b")) == (DOMAIN, 3, 5)
    reason = (("reason", "asked for it"),)
    assert found.people == {"a": Said(Ensure.OPTED_OUT), "b": Said(Ensure.RELEASED, reason)}


@pytest.mark.parametrize("text", ["speakers: 7\n", block("a", "a"), block("a", domain="unknown"), "\x01", "- a\n"])
def test_a_file_with_a_fault_says_nothing(text: str) -> None:
    assert read(text, {"main": OTHER_DOMAIN}) is None
