"""Activations and recurrent layers that the converter has no integers for, in other words."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.load import Dataset, FlatModel, Network
from pipeline.quantize import run_flat

pytestmark = pytest.mark.slow


def make(shape, *layers):
    from pipeline.load.tfenv import seed_everything, tf_keras

    seed_everything(0)
    keras = tf_keras()
    model = keras.Sequential([keras.Input(shape), *(layer(keras.layers) for layer in layers)])
    return keras.Model(model.inputs, model.outputs)


def int8_of(model, shape):
    """int8 outputs and those of the float network, in steps of the int8 ones; and the graph."""
    from ai_edge_litert.interpreter import Interpreter

    from pipeline.convert import read_graph
    from pipeline.quantize.worker import convert

    x = np.random.default_rng(0).normal(0, 2, size=(100, *shape)).astype(np.float32)
    expected = np.asarray(model(x))
    # Here and not in its own process, which is slower by TensorFlow's start.
    flat = FlatModel("net", convert(Network("net", "", "", "keras2", model, 0.0), x, "int8"))
    (sink,) = Interpreter(model_content=flat.content).get_output_details()
    scale, zero_point = sink["quantization"]
    found = run_flat(flat, Dataset("noise", x, None, False))
    return found, expected / scale + zero_point, read_graph(flat)


ACTIVATIONS = ("elu", "selu", "softplus", "mish", "gelu", "exponential")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_is_one_table_that_rounds_well(activation):
    from pipeline.codegen.compile import prepare
    from pipeline.codegen.passes import PASSES

    model = make((12,), lambda layers: layers.Activation(activation))
    found, expected, graph = int8_of(model, (12,))
    assert np.sqrt(np.mean((found - expected) ** 2)) < 1.0
    assert len(prepare(graph, PASSES).graph.ops) == 1


def test_the_network_computes_the_same():
    from pipeline.quantize.convertible import make_convertible

    model = make(
        (12, 4),
        lambda layers: layers.Conv1D(6, 3, activation="selu"),
        lambda layers: layers.TimeDistributed(layers.Dense(5, activation="softplus")),
        lambda layers: layers.ELU(0.7),
        lambda layers: layers.Bidirectional(layers.GRU(4, return_sequences=True)),
        lambda layers: layers.SimpleRNN(4),
        lambda layers: layers.Dense(3, activation="mish"),
    )
    x = np.random.default_rng(1).normal(size=(5, 12, 4)).astype(np.float32)
    before = model(x).numpy()
    make_convertible(model)
    np.testing.assert_allclose(model(x), before, atol=1e-6)


RECURRENT = {
    "GRU": lambda layers: layers.GRU(6),
    "GRU of Keras 1": lambda layers: layers.GRU(6, reset_after=False),
    "both ways": lambda layers: layers.Bidirectional(layers.GRU(3)),
    "SimpleRNN": lambda layers: layers.SimpleRNN(6),
}


@pytest.mark.parametrize("kind", RECURRENT)
def test_recurrent_layers_are_unrolled(kind):
    model = make((8, 4), RECURRENT[kind])
    found, expected, graph = int8_of(model, (8, 4))
    assert np.sqrt(np.mean((found - expected) ** 2)) < 4.0
    assert sum(op.name == "FULLY_CONNECTED" for op in graph.ops) >= 8


@pytest.mark.parametrize("shape", [(6, 6, 3), (12, 3)])
def test_normalisation_behind_an_activation_is_one_operator(shape):
    def spread(layer):
        random = np.random.default_rng(3)
        for value in layer.weights:
            value.assign(random.uniform(0.01, 10.0, value.shape))

    kind = f"Conv{len(shape) - 1}D"
    model = make(
        shape,
        lambda layers: getattr(layers, kind)(4, 3),
        lambda layers: layers.BatchNormalization(),
        lambda layers: layers.ReLU(),
        lambda layers: layers.BatchNormalization(),
    )
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            spread(layer)
    found, expected, graph = int8_of(model, shape)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 1.0
    # One normalisation is folded into the convolution before it.
    assert [op.name for op in graph.ops if op.name not in ("RESHAPE", "EXPAND_DIMS")] == [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
    ]


FOLDED = {
    "SeparableConv2D": lambda layers: layers.SeparableConv2D(4, 3),
    "Conv2DTranspose": lambda layers: layers.Conv2DTranspose(4, 3),
    "DepthwiseConv2D": lambda layers: layers.DepthwiseConv2D(3),
    "Dense": lambda layers: layers.Dense(4),
}


@pytest.mark.parametrize("kind", FOLDED)
@pytest.mark.parametrize("dropout", [False, True])
def test_normalisation_that_folds_into_weights_is_left_to_the_converter(kind, dropout):
    layers = [FOLDED[kind]]
    if dropout:
        layers.append(lambda layers: layers.Dropout(0.2))
    layers += [lambda layers: layers.BatchNormalization(), lambda layers: layers.ReLU()]
    plain = make((6, 6, 3), FOLDED[kind])
    _, _, alone = int8_of(plain, (6, 6, 3))
    _, _, graph = int8_of(make((6, 6, 3), *layers), (6, 6, 3))
    assert [op.name for op in graph.ops] == [op.name for op in alone.ops]


def test_an_activation_leaves_the_layer_before_it_single():
    model = make((12,), lambda layers: layers.Dense(4, activation="elu"))
    _, _, graph = int8_of(model, (12,))
    assert [op.name for op in graph.ops].count("FULLY_CONNECTED") == 1


def test_layers_without_one_input_shape():
    """Called on two scales, or inside of a wrapper."""
    from pipeline.load.tfenv import tf_keras

    keras = tf_keras()
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    conv, norm = layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization()
    scales = [norm(conv(x)) for x in (inputs, layers.MaxPooling2D()(inputs))]
    sequence = layers.Reshape((4, 2))(
        layers.Concatenate()([layers.GlobalMaxPooling2D()(x) for x in scales])
    )
    outputs = layers.TimeDistributed(layers.BatchNormalization())(sequence)
    found, expected, _ = int8_of(keras.Model(inputs, outputs), (8, 8, 3))
    assert np.sqrt(np.mean((found - expected) ** 2)) < 2.0


def test_inputs_are_standardised_by_one_operator():
    model = make(
        (6, 6, 3),
        lambda layers: layers.Normalization(mean=[0.0, 1.0, 2.0], variance=[1.0, 4.0, 0.25]),
        lambda layers: layers.Conv2D(2, 3),
    )
    found, expected, graph = int8_of(model, (6, 6, 3))
    assert np.sqrt(np.mean((found - expected) ** 2)) < 1.5
    assert [op.name for op in graph.ops] == ["DEPTHWISE_CONV_2D", "CONV_2D"]


def test_long_sequences_are_left_as_they_are():
    from pipeline.quantize.convertible import MOST_STEPS, make_convertible

    model = make((MOST_STEPS + 1, 2), lambda layers: layers.GRU(2))
    make_convertible(model)
    assert not model.layers[-1].unroll
