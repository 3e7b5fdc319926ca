"""``python -m benchmarks``: this project and its peers side by side."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from benchmarks import charts, claims, machine, page, selection
from benchmarks.cells import SIZES, Cell, Quotas
from benchmarks.judging import verdict
from benchmarks.people import PROJECT
from benchmarks.results import Store, best
from benchmarks.runner import Runner

SHORT_MINUTES = 40
_HELP = """Run this project and its peers side by side against its own service, and write docs/benchmarks.md.

Every cell of the tables is one run: peer/phase/people/quotas, such as sharded/preview/100000/none. Results are kept
as lines of JSON in the folder of --results. A run that is cut short, or started again, goes on with the cells that
are missing; another folder starts afresh. What runs begin with lies there too, 5 GB in all. A cell that fails says
so in the tables, and the others go on.

\b
Peers, phases: see docs/benchmarks.md. `pulumi` on PATH and the AWS CLI (OPTOUT_AWS_CLI names a Python with
awscli; `make bench` sets it) are measured if they are there.

\b
Examples
  python -m benchmarks                                   everything; three hours
  python -m benchmarks --short                           every claim and its columns; at most 40 minutes
  python -m benchmarks --quick                           10 people, every peer; under two minutes
  python -m benchmarks --only 'sharded*/preview/*'       some cells; patterns as in a shell
  python -m benchmarks --claim writes --rounds 3         what one claim needs, and whether it holds
  python -m benchmarks --sizes 10,1000 --list            what would be run
  python -m benchmarks --again 'sharded*/100000/*'        forget results, and measure them anew
  python -m benchmarks --report                          the page anew, from what is there

Exit codes: 0 done, 1 a claim that was asked for by --claim does not hold, 2 wrong usage.
"""


def _sizes(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.replace("_", "").split(","))
    except ValueError:
        raise click.BadParameter("numbers of people with commas between them, such as 10,1000") from None
    if not sizes or not all(1 < size <= SIZES[-1] for size in sizes):
        raise click.BadParameter(f"a domain has 2 to {SIZES[-1]:,} people here")
    return sizes


@click.command(help=_HELP)
@click.option(
    "--results",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
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
@click.option(
    "--short", is_flag=True, help="One round of what the claims need and of their columns; 40 minutes at most."
)
@click.option("--again", "forgotten", multiple=True, metavar="PATTERN", help="Measure such cells anew. Repeatable.")
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
    short: bool,
    forgotten: tuple[str, ...],
    listing: bool,
    reporting: bool,
    page_file: Path,
) -> None:
    """Choose the cells, run them, write the page."""
    if quick:
        folder, sizes, rounds, page_file = folder / "quick", (10,), 1, folder / "quick" / "benchmarks.md"
    if short:
        rounds = 1
    cells = selection.matching(_cells(sizes, names, quick=quick, short=short), patterns)
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
    if forgotten:
        click.echo(f"Forgot {store.forget(forgotten)} results.")
    if not reporting:
        page.keep_facts(folder, longest)
        before = charts.precedents(page_file.read_text(encoding="utf-8") if page_file.exists() else "")
        minutes = SHORT_MINUTES if short else None
        _run(
            Runner(folder, store, longest, machine.tools(), click.echo, before=before, minutes=minutes),
            cells,
            rounds,
        )
    try:
        page.write(page_file, folder, sizes)
    except FileNotFoundError:
        raise click.UsageError(f"{folder} holds no results; leave --report out to measure") from None
    click.echo(f"Wrote {page_file}")
    if not _hold(store, names):
        raise SystemExit(1)


def _cells(sizes: tuple[int, ...], names: tuple[str, ...], *, quick: bool, short: bool) -> list[Cell]:
    if names:
        return selection.of_claims(names)
    if short:
        return selection.short()
    return selection.everything(sizes, (Quotas.NONE,) if quick else tuple(Quotas))


def _run(runner: Runner, cells: list[Cell], rounds: int) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both ways to stop leave nothing running
    try:
        runner.run(cells, rounds)
    except KeyboardInterrupt:
        click.echo("Stopped; the same command goes on from here.")
        raise SystemExit(130) from None


def _hold(store: Store, names: tuple[str, ...]) -> bool:
    """Print the claims; return whether those that were asked for hold."""
    results = best(store)
    held = True
    for name, claim in claims.CLAIMS.items():
        found = verdict(claim, results)
        if found is not None and (not names or name in names):
            click.echo(f"{'holds ' if found.holds else 'BROKEN'}  {name}: {found.measured}  (limit: {claim.limit})")
        if name in names:
            held = held and found is not None and found.holds
    return held


if __name__ == "__main__":
    main()
