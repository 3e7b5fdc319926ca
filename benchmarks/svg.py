"""Charts as SVG: bars, and lines over the number of people. Colours of their own for light and dark.

Each has a description for those who hear it. What is drawn is given; see :mod:`benchmarks.charts`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Lines = Mapping[str, Mapping[int, float]]  # values by name, then by number of people

_BAR, _STEP, _HEAD = 16, 24, 34  # in the pictures' own units; a phone shows them at about two thirds
_PLOT, _LEGEND, _BELOW = 280, 20, 44
_OURS = ("optout", "`optout")
_HEARD = 'role="img" aria-labelledby="title description"'
_COLOURS = ("#4051b5", "#9a6700", "#1a7f37", "#bf3989", "#0969da", "#8250df")  # on white
_ON_DARK = ("#8c9eff", "#d29922", "#3fb950", "#f778ba", "#58a6ff", "#bc8cff")
_DASHES = ("", "6 3", "2 3")
_STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .small { font-size: 12px }
  .head { font-weight: 600 }
  .card { fill: #ffffff; stroke: #d0d7de }
  .grid { stroke: #d0d7de }
  .limit { stroke: #cf222e; stroke-dasharray: 4 3 }
  .ours { fill: #4051b5 }
  .script { fill: #9a6700 }
  .line { fill: none; stroke-width: 2 }
"""
_WHEN_DARK = "@media (prefers-color-scheme: dark)"
_DARK = """
    text { fill: #e6edf3 }
    .card { fill: #161b22; stroke: #3d444d }
    .grid { stroke: #3d444d }
    .limit { stroke: #ff7b72 }
    .ours { fill: #8c9eff }
    .script { fill: #d29922 }
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Bars that belong together: what was done, and a value for each name."""

    title: str
    bars: Sequence[tuple[str, float]]


def bars(
    title: str,
    groups: Sequence[Group],
    shown: Callable[[float], str],
    *,
    limit: float | None = None,
) -> str:
    """Return bars, ours in a colour of their own; ``limit`` is a line across all."""
    seen = [group for group in groups if group.bars]
    longest = max((value for group in seen for _, value in group.bars), default=1.0)
    left = max(200, 24 + max((round(7.2 * len(name)) for group in seen for name, _ in group.bars), default=0))
    width = left + 300
    scale = (width - 66 - left) / max(longest, limit or 0.0, 1e-12)
    told, parts, y = [], [], 10
    for group in seen:
        y += _HEAD
        parts.append(f'<text class="head" x="16" y="{y - 10}">{escape(group.title)}</text>')
        told.append(f"{group.title}: {', '.join(f'{name} {shown(value)}' for name, value in group.bars)}.")
        for name, value in group.bars:
            long = max(2, round(scale * value))
            kind = "ours" if name.startswith(_OURS) else "script"
            parts += [
                f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>',
                f'<rect class="{kind}" x="{left}" y="{y}" width="{long}" height="{_BAR}" rx="2"/>',
                f'<text x="{left + long + 6}" y="{y + 13}">{shown(value)}</text>',
            ]
            y += _STEP
    if limit is not None:
        x = left + round(scale * limit)
        parts.append(f'<line class="limit" x1="{x}" x2="{x}" y1="{_HEAD}" y2="{y}"/>')
    return _framed(title, " ".join(told), parts, width, y + 12)


def lines(title: str, values: Lines, shown: Callable[[float], str], *, width: int = 640) -> str:
    """Return a line a name, both axes logarithmic, and below what each line is."""
    points = {name: sorted(of.items()) for name, of in values.items() if of}
    across = _decades([people for of in points.values() for people, _ in of])
    up = _decades([value for of in points.values() for _, value in of])
    left, right, top = 64, width - 24, 44

    def x(people: float) -> float:
        return round(left + (right - left) * _place(people, across), 1)

    def y(value: float) -> float:
        return round(top + _PLOT * (1 - _place(value, up)), 1)

    parts = [f'<text class="head" x="16" y="26">{escape(title)}</text>']
    for exponent in range(across[0], across[1] + 1):
        at = x(10.0**exponent)
        parts += [
            f'<line class="grid" x1="{at}" x2="{at}" y1="{top}" y2="{top + _PLOT}"/>',
            f'<text class="small" x="{at}" y="{top + _PLOT + 18}" text-anchor="middle">{10**exponent:,}</text>',
        ]
    for exponent in range(up[0], up[1] + 1):
        at = y(10.0**exponent)
        parts += [
            f'<line class="grid" x1="{left}" x2="{right}" y1="{at}" y2="{at}"/>',
            f'<text class="small" x="{left - 6}" y="{at + 4}" text-anchor="end">{shown(10.0**exponent)}</text>',
        ]
    below = top + _PLOT + _BELOW
    for number, (name, of) in enumerate(points.items()):
        colour, dashes = number % len(_COLOURS), _DASHES[number // len(_COLOURS) % len(_DASHES)]
        drawn = f'class="line c{colour}"' + (f' stroke-dasharray="{dashes}"' if dashes else "")
        parts.append(f'<polyline {drawn} points="{" ".join(f"{x(people)},{y(value)}" for people, value in of)}"/>')
        parts += [f'<circle class="d{colour}" cx="{x(people)}" cy="{y(value)}" r="3"/>' for people, value in of]
        parts.append(f'<line {drawn} x1="{left}" x2="{left + 28}" y1="{below - 4}" y2="{below - 4}"/>')
        parts.append(f'<text class="small" x="{left + 36}" y="{below}">{escape(name)}</text>')
        below += _LEGEND
    told = [
        f"{name}: {', '.join(f'{people:,} people {shown(value)}' for people, value in of)}."
        for name, of in points.items()
    ]
    return _framed(title, " ".join(told), parts, width, below)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten around some values."""
    least, most = min(values, default=1.0), max(values, default=10.0)
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(most))
    return first, max(last, first + 1)


def _place(value: float, decades: tuple[int, int]) -> float:
    """Return where a value lies between two powers of ten, over 0 to 1."""
    return (math.log10(value) - decades[0]) / (decades[1] - decades[0])


def _framed(title: str, described: str, parts: Sequence[str], width: int, height: int) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_HEARD}>',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(described)}</desc>',
            f"<style>{_STYLE}{_of_lines(_COLOURS)}  {_WHEN_DARK} {{{_DARK}{_of_lines(_ON_DARK)}  }}\n</style>",
            f'<rect class="card" x="1" y="1" width="{width - 2}" height="{height - 2}" rx="8"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _of_lines(colours: Sequence[str]) -> str:
    return "".join(
        f"  .c{number} {{ stroke: {colour} }}\n  .d{number} {{ fill: {colour} }}\n"
        for number, colour in enumerate(colours)
    )
