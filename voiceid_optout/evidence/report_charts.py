"""The months of a report as pictures: SVG that stands in the page and takes its colours from the page's style."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from voiceid_optout.evidence import EvidenceError
from voiceid_optout.evidence.report import Month

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_MONTHS = 24  # in a picture; the table has them all
_WIDTH, _HEIGHT = 420, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 18, 10, 24
_LABELS = 6  # months that have their name below, at most
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class _Series(NamedTuple):
    kind: str
    name: str
    value: Callable[[Month], float | None]


def objections(months: tuple[Month, ...]) -> ET.Element:
    """Return the figure of how many people asked, and how many were opted out, in each month."""
    series = (
        _Series("asked", "asked", lambda month: month.requested),
        _Series("applied", "opted out", lambda month: month.applied),
    )
    return _figure("objections", "Objections and opt-outs a month", latest(months), series)


def delays(months: tuple[Month, ...]) -> ET.Element:
    """Return the figure of how many days people waited, by the month in which they asked."""
    series = (
        _Series("applied", "median", lambda month: month.median_days),
        _Series("asked", "longest", lambda month: month.longest_days),
    )
    return _figure("delays", "Days from asking to the opt-out", latest(months), series)


def latest(months: tuple[Month, ...]) -> list[Month]:
    """Return the last months without a gap, at most as many as a picture has room for."""
    known = {_number(month.month): month for month in months}
    last = max(known)
    first = max(min(known), last - MOST_MONTHS + 1)
    return [known.get(number) or _nothing(number) for number in range(first, last + 1)]


def _number(month: str) -> int:
    try:
        day = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise EvidenceError("the report has a month that no calendar has") from None
    return day.year * 12 + day.month - 1


def _nothing(number: int) -> Month:
    return Month(f"{number // 12:04}-{number % 12 + 1:02}", 0, 0, 0, None, None)


def _figure(name: str, title: str, months: list[Month], series: tuple[_Series, ...]) -> ET.Element:
    figure = ET.Element("figure")
    caption = ET.SubElement(figure, "figcaption")
    ET.SubElement(caption, "strong", id=name).text = title
    for one in series:
        ET.SubElement(caption, "span", {"class": f"key {one.kind}"}).text = one.name
    picture = ET.SubElement(
        figure,
        "svg",
        {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-labelledby": f"{name} {name}-text"},
    )
    ET.SubElement(picture, "desc", id=f"{name}-text").text = _described(months, series)
    highest = max((value for one in series for value in map(one.value, months) if value), default=1)
    step = nice_step(highest)
    top = step * math.ceil(highest / step)
    _scale(picture, step, top)
    _bars(picture, months, series, top)
    return figure


def _described(months: list[Month], series: Iterable[_Series]) -> str:
    parts = []
    for one in series:
        values = [(value, month.month) for month in months if (value := one.value(month)) is not None]
        if values:
            most, month = max(values)
            parts.append(f"{one.name}: at most {most:,.10g}, in {month}; {values[-1][0]:,.10g} in {values[-1][1]}")
    return f"{months[0].month} to {months[-1].month}. {'. '.join(parts)}. The table below has the numbers."


def nice_step(highest: float) -> float:
    """Return the distance of the lines of a scale with about four of them: 1, 2 or 5, and noughts."""
    rough = max(highest / 4, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _scale(picture: ET.Element, step: float, top: float) -> None:
    for index in range(round(top / step) + 1):
        height = _y(index * step, top)
        line = {"class": "grid", "x1": str(_LEFT), "x2": str(_WIDTH - _RIGHT), "y1": height, "y2": height}
        ET.SubElement(picture, "line", line)
        text = ET.SubElement(picture, "text", {"x": str(_LEFT - 6), "y": height, "dy": "4", "class": "scale"})
        text.text = _short(index * step)


def _short(number: float) -> str:
    for unit, size in (("m", 1_000_000), ("k", 1000)):
        if number >= size:
            return f"{number / size:,.10g}{unit}"
    return f"{number:,.10g}"


def _bars(picture: ET.Element, months: list[Month], series: tuple[_Series, ...], top: float) -> None:
    room = (_WIDTH - _LEFT - _RIGHT) / max(len(months), 6)
    width = min(room * 0.36, 16)
    every = math.ceil(len(months) / _LABELS)
    for index, month in enumerate(months):
        middle = _LEFT + room * (index + 0.5)
        for place, one in enumerate(series):
            value = one.value(month)
            if value:
                left = middle + (place - len(series) / 2) * width
                height = (_HEIGHT - _TOP - _BOTTOM) * value / top
                box = {"x": f"{left:.1f}", "y": _y(value, top), "width": f"{width:.1f}", "height": f"{height:.1f}"}
                bar = ET.SubElement(picture, "rect", {"class": one.kind, **box})
                ET.SubElement(bar, "title").text = f"{month.month}: {value:,.10g} {one.name}"
        if (len(months) - 1 - index) % every == 0:
            text = ET.SubElement(picture, "text", {"x": f"{middle:.1f}", "y": str(_HEIGHT - 6), "class": "month"})
            text.text = f"{_NAMES[int(month.month[5:7]) - 1]} {month.month[2:4]}"


def _y(value: float, top: float) -> str:
    return f"{_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top:.1f}"
