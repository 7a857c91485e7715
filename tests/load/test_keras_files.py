"""Keras files of every age become networks that compute the same."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.load import Dataset, Network, evaluate, load_model, save_network
from pipeline.load.compression import Compression

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keras():
    from pipeline.load.tfenv import keras3

    return keras3()


@pytest.fixture(scope="module")
def old():
    from pipeline.load.tfenv import tf_keras

    return tf_keras()


def functional(keras):
    """Convolutions of all kinds, joins, a network inside and a layer used twice."""
    layers = keras.layers
    inside = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.SeparableConv2D(4, 3, padding="same")], name="inside"
    )
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, padding="same", activation="relu6")(inputs)
    y = layers.BatchNormalization()(inside(inside(x)))
    z = layers.LeakyReLU(negative_slope=0.1)(layers.Add()([x, y]))
    z = layers.Concatenate()([z, layers.DepthwiseConv2D(3, padding="same")(x)])
    z = layers.Dropout(0.2)(layers.MaxPooling2D()(z))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.Flatten()(z)))


def sequences(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 3)),
            layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0]),
            layers.Conv1D(4, 3),
            layers.LSTM(5, return_sequences=True),
            layers.Bidirectional(layers.GRU(3)),
            layers.LayerNormalization(),
            layers.Dense(2),
        ]
    )


@pytest.mark.parametrize("make", [functional, sequences])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_3_files_are_rebuilt(tmp_path, keras, make, suffix):
    model = make(keras)
    path = tmp_path / f"net{suffix}"
    model.save(path)
    network = load_model(path)
    assert isinstance(network, Network)
    assert network.source_format == ("keras3" if suffix == ".keras" else "keras3-h5")
    assert network.check <= 1e-5
    assert not any(isinstance(layer, network.keras.__class__) for layer in network.keras.layers)
    x = np.random.default_rng(1).normal(size=(3, *model.input_shape[1:])).astype(np.float32)
    np.testing.assert_allclose(network.keras(x), model(x), atol=1e-5)


def test_content_decides_and_not_the_suffix(tmp_path, keras):
    functional(keras).save(tmp_path / "net.keras")
    shutil.move(tmp_path / "net.keras", tmp_path / "net.bin")
    assert load_model(tmp_path / "net.bin").source_format == "keras3"


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [
        ("ic01_resnet8.h5", "keras2-h5", (32, 32, 3)),
        ("ad01.h5", "keras2-h5", (640,)),
        ("kws_ref_saved_model", "savedmodel", (49, 10, 1)),
    ],
)
def test_reference_networks(shared, name, kind, shape):
    network = load_model(shared / "models" / name)
    assert network.source_format == kind
    assert network.signature.input_shape == shape
    assert network.check <= 1e-5


def test_the_real_keyword_network_knows_its_words(shared):
    from pipeline.load import load_data

    network = load_model(shared / "models" / "kws_ref_saved_model")
    data = load_data(
        shared / "data" / "kws01.npz", network.signature, x_scale=0.5847029, x_zero_point=83
    )
    assert evaluate(network, data) == 0.913


def small(keras, activation="softmax"):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(6, name="hidden")(inputs)
    return keras.Model(inputs, keras.layers.Dense(3, activation=activation)(hidden))


def test_a_network_is_written_and_read_back(tmp_path, old):
    done = Compression("magnitude:0.5", 0.5, {"hidden": 0.5}, notes=("a note",), seconds=3.0)
    network = Network("mine", "there/mine.h5", "ab" * 32, "keras2-h5", small(old), 1e-7, done)
    save_network(network, tmp_path / "a.keras")
    save_network(network, tmp_path / "b.keras")
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.keras", "b.keras"]
    back = load_model(tmp_path / "a.keras")
    assert (back.name, back.source, back.sha256) == ("mine", "there/mine.h5", "ab" * 32)
    assert back.compression == Compression(
        "magnitude:0.5", 0.5, {"hidden": 0.5}, notes=("a note",), seconds=0.0
    )
    for ours, theirs in zip(back.keras.get_weights(), network.keras.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_weights_that_are_no_numbers_are_named(tmp_path, keras):
    model = small(keras)
    model.get_layer("hidden").set_weights([np.full((4, 6), np.nan), np.zeros(6)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(ModelError, match=r"layer hidden: weight .* NaN"):
        load_model(tmp_path / "net.keras")


def test_lambda_layers_run_only_where_the_file_is_trusted(tmp_path, keras, old):
    for module, name in ((keras, "new.keras"), (keras, "new.h5"), (old, "old.h5")):
        inputs = module.Input((4,))
        outputs = module.layers.Lambda(lambda x: x * 2.0, name="double")(inputs)
        module.Model(inputs, outputs).save(tmp_path / name)
        with pytest.raises(ModelError, match="layer double: a Lambda") as caught:
            load_model(tmp_path / name)
        assert "--trust" in caught.value.hint
        network = load_model(tmp_path / name, trust=True)
        np.testing.assert_array_equal(network.keras(np.ones((1, 4))), np.full((1, 4), 2.0))


def test_a_lambda_in_a_saved_model_is_refused(tmp_path, old):
    inputs = old.Input((4,))
    outputs = old.layers.Lambda(lambda x: x * 2.0, name="double")(inputs)
    old.Model(inputs, outputs).save(tmp_path / "net", save_format="tf")
    with pytest.raises(ModelError, match="layer double: a Lambda"):
        load_model(tmp_path / "net")
    assert load_model(tmp_path / "net", trust=True).check <= 1e-5


def test_custom_layers_are_refused(tmp_path, keras):
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    inputs = keras.Input((4,))
    keras.Model(inputs, Mine(name="mine")(inputs)).save(tmp_path / "net.keras")
    with pytest.raises(ModelError, match="layer mine: Mine is code of the module"):
        load_model(tmp_path / "net.keras")


def test_layers_that_tf_keras_lacks_are_named(tmp_path, keras):
    inputs = keras.Input((4, 4))
    keras.Model(inputs, keras.layers.RMSNormalization(name="rms")(inputs)).save(
        tmp_path / "net.keras"
    )
    with pytest.raises(ModelError, match="layer rms: layer type RMSNormalization is unknown"):
        load_model(tmp_path / "net.keras")


def test_a_layer_with_another_meaning_fails_the_comparison(tmp_path, keras):
    inputs = keras.Input((4, 3))
    layer = keras.layers.LSTM(5, recurrent_activation="hard_sigmoid")
    keras.Model(inputs, layer(inputs)).save(tmp_path / "n.keras")
    with pytest.raises(ModelError, match="outputs differ"):
        load_model(tmp_path / "n.keras")


def test_open_shapes_and_more_inputs_are_refused(tmp_path, keras):
    inputs = keras.Input((None, 3))
    keras.Model(inputs, keras.layers.Conv1D(2, 3)(inputs)).save(tmp_path / "open.keras")
    with pytest.raises(ModelError, match="left open"):
        load_model(tmp_path / "open.keras")
    a, b = keras.Input((3,)), keras.Input((3,))
    keras.Model([a, b], keras.layers.Add()([a, b])).save(tmp_path / "two.keras")
    with pytest.raises(ModelError, match="2 inputs"):
        load_model(tmp_path / "two.keras")


def test_a_saved_model_without_keras_layers_is_refused(tmp_path):
    from pipeline.load.tfenv import tensorflow

    tf = tensorflow()
    module = tf.Module()
    module.double = tf.function(lambda x: x * 2.0, [tf.TensorSpec((1, 3), tf.float32)])
    tf.saved_model.save(module, str(tmp_path / "plain"))
    with pytest.raises(ModelError, match="not the Keras layers"):
        load_model(tmp_path / "plain")

    def write(text):
        tf.io.write_file("/nowhere/at/all", text)
        return text

    module.write = tf.function(write, [tf.TensorSpec((), tf.string)])
    tf.saved_model.save(module, str(tmp_path / "writes"))
    with pytest.raises(ModelError, match="WriteFile"):
        load_model(tmp_path / "writes")


def test_a_damaged_saved_model_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(ModelError, match="damaged"):
        load_model(tmp_path)


def test_accuracy_counts_labels(old):
    network = Network("n", "", "", "keras2", small(old), 0.0)
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    answers = np.argmax(network.keras(x), axis=1)
    assert evaluate(network, Dataset("d", x, answers, False)) == 1.0
    assert evaluate(network, Dataset("d", x, (answers + 1) % 3, False)) == 0.0
    assert evaluate(network, Dataset("d", x, None, False)) is None
