"""What a read graph is held against: each class of contradiction, and what has to pass."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite_builder import Build, T

from pipeline.codegen import Target, compile_graph
from pipeline.codegen.registry import registry
from pipeline.convert import Graph, read_graph
from pipeline.convert.checks import sizes
from pipeline.convert.checks.options import NEEDED, TYPES
from pipeline.errors import ModelError
from pipeline.load.flatmodel import FlatModel


def read(model: Build) -> Graph:
    return read_graph(FlatModel("m", model.bytes()))


def refusal(model: Build) -> str:
    with pytest.raises(ModelError) as caught:
        read(model)
    assert caught.value.where.startswith("m")
    return f"{caught.value.where}: {caught.value.what}"


def conv(**changes: Any) -> Build:
    """(1, 5, 5, 2) -> CONV_2D -> (1, 5, 5, 3); `changes` of tensors by name, else options."""
    x = T((1, 5, 5, 2), "int8", 0.5, 0, name="x")
    w = T((3, 3, 3, 2), "int8", 0.5, 0, data=np.ones((3, 3, 3, 2)), name="w")
    bias = T((3,), "int32", 0.25, 0, data=np.zeros(3), name="bias")
    y = T((1, 5, 5, 3), "int8", 0.5, 0, name="net/conv/BiasAdd")
    options: dict[str, Any] = {"padding": 0, "strideH": 1, "strideW": 1}
    kind = "Conv2DOptions"
    for key, change in changes.items():
        if key == "kind":
            kind = change
            options = {}
        elif callable(change):
            change({"x": x, "w": w, "bias": bias, "y": y}[key])
        else:
            options[key] = change
    b = Build()
    inputs = [b.input(x), b.tensor(w), b.tensor(bias)]
    b.outputs = b.op("CONV_2D", inputs, [y], kind, **options)
    return b


def having(**fields: Any) -> Callable[[T], None]:
    def change(t: T) -> None:
        for key, value in fields.items():
            setattr(t, key, value)

    return change


def test_the_model_that_is_changed_is_right() -> None:
    read(conv())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": ""}, "no Conv2DOptions"),
        ({"kind": "Pool2DOptions"}, "no Conv2DOptions"),
        ({"strideH": 0}, "stride_h 0"),
        ({"strideW": -1}, "stride_w -1"),
        ({"strideW": 1 << 30}, "stride_w"),
        ({"padding": 7}, "padding 7"),
        ({"fusedActivationFunction": 99}, "fused_activation_function 99"),
        ({"dilationWFactor": 0}, "dilation_w_factor 0"),
        ({"dilationWFactor": 30_000}, "reaches over 3 x 60,001"),
        ({"y": having(shape=(1, 5, 5, 4))}, "tensor 3 (net/conv/BiasAdd)"),
        ({"y": having(shape=(1, 4, 5, 3))}, "its inputs make [1, 5, 5, 3]"),
        ({"x": having(shape=(5, 5, 2))}, "for an image"),
        ({"x": having(shape=(1, 5, 5, 3))}, "does not fit"),
        ({"bias": having(shape=(2,), data=np.zeros(2))}, "2 biases, not 3"),
        ({"x": having(scale=float("inf"))}, "tensor 0 (x), whose scale is inf"),
        ({"y": having(scale=float("nan"))}, "whose scale is nan"),
        ({"y": having(scale=0.0)}, "whose scale is 0"),
        ({"x": having(scale=-1.0)}, "whose scale is -1"),
        ({"x": having(scale=None)}, "0 scales"),
        ({"w": having(scale=None)}, "no scale"),
        ({"x": having(zero=200)}, "zero point"),
    ],
)
def test_a_convolution_that_contradicts_itself(changes: dict[str, Any], words: str) -> None:
    found = refusal(conv(**changes))
    assert words in found
    assert "CONV_2D 'conv' (op 0)" in found or "tensor" in found


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_operators_that_need_options(name: str) -> None:
    b = Build()
    x = b.input(T((1, 4, 4, 2), "int8", 0.5))
    b.outputs = b.op(name, [x, x, x], [T((1, 4, 4, 2), "int8", 0.5)])
    assert f"no {TYPES[name]}" in refusal(b)


def test_every_operator_with_options_has_its_table() -> None:
    """Else they'd be read as absent, and their defaults taken for what the file says."""
    tables = {name.lower(): name for name in vars(schema.BuiltinOptions)}
    for name in registry():
        table = tables.get(name.lower().replace("_", "") + "options")
        if table and vars(getattr(schema, table + "T")()):
            assert TYPES.get(name) == table, name


def two(name: str, a: T, b: T, out: T, options: str = "", **fields: Any) -> Build:
    made = Build()
    made.outputs = made.op(name, [made.input(a), made.tensor(b)], [out], options, **fields)
    return made


def s8(*shape: int) -> T:
    return T(shape, "int8", 0.5, 0)


def ints(*values: int) -> T:
    return T((len(values),), "int32", data=list(values))


@pytest.mark.parametrize(
    "model",
    [
        two("ADD", s8(2, 3), T((2, 4), "int8", 0.5, 0, data=np.ones(8)), s8(2, 4), "AddOptions"),
        two("RELU", s8(2, 3), ints(1), s8(2, 4)),
        two("FULLY_CONNECTED", s8(2, 3), T((4, 5), "int8", 1, 0, data=np.ones(20)), s8(2, 4),
            "FullyConnectedOptions"),
        two("FULLY_CONNECTED", s8(), T((4, 1), "int8", 1, 0, data=np.ones(4)), s8(1, 4),
            "FullyConnectedOptions"),
        two("MEAN", s8(2, 3), ints(5), s8(2), "ReducerOptions"),
        two("MEAN", s8(2, 3), ints(0), s8(2), "ReducerOptions"),
        two("PAD", s8(2, 3), ints(1, 1, 0, 0), s8(3, 3)),
        two("PAD", s8(2, 3), ints(1 << 30, 1 << 30, 0, 0), s8(3, 3)),
        two("PAD", s8(2, 3), ints(-1, 0, 0, 0), s8(1, 3)),
        two("TRANSPOSE", s8(2, 3), ints(1, 1), s8(3, 2)),
        two("RESHAPE", s8(2, 3), ints(7), s8(7)),
        two("ARG_MAX", s8(2, 3), ints(2), T((2,), "int32"), "ArgMaxOptions"),
        two("RESIZE_BILINEAR", s8(1, 4, 4, 1), ints(40_000, 4), s8(1, 40_000, 4, 1),
            "ResizeBilinearOptions"),
        two("GATHER", s8(2, 3), T((1 << 23, 2), "int32", data=None), s8(2)),
        two("SPACE_TO_BATCH_ND", s8(1, 4, 4, 1), ints(200, 200), s8(1, 4, 4, 1)),
        two("UNPACK", s8(2, 3), ints(1), s8(3), "UnpackOptions", axis=0, num=2),
    ],
    ids=lambda model: f"{model.ops[0][0]}_{model.tensors[0].shape}",
)  # fmt: skip
def test_shapes_that_contradict_one_another(model: Build) -> None:
    refusal(model)


def test_more_values_than_any_board_has() -> None:
    b = Build()
    side = 1 << 12
    b.outputs = b.op("RELU", [b.input(s8(1, side, side, 1))], [s8(1, side, side, 1)])
    assert "16,777,216 values" in refusal(b)


def test_the_same_bytes_claimed_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All constants count each time they are read: so much would be packed."""
    b = Build()
    x = b.input(T((1, 64), "int8", 0.5, 0))
    w = b.tensor(T((64, 64), "int8", 0.5, 0, data=np.ones((64, 64))))
    for _ in range(10):
        (x,) = b.op("FULLY_CONNECTED", [x, w], [T((1, 64), "int8", 0.5, 0)],
                    "FullyConnectedOptions")  # fmt: skip
    b.outputs = [x]
    read(b)
    monkeypatch.setattr(sizes, "CONSTANT_BYTES", 30_000)
    assert "40,960 bytes of constants" in refusal(b)


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("OPS", 1, "operator codes"),
        ("TENSORS", 2, "tensors"),
        ("LINKS", 3, "inputs and outputs"),
        ("ENDS", 1, "name 3 tensors"),
        ("NAME_BYTES", 10, "bytes of names"),
        ("SCALES", 2, "scales"),
        ("RANK", 3, "4 dimensions"),
        ("FILE_BYTES", 20, "bytes"),
    ],
)
def test_counts_are_bounded_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int, words: str
) -> None:
    b = conv()
    b.outputs = b.op("RELU", [b.outputs[0]], [T((1, 5, 5, 3), "int8", 0.5, 0)])
    read(b)
    monkeypatch.setattr(sizes, limit, value)
    assert re.search(words, refusal(b))


def test_long_names_are_cut() -> None:
    b = conv()
    b.tensors[0].name = "x" * 100_000
    assert len(read(b).tensors[0].name) == sizes.NAME_LENGTH


def test_an_input_twice() -> None:
    b = conv()
    b.inputs.append(b.inputs[0])
    assert "twice" in refusal(b)


def test_an_op_that_writes_what_it_reads() -> None:
    b = conv()
    b.ops[0][2][0] = b.inputs[0]
    b.outputs = [b.inputs[0]]
    assert "has a value already" in refusal(b)


def test_an_op_without_results() -> None:
    b = conv()
    b.ops.append(("RELU", [b.outputs[0]], [], None, 1, []))
    assert "writes nothing" in refusal(b)


def test_scales_that_nobody_reckons_with_are_let_through() -> None:
    """Converters leave infinity on a bias of zeros, and anything on what is only moved."""
    read(conv(bias=having(scale=float("inf"))))
    b = Build()
    x = b.input(T((2, 3), "int8", 0.5, 0))
    amounts = b.tensor(T((2, 2), "int32", float("inf"), data=[1, 1, 0, 0]))
    b.outputs = b.op("PAD", [x, amounts], [T((4, 3), "int8", 0.5, 0)])
    compile_graph(read(b), Target())


def test_a_dilation_in_its_bounds_runs() -> None:
    """Atrous pyramids on small images: most taps lie in the padding."""
    compile_graph(read(conv(dilationHFactor=18, dilationWFactor=36)), Target())
