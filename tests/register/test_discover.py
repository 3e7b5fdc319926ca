"""Which files are the register."""

import os
from pathlib import Path

import pytest

from voiceid_optout.register import Code
from voiceid_optout.register.discover import discover, shown


def test_yaml_files_by_name_in_any_case_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "b.yml",
        "A.YAML",
        "c.yaml",
        ".hidden.yaml",
        "people.yaml~",
        "#b.yml#",
        "notes.txt",
        "b.xml",
        "optouts.schema.json",
    ):
        (tmp_path / name).touch()
    sources, faults = discover(tmp_path, Path("config"))
    assert [source.shown for source in sources] == ["config/A.YAML", "config/b.yml", "config/c.yaml"]
    assert faults == []


def test_the_directory_gives_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    (source,), _ = discover(tmp_path)
    assert source.shown == f"{tmp_path.name}/a.yaml"


def test_nothing_there(tmp_path: Path) -> None:
    _, (fault,) = discover(tmp_path / "config")
    assert (fault.code, str(fault.location)) == (Code.MISSING_DIRECTORY, f"{tmp_path.name}/config:1:1")


def test_no_register_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    _, (fault,) = discover(tmp_path, Path("config"))
    assert (fault.code, str(fault.location)) == (Code.NO_FILES, "config:1:1")


def test_files_at_any_depth_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    for folder in ("team", "eu/de", "eu/fr/paris", ".git", "eu/.cache"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "b.YAML").touch()
        (tmp_path / folder / "notes.txt").touch()
    sources, faults = discover(tmp_path, Path("config"))
    assert len(sources) == 1
    assert [(fault.code, fault.location.file) for fault in faults] == [
        (Code.IN_SUBDIRECTORY, f"config/{folder}/b.YAML") for folder in ("eu/de", "eu/fr/paris", "team")
    ]


@pytest.mark.parametrize("link", ["team", "eu/team"])
def test_a_link_to_a_folder_is_refused_and_not_followed(tmp_path: Path, link: str) -> None:
    folder = tmp_path / "config"
    (folder / "eu").mkdir(parents=True)
    (folder / "a.yaml").touch()
    (folder / link).symlink_to(folder, target_is_directory=True)  # in a circle
    _, (fault,) = discover(folder)
    assert (fault.code, str(fault.location)) == (Code.IN_SUBDIRECTORY, f"config/{link}:1:1")
    assert "links to folders are not followed" in fault.message


@pytest.mark.parametrize(
    "name",
    [
        *("people.yaml.txt", "people.yml.bak", "people.yaml.orig", "people.yaml 2", "people.yaml.YML.txt"),
        *("people.ymal", "people.YAM", "people.yamll", "people.yaml_", "people.yml.j2", "people.yaml,v"),
    ],
)
def test_a_name_that_looks_like_a_register_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").touch()
    (tmp_path / name).touch()
    sources, (fault,) = discover(tmp_path, Path("config"))
    assert len(sources) == 1
    assert (fault.code, str(fault.location)) == (Code.NOT_READ, f"config/{name}:1:1")
    (tmp_path / "team").mkdir()
    (tmp_path / name).rename(tmp_path / "team" / name)
    _, (fault,) = discover(tmp_path, Path("config"))
    assert (fault.code, str(fault.location)) == (Code.IN_SUBDIRECTORY, f"config/team/{name}:1:1")


def test_a_path_is_always_one_printable_line() -> None:
    assert shown(Path("config/two\nlines\x1b.yaml")) == "config/two\\x0alines\\x1b.yaml"
    assert shown(Path(os.fsdecode(b"config/\xff.yaml"))) == "config/\\xff.yaml"
    assert shown(Path("config/Zürich.yaml")) == "config/Zürich.yaml"


def test_a_directory_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "a.yaml").touch()
    real, closed = os.listdir, {tmp_path / "team"}

    def listdir(path: Path) -> list[str]:
        if path in closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    _, (fault,) = discover(tmp_path, Path("config"))
    assert str(fault) == "config/team:1:1: unreadable: cannot be read: Permission denied"
    closed.add(tmp_path)
    sources, (fault,) = discover(tmp_path, Path("config"))
    assert sources == []
    assert str(fault) == "config:1:1: unreadable: cannot be read: Permission denied"
