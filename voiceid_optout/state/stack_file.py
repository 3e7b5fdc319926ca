"""Changes the config in a stack file and leaves every other line as it is.

The text is edited, not written anew, because people keep comments in it. What comes out is read back before it is
written: a file whose layout this module does not know stays untouched, and the error says what to type into it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from voiceid_optout.files import write_atomic
from voiceid_optout.state import ProjectError
from voiceid_optout.state.config_values import load_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEY = re.compile(r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+")
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret value as the file holds it: the ciphertext."""

    ciphertext: str


Value = str | Sealed | None  # None takes the key out


def change_config(path: Path, values: Mapping[str, Value], project: str = "") -> None:
    """Set or remove config values by their full keys, ``project:key``, in one write.

    A key of ``project`` that stands there without its prefix gets it.

    Raises :class:`ProjectError` for a key that is none, for a file that cannot be read or written, and for a layout
    that keeps the change from being read back.
    """
    for key in values:
        if not _KEY.fullmatch(key):
            raise ProjectError(f"{key!r} is no config key: it is `namespace:name`, without blanks")
    text = _read(path)
    new = text
    for key, value in values.items():
        new = _changed(new, key, value, project)
    if _normal(_load(new)) != _expected(_load(text), values, project):
        lines = "\n".join(_lines(key, value) for key, value in values.items() if value is not None)
        raise ProjectError(
            f"{path} has a layout that cannot be changed here; write it by hand, under `config:`:\n{lines}"
        )
    write(path, new)


def replaced(path: Path, replacements: Mapping[str, str]) -> str:
    """Return the file's text with other texts in the place of ciphertexts and of the salt.

    Raises :class:`ProjectError` when one of them does not stand there once, or the file cannot be read.
    """
    text = _read(path)
    for old, new in replacements.items():
        if text.count(old) != 1:
            raise ProjectError(f"{path} does not hold each of its secrets once, on one line: write them so")
        text = text.replace(old, new)
    return text


def write(path: Path, text: str) -> None:
    """Replace the file in one step; raises :class:`ProjectError`."""
    try:
        write_atomic(path, text.encode(), 0o644)
    except OSError as error:
        raise ProjectError(f"cannot write {path}: {error.strerror}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None


def _load(text: str) -> Any:
    try:
        return load_yaml(text)
    except (yaml.YAMLError, ValueError):
        return None


def _expected(document: Any, values: Mapping[str, Value], project: str) -> Any:
    """Return the document as it must read afterwards; no config and an empty one are the same."""
    config = dict(_normal(document)["config"])
    for key, value in values.items():
        for name in _names(key, project):
            config.pop(name, None)
        if value is not None:
            config[key] = {"secure": value.ciphertext} if isinstance(value, Sealed) else value
    return {**_normal(document), "config": config}


def _normal(document: Any) -> dict[str, Any]:
    content = document if isinstance(document, dict) else {}
    config = content.get("config")
    return {**content, "config": config if isinstance(config, dict) else {}}


def _names(key: str, project: str) -> tuple[str, str]:
    """Return the ways to write a key in the file."""
    return key, key.removeprefix(f"{project}:")


def _changed(text: str, key: str, value: Value, project: str) -> str:
    """Return the text with one value changed; as it is where its layout is unknown."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    config = _value_of(root, "config")
    if config is None:
        return text if value is None else f"{_ended(text)}config:\n{_lines(key, value)}"
    if isinstance(config, yaml.ScalarNode) and not config.value:  # `config:` and nothing below it
        at = _line_end(text, config.start_mark.index)
        return text if value is None else f"{_ended(text[:at])}{_lines(key, value)}{text[at:]}"
    if not isinstance(config, yaml.MappingNode) or config.flow_style or not config.value:
        return text
    indent = " " * config.value[0][0].start_mark.column
    for name, held in config.value:
        if name.value in _names(key, project):
            start, end = name.start_mark.index, _end(text, held)
            if value is not None:
                return f"{text[:start]}{_lines(key, value, indent).strip()}{text[end:]}"
            first = text.rfind("\n", 0, start) + 1
            return text[:first] + text[_line_end(text, end) :]
    if value is None:
        return text
    at = _line_end(text, _end(text, config))
    return f"{_ended(text[:at])}{_lines(key, value, indent)}{text[at:]}"


def _value_of(node: Any, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _end(text: str, node: yaml.Node) -> int:
    """Return where a value's text ends: the marks of block collections lie behind the comments that follow."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    return len(text[: node.end_mark.index].rstrip("\n"))  # a block scalar ends behind its last line break


def _line_end(text: str, index: int) -> int:
    """Return where the line that holds this place ends, its line break included."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _lines(key: str, value: Value, indent: str = _INDENT) -> str:
    if isinstance(value, Sealed):
        return f"{indent}{key}:\n{indent}{_INDENT}secure: {value.ciphertext}\n"
    return f"{indent}{key}: {scalar(str(value))}\n"


def scalar(text: str) -> str:
    """Return a text as YAML: bare where it reads back as the same text, else in double quotes."""
    plain = re.fullmatch(r"[A-Za-z0-9/_.+-]+(?::[A-Za-z0-9/_.+-]+)*", text) and _load(text) == text
    return text if plain else json.dumps(text, ensure_ascii=False)
