"""`optout passphrase rotate`: another passphrase for a stack file and its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.engines import EITHER
from voiceid_optout.cli.upkeep import NEW_VARIABLE
from voiceid_optout.state import StateError, stack_file
from voiceid_optout.state.backend import Backend

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.cli.projects import Project

OLD, NEW = "the old passphrase", "the new passphrase"


@pytest.fixture
def stack(live: Project) -> Project:
    """A stack that has opted out two people, its labels keyed with a secret."""
    live.environment["PULUMI_CONFIG_PASSPHRASE"] = OLD
    text = (live.root / "Pulumi.test.yaml").read_text(encoding="utf-8")
    (live.root / "Pulumi.test.yaml").write_text(
        "# ours\n" + text.replace("guessableLabels: true", "contactWarnings: true")
    )
    assert live.run("up", "--yes", "--quiet", CI=None).exit_code == 0
    return live


def rotated(stack: Project, old: str = OLD, new: str = NEW) -> Result:
    return stack.run(
        "passphrase", "rotate", PULUMI_CONFIG_PASSPHRASE=old, PULUMI_STACK="test", **{NEW_VARIABLE: new}
    )


def unchanged(stack: Project, phrase: str, engine: str = "embedded") -> bool:
    result = stack.run("preview", "--detailed-exitcode", "--engine", engine, PULUMI_CONFIG_PASSPHRASE=phrase)
    return result.exit_code == 0


@pytest.mark.parametrize("engine", EITHER)
def test_the_new_one_opens_everything_and_the_old_one_nothing(stack: Project, engine: str) -> None:
    result = rotated(stack)
    assert result.exit_code == 0, result.output
    assert "Commit Pulumi.test.yaml" in result.output
    assert OLD not in result.output
    assert NEW not in result.output
    assert (stack.root / "Pulumi.test.yaml").read_text(encoding="utf-8").splitlines()[1] == "# ours"
    assert unchanged(stack, NEW, engine)
    assert not unchanged(stack, OLD, engine)


def _dies(*_: object) -> None:
    raise StateError("killed here")


@pytest.mark.parametrize("place", ["before the state", "between the two files"])
def test_one_that_was_cut_short_goes_on_where_it_ended(
    stack: Project, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as patched:
        if place == "before the state":
            patched.setattr(Backend, "write", _dies)
        else:
            patched.setattr(stack_file, "write", _dies)
        assert rotated(stack).exit_code == 1
    assert unchanged(stack, OLD) == (place == "before the state")
    if place == "between the two files":
        for phrase in (OLD, NEW):
            refused = stack.run("preview", PULUMI_CONFIG_PASSPHRASE=phrase)
            assert "if a change of it was cut short, run `optout passphrase rotate` again" in refused.output
    assert rotated(stack).exit_code == 0
    assert unchanged(stack, NEW)


def test_a_wrong_passphrase_changes_nothing(stack: Project) -> None:
    files = [stack.root / "Pulumi.test.yaml", stack.state_file]
    before = [path.read_bytes() for path in files]
    result = rotated(stack, old="never was")
    assert (result.exit_code, result.output) == (1, "error: the present passphrase is wrong; nothing was changed\n")
    assert [path.read_bytes() for path in files] == before
    assert unchanged(stack, OLD)


def test_it_comes_from_a_file_or_standard_input(stack: Project, tmp_path: Path) -> None:
    (tmp_path / "new").write_text(f"{NEW}\n", encoding="utf-8")
    words = ("passphrase", "rotate", "--new-file")
    assert stack.run(*words, str(tmp_path / "new")).exit_code == 0
    assert unchanged(stack, NEW)
    assert stack.run(*words, "-", answer=OLD, PULUMI_CONFIG_PASSPHRASE=NEW).exit_code == 0
    assert unchanged(stack, OLD)
    assert stack.run(*words, str(tmp_path / "none")).exit_code == 2
    assert "no new passphrase" in stack.run(*words[:-1]).output


def test_a_stack_that_is_locked_or_has_a_journal_is_left_alone(stack: Project) -> None:
    backend = Backend(stack.state_folder, "voiceid-optout", "test")
    backend.journal_file.parent.mkdir(parents=True, exist_ok=True)
    backend.journal_file.write_text("{}\n")
    assert "a run was cut short" in rotated(stack).output
    backend.journal_file.unlink()
    backend.lock_folder.mkdir(parents=True, exist_ok=True)
    (backend.lock_folder / "other.json").write_text('{"pid": 1, "hostname": "elsewhere"}')
    assert rotated(stack).exit_code == 8


def test_secrets_that_stand_twice_in_the_file_are_refused_before_anything_is_written(stack: Project) -> None:
    path = stack.root / "Pulumi.test.yaml"
    text = path.read_text(encoding="utf-8")
    sealed = text.partition("secure: ")[2].splitlines()[0]
    path.write_text(f"{text}# {sealed}\n", encoding="utf-8")
    assert "each of its secrets once" in rotated(stack).output
    path.write_text(text, encoding="utf-8")
    assert unchanged(stack, OLD)
