"""Which Pythons and dependencies ``make test-matrix`` and CI try."""

import tomllib
from pathlib import Path

import pytest
import yaml

from tools import matrix

ROOT = Path(__file__).parents[2]


def test_the_lowest_python_that_is_tried_is_the_lowest_that_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={matrix.VERSIONS[0]}"


def test_ci_tries_every_cell_but_the_one_of_its_other_jobs() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    cells = {cell["cell"]: cell["python"] for cell in jobs["matrix"]["strategy"]["matrix"]["include"]}
    assert {matrix.VERSIONS[0], *cells} == set(matrix.CELLS)
    assert all(cells[version] == version for version in matrix.VERSIONS[1:])
    assert (cells["lowest"], cells["newest"]) == (matrix.VERSIONS[0], matrix.VERSIONS[-1])


def test_a_cell_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix.main(["3.9"]) == 2
    assert capsys.readouterr().err.startswith("No such cell: 3.9. There are: 3.11,")


def test_a_python_that_is_not_here_is_said_and_is_no_success(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "interpreter", lambda _: None)
    assert matrix.main(["3.14"]) == 1
    assert capsys.readouterr().out == "3.14     no such Python on this machine\n"
