"""Each graph pass by itself: what it takes out, what it leaves, and that no output changes."""

from __future__ import annotations

import numpy as np
import pytest
from engine_lab import Case, check, graph_of, random_inputs
from networks import Net
from tflite_builder import T

from pipeline.codegen.passes import PASSES, simplify
from pipeline.codegen.passes.ranges import constant, ranges
from pipeline.convert import Graph

ALL = tuple(PASSES)


def simplified(model: bytes, *names: str) -> Graph:
    return simplify(graph_of(model), names or ALL).graph


def ops(model: bytes, *names: str) -> list[str]:
    return [op.name for op in simplified(model, *names).ops]


def exact(*models: bytes) -> None:
    check([Case(m, random_inputs(m, 3), passes=ALL, tensors=True) for m in models])


# dead, duplicates


def test_what_no_output_needs_is_dead() -> None:
    net = Net()
    x = net.input(1, 4, 4, 3)
    net.conv(net.conv(x, 4), 4)
    model = net.bytes(net.conv(x, 2))
    assert ops(model, "dead") == ["CONV_2D"]
    exact(model)


def test_what_writes_state_is_not_dead() -> None:
    net = Net()
    x = net.input(1, 4)
    handle = T((), "resource")
    (h,) = net.b.op("VAR_HANDLE", [], [handle], "VarHandleOptions", sharedName="v")
    (old,) = net.b.op("READ_VARIABLE", [h], [net.like(x)], "ReadVariableOptions")
    net.b.op("ASSIGN_VARIABLE", [h, x], [], "AssignVariableOptions")
    model = net.bytes(net.two("ADD", x, old))
    assert sorted(ops(model)) == ["ADD", "ASSIGN_VARIABLE", "READ_VARIABLE"]
    check([Case(model, random_inputs(model, 3), passes=ALL)])


def test_the_same_op_runs_once() -> None:
    net = Net()
    x = net.input(1, 4, 4, 3)
    a, b = (net.one("TANH", x, T(net.t(x).shape, "int8", 1 / 128)) for _ in range(2))
    different = net.one("LOGISTIC", x, T(net.t(x).shape, "int8", 1 / 256, -128))
    model = net.bytes(net.concat(1, a, b), different)
    assert ops(model, "duplicates").count("TANH") == 1
    exact(model)


def test_equal_constants_become_one() -> None:
    net = Net()
    x = net.input(1, 4, 4, 3)
    values = np.arange(3).reshape(1, 1, 1, 3)
    a, b = (net.two("ADD", x, net.constant((1, 1, 1, 3), values), scale=s) for s in (0.1, 0.2))
    model = net.bytes(a, b)
    graph = simplified(model, "duplicates")
    assert len({op.inputs[1] for op in graph.ops}) == 1
    exact(model)


# moves


def transpose(net: Net, x: int, *order: int) -> int:
    at = net.b.tensor(T((len(order),), "int32", data=list(order)))
    out = net.like(x, tuple(net.t(x).shape[d] for d in order))
    return net.b.op("TRANSPOSE", [x, at], [out], "TransposeOptions")[0]


def test_a_transpose_of_single_elements_is_a_reshape() -> None:
    net = Net()
    x = net.conv(net.input(1, 6, 1, 3), 4)
    model = net.bytes(net.conv(transpose(net, x, 0, 2, 1, 3), 2))
    assert ops(model) == ["CONV_2D", "RESHAPE", "CONV_2D"]
    exact(model)


def test_a_transpose_that_moves_stays() -> None:
    net = Net()
    x = net.conv(net.input(1, 6, 2, 3), 4)
    model = net.bytes(net.conv(transpose(net, x, 0, 2, 1, 3), 2))
    assert ops(model) == ["CONV_2D", "TRANSPOSE", "CONV_2D"]


def test_reshapes_and_back() -> None:
    net = Net()
    x = net.conv(net.input(1, 6, 2, 3), 4)
    y = net.reshape(net.reshape(net.reshape(x, 1, 48), 12, 4), 1, 6, 2, 4)
    model = net.bytes(net.conv(y, 2))
    assert ops(model) == ["CONV_2D", "CONV_2D"]
    exact(model)


@pytest.mark.parametrize("kind", ["TRANSPOSE", "UNPACK", "SPLIT", "CONCATENATION", "SLICE"])
def test_a_move_in_order_behind_a_reshape_is_one(kind: str) -> None:
    """It takes over the reshape's input, whose shape its own options say nothing about."""
    net = Net()
    x = net.reshape(net.conv(net.input(1, 6, 2, 3), 4), 1, 48, 1, 1)
    if kind == "TRANSPOSE":
        x = transpose(net, x, 0, 2, 1, 3)
    elif kind == "UNPACK":
        x = net.one(kind, x, net.like(x, (1, 48, 1)), "UnpackOptions", num=1, axis=-2)
    elif kind == "SPLIT":
        axis = net.b.tensor(T((), "int32", data=2))
        (x,) = net.b.op(kind, [axis, x], [net.like(x)], "SplitOptions", numSplits=1)
    elif kind == "CONCATENATION":
        x = net.concat(2, x)
    else:
        bounds = [net.b.tensor(T((4,), "int32", data=v)) for v in ([0] * 4, [1, 48, 1, 1])]
        (x,) = net.b.op(kind, [x, *bounds], [net.like(x)], "SliceOptions")
    model = net.bytes(net.fc(net.reshape(x, 1, 48), 2))
    assert not {kind} & set(ops(model))
    exact(model)


def test_padding_by_nothing() -> None:
    net = Net()
    x = net.pad(net.conv(net.input(1, 6, 2, 3), 4), (0, 0), (0, 0), (0, 0), (0, 0))
    model = net.bytes(net.conv(x, 2))
    assert ops(model) == ["CONV_2D", "CONV_2D"]
    exact(model)


# tables


def test_a_chain_of_functions_is_one_table() -> None:
    net = Net()
    x = net.input(1, 4, 4, 3)
    y = net.one("LOGISTIC", x, T((1, 4, 4, 3), "int8", 1 / 256, -128))
    y = net.one("TANH", y, T((1, 4, 4, 3), "int8", 1 / 128))
    y = net.one("QUANTIZE", y, T((1, 4, 4, 3), "int8", 0.02, 7))
    y = net.two("SUB", net.constant((1,), 33), net.two("MUL", y, net.constant((1, 1), -90)))
    model = net.bytes(y)
    graph = simplified(model)
    assert len(graph.ops) == 1
    assert graph.ops[0].origins == (0, 1, 2, 3, 4)
    exact(model)


@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
def test_two_functions_of_one_tensor_are_one_table(kind: str) -> None:
    """x * sigmoid(x)"""
    net = Net()
    x = net.input(1, 4, 4, 3)
    y = net.one("LOGISTIC", x, T((1, 4, 4, 3), "int8", 1 / 256, -128))
    z = net.one("TANH", x, T((1, 4, 4, 3), "int8", 1 / 128))
    models = [net.bytes(net.two(kind, *pair)) for pair in ((x, y), (y, z), (x, x))]
    for model in models:
        assert ops(model) == [kind]
    exact(*models)


def test_a_function_that_is_used_twice_is_part_of_the_table() -> None:
    """relu(x) + tanh(x - relu(x)), as ELU is written."""
    net = Net()
    x = net.input(1, 4, 4, 3)
    above = net.one("RELU", x, T((1, 4, 4, 3), "int8", 0.03, -128))
    below = net.two("SUB", x, above)
    y = net.one("TANH", below, T((1, 4, 4, 3), "int8", 1 / 128))
    model = net.bytes(net.two("ADD", above, y))
    graph = simplified(model)
    assert [op.name for op in graph.ops] == ["ADD"]
    assert graph.ops[0].inputs == graph.inputs
    exact(model)


def test_a_shared_function_stays_for_the_others() -> None:
    net = Net()
    x = net.input(1, 4, 4, 3)
    above = net.one("RELU", x, T((1, 4, 4, 3), "int8", 0.03, -128))
    model = net.bytes(net.two("SUB", x, above), net.conv(above, 2))
    graph = simplified(model)
    assert sorted(op.name for op in graph.ops) == ["CONV_2D", "RELU", "SUB"]
    assert "table" in next(op for op in graph.ops if op.name == "SUB").options
    exact(model)


def test_a_function_that_others_need_stays() -> None:
    net = Net()
    x = net.input(1, 4, 4, 3)
    y = net.one("LOGISTIC", x, T((1, 4, 4, 3), "int8", 1 / 256, -128))
    model = net.bytes(net.one("TANH", y, T((1, 4, 4, 3), "int8", 1 / 128)), y)
    assert ops(model) == ["LOGISTIC", "TANH"]
    exact(model)


def test_values_by_channel_are_no_table() -> None:
    net = Net()
    x = net.input(1, 4, 4, 3)
    c = net.constant((1, 1, 1, 3), np.array([1, 2, 3]))
    model = net.bytes(net.two("MUL", x, c))
    assert "table" not in simplified(model).ops[0].options


def test_requantising_to_the_same_scale_goes() -> None:
    net = Net()
    x = net.conv(net.input(1, 4, 4, 3), 4)
    model = net.bytes(net.conv(net.one("QUANTIZE", x, net.like(x)), 2))
    assert ops(model) == ["CONV_2D", "CONV_2D"]
    exact(model)


@pytest.mark.parametrize("seed", range(5))
def test_to_float_and_back_is_a_table(seed: int) -> None:
    random = np.random.default_rng(seed)
    net = Net()
    x = net.input(1, 4, 64, 1, scale=float(random.uniform(0.001, 0.5)), zero=int(seed * 20 - 50))
    f = net.one("DEQUANTIZE", x, T((1, 4, 64, 1), "float32"))
    out = T((1, 4, 64, 1), "int8", float(random.uniform(0.001, 0.5)), int(seed * -9))
    model = net.bytes(net.one("QUANTIZE", f, out))
    assert ops(model) == ["QUANTIZE"]
    runs = [[np.arange(256).astype(np.uint8).view(np.int8).reshape(1, 4, 64, 1)]]
    check([Case(model, runs, passes=ALL)])


# clamps


@pytest.mark.parametrize("kind", ["RELU", "RELU6"])
@pytest.mark.parametrize("before", ["conv", "dw", "fc", "ADD", "MUL", "max", "average"])
def test_an_activation_is_the_clamp_of_the_op_before(kind: str, before: str) -> None:
    net = Net(2)
    x = net.input(1, 4, 4, 4, scale=0.1, zero=-20)
    if before == "conv":
        y = net.conv(x, 4, act=0, scale=0.1, zero=-20)
    elif before == "dw":
        y = net.dw(x, act=0, scale=0.1, zero=-20)
    elif before == "fc":
        y = net.fc(x, 4)
    elif before in ("ADD", "MUL"):
        y = net.two(before, x, net.input(1, 4, 4, 4), scale=0.1)
    else:
        y = net.pool("MAX_POOL_2D" if before == "max" else "AVERAGE_POOL_2D", x)
    model = net.bytes(net.one(kind, y, net.like(y)))
    graph = simplified(model)
    assert len(graph.ops) == 1
    assert "clamp" in graph.ops[0].options
    exact(model)


def test_an_activation_that_rescales_is_no_clamp() -> None:
    net = Net(2)
    y = net.conv(net.input(1, 4, 4, 4), 4, act=0, zero=-20)
    model = net.bytes(net.one("RELU", y, T((1, 4, 4, 4), "int8", 0.03, -128)))
    assert ops(model) == ["CONV_2D", "RELU"]
    exact(model)


def test_an_activation_after_an_activation_goes() -> None:
    net = Net(2)
    y = net.conv(net.input(1, 4, 4, 4), 4, act=1)
    model = net.bytes(net.one("RELU", y, net.like(y)))
    (op,) = simplified(model).ops
    assert "clamp" not in op.options
    exact(model)


# constants


def test_a_branch_that_is_constant() -> None:
    """Its weights are all zero; what is added to it is a table."""
    net = Net(3)
    x = net.input(1, 4, 4, 4)
    same = np.full(4, 1500)
    dead = net.conv(x, 4, dead=range(4), biases=same, act=0, zero=0)
    net.b.tensors[net.b.ops[-1][1][1]].scale = np.float32(0.01)
    model = net.bytes(net.two("ADD", net.conv(x, 4), dead))
    assert ops(model) == ["CONV_2D", "ADD"]
    assert "table" in simplified(model).ops[1].options
    exact(model)


def test_an_output_that_is_constant_is_still_written() -> None:
    net = Net(3)
    x = net.input(1, 4, 4, 4)
    model = net.bytes(net.conv(x, 4, dead=range(4)))
    assert ops(model) == ["CONV_2D"]
    exact(model)


# the analysis


def test_bounds_are_those_of_the_arithmetic() -> None:
    net = Net(4)
    x = net.input(1, 4, 4, 4)
    y = net.conv(x, 4, dead=[1, 3], biases=np.array([0, 500, 0, -500]))
    model = net.bytes(y)
    bounds = ranges(graph_of(model))[y]
    assert constant(bounds).all(axis=(0, 1, 2)).tolist() == [False, True, False, True]
    assert bounds[0].min() >= -128, "RELU"
    assert bounds[0][0, 0, 0, 3] == -128


def test_an_accumulator_that_may_overflow_says_nothing() -> None:
    net = Net(4)
    x = net.input(1, 4, 4, 4)
    y = net.conv(x, 4, dead=[1], act=0, biases=np.array([2**31 - 1, 5, 0, 0]))
    low, high = (v[0, 0, 0] for v in ranges(graph_of(net.bytes(y)))[y])
    assert (low[0], high[0]) == (-128, 127)
    assert low[1] == high[1]
