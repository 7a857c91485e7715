"""What is explored: recipes the parser takes, and starts that lie in the space."""

from __future__ import annotations

from dataclasses import replace

import pytest
from optuna.distributions import BaseDistribution
from optuna.trial import FixedTrial

from pipeline.prune import parse_recipe
from pipeline.prune.recipe import Magnitude, Neurons
from pipeline.search.space import Candidate, Group, Space

CNN = Space(
    sparsities=(
        Group("convolutions", ("conv2d_1", "conv2d_2"), 900),
        Group("dense", ("dense",), 500),
        Group("ends", ("conv2d", "dense_1"), 100),
    ),
    fractions=(
        Group("convolutions", ("conv2d", "conv2d_1", "conv2d_2"), 1000),
        Group("dense", ("dense",), 500),
    ),
    depthwise=True,
)


def test_a_space_survives_json() -> None:
    assert Space.from_json(CNN.to_json()) == CNN
    assert CNN.kinds == ("none", "magnitude", "neurons", "both")
    assert CNN.size is None


def test_a_tflite_has_engine_settings_only() -> None:
    space = Space()
    assert space.size == 3
    candidates = [space.suggest(FixedTrial(point)) for point in space.start()]
    assert candidates == [Candidate("none", goal) for goal in ("size", "balanced", "speed")]


def test_amounts_of_groups_become_amounts_of_layers() -> None:
    trial = FixedTrial({
        "kind": "both", "optimize": "size",
        "neurons.convolutions": 0.5, "neurons.dense": 0.25,
        "magnitude.convolutions": 0.85, "magnitude.dense": 0.9, "magnitude.ends": 0.85,
        "magnitude.depthwise": 0.3,
    })  # fmt: skip
    candidate = CNN.suggest(trial)
    assert candidate.optimize == "size"
    neurons, magnitude = parse_recipe(candidate.prune).stages
    assert isinstance(neurons, Neurons) and isinstance(magnitude, Magnitude)
    assert (neurons.fraction, neurons.layers) == (0.5, {"dense": 0.25})
    assert (magnitude.sparsity, magnitude.layers) == (0.85, {"dense": 0.9})
    assert magnitude.depthwise == 0.3


def test_schemes_are_explored_where_there_are_several() -> None:
    space = replace(CNN, schemes=("int8", "int16x8"))
    point = {"kind": "none", "optimize": "size", "scheme": "int16x8"}
    assert space.suggest(FixedTrial(point)) == Candidate("none", "size", "int16x8")
    assert Space(schemes=("int8", "int16x8")).size == 6


def test_clusters_are_explored_where_they_are_asked_for() -> None:
    space = replace(CNN, clusters=(16,))
    point = {"kind": "none", "optimize": "size", "cluster": 16}
    assert space.suggest(FixedTrial(point)) == Candidate("cluster:16", "size")
    assert space.suggest(FixedTrial({**point, "cluster": 0})) == Candidate("none", "size")
    assert Space.from_json(space.to_json()) == space
    assert Space(clusters=(16,)).suggest(FixedTrial(point)).prune == "none"


@pytest.mark.parametrize(
    "space",
    [
        CNN,
        Space(fractions=CNN.fractions),
        replace(CNN, clusters=(16,)),
        replace(CNN, schemes=("int8", "int16x8")),
        Space(schemes=("int8", "int16x8")),
    ],
)
def test_the_first_candidates_lie_in_the_space(space: Space) -> None:
    starts = space.start()
    assert starts[0]["kind"] == "none", "the unpruned network is the yardstick"
    for point in starts:
        trial = FixedTrial(point)
        parse_recipe(space.suggest(trial).prune)
        distributions: dict[str, BaseDistribution] = trial.distributions
        assert set(distributions) == set(point)
        for name, distribution in distributions.items():
            assert distribution._contains(distribution.to_internal_repr(point[name])), name
