"""What docs/benchmarks.md begins with, five sentences and a picture, both made from the tables of that page.

The tables are the record that Git keeps: the lines of JSON that they come from stay on the machine that measured.
``python -m benchmarks.summary`` makes sentences and picture anew after a change here.
"""

from __future__ import annotations

import re
from textwrap import fill
from typing import TYPE_CHECKING

from benchmarks import charts, svg
from benchmarks.bases import CONNECTIONS
from benchmarks.cells import MILLION, PEERS
from benchmarks.charts import recorded
from benchmarks.people import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.charts import Times

PICTURE = "images/benchmarks.svg"  # beside the page
_UP, _ADD, _REFRESH = (
    f"{phase}, without quotas" for phase in ("First up", "One person added", "Refresh with 1 % drift")
)
_DONE = (_UP, _ADD, _REFRESH)
_OURS, _CLI, _LOOP, _THREADS = (PEERS[name].title for name in ("sharded", "sharded-cli", "loop", "threads"))
_PEERS = {
    _OURS: "optout",
    _CLI: "optout, Pulumi CLI",
    _THREADS: f"boto3 script, {CONNECTIONS} threads",
    _LOOP: "boto3 script, one by one",
}
_MARKED = re.compile(r"(?<=<!-- summary -->\n).*(?=<!-- end of summary -->)", re.DOTALL)

_SENTENCES = """\
- **What was measured:** the seconds to opt out {most} people, to add one person, and to check everybody after 1 % \
changed, with no limit on calls a second.
- **Against what:** a boto3 script that keeps no state, so it calls the service for every person, one by one or in \
{threads} threads.
- **Result:** `optout` adds one person in {add} (the faster script: {add_script}), checks everybody in {refresh} \
(script: {refresh_script}), and opts out everybody in {up} (script: {up_script}).{million}
- **Where it loses:** {small}with the Pulumi CLI the first run of {most} people takes longer, {up_cli}.
- **Repeat it:** `make bench` measures everything in about three hours, `make bench BENCH=--short` every claim in \
at most 40 minutes, and `make bench BENCH=--quick` 10 people in three minutes.
"""
_MILLION = " For a million people it takes {add}, {refresh} and {up}."
_SMALL = "a script is faster in a first run of up to {lost} people (at {lost}: {script}, `optout` {ours}), and "


def groups(times: Times) -> list[svg.Group]:
    """Return the bars of the picture: the largest number of people that was measured."""
    most = _most(times)
    titles = {
        _UP: f"First run: opt out {most:,} people",
        _ADD: f"Add one person to {most:,}",
        _REFRESH: f"Check {most:,} people, 1 % changed",
    }
    return [
        svg.Group(
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
    """Return the bars as SVG."""
    return svg.bars("Seconds that optout and a boto3 script take; shorter is better", groups(times), _shown)


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
        million=_MILLION.format(
            up=least(_UP, _OURS, people=MILLION),
            add=least(_ADD, _OURS, people=MILLION),
            refresh=least(_REFRESH, _OURS, people=MILLION),
        )
        if all(MILLION in times.get((phase, _OURS), {}) for phase in _DONE)
        else "",
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
    """Write a page with its summary, its charts, and the picture beside it."""
    page = charts.illustrated(renewed(page))
    path.write_text(page, encoding="utf-8")
    charts.write(path, page)
    target = path.parent / PICTURE
    target.write_text(picture(recorded(page)), encoding="utf-8")


def _most(times: Times) -> int:
    """Return the largest number of people for which both we and a script were measured, else any."""
    ours = [set(times.get((phase, _OURS), {})) for phase in _DONE]
    scripts = [set(times.get((phase, _THREADS), {})) | set(times.get((phase, _LOOP), {})) for phase in _DONE]
    both = set.intersection(*ours, *scripts)
    return max(both or {people for peers in times.values() for people in peers}, default=0)


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
