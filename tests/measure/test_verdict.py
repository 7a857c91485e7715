"""What may differ between chip and reference, and what is an alarm."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))
from tflite_builder import Build, T

from pipeline.convert import Graph, read_graph
from pipeline.errors import AccuracyGate
from pipeline.load.flatmodel import FlatModel
from pipeline.measure import Accuracy
from pipeline.measure.verdict import MOST_ULPS, fell, largest_ulps, verdict_of
from pipeline.steps.alarm import require_right, what_is_wrong


def graph(dtype: str = "int8") -> Graph:
    b = Build()
    q: dict[str, Any] = {"scale": 0.5} if dtype == "int8" else {}
    x = b.input(T((1, 4), dtype, **q))
    b.outputs = b.op("ABS", [x], [T((1, 4), dtype, **q)], "AbsOptions")
    return read_graph(FlatModel("m", b.bytes()))


def test_integers_have_to_be_identical() -> None:
    assert verdict_of(graph(), "", True, 0, None) == "identical"
    assert verdict_of(graph(), "", False, 1, None) == "different"
    # LiteRT as a whole rounds otherwise here and there.
    assert verdict_of(graph(), "tflite-micro does not run it", False, 1, None) == "close"


def test_floats_are_compared_by_units_in_the_last_place() -> None:
    ours = np.array([[1.0, 1e-9]], np.float32)
    assert largest_ulps(ours, ours.copy()) == 0
    near = np.nextafter(ours, np.float32(2))
    assert largest_ulps(near, ours) == pytest.approx(1.0)
    # A tiny value beside a large one is not held to its own last place.
    assert largest_ulps(np.array([[1.0, 2e-9]], np.float32), ours) < 1
    assert largest_ulps(np.array([[1.0, np.nan]], np.float32), ours) == np.inf
    both = np.array([[np.inf, np.nan]], np.float32)
    assert largest_ulps(both, both.copy()) == 0
    assert verdict_of(graph("float32"), "", False, None, MOST_ULPS) == "close"
    assert verdict_of(graph("float32"), "", False, None, MOST_ULPS + 1) == "different"


def test_a_fall_that_rounding_does_not_explain() -> None:
    assert fell(0.641, 0.964, 359, 359)
    assert not fell(0.961, 0.964, 359, 359)
    assert not fell(0.95, 1.0, 20, 20), "one sample of twenty may round to another side"
    assert fell(0.85, 1.0, 20, 20)
    assert not fell(0.7, 0.9, 10, 1000), "ten samples are too few to say"
    assert fell(0.3, 0.9, 100, 1000)


def accuracy(**more: Any) -> Accuracy:
    return Accuracy(**{
        "samples": 359, "device": 0.641, "host": 0.641, "identical_outputs": 359,
        "reference": "tflite-micro 1", "verdict": "identical", **more,
    })  # fmt: skip


def test_equally_wrong_is_wrong() -> None:
    told = what_is_wrong(accuracy(), {"quantized_accuracy": 0.964, "quantized_samples": 359})
    assert "64.1 % right on the device, 96.4 % by the quantised model on the host" in told
    assert what_is_wrong(accuracy(), {"quantized_accuracy": 0.643}) == ""
    assert what_is_wrong(accuracy(), {"quantized_accuracy": None}) == ""


def test_different_outputs_are_an_alarm_with_the_layer_and_exit_code_5() -> None:
    found = accuracy(verdict="different", identical_outputs=350, largest_steps=7)
    told = what_is_wrong(found, {})
    assert "the outputs of 9 of 359 samples differ from the reference's, by up to 7 steps" in told
    alarmed = accuracy(alarm=told, alarm_layer="RELU6 'act' (op 7)")
    with pytest.raises(AccuracyGate, match="RELU6 'act'") as caught:
        require_right(alarmed)
    assert caught.value.exit_code == 5
    require_right(accuracy())
