"""Neuron pruning: the smaller network is the network with those neurons silenced."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from random_networks import build, plans

from pipeline.errors import ModelError, WrongUse
from pipeline.prune.recipe import Neurons, parse_recipe

pytestmark = pytest.mark.slow


def silence(model, found, removed):
    """A copy of `model` in which nothing reads the removed channels."""
    from pipeline.prune.magnitude import clone
    from pipeline.prune.shrink import kept

    twin = clone(model)
    for name in found.consumers:
        layer = twin.get_layer(name)
        keep = kept(found.uses[name].inputs, found, removed)
        values = layer.get_weights()
        if type(layer).__name__ == "SeparableConv2D":
            values[1] = values[1] * np.repeat(keep, values[0].shape[-1])[:, None]
        else:
            values[0] = values[0] * keep[:, None]
        layer.set_weights(values)
    return twin


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(plan=plans)
def test_rebuilt_equals_masked_on_random_networks(plan):
    from pipeline.prune.channels import analyse
    from pipeline.prune.neurons import _frozen, _groups
    from pipeline.prune.shrink import shrink

    model = build(plan)
    found = analyse(model)
    rng = np.random.default_rng(plan[2])
    groups = _groups(found, _frozen(found, Neurons(0.5)))
    removed = {root for roots in groups.values() for root in roots[1:] if rng.random() < 0.5}
    small = shrink(model, found, removed)
    x = rng.normal(size=(3, 6, 6, 2)).astype(np.float32)
    expected = silence(model, found, removed)(x).numpy()
    np.testing.assert_allclose(small(x).numpy(), expected, atol=1e-5)
    if removed:
        assert small.count_params() < model.count_params()


@pytest.mark.parametrize("score", ["l1", "l2"])
def test_the_weakest_neurons_go_and_multiples_are_kept(score):
    from pipeline.load.tfenv import tf_keras
    from pipeline.prune.neurons import remove_neurons

    layers = tf_keras().layers
    inputs = tf_keras().Input((5,))
    hidden = layers.Dense(10, name="hidden")
    model = tf_keras().Model(inputs, layers.Dense(2)(hidden(inputs)))
    kernel = np.ones((5, 10), np.float32) * np.arange(1, 11)
    hidden.set_weights([kernel, np.zeros(10)])
    done = remove_neurons(model, Neurons(0.5, score=score), None, None)
    assert done.removed == {"hidden": 6}  # 5 would stay; 4 is the nearest multiple of 4
    np.testing.assert_array_equal(done.model.get_layer("hidden").get_weights()[0], kernel[:, 6:])


def test_the_output_is_frozen_and_named():
    from pipeline.prune.neurons import remove_neurons

    model = build((["residual"], "gap", 3))
    done = remove_neurons(model, Neurons(0.5), None, None)
    assert list(done.frozen.values()) == ["the network's output"]
    assert done.model.output_shape == model.output_shape


def test_layers_that_are_not_understood_are_left_alone_and_named():
    from pipeline.load.tfenv import tf_keras
    from pipeline.prune.neurons import remove_neurons

    layers = tf_keras().layers
    inputs = tf_keras().Input((6, 6, 1))
    x = layers.LayerNormalization(name="norm")(layers.Conv2D(8, 3, name="first")(inputs))
    x = layers.Flatten()(layers.Conv2D(8, 3, name="second")(x))
    model = tf_keras().Model(inputs, layers.Dense(2)(x))
    done = remove_neurons(model, Neurons(0.5), None, None)
    assert done.removed == {"second": 4}
    assert "norm" in done.frozen["first"]


def test_nothing_to_remove_is_an_error():
    from pipeline.load.tfenv import tf_keras
    from pipeline.prune.neurons import remove_neurons

    inputs = tf_keras().Input((5,))
    model = tf_keras().Model(inputs, tf_keras().layers.Dense(8)(inputs))
    with pytest.raises(ModelError, match="no neuron can be removed"):
        remove_neurons(model, Neurons(0.5), None, None)
    with pytest.raises(WrongUse, match="no layer 'conv'"):
        remove_neurons(model, parse_recipe("neurons:0.5,skip=conv").stages[0], None, None)
