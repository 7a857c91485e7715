"""Projects with TensorFlow Lite Micro: exactly the model's operators, the library, the arena."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.board import load_board
from pipeline.convert import read_graph
from pipeline.errors import WrongUse
from pipeline.load import FlatModel
from pipeline.render import DEFAULT_LIBRARY, render, resolve_library, tflm_for


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder in Arduino's layout."""
    header = tmp_path / "lib/src/tensorflow/lite/micro/micro_interpreter.h"
    header.parent.mkdir(parents=True)
    header.write_text("")
    return tmp_path / "lib"


def test_the_resolver_lists_what_the_model_needs(shared: Path) -> None:
    graph = read_graph(FlatModel("kws", (shared / "models/kws_ref_int8.tflite").read_bytes()))
    tflm = tflm_for(graph, "", 20_000, "a test")
    assert tflm.calls == (
        "AddAveragePool2D(tflite::Register_AVERAGE_POOL_2D_INT8())",
        "AddConv2D(tflite::Register_CONV_2D_INT8())",
        "AddDepthwiseConv2D(tflite::Register_DEPTHWISE_CONV_2D_INT8())",
        "AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8())",
        "AddReshape()",
        "AddSoftmax(tflite::Register_SOFTMAX_INT8())",
    )
    assert {"conv", "pooling", "reshape"} <= set(tflm.kernels)
    assert "lstm" not in tflm.kernels


def test_the_project_names_the_library(shared: Path, tmp_path: Path, library: Path) -> None:
    model = FlatModel("ad", (shared / "models/ad01_int8.tflite").read_bytes())
    array = tmp_path / "model_data.h"
    array.write_text("extern const unsigned char g_model[];\n")
    for named, wanted in ((str(library), f"symlink://{library}"), ("", DEFAULT_LIBRARY)):
        project = render(
            load_board("disco_f407vg"),
            name="ad",
            out=tmp_path / "project",
            c_array=(array,),
            engine="tflm",
            tflm=tflm_for(read_graph(model), named, 4096, "a test"),
            sha256=model.sha256,
            offline=True,
        )
        ini = (project.path / "platformio.ini").read_text()
        assert f"lib_deps = {wanted}\n" in ini
        assert "pre:scripts/tflm.py" in ini
        header = (project.path / "src/network/tflm_model.h").read_text()
        assert "#define TFLM_ARENA_BYTES 4096" in header
        assert "MicroMutableOpResolver<1>" in header
        assert (project.path / "src/engine/engine_tflm.cpp").is_file()
        assert [p.name for p in (project.path / "src/runtime").iterdir()] == ["rom.h"]


def test_the_environment_may_name_the_library(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCU_TFLM", str(library))
    assert resolve_library("") == str(library)


def test_a_folder_without_tflm(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="no TensorFlow Lite Micro"):
        resolve_library(str(tmp_path))
    with pytest.raises(WrongUse, match="no TensorFlow Lite Micro"):
        resolve_library("./missing")
