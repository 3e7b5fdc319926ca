import json
from pathlib import Path

from tests.cli.projects import Project


def test_a_command_writes_its_runs_and_no_identifier(live: Project, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert live.run("preview", "--event-log", str(path)).exit_code == 0
    text = path.read_text(encoding="utf-8")
    assert "caller-" not in text
    kinds = [set(json.loads(line)) - {"sequence", "timestamp"} for line in text.splitlines()]
    assert kinds[0] == {"preludeEvent"}
    assert kinds[-1] == {"cancelEvent"}
    assert kinds.count({"resourcePreEvent"}) >= 2
