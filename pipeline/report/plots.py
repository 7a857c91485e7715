"""Geometry of the plots: values in, positions out. The templates only draw.

All positions are in the units of the SVG's viewBox, y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 520, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 46
# A label is about this high, and a character about this wide, at the SVG's font size of 11.
_LINE, _CHARACTER = 13, 6.1
# Beyond this ratio of the largest to the smallest value a linear axis hides the small ones.
_LOG_FROM = 12


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """An axis with its marks.

    Attributes:
        label: what it shows, with the unit.
        logarithmic: equal distances are equal ratios.
    """

    label: str
    ticks: tuple[Tick, ...]
    logarithmic: bool = False


@dataclass(frozen=True)
class Point:
    """A point to draw.

    Attributes:
        color: number of its colour.
        shape: "circle", "square" or "diamond".
        title: shown when pointed at.
        label: beside it; label_x, label_y and anchor say where.
    """

    x: float
    y: float
    color: int
    shape: str
    title: str
    label: str = ""
    label_x: float = 0.0
    label_y: float = 0.0
    anchor: str = "start"


@dataclass(frozen=True)
class Line:
    """A line through points."""

    name: str
    color: int
    path: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Plot:
    """One plot.

    Attributes:
        title: what a person reads first.
        text: the same in words, for who does not see it.
    """

    title: str
    text: str
    x: Axis
    y: Axis
    points: tuple[Point, ...] = ()
    lines: tuple[Line, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True)
class Datum:
    """A value pair to be placed."""

    x: float
    y: float
    label: str
    title: str
    color: int = 0
    shape: str = "circle"


def scatter(
    title: str, x_label: str, y_label: str, data: Sequence[Datum], *, percent: bool = False
) -> Plot:
    """Points with labels beside them.

    Args:
        percent: y is a percentage: its axis ends at 100.
    """
    x_axis, x_of = _scale([d.x for d in data], x_label, LEFT, WIDTH - RIGHT)
    y_axis, y_of = _scale(
        [d.y for d in data], y_label, HEIGHT - BOTTOM, TOP, top=100 if percent else None
    )
    points: list[Point] = []
    taken = [_around(x_of(datum.x), y_of(datum.y)) for datum in data]
    for datum in sorted(data, key=lambda d: (-d.y, d.x)):
        points.append(_labelled(datum, x_of(datum.x), y_of(datum.y), taken))
    text = f"{title}. " + "; ".join(datum.title.replace("\n", ", ") for datum in data)
    return Plot(title, text, x_axis, y_axis, points=tuple(points))


def course(title: str, y_label: str, series: Sequence[tuple[str, int, Sequence[Datum]]],
           x_ticks: Sequence[Tick], x_range: tuple[float, float]) -> Plot:  # fmt: skip
    """Lines over the order of recording; `x_ticks` are in the data's own x."""
    values = [datum.y for _, _, data in series for datum in data]
    y_axis, y_of = _scale(values, y_label, HEIGHT - BOTTOM, TOP)
    low, high = x_range
    span = (high - low) or 1.0

    def x_of(value: float) -> float:
        return LEFT + 12 + (WIDTH - RIGHT - LEFT - 24) * (value - low) / span

    lines = []
    for name, color, data in series:
        points = tuple(Point(x_of(d.x), y_of(d.y), color, d.shape, d.title, d.label) for d in data)
        path = "M" + "L".join(f"{p.x:.1f} {p.y:.1f}" for p in points)
        lines.append(Line(name, color, path, points))
    ticks = tuple(Tick(x_of(tick.at), tick.text) for tick in x_ticks)
    text = f"{title}. " + "; ".join(
        f"{name}: from {data[0].y:,.6g} to {data[-1].y:,.6g}" for name, _, data in series
    )
    return Plot(title, text, Axis("recorded", ticks), y_axis, lines=tuple(lines))


def _labelled(
    datum: Datum, x: float, y: float, taken: list[tuple[float, float, float, float]]
) -> Point:
    """A point with its label where no other label or point is, if there is such a place."""
    width = _CHARACTER * len(datum.label)
    chosen: tuple[float, float, str] | None = None
    for side, rise in ((1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1), (1, 2), (-1, 2)):
        label_x, label_y = x + 8 * side, y + 4 + rise * _LINE
        left = label_x if side > 0 else label_x - width
        box = (left, label_y - _LINE + 3, left + width, label_y + 2)
        inside = box[0] >= LEFT and box[2] <= WIDTH and TOP <= label_y <= HEIGHT - BOTTOM
        if inside and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            chosen = (label_x, label_y, "start" if side > 0 else "end")
            break
    if chosen is None:
        # No room: the table beneath and the title that appears on pointing name it.
        return Point(x, y, datum.color, datum.shape, datum.title)
    return Point(x, y, datum.color, datum.shape, datum.title, datum.label, *chosen)


def _around(x: float, y: float) -> tuple[float, float, float, float]:
    return (x - 5, y - 5, x + 5, y + 5)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


class _Scale:
    """Value -> position."""

    def __init__(self, low: float, high: float, begin: float, end: float, log: bool) -> None:
        self._low, self._high = (math.log10(low), math.log10(high)) if log else (low, high)
        self._begin, self._end, self._log = begin, end, log

    def __call__(self, value: float) -> float:
        place = math.log10(value) if self._log else value
        return self._begin + (self._end - self._begin) * (place - self._low) / (
            self._high - self._low
        )


def _scale(
    values: Sequence[float], label: str, begin: float, end: float, *, top: float | None = None
) -> tuple[Axis, _Scale]:
    low, high = min(values), max(values)
    if low > 0 and high / low > _LOG_FROM and top is None:
        ticks = _log_ticks(low, high)
        scale = _Scale(ticks[0], ticks[-1], begin, end, True)
        chosen = [tick for tick in ticks if _round_enough(tick, len(ticks))]
        marks = tuple(Tick(scale(tick), short(tick)) for tick in chosen)
        return Axis(f"{label}, logarithmic", marks, True), scale
    ticks = linear_ticks(low, high, top)
    scale = _Scale(ticks[0], ticks[-1], begin, end, False)
    step = ticks[1] - ticks[0]
    return Axis(label, tuple(Tick(scale(tick), short(tick, step)) for tick in ticks)), scale


def linear_ticks(low: float, high: float, top: float | None = None) -> list[float]:
    """Four to eight round numbers around the values; not beyond `top`."""
    margin = (high - low) * 0.08 or abs(high) * 0.05 or 1.0
    least, most = low - margin, high + margin
    if low >= 0:
        least = max(least, 0.0)
        least = 0.0 if low < 0.5 * high else least
    if top is not None:
        most = min(most, top)
        least = min(least, top - 1)
    raw = (most - least) / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    return [step * number for number in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5 of each decade, the outermost beyond the values."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = [f * 10.0**power for power in range(first - 1, last + 1) for f in (1, 2, 5)]
    begin = max(tick for tick in every if tick < low)
    end = min(tick for tick in every if tick > high)
    return [tick for tick in every if begin <= tick <= end]


def _round_enough(tick: float, count: int) -> bool:
    return count <= 8 or abs(math.log10(tick) - round(math.log10(tick))) < 1e-9


def short(value: float, step: float | None = None) -> str:
    """A number for an axis: 2.5 M, 300 k, 90.5; with as many digits as `step` needs."""
    for size, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{_digits(value / size, step / size if step else None)}{suffix}"
    return _digits(value, step)


def _digits(value: float, step: float | None) -> str:
    if step is None:
        return f"{value:.4g}"
    places = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    if step * 10**places % 1 > 1e-6 and step * 10**places % 1 < 1 - 1e-6:
        places += 1
    return f"{value:.{places}f}"
