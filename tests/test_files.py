from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.bench import unmeasured
from tests.tables import each_row
from voiceid_optout.files import (
    MAX_CONFIG_VALUES,
    MAX_DEPTH,
    MAX_JSON_DEPTH,
    TooMuchError,
    check_yaml,
    make_folder,
    name_again,
    read_json,
    remove,
    sync_folder,
    write_atomic,
)

FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from voiceid_optout.files import write_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, unlimited[1]))
try:
    write_atomic(Path(sys.argv[1]), b"x" * 1000)
except OSError as error:
    print(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)  # what measures coverage writes at the end
"""


def names(folder: Path) -> set[str]:
    return {item.name for item in folder.iterdir()}


def test_makes_the_folder_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "state.json"
    write_atomic(path, b"one")
    assert path.read_bytes() == b"one"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(path.parent) == {"state.json"}


def test_replaces_content_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"a long one")
    write_atomic(path, b"two", 0o644)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_reader_keeps_what_it_opened(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"before")
    with path.open("rb") as stream:
        write_atomic(path, b"after")
        assert stream.read() == b"before"


def test_the_file_is_on_disk_before_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash leaves one file whole only if the content is forced out before the rename, and that after it."""
    done: list[tuple[str, int]] = []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        done.append(("sync", os.fstat(handle).st_ino))
        fsync(handle)

    def replaced(source: str, target: Path) -> None:
        done.append(("replace", Path(source).stat().st_ino))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    path = tmp_path / "state.json"
    write_atomic(path, b"one")
    file, folder = path.stat().st_ino, tmp_path.stat().st_ino
    assert done == [("sync", file), ("replace", file), ("sync", folder)]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"before")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True, env=_here()
    )
    assert done.stdout.strip() == "27"  # EFBIG
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == {"state.json"}


def _here() -> dict[str, str]:
    return {**unmeasured(), "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_place_that_is_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomic(path, b"x")
    assert names(tmp_path) == {"state.json"}


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"")
    with pytest.raises(OSError, match="folder"):
        write_atomic(tmp_path / "folder" / "state.json", b"x")


def test_each_folder_that_is_made_is_synced_into_the_one_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("voiceid_optout.files.sync_folder", synced.append)
    make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "c")
    assert synced[2:] == [tmp_path / "a"]


def test_what_is_removed_is_gone_for_good_before_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("voiceid_optout.files.sync_folder", synced.append)
    (tmp_path / "a").touch()
    remove(tmp_path / "a")
    remove(tmp_path / "a")
    assert synced == [tmp_path]
    assert not (tmp_path / "a").exists()


def test_only_a_folder_that_exists_can_be_synced(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")


def test_a_second_name_outlives_what_the_first_is_replaced_by(tmp_path: Path) -> None:
    first, second = tmp_path / "state.json", tmp_path / "kept" / "state.json"
    write_atomic(first, b"one")
    name_again(second, first)
    assert first.samefile(second)
    write_atomic(first, b"two")
    assert second.read_bytes() == b"one"
    assert names(second.parent) == {"state.json"}


def test_a_second_name_replaces_what_had_it(tmp_path: Path) -> None:
    first, second = tmp_path / "state.json", tmp_path / "state.json.bak"
    for content in (b"one", b"two", b"two"):
        write_atomic(first, content)
        name_again(second, first)
        name_again(second, first)
        assert second.read_bytes() == content
    assert names(tmp_path) == {"state.json", "state.json.bak"}


def test_without_hard_links_it_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    first, second = tmp_path / "state.json", tmp_path / "state.json.bak"
    write_atomic(first, b"one")
    name_again(second, first)
    assert second.read_bytes() == b"one"
    assert not first.samefile(second)
    assert names(tmp_path) == {"state.json", "state.json.bak"}


def test_what_is_not_there_gets_no_second_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        name_again(tmp_path / "state.json.bak", tmp_path / "state.json")


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


@each_row("text", ["", "a: 1", f"{'[' * MAX_DEPTH}{']' * MAX_DEPTH}", "base: &b {a: 1}\nuse: {<<: *b}\n"])
def test_yaml_within_bounds(text: str) -> None:
    check_yaml(text)


@each_row(
    ("text", "words"),
    [
        ("[" * 20_000, f"nested more than {MAX_DEPTH} levels deep"),
        ("a:\n" + "".join(f"{' ' * n}b:\n" for n in range(1, 30)), "levels deep"),
        (f"[{'x,' * (MAX_CONFIG_VALUES + 1)}]", f"more than {MAX_CONFIG_VALUES:,} values"),
        ("a: *nowhere", "has an alias of what is not there"),
        ("a: &a [*a]", "has an alias of what is not there, or not yet complete"),
        (BOMB, "values, counting what aliases stand for"),
        (
            "".join(f"a{n}: &a{n} [*a{n - 1}]\n" if n else "a0: &a0 []\n" for n in range(20)),
            "levels deep, counting",
        ),
    ],
)
def test_yaml_beyond_a_bound(text: str, words: str) -> None:
    with pytest.raises(TooMuchError) as error:
        check_yaml(text)
    assert words in (error.value.problem or "")
    assert error.value.problem_mark is not None


def test_what_is_no_yaml_is_the_parsers_to_say() -> None:
    with pytest.raises(yaml.YAMLError):
        check_yaml("a: [")


@each_row(
    ("text", "document"),
    [
        (b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ("1", 1),
        ('"x"', "x"),
        (r'"\ud83d\ude00 \u00e9"', "\U0001f600 \u00e9"),
        ('"\ud55c"'.encode(), "\ud55c"),
        ("[]", []),
        (f"{'[' * MAX_JSON_DEPTH}{']' * MAX_JSON_DEPTH}", ...),
    ],
)
def test_json(text: str | bytes, document: Any) -> None:
    assert document in (..., read_json(text))


@each_row(
    "text",
    [
        "",
        "{",
        b"\xff",
        "[" * 100_000,
        f"{'[' * 100_000}{']' * 100_000}",
        f"{'[' * (MAX_JSON_DEPTH + 1)}{']' * (MAX_JSON_DEPTH + 1)}",
        "1" * 5_000,
        "1e999",
        "NaN",
        "-Infinity",
        r'"\ud800"',
        rb'{"\uDFFF": 1}',
        '"\ud800"',
        b'"\xed\xa0\x80"',
    ],
)
def test_json_that_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        read_json(text)


def test_a_negative_zero_stays_one() -> None:
    negative, zero, *_ = read_json("[-0, 0, -10]")
    assert (math.copysign(1, negative), type(zero)) == (-1, int)
