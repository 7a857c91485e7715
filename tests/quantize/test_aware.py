"""Training with int8 rounding, and the rewriting that makes it possible."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.load import Dataset, FlatModel, Network, Split, save_network
from pipeline.quantize import evaluate_flat, run_flat

pytestmark = pytest.mark.slow


def pictures(layers, x):
    """Batch normalisation everywhere, separable convolutions, a gate, a layer used twice."""
    x = layers.Rescaling(0.5, offset=-1.0)(x)
    x = layers.BatchNormalization()(layers.Conv2D(6, 3, use_bias=False)(x))
    x = layers.BatchNormalization()(layers.ReLU()(x))
    x = layers.SeparableConv2D(6, 3, padding="same", activation="relu")(x)
    x = layers.ReLU()(layers.BatchNormalization()(layers.DepthwiseConv2D(3)(x)))
    shared = layers.Conv2D(6, 1, activation="relu")
    x = layers.Dropout(0.3)(shared(shared(x)))
    gate = layers.Dense(6, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    return layers.Flatten()(layers.Multiply()([x, layers.Reshape((1, 1, 6))(gate)]))


def sequences(layers, x):
    x = layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0])(x)
    x = layers.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="relu")(x)
    x = layers.BatchNormalization()(layers.Conv1D(5, 3, strides=2, padding="same")(x))
    x = layers.MaxPooling1D(2)(layers.ReLU()(x))
    return layers.BatchNormalization()(layers.Dense(6)(layers.Flatten()(x)))


def build(body, shape):
    from pipeline.load.tfenv import seed_everything, tf_keras

    seed_everything(0)
    inputs = tf_keras().Input(shape)
    layers = tf_keras().layers
    x = layers.Dense(3, activation="softmax", name="out")(body(layers, inputs))
    model = tf_keras().Model(inputs, x)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return Network("net", "", "", "keras2", model, 0.0)


@pytest.mark.parametrize(("body", "shape"), [(pictures, (8, 8, 2)), (sequences, (12, 2))])
def test_rewritten_networks_are_equal_and_accepted(body, shape):
    from pipeline.quantize.aware import with_rounding
    from pipeline.quantize.rewrite import rewrite

    network = build(body, shape)
    plain = rewrite(network.keras, "net")
    kinds = {type(layer).__name__ for layer in plain.layers}
    assert not kinds & {"BatchNormalization", "Conv1D", "Rescaling", "Normalization"}
    x = np.random.default_rng(1).normal(size=(5, *shape)).astype(np.float32)
    np.testing.assert_allclose(plain(x), network.keras(x), atol=1e-5)
    rounding = with_rounding(plain, False, "net")
    assert rounding.output_shape == (None, 3)


def test_layers_that_can_not_be_trained_are_named():
    from pipeline.quantize.aware import with_rounding
    from pipeline.quantize.rewrite import rewrite

    network = build(lambda layers, x: layers.LSTM(4, name="memory")(x), (6, 2))
    with pytest.raises(ModelError, match="net, layer memory: LSTM") as caught:
        with_rounding(rewrite(network.keras, "net"), False, "net")
    assert "after training" in caught.value.hint


def test_training_keeps_zeros_and_gives_integers(tmp_path, monkeypatch):
    """The worker's part is done in this process, to spare a second start of TensorFlow."""
    from pipeline.quantize import aware, worker

    network = build(lambda layers, x: layers.Flatten()(layers.Conv2D(4, 3)(x)), (6, 6, 1))
    out = network.keras.get_layer("out")
    kernel, bias = out.get_weights()
    kernel[np.random.default_rng(1).random(kernel.shape) < 0.75] = 0.0
    out.set_weights([kernel, bias])
    x = np.random.default_rng(2).normal(size=(96, 6, 6, 1)).astype(np.float32)
    y = np.argmax(network.keras(x), axis=1)
    data = Dataset("noise", x, y, False)

    def run_here(folder, network, progress):
        assert worker.main(folder) == 0, json.loads((folder / "error.json").read_text())

    monkeypatch.setattr(aware, "run_worker", run_here)
    calls = []
    flat = aware.quantize_aware(
        network, Split(data, data), epochs=2, progress=lambda *call: calls.append(call)
    )
    assert isinstance(flat, FlatModel) and flat.name == "net"
    assert calls[0][:3] == ("quantize", 1, 2)
    assert evaluate_flat(flat, data) >= 0.9
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=flat.content)
    interpreter.allocate_tensors()
    (weights,) = (
        interpreter.get_tensor(t["index"])
        for t in interpreter.get_tensor_details()
        if t["shape"].tolist() == list(kernel.T.shape)
    )
    assert weights.dtype == np.int8
    np.testing.assert_array_equal(weights[kernel.T == 0], 0)
    again = aware.quantize_aware(network, Split(data, data), epochs=2)
    np.testing.assert_array_equal(run_flat(again, data), run_flat(flat, data))
    save_network(network, tmp_path / "kept.keras")  # the float network is as it was
    np.testing.assert_array_equal(out.get_weights()[0], kernel)
