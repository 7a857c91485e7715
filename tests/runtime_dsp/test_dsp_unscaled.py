"""Depthwise 3x3 where the shift fits into the weights of some channels only."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from engine_lab import Case, check, graph_of, oracle, random_inputs
from tflite_builder import Build, T

from pipeline.codegen import Target, compile_graph
from pipeline.codegen.program import Optimize

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from bare_metal import run

DSP = Target("cortex-m4", frozenset({"dsp"}))
CHANNELS = 37  # more than a word of bits
LARGE = (0, 5, 31, 32, 36)
"""Channels whose scale is that much larger that their weights can't take up the shift."""
WIDE, SHORT = 1.5, 0.1
"""Scales of theirs: with no shift left to the right, and one that the short form has."""


def model(stride: int, large: float = WIDE) -> bytes:
    b = Build()
    random = np.random.default_rng(stride)
    scales = np.full(CHANNELS, 0.004)
    scales[list(LARGE)] = large
    bias = random.integers(-3000, 3000, CHANNELS)
    shape = (1, 3, 3, CHANNELS)
    inputs = [
        b.input(T((1, 9, 11, CHANNELS), "int8", 0.05, -7)),
        b.tensor(T(shape, "int8", scales, 0, axis=3, data=random.integers(-127, 128, shape))),
        b.tensor(T((CHANNELS,), "int32", 0.05 * scales, 0, data=bias)),
    ]
    side = (9 + stride - 1) // stride, (11 + stride - 1) // stride
    b.outputs = b.op(
        "DEPTHWISE_CONV_2D", inputs, [T((1, *side, CHANNELS), "int8", 0.05, -128)],
        "DepthwiseConv2DOptions", 3, padding=0, strideH=stride, strideW=stride,
        dilationHFactor=1, dilationWFactor=1, depthMultiplier=1, fusedActivationFunction=1,
    )  # fmt: skip
    return b.bytes()


@pytest.mark.parametrize("stride", [1, 2])
def test_the_others_are_scaled(stride: int) -> None:
    content = model(stride)
    sources = compile_graph(graph_of(content), DSP, "speed").sources
    assert ".scaled = 1" in sources["network.c"]
    words = [sum(1 << c % 32 for c in LARGE if c // 32 == word) for word in (0, 1)]
    assert "model_00_unscaled[2]" in sources["network_data.c"]
    assert all(str(word) in sources["network_data.c"] for word in words)
    check([Case(content, random_inputs(content, 3), target=DSP)])


@pytest.mark.parametrize("stride", [1, 2])
def test_packed_constants_take_half(stride: int) -> None:
    content = model(stride, SHORT)
    graph = graph_of(content)
    fast, small = (compile_graph(graph, DSP, goal) for goal in ("speed", "balanced"))
    assert "dsp_depthwise_3x3_unpack" in small.sources["network.c"]
    assert "unscaled" not in small.sources["network_data.c"]
    bits = 8  # of unscaled
    assert [layer.weight_bytes - bits for layer in fast.layers] == [36 * CHANNELS]
    assert [layer.weight_bytes for layer in small.layers] == [18 * CHANNELS]
    check([Case(content, random_inputs(content, 3), target=DSP)])


@pytest.mark.qemu
@pytest.mark.parametrize(("goal", "large"), [("speed", WIDE), ("balanced", SHORT)])
@pytest.mark.parametrize("stride", [1, 2])
def test_on_chip(stride: int, goal: Optimize, large: float, tmp_path: Path) -> None:
    content = model(stride, large)
    runs = random_inputs(content, 3)
    graph = graph_of(content)
    result = run(compile_graph(graph, DSP, goal), np.stack([r[0] for r in runs]), tmp_path)
    wanted = oracle(Case(content, runs), list(graph.outputs))
    assert result.outputs == [w[graph.outputs[0]].tobytes() for w in wanted]
