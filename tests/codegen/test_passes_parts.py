"""Joins and splits without copies: where tensors lie, and that no value changes."""

from __future__ import annotations

import numpy as np
import pytest
from engine_lab import Case, check, graph_of, random_inputs
from networks import Net
from tflite_builder import T

from pipeline.codegen import Target, compile_graph
from pipeline.codegen.passes import PASSES, simplify
from pipeline.codegen.program import Program

ALL = tuple(PASSES)


def program(model: bytes, passes: tuple[str, ...] = ALL) -> Program:
    return compile_graph(graph_of(model), Target(), passes=passes)


def exact(model: bytes) -> None:
    for keep in (True, False):
        check(
            [
                Case(model, random_inputs(model, 3), keep_inputs=keep, tensors=True, passes=p)
                for p in (ALL, ("parts",))
            ]
        )


def branches(axis: int, sizes: tuple[int, ...] = (8, 4)) -> Net:
    """Convolutions of one image, side by side, joined along `axis`."""
    net = Net(2)
    x = net.input(1, 4, 4, 3)
    parts = [net.conv(x, sizes[0] if axis != 3 else n) for n in sizes]
    net.b.outputs = [net.conv(net.concat(axis, *parts), 2)]
    return net


def test_a_join_along_rows_needs_no_code() -> None:
    model = branches(1).b.bytes()
    before, after = program(model, ()), program(model)
    assert [layer.op for layer in before.layers] == [
        "CONV_2D",
        "CONV_2D",
        "CONCATENATION",
        "CONV_2D",
    ]
    assert [layer.op for layer in after.layers] == ["CONV_2D"] * 3
    assert after.arena_bytes < before.arena_bytes
    exact(model)


def test_a_join_along_channels_stays_a_copy() -> None:
    model = branches(3).b.bytes()
    assert "CONCATENATION" in [layer.op for layer in program(model).layers]
    exact(model)


def test_one_pixel_is_joined_along_channels() -> None:
    """After a mean the channels are the outermost dimension with more than one element."""
    net = Net(3)
    x = net.input(1, 4, 4, 8)
    a, b = net.conv(x, 8, scale=0.05), net.conv(x, 4, scale=0.05)
    model = net.bytes(net.fc(net.concat(1, net.mean(a), net.mean(b)), 3))
    assert "CONCATENATION" not in [layer.op for layer in program(model).layers]
    exact(model)


def test_pieces_that_begin_between_words_are_copied() -> None:
    net = Net(3)
    x = net.input(1, 4, 4, 3)
    a, b = net.conv(x, 3, scale=0.05), net.conv(x, 8, scale=0.05)
    model = net.bytes(net.fc(net.concat(1, net.mean(a), net.mean(b)), 3))
    assert "CONCATENATION" in [layer.op for layer in program(model).layers]
    exact(model)


def test_a_tensor_can_be_in_one_place_only() -> None:
    """Joined with itself, and in two joins."""
    net = Net(4)
    x = net.input(1, 4, 4, 4)
    a, b = net.conv(x, 4), net.conv(x, 4)
    twice, ab, ba = net.concat(1, a, a), net.concat(1, a, b), net.concat(1, b, a)
    y = net.two("ADD", net.two("ADD", ab, ba), twice)
    model = net.bytes(net.conv(y, 2))
    left = [layer.op for layer in program(model).layers].count("CONCATENATION")
    assert left == 2, "one of the three is in place"
    exact(model)


def test_a_join_of_inputs_outputs_and_joins() -> None:
    net = Net(5)
    x, y = net.input(1, 2, 4, 4), net.input(1, 3, 4, 4)
    inner = net.concat(1, x, y)
    outer = net.concat(1, inner, net.one("QUANTIZE", x, net.like(x)))
    model = net.bytes(net.conv(outer, 4), inner)
    exact(model)


def split(net: Net, x: int, count: int, axis: int) -> list[int]:
    at = net.b.tensor(T((), "int32", data=axis))
    t = net.t(x)
    shape = list(t.shape)
    shape[axis] //= count
    outs = [T(tuple(shape), "int8", t.scale, t.zero) for _ in range(count)]
    return net.b.op("SPLIT", [at, x], outs, "SplitOptions", numSplits=count)


@pytest.mark.parametrize(("axis", "copies"), [(1, 0), (3, 1)])
def test_a_split(axis: int, copies: int) -> None:
    net = Net(6)
    x = net.conv(net.input(1, 4, 4, 3), 8)
    a, b = split(net, x, 2, axis)
    model = net.bytes(net.conv(net.two("ADD", a, b), 4), net.conv(a, 4))
    assert [layer.op for layer in program(model).layers].count("SPLIT") == copies
    exact(model)


def test_a_split_of_the_input_into_outputs() -> None:
    net = Net(7)
    a, b = split(net, net.input(1, 8, 2, 4), 2, 1)
    net.b.outputs = [a, b]
    model = net.b.bytes()
    assert [layer.op for layer in program(model).layers] == ["SPLIT"], "one copy is a program"
    exact(model)


def cropped(rows: int) -> bytes:
    net = Net(8)
    x = net.conv(net.input(1, 8, 4, 3), 4)
    bounds = [
        net.b.tensor(T((4,), "int32", data=v))
        for v in ([0, 1, 0, 0], [1, 1 + rows, 4, 4], [1, 1, 1, 1])
    ]
    out = net.like(x, (1, rows, 4, 4))
    (y,) = net.b.op("STRIDED_SLICE", [x, *bounds], [out], "StridedSliceOptions")
    return net.bytes(net.conv(y, 4))


@pytest.mark.parametrize(("rows", "copies"), [(6, 0), (2, 1)])
def test_a_slice(rows: int, copies: int) -> None:
    """A small one is copied: it would keep all of a large tensor alive."""
    model = cropped(rows)
    assert [layer.op for layer in program(model).layers].count("STRIDED_SLICE") == copies
    exact(model)


def test_parts_do_not_share_memory() -> None:
    model = branches(1).b.bytes()
    graph = simplify(graph_of(model)).graph
    join = next(op for op in graph.ops if op.name == "CONCATENATION")
    found = {i: p for p in program(model).placements for i in p.tensors}
    first, second, whole = (found[i] for i in (*join.inputs, *join.outputs))
    assert first.offset == whole.offset
    assert second.offset == whole.offset + int(np.prod(graph.tensors[join.inputs[0]].shape))
    assert second.offset + second.size == whole.offset + whole.size
