"""Which plots a set of results deserves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.report.compare import name_of
from pipeline.report.document import Report
from pipeline.report.plots import Datum, Plot, Tick, course, scatter

if TYPE_CHECKING:
    from pipeline.report.baseline import BaselineRow
    from pipeline.report.history import Entry

_COLORS = 8
_SHAPES = {"aot": "circle", "tflm": "square"}
_BASELINE_SHAPE = "diamond"
_DATES = 4


def _models(reports: Sequence[Report], baseline: Sequence[BaselineRow]) -> list[str]:
    return list(dict.fromkeys([*(r.model.name for r in reports), *(b.model for b in baseline)]))


def legend(
    reports: Sequence[Report], baseline: Sequence[BaselineRow]
) -> list[tuple[str, int, str]]:
    """What colours and shapes stand for: text, colour, shape."""
    models = _models(reports, baseline)
    found = [(name, _color(index), "circle") for index, name in enumerate(models)]
    engines = dict.fromkeys(report.engine for report in reports)
    if len(engines) > 1 or baseline:
        found += [(f"engine {engine}", 0, _SHAPES[engine]) for engine in engines]
    return [*found, ("baseline", 0, _BASELINE_SHAPE)] if baseline else found


def _color(index: int) -> int:
    return 1 + index % _COLORS


def overview(
    reports: Sequence[Report], names: Sequence[str], baseline: Sequence[BaselineRow]
) -> list[Plot]:
    """Accuracy against flash and cost, and cost against flash, where there are several."""
    if len(reports) < 2:
        return []
    colors = {name: _color(i) for i, name in enumerate(_models(reports, baseline))}
    marks = [
        _mark(name, label, report, colors)
        for name, label, report in zip(names, _labels(reports), reports, strict=True)
    ]
    plots = []
    for unit in dict.fromkeys(report.latency.unit for report in reports):
        chosen = [(m, r) for m, r in zip(marks, reports, strict=True) if r.latency.unit == unit]
        flash, cost = "flash, KiB", f"{unit} per inference"
        if sum(report.accuracy.device is not None for _, report in chosen) > 1:
            plots += [
                _accuracy("Accuracy against flash", flash, chosen, _flash),
                _accuracy(f"Accuracy against {unit}", cost, chosen, _cost),
            ]
        data = [replace(mark, x=_flash(report), y=_cost(report)) for mark, report in chosen]
        if unit == "instructions":
            data += [_baseline_mark(row, colors) for row in baseline]
        if len(data) > 1:
            plots.append(scatter(f"{unit.capitalize()} against flash", flash, cost, data))
    return plots


def _accuracy(
    title: str,
    x_label: str,
    chosen: Sequence[tuple[Datum, Report]],
    x_of: Callable[[Report], float],
) -> Plot:
    data = [
        replace(mark, x=x_of(report), y=100 * report.accuracy.device)
        for mark, report in chosen
        if report.accuracy.device is not None
    ]
    return scatter(title, x_label, "right on the device, %", data, percent=True)


def _flash(report: Report) -> float:
    return report.memory.flash_bytes / 1024


def _cost(report: Report) -> float:
    return float(report.latency.median)


def _mark(name: str, label: str, report: Report, colors: dict[str, int]) -> Datum:
    """A result's point, still without a place."""
    lines = [
        name,
        f"{report.latency.median:,} {report.latency.unit}",
        f"flash {report.memory.flash_bytes:,} bytes, RAM {report.memory.ram_bytes:,} bytes",
    ]
    if report.accuracy.device is not None:
        lines.append(f"{100 * report.accuracy.device:.2f} % right")
    shape = _SHAPES[report.engine]
    return Datum(0.0, 0.0, label, "\n".join(lines), colors[report.model.name], shape)


def _labels(reports: Sequence[Report]) -> list[str]:
    """Short names for points: the model, and of the rest only what differs."""
    boards = len({report.board.id for report in reports}) > 1
    engines = len({report.engine for report in reports}) > 1
    found = []
    for report in reports:
        words = [report.model.name]
        words += [report.board.id] if boards else []
        words += [report.engine] if engines else []
        words += [report.compression.method] if report.compression.method != "none" else []
        found.append(" ".join(words))
    return found


def _baseline_mark(row: BaselineRow, colors: dict[str, int]) -> Datum:
    title = f"{row.name}\n{row.instructions:,} instructions\nflash {row.flash_bytes:,} bytes"
    return Datum(
        row.flash_bytes / 1024,
        row.instructions,
        row.name,
        title,
        colors[row.model],
        _BASELINE_SHAPE,
    )


# Over time ---------------------------------------------------------------------------------


def courses(entries: Sequence[Entry]) -> list[Plot]:
    """Cost, flash, RAM and accuracy over the order of recording, one line per kind of result."""
    if len(entries) < 2:
        return []
    every = -(-len(entries) // _DATES)
    ticks = [Tick(place, e.at[:10]) for place, e in enumerate(entries) if place % every == 0]
    units = dict.fromkeys(entry.report.latency.unit for entry in entries)
    wanted = [(f"{u.capitalize()} over time", f"{u} per inference", _cost_in(u)) for u in units]
    wanted += [
        ("Flash over time", "flash, KiB", _flash),
        ("RAM over time", "RAM, KiB", lambda report: report.memory.ram_bytes / 1024),
        ("Accuracy over time", "right on the device, %", _right),
    ]
    found = []
    for title, label, value_of in wanted:
        series = _series(entries, label, value_of)
        if any(len(data) > 1 for _, _, data in series):
            found.append(course(title, label, series, ticks, (0.0, len(entries) - 1.0)))
    return found


def _series(
    entries: Sequence[Entry], label: str, value_of: Callable[[Report], float | None]
) -> list[tuple[str, int, list[Datum]]]:
    found: dict[str, tuple[int, list[Datum]]] = {}
    for place, entry in enumerate(entries):
        name = name_of(entry.report)
        color, data = found.setdefault(name, (_color(len(found)), []))
        if (value := value_of(entry.report)) is not None:
            title = f"{name}\n{entry.at} {entry.git}\n{value:,.6g} ({label})"
            data.append(Datum(place, value, name, title, color))
    return [(name, color, data) for name, (color, data) in found.items() if data]


def _cost_in(unit: str) -> Callable[[Report], float | None]:
    return lambda report: _cost(report) if report.latency.unit == unit else None


def _right(report: Report) -> float | None:
    share = report.accuracy.device
    return None if share is None else 100 * share
