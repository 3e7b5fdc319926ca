"""docs/benchmarks.md: written anew from a results folder."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from benchmarks import machine
from benchmarks.bases import CONNECTIONS
from benchmarks.results import Store, best
from benchmarks.tables import Tables, judged, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.results import Result

_NOTES = "machine.json"
_HEAD = """# Benchmarks

`make bench` wrote this page. Every figure was measured; where something was not run, the cell says why. All peers
work with this project's service, started anew for every run on the same machine, and are given the same people.

- **optout**: this project. `sharded` keeps many people in a resource, `single` has one each
  ([decision 5](adr/0005-sharded-resource.md)); each on both [engines](engines.md). `up` plans, and then does it.
- **textbook dynamic provider**: `pulumi.dynamic.Resource` as tutorials show it: a provider in the program, a
  resource a person, a client a call (`benchmarks/peers/textbook`). It runs without a plan before.
- **boto3 in a loop**: a call a person, in turn or by {connections} threads with a connection each, as many as
  `optout` uses without quotas. It has no state: it asks about everybody, or calls for everybody. A preview is a
  refresh.
- **AWS CLI in a loop**: a process a call.

Seconds are those of the quickest round on the clock, processor seconds of all processes in brackets, the
service's not among them, then the ratio to `optout`, sharded, embedded engine. A preview asks the state, not the
service. In a refresh 1 % of the people had been enrolled behind everybody's back. *Italics*: not run. "quota's
floor" is arithmetic: the calls that a peer makes, divided by what AWS allows.

## Machine
{facts}

## Claims
{claims}

## Time
{tables}

## Again
`make bench` runs everything, in about two hours; what is measured already is not measured again. `make bench
BENCH="--quick"` takes two minutes. `.venv/bin/python -m benchmarks --help` tells how to run less, or more often.
"""


def keep_facts(folder: Path, longest: float) -> None:
    """Note beside the results what was run on, and up to how many seconds a run."""
    notes = {"facts": machine.facts(), "tools": sorted(machine.tools()), "longest": longest}
    (folder / _NOTES).write_text(json.dumps(notes), encoding="utf-8")


def others(results: Sequence[Result]) -> float:
    """Return the share of the processors, over 0 to 1, that everything else on the machine had during the runs."""
    seen = [(result.wall, result.others) for result in results if result.others is not None]
    there = sum(wall for wall, _ in seen) * (os.cpu_count() or 1)
    return sum(used for _, used in seen) / max(there, 1e-9)


def write(page: Path, folder: Path, sizes: Sequence[int]) -> None:
    """Write the page from the results of a folder; raises FileNotFoundError where nothing was ever run."""
    notes: dict[str, Any] = json.loads((folder / _NOTES).read_text(encoding="utf-8"))
    results = list(Store(folder))
    dates = sorted({result.date for result in results}) or ["never"]
    rows = [*notes["facts"].items(), ("measured on", dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}")]
    rows.append(("other work meanwhile", f"{others(results):.0%} of the processors"))
    text = _HEAD.format(
        connections=CONNECTIONS,
        facts=table(["", ""], rows),
        claims=judged(best(results)),
        tables=Tables(results, sizes, notes["longest"], notes["tools"]).all(),
    )
    page.write_text(text, encoding="utf-8")
