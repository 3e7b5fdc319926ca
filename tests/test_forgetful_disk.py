"""What the disk of the tests forgets."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

from tests.forgetful_disk import BLOCK, Log, Tree, crashes, recorded

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def left(log: Log, more: int = 200) -> list[Tree]:
    """Return what a crash at the end may leave."""
    return [tree for count, tree in crashes(log, random.Random(1), more) if count == len(log.operations)]


def write(path: Path, content: bytes, *, synced: bool) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        if synced:
            os.fsync(file.fileno())


def sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def test_what_was_not_synced_is_kept_by_any_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"a" * BLOCK + b"b" * BLOCK + b"c"
    with recorded(tmp_path, monkeypatch) as recorder:
        write(tmp_path / "x", content, synced=False)
        sync(tmp_path)
    found = {tree["x"] for tree in left(recorder.log)}
    assert {b"", content, b"a" * BLOCK, bytes(BLOCK) + b"b" * BLOCK, bytes(2 * BLOCK) + b"c"} <= found


def test_a_synced_file_may_have_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded(tmp_path, monkeypatch) as recorder:
        write(tmp_path / "x", b"whole", synced=True)
    assert {tuple(tree.items()) for tree in left(recorder.log)} == {(), (("x", b"whole"),)}


def test_a_rename_is_there_or_not_and_a_folder_below_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "x", b"old", synced=True)
    with recorded(tmp_path, monkeypatch) as recorder:
        write(tmp_path / "y", b"new", synced=True)
        (tmp_path / "y").replace(tmp_path / "x")
        (tmp_path / "folder").mkdir()
        write(tmp_path / "folder" / "z", b"", synced=True)
        sync(tmp_path / "folder")
    trees = left(recorder.log)
    assert {tree["x"] for tree in trees} == {b"old", b"new"}
    assert all("folder/z" in tree for tree in trees if "folder" in tree)
    assert any("folder" not in tree for tree in trees)


def test_what_was_there_before_and_what_is_synced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "before", b"1", synced=False)
    with recorded(tmp_path, monkeypatch) as recorder:
        write(tmp_path / "x", b"2", synced=True)
        (tmp_path / "before").unlink()
        sync(tmp_path)
    trees = [tree for _, tree in crashes(recorder.log, random.Random(1), 5)]
    assert trees[-1] == {"x": b"2"}
    assert all(tree.get("before", b"1") == b"1" for tree in trees)
    assert {"before": b"1"} in trees
