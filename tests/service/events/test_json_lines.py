from pathlib import Path

import pytest

from voiceid_optout.service.events.json_lines import JsonLinesSink
from voiceid_optout.service.events.sinks import SinkError


def test_events_are_appended_a_line_each_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = JsonLinesSink(path)
    sink.deliver(["{1}", "{2}"])
    sink.deliver(["{3}"])
    assert path.read_text() == "{1}\n{2}\n{3}\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_cut_by_a_crash_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("{1}\n{2")
    JsonLinesSink(path).deliver(["{2}"])
    assert path.read_text() == "{1}\n{2\n{2}\n"


def test_a_file_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = JsonLinesSink(path)
    sink.deliver(["{1}"])
    path.rename(tmp_path / "events.1")
    sink.deliver(["{2}"])
    assert path.read_text() == "{2}\n"


def test_what_cannot_be_written_says_where(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="Is a directory"):
        JsonLinesSink(tmp_path).deliver(["{1}"])
