"""The folder of `optout init`: all or nothing, whatever happens on the way, and nothing outside of it."""

from __future__ import annotations

import fcntl
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_init_files import HOSTED, SANDBOX
from voiceid_optout.cli import init_folder
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.init_folder import (
    RECORD,
    STAGING,
    Record,
    create,
    held,
    occupied,
    read,
    read_record,
    replace,
    sha256,
)

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = {"a.txt": "one\n", "config/b.txt": "two\n", ".github/workflows/c.yml": "three\n", RECORD: "{}\n"}


def everything(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def nothing(_: Path) -> None: ...


def test_all_is_written_and_nothing_else_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine\n")
    with held(tmp_path):
        assert occupied(tmp_path, TEXTS) == []
        create(tmp_path, TEXTS, nothing)
    assert everything(tmp_path) == {**TEXTS, "notes.txt": "mine\n"}
    assert not (tmp_path / STAGING).exists()


def test_what_is_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to("nowhere")
    (tmp_path / "config").write_text("a file\n")
    (tmp_path / ".github").symlink_to("/tmp")
    assert sorted(occupied(tmp_path, TEXTS)) == [".github", "a.txt", "config"]


class Killed(BaseException):
    """What ends a run as SIGKILL does, once nothing of ours acts on it."""


def die(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize("moment", range(len(TEXTS) + 1))
def test_a_run_that_was_killed_leaves_nothing_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """At every moment: before the first file has its place, between two, and after the last."""
    (tmp_path / "notes.txt").write_text("mine\n")
    place = init_folder._place
    done: list[str] = []

    def killed(source: Path, root: Path, path: str) -> None:
        if len(done) == moment:
            raise Killed
        place(source, root, path)
        done.append(path)

    with monkeypatch.context() as patch:
        patch.setattr(init_folder, "_place", killed)
        patch.setattr(init_folder, "_recover", nothing)
        patch.setattr(shutil, "rmtree", die)
        with pytest.raises(Killed):
            create(tmp_path, TEXTS, nothing)
    assert (tmp_path / STAGING).exists()
    with held(tmp_path):
        pass
    whole = moment == len(TEXTS)
    assert everything(tmp_path) == {**(TEXTS if whole else {}), "notes.txt": "mine\n"}
    assert (tmp_path / "config").exists() is whole


@pytest.mark.parametrize("moment", range(len(TEXTS)))
def test_a_run_that_fails_takes_back_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    place = init_folder._place
    done: list[str] = []

    def full(source: Path, root: Path, path: str) -> None:
        if len(done) == moment:
            raise OSError(28, "No space left on device")
        place(source, root, path)
        done.append(path)

    monkeypatch.setattr(init_folder, "_place", full)
    with pytest.raises(CommandError, match="No space left on device; nothing was written"):
        create(tmp_path, TEXTS, nothing)
    assert list(tmp_path.iterdir()) == []


def test_somebody_else_s_file_that_comes_meanwhile_stays(tmp_path: Path) -> None:
    def meanwhile(_: Path) -> None:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "b.txt").write_text("two\n")  # as it happens, of the same words

    with pytest.raises(CommandError):
        create(tmp_path, TEXTS, meanwhile)
    assert everything(tmp_path)["config/b.txt"] == "two\n"
    assert not (tmp_path / "a.txt").exists()


def test_without_hard_links_files_are_copied_and_after_a_kill_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refused)
        (tmp_path / "whole").mkdir()
        create(tmp_path / "whole", TEXTS, nothing)
        assert everything(tmp_path / "whole") == TEXTS
    root = tmp_path / "cut"
    (root / STAGING).mkdir(parents=True)
    for folder in (root, root / STAGING):
        (folder / "a.txt").write_text("one\n")
    with pytest.raises(CommandError, match=r"remove them and run it again: a\.txt"), held(root):
        pass
    assert everything(root) == {"a.txt": "one\n"}
    with held(root):
        pass


def test_what_a_hostile_folder_has_ready_takes_nothing_away(tmp_path: Path) -> None:
    """A checkout may hold the folder of a run that was never there, with links out of it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept\n")
    root = tmp_path / "root"
    staging = root / STAGING
    staging.mkdir(parents=True)
    (staging / "link").symlink_to(outside)
    (root / "link").symlink_to(outside)
    (staging / "folder").mkdir()
    os.link(outside / "kept.txt", staging / "folder" / "kept.txt")
    (root / "folder").symlink_to(outside)
    with held(root):
        pass
    assert (outside / "kept.txt").read_text() == "kept\n"
    assert not staging.exists()
    staging.symlink_to(outside)
    with pytest.raises(CommandError, match="is in the way: remove it"), held(root):
        pass
    assert (outside / "kept.txt").exists()


def test_of_two_runs_in_a_folder_the_second_is_refused(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(CommandError) as caught, held(tmp_path):
        pass
    assert caught.value.code == ExitCode.LOCKED
    os.close(handle)


def test_no_link_is_followed_and_no_pipe_waited_for(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "README.md").symlink_to(tmp_path / "secret")
    (root / "config").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    (root / "blob").write_bytes(b"\xff")
    (root / "folder").mkdir()
    for path in ("README.md", "config/secret", "pipe", "blob", "folder"):
        with pytest.raises(CommandError) as caught:
            read(root, path)
        assert caught.value.code == ExitCode.USAGE
        assert "secret\n" not in str(caught.value)
    for path in ("README.md", "config/secret"):
        with pytest.raises(CommandError, match="follows none"):
            replace(root, {path: "ours\n"})
    assert (tmp_path / "secret").read_text() == "secret\n"


def test_a_record_reads_back(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    record = Record("0.1.0", HOSTED, {"README.md": sha256("x")})
    (tmp_path / RECORD).write_text(record.text)
    assert read_record(tmp_path) == record


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"README.md"', '"../README.md"'),
        ('"README.md"', '"/etc/passwd"'),
        ('"README.md"', '"a//b"'),
        ('"README.md"', '"a\\u001b[31m"'),
        ('"version": 1', '"version": 2'),
        ('"name": "opt-outs"', '"name": "a\\nb"'),
        ('"name": "opt-outs"', '"name": 7'),
        ('"endpoint": null', '"endpoint": "file:///etc/passwd"'),
        ('"templates": "0.1.0"', '"templates": 1'),
        ('"templates": "0.1.0"', '"templates": "0.1.0\\n::error::"'),
        ("{", "["),
        ("{", '{"a":' + "[" * 5000),
    ],
)
def test_a_hostile_record_is_refused_with_one_line(tmp_path: Path, old: str, new: str) -> None:
    text = Record("0.1.0", SANDBOX, {"README.md": sha256("x")}).text
    assert old in text
    (tmp_path / RECORD).write_text(text.replace(old, new, 1))
    with pytest.raises(CommandError) as caught:
        read_record(tmp_path)
    assert caught.value.code == ExitCode.USAGE
    assert "restore it from Git" in str(caught.value)
    assert str(caught.value).isprintable()
