from pathlib import Path

import pytest

from benchmarks.results import FILE, Store, best, from_line, to_line
from tests.benchmarks.made import cell, result


def test_lines_keep_everything() -> None:
    one = result(
        "sharded/up/600/aws/200ms",
        61.5,
        calls={"OptOutSpeaker": 600},
        throttled={"OptOutSpeaker": 3},
        told={"x": 1.5},
    )
    assert from_line(to_line(one)) == one
    assert one.throttled_share == 0.005


def test_store_goes_on_where_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert list(store) == []
    store.add(result("loop/up/10/none"))
    store.add(result("loop/up/10/none", 2.0))
    again = Store(tmp_path)
    assert [one.wall for one in again] == [1.0, 2.0]
    assert again.rounds(cell("loop/up/10/none")) == 2
    assert again.rounds(cell("loop/up/1000/none")) == 0


def test_half_a_line_at_the_end_is_measured_again(tmp_path: Path) -> None:
    Store(tmp_path).add(result("loop/up/10/none"))
    with (tmp_path / FILE).open("a", encoding="utf-8") as file:
        file.write('{"cell":{"peer":"loop","peo')
    store = Store(tmp_path)
    store.add(result("threads/up/10/none"))
    assert [one.cell.peer for one in Store(tmp_path)] == ["loop", "threads"]


def test_damage_elsewhere_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f"[]\n{to_line(result('loop/up/10/none'))}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"results\.jsonl:1 is no result"):
        Store(tmp_path)


def test_the_quickest_round_that_ended_well_counts() -> None:
    failed = result("loop/up/10/none", 0.1, outcome="failed: no")
    rounds = [failed, result("loop/up/10/none", 3.0), result("loop/up/10/none", 2.0), failed]
    assert best(rounds)[cell("loop/up/10/none")].wall == 2.0
    assert best([failed])[failed.cell] is failed


def test_results_are_forgotten_by_pattern_and_for_good(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for key in ("loop/up/10/none", "loop/up/1000/none", "threads/up/10/none"):
        store.add(result(key))
    assert store.forget(["loop/*", "raw/*"]) == 2
    assert [one.cell.peer for one in store] == [one.cell.peer for one in Store(tmp_path)] == ["threads"]
