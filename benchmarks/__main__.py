"""``python -m benchmarks``: this project and its peers side by side."""

from __future__ import annotations

import signal
from fnmatch import fnmatch
from pathlib import Path

import click

from benchmarks import claims, machine, page
from benchmarks.cells import SIZES, Cell, Quotas, grid
from benchmarks.people import PROJECT
from benchmarks.results import Store, best
from benchmarks.runner import Runner

_HELP = """Run this project and its peers side by side against its own service, and write docs/benchmarks.md.

Every cell of the tables is one run: peer/phase/people/quotas, such as sharded/preview/100000/none. Results are kept
as lines of JSON in the folder of --results. A run that is cut short, or started again, goes on with the cells that
are missing; another folder starts afresh. What runs begin with lies there too, 2 GB in all.

\b
Peers, phases: see docs/benchmarks.md. `pulumi` on PATH and the AWS CLI (OPTOUT_AWS_CLI names a Python with
awscli; `make bench` sets it) are measured if they are there.

\b
Examples
  python -m benchmarks                                   everything; two hours
  python -m benchmarks --quick                           10 people, every peer; under two minutes
  python -m benchmarks --only 'sharded*/preview/*'       some cells; patterns as in a shell
  python -m benchmarks --claim writes --rounds 3         what one claim needs, and whether it holds
  python -m benchmarks --sizes 10,1000 --list            what would be run
  python -m benchmarks --report                          the page anew, from what is there

Exit codes: 0 done, 1 a claim that was asked for by --claim does not hold, 2 wrong usage.
"""


def _sizes(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.replace("_", "").split(","))
    except ValueError:
        raise click.BadParameter("numbers of people with commas between them, such as 10,1000") from None
    if not sizes or not all(1 < size <= claims.FULL for size in sizes):
        raise click.BadParameter(f"a domain has 2 to {claims.FULL:,} people here")
    return sizes


@click.command(help=_HELP)
@click.option(
    "--results",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=PROJECT / ".benchmarks",
    help="Folder of the results and of what runs begin with.  [default: .benchmarks]",
)
@click.option(
    "--sizes", callback=_sizes, default=",".join(map(str, SIZES)), show_default=True, help="Numbers of people."
)
@click.option("--only", "patterns", multiple=True, metavar="PATTERN", help="Only cells that match one. Repeatable.")
@click.option(
    "--claim",
    "names",
    multiple=True,
    type=click.Choice(list(claims.CLAIMS)),
    help="Only what a claim needs. Repeatable.",
)
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Runs of a cell; long ones run once."
)
@click.option(
    "--longest",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="Seconds; cells that take longer are not run.",
)
@click.option(
    "--quick", is_flag=True, help="10 people, no quotas, one round, a page of its own beside the results."
)
@click.option("--list", "listing", is_flag=True, help="Name the cells and run none.")
@click.option("--report", "reporting", is_flag=True, help="Run nothing; write the page.")
@click.option(
    "--page",
    "page_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=PROJECT / "docs" / "benchmarks.md",
    help="Where the tables go.  [default: docs/benchmarks.md]",
)
def main(
    *,
    folder: Path,
    sizes: tuple[int, ...],
    patterns: tuple[str, ...],
    names: tuple[str, ...],
    rounds: int,
    longest: int,
    quick: bool,
    listing: bool,
    reporting: bool,
    page_file: Path,
) -> None:
    """Choose the cells, run them, write the page."""
    if quick:
        folder, sizes, rounds, page_file = folder / "quick", (10,), 1, folder / "quick" / "benchmarks.md"
    cells = _chosen(sizes, patterns, names, quick=quick)
    if not cells:
        raise click.UsageError("no cell matches; --list shows what there is")
    if listing:
        click.echo("\n".join(cell.key for cell in cells))
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        store = Store(folder)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    tools = machine.tools()
    if not reporting:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # both ways to stop leave nothing running
        page.keep_facts(folder, longest)
        try:
            Runner(folder, store, longest, tools, click.echo).run(cells, rounds)
        except KeyboardInterrupt:
            click.echo("Stopped; the same command goes on from here.")
            raise SystemExit(130) from None
    try:
        page.write(page_file, folder, sizes)
    except FileNotFoundError:
        raise click.UsageError(f"{folder} holds no results; leave --report out to measure") from None
    click.echo(f"Wrote {page_file}")
    if not _hold(store, names):
        raise SystemExit(1)


def _chosen(
    sizes: tuple[int, ...], patterns: tuple[str, ...], names: tuple[str, ...], *, quick: bool
) -> list[Cell]:
    """Return the cells to run, each once; the claims' own beside those of the tables."""
    wanted = [cell for name in names or claims.CLAIMS for cell in claims.CLAIMS[name].cells]
    if names:
        cells = sorted(wanted, key=lambda cell: cell.people)
    else:
        tables = grid(sizes, (Quotas.NONE,) if quick else tuple(Quotas))
        # A claim about a size that was not asked for is not looked into.
        extra = [cell for cell in wanted if cell.people <= max(sizes)] if not quick else []
        cells = [*tables, *(cell for cell in extra if cell not in set(tables))]
    chosen = dict.fromkeys(cell for cell in cells if _matches(cell, patterns))
    return list(chosen)


def _matches(cell: Cell, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatch(cell.key, pattern) for pattern in patterns)


def _hold(store: Store, names: tuple[str, ...]) -> bool:
    """Print the claims; return whether those that were asked for hold."""
    results = best(store)
    held = True
    for name, claim in claims.CLAIMS.items():
        verdict = claims.verdict(claim, results)
        if verdict is not None and (not names or name in names):
            click.echo(
                f"{'holds ' if verdict.holds else 'BROKEN'}  {name}: {verdict.measured}  (limit: {claim.limit})"
            )
        if name in names:
            held = held and verdict is not None and verdict.holds
    return held


if __name__ == "__main__":
    main()
