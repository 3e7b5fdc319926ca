import re
from pathlib import Path
from xml.etree import ElementTree as ET

from benchmarks import charts, summary
from benchmarks.people import PROJECT

PAGE = PROJECT / "docs" / "benchmarks.md"
TABLES = """# Benchmarks

<!-- summary -->
<!-- end of summary -->

## Time
### First up, without quotas

|  | 10 | 1,000 |
| --- | --- | --- |
| optout, sharded, embedded engine | 2.00 s (1.5) · 1.00 x | 20.00 s (15.0) · 1.00 x |
| optout, sharded, Pulumi CLI | failed: it stopped | *about 8 min, estimated* |
| boto3 in a loop | 900.0 ms (0.5) · 0.45 x | 40.00 s (9.0) · 2.00 x |

### One person added, without quotas

|  | 10 | 1,000 |
| --- | --- | --- |
| optout, sharded, embedded engine | 1.00 s (1.0) · 1.00 x | 1.25 s (1.0) · 1.00 x |

## Memory
| boto3 in a loop | 46 / 46 | 46 / 46 |
"""


def test_the_page_begins_with_what_its_tables_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert summary.renewed(text) == text, "run `python -m benchmarks.summary`"
    assert "(not measured)" not in summary.sentences(charts.recorded(text))


def test_the_picture_shows_what_the_tables_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    drawn = (PAGE.parent / summary.PICTURE).read_text(encoding="utf-8")
    assert summary.picture(charts.recorded(text)) == drawn, "run `python -m benchmarks.summary`"


def test_times_are_read_from_the_tables_alone() -> None:
    times = charts.recorded(TABLES)
    assert times["First up, without quotas", "boto3 in a loop"] == {10: 0.9, 1000: 40.0}
    assert ("First up, without quotas", "optout, sharded, Pulumi CLI") not in times


def test_bars_are_as_long_as_the_seconds() -> None:
    widths = re.findall(r'class="(ours|script)".* width="(\d+)"', summary.picture(charts.recorded(TABLES)))
    assert widths == [("ours", "117"), ("script", "234"), ("ours", "7")]


def test_the_picture_is_described_for_those_who_hear_it() -> None:
    root = ET.fromstring(summary.picture(charts.recorded(TABLES)))
    title, described = root[0], root[1]
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {described.attrib['id']}"
    assert "First run: opt out 1,000 people: optout 20 s, boto3 script, one by one 40 s." in (described.text or "")


def test_five_sentences_say_the_result_and_where_it_loses() -> None:
    lines = summary.sentences(charts.recorded(TABLES)).replace("\n  ", " ").splitlines()
    assert len(lines) == 5
    assert "opts out everybody in 20 s (script: 40 s)" in lines[2]
    assert "checks everybody in (not measured)" in lines[2]
    assert "up to 10 people (at 10: 0.9 s, `optout` 2 s)" in lines[3]


def test_no_loss_is_made_up() -> None:
    slower = TABLES.replace("900.0 ms", "9.00 s")
    assert "a script is faster" not in summary.sentences(charts.recorded(slower))


def test_a_page_without_tables_is_written_too(tmp_path: Path) -> None:
    summary.write(tmp_path / "page.md", "# Benchmarks\n\n<!-- summary -->\n<!-- end of summary -->\n")
    assert "(not measured)" in (tmp_path / "page.md").read_text(encoding="utf-8")
    ET.fromstring((tmp_path / summary.PICTURE).read_text(encoding="utf-8"))
