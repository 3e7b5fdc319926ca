"""docs/benchmarks.md and its picture: written anew from a results folder."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from benchmarks import machine, summary
from benchmarks.bases import CONNECTIONS
from benchmarks.results import Store, best
from benchmarks.tables import Tables, judged, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.results import Result

_NOTES = "machine.json"
_HEAD = """# Benchmarks

<!-- summary -->
<!-- end of summary -->

## How to read the tables
`make bench` wrote this page, and every number was measured. If a cell was not run, the cell says why. All peers use
this project's service, which is started anew for each run on the same machine. All peers get the same people.

- **optout** is this project. `sharded` keeps many people in one resource, and `single` keeps one person in each
  ([decision 5](adr/0005-sharded-resource.md)). Both run on each of the two [engines](engines.md). `up` includes its
  plan.
- **textbook dynamic provider** is `pulumi.dynamic.Resource` as tutorials show it: the provider is in the program,
  each person is a resource, and each call makes a client (`benchmarks/peers/textbook`). It makes no plan first.
- **boto3 in a loop** makes one call a person, one by one or in {connections} threads with a connection each.
  `optout` uses as many connections when there are no quotas. The loop keeps no state, so it asks about everybody or
  calls for everybody. Its preview is a refresh.
- **AWS CLI in a loop** starts one process a call.

A cell shows the seconds of the fastest round, then in brackets the processor seconds of all processes except the
service, then the ratio to `optout`, sharded, embedded engine. A preview reads the state and does not ask the
service. Before a refresh, 1 % of the people were enrolled again in the service. *Italics* mean that the cell was
not run. "Estimated" times come from smaller sizes. Times "by AWS's quota" are the number of calls that a peer
makes, divided by the calls a second that AWS allows.

A claim is judged within one run of `make bench`. Where a peer or a floor was measured, the claim shows the ratio to
it: boto3 in threads, the register alone, the events of PyYAML's C parser, pages read raw, `import pulumi`. Most
ratios are of processor time, which other work on the machine changes least. "Of the limit" is the share of the
limit that was used, so up to 100 % the claim holds. AWS allowed 100,000 people in a domain. A million needs a
service with another [limit](service-storage.md), which `--speakers-per-domain` sets.

## Machine
{facts}

## Claims
{claims}

## Time
{tables}

## Repeat it
`make bench BENCH=--short` measures in one round what the claims need, and then as many of their columns as there is
time for in 40 minutes. `make bench` does not measure again what is already in its results folder, so a run that was
stopped goes on with the same command. `.venv/bin/python -m benchmarks --help` says how to run less, or more often.
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
    summary.write(page, text)
