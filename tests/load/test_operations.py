"""Operations between the layers of a Keras 3 network, and activations that Keras 2 lacks."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.load import load_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keras():
    from pipeline.load.tfenv import keras3

    return keras3()


def dense(k, t, width=6):
    return k.layers.Dense(width)(t)


# name -> (input shape, function of Keras 3 and a tensor, layers that must be in the result)
OPERATIONS = {
    "sum": ((6,), lambda k, t: dense(k, t) + dense(k, t), ["Add"]),
    "constants": ((6,), lambda k, t: 1 - (dense(k, t) * 2 - 1) / 4 + 3, ["Rescaling"]),
    "by channel": ((4, 6), lambda k, t: t * np.arange(6, dtype="float32"), ["Rescaling"]),
    "product": ((6,), lambda k, t: -dense(k, t) * dense(k, t), ["Multiply", "Rescaling"]),
    "difference": ((6,), lambda k, t: dense(k, t) - dense(k, t), ["Subtract"]),
    "quotient": ((6,), lambda k, t: t / (k.ops.abs(dense(k, t)) + 1), []),
    "one over": ((6,), lambda k, t: 1 / (k.ops.abs(t) + 1), []),
    "extremes": (
        (6,),
        lambda k, t: k.ops.maximum(k.ops.maximum(t, 0), k.ops.minimum(dense(k, t), 0.5)),
        ["ReLU", "Maximum"],
    ),
    "mean over time": ((8, 6), lambda k, t: k.ops.mean(t, axis=1), ["GlobalAveragePooling1D"]),
    "mean of an image": (
        (4, 4, 3),
        lambda k, t: k.ops.mean(t, axis=(1, 2), keepdims=True),
        ["GlobalAveragePooling2D"],
    ),
    "maximum of an image": (
        (4, 4, 3),
        lambda k, t: k.ops.max(t, axis=[-2, -3]),
        ["GlobalMaxPooling2D"],
    ),
    "other reductions": ((8, 6), lambda k, t: k.ops.sum(t, -1) + k.ops.min(t, axis=2), []),
    "shapes": (
        (8, 6),
        lambda k, t: k.ops.transpose(k.ops.reshape(t, (-1, 12, 4)), (0, 2, 1)),
        ["Reshape", "Permute"],
    ),
    "axes of one": (
        (8, 6),
        lambda k, t: k.ops.squeeze(k.layers.Conv2D(3, (8, 6))(k.ops.expand_dims(t, -1)), (1, 2)),
        ["Reshape"],
    ),
    "parts": (
        (8, 6),
        lambda k, t: k.ops.concatenate([t[:, 2:5], k.ops.split(t, 2, axis=1)[0]], axis=1),
        ["Concatenate"],
    ),
    "stack": ((6,), lambda k, t: k.ops.stack([t, 2 * t], axis=1), []),
    "matrix product": ((8, 6), lambda k, t: k.ops.matmul(t, k.ops.transpose(t, (0, 2, 1))), []),
    "padding": (
        (5, 5, 2),
        lambda k, t: k.ops.pad(t, [[0, 0], [1, 2], [0, 1], [0, 0]]),
        ["ZeroPadding2D"],
    ),
    "padding in time": (
        (5, 2),
        lambda k, t: k.ops.pad(t, [[0, 0], [2, 0], [0, 0]]),
        ["ZeroPadding1D"],
    ),
    "other padding": ((5, 2), lambda k, t: k.ops.pad(t, [[0, 0], [2, 0], [1, 0]], "reflect"), []),
    "clip": ((6,), lambda k, t: k.ops.clip(t, 0, 6) + k.ops.clip(t, -1, 1), ["ReLU"]),
    "functions": (
        (6,),
        lambda k, t: k.ops.sqrt(k.ops.square(t) + 1) * k.ops.log(k.ops.exp(t) + 1),
        [],
    ),
    "gelu": ((6,), lambda k, t: k.ops.gelu(t) + k.ops.gelu(t, approximate=False), ["Activation"]),
    "softmax": ((4, 6), lambda k, t: k.ops.softmax(t, axis=-1), ["Softmax"]),
    "activations": (
        (6,),
        lambda k, t: sum(
            getattr(k.ops, name)(t)
            for name in [
                "relu",
                "relu6",
                "sigmoid",
                "tanh",
                "silu",
                "selu",
                "softplus",
                "softsign",
                "elu",
                "leaky_relu",
                "hard_sigmoid",
                "hard_silu",
                "log_softmax",
            ]
        ),
        ["Activation", "ELU", "LeakyReLU"],
    ),
    "attention": (
        (8, 6),
        lambda k, t: k.layers.MultiHeadAttention(2, 4)(t, t) + t,
        ["MultiHeadAttention"],
    ),
    "augmentation": (
        (8, 8, 1),
        lambda k, t: k.layers.Conv2D(2, 3)(k.layers.RandomTranslation(0.1, 0.1)(t)),
        ["RandomTranslation"],
    ),
}


def network_of(keras, tmp_path, shape, function):
    """The rebuilt network; load_model compares its outputs with those of the file's own."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, function(keras, inputs))
    model.save(tmp_path / "net.keras")
    return load_model(tmp_path / "net.keras")


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_become_layers(keras, tmp_path, name):
    shape, function, wanted = OPERATIONS[name]
    network = network_of(keras, tmp_path, shape, function)
    assert network.check <= 1e-5
    kinds = {type(layer).__name__ for layer in network.keras.layers}
    assert set(wanted) <= kinds


@pytest.mark.parametrize("activation", ["hard_sigmoid", "hard_swish", "hard_silu", "relu6"])
@pytest.mark.parametrize("as_layer", [True, False])
def test_activations_that_keras_2_has_otherwise(keras, tmp_path, activation, as_layer):
    layers = keras.layers

    def function(k, t):
        if as_layer:
            return layers.Activation(activation)(dense(k, t))
        return layers.Dense(6, activation=activation)(t)

    assert network_of(keras, tmp_path, (6,), function).check <= 1e-5


def test_a_layer_as_activation(keras, tmp_path):
    layers = keras.layers
    network = network_of(
        keras,
        tmp_path,
        (6,),
        lambda k, t: layers.Dense(6, activation=layers.LeakyReLU(negative_slope=0.3))(t),
    )
    assert network.check <= 1e-5


def test_activations_that_keras_2_lacks_are_named(keras, tmp_path):
    with pytest.raises(ModelError, match="layer last: the activation 'celu' is unknown"):
        network_of(
            keras,
            tmp_path,
            (6,),
            lambda k, t: k.layers.Dense(2, activation="celu", name="last")(t),
        )


def test_operations_that_are_unknown_are_named(keras, tmp_path):
    with pytest.raises(ModelError, match=r"operation cumsum: the operation Cumsum is unknown"):
        network_of(keras, tmp_path, (6,), lambda k, t: k.ops.cumsum(t, axis=1))


def test_the_batch_stays_apart(keras, tmp_path):
    with pytest.raises(ModelError, match=r"Mean can not be called .* samples of a batch"):
        network_of(keras, tmp_path, (6,), lambda k, t: k.ops.mean(t, axis=0, keepdims=True))
