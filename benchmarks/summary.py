"""What docs/benchmarks.md begins with, five sentences and a picture, both made from the tables of that page.

The tables are the record that Git keeps: the lines of JSON that they come from stay on the machine that measured.
``python -m benchmarks.summary`` makes sentences and picture anew after a change here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from textwrap import fill
from typing import TYPE_CHECKING

from benchmarks.bases import CONNECTIONS
from benchmarks.cells import PEERS
from benchmarks.people import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Times = Mapping[tuple[str, str], Mapping[int, float]]  # seconds by heading and peer, then by number of people

PICTURE = "images/benchmarks.svg"  # beside the page
_UP, _ADD, _REFRESH = (
    f"{phase}, without quotas" for phase in ("First up", "One person added", "Refresh with 1 % drift")
)
_OURS, _CLI, _LOOP, _THREADS = (PEERS[name].title for name in ("sharded", "sharded-cli", "loop", "threads"))
_PEERS = {
    _OURS: "optout",
    _CLI: "optout, Pulumi CLI",
    _THREADS: f"boto3 script, {CONNECTIONS} threads",
    _LOOP: "boto3 script, one by one",
}
_MARKED = re.compile(r"(?<=<!-- summary -->\n).*(?=<!-- end of summary -->)", re.DOTALL)
_SECONDS = re.compile(r"([\d.]+) (ms|s) \(")
_WIDTH, _BAR, _STEP, _HEAD = 500, 16, 24, 34  # in the picture's own units; a phone shows it at about two thirds
_LEFT, _RIGHT = 200, 434  # where bars begin and where the longest ends

_SENTENCES = """\
- **What was measured:** the seconds to opt out {most} people, to add one person, and to check everybody after 1 % \
changed, with no limit on calls a second.
- **Against what:** a boto3 script that keeps no state, so it calls the service for every person, one by one or in \
{threads} threads.
- **Result:** `optout` adds one person in {add} (the faster script: {add_script}), checks everybody in {refresh} \
(script: {refresh_script}), and opts out everybody in {up} (script: {up_script}).
- **Where it loses:** {small}with the Pulumi CLI the first run of {most} people takes {up_cli}.
- **Repeat it:** `make bench` measures everything in about two hours, and `make bench BENCH="--quick"` measures 10 \
people in two minutes.
"""
_SMALL = "a script is faster in a first run of up to {lost} people (at {lost}: {script}, `optout` {ours}), and "
_HEARD = 'role="img" aria-labelledby="title description"'
_STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .head { font-weight: 600 }
  .card { fill: #ffffff; stroke: #d0d7de }
  .ours { fill: #4051b5 }
  .script { fill: #9a6700 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .card { fill: #161b22; stroke: #3d444d }
    .ours { fill: #8c9eff }
    .script { fill: #d29922 }
  }
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Bars that belong together: what was done, and the seconds of each peer that was measured."""

    title: str
    bars: Sequence[tuple[str, float]]


def recorded(page: str) -> Times:
    """Read the seconds out of a page's tables; cells that were not run are left out."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for section in page.split("\n### ")[1:]:
        heading, _, rest = section.partition("\n")
        rows = [line.strip("| ").split(" | ") for line in rest.partition("\n#")[0].splitlines() if line[:1] == "|"]
        sizes = [cell.replace(",", "") for cell in rows[0]] if rows else []
        for peer, *cells in rows[2:]:
            for size, cell in zip(sizes, cells, strict=False):
                if (seconds := _SECONDS.match(cell)) and size.isdigit():
                    times = found.setdefault((heading, peer), {})
                    times[int(size)] = float(seconds[1]) / (1000 if seconds[2] == "ms" else 1)
    return found


def groups(times: Times) -> list[Group]:
    """Return the bars of the picture: the largest number of people that was measured."""
    most = _most(times)
    titles = {
        _UP: f"First run: opt out {most:,} people",
        _ADD: f"Add one person to {most:,}",
        _REFRESH: f"Check {most:,} people, 1 % changed",
    }
    return [
        Group(
            title,
            [
                (name, times[phase, peer][most])
                for peer, name in _PEERS.items()
                if most in times.get((phase, peer), {})
            ],
        )
        for phase, title in titles.items()
    ]


def picture(times: Times) -> str:
    """Return the bars as SVG: colours of its own for light and dark, and a description for those who hear it."""
    shown = [group for group in groups(times) if group.bars]
    longest = max((seconds for group in shown for _, seconds in group.bars), default=1.0)
    told, parts, y = [], [], 10
    for group in shown:
        y += _HEAD
        parts.append(f'<text class="head" x="16" y="{y - 10}">{escape(group.title)}</text>')
        told.append(f"{group.title}: {', '.join(f'{name} {_shown(seconds)}' for name, seconds in group.bars)}.")
        for name, seconds in group.bars:
            width = max(2, round((_RIGHT - _LEFT) * seconds / longest))
            kind = "ours" if name.startswith("optout") else "script"
            parts += [
                f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>',
                f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{width}" height="{_BAR}" rx="2"/>',
                f'<text x="{_LEFT + width + 6}" y="{y + 13}">{_shown(seconds)}</text>',
            ]
            y += _STEP
    height = y + 12
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_HEARD}>',
            '<title id="title">Seconds that optout and a boto3 script take; shorter is better</title>',
            f'<desc id="description">{escape(" ".join(told))}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="card" x="1" y="1" width="{_WIDTH - 2}" height="{height - 2}" rx="8"/>',
            *parts,
            "</svg>\n",
        ]
    )


def sentences(times: Times) -> str:
    """Return what was measured, against what, the result, where this project loses, and how to repeat it."""
    most, lost, scripts = _most(times), _lost(times), (_LOOP, _THREADS)

    def least(phase: str, *peers: str, people: int = most) -> str:
        known = [times[phase, peer][people] for peer in peers if people in times.get((phase, peer), {})]
        return _shown(min(known)) if known else "(not measured)"

    text = _SENTENCES.format(
        most=f"{most:,}",
        threads=CONNECTIONS,
        add=least(_ADD, _OURS),
        add_script=least(_ADD, *scripts),
        refresh=least(_REFRESH, _OURS),
        refresh_script=least(_REFRESH, *scripts),
        up=least(_UP, _OURS),
        up_script=least(_UP, *scripts),
        up_cli=least(_UP, _CLI),
        small=_SMALL.format(
            lost=f"{lost:,}",
            script=least(_UP, *scripts, people=lost),
            ours=least(_UP, _OURS, people=lost),
        )
        if lost
        else "",
    )
    return "\n".join(fill(line, 116, subsequent_indent="  ") for line in text.splitlines())


def renewed(page: str) -> str:
    """Return the page with the sentences, and the link to the picture, that its tables ask for."""
    times = recorded(page)
    shown = f"![Bars: the seconds of optout and of a boto3 script for {_most(times):,} people]({PICTURE})"
    return _MARKED.sub(lambda _: f"{shown}\n\n{sentences(times)}\n", page)


def write(path: Path, page: str) -> None:
    """Write a page with its summary, and the picture beside it."""
    path.write_text(renewed(page), encoding="utf-8")
    target = path.parent / PICTURE
    target.parent.mkdir(exist_ok=True)
    target.write_text(picture(recorded(page)), encoding="utf-8")


def _most(times: Times) -> int:
    return max((people for peers in times.values() for people in peers), default=0)


def _lost(times: Times) -> int:
    """Return the number of people up to which each first run of a script was faster than ours, or 0."""
    lost = 0
    for people, ours in sorted(times.get((_UP, _OURS), {}).items()):
        scripts = [times[_UP, script].get(people, ours) for script in (_LOOP, _THREADS) if (_UP, script) in times]
        if min(scripts, default=ours) >= ours:
            break
        lost = people
    return lost


def _shown(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


if __name__ == "__main__":
    _page = PROJECT / "docs" / "benchmarks.md"
    write(_page, _page.read_text(encoding="utf-8"))
