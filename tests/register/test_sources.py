import os
from pathlib import Path

import pytest

from voiceid_optout.register.faults import Code, Fault, RegisterInvalid
from voiceid_optout.register.sources import MAX_BYTES, Source, discover, read, shown


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


def fault_of(path: Path, root: Path | None = None) -> Fault:
    with pytest.raises(RegisterInvalid) as caught:
        read(Source(path, "config/people.yaml", root or path.parent.resolve()))
    (fault,) = caught.value.faults
    return fault


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_bytes(b"\xef\xbb\xbf- a\n")
    assert read(Source(path, "people.yaml", tmp_path)) == b"- a\n"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"- a\n- b\x07", "2:4"),
        (b"- a\r\n\x00", "2:1"),
        (b"- \xc3\xa9\r- \x7f", "2:3"),
        ("- é\n- é\x85".encode(), "2:4"),
        (b"\xef\xbb\xbf\x1b", "1:1"),
    ],
)
def test_a_control_character_is_shown_where_an_editor_shows_it(tmp_path: Path, data: bytes, place: str) -> None:
    (tmp_path / "people.yaml").write_bytes(data)
    fault = fault_of(tmp_path / "people.yaml")
    assert str(fault).startswith(f"config/people.yaml:{place}: control-character: ")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_wide_encodings_are_named(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "people.yaml").write_text("- a\n", encoding=encoding)
    fault = fault_of(tmp_path / "people.yaml")
    assert fault.code is Code.NOT_UTF8
    assert "UTF-16" in fault.message


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1024 * 1024)
    fault = fault_of(path)
    assert fault.code is Code.TOO_LARGE
    assert fault.message.startswith("65 MB, but at most 64 MB")


def test_a_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "people.yaml"
    path.write_bytes(b"- a\n")
    real = os.fstat

    def then_grow(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        with path.open("ab") as file:
            file.truncate(MAX_BYTES + 1)
        return status

    monkeypatch.setattr(os, "fstat", then_grow)
    assert fault_of(path).code is Code.TOO_LARGE


def test_a_directory_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("folder.yaml", "pipe.yaml"):
        assert fault_of(tmp_path / name).code is Code.NOT_A_FILE


def test_a_link_out_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "secret.yaml").write_text("- a\n")
    (tmp_path / "config" / "people.yaml").symlink_to(tmp_path / "secret.yaml")
    assert fault_of(tmp_path / "config" / "people.yaml").code is Code.OUTSIDE_TREE


def test_a_link_inside_the_tree_is_followed(tmp_path: Path) -> None:
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "people").write_text("- a\n")
    (tmp_path / "people.yaml").symlink_to(".data/people")
    assert read(Source(tmp_path / "people.yaml", "people.yaml", tmp_path.resolve())) == b"- a\n"


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    (tmp_path / "broken.yaml").symlink_to("gone.yaml")
    for name in ("circle.yaml", "broken.yaml"):
        fault = fault_of(tmp_path / name)
        assert fault.code is Code.UNREADABLE
        assert str(tmp_path) not in fault.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text("- a\n")
    path.chmod(0)
    assert str(fault_of(path)) == "config/people.yaml:1:1: unreadable: cannot be read: Permission denied"
