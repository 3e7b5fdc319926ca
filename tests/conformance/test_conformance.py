"""Both engines on one list of scenarios."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conformance import record, table
from tests.conformance.compare import differences, judge
from tests.conformance.scenarios import GROUPS, SCENARIOS
from voiceid_optout.state import OutOfScope

if TYPE_CHECKING:
    from tests.conformance.play import Player

PRODUCT = Path(__file__).parents[2] / "voiceid_optout"
IN_SCOPE = [name for name, scenario in SCENARIOS.items() if scenario.refused is None]
OUT_OF_SCOPE = [name for name in SCENARIOS if name not in IN_SCOPE]


def test_every_scenario_has_a_name_and_a_record_of_its_own() -> None:
    assert len(SCENARIOS) == sum(len(group) for group in GROUPS.values())
    assert {path.stem for path in record.FOLDER.glob("*.json")} == set(SCENARIOS)


@pytest.mark.parametrize("name", IN_SCOPE)
def test_the_embedded_engine_does_what_the_cli_did(embedded: Player, name: str) -> None:
    turns = record.read(name)
    found = differences(turns, embedded.play(SCENARIOS[name], record.exports(turns)))
    verdict = judge(SCENARIOS[name], found)
    assert not verdict.unexpected, "\n".join(map(str, verdict.unexpected))
    assert not verdict.unneeded, "these differences are gone: allow them no longer"


@pytest.mark.parametrize("name", OUT_OF_SCOPE)
def test_what_is_out_of_scope_is_refused_by_name(embedded: Player, name: str) -> None:
    first = embedded.play(SCENARIOS[name])[0]
    assert first["result"] == "failed"
    assert first["errors"] == [SCENARIOS[name].refusal]
    known = {call for calls in first["calls"].get("program", {}).values() for call in calls}
    assert not [call for call in known if call.startswith(("create", "update", "delete"))]


@pytest.mark.parametrize("name", OUT_OF_SCOPE)
def test_a_scenario_out_of_scope_shows_a_refusal_of_the_code(name: str) -> None:
    assert table.meant(str(SCENARIOS[name].refused)) in OutOfScope


def test_every_refusal_is_one_that_the_code_can_raise() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in PRODUCT.rglob("*.py"))
    unused = [kind.name for kind in OutOfScope if not re.search(rf"\bOutOfScope\.{kind.name}\b", code)]
    assert not unused, "these rows of docs/engines.md stand for nothing"


@pytest.mark.official
@pytest.mark.parametrize("name", list(SCENARIOS))
def test_the_cli_does_what_is_on_record(official: Player, name: str) -> None:
    found = differences(record.read(name), official.play(SCENARIOS[name]))
    assert not found, "\n".join(map(str, found))


def test_the_table_of_the_documentation_is_of_today() -> None:
    text = table.DOCUMENT.read_text(encoding="utf-8")
    assert text == table.renewed(text), "make engines writes it anew"
