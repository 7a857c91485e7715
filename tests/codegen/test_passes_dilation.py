"""Dilated convolutions that TensorFlow took apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_lab import Case, check, graph_of, random_inputs, run
from networks import Net
from tflite_builder import T

from pipeline.codegen.passes import PASSES, simplify

ALL = tuple(PASSES)


def taken_apart(
    block: tuple[int, int],
    pads: Any = ((0, 0), (0, 0)),
    crops: Any = ((0, 0), (0, 0)),
    *,
    size: tuple[int, int] = (8, 12),
    kernel: tuple[int, int] = (3, 3),
    depthwise: bool = False,
    same: bool = False,
) -> bytes:
    """SPACE_TO_BATCH_ND -> convolution -> BATCH_TO_SPACE_ND"""
    net = Net(1)
    x = net.input(1, *size, 4)
    at = [net.b.tensor(T((2,), "int32", data=list(block)))]
    at += [net.b.tensor(T((2, 2), "int32", data=v)) for v in (pads, crops)]
    batch = block[0] * block[1]
    spread = [(n + sum(p)) // b for n, p, b in zip(size, pads, block, strict=True)]
    out = net.like(x, (batch, *spread, 4))
    (y,) = net.b.op("SPACE_TO_BATCH_ND", [x, at[0], at[1]], [out], "SpaceToBatchNDOptions")
    y = net.conv(y, 4, kernel, depthwise=depthwise, same=same)
    t = net.t(y)
    t.shape = (batch, *t.shape[1:])
    whole = [n * b - sum(c) for n, b, c in zip(t.shape[1:3], block, crops, strict=True)]
    last = net.like(y, (1, *whole, 4))
    (z,) = net.b.op("BATCH_TO_SPACE_ND", [y, at[0], at[2]], [last], "BatchToSpaceNDOptions")
    return net.bytes(z)


def ops(model: bytes) -> list[str]:
    return [op.name for op in simplify(graph_of(model)).graph.ops]


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("block", [(2, 2), (2, 1), (1, 3), (2, 4)])
def test_without_padding(block: tuple[int, int], depthwise: bool) -> None:
    kernel = (3, 3) if block[1] < 4 else (3, 2)
    model = taken_apart(block, kernel=kernel, depthwise=depthwise)
    assert ops(model) == ["DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"]
    check([Case(model, random_inputs(model, 2), passes=ALL)])


@pytest.mark.parametrize(
    ("pads", "crops", "same"),
    [
        (((2, 2), (2, 2)), ((0, 0), (0, 0)), False),
        (((2, 2), (2, 4)), ((0, 0), (0, 2)), False),
        (((1, 3), (2, 2)), ((0, 1), (0, 0)), False),
        (((0, 0), (0, 0)), ((0, 0), (0, 0)), True),
        (((1, 1), (0, 2)), ((1, 1), (0, 1)), True),
    ],
)
def test_with_padding_it_gives_what_the_three_ops_give(pads: Any, crops: Any, same: bool) -> None:
    """TFLM pads with memory as it finds it here: the three ops on this engine are the oracle."""
    model = taken_apart((2, 2), pads, crops, same=same)
    assert ops(model) == ["CONV_2D"]
    inputs = random_inputs(model, 2)
    three, one = run([Case(model, inputs), Case(model, inputs, passes=ALL)])
    output = three[0].outputs[0]
    for expected, ours in zip(three[2], one[2], strict=True):
        assert np.array_equal(expected[output], ours[output])


@pytest.mark.parametrize(
    "model",
    [
        taken_apart((2, 2), ((0, 0), (0, 0)), ((1, 1), (0, 0))),  # crops more than it pads
        taken_apart((2, 2), ((6, 0), (0, 0))),  # a window beyond the image
        taken_apart((2, 2), ((0, 0), (0, 0)), ((0, 3), (0, 0))),  # rows that are thrown away
    ],
    ids=["crops", "beyond", "rows"],
)
def test_others_stay(model: bytes) -> None:
    assert ops(model) == ["SPACE_TO_BATCH_ND", "CONV_2D", "BATCH_TO_SPACE_ND"]
