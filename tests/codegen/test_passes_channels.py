"""Channels without effect: how many go, and that no output changes."""

from __future__ import annotations

import numpy as np
from engine_lab import Case, check, graph_of, random_inputs
from networks import Net
from tflite_builder import T

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


def left(model: bytes) -> list[int]:
    """Channels of each op's result."""
    graph = simplified(model)
    return [graph.tensors[op.outputs[0]].shape[-1] for op in graph.ops]


def positive(n: int) -> np.ndarray:
    """Biases that make constants far from the zero point."""
    return np.full(n, 2900)


def test_constants_go_into_the_biases_behind() -> None:
    """1x1 and no padding: any constant goes."""
    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 3), 8, dead=[0, 2, 4, 6], biases=positive(8))
    model = net.bytes(net.conv(x, 4), net.conv(x, 4, (3, 3), same=False))
    assert left(model) == [4, 4, 4]
    exact(model)


def test_at_a_padded_border_only_the_zero_point_goes() -> None:
    for biases, channels in ((positive(8), 8), (-positive(8), 4)):
        net = Net(1)
        x = net.conv(net.input(1, 6, 6, 3), 8, dead=[0, 2, 4, 6], biases=biases)
        model = net.bytes(net.conv(x, 4, (3, 3)))
        assert left(model) == [channels, 4]
        exact(model)


def test_through_a_depthwise_convolution() -> None:
    """Its own borders count: a constant behind a padded one is no constant."""
    for biases, same, channels in (
        (-positive(8), True, 4),
        (positive(8), True, 8),
        (positive(8), False, 4),
    ):
        net = Net(1)
        x = net.conv(net.input(1, 6, 6, 3), 8, dead=[0, 2, 4, 6], biases=biases)
        x = net.dw(x, same=same, biases=np.zeros(8), act=0, zero=0, scale=0.02)
        model = net.bytes(net.conv(x, 4))
        assert left(model) == [channels, channels, 4]
        exact(model)


def test_a_depthwise_channel_of_zeros_frees_the_one_before() -> None:
    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 3), 8)
    x = net.dw(x, dead=[1, 3, 5, 7], biases=positive(8))
    model = net.bytes(net.conv(x, 4))
    assert left(model) == [4, 4, 4]
    exact(model)


def test_channels_that_no_one_reads() -> None:
    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 3), 8)
    model = net.bytes(net.conv(x, 4, (3, 3), unread=[0, 1, 2, 3]))
    assert left(model) == [4, 4]
    exact(model)


def test_a_channel_that_one_of_two_reads_stays() -> None:
    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 3), 8)
    model = net.bytes(net.conv(x, 4, unread=[0, 1, 2, 3]), net.conv(x, 4, unread=[4, 5, 6, 7]))
    assert left(model) == [8, 4, 4]
    exact(model)


def test_a_sum_ties_its_operands_together() -> None:
    """Constant in both: gone. In one: both stay."""
    for second, channels in (([0, 1, 2, 3], 4), ([4, 5, 6, 7], 8)):
        net = Net(1)
        x = net.input(1, 6, 6, 3)
        a = net.conv(x, 8, dead=[0, 1, 2, 3], biases=positive(8))
        b = net.conv(x, 8, dead=second, biases=positive(8))
        model = net.bytes(net.conv(net.two("ADD", a, b), 4))
        assert left(model) == [channels, channels, channels, 4]
        exact(model)


def test_a_sum_with_values_by_channel() -> None:
    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 3), 8, dead=[0, 1, 2, 3])
    x = net.two("ADD", x, net.constant((1, 1, 1, 8), np.arange(8).reshape(1, 1, 1, 8)))
    model = net.bytes(net.conv(x, 4))
    assert left(model) == [4, 4, 4]
    exact(model)


def test_flattened_into_a_fully_connected_layer() -> None:
    """With a reshape, without one, and pooled: a channel is several inputs."""
    net = Net(1)
    x = net.input(1, 6, 6, 3)
    a = net.conv(x, 8, (3, 3), stride=2, dead=[0, 1, 2, 3], biases=positive(8))
    flat, direct = net.fc(net.reshape(a, 1, 72), 3), net.fc(a, 3, bias=False)
    pooled = net.fc(net.mean(net.pool("MAX_POOL_2D", a)), 3)
    model = net.bytes(flat, direct, pooled)
    graph = simplified(model)
    inputs = [graph.tensors[op.inputs[1]].shape[1] for op in graph.ops if "FULLY" in op.name]
    assert sorted(inputs) == [4, 36, 36]
    exact(model)


def test_joined_along_channels() -> None:
    net = Net(1)
    x = net.input(1, 6, 6, 3)
    parts = [net.conv(x, 8, dead=dead, biases=positive(8)) for dead in ([0, 1, 2, 3], [7, 6, 5, 4])]
    model = net.bytes(net.conv(net.concat(3, *parts), 4))
    assert left(model) == [4, 4, 8, 4]
    exact(model)


def test_whole_words_of_channels_are_left() -> None:
    """Kernels take four at a time: of five that could go out of eight, four do."""
    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 3), 8, dead=[0, 1, 2, 3, 4])
    assert left(net.bytes(net.conv(x, 4))) == [4, 4]


def test_a_bias_stays_within_32_bits() -> None:
    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 3), 8, dead=[0, 1, 2, 3], biases=positive(8))
    y = net.conv(x, 1, biases=[2**31 - 1])
    net.b.tensors[net.b.ops[-1][1][1]].data = np.full((1, 1, 1, 8), 127)
    model = net.bytes(y)
    assert left(model) == [8, 1]


def test_outputs_inputs_and_what_is_not_known_keep_their_channels() -> None:
    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 8), 8, unread=range(4), dead=[0, 1, 2, 3])
    soft = net.one("SOFTMAX", x, T((1, 6, 6, 8), "int8", 1 / 256, -128), "SoftmaxOptions", beta=1.0)
    model = net.bytes(soft)
    assert left(model) == [8, 8]
    y = net.conv(net.input(1, 6, 6, 8), 8, dead=[0, 1, 2, 3])
    assert left(net.bytes(net.conv(y, 4), y)) == [8, 4]


def test_tensors_say_which_channels_are_left() -> None:
    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 3), 8, dead=[0, 2, 4, 6])
    model = net.bytes(net.conv(x, 4))
    t = simplified(model).tensors[x]
    assert (t.kept, t.origin, t.shape) == ((1, 3, 5, 7), x, (1, 6, 6, 4))
