"""Going as far as the accuracy allows."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from pipeline.errors import ModelError
from pipeline.prune.iterate import iterate, part
from pipeline.prune.recipe import Magnitude, Neurons


@dataclass(frozen=True)
class State:
    """The model is the share of weights that is left."""

    model: float


def run(state, stage):
    if isinstance(stage, Neurons):
        return State(state.model * (1 - stage.fraction))
    return State(1 - stage.sparsity)


def judge(floor):
    """No drop at all until fewer than `floor` of the weights are left."""
    return SimpleNamespace(drop=lambda model: 0.0 if model >= floor else 0.5)


@pytest.mark.parametrize("stage", [Magnitude(0.9375), Neurons(0.9375)])
def test_the_whole_way_where_nothing_is_lost(stage):
    state, reached = iterate(State(1.0), stage, judge(0.0), 0.02, run)
    assert reached == 1.0
    assert state.model == pytest.approx(0.0625)


@pytest.mark.parametrize("stage", [Magnitude(0.9375), Neurons(0.9375)])
@pytest.mark.parametrize(
    ("floor", "way"), [(0.0625, 1.0), (0.1, 0.75), (0.2, 0.5), (0.4, 0.25), (0.6, 0.125), (0.9, 0)]
)
def test_it_stops_at_the_floor(stage, floor, way):
    state, reached = iterate(State(1.0), stage, judge(floor), 0.02, run)
    assert reached == pytest.approx(way)
    assert state.model == pytest.approx(0.0625**way) and state.model >= floor - 1e-9


def test_a_drop_within_the_budget_is_accepted():
    lossy = SimpleNamespace(drop=lambda model: (1 - model) / 10)
    _, reached = iterate(State(1.0), Magnitude(0.5), lossy, 0.05, run)
    assert reached == 1.0


def test_a_pattern_is_all_or_nothing():
    stage = Magnitude(0.5, schedule="constant", n_m=(2, 4))
    assert iterate(State(1.0), stage, judge(0.6), 0.0, run) == (State(1.0), 0.0)


def test_per_layer_amounts_go_along():
    half = part(Magnitude(0.75, layers={"out": 0.36}, depthwise=0.19), 0.0, 0.5)
    assert half.sparsity == pytest.approx(0.5)
    assert half.layers["out"] == pytest.approx(0.2)
    assert half.depthwise == pytest.approx(0.1)


def test_running_out_of_neurons_ends_it_and_having_none_is_an_error():
    def exhausted(state, stage):
        if state.model < 0.6:
            raise ModelError("no layer has neurons to spare")
        return run(state, stage)

    state, reached = iterate(State(1.0), Neurons(0.9375), judge(0.0), 0.0, exhausted)
    assert (state.model, reached) == (0.5, 0.25)
    with pytest.raises(ModelError):
        iterate(State(0.5), Neurons(0.5), judge(0.0), 0.0, exhausted)
