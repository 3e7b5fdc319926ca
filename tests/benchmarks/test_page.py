import json
import os
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.results import Store
from tests.benchmarks.made import result


def test_page_is_written_from_results_alone(tmp_path: Path) -> None:
    page.keep_facts(tmp_path, 50)
    store = Store(tmp_path)
    store.add(result("loop/up/10/none", 0.5))
    store.add(result("loop/up/1000/none", 45.0))
    (tmp_path / "machine.json").write_text(
        json.dumps({"facts": {"Python": "3.11"}, "tools": [], "longest": 50}), encoding="utf-8"
    )
    page.write(tmp_path / "page.md", tmp_path, (10, 1000, 10_000))
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "| boto3 in a loop | 0.50 s (0.5) | 45.00 s (45.0) |" in text
    assert "| Python | 3.11 |\n| measured on | 2026-01-02 |" in text
    assert str(tmp_path) not in text


def test_what_was_run_on_is_noted(tmp_path: Path) -> None:
    page.keep_facts(tmp_path, 50)
    notes = json.loads((tmp_path / "machine.json").read_text(encoding="utf-8"))
    assert notes["longest"] == 50
    assert {"processors", "memory", "Python", "boto3", "Pulumi CLI", "AWS CLI"} <= set(notes["facts"])


def test_other_work_is_told() -> None:
    busy = result("loop/up/10/none", 10.0, others=5.0 * (os.cpu_count() or 1))
    assert page.others([busy, result("loop/up/10/none", 10.0, others=0.0), result("loop/up/10/none")]) == 0.25
    assert page.others([]) == 0


def test_no_results_no_page(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        page.write(tmp_path / "page.md", tmp_path, (10,))
