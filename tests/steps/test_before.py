"""What a pruned network's layers were before: found by position, by name, or not at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

from tflite_builder import Build, T

from pipeline.errors import ModelError
from pipeline.load import FlatModel
from pipeline.steps.before import BEFORE, before_layers, keep_before

BOARD = "disco_f407vg"


def dense(dtype: str = "int8") -> FlatModel:
    """A fully connected layer, 64 to 8."""
    b = Build()
    bias = "int32" if dtype == "int8" else "int64"
    x = b.input(T((1, 64), dtype, 0.05, 0))
    random = np.random.default_rng(0).integers(-127, 128, (8, 64)).astype(np.int8)
    weights = b.tensor(T((8, 64), "int8", 0.01, 0, data=random))
    start = b.tensor(T((8,), bias, 0.0005, 0, data=np.zeros(8, bias)))
    b.outputs = b.op(
        "FULLY_CONNECTED", [x, weights, start], [T((1, 8), dtype, 0.1, 0)],
        "FullyConnectedOptions", 4, fusedActivationFunction=0,
    )  # fmt: skip
    return FlatModel("net", b.bytes())


def program(*ops: str, engine: str = "aot") -> dict[str, Any]:
    layers = [{"index": i, "op": op, "name": f"layer{i}"} for i, op in enumerate(ops)]
    return {"engine": engine, "optimize": "balanced", "layers": layers}


def test_layers_of_the_same_operators_are_the_same_by_position(tmp_path: Path) -> None:
    (tmp_path / BEFORE).write_bytes(dense().content)
    found = before_layers(tmp_path, dense(), program("FULLY_CONNECTED"), BOARD)
    assert set(found) == {0}
    assert found[0]["encoding"].startswith("dense")
    assert found[0]["weight_bytes"] >= 512 and found[0]["cost"] > 0


def test_of_other_operators_only_those_of_the_same_name_are(tmp_path: Path) -> None:
    (tmp_path / BEFORE).write_bytes(dense().content)
    assert before_layers(tmp_path, dense(), program("FULLY_CONNECTED", "SOFTMAX"), BOARD) == {}


@pytest.mark.parametrize("kept", [None, b"no flatbuffer", dense("int16").content])
def test_what_can_not_be_compared_is_left_out(tmp_path: Path, kept: bytes | None) -> None:
    if kept is not None:
        (tmp_path / BEFORE).write_bytes(kept)
    assert before_layers(tmp_path, dense(), program("FULLY_CONNECTED"), BOARD) == {}


def test_another_engine_has_no_layers_to_compare(tmp_path: Path) -> None:
    (tmp_path / BEFORE).write_bytes(dense().content)
    assert before_layers(tmp_path, dense(), program("X", engine="tflm"), BOARD) == {}


def test_a_network_without_an_integer_form_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ModelError("has no integer form")

    class Network:
        signature = None

    monkeypatch.setattr("pipeline.load.load_data", lambda *_: None)
    monkeypatch.setattr("pipeline.quantize.quantize", refuse)
    assert keep_before(Network(), tmp_path) == ()  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
