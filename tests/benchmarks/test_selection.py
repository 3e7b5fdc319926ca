from benchmarks import selection
from benchmarks.cells import MILLION, Phase, Quotas
from benchmarks.claims import ALL, CLAIMS


def test_claims_have_names_of_their_own() -> None:
    assert len(ALL) == len(CLAIMS)


def test_the_short_form_has_every_claim_first_and_the_slowest_last() -> None:
    short = selection.short()
    needed = selection.of_claims()
    assert len(short) == len(set(short))
    assert short[: len(needed)] == needed
    assert short[-1].key == "sharded-cli/up/1000000/none"
    assert {cell.key for cell in short} >= {"sharded-cli/preview/1000000/none", "threads/add/100000/none"}


def test_all_of_it_has_the_million_and_what_claims_need_besides() -> None:
    keys = {cell.key for cell in selection.everything((10, MILLION), tuple(Quotas))}
    assert {"threads/up/1000000/none", "sharded/report/1000000/none", "turns/start/10/none"} <= keys
    assert "sharded/up/600/aws" in keys


def test_few_people_are_asked_about_few() -> None:
    cells = selection.everything((10,), (Quotas.NONE,))
    assert {cell.people for cell in cells} == {10}
    assert {cell.quotas for cell in cells} == {Quotas.NONE}
    assert Phase.START in {cell.phase for cell in cells}


def test_patterns_are_those_of_a_shell() -> None:
    cells = selection.matching(selection.everything((10,), (Quotas.NONE,)), ["sharded/*/10/none", "raw/up/*"])
    assert {cell.peer for cell in cells} == {"sharded", "raw"}
