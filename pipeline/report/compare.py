"""Two results side by side: figures, differing conditions, gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pipeline.errors import AccuracyGate, McuError, PerformanceGate, WrongUse
from pipeline.report.answers import headline
from pipeline.report.document import Report
from pipeline.report.gates import Gates, Limit

Verdict = Literal["", "pass", "fail"]

# What may differ without making figures incomparable: these say who ran it and of what commit.
_NOT_A_CONDITION = {"git", "source", "system", "python", "host", "compression_notes"}


@dataclass(frozen=True)
class Condition:
    """A condition under which two results were made, and which is not the same."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Figure:
    """One measured number of two results.

    Attributes:
        name: "accuracy", "identical outputs", "latency", "flash", ...
        unit: "%", "instructions", "cycles", "bytes", "ms", "uJ", or "" for a bare number.
        before, after: in that unit; None where not measured.
        gate: the bound in words; "" without.
        verdict: "" without a gate.
        why: what a failed gate has to say.
        comparable: False where the two numbers count different things.
    """

    name: str
    unit: str
    before: float | None
    after: float | None
    gate: str = ""
    verdict: Verdict = ""
    why: str = ""
    comparable: bool = True

    @property
    def change(self) -> float | None:
        """after - before; None where it has no meaning."""
        if self.before is None or self.after is None or not self.comparable:
            return None
        return self.after - self.before

    @property
    def relative(self) -> float | None:
        """The change as a share of `before`."""
        return self.change / self.before if self.change is not None and self.before else None

    @property
    def of_accuracy(self) -> bool:
        """Whether a failure is one of accuracy or parity, and not of performance."""
        return self.unit == "%"


@dataclass(frozen=True)
class LayerChange:
    """A layer's cost before and after."""

    index: int
    op: str
    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Pair:
    """Two results of the same thing."""

    name: str
    before: Report
    after: Report
    conditions: tuple[Condition, ...]
    figures: tuple[Figure, ...]
    layers: tuple[LayerChange, ...]

    @property
    def failures(self) -> tuple[Figure, ...]:
        """The figures whose gate failed."""
        return tuple(figure for figure in self.figures if figure.verdict == "fail")


@dataclass(frozen=True)
class Comparison:
    """All pairs, and what has no partner.

    Attributes:
        missing: names that were there before and are not now.
        new: names that were not there before.
        strict: gates were given for whole sets: then a missing result fails too.
    """

    pairs: tuple[Pair, ...]
    missing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    strict: bool = False

    @property
    def error(self) -> McuError | None:
        """The failed gates as the error to leave with: accuracy before performance."""
        bad = [(pair, figure) for pair in self.pairs for figure in pair.failures]
        texts = [f"{pair.name}: {figure.why}" for pair, figure in bad]
        lost = [f"{name}: no result to compare" for name in self.missing] if self.strict else []
        if not texts and not lost:
            return None
        what = "; ".join(texts + lost)
        if lost or any(figure.of_accuracy for _, figure in bad):
            return AccuracyGate(what)
        return PerformanceGate(what)

    def to_json(self) -> dict[str, Any]:
        """One document: pairs with their figures, conditions and verdicts."""
        failed = self.error
        return {
            "passed": failed is None,
            "exit_code": failed.exit_code if failed else 0,
            "pairs": [
                {
                    "name": pair.name,
                    "conditions": [asdict(condition) for condition in pair.conditions],
                    "figures": [
                        {**asdict(f), "change": f.change, "relative": f.relative}
                        for f in pair.figures
                    ],
                    "layers": [asdict(layer) for layer in pair.layers],
                }
                for pair in self.pairs
            ],
            "missing": list(self.missing),
            "new": list(self.new),
        }


def name_of(report: Report) -> str:
    """What a result is of: model, board, engine and the way of running, compression if any."""
    parts = [report.model.name, report.board.id, report.engine, report.on]
    optimize = report.environment.get("optimize", "balanced")
    parts += [str(optimize)] if optimize != "balanced" else []
    parts += [report.compression.method] if report.compression.method != "none" else []
    return " ".join(parts)


def compare(
    before: Sequence[Report], after: Sequence[Report], gates: Gates | None = None
) -> Comparison:
    """Compares results; a single one on each side is taken as a pair whatever it is of.

    Raises:
        WrongUse: the two sides have nothing in common.
    """
    chosen = gates or Gates()
    if len(before) == 1 and len(after) == 1:
        return Comparison((_pair(before[0], after[0], chosen),))
    old = {name_of(report): report for report in before}
    now = {name_of(report): report for report in after}
    common = [name for name in old if name in now]
    if not common:
        raise WrongUse(
            "the two sides have no result in common",
            where=f"{', '.join(old) or 'nothing'} against {', '.join(now) or 'nothing'}",
            hint="results are paired by model, board, engine, --on, --optimize and compression",
        )
    single = len(before) == 1 or len(after) == 1
    return Comparison(
        pairs=tuple(_pair(old[name], now[name], chosen) for name in common),
        missing=() if len(after) == 1 else tuple(name for name in old if name not in now),
        new=() if len(before) == 1 else tuple(name for name in now if name not in old),
        strict=chosen.any and not single,
    )


def conditions_of(report: Report) -> dict[str, str]:
    """All that a figure depends on besides the code: name -> value."""
    found = {
        "model sha256": report.model.sha256[:12],
        "board": report.board.id,
        "clock": f"{report.board.clock_hz / 1e6:g} MHz",
        "on": report.on,
        "engine": report.engine,
        "compression": report.compression.method,
        "samples": str(report.accuracy.samples),
        "data sha256": (report.data.sha256 or "unknown")[:12],
        "task": report.accuracy.task,
        "reference": report.accuracy.reference,
    }
    rest = {k: str(v) for k, v in report.environment.items() if k not in _NOT_A_CONDITION}
    return {**found, **{name.replace("_", " "): text for name, text in sorted(rest.items())}}


def _pair(before: Report, after: Report, gates: Gates) -> Pair:
    old, now = conditions_of(before), conditions_of(after)
    names = [*old, *(name for name in now if name not in old)]
    conditions = tuple(
        Condition(name, old.get(name, "unknown"), now.get(name, "unknown"))
        for name in names
        if old.get(name) != now.get(name)
    )
    return Pair(
        name_of(after), before, after, conditions, _figures(before, after, gates),
        _layers(before, after),
    )  # fmt: skip


def _figures(before: Report, after: Report, gates: Gates) -> tuple[Figure, ...]:
    same_unit = before.latency.unit == after.latency.unit
    unit = after.latency.unit if same_unit else f"{before.latency.unit} / {after.latency.unit}"
    figures = [
        _judge(Figure("accuracy", "%", _percent(headline(before)),
                      _percent(headline(after))), gates.drop),
        _parity(Figure("identical outputs", "%", _identical(before), _identical(after)),
                gates.parity, after),
        _judge(Figure("latency", unit, before.latency.median, after.latency.median,
                      comparable=same_unit), gates.slowdown),
    ]  # fmt: skip
    figures += _scores(before, after)
    if before.latency.p95 is not None and after.latency.p95 is not None:
        figures.append(Figure("latency, p95", unit, before.latency.p95, after.latency.p95,
                              comparable=same_unit))  # fmt: skip
    if before.latency.seconds is not None and after.latency.seconds is not None:
        old, now = 1000 * before.latency.seconds, 1000 * after.latency.seconds
        figures.append(Figure("latency in time", "ms", old, now))
    for name, field, gate in (
        ("flash", "flash_bytes", gates.flash),
        ("flash, model", "flash_model_bytes", None),
        ("flash, engine", "engine_bytes", None),
        ("RAM", "ram_bytes", gates.ram),
        ("arena", "arena_bytes", None),
        ("stack used", "stack_peak_bytes", None),
    ):
        old, now = getattr(before.memory, field), getattr(after.memory, field)
        if old is not None or now is not None:
            figures.append(_judge(Figure(name, "bytes", old, now), gate))
    if before.energy is not None or after.energy is not None:
        spent = (1e6 * r.energy.joules if r.energy else None for r in (before, after))
        figures.append(Figure("energy", "uJ", next(spent), next(spent)))
    return tuple(figures)


def _scores(before: Report, after: Report) -> list[Figure]:
    """The task's further figures; of different tasks they are not the same thing."""
    same = before.accuracy.task == after.accuracy.task
    found = []
    for name, unit, field in (
        ("top-k", "%", "top_k"),
        ("AUC", "", "auc"),
        ("MAE", "", "mae"),
        ("RMSE", "", "rmse"),
        ("R2", "", "r2"),
    ):
        old, now = (getattr(r.accuracy.on_device, field, None) for r in (before, after))
        if old is not None or now is not None:
            scale = 100 if unit else 1
            old, now = (None if value is None else scale * value for value in (old, now))
            found.append(Figure(name, unit, old, now, comparable=same))
    return found


def _judge(figure: Figure, limit: Limit | None) -> Figure:
    if limit is None:
        return figure
    if figure.before is None or figure.after is None:
        return _failed(figure, limit.words, "was not measured, its gate can't be judged")
    if not figure.comparable:
        why = f"in {figure.unit} is not the same thing, its gate can't be judged"
        return _failed(figure, limit.words, why)
    if limit.holds(figure.before, figure.after):
        return replace(figure, gate=limit.words, verdict="pass")
    old, now = number(figure.before, figure.unit), number(figure.after, figure.unit)
    return _failed(figure, limit.words, f"{old} -> {now} {figure.unit}, the gate is {limit.words}")


def _parity(figure: Figure, wanted: bool, after: Report) -> Figure:
    if not wanted:
        return figure
    same, samples = after.accuracy.identical_outputs, after.accuracy.samples
    if same == samples:
        return replace(figure, gate="all of them", verdict="pass")
    count = "an unknown number" if same is None else f"{same:,}"
    return _failed(figure, "all of them", f"are {count} of {samples:,}, the gate is all")


def _failed(figure: Figure, gate: str, why: str) -> Figure:
    return replace(figure, gate=gate, verdict="fail", why=f"{figure.name} {why}")


def _layers(before: Report, after: Report) -> tuple[LayerChange, ...]:
    if before.latency.unit != after.latency.unit:
        return ()
    old = {(layer.op, layer.name): layer.cost for layer in before.layers}
    return tuple(
        LayerChange(layer.index, layer.op, layer.name, old[layer.op, layer.name], layer.cost)
        for layer in after.layers
        if (layer.op, layer.name) in old
    )


def number(value: float | None, unit: str) -> str:
    """A figure as people write it: 90.10 for percentages, 1,234 for counts, "-" for none."""
    if value is None:
        return "-"
    if not unit:
        return f"{value:.4g}"
    return f"{value:.2f}" if unit in ("%", "ms", "uJ") else f"{value:,.0f}"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _identical(report: Report) -> float | None:
    accuracy = report.accuracy
    if accuracy.identical_outputs is None or not accuracy.samples:
        return None
    return 100 * accuracy.identical_outputs / accuracy.samples
