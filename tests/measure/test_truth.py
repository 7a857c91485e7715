"""Which reference judges what: definitions against float64, steps, arenas."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))
from engine_lab import graph_of
from tflite_builder import Build, T

from pipeline.codegen.references import doubt
from pipeline.measure.reference import Reference
from pipeline.measure.truth import plan
from pipeline.measure.truth.definitions import define

SCALES = [1e-9, 1e-4, 0.02, 1.0, 40.0, 1e5]


def one(name: str, dtype: str, scales: tuple[float, float], zeros: tuple[int, int],
        options: str = "", **fields: Any) -> bytes:  # fmt: skip
    b = Build()
    x = b.input(T((1, 256), dtype, scales[0], zeros[0]))
    b.outputs = b.op(name, [x], [T((1, 256), dtype, scales[1], zeros[1])], options, 1, **fields)
    return b.bytes()


def stored(kind: str) -> np.ndarray:
    if kind == "int8":
        return np.arange(256).astype(np.uint8).view(np.int8)
    return np.linspace(-32768, 32767, 256).astype(np.int16)


REAL: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str, dict[str, float]]] = {
    "ABS": (np.abs, "AbsOptions", {}),
    "HARD_SWISH": (lambda v: v * np.clip(v + 3, 0, 6) / 6, "", {}),
    "LEAKY_RELU": (lambda v: np.where(v < 0, 0.25 * v, v), "LeakyReluOptions", {"alpha": 0.25}),
    "QUANTIZE": (lambda v: v, "", {}),
    "RELU": (lambda v: np.maximum(v, 0), "", {}),
    "RELU6": (lambda v: np.clip(v, 0, 6), "", {}),
    "RELU_0_TO_1": (lambda v: np.clip(v, 0, 1), "", {}),
    "RELU_N1_TO_1": (lambda v: np.clip(v, -1, 1), "", {}),
}


@pytest.mark.parametrize("name", sorted(REAL))
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_definitions_are_right_to_a_step(name: str, dtype: str) -> None:
    real, options, fields = REAL[name]
    zeros = (-3, 5) if dtype == "int8" else (0, 0)
    info = np.iinfo(dtype)
    for a in SCALES:
        for c in SCALES:
            graph = graph_of(one(name, dtype, (a, c), zeros, options, **fields))
            (found,) = define(graph, graph.ops[0], [stored(dtype)[np.newaxis]])
            values = (stored(dtype).astype(np.float64) - zeros[0]) * float(np.float32(a))
            steps = np.clip(real(values) / float(np.float32(c)) + zeros[1], info.min, info.max)
            assert np.abs(found - steps).max() <= 1.0, (name, a, c)


@pytest.mark.parametrize("name", ["LOGISTIC", "TANH"])
@pytest.mark.parametrize("scale", [1e-10, 0.05, 3.9, 4.2, 8.0, 50.0, 1e4])
def test_a_real_zero_gives_one_half_and_zero(name: str, scale: float) -> None:
    ends = ((scale, 1 / 256), (-3, -128)) if name == "LOGISTIC" else ((scale, 1 / 128), (-3, 0))
    with Reference(one(name, "int8", *ends), stored("int8")[np.newaxis]) as reference:
        outputs = reference.outputs()
    assert outputs is not None
    at_zero = outputs.view(np.int8)[0][np.flatnonzero(stored("int8") == -3)[0]]
    assert at_zero == 0


def network() -> bytes:
    """ABS, a RELU6 that rescales, ABS."""
    b = Build()
    x = b.input(T((1, 4), "int8", 0.1, 0))
    y = b.op("ABS", [x], [T((1, 4), "int8", 0.1, 0)], "AbsOptions")
    y = b.op("RELU6", y, [T((1, 4), "int8", 0.05, -10, name="m/act/Relu6")])
    b.outputs = b.op("ABS", y, [T((1, 4), "int8", 0.05, -10)], "AbsOptions")
    return b.bytes()


def test_each_op_is_judged_by_who_is_right() -> None:
    steps = plan(graph_of(network()))
    assert [step.engine for step in steps] == ["tflite-micro", "ai-edge-litert", "tflite-micro"]
    x = np.array([[-1, 2, 60, 127]], np.int8)
    with Reference(network(), x) as reference:
        outputs = reference.outputs()
        assert reference.reason == ""
        (ruling,) = reference.rulings
    assert (ruling.name, ruling.layer, ruling.reference) == ("RELU6", "act", "ai-edge-litert")
    assert "rescale" in ruling.why
    assert outputs is not None
    # real 0.1, 0.2, 6, 6 in steps of 0.05 from -10 on
    assert outputs.view(np.int8)[0].tolist() == [-8, -6, 110, 110]


def test_the_same_scale_is_left_to_tflite_micro() -> None:
    same = graph_of(one("RELU6", "int8", (0.1, 0.1), (0, 0)))
    assert doubt(same, same.ops[0]) is None
    unstored = graph_of(one("RELU6", "int8", (0.01, 0.01), (0, 0)))
    assert doubt(unstored, unstored.ops[0]) is not None, "6 has no stored value"


def test_a_tensor_less_itself_is_zero() -> None:
    b = Build()
    x = b.input(T((1, 4), "int8", 0.0145, 33))
    b.outputs = b.op("SUB", [x, x], [T((1, 4), "int8", 7.84e-9, 4)], "SubOptions", 2)
    with Reference(b.bytes(), np.array([[-7, 0, 33, 127]], np.int8)) as reference:
        outputs = reference.outputs()
        assert reference.rulings[0].reference == "definition"
    assert outputs is not None and set(outputs.view(np.int8).ravel().tolist()) == {4}


def test_a_small_file_with_large_tensors_gets_its_arena() -> None:
    """Its own default, ten times the file, would be too little: LiteRT was taken unsaid."""
    b = Build()
    shape = (1, 700, 1000, 3)
    x = b.input(T(shape, "int8", 0.1, 0))
    axis = b.tensor(T((2,), "int32", data=[1, 2]))
    b.outputs = b.op("REDUCE_MAX", [x, axis], [T((1, 3), "int8", 0.1, 0)], "ReducerOptions", 2)
    with Reference(b.bytes(), np.zeros(shape, np.int8)) as reference:
        assert reference.outputs() is not None
        assert reference.name.startswith("tflite-micro")
        assert reference.reason == ""


def test_where_litert_is_taken_it_says_why() -> None:
    b = Build()
    x = b.input(T((1, 4), "float32"))
    y = b.tensor(T((1, 4), "float32", data=np.full(4, 2.0)))
    b.outputs = b.op("POW", [x, y], [T((1, 4), "float32")], "PowOptions")
    with Reference(b.bytes(), np.full((1, 4), 3.0, np.float32)) as reference:
        outputs = reference.outputs()
        assert outputs is not None and np.allclose(outputs.view(np.float32), 9.0)
        assert reference.name.startswith("ai-edge-litert")
        assert "POW" in reference.reason


def test_rsqrt_and_softmax_at_extremes() -> None:
    b = Build()
    x = b.input(T((1, 3), "int8", 216.0, -23))
    b.outputs = b.op("SOFTMAX", [x], [T((1, 3), "int8", 1 / 256, -128)], "SoftmaxOptions", beta=1.0)
    from engine_lab import Case, check

    check([Case(b.bytes(), [[np.array([[5, 4, 5]], np.int8)]])])
    graph = graph_of(one("RSQRT", "int8", (1e5, 1e-3), (-128, 0)))
    (found,) = define(graph, graph.ops[0], [stored("int8")[np.newaxis]])
    at = np.flatnonzero(stored("int8") == -127)[0]
    assert abs(int(found[0, at]) - 1 / math.sqrt(1e5) / 1e-3) <= 1


def test_zeros_stay_zeros_by_whatever_they_are_multiplied() -> None:
    from pipeline.measure.truth.definitions import _rescaled

    assert _rescaled(np.zeros(3, np.int64), 3.4e11).tolist() == [0, 0, 0]
    assert _rescaled(np.array([0, 2, -2]), 3.4e11)[1] > 1 << 31
