"""How good the answers are, as rows a person reads: device beside host."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.document import AccuracyFacts, Report, ScoreFacts

_SHOWN = 20
_LAYERS = 4
# Classes that a matrix is shown for; of more it is in report.json alone.
_MOST_CLASSES = 20


@dataclass(frozen=True)
class Row:
    """A figure of both sides, in words; "-" where it was not measured."""

    name: str
    device: str
    host: str


def headline(report: Report) -> float | None:
    """The share that stands for a result: top-1, for anomalies the area under the curve."""
    accuracy = report.accuracy
    if accuracy.device is not None:
        return accuracy.device
    if accuracy.task == "anomaly" and accuracy.on_device is not None:
        return accuracy.on_device.auc
    return None


def rows(accuracy: AccuracyFacts) -> list[Row]:
    """The task's figures."""
    device = accuracy.on_device or ScoreFacts(top1=accuracy.device)
    host = accuracy.on_host or ScoreFacts(top1=accuracy.host)
    found = []
    for name, field, percent in (
        ("top-1", "top1", True),
        (f"top-{accuracy.k}", "top_k", True),
        ("area under the ROC curve", "auc", False),
        ("mean absolute error", "mae", False),
        ("root mean square error", "rmse", False),
        ("R²", "r2", False),
    ):
        ours, theirs = getattr(device, field), getattr(host, field)
        if ours is not None or theirs is not None:
            found.append(Row(name, _text(ours, percent), _text(theirs, percent)))
    return found


def differences(accuracy: AccuracyFacts) -> str:
    """Which samples differ, and by how much; "" where none do or nothing was compared."""
    if accuracy.identical_outputs is None or accuracy.identical_outputs == accuracy.samples:
        return ""
    count = accuracy.samples - accuracy.identical_outputs
    shown = ", ".join(map(str, accuracy.different[:_SHOWN]))
    more = ", ..." if count > min(len(accuracy.different), _SHOWN) else ""
    text = f"{count:,} of {accuracy.samples:,} samples differ from the host: {shown}{more}"
    if accuracy.largest_difference is not None:
        steps = "" if accuracy.largest_steps is None else f"{accuracy.largest_steps} steps, "
        text += f"; by at most {steps}{accuracy.largest_difference:.3g}"
    return text


def references(accuracy: AccuracyFacts) -> list[str]:
    """What else than TFLite Micro answers were held against, and why; a line for each case."""
    lines = [f"{accuracy.reference.split(' ')[0]}: {accuracy.reference_reason}"] * bool(
        accuracy.reference_reason
    )
    cases: dict[tuple[str, str, str], list[str]] = {}
    for r in accuracy.rulings:
        cases.setdefault((r.name, r.reference, r.why), []).append(r.layer or f"op {r.op}")
    for (name, reference, why), layers in cases.items():
        shown = ", ".join(layers[:_LAYERS]) + (", ..." if len(layers) > _LAYERS else "")
        by = "its definition" if reference == "definition" else reference
        lines.append(f"{name} ({shown}) by {by}: {why}")
    return lines


def matrix(accuracy: AccuracyFacts) -> tuple[tuple[int, ...], ...]:
    """The device's confusion matrix, where it is small enough to be looked at."""
    scores = accuracy.on_device
    small = scores is not None and len(scores.confusion) <= _MOST_CLASSES
    return scores.confusion if scores is not None and small else ()


def _text(value: float | None, percent: bool) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if percent else f"{value:.4g}"
