"""Files that cannot be read as text."""

import os
from pathlib import Path

import pytest

from voiceid_optout.register import Code, Fault, RegisterInvalid
from voiceid_optout.register.discover import Source
from voiceid_optout.register.source import MAX_BYTES, read


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
