from pathlib import Path

from benchmarks import charts
from benchmarks.people import PROJECT
from tests.benchmarks.made import cell

PAGE = PROJECT / "docs" / "benchmarks.md"
TABLES = """# Benchmarks

## Claims

| claim | limit | measured | of the limit | holds |
| --- | --- | --- | --- | --- |
| `state` | at most 180 bytes | 90 bytes | 50% | yes |
| `writes` | not slower | not measured |  |  |

## Time
### First up, without quotas

|  | 10 | 1,000 |
| --- | --- | --- |
| optout, sharded, embedded engine | 2.00 s (1.5) · 1.00 x | 20.00 s (15.0) · 1.00 x |
| boto3 in a loop | 900.0 ms (0.5) · 0.45 x | *about 8 min, estimated* |

### Memory, first up

|  | 10 | 1,000 |
| --- | --- | --- |
| optout, sharded, embedded engine | 69 / 173 | - |

### Calls, without quotas

|  | phase | people | calls |
| --- | --- | --- | --- |
| boto3 in a loop | First up | 1,000 | 900 DescribeSpeaker, 1,100 OptOutSpeaker (39) |

## Service

|  | speakers | opt-outs a second | p50, p99 | pages a second |
| --- | --- | --- | --- | --- |
| the service on SQLite | 1,000,000 | 12,397 | 5.1, 6.9 ms | 1,511 |
"""


def test_every_table_of_the_page_in_which_something_was_measured_has_its_chart() -> None:
    text = PAGE.read_text(encoding="utf-8")
    made = charts.drawn(text)
    there = {path.name: path.read_text(encoding="utf-8") for path in (PAGE.parent / charts.FOLDER).glob("*.svg")}
    assert made == there, "run `python -m benchmarks.summary`"
    assert charts.illustrated(text) == text
    numbers = [table for table in charts.tables_of(text) if table.title not in ("Machine", "Claims")]
    measured = [table for table in numbers if any(cell[:1].isdigit() for row in table.rows for cell in row[1:])]
    assert measured
    assert {f"{table.name}.svg" for table in measured} <= set(made)


def test_numbers_are_read_from_the_tables_alone() -> None:
    assert charts.recorded(TABLES) == {
        ("First up, without quotas", "optout, sharded, embedded engine"): {10: 2.0, 1000: 20.0},
        ("First up, without quotas", "boto3 in a loop"): {10: 0.9},
    }
    found = charts.precedents(TABLES)
    assert found[cell("sharded/up/1000/none")].wall == 20.0
    assert cell("loop/up/1000/none") not in found


def test_what_is_not_a_time_is_drawn_too() -> None:
    made = charts.drawn(TABLES)
    assert set(made) == {
        "claims.svg",
        "first-up-without-quotas.svg",
        "memory-first-up.svg",
        "calls-without-quotas.svg",
        "service.svg",
    }
    assert "12,397" in made["service.svg"]
    assert "1,511" in made["service.svg"]
    assert "6.9" not in made["service.svg"]
    assert "state 50 %." in made["claims.svg"]
    assert "optout, sharded, embedded engine 69." in made["memory-first-up.svg"]
    assert "boto3 in a loop 2." in made["calls-without-quotas.svg"]


def test_charts_are_linked_once_and_old_ones_go(tmp_path: Path) -> None:
    once = charts.illustrated(TABLES)
    assert once.count("![Chart: ") == 5
    assert charts.illustrated(once) == once
    (tmp_path / charts.FOLDER).mkdir(parents=True)
    (tmp_path / charts.FOLDER / "gone.svg").touch()
    charts.write(tmp_path / "page.md", once)
    names = {path.name for path in (tmp_path / charts.FOLDER).iterdir()}
    assert names == set(charts.drawn(TABLES))
    assert "![Chart: Claims]" in once
    assert "![Chart: Claims]" not in charts.illustrated(once.replace("50%", ""))
