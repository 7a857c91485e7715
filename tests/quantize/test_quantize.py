"""Post-training quantisation: integers everywhere, repeatable, and clear when it can't be."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.errors import DataError, ModelError, StepFailed, WrongUse
from pipeline.load import Dataset, FlatModel, Network
from pipeline.progress import silent
from pipeline.quantize import evaluate_flat, quantize, run_flat
from pipeline.quantize.post import representative
from pipeline.quantize.process import run_worker


def samples(count=40, shape=(6, 6, 1), quantized=False):
    x = np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32)
    return Dataset("noise", x, None, quantized)


def make(*layers, shape=(6, 6, 1)):
    from pipeline.load.tfenv import seed_everything, tf_keras

    seed_everything(0)
    keras = tf_keras()
    model = keras.Sequential([keras.Input(shape), *(layer(keras.layers) for layer in layers)])
    return Network("net", "", "", "keras2", keras.Model(model.inputs, model.outputs), 0.0)


def cnn():
    return make(
        lambda layers: layers.Conv2D(4, 3, activation="relu"),
        lambda layers: layers.BatchNormalization(),
        lambda layers: layers.Flatten(),
        lambda layers: layers.Dense(3, activation="softmax"),
    )


def test_representative_samples_are_spread_evenly():
    data = samples(10)
    np.testing.assert_array_equal(representative(data, 4), data.x[[0, 3, 6, 9]])
    assert len(representative(data, 99)) == 10


def test_raw_integers_and_no_samples_can_not_calibrate():
    with pytest.raises(DataError, match="raw integers"):
        representative(samples(quantized=True), 4)
    with pytest.raises(DataError, match="no samples"):
        representative(samples(0), 4)


def test_unknown_schemes_are_refused():
    with pytest.raises(WrongUse, match="int4"):
        quantize(SimpleNamespace(name="net"), samples(), scheme="int4")


@pytest.fixture
def converter(tmp_path, monkeypatch):
    """Put a shell script in the converter's place."""

    def install(script):
        program = tmp_path / "converter"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        return tmp_path

    return install


class GRU:
    name = "rnn"
    unroll = False


def network_with(*layers):
    return SimpleNamespace(name="net", keras=SimpleNamespace(layers=layers))


def test_a_crash_of_the_converter_is_an_error_with_its_cause(converter):
    folder = converter("kill -SEGV $$")
    with pytest.raises(
        StepFailed, match=r"net: the TFLite converter crashed \(SIGSEGV\)"
    ) as caught:
        run_worker(folder, network_with(GRU()), silent)
    assert caught.value.hint == "layer rnn: build the GRU with unroll=True"


def test_other_ends_show_the_last_words(converter):
    folder = converter("echo out of luck >&2; exit 3")
    with pytest.raises(StepFailed, match="code 3: out of luck"):
        run_worker(folder, network_with(), silent)


def test_the_converters_progress_is_passed_on(converter):
    script = """echo '{"done": 5, "total": 9, "note": "calibrating"}'; echo noise"""
    folder = converter(script + "; touch $4/model.tflite")
    calls = []
    run_worker(folder, network_with(), lambda *call: calls.append(call))
    assert calls[-1] == ("quantize", 5, 9, "calibrating")


@pytest.mark.slow
def test_a_network_becomes_integers_in_its_own_process():
    network, data = cnn(), samples()
    calls = []
    flat = quantize(network, data, progress=lambda *call: calls.append(call))
    assert flat.name == "net"
    assert calls[-1][0] == "quantize" and calls[-1][2] == len(data)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=flat.content)
    (source,), (sink,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert source["dtype"] == sink["dtype"] == np.int8
    assert source["shape"].tolist() == [1, 6, 6, 1]  # nothing is left open
    outputs = run_flat(flat, data)
    assert outputs.shape == (40, 3) and outputs.dtype == np.int8
    scale, zero_point = sink["quantization"]
    real = (outputs.astype(np.float32) - zero_point) * scale
    np.testing.assert_allclose(real, network.keras(data.x), atol=0.05)
    labelled = Dataset("d", data.x, np.argmax(outputs, axis=1), False)
    assert evaluate_flat(flat, labelled) == 1.0
    assert evaluate_flat(flat, data) is None


@pytest.mark.slow
def test_the_same_network_gives_the_same_bytes():
    network, data = cnn(), samples()
    assert quantize(network, data).content == quantize(network, data).content


@pytest.mark.slow
def test_the_state_of_a_recurrent_network_is_that_of_one_sample():
    network = make(lambda layers: layers.LSTM(6), shape=(8, 4))
    data = samples(20, (8, 4))
    outputs = run_flat(quantize(network, data), data)
    again = run_flat(quantize(network, data), Dataset("last", data.x[-1:], None, False))
    np.testing.assert_array_equal(outputs[-1:], again)


@pytest.mark.slow
def test_pruned_zeros_stay_zeros():
    from ai_edge_litert.interpreter import Interpreter

    from pipeline.quantize.worker import convert

    network = cnn()
    dense = network.keras.layers[-1]
    kernel, bias = dense.get_weights()
    kernel[np.random.default_rng(1).random(kernel.shape) < 0.75] = 0.0
    dense.set_weights([kernel, bias])
    interpreter = Interpreter(model_content=convert(network, samples().x, "int8"))
    interpreter.allocate_tensors()
    (weights,) = (
        interpreter.get_tensor(t["index"])
        for t in interpreter.get_tensor_details()
        if t["shape"].tolist() == list(kernel.T.shape)
    )
    np.testing.assert_array_equal(weights[kernel.T == 0], 0)


@pytest.mark.slow
def test_sixteen_bit_activations():
    from pipeline.quantize.worker import convert

    data = samples()
    flat = FlatModel("net", convert(cnn(), data.x, "int16x8"))
    assert run_flat(flat, data).dtype == np.int16


@pytest.mark.slow
@pytest.mark.parametrize("op", ["asin", "cos"])
def test_ops_without_an_integer_form_are_named(op):
    from pipeline.load.tfenv import tensorflow
    from pipeline.quantize.worker import convert

    function = getattr(tensorflow().math, op)
    network = make(
        lambda layers: layers.Lambda(function), lambda layers: layers.Dense(2), shape=(4,)
    )
    with pytest.raises(ModelError, match=f"(?i)net, layer lambda.*{op}"):
        convert(network, samples(shape=(4,)).x, "int8")
