"""Model files that are none, told without TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from pipeline.errors import ModelError, WrongUse
from pipeline.load import FlatModel, load_model
from pipeline.load.names import identifier
from pipeline.load.safety import refuse_code
from pipeline.load.sniff import sniff


def archive(path, **members):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "."), content)
    return path


def test_a_tflite_file_is_read_without_tensorflow(tmp_path):
    path = tmp_path / "my-net.v2.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(20))
    model = load_model(path)
    assert isinstance(model, FlatModel)
    assert model.name == "my_net_v2"
    assert load_model(path, name="other").name == "other"
    code = f"import sys, pipeline.load as l; l.load_model({str(path)!r})"
    code += "; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("net", "net"), ("2nd net", "model_2nd_net"), ("int", "model_int"), ("--", "model")],
)
def test_names_are_c_identifiers(text, expected):
    assert identifier(text) == expected


def test_nothing_there(tmp_path):
    with pytest.raises(WrongUse, match="no such file"):
        load_model(tmp_path / "none.keras")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not a model file"),
        (b"\x80\x04\x95pickle", "pickle"),
        (b"\x08\x07\x12\x07pytorch", "ONNX"),
        (b"PK\x03\x04 cut short", "cut short"),
        (b"\x89HDF\r\n\x1a\n cut short", "damaged"),
    ],
)
def test_files_of_other_kinds(tmp_path, content, message):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        load_model(path)


def test_archives_of_other_kinds(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros(3))
    with pytest.raises(ModelError, match="NumPy data"):
        load_model(tmp_path / "data.npz")
    path = archive(tmp_path / "net.pt", **{"archive/data__pkl": b""})
    with pytest.raises(ModelError, match="PyTorch"):
        load_model(path)
    with pytest.raises(ModelError, match="no Keras file"):
        load_model(archive(tmp_path / "a.zip", notes__txt="hi"))
    with pytest.raises(ModelError, match="configuration"):
        load_model(archive(tmp_path / "b.keras", config__json="{", metadata__json="{}"))


def test_hdf5_with_weights_only(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["kernel"] = np.zeros(3)
    with pytest.raises(ModelError, match="weights only"):
        load_model(tmp_path / "w.h5")


def test_folders(tmp_path):
    with pytest.raises(ModelError, match="folder is empty"):
        load_model(tmp_path)
    (tmp_path / "net.keras").write_bytes(b"")
    with pytest.raises(ModelError, match=r"did you mean .*net\.keras"):
        load_model(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x08")
    assert sniff(tmp_path).format == "savedmodel"
    with pytest.raises(ModelError, match="give the folder"):
        load_model(tmp_path / "saved_model.pb")


def test_versions_of_keras_are_told_apart(tmp_path):
    for version, expected in (("3.15.1", "keras3"), ("2.21.0", "keras2")):
        path = archive(
            tmp_path / "net.keras",
            config__json="{}",
            metadata__json=json.dumps({"keras_version": version}),
        )
        assert sniff(path).format == expected
        with h5py.File(tmp_path / "net.h5", "w") as file:
            file.attrs["model_config"] = "{}"
            file.attrs["keras_version"] = version
        assert sniff(tmp_path / "net.h5").format == expected + "-h5"


def layer(kind, **extra):
    return {"config": {"layers": [{"class_name": kind, "config": {"name": "odd"}, **extra}]}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (layer("Lambda"), "layer odd: a Lambda layer"),
        (layer("Mine", module="my_code", registered_name="Mine"), "layer odd: Mine is code of"),
        (layer("Mine", registered_name="pkg>Mine"), "custom code"),
        (layer("pkg>Mine"), "custom code"),
        (layer("function", module="os", registered_name="function"), "module os"),
        (layer("Dense", module="keras_evil.layers"), "keras_evil"),
        ({"config": {"name": "net", "f": {"class_name": "__lambda__"}}}, "Python code"),
    ],
)
def test_code_in_a_configuration_is_refused_before_it_runs(config, message):
    with pytest.raises(ModelError, match=message) as caught:
        refuse_code(config, "net.keras")
    assert "--trust" in caught.value.hint


def test_plain_keras_configurations_pass():
    refuse_code(layer("Dense", module="keras.layers", registered_name=None), "net.keras")
    refuse_code(layer("Activation"), "net.h5")


def test_a_lambda_in_a_file_is_refused(tmp_path):
    path = archive(
        tmp_path / "net.keras",
        config__json=json.dumps(layer("Lambda")),
        metadata__json=json.dumps({"keras_version": "3.0.0"}),
    )
    with pytest.raises(ModelError, match="Lambda"):
        load_model(path)
