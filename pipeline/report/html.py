"""A self-contained HTML page of results: no network, no script, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.report.answers import Row, differences, headline, matrix, rows
from pipeline.report.charts import courses, legend, overview
from pipeline.report.compare import Comparison, conditions_of, name_of, number
from pipeline.report.document import BeforeFacts, MemoryFacts, Report
from pipeline.report.markdown import change

if TYPE_CHECKING:
    from jinja2 import Template

    from pipeline.report.baseline import BaselineRow
    from pipeline.report.history import Entry

_TEMPLATES = Path(__file__).with_name("templates")
# Details of more results than this are folded at first.
_OPEN_UP_TO = 3
_ON = {"qemu": "QEMU", "renode": "Renode", "probe": "the board", "serial": "the board"}
_LEGEND_BAR = 600.0


@dataclass(frozen=True)
class Part:
    """A part of a memory bar: position and width in the bar's units."""

    at: float
    width: float
    color: int
    text: str


@dataclass(frozen=True)
class Bar:
    """A memory, its used parts, and how full it is (0..1)."""

    title: str
    caption: str
    text: str
    parts: tuple[Part, ...]
    rest: str
    filled: float


@dataclass(frozen=True)
class _Layer:
    index: int
    op: str
    name: str
    kernel: str
    encoding: str
    macs: str
    cost: str
    cost_share: float
    per_mac: str
    bytes: str
    bytes_share: float
    before: BeforeFacts | None


def page(
    reports: Sequence[Report],
    *,
    title: str = "What the models do on the boards",
    comparison: Comparison | None = None,
    entries: Sequence[Entry] = (),
    baseline: Sequence[BaselineRow] = (),
    failures: Iterable[tuple[str, str]] = (),
) -> str:
    """The page.

    Args:
        reports: shown one by one, and against each other where there are several.
        comparison: shown first.
        entries: results of the history, the oldest first, for the plots over time.
        baseline: results of another program, shown beside.
        failures: name and message of what did not run.
    """
    names = _unique(reports)
    return _template().render(
        title=title,
        reports=list(zip(names, reports, strict=True)),
        legend=legend(reports, baseline),
        plots=overview(reports, names, baseline),
        details=[_details(n, r, len(reports)) for n, r in zip(names, reports, strict=True)],
        comparison=comparison,
        history=courses(entries),
        entries=list(entries),
        baseline=baseline,
        failures=list(failures),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_shown,
    )
    environment.globals.update(
        number=number, change=change, name_of=name_of, on=_ON, headline=headline
    )
    return environment.get_template("page.html.j2")


_NOT_SHOWN = "\N{REPLACEMENT CHARACTER}"


def _shown(value: object) -> object:
    """A text without controls, and without what turns the direction of what follows."""
    if type(value) is not str or value.isprintable():
        return value
    return "".join(c if c.isprintable() or c in "\n\t" else _NOT_SHOWN for c in value)


def _unique(reports: Sequence[Report]) -> list[str]:
    """Names; of two results of the same thing the later ones get a number."""
    seen: dict[str, int] = {}
    names = []
    for report in reports:
        name = name_of(report)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


# One result --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Details:
    name: str
    report: Report
    open: bool
    bars: tuple[Bar, ...]
    layers: tuple[_Layer, ...]
    pruned: bool
    conditions: dict[str, str]
    scores: tuple[Row, ...]
    differences: str
    matrix: tuple[tuple[int, ...], ...]


def _details(name: str, report: Report, count: int) -> _Details:
    environment: dict[str, str] = {
        key: str(report.environment[key]) for key in ("git", "source") if key in report.environment
    }
    return _Details(
        name,
        report,
        count <= _OPEN_UP_TO,
        _memory(report),
        _layers(report),
        any(layer.before for layer in report.layers),
        {**conditions_of(report), **environment},
        tuple(rows(report.accuracy)),
        differences(report.accuracy),
        matrix(report.accuracy),
    )


def _memory(report: Report) -> tuple[Bar, ...]:
    memory = report.memory
    other = max(0, memory.ram_bytes - memory.arena_bytes)
    flash = _flash(memory)
    ram = (("arena", memory.arena_bytes, 2), ("other data", other, 1),
           ("stack used", memory.stack_peak_bytes, 3))  # fmt: skip
    return (_bar("Flash", flash, memory.flash_limit), _bar("RAM", ram, memory.ram_limit))


_PARTS = (
    ("model", "model", 2),
    ("kernels", "kernels", 1),
    ("network", "calls of them", 4),
    ("engine", "engine's interface", 5),
    ("tflm", "TensorFlow Lite Micro", 1),
    ("monitor", "monitor", 3),
    ("port", "port and start-up", 6),
    ("library", "C library", 7),
    ("fill", "alignment", 8),
)


def _flash(memory: MemoryFacts) -> tuple[tuple[str, int, int], ...]:
    """Flash by part; code and model alone where no more is known."""
    if not memory.parts:
        return (("code", memory.flash_code_bytes, 1), ("model", memory.flash_model_bytes, 2))
    return tuple(
        (name, memory.parts[part], color) for part, name, color in _PARTS if memory.parts.get(part)
    )


def _bar(title: str, parts: Iterable[tuple[str, int, int]], limit: int) -> Bar:
    chosen = list(parts)
    used = sum(size for _, size, _ in chosen)
    scale = _LEGEND_BAR / max(1, used)
    found, at = [], 0.0
    for name, size, color in chosen:
        found.append(Part(at, size * scale, color, f"{name} {_kib(size)}"))
        at += size * scale
    share = used / limit if limit else 1.0
    caption = f"{_kib(used)} used, {100 * share:.1f} % of {_kib(limit)}"
    text = f"{title}: {caption}; " + ", ".join(part.text for part in found)
    rest = f"free {_kib(max(0, limit - used))}"
    return Bar(title, caption, text, tuple(found), rest, min(1.0, share))


def _kib(count: int) -> str:
    return f"{count / 1024:,.1f} KiB"


def _layers(report: Report) -> tuple[_Layer, ...]:
    most_cost = max((layer.cost for layer in report.layers), default=0) or 1
    most_bytes = max((layer.weight_bytes for layer in report.layers), default=0) or 1
    return tuple(
        _Layer(
            layer.index,
            layer.op,
            layer.name,
            layer.kernel,
            layer.encoding,
            f"{layer.macs:,}",
            f"{layer.cost:,}",
            layer.cost / most_cost,
            f"{layer.cost / layer.macs:.2f}" if layer.macs else "",
            f"{layer.weight_bytes:,}",
            layer.weight_bytes / most_bytes,
            layer.before,
        )
        for layer in report.layers
    )
