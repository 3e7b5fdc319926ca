"""What is prepared; no process is started."""

from pathlib import Path

import pytest

from benchmarks import bases
from benchmarks.bases import Bases, peopled
from benchmarks.cells import PEERS
from tests.benchmarks.made import cell


def test_a_project_that_cannot_be_made_is_not_tried_for_the_next_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def cannot(*_: object, **__: object) -> None:
        tried.append(1)
        raise SystemExit("cannot prepare: no room")

    monkeypatch.setattr(bases, "project", cannot)
    made = Bases(tmp_path)
    for key in ("sharded/preview/1000/none", "sharded/add/1000/none"):
        with pytest.raises(SystemExit, match="no room"):
            made.project(PEERS["sharded"], cell(key), tmp_path / "project", tmp_path / "service")
    assert len(tried) == 1


def test_one_more_than_the_people_of_a_cell_fits_into_its_domain() -> None:
    assert peopled(cell("sharded/add/100000/none")) == 100_001
    assert peopled(cell("sharded/add/1000000/none")) == 1_000_001
