"""explain: says what compile_graph does, and what else it could have done."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from tflite_builder import Build, T

from pipeline.codegen import Target, compile_graph
from pipeline.codegen.explain import explain
from pipeline.convert import Graph, read_graph
from pipeline.errors import UnsupportedOp, WrongUse
from pipeline.load.flatmodel import FlatModel

M4 = Target("cortex-m4", frozenset({"dsp", "fpu"}))


def graph_of(build: Build) -> Graph:
    return read_graph(FlatModel("m", build.bytes()))


def views_and_tables() -> Graph:
    """LOGISTIC -> RESHAPE -> TANH, where RESHAPE moves nothing."""
    b = Build()
    x = b.input(T((1, 6, 4), "int8", 0.1, 5))
    (a,) = b.op("LOGISTIC", [x], [T((1, 6, 4), "int8", 1 / 256, -128)])
    shape = b.tensor(T((2,), "int32", data=[1, 24]))
    (c,) = b.op("RESHAPE", [a, shape], [T((1, 24), "int8", 1 / 256, -128)], "ReshapeOptions")
    b.outputs = b.op("TANH", [c], [T((1, 24), "int8", 1 / 128, 0)])
    return graph_of(b)


def residual(q: T) -> Graph:
    """x -> LOGISTIC -> a -> TANH -> c; ADD(a, c), where a is needed beside c."""
    b = Build()
    x = b.input(q)
    (a,) = b.op("LOGISTIC", [x], [T(q.shape, "int8", 1 / 256, -128)])
    (c,) = b.op("TANH", [a], [T(q.shape, "int8", 1 / 128, 0)])
    b.outputs = b.op("ADD", [a, c], [T(q.shape, "int8", 0.02, 3)], "AddOptions")
    return graph_of(b)


def test_a_view_needs_no_code_and_shares_its_inputs_memory() -> None:
    logistic, reshape, tanh = explain(views_and_tables(), M4).ops
    assert (logistic.layer, reshape.layer, tanh.layer) == (0, None, 1)
    assert reshape.chosen is None
    assert reshape.function == ""
    assert reshape.outputs[0].block == logistic.outputs[0].block


def test_an_output_is_written_over_an_input_only_when_no_one_needs_it() -> None:
    graph = residual(T((1, 24), "int8", 0.1, 5))
    logistic, tanh, add = explain(graph, M4, passes=()).ops
    assert logistic.in_place == graph.inputs[0]  # no one needs it any more
    assert tanh.in_place is None  # ADD reads the same input
    assert add.in_place in graph.ops[2].inputs


def test_nothing_but_views_is_one_copy() -> None:
    b = Build()
    x = b.input(T((1, 6, 4), "int8", 0.1, 5))
    shape = b.tensor(T((2,), "int32", data=[1, 24]))
    b.outputs = b.op("RESHAPE", [x, shape], [T((1, 24), "int8", 0.1, 5)], "ReshapeOptions")
    (only,) = explain(graph_of(b), M4).ops
    assert only.layer == 0
    assert only.function == "copy_nd"


@pytest.mark.parametrize("optimize", ["speed", "balanced", "size"])
@pytest.mark.parametrize("target", [Target(), M4], ids=lambda t: t.core)
def test_it_says_what_the_compiler_did(shared: Path, target: Target, optimize) -> None:
    content = (shared / "models/ic01_resnet8_int8.tflite").read_bytes()
    graph = read_graph(FlatModel("ic", content))
    program = compile_graph(graph, target, optimize)
    found = explain(graph, target, optimize)
    assert found.arena_bytes == program.arena_bytes
    assert found.placements == program.placements
    assert found.instructions == sum(layer.estimate for layer in program.layers)
    assert found.instructions <= found.portable_instructions
    run = [op for op in found.ops if op.layer is not None]
    assert found.views == len(found.ops) - len(run)
    for op, layer in zip(run, program.layers, strict=True):
        assert (op.layer, op.op, op.name, op.function, op.encoding) == (
            layer.index, layer.op, layer.name, layer.kernel, layer.encoding,
        )  # fmt: skip
        assert op.chosen is not None
        assert op.chosen.instructions == layer.estimate
        assert sum(c.chosen for c in op.candidates) == 1
        assert [c.weighed for c in op.candidates] == sorted(c.weighed for c in op.candidates)
        assert sum(c.portable for c in op.candidates) == 1
        for place in op.outputs:
            assert place.offset + place.size <= found.arena_bytes


def test_kernels_of_other_cores_are_named(shared: Path) -> None:
    content = (shared / "models/kws_ref_int8.tflite").read_bytes()
    graph = read_graph(FlatModel("kws", content))
    plain, special = (explain(graph, target).ops[0] for target in (Target(), M4))
    assert "dsp 2x4 tile" in plain.unfit
    assert "dsp 2x4 tile" in {c.kernel for c in special.candidates}


def test_it_is_frozen() -> None:
    found = explain(views_and_tables(), M4)
    with pytest.raises(FrozenInstanceError):
        found.ops = ()  # type: ignore[misc]


def test_it_refuses_what_the_compiler_refuses() -> None:
    with pytest.raises(WrongUse, match="unknown optimisation goal"):
        explain(views_and_tables(), M4, "fast")  # type: ignore[arg-type]
    b = Build()
    x = b.input(T((1, 4), "int8", 0.1, 5))
    b.outputs = b.op("FLOOR_MOD", [x, x], [T((1, 4), "int8", 0.1, 5)])
    with pytest.raises(UnsupportedOp, match="FLOOR_MOD"):
        explain(graph_of(b), M4)
