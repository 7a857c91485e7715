"""Channels without effect: how many go, and that no output changes."""

from __future__ import annotations

import numpy as np
from engine_lab import Case, check, graph_of, random_inputs
from networks import Net

from pipeline.codegen.passes import PASSES, simplify
from pipeline.convert import Graph, total_macs

ALL = tuple(PASSES)


def simplified(model: bytes) -> Graph:
    return simplify(graph_of(model)).graph


def exact(*models: bytes) -> None:
    """All tensors that are left are those of TFLM."""
    check([Case(m, random_inputs(m, 3), passes=ALL, tensors=True) for m in models])


def mobile(dead: float, seed: int = 3, act: int = 1) -> bytes:
    """A small MobileNet of whose channels a share is all zeros, as after pruning."""
    net = Net(seed)
    random = np.random.default_rng(seed)

    def choose(n: int) -> list[int]:
        return sorted(random.choice(n, int(n * dead), replace=False).tolist())

    def biases(n: int, gone: list[int]) -> np.ndarray:
        b = random.integers(-2000, 3000, n)
        b[gone] = -np.abs(b[gone])  # RELU makes zeros of them
        return b

    gone = choose(8)
    x = net.conv(net.input(1, 16, 16, 3), 8, (3, 3), stride=2, dead=gone, biases=biases(8, gone),
                 act=act)  # fmt: skip
    for channels, stride in ((16, 1), (32, 2), (32, 1), (64, 2)):
        x = net.dw(x, stride=stride, act=act)
        gone = choose(channels)
        x = net.conv(x, channels, dead=gone, biases=biases(channels, gone), act=act)
    x = net.pool("AVERAGE_POOL_2D", x, 2, 2)
    x = net.reshape(x, 1, 64)
    return net.bytes(net.fc(x, 2))


def test_a_pruned_mobilenet_loses_half_of_its_work() -> None:
    model = mobile(0.5)
    before, after = total_macs(graph_of(model)), total_macs(simplified(model))
    assert after < 0.5 * before
    exact(model, mobile(0.3, 4), mobile(0.75, 5), mobile(0.5, 6, act=3))
