from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.results import Store


def test_the_folder_of_the_results_may_be_named_from_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--sizes", "10", "--only", "register-bare/*", "--rounds", "1", "--results", "here", "--page", "p.md"]
    ran = CliRunner().invoke(main, words)
    assert ran.exit_code == 0, ran.output
    assert [one.outcome for one in Store(tmp_path / "here")] == ["done"]
