"""A report in the few lines a person reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.report.document import Report

_ON = {"qemu": "in QEMU", "renode": "in Renode", "probe": "on the board", "serial": "on the board"}
_COSTLIEST = 3
_SHORT = {"classification": "classes", "anomaly": "anomalies", "regression": "values", "none": ""}


def _kib(count: int) -> str:
    return f"{count / 1024:,.1f} KiB"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def summary(report: Report, folder: Path) -> str:
    """The report in about ten lines, no wider than 100 columns for usual names."""
    board, memory, latency = report.board, report.memory, report.latency
    lines = [
        f"{report.model.name} {_ON[report.on]}: {board.id} "
        f"({board.mcu}, {board.core}, {board.clock_hz / 1e6:g} MHz), engine {report.engine}",
        _accuracy(report),
        *_answers(report),
        _latency(report),
        f"  flash     {_kib(memory.flash_bytes)} of {_kib(memory.flash_limit)}: "
        f"model {_kib(memory.flash_model_bytes)}, {_code(report)}",
        f"  RAM       {_kib(memory.ram_bytes)} of {_kib(memory.ram_limit)}: "
        f"{_arena(report)}; and {_kib(memory.stack_peak_bytes)} of stack used",
        _compression(report),
    ]
    costliest = sorted(report.layers, key=lambda layer: -layer.cost)[:_COSTLIEST]
    if costliest:
        text = ", ".join(f"{layer.name} {_percent(layer.share)}" for layer in costliest)
        lines.append(f"  costliest {text} of the {latency.unit}")
    lines.append(f"  report    {folder / 'report.json'}")
    return "\n".join(lines)


def _code(report: Report) -> str:
    """Code, and what of it and of the model is the engine's, without monitor and start-up."""
    memory = report.memory
    text = f"code {_kib(memory.flash_code_bytes)}"
    if memory.engine_bytes is not None:
        text += f"; engine and model alone {_kib(memory.engine_bytes)}"
    return text


def _answers(report: Report) -> list[str]:
    """The task's figures beyond top-1, which samples differ, clock and energy, where there are."""
    from pipeline.report.answers import differences, references, rows

    accuracy, latency, energy = report.accuracy, report.latency, report.energy
    lines = [
        f"{row.name} {row.device} (host {row.host})"
        for row in rows(accuracy)
        if row.name != "top-1"
    ]
    found = [f"  {_SHORT[accuracy.task]:<9} {'; '.join(lines)}"] if lines else []
    found += [f"  reference {text}" for text in references(accuracy)]
    if text := differences(accuracy):
        found.append(f"  differs   {text}")
    if latency.clock_hz is not None:
        nominal = report.board.clock_hz
        off = 100 * (latency.clock_hz / nominal - 1)
        found.append(f"  clock     {latency.clock_hz / 1e6:.3f} MHz measured ({off:+.2f} %)")
    if energy is not None:
        found.append(f"  energy    {1e6 * energy.joules:,.2f} uJ an inference ({energy.source})")
    return found


def _accuracy(report: Report) -> str:
    accuracy = report.accuracy
    parts = []
    if accuracy.device is not None:
        text = f"{_percent(accuracy.device)} of {accuracy.samples:,} samples right"
        if accuracy.host is not None:
            text += f" (host {_percent(accuracy.host)})"
        parts.append(text)
    if accuracy.identical_outputs is not None:
        name = accuracy.reference.split(" ")[0]
        ruled = len(accuracy.rulings)
        but = f" (but for {ruled} op{'s' if ruled > 1 else ''})" if ruled else ""
        parts.append(f"{accuracy.identical_outputs:,} identical to {name}{but}")
        if accuracy.largest_ulps:
            passed = "pass" if accuracy.verdict == "close" else "FAIL"
            parts.append(f"floats within {accuracy.largest_ulps:,.0f} ulp: {passed}")
    return "  accuracy  " + ("; ".join(parts) or f"{accuracy.samples:,} samples, no labels")


def _latency(report: Report) -> str:
    latency = report.latency
    text = f"  latency   {latency.median:,} {latency.unit} per inference"
    if latency.seconds is not None:
        text += f", {latency.seconds * 1000:.3g} ms"
    if latency.min != latency.max:
        text += f" ({latency.min:,} to {latency.max:,}"
        text += f", p95 {latency.p95:,})" if latency.p95 is not None else ")"
    return text


def _arena(report: Report) -> str:
    asked, used = report.memory.arena_bytes, report.memory.arena_used_bytes
    spare = used is not None and used != asked
    return f"arena {_kib(asked)}" + (f", {_kib(used)} of it used" if spare and used else "")


def _compression(report: Report) -> str:
    done = report.compression
    steps = [
        f"{name} {_percent(value)}"
        for name, value in (
            ("float", done.float_accuracy),
            ("pruned", done.pruned_accuracy),
            ("int8", done.quantized_accuracy),
        )
        if value is not None
    ]
    text = f"  model     {done.ratio:.1f}x smaller than float32"
    if done.method != "none":
        text += f"; {done.method}: {_percent(done.sparsity)} zeros"
        if done.neurons_removed:
            text += f", {done.neurons_removed} neurons removed"
    return text + _bought(report) + (f"\n  on host   {', '.join(steps)}" if steps else "")


def _bought(report: Report) -> str:
    """The layers' weights and cost before pruning and now."""
    pairs = [(layer, layer.before) for layer in report.layers if layer.before is not None]
    if not pairs:
        return ""
    size, size_now = (
        sum(b.weight_bytes for _, b in pairs),
        sum(layer.weight_bytes for layer, _ in pairs),
    )
    text = f"\n  pruning   weights {_kib(size)} -> {_kib(size_now)}"
    both = [(b.cost, b.cost_now) for _, b in pairs if b.cost_now is not None]
    if not both:
        return text
    cost, cost_now = sum(old for old, _ in both), sum(now for _, now in both)
    # Both are estimates, made alike; what was measured stands alone, under latency.
    return f"{text}; layers expected {cost:,} -> {cost_now:,} instructions"
