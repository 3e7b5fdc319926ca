"""The repository that is measured is one that can be read, and everybody in it is found."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from benchmarks.git_history import everybody, make_repository, one_person

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs Git")


def test_everybody_and_one_person_are_found(tmp_path: Path) -> None:
    make_repository(tmp_path / "repo", people=30, commits=21, each=2)
    assert everybody(tmp_path / "repo").people == 30 + 20 * 2
    assert one_person(tmp_path / "repo").people == 1
