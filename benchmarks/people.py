"""A copy of the project with as many invented people as wanted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cells import FULL
from voiceid_optout.engine.interface import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROJECT = Path(__file__).parents[1]
DOMAIN = "BenchmarkDomain0000000"
STACK = "bench"
_FULL = "- id: {}\n  requested_on: 2026-03-02\n  reason: objection\n  ticket: PRIV-{}\n"
_START = 1_772_400_000  # of the history: 1 March 2026
_UNPACED = dict.fromkeys(("optOut", "describe", "delete", "list"), 10**6)


def make(root: Path, count: int, *, grouping: str = "single", paced: bool = False) -> Path:
    """Write a project with this many people; ``paced`` keeps to AWS's quotas."""
    (root / "config").mkdir(parents=True)
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(PROJECT / name, root)
    (root / ".venv").symlink_to(sys.prefix)
    (root / "state").mkdir()
    settle(root, grouping=grouping, paced=paced)
    write(root, count)
    return root


def settle(root: Path, *, grouping: str, paced: bool) -> None:
    """Write the stack file anew."""
    settings = "".join(
        f"  voiceid-optout:{key}: {json.dumps(value)}\n" for key, value in _settings(grouping, paced=paced).items()
    )
    path = root / f"Pulumi.{STACK}.yaml"
    known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    salt = "".join(f"{line}\n" for line in known if line.startswith("encryptionsalt:"))
    path.write_text(f"{salt}config:\n{settings}", encoding="utf-8")


def speaker_id(number: int) -> str:
    """Return the id of an invented person."""
    return f"caller-{number:06}"


def write(root: Path, count: int) -> None:
    """Write the register, bare ids."""
    _write(root, (f"- {speaker_id(number)}\n" for number in range(count)))


def write_full(root: Path, count: int) -> None:
    """Write the register with all that an entry can say, in files that may be so large."""
    for start in range(0, count, FULL):
        last = min(start + FULL, count)
        lines = (_FULL.format(speaker_id(number), number) for number in range(start, last))
        _write(root, lines, "people.yaml" if last == count else f"people-{start // FULL}.yaml")


COMMITS = 500
FILES = 20


def commit(root: Path, count: int) -> None:
    """Write the register with all that an entry can say, in some files, and its history: half came first."""
    (root / "config" / "people.yaml").unlink()
    git = ["git", "-C", str(root)]
    subprocess.run([*git, "init", "--quiet", "--initial-branch", "main"], check=True)
    with subprocess.Popen([*git, "fast-import", "--quiet"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for part in _history(count):  # a million people's is two gigabytes
            process.stdin.write(part)
    if process.returncode:
        raise SystemExit("git fast-import fails")
    subprocess.run([*git, "reset", "--quiet", "--hard"], check=True)


def _history(count: int) -> Iterator[bytes]:
    files = min(FILES, count // 2)  # each begins with somebody
    texts = [bytearray(b"speakers:\n") for _ in range(files)]
    for number in range(COMMITS):
        ends = [count // 2 + (count - count // 2) * place // (COMMITS - 1) for place in (number - 1, number)]
        first, last = (0 if number == 0 else ends[0]), ends[1]
        changed = range(files) if number == 0 else [number % files]
        for one in range(first, last):
            texts[changed[one % len(changed)]] += _FULL.format(speaker_id(one), one).encode()
        yield f"commit refs/heads/main\ncommitter bench <> {_START + number * 3600} +0000\ndata 6\npeople".encode()
        for file in changed:
            yield f"\nM 100644 inline config/people-{file:02}.yaml\ndata {len(texts[file])}\n".encode()
            yield bytes(texts[file])
        yield b"\n"


def _write(root: Path, lines: Iterable[str], name: str = "people.yaml") -> None:
    with (root / "config" / name).open("w", encoding="utf-8") as file:
        file.writelines(lines)


def request(root: Path, environment: dict[str, str]) -> Request:
    """Ask for a run on the project that reads nothing from the service."""
    return Request(root=root, stack=STACK, backend=root / "state", environment=environment, refresh=False)


def config() -> dict[str, str]:
    """Return the stack's config as a program gets it: texts, by full name."""
    return {
        f"voiceid-optout:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in _settings("single", paced=False).items()
    }


def _settings(grouping: str, *, paced: bool) -> dict[str, object]:
    quotas = {} if paced else {"quotas": _UNPACED}
    # The domain's id makes a label in the same time as a secret key, which no copy of a project would share.
    return {
        "region": "us-east-1",
        "domain": DOMAIN,
        "grouping": grouping,
        "guessableLabels": True,
        **quotas,
    }


if __name__ == "__main__":
    commit(Path(sys.argv[1]), int(sys.argv[2]))
