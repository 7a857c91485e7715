"""Dropout grows weaker with what is left of a network."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.load import Dataset, Network, Split
from pipeline.load.tfenv import tf_keras
from pipeline.prune import prune
from pipeline.prune.dropout import adapt_dropout
from pipeline.prune.magnitude import clone


def network():
    layers = tf_keras().layers
    inputs = tf_keras().Input((6, 6, 2))
    x = layers.SpatialDropout2D(0.4, name="maps")(layers.Conv2D(8, 3, name="conv")(inputs))
    x = layers.Dense(16, name="hidden")(layers.Flatten()(x))
    x = layers.Dropout(0.5, name="drop")(x)
    return tf_keras().Model(inputs, layers.Dense(3, name="out")(x))


@pytest.mark.slow
def test_by_the_square_root_of_the_connections_left() -> None:
    unpruned = network()
    copy = clone(unpruned)
    adapt_dropout(copy, unpruned, 0.25)
    adapt_dropout(copy, unpruned, 0.25)  # counts from the unpruned network each time
    assert copy.get_layer("drop").rate == pytest.approx(0.25)
    assert copy.get_layer("maps").rate == pytest.approx(0.2)
    assert unpruned.get_layer("drop").rate == 0.5


@pytest.mark.slow
def test_pruning_weakens_it_and_leaves_the_network_alone() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 6, 6, 2)).astype(np.float32)
    data = Dataset("noise", x, rng.integers(0, 3, 64), False)
    given = Network("net", "", "", "keras2", network(), 0.0)
    pruned = prune(given, "neurons:0.5+magnitude:0.75", Split(data, data), epochs=1).keras
    small = 9 * 2 * 4 + 64 * 8 + 8 * 3
    left = 0.25 * small / (9 * 2 * 8 + 128 * 16 + 16 * 3)
    assert pruned.get_layer("drop").rate == pytest.approx(0.5 * math.sqrt(left))
    assert given.keras.get_layer("drop").rate == 0.5
