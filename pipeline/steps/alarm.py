"""Wrong answers: said aloud, with the first layer that is wrong, and with an exit code.

Answers are wrong where they differ from a reference that they should equal, and where the
chip is right less often than the int8 model was on the host, by more than rounding explains.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.errors import AccuracyGate, McuError
from pipeline.progress import Progress, silent

if TYPE_CHECKING:
    from pipeline.measure import Accuracy
    from pipeline.options import DataOptions
    from pipeline.run import Run

_MOST_TRIED = 4
_HINT = "what comes before that layer is right: look at its kernel and constants"


def what_is_wrong(accuracy: Accuracy, facts: dict[str, Any]) -> str:
    """In words; "" where nothing is.

    Args:
        accuracy: as measured.
        facts: what is known of the model's making (model.json of the run folder).
    """
    from pipeline.measure.verdict import fell

    found = []
    # LiteRT as a whole rounds otherwise here and there: its answers count, not its bytes.
    if accuracy.verdict == "different" and not accuracy.reference_reason:
        found.append(_differs(accuracy))
    for share, samples, who in (
        (accuracy.host, accuracy.samples, "the reference on the host"),
        (
            facts.get("quantized_accuracy"),
            facts.get("quantized_samples") or accuracy.samples,
            "the quantised model on the host",
        ),
    ):
        if None in (share, accuracy.device) or not accuracy.samples:
            continue
        assert share is not None
        assert accuracy.device is not None
        if fell(accuracy.device, share, accuracy.samples, samples):
            found.append(
                f"{100 * accuracy.device:.1f} % right on the device, "
                f"{100 * share:.1f} % by {who}: rounding does not explain that"
            )
    return "; ".join(found)


def _differs(accuracy: Accuracy) -> str:
    count = accuracy.samples - (accuracy.identical_outputs or 0)
    text = f"the outputs of {count:,} of {accuracy.samples:,} samples differ from the reference's"
    if accuracy.largest_ulps is not None:
        return f"{text}, by up to {accuracy.largest_ulps:,.0f} units in the last place"
    if accuracy.largest_steps:
        return f"{text}, by up to {accuracy.largest_steps} steps"
    return text


def examined(
    run: Run,
    accuracy: Accuracy,
    facts: dict[str, Any],
    data: DataOptions,
    *,
    port: Any = None,
    progress: Progress = silent,
) -> Accuracy:
    """The same figures with the alarm in them, and the first layer that differs.

    Args:
        run: whose device was measured; it is asked once more, layer by layer.
        accuracy, facts: see `what_is_wrong`.
        data: what was measured with.
        port: an open serial port to use; None opens the device's own.
        progress: called once per layer.
    """
    wrong = what_is_wrong(accuracy, facts)
    if not wrong:
        return replace(accuracy, alarm="", alarm_layer="")
    samples = accuracy.different[:_MOST_TRIED] or range(min(_MOST_TRIED, accuracy.samples))
    layer = ""
    for sample in samples:
        layer = _first_layer(run, data, sample, port, progress)
        if layer:
            break
    return replace(accuracy, alarm=wrong, alarm_layer=layer)


def _first_layer(
    run: Run, data: DataOptions, sample: int, port: Any, progress: Progress
) -> str:  # fmt: skip
    """The chip's layer that differs from the reference's, else the reference's from LiteRT's."""
    from pipeline.steps.layer_check import compare_run, first_unlike_litert

    try:
        found = compare_run(run, data, sample=sample, port=port, progress=progress).first
    except McuError:  # another engine, or a model the reference can't step through
        found = None
    if found is not None:
        return f"{found.name} {found.layer!r} (op {found.op})"
    try:
        return first_unlike_litert(run, data, sample)
    except McuError:
        return ""


def require_right(accuracy: Any) -> None:
    """Raises AccuracyGate where an alarm was raised.

    Args:
        accuracy: of a measurement or of a report.
    """
    if not accuracy.alarm:
        return
    layer = accuracy.alarm_layer
    raise AccuracyGate(
        accuracy.alarm,
        where=f"first layer that differs: {layer}" if layer else "no single layer could be named",
        hint=_HINT if layer else "mcu measure --compare-layers holds each layer against the host's",
    )
