# ruff: noqa: E501 - rows of pieces, which read best as rows
"""Files changed at random: bytes, lines, and members of what is JSON, with what parsers are known to fall over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

MARK = "zqplanted"
"""Is part of every identifier in the files that are mutated: it must come back in nothing that is printed."""
STRAY = "zqstray"
"""Is part of identifiers that mutations put somewhere. A register may have them anywhere; elsewhere they are text."""

_LAUGHS = "\n".join(
    ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
).encode()
PIECES = (
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\xef\xbb\xbf", b"\xff\xfe", b"\xe2\x80\xa8", b"\xc2\x85"),
    *(b"\r", b"\n", b"\r\n", b"\t", b" ", b"\x1b[31m", b"\x7f", b"\x0b", "\u202e".encode(), "\U0001f600".encode()),
    *(b"---\n", b"...\n", b"%YAML 9.9\n", b"%TAG ! x\n", b"? ", b": ", b"- ", b"-", b"# ", b"!", b"!!binary x", b"| ", b">-\n"),
    *(b"!!python/object/apply:os.system ['touch trap']", b"!!set", b"<<: *x", b"&a ", b"*a", b"&a [*a]", b"{", b"}", b"[", b"]"),
    *(b"null", b"true", b"~", b"0", b"-1", b"1e999", b"-1e999", b".inf", b".nan", b"NaN", b"0x1F", b"0o17", b"1_000", b"12:30:45"),
    *(b"9" * 400, b"9" * 5_000, b"1." + b"0" * 400, b"2026-02-30", b"9999-99-99", b"''", b'""', b"'", b'"', b",", b";", b"=", b"@", b"`"),
    *(b"[" * 3_000, b"{" * 3_000, b"- " * 2_000, b"? " * 500, b'{"a":' * 2_000, b"[" * 100_000, b"x" * 20_000, _LAUGHS),
    *(b"id", b"id: ", b"domain: ", b"speakers:", b"released:", b"../../trap", b"/etc/passwd", b"file:///etc/passwd", b"${HOME}", b"$(touch trap)"),
    f"{STRAY}-1".encode(),
    f"id: {STRAY}-2\n".encode(),
)  # fmt: skip
JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, 2**63, "", "x", "\u0000", "\ud800", "ß" * 300, f"{STRAY}-3", "../../trap"),
    *([], {}, [None], [[]], {"": None}, {"__proto__": {}}, "9" * 400, -0.0, 1e308, "id#" + "x" * 22, "1970-01-01"),
)  # fmt: skip
_LONG = 1_000_000
_LARGEST = 5_000_000  # a changed line may be repeated, and the next change again


def mutant(dice: random.Random, files: Sequence[bytes]) -> bytes:
    """Return one of the files, changed in one to five places."""
    data = dice.choice(files)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 5))):
        data = dice.choices(_WAYS, _WEIGHTS)[0](dice, data, files)[:_LARGEST]
    return data


def _place(dice: random.Random, data: bytes) -> int:
    """Return where something happens: anywhere, or where a word begins."""
    at = dice.randrange(len(data) + 1)
    if dice.random() < 0.6:
        while 0 < at < len(data) and data[at - 1 : at] not in b" \n:,[{\"'":
            at += 1
    return at


def _insert(dice: random.Random, data: bytes, _files: Sequence[bytes]) -> bytes:
    at = _place(dice, data)
    return data[:at] + dice.choice(PIECES) + data[at:]


def _replace(dice: random.Random, data: bytes, _files: Sequence[bytes]) -> bytes:
    at = _place(dice, data)
    return data[:at] + dice.choice(PIECES) + data[at + dice.randint(1, 20) :]


def _bytes(dice: random.Random, data: bytes, _files: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(data) + 1)
    match dice.randrange(4):
        case 0:
            return data[:at] + dice.randbytes(dice.randint(1, 8)) + data[at:]
        case 1:
            return data[:at] + data[at + dice.randint(1, 40) :]
        case 2:
            return data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
    return data[:at]


def _lines(dice: random.Random, data: bytes, files: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    at = dice.randrange(len(lines))
    match dice.randrange(6):
        case 0:
            lines[at:at] = [lines[at]] * min(dice.choice((1, 2, 200)), 1 + _LARGEST // (len(lines[at]) + 1))
        case 1:
            del lines[at]
        case 2:
            lines[at] = dice.choice((b" ", b"  ", b"\t", b"- ")) + lines[at]
        case 3:
            lines[at] = lines[at].lstrip()
        case 4:
            lines[at:at] = [dice.choice(dice.choice(files).splitlines(keepends=True) or [b""])]
        case _:
            dice.shuffle(lines)
    return b"".join(lines)


def _splice(dice: random.Random, data: bytes, files: Sequence[bytes]) -> bytes:
    other = dice.choice(files)
    return data[: dice.randrange(len(data) + 1)] + other[dice.randrange(len(other) + 1) :]


def _long(dice: random.Random, data: bytes, _files: Sequence[bytes]) -> bytes:
    at = _place(dice, data)
    return (
        data[:at] + dice.choice((b"x", b" ", b"9", b"\n", b"- a\n", b"'", b"\\", b"a,")) * (_LONG // 3) + data[at:]
    )


def _member(dice: random.Random, data: bytes, files: Sequence[bytes]) -> bytes:
    """Change a member of JSON, whatever its depth; of each line where each line is JSON."""
    lines = data.splitlines(keepends=True)
    number = dice.randrange(len(lines)) if len(lines) > 1 and lines[0].startswith(b'{"base"') else None
    try:
        document = json.loads(data if number is None else lines[number])
    except (ValueError, RecursionError):
        return _replace(dice, data, files)
    changed = json.dumps(_changed(dice, document), ensure_ascii=dice.random() < 0.8).encode(errors="surrogatepass")
    if number is None:
        return changed
    return b"".join([*lines[:number], changed + b"\n", *lines[number + 1 :]])


def _changed(dice: random.Random, value: Any) -> Any:
    inner = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not inner or dice.random() < 0.12:
        return dice.choice((*JUNK, [value], {"a": value}))
    key = dice.choice(inner)
    if dice.random() < 0.75:
        value[key] = _changed(dice, value[key])
    elif dice.random() < 0.5:
        del value[key]
    elif isinstance(value, dict):
        value[dice.choice((*inner, "", "x", f"{STRAY}-4", "__type"))] = value[dice.choice(inner)]
    else:
        value.insert(key, value[dice.choice(inner)])
    return value


_CHANGES: dict[Callable[[random.Random, bytes, Sequence[bytes]], bytes], float] = {
    _insert: 30,
    _replace: 15,
    _bytes: 15,
    _lines: 15,
    _splice: 8,
    _member: 16,
    _long: 0.3,
}
_WAYS, _WEIGHTS = list(_CHANGES), list(_CHANGES.values())
