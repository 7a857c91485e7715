"""Every tensor on the chip beside the reference's: what is found, and how it is said."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.convert import Graph, read_graph
from pipeline.errors import AccuracyGate, DeviceError, WrongUse
from pipeline.load.flatmodel import FlatModel
from pipeline.measure.layers import Held, LayerComparison, Ran, compare_layers, ran_from
from pipeline.steps.layer_check import comparison_json, lines, require_equal

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))
from tflite_builder import Build, T


def model(dtype: str = "int8") -> bytes:
    """ABS, a RESHAPE, another ABS; the first one's channels can be left out."""
    b = Build()
    q: dict[str, Any] = {"scale": 0.5, "zero": 0} if dtype == "int8" else {}
    x = b.input(T((1, 4), dtype, **q))
    (y,) = b.op("ABS", [x], [T((1, 4), dtype, **q, name="m/first/Abs")], "AbsOptions")
    shape = b.tensor(T((2,), "int32", data=[2, 2]))
    (y,) = b.op("RESHAPE", [y, shape], [T((2, 2), dtype, **q, name="m/view/R")], "ReshapeOptions")
    b.outputs = b.op("ABS", [y], [T((2, 2), dtype, **q, name="m/last/Abs")], "AbsOptions")
    return b.bytes()


class FakeChip:
    """A session whose layers leave what a test wants in memory."""

    def __init__(self, memory: bytes, layers: int) -> None:
        self.info = {"layers": str(layers)}
        self._memory = memory
        self.log: list[int] = []

    def stepper(self) -> FakeChip:
        return self

    def begin(self, data: bytes) -> None:
        self.data = data

    def run(self, layers: int) -> None:
        self.log.append(layers)

    def read(self, offset: int, size: int) -> bytes:
        return self._memory[offset : offset + size]


SAMPLE = np.array([-1, 2, -3, 4], np.int8)
FIRST, LAST = 1, 4  # tensors of the file
LAYERS = (Ran(0, (0,), (Held(FIRST, 0, 4),)), Ran(1, (2,), (Held(LAST, 4, 4),)))


def compare(memory: bytes, layers: tuple[Ran, ...] = LAYERS, **more: Any) -> LayerComparison:
    content = more.pop("content", model())
    graph: Graph = read_graph(FlatModel("m", content))
    chip = FakeChip(memory, more.pop("count", len(layers)))
    sample = more.pop("sample", SAMPLE)
    found = compare_layers(chip, graph, content, layers, sample)  # type: ignore[arg-type]
    assert chip.log == [1, 2][: len(layers)]
    return found


def test_all_equal_but_what_needs_no_code() -> None:
    found = compare(bytes([1, 2, 3, 4, 1, 2, 3, 4]))
    assert [(c.layer, c.state) for c in found.checks] == [
        ("first", "equal"), ("view", "fused"), ("last", "equal"),
    ]  # fmt: skip
    require_equal(found)
    assert lines(found)[0] == "  op 1   RESHAPE 'view': needs no code"
    assert "2 of 2 tensors equal" in lines(found)[-1]
    assert comparison_json(found)["first_difference"] is None


def test_the_first_layer_that_differs_is_named() -> None:
    found = compare(bytes([1, 2, 3, 9, 0, 2, 3, 9]))
    assert found.first is not None
    assert (found.first.layer, found.first.different, found.first.largest) == ("first", 1, 5.0)
    with pytest.raises(AccuracyGate, match=r"ABS 'first'.*1 of 4 values, by up to 5") as caught:
        require_equal(found)
    assert caught.value.exit_code == 5
    assert "DIFFERENT: 2 of 4 values, by up to 5" in "\n".join(lines(found))
    assert comparison_json(found)["first_difference"]["layer"] == "first"


def test_a_fused_tensor_says_into_what() -> None:
    both = (Ran(0, (0, 2), (Held(LAST, 4, 4),)),)
    found = compare(bytes([0, 0, 0, 0, 1, 2, 3, 4]), both)
    assert lines(found)[0] == "  op 0   ABS 'first': fused into ABS 'last'"


def test_channels_that_a_pass_removed_are_left_out() -> None:
    kept = (replace(LAYERS[0], outputs=(Held(FIRST, 0, 2, (1, 3)),)), LAYERS[1])
    found = compare(bytes([2, 4, 0, 0, 1, 2, 3, 4]), kept)
    assert [c.state for c in found.checks] == ["equal", "fused", "equal"]


def test_floats_may_differ_in_the_last_bits() -> None:
    values = np.array([1, 2, 3, 4], np.float32)
    layers = (
        replace(LAYERS[0], outputs=(Held(FIRST, 0, 16),)),
        replace(LAYERS[1], outputs=(Held(LAST, 16, 16),)),
    )
    near, far = values * np.float32(1.000001), values + np.float32(0.1)
    found = compare(
        near.tobytes() + far.tobytes(),
        layers,
        content=model("float32"),
        sample=SAMPLE.astype(np.float32),
    )
    assert [c.state for c in found.checks] == ["close", "fused", "different"]
    assert "within the tolerance" in lines(found)[0]
    assert lines(found)[-1].endswith(
        "0 of 2 tensors equal the reference's, 1 but for the last bits"
    )


def test_another_firmware_is_refused() -> None:
    with pytest.raises(DeviceError, match="has 5 layers"):
        compare(b"", count=5)


def test_values_that_do_not_come() -> None:
    with pytest.raises(DeviceError, match="3 values of ABS 'first'"):
        compare(bytes([1, 2, 3]), LAYERS[:1])


def test_a_program_without_layers() -> None:
    with pytest.raises(WrongUse, match="no layers"):
        ran_from([])
    document = {
        "index": 0,
        "origins": [0, 1],
        "outputs": [{"tensor": 3, "offset": 8, "size": 4, "kept": [0, 2]}],
    }
    assert ran_from([document]) == (Ran(0, (0, 1), (Held(3, 8, 4, (0, 2)),)),)
