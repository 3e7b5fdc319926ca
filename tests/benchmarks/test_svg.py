import re
from xml.etree import ElementTree as ET

from benchmarks import svg


def test_lines_lie_where_their_numbers_do_on_both_logarithmic_axes() -> None:
    text = svg.lines("Time", {"ours": {10: 1.0, 1000: 100.0}, "theirs": {10: 10.0}}, str)
    ET.fromstring(text)
    points = re.findall(r'<polyline .*points="([^"]*)"', text)
    assert points == ["64.0,324.0 616.0,44.0", "64.0,184.0"]
    assert "ours: 10 people 1.0, 1,000 people 100.0." in text
    assert text.count(">ours<") == text.count(">theirs<") == 1


def test_more_lines_than_colours_are_told_apart_by_dashes() -> None:
    drawn = re.findall(
        r"<polyline [^>]*?(?= points)", svg.lines("Time", {f"peer {n}": {10: 1.0} for n in range(14)}, str)
    )
    assert len(set(drawn)) == 14


def test_bars_begin_behind_the_longest_name_and_a_limit_lies_among_them() -> None:
    text = svg.bars("Claims", [svg.Group("g", [("a" * 60, 50.0), ("<b>", 100.0)])], str, limit=200.0)
    ET.fromstring(text)
    left = int(re.findall(r'<rect class="script" x="(\d+)"', text)[0])
    assert left > 60 * 7
    widths = [int(width) for width in re.findall(r'class="script" .* width="(\d+)"', text)]
    at = int(re.findall(r'class="limit" x1="(\d+)"', text)[0]) - left
    assert [round(width / at, 2) for width in widths] == [0.25, 0.5]


def test_nothing_to_draw_is_a_picture_too() -> None:
    ET.fromstring(svg.bars("Nothing", [], str))
    ET.fromstring(svg.lines("Nothing", {}, str))
