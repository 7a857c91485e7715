"""What is known before anything runs, and TFLM's own list of operators."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))
from engine_lab import Case, check, graph_of
from tflite_builder import Build, T

from pipeline.codegen import Target, compile_graph
from pipeline.codegen.micro import CUSTOM, MISSING, TFLM
from pipeline.codegen.passes.known import FOLDED, settled
from pipeline.codegen.registry import registry


def shape_chain() -> Build:
    """RESHAPE to (batch, -1) as converters leave it: SHAPE, STRIDED_SLICE, PACK."""
    b = Build()
    x = b.input(T((1, 2, 3), "int8", 0.1, 0))
    (shape,) = b.op("SHAPE", [x], [T((3,), "int32")], "ShapeOptions")
    at, to, step = (b.tensor(T((1,), "int32", data=[v])) for v in (0, 1, 1))
    (batch,) = b.op(
        "STRIDED_SLICE", [shape, at, to, step], [T((), "int32")], "StridedSliceOptions",
        shrinkAxisMask=1,
    )  # fmt: skip
    rest = b.tensor(T((), "int32", data=6))
    (new,) = b.op("PACK", [batch, rest], [T((2,), "int32")], "PackOptions", valuesCount=2)
    (y,) = b.op("RESHAPE", [x, new], [T((1, 6), "int8", 0.1, 0)], "ReshapeOptions")
    b.outputs = b.op("ABS", [y], [T((1, 6), "int8", 0.1, 0)], "AbsOptions")
    return b


def test_shapes_that_are_known_are_constants() -> None:
    model = shape_chain().bytes()
    graph = settled(graph_of(model))
    assert [op.name for op in graph.ops] == ["RESHAPE", "ABS"]
    new = graph.tensors[graph.ops[0].inputs[1]].data
    assert new is not None and new.tolist() == [1, 6]
    check([Case(model, [[np.arange(-3, 3, dtype=np.int8).reshape(1, 2, 3)]])])


def filled() -> bytes:
    """A state of zeros of the batch's size, as a GRU starts with."""
    b = Build()
    x = b.input(T((1, 4), "int8", 0.1, 3))
    (shape,) = b.op("SHAPE", [x], [T((2,), "int32")], "ShapeOptions")
    value = b.tensor(T((), "int8", 0.1, 3, data=3))
    (zero,) = b.op("FILL", [shape, value], [T((1, 4), "int8", 0.1, 3)], "FillOptions")
    b.outputs = b.op("ADD", [x, zero], [T((1, 4), "int8", 0.1, 3)], "AddOptions", 2)
    return b.bytes()


def test_a_filled_tensor_is_a_constant() -> None:
    graph = settled(graph_of(filled()))
    assert [op.name for op in graph.ops] == ["ADD"]
    check([Case(filled(), [[np.array([[-128, 0, 3, 127]], np.int8)]])])


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7", "cortex-m55", "cortex-m0"])
def test_handles_of_variables_take_no_part_on_any_core(core: str) -> None:
    b = Build()
    kind = T((1, 4), "int8", 0.1, 0)
    names = {"container": "", "sharedName": "state"}
    x = b.input(T((1, 4), "int8", 0.1, 0))
    (handle,) = b.op("VAR_HANDLE", [], [T((), "resource")], "VarHandleOptions", **names)
    (old,) = b.op("READ_VARIABLE", [handle], [kind], "ReadVariableOptions")
    b.outputs = b.op("ADD", [x, old], [T((1, 4), "int8", 0.1, 0)], "AddOptions", 2)
    b.op("ASSIGN_VARIABLE", [handle, b.outputs[0]], [], "AssignVariableOptions")
    features = frozenset({"dsp"}) if core in ("cortex-m4", "cortex-m7") else frozenset()
    program = compile_graph(graph_of(b.bytes()), Target(core, features))
    assert program.layers


def test_every_operator_of_tflm_runs_or_has_a_reason() -> None:
    ours = set(registry()) | FOLDED
    assert set(MISSING) == TFLM - ours
    assert all(MISSING.values()) and all(CUSTOM.values())
