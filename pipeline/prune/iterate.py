"""Iterative pruning: a little at a time, as far as the accuracy allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from pipeline.errors import ModelError
from pipeline.prune.judge import Judge
from pipeline.prune.recipe import Cluster, Magnitude, Stage

STEPS = 4


class _HasModel(Protocol):
    @property
    def model(self) -> Any: ...


S = TypeVar("S", bound=_HasModel)


def part(stage: Stage, before: float, after: float) -> Stage:
    """Return the part of a stage between two points of the way, each in 0..1.

    What is left shrinks by the same ratio for equal parts of the way. Magnitude amounts
    count from the unpruned network, neurons from the network as it is at `before`.
    """
    if isinstance(stage, Magnitude):
        return replace(
            stage,
            sparsity=_amount(stage.sparsity, after),
            depthwise=_amount(stage.depthwise, after),
            layers={name: _amount(amount, after) for name, amount in stage.layers.items()},
        )
    if isinstance(stage, Cluster):
        return stage
    way = after - before
    return replace(
        stage,
        fraction=_amount(stage.fraction, way),
        layers={name: _amount(amount, way) for name, amount in stage.layers.items()},
    )


def _amount(amount: float, way: float) -> float:
    return 1.0 - float((1.0 - amount) ** way)


def iterate(
    start: S, stage: Stage, judge: Judge, budget: float, run: Callable[[S, Stage], S]
) -> tuple[S, float]:
    """Go along a stage while the drop stays within the budget.

    After the first step too far, one of half its length is tried.

    Args:
        start: the state to begin with.
        stage: the full amount.
        judge: measures the drop.
        budget: the largest drop allowed.
        run: carries out a part of the stage on a state, fine-tuning included.

    Returns:
        The last state within the budget, and how far along the stage it is, 0..1.
    """
    best, reached = start, 0.0
    if isinstance(stage, Cluster) or (isinstance(stage, Magnitude) and stage.n_m):
        points = [1.0]  # is there or is not
    else:
        points = [(i + 1) / STEPS for i in range(STEPS)]
    for point in points:
        state = _try(best, stage, reached, point, run)
        if state is not None and judge.drop(state.model) <= budget:
            best, reached = state, point
            continue
        if state is not None and len(points) > 1:
            half = (reached + point) / 2
            state = _try(best, stage, reached, half, run)
            if state is not None and judge.drop(state.model) <= budget:
                best, reached = state, half
        break
    return best, reached


def _try(
    state: S, stage: Stage, before: float, after: float, run: Callable[[S, Stage], S]
) -> S | None:
    try:
        return run(state, part(stage, before, after))
    except ModelError:
        if before == 0.0:  # nothing can be pruned at all: the person should know why
            raise
        return None  # nothing left that can be pruned
