"""A stack file changes by one value, and keeps every other line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voiceid_optout.state import ProjectError, config_values
from voiceid_optout.state.stack_file import Sealed, Value, change_config, replaced, write

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
# Production. Ask the privacy team first.
encryptionsalt: v1:abc=:v1:def:ghi
config:
  # where
  p:endpoint: https://voiceid.example.org  # ours
  p:quotas: {optOut: 5}

  p:labelKey:
    secure: v1:one:two
  p:guard:
    maxLosses: 3  # a few
  # the last word
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Pulumi.test.yaml"


def changed(path: Path, text: str, values: dict[str, Value]) -> str:
    path.write_text(text, encoding="utf-8")
    change_config(path, values)
    return path.read_text(encoding="utf-8")


def test_a_new_value_comes_last_and_every_line_stays(path: Path) -> None:
    new = changed(path, TEXT, {"p:region": "eu-central-1"})
    assert new == TEXT.replace("maxLosses: 3  # a few\n", "maxLosses: 3  # a few\n  p:region: eu-central-1\n")


def test_a_value_is_replaced_in_its_place_and_its_comment_stays(path: Path) -> None:
    new = changed(path, TEXT, {"p:endpoint": "https://other.example.org"})
    assert new == TEXT.replace("https://voiceid.example.org", "https://other.example.org")


@pytest.mark.parametrize("key", ["p:labelKey", "p:quotas", "p:guard"])
def test_a_value_of_any_form_is_replaced(path: Path, key: str) -> None:
    document = config_values.load_yaml(changed(path, TEXT, {key: Sealed("v1:three:four")}))
    assert document["config"][key] == {"secure": "v1:three:four"}
    assert {"p:endpoint", "p:quotas", "p:labelKey", "p:guard"} == set(document["config"])


def test_a_value_is_taken_out(path: Path) -> None:
    new = changed(path, TEXT, {"p:labelKey": None})
    assert new == TEXT.replace("  p:labelKey:\n    secure: v1:one:two\n", "")


def test_several_values_change_in_one_write(path: Path) -> None:
    new = changed(path, TEXT, {"p:labelKey": Sealed("v1:new:key"), "p:previousLabelKey": Sealed("v1:one:two")})
    config = config_values.load_yaml(new)["config"]
    assert config["p:labelKey"] == {"secure": "v1:new:key"}
    assert config["p:previousLabelKey"] == {"secure": "v1:one:two"}


def test_to_take_out_what_is_not_there_changes_nothing(path: Path) -> None:
    assert changed(path, TEXT, {"p:other": None}) == TEXT


@pytest.mark.parametrize(
    "text", ["", "config:\n", "encryptionsalt: v1:a:b", "config:   # nothing yet\nother: 1\n", "{}"]
)
def test_a_file_without_config_gets_one(path: Path, text: str) -> None:
    if text == "{}":
        with pytest.raises(ProjectError, match="layout"):
            changed(path, text, {"p:a": "b"})
        assert path.read_text(encoding="utf-8") == text
    else:
        assert config_values.load_yaml(changed(path, text, {"p:a": "b"}))["config"] == {"p:a": "b"}


@pytest.mark.parametrize(
    "value",
    [
        "5",
        "true",
        "null",
        "",
        " x ",
        "a: b",
        "# no comment",
        '{"optOut": 5}',
        "ü\n\t",
        "'",
        '"',
        "1e3",
        "2026-03-02",
        "\u2028",
    ],
)
def test_a_text_reads_back_as_that_text(path: Path, value: str) -> None:
    assert config_values.load_yaml(changed(path, TEXT, {"p:a": value}))["config"]["p:a"] == value


def test_block_texts_and_a_missing_last_line_end_are_no_trouble(path: Path) -> None:
    text = "config:\n  p:note: |\n    one\n    two\n  p:a: b"
    new = changed(path, text, {"p:note": "short", "p:c": "d"})
    assert config_values.load_yaml(new)["config"] == {"p:note": "short", "p:a": "b", "p:c": "d"}


@pytest.mark.parametrize("text", ["config: {p:a: b}\n", "config: &here\n  p:a: b\nother: *here\n", "config: [1]\n"])
def test_a_layout_that_is_not_known_is_left_alone_and_says_what_to_type(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=r"write it by hand, under `config:`:\n  p:z: y"):
        change_config(path, {"p:z": "y"})
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("key", ["no-namespace", "p:", "p:a b", "p:a\nb: c"])
def test_a_key_has_a_namespace_and_no_blanks(path: Path, key: str) -> None:
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(ProjectError, match="no config key"):
        change_config(path, {key: "x"})


def test_a_file_that_cannot_be_read_is_one_error(path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot read"):
        change_config(path, {"p:a": "b"})
    path.write_bytes(b"\xff")
    with pytest.raises(ProjectError, match="not UTF-8"):
        change_config(path, {"p:a": "b"})


def test_sealed_texts_are_replaced_where_they_stand(path: Path) -> None:
    path.write_text(TEXT, encoding="utf-8")
    write(path, replaced(path, {"v1:one:two": "v1:three:four", "v1:abc=:v1:def:ghi": "v1:x:v1:y:z"}))
    assert path.read_text(encoding="utf-8") == TEXT.replace("one:two", "three:four").replace(
        "abc=:v1:def:ghi", "x:v1:y:z"
    )


def test_a_sealed_text_that_does_not_stand_once_is_refused(path: Path) -> None:
    path.write_text(TEXT + "# v1:one:two\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="once"):
        replaced(path, {"v1:one:two": "v1:three:four"})


def test_a_key_without_its_prefix_gets_it(path: Path) -> None:
    path.write_text("config:\n  a: 1  # one\n  q:b: 2\n  b: 3\n", encoding="utf-8")
    change_config(path, {"p:a": "x", "p:b": None, "q:b": "y"}, "p")
    assert config_values.load_yaml(path.read_text(encoding="utf-8")) == {"config": {"p:a": "x", "q:b": "y"}}
