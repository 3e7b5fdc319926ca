"""The page of reliability is what the records say, and a record is written only of what passed."""

import json
from pathlib import Path

import pytest

from tests import torture
from tests.torture import __main__ as runs

PAGE = "above\n<!-- records -->\nold\n<!-- end of records -->\n<!-- found -->\nold\n<!-- end of found -->\nbelow\n"
TEST = """
import os
from tests import torture

def test_it():
    budget = torture.budget("kills")
    budget.record(shakes=budget.count, lost=0)
    assert "FAIL" not in os.environ
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with one part of its own, in the place of the project's."""
    monkeypatch.setattr(torture, "PARTS", {"kills": torture.Part("shakes", 2, 3000, "x::kills")})
    (tmp_path / "reliability.md").write_text(PAGE)
    for name, file in (("PAGE", "reliability.md"), ("RECORDS", "results.json"), ("FOUND", "found.md")):
        monkeypatch.setattr(runs, name, tmp_path / file)
    monkeypatch.setattr(runs, "HERE", tmp_path)
    return tmp_path


def record(asked: int = 3000, part: str = "kills", **counts: int) -> runs.Record:
    return {"part": part, "asked": asked, "seed": 7, "counts": counts, "date": "2026-11-28", "seconds": 130.4}


def test_page_and_records_agree() -> None:
    """``python -m tests.torture --page`` makes the page, which names only faults of the list."""
    page = runs.PAGE.read_text(encoding="utf-8")
    found = page.split("<!-- found -->\n")[1].split("<!-- end of found -->")[0]
    assert page == runs.renewed(page, runs.read(runs.RECORDS), found)
    known = runs.FOUND.read_text(encoding="utf-8") if runs.FOUND.exists() else "None yet."
    assert {*found.strip().splitlines()} <= {*known.splitlines()}


def test_a_record_becomes_a_row(place: Path) -> None:
    page = runs.renewed(PAGE, {"kills": record(kills=3000, opt_outs_lost=0)}, "- A fault.\n")
    row = "| `kills` | shakes | 3,000 | kills 3,000, opt outs lost 0 | 7 | 2026-11-28 | 2 |"
    assert row in page.splitlines()
    assert "\n\n- A fault.\n\n" in page
    assert "old" not in page
    assert page.startswith("above\n")
    assert page.endswith("below\n")


def test_without_records_the_page_says_who_makes_them(place: Path) -> None:
    assert runs.NOTHING in runs.renewed(PAGE, {}, "None yet.")


def test_a_smaller_count_takes_no_records_place(place: Path) -> None:
    file = place / "results.json"
    runs.keep([record(3000, kills=3000)], file)
    runs.keep([record(3, kills=3)], file)
    assert runs.read(file)["kills"]["asked"] == 3000
    runs.keep([record(3000, kills=2999)], file)
    assert runs.read(file)["kills"]["counts"] == {"kills": 2999}


def test_a_part_that_is_no_more_has_no_record(place: Path) -> None:
    (place / "results.json").write_text(json.dumps([record(part="gone"), record()]))
    assert [*runs.read(place / "results.json")] == ["kills"]


def test_what_passed_is_written_down_and_skipped_the_next_time(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = [[record(3000, kills=3000)], []]
    monkeypatch.setattr(runs, "run", lambda part: results.pop(0))
    assert runs.main([]) == 0
    assert "kills 3,000" in (place / "reliability.md").read_text()
    assert runs.main(["kills"]) == 0
    assert "has a record" in capsys.readouterr().out
    assert runs.main(["kills", "--again"]) == 1
    assert "failed: kills" in capsys.readouterr().out
    assert runs.NOTHING in (place / "reliability.md").read_text()


def test_a_larger_count_than_recorded_is_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = [[record(3000, kills=3000)], [record(5000, kills=5000)]]
    monkeypatch.setattr(runs, "run", lambda part: results.pop(0))
    assert runs.main([]) == 0
    monkeypatch.setenv("OPTOUT_TORTURE_COUNTS", "kills=5000")
    assert runs.main([]) == 0
    assert runs.read(place / "results.json")["kills"]["asked"] == 5000


def test_the_tests_of_a_part_give_its_record_only_if_they_pass(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = place / "test_shakes.py"
    test.write_text(TEST)
    monkeypatch.setitem(torture.PARTS, "kills", torture.Part("shakes", 2, 3000, str(test)))
    monkeypatch.setenv("OPTOUT_TORTURE_COUNTS", "kills=5")
    (passed,) = runs.run("kills")
    assert (passed["asked"], passed["counts"]) == (5, {"shakes": 5, "lost": 0})
    monkeypatch.setenv("FAIL", "yes")
    assert runs.run("kills") == []


def test_a_part_that_is_unknown_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        runs.main(["kils"])
    assert refused.value.code == 2
    assert "no such part: kils" in capsys.readouterr().err
