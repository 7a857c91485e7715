"""Sharing out a sparsity among layers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.prune.allocate import lamp


@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=5),
    st.floats(0.0, 0.97),
    st.integers(0, 2**16),
)
def test_the_total_is_what_was_asked_for(sizes, sparsity, seed):
    rng = np.random.default_rng(seed)
    weights = {str(i): rng.normal(size=n) for i, n in enumerate(sizes)}
    shares = lamp(weights, sparsity)
    zeros = sum(shares[name] * len(values) for name, values in weights.items())
    protected = sum(int(np.ceil(0.02 * n)) for n in sizes)
    assert zeros == pytest.approx(min(round(sum(sizes) * sparsity), sum(sizes) - protected))
    assert all(0.0 <= share < 1.0 for share in shares.values())


def test_a_layer_with_a_few_large_weights_loses_more():
    rng = np.random.default_rng(0)
    peaked = np.concatenate([rng.normal(size=10) * 10.0, rng.normal(size=90) * 0.01])
    even = rng.uniform(0.9, 1.1, 100)
    shares = lamp({"peaked": peaked, "even": even}, 0.5)
    assert shares["peaked"] > 0.7 > 0.4 > shares["even"]


def test_the_scale_of_a_layer_does_not_matter():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=100), rng.normal(size=50)
    assert lamp({"a": a, "b": b}, 0.5) == lamp({"a": a * 100.0, "b": b}, 0.5)
