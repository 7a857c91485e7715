"""What generated inputs are drawn from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.load import load_data
from pipeline.load.dataset import Signature
from pipeline.load.expected import expected_range


def layer(kind: str, **fields: Any) -> Any:
    return type(kind, (), fields)()


def network(*layers: Any) -> Any:
    return SimpleNamespace(layers=[layer("InputLayer"), *layers, layer("Dense")])


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        (layer("Rescaling", scale=1 / 255, offset=0.0), (0.0, 255.0)),
        (layer("Rescaling", scale=1 / 127.5, offset=-1.0), (0.0, 255.0)),
        (layer("Embedding", input_dim=50), (0.0, 49.0)),
        (layer("Normalization", mean=10.0, variance=4.0), (6.0, 14.0)),
    ],
)
def test_the_first_layer_tells(first: Any, wanted: tuple[float, float]) -> None:
    nested = SimpleNamespace(layers=[layer("InputLayer"), layer("RandomFlip"), first])
    for model in (network(first), network(layer("Reshape"), first), network(nested)):
        found = expected_range(model)
        assert found is not None
        assert np.allclose([found[0][0], found[1][0]], wanted)


def test_other_layers_tell_nothing() -> None:
    assert expected_range(network(layer("Conv2D"))) is None
    assert expected_range(network(layer("Rescaling", scale=0.0, offset=0.0))) is None


def test_random_draws_from_there() -> None:
    pixels = Signature((4, 4, 3), "float32", (2,), ((0.0,), (255.0,)))
    x = load_data("random", pixels).x.astype(np.float64)
    assert x.min() >= 0 and x.max() <= 255 and x.mean() > 100
    each = Signature((2,), "float32", (2,), ((0.0, 100.0), (1.0, 101.0)))
    x = load_data("random", each).x
    assert x[:, 0].max() <= 1 and x[:, 1].min() >= 100
    rows = Signature((12,), "int32", (2,), ((0.0,), (49.0,)))
    x = load_data("random", rows).x
    assert x.dtype == np.int32 and x.min() >= 0 and 40 < x.max() <= 49
