"""A depthwise layer over one channel runs as a convolution, with the same outputs."""

from __future__ import annotations

import pytest
from engine_lab import Case, check, graph_of, random_inputs
from networks import Net

from pipeline.codegen.passes import PASSES, simplify


def model(channels: int, kernel: tuple[int, int], multiplier: int, stride: int) -> bytes:
    net = Net(multiplier)
    x = net.input(1, 13, 9, channels)
    return net.bytes(net.dw(x, kernel, multiplier=multiplier, stride=stride))


@pytest.mark.parametrize(
    ("kernel", "multiplier", "stride"), [((3, 3), 8, 2), ((10, 8), 8, 2), ((3, 1), 1, 1)]
)
def test_it_is_a_convolution(kernel: tuple[int, int], multiplier: int, stride: int) -> None:
    content = model(1, kernel, multiplier, stride)
    graph = simplify(graph_of(content)).graph
    assert [op.name for op in graph.ops] == ["CONV_2D"]
    assert graph.tensors[graph.ops[0].inputs[1]].shape == (multiplier, *kernel, 1)
    check([Case(content, random_inputs(content, 3), passes=tuple(PASSES), tensors=True)])


def test_several_channels_stay_apart() -> None:
    graph = simplify(graph_of(model(2, (3, 3), 4, 1))).graph
    assert [op.name for op in graph.ops] == ["DEPTHWISE_CONV_2D"]
