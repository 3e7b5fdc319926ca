"""``python -m tests.torture [PART ...]``: does many times what the tests repeat, and writes it down.

A part whose record has the present count is skipped, so a run that was cut short goes on where it was; ``--again``
repeats it. The records are kept in results.json, and docs/reliability.md is made from them: ``--page`` does only
that. Several may run side by side, each with parts of its own.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import torture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORDS = HERE / "results.json"
FOUND = HERE / "found.md"
PAGE = ROOT / "docs" / "reliability.md"
NOTHING = "There is no record yet. `make torture` makes it.\n"
_SECTION = r"(?<=<!-- {0} -->\n).*(?=<!-- end of {0} -->)"

Record = dict[str, Any]


def read(file: Path) -> dict[str, Record]:
    """Return the records by part; those of parts that are no more are left out."""
    records = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return {record["part"]: record for record in records if record["part"] in torture.PARTS}


def keep(new: Iterable[Record], file: Path, *, failed: str | None = None) -> None:
    """Put records into the file, and remove a failed part's. A smaller count does not replace a larger."""
    with _alone(file.parent):
        records = read(file)
        for record in new:
            if record["asked"] >= records.get(record["part"], record)["asked"]:
                records[record["part"]] = record
        records = {part: record for part, record in records.items() if part != failed}
        lines = ",\n".join(json.dumps(records[part]) for part in torture.PARTS if part in records)
        file.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make others who write the same files wait."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def renewed(page: str, records: dict[str, Record], found: str) -> str:
    """Return the page with the table of these records and these faults."""
    for section, text in (("records", _table(records)), ("found", found.strip() + "\n")):
        pattern = re.compile(_SECTION.format(section), re.DOTALL)
        page = pattern.sub(lambda _, text=text: f"\n{text}\n", page)  # type: ignore[misc]
    return page


def _table(records: dict[str, Record]) -> str:
    if not records:
        return NOTHING
    lines = ["| Part | What was repeated | Times | Counted | Seed | Date | Minutes |"]
    lines += ["| --- | --- | ---: | --- | ---: | --- | ---: |"]
    for part, about in torture.PARTS.items():
        if part in records:
            record = records[part]
            counted = ", ".join(f"{word.replace('_', ' ')} {count:,}" for word, count in record["counts"].items())
            cells = [f"`{part}`", about.counts, f"{record['asked']:,}", counted, str(record["seed"])]
            lines.append(f"| {' | '.join([*cells, record['date'], str(round(record['seconds'] / 60))])} |")
    return "\n".join(lines) + "\n"


def write_page() -> None:
    """Make the page anew from what is kept."""
    found = FOUND.read_text(encoding="utf-8") if FOUND.exists() else "None yet."
    with _alone(HERE):
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), read(RECORDS), found), encoding="utf-8")


def run(part: str) -> list[Record]:
    """Run the tests of a part in the long form; returns what they wrote down, or nothing if they failed."""
    tests = torture.PARTS[part].tests
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "OPTOUT_TORTURE": folder}
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-x", "-p", "no:cacheprovider", tests]
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            return []
        return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(Path(folder).glob("*.json"))]


def main(arguments: list[str] | None = None) -> int:
    """Run the parts one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=", ".join(torture.PARTS) + "; all if none is named"
    )
    parser.add_argument("--again", action="store_true", help="repeat parts that have a record")
    parser.add_argument("--page", action="store_true", help="only write docs/reliability.md from the records")
    given = parser.parse_args(arguments)
    if unknown := [part for part in given.parts if part not in torture.PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}. The parts are {', '.join(torture.PARTS)}.")
    parts = [] if given.page else given.parts or [*torture.PARTS]
    failed, recorded = [], set[str]()
    for number, part in enumerate(parts, 1):
        done = read(RECORDS).get(part)
        if part in recorded or (done and done["asked"] >= torture.count(part, long=True) and not given.again):
            print(f"[{number}/{len(parts)}] {part}: has a record", flush=True)
            continue
        print(f"[{number}/{len(parts)}] {part}: {torture.PARTS[part].tests}", flush=True)
        begun = time.monotonic()
        records = run(part)
        recorded |= {record["part"] for record in records}
        if part not in recorded:
            failed.append(part)
        keep(records, RECORDS, failed=part if part in failed else None)
        write_page()
        took = f"{(time.monotonic() - begun) / 60:.1f} minutes"
        print(
            f"[{number}/{len(parts)}] {part}: {'FAILED, no record' if part in failed else 'done'}, {took}",
            flush=True,
        )
    write_page()
    if failed:
        print(f"failed: {', '.join(failed)}. The seed is printed above; OPTOUT_SEED repeats it.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
