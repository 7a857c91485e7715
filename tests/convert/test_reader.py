"""read_graph: what it reads, and that no file makes it fall over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tflite_builder import Build, T

from pipeline.convert import (
    Graph,
    layer_name,
    macs,
    parameters,
    read_graph,
    total_macs,
)
from pipeline.errors import ModelError
from pipeline.load.flatmodel import FlatModel


def dense(dtype: str = "int8", weight_dtype: str = "int8") -> Build:
    """input (1, 4) -> FULLY_CONNECTED -> (1, 3)"""
    b = Build()
    q = {} if dtype == "float32" else {"scale": 0.5, "zero": 3}
    x = b.input(T((1, 4), dtype, **q, name="input"))
    wq = {} if weight_dtype == "float32" else {"scale": 0.1}
    w = b.tensor(T((3, 4), weight_dtype, data=np.ones((3, 4)), **wq))
    b.outputs = b.op(
        "FULLY_CONNECTED",
        [x, w, -1],
        [T((1, 3), dtype, **q, name="model/dense/BiasAdd")],
        "FullyConnectedOptions",
        2,
        fusedActivationFunction=1,
    )
    return b


def read(content: bytes) -> Graph:
    return read_graph(FlatModel("m", content))


def error(content: bytes) -> ModelError:
    with pytest.raises(ModelError) as caught:
        read(content)
    assert caught.value.what
    assert caught.value.where.startswith("m")
    return caught.value


def test_reads_a_model() -> None:
    graph = read(dense().bytes())
    (op,) = graph.ops
    assert (op.name, op.version, op.layer) == ("FULLY_CONNECTED", 2, "dense")
    assert op.options["fused_activation_function"] == 1
    assert op.inputs == (0, 1, -1)
    x, w = graph.tensors[0], graph.tensors[1]
    assert (x.shape, x.dtype, x.name) == ((1, 4), "int8", "input")
    assert x.scales.tolist() == [0.5]
    assert x.zero_points.tolist() == [3]
    assert x.data is None
    assert w.data is not None
    assert w.data.shape == (3, 4)
    assert w.data.dtype == np.int8
    assert (macs(graph, op), total_macs(graph), parameters(graph)) == (12, 12, 12)


def test_options_have_names_in_snake_case() -> None:
    b = Build()
    x = b.input(T((1, 4, 4, 2), "int8", 0.5))
    w = b.tensor(T((3, 2, 2, 2), "int8", 0.5, data=np.zeros((3, 2, 2, 2))))
    b.outputs = b.op("CONV_2D", [x, w], [T((1, 4, 4, 3), "int8", 0.5)], "Conv2DOptions",
                     strideH=1, strideW=1, dilationHFactor=2)  # fmt: skip
    options = read(b.bytes()).ops[0].options
    assert options["dilation_h_factor"] == 2
    assert options["stride_w"] == 1


def test_the_shared_models(shared: Path) -> None:
    """MLPerf Tiny's published figures: 2.66 M, 12.5 M and 0.26 M multiply-accumulates."""
    figures = {
        "kws_ref_int8": (13, 2_656_768),
        "ic01_resnet8_int8": (16, 12_501_632),
        "ad01_int8": (10, 264_192),
    }
    for name, (ops, work) in figures.items():
        graph = read((shared / "models" / f"{name}.tflite").read_bytes())
        assert (len(graph.ops), total_macs(graph)) == (ops, work)


@pytest.mark.parametrize(
    ("tensor", "name"),
    [
        ("model/a/Relu;model/bn/FusedBatchNormV3;model/conv2d/Conv2D", "conv2d"),
        ("f/conv2d_1/BiasAdd;f/conv2d_4/Conv2D;f/conv2d_1/Conv2D1", "conv2d_1"),
        ("f/dw/depthwise;f/dw/BiasAdd;f/conv2d_4/Conv2D", "dw"),
        ("StatefulPartitionedCall/sequential/dense/MatMul", "dense"),
        ("Identity", "Identity"),
        ("StatefulPartitionedCall:0", "StatefulPartitionedCall"),
        ("", ""),
    ],
)
def test_layers_are_named_for_people(tensor: str, name: str) -> None:
    assert layer_name(tensor) == name


def test_empty_file() -> None:
    assert "0 bytes" in error(b"").what


def test_not_tflite() -> None:
    assert "TFL3" in error(b"\x89HDF\r\n\x1a\n" + bytes(100)).what


def test_truncated() -> None:
    content = dense().bytes()
    for length in range(16, len(content), 7):
        try:
            read(content[:length])
        except ModelError:
            continue


def test_weights_of_a_dynamic_range_model_are_read_as_floats() -> None:
    graph = read(dense("float32", "int8").bytes())
    (index,) = graph.dequantised
    stored = read(dense("int8", "int8").bytes()).tensors[index]
    weights = graph.tensors[index]
    assert (weights.dtype, len(weights.scales)) == ("float32", 0)
    assert weights.data is not None and stored.data is not None
    assert np.allclose(weights.data, stored.data * stored.scales[0], rtol=1e-6)


def test_float_model() -> None:
    graph = read(dense("float32", "float32").bytes())
    assert graph.tensors[graph.ops[0].outputs[0]].dtype == "float32"
    assert graph.tensors[graph.ops[0].inputs[1]].scales.size == 0


def test_several_subgraphs() -> None:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(dense().bytes(), 0)
    model.subgraphs.append(model.subgraphs[0])
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    assert "2 subgraphs" in error(bytes(builder.Output())).what


def test_dynamic_shape() -> None:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(dense().bytes(), 0)
    model.subgraphs[0].tensors[0].shapeSignature = [-1, -1]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    assert "dynamic" in error(bytes(builder.Output())).what


@pytest.mark.parametrize("name", ["WHILE", "IF", "CALL"])
def test_control_flow(name: str) -> None:
    b = Build()
    x = b.input(T((1,), "int8", 0.5))
    b.outputs = b.op(name, [x], [T((1,), "int8", 0.5)])
    assert "control flow" in error(b.bytes()).what


def stateful() -> Build:
    b = Build()
    x = b.input(T((2,), "int8", 0.5))
    (h,) = b.op("VAR_HANDLE", [], [T((), "resource")], "VarHandleOptions", sharedName="v")
    b.op("ASSIGN_VARIABLE", [h, x], [], "AssignVariableOptions")
    b.outputs = b.op("READ_VARIABLE", [h], [T((2,), "int8", 0.5)], "ReadVariableOptions")
    return b


def test_resource_variables_become_variable_tensors() -> None:
    graph = read(stateful().bytes())
    assert [op.name for op in graph.ops] == ["ASSIGN_VARIABLE", "READ_VARIABLE"]
    (state,) = (t for t in graph.tensors if t.variable)
    assert (state.name, state.shape, state.dtype) == ("v", (2,), "int8")
    assert graph.ops[0].outputs == graph.ops[1].inputs == (state.index,)


def test_first_values_that_are_computed() -> None:
    b = stateful()
    b.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
    b.once = Build()
    b.once.op("RELU", [b.once.tensor(T((1,), "int8", 0.5, data=[1]))], [T((1,), "int8", 0.5)])
    assert "called once" in error(b.bytes()).what


def test_variable_without_a_handle() -> None:
    b = Build()
    h = b.input(T((), "int32"))
    b.outputs = b.op("READ_VARIABLE", [h], [T((2,), "int8", 0.5)], "ReadVariableOptions")
    assert "VAR_HANDLE" in error(b.bytes()).what


def test_densify() -> None:
    b = Build()
    x = b.input(T((1,), "int8", 0.5))
    b.outputs = b.op("DENSIFY", [x], [T((1,), "int8", 0.5)])
    assert "SPARSITY" in error(b.bytes()).hint


def test_sparse_tensor() -> None:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(dense().bytes(), 0)
    model.subgraphs[0].tensors[1].sparsity = schema.SparsityParametersT()
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    assert "sparse" in error(bytes(builder.Output())).what


def broken(change: str) -> bytes:
    b = dense()
    if change == "order":
        b.ops.append(("RELU", [99], [2], None, 1, []))
    elif change == "size":
        b.tensors[1].shape = (3, 5)
    elif change == "scales":
        b.tensors[1].scale = [0.1, 0.2]
    elif change == "twice":
        b.ops.append(b.ops[0])
    elif change == "nan":
        b.tensors[0].scale = float("nan")
    elif change == "output":
        b.outputs = [b.tensor(T((1,), "int8", 0.5))]
    elif change == "nothing":
        b.outputs = []
    return b.bytes()


@pytest.mark.parametrize("change", ["order", "size", "scales", "twice", "nan", "output", "nothing"])
def test_contradictions(change: str) -> None:
    assert "damaged" in error(broken(change)).what


FUZZ = dense().bytes()


@given(st.lists(st.tuples(st.integers(0, len(FUZZ) - 1), st.integers(0, 255)), max_size=8))
@settings(max_examples=100)
def test_damaged_bytes(changes: list[tuple[int, int]]) -> None:
    """Any bytes end in a Graph or a ModelError, and never in anything else."""
    content = bytearray(FUZZ)
    for position, value in changes:
        content[position] = value
    try:
        read(bytes(content))
    except ModelError as caught:
        assert caught.what


@pytest.mark.slow
def test_damaged_real_model(shared: Path) -> None:
    content = (shared / "models" / "kws_ref_int8.tflite").read_bytes()
    random = np.random.default_rng(5)
    for _ in range(1500):
        damaged = bytearray(content)
        # The tables are at both ends; weights in the middle may be anything.
        for _ in range(int(random.integers(1, 6))):
            low = 0 if random.random() < 0.5 else len(content) - 14_000
            position = int(random.integers(low, low + (2000 if low == 0 else 14_000)))
            damaged[position] = int(random.integers(256))
        try:
            read(bytes(damaged))
        except ModelError as caught:
            assert caught.what


def test_tensors_and_ops_know_where_they_come_from() -> None:
    graph = read(dense().bytes())
    assert [t.origin for t in graph.tensors] == [0, 1, 2]
    assert all(t.kept is None for t in graph.tensors)
    assert graph.ops[0].origins == (0,)
    state = next(t for t in read(stateful().bytes()).tensors if t.variable)
    assert state.origin == -1, "a variable is no tensor of the file"
