"""Whole hostile files through load_model: nothing runs, nothing is written, one error comes."""

from __future__ import annotations

import json
import zipfile

import h5py
import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.load import load_model, reader

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def old():
    from pipeline.load.tfenv import tf_keras

    return tf_keras()


@pytest.fixture
def model(old):
    inputs = old.Input((4,))
    return old.Model(inputs, old.layers.Dense(3, name="dense")(inputs))


def rewrite(path, edit):
    """Change the configuration inside a .keras or .h5 file."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            file.attrs["model_config"] = json.dumps(edit(config) or config)
        return path
    with zipfile.ZipFile(path) as old_file:
        members = {name: old_file.read(name) for name in old_file.namelist()}
    config = json.loads(members["config.json"])
    members["config.json"] = json.dumps(edit(config) or config)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def attacks(target):
    """TFOpLambda calls that work on today's Keras; each would leave `target` or take it away."""
    inner = {
        "class_name": "Sequential",
        "config": {"layers": [{"class_name": "Lambda", "config": {"function": "touch"}}]},
    }
    return {
        "keras.models.model_from_json": {"json_string": json.dumps(inner)},
        "compat.v1.write_file": {"filename": str(target), "contents": "evil"},
        "io.write_file": {"filename": str(target), "contents": "evil"},
        "compat.v1.gfile.MkDir": {"dirname": str(target)},
        "io.gfile.makedirs": {"path": str(target)},
        "print": {"output_stream": f"file://{target}"},
        "raw_ops.PrintV2": {"input": "x", "output_stream": f"file://{target}", "end": ""},
        "io.write_graph": {"logdir": str(target.parent), "name": target.name},
        "summary.create_file_writer": {"logdir": str(target)},
        "saved_model.save": {"export_dir": str(target)},
    }


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_no_function_of_tensorflow_is_called(model, tmp_path, suffix):
    target = tmp_path / "target"
    for function, kwargs in attacks(target).items():
        path = tmp_path / f"net{suffix}"
        model.save(path)

        def edit(config, function=function, kwargs=kwargs):
            config["config"]["layers"].insert(
                1,
                {
                    "class_name": "TFOpLambda",
                    "config": {"name": "odd", "function": function},
                    "name": "odd",
                    "inbound_nodes": [["input_1", 0, 0, kwargs]],
                },
            )

        with pytest.raises(ModelError, match="layer odd: the layer calls tf"):
            load_model(rewrite(path, edit))
        assert not target.exists()


def test_weights_from_elsewhere_are_refused(model, tmp_path):
    path, secret = tmp_path / "net.h5", tmp_path / "secret"
    secret.write_bytes(bytes(range(48)))
    model.save(path)
    with h5py.File(path, "r+") as file:
        group = file["model_weights/dense/dense"]
        name = next(n for n in group if n.startswith("kernel"))
        del group[name]
        group.create_dataset(name, (4, 3), "f4", external=[(str(secret), 0, 48)])
    with pytest.raises(ModelError, match="lies in another file"):
        load_model(path)


def test_what_asks_for_too_much_memory_is_one_error(model, old, tmp_path):
    """A network that is plausible part by part: each of its weights could be in the file."""
    path = tmp_path / "net.h5"
    inputs = old.Input((4,))
    wide = old.layers.Dense(60_000, name="a")(inputs)
    old.Model(inputs, old.layers.Dense(2, name="b")(wide)).save(path)

    def edit(config):
        config["config"]["layers"][2]["config"]["units"] = 60_000

    with pytest.raises(ModelError, match=r"memory|crash"):
        load_model(rewrite(path, edit))
    model.save(tmp_path / "good.h5")
    assert load_model(tmp_path / "good.h5").check <= 1e-5  # the next file finds all in order


def test_tensors_that_no_chip_holds_are_named(old, tmp_path):
    path = tmp_path / "net.keras"
    inputs = old.Input((64, 64, 1))
    x = old.layers.UpSampling2D(2, name="first")(inputs)
    x = old.layers.UpSampling2D(2, name="second")(x)
    old.Model(inputs, old.layers.GlobalAveragePooling2D()(x)).save(path)

    def edit(config):
        for layer in config["config"]["layers"][1:3]:
            layer["config"]["size"] = [64, 64]

    with pytest.raises(ModelError, match=r"layer second: makes a tensor of 68,719,476,736"):
        load_model(rewrite(path, edit))


def test_a_negative_variance_is_named(old, tmp_path):
    inputs = old.Input((4,))
    model = old.Model(inputs, old.layers.BatchNormalization(name="norm")(inputs))
    layer = model.get_layer("norm")
    layer.set_weights([*layer.get_weights()[:3], np.array([1.0, -0.5, 1.0, 1.0])])
    model.save(tmp_path / "net.h5")
    with pytest.raises(ModelError, match=r"layer norm: its moving variance is -0\.5"):
        load_model(tmp_path / "net.h5")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_functions_on_the_list_still_work(old, tmp_path, suffix):
    from pipeline.load.tfenv import tensorflow

    tf = tensorflow()
    inputs = old.Input((4, 6))
    x = tf.nn.relu(inputs) + 1.0
    x = tf.concat([x[:, 1:3], x[:, 1:3] * np.arange(6, dtype="float32")], axis=1)
    x = tf.math.reduce_mean(x, axis=1)
    x = tf.split(x, 2, axis=-1)[0]
    x = old.layers.Dense(
        3, name="dense", activation=old.layers.LeakyReLU(), kernel_regularizer="l2"
    )(x)
    model = old.Model(inputs, old.activations.gelu(x))
    model.compile("adam", "mse")
    model.save(tmp_path / f"net{suffix}")
    network = load_model(tmp_path / f"net{suffix}")
    x = np.random.default_rng(0).normal(size=(3, 4, 6)).astype(np.float32)
    np.testing.assert_allclose(network.keras(x), model(x), atol=1e-6)
    assert network.keras.get_layer("dense").kernel_regularizer is not None


def test_the_reading_is_done_elsewhere(model, tmp_path, monkeypatch):
    """This process reads no HDF5 at all: with h5py gone it still gets its network."""
    import sys

    model.save(tmp_path / "net.h5")
    model.save(tmp_path / "net.keras")
    monkeypatch.setitem(sys.modules, "h5py", None)
    for name in ("net.h5", "net.keras"):
        assert load_model(tmp_path / name).check <= 1e-5
    assert reader._nursery is not None


def test_the_cause_of_an_error_is_told_and_not_where_keras_met_it(tmp_path):
    from pipeline.load.read import load_error

    wrapped = ValueError("Exception encountered when calling \x1b[1mConv2D.call()\x1b[0m.\n\n"
                         "\x1b[1mNo CPU kernel\x1b[0m\n\nArguments received:\n x")  # fmt: skip
    assert load_error(wrapped, "a").what == "can not be loaded: No CPU kernel"
    wrapped = TypeError("<class 'X'> could not be deserialized properly. config={}\n\n"
                        "Exception encountered: Unknown padding 'diagonal'")  # fmt: skip
    assert load_error(wrapped, "a").what == "can not be loaded: Unknown padding 'diagonal'"
    assert load_error(KeyError(), "a").what == "can not be loaded: KeyError"
