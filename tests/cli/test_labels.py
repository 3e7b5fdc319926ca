"""`optout labels` as people meet it; what it does is tested beside the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.projects import Project


@pytest.mark.parametrize("words", [("rotate",), ("finish",)])
def test_help_says_what_happens_to_people(project: Project, words: tuple[str, ...]) -> None:
    result = project.run("labels", *words, "--help")
    assert result.exit_code == 0
    assert "up" in result.output


def test_without_a_change_of_key_there_is_nothing_to_finish(project: Project) -> None:
    result = project.run("labels", "finish", "--stack", "test")
    assert (result.exit_code, result.output) == (2, "error: Pulumi.test.yaml has no previousLabelKey\n")
