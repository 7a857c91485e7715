"""Neuron pruning: choose the least important neurons and take them out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.prune.channels import Analysis, analyse
from pipeline.prune.magnitude import check_names
from pipeline.prune.objective import Objective
from pipeline.prune.recipe import Neurons
from pipeline.prune.scores import scores
from pipeline.prune.shrink import kept, shrink


@dataclass(frozen=True, eq=False)
class Removal:
    """What neuron pruning did.

    Attributes:
        model: the smaller network.
        removed: neurons taken out, by layer.
        frozen: layer -> why its neurons stayed.
    """

    model: Any
    removed: dict[str, int]
    frozen: dict[str, str]


def remove_neurons(
    model: Any,
    stage: Neurons,
    objective: Objective | None,
    x: NDArray[Any] | None,
    *,
    where: str = "",
) -> Removal:
    """Return a smaller copy of `model`; it is not fine-tuned.

    Args:
        model: a flat functional tf_keras model; stays as it is.
        stage: how many, and by which score.
        objective, x: data for scores that need it.
        where: the network's name, for messages.

    Raises:
        WrongUse: the recipe names layers that are not there, or its score needs data.
        ModelError: all neurons are frozen.
    """
    found = analyse(model)
    check_names((*stage.layers, *stage.skip), found.producers, "has neurons to prune")
    frozen = _frozen(found, stage)
    groups = _groups(found, frozen)
    if not groups and stage.fraction > 0.0:
        reasons = "; ".join(f"{name}: {why}" for name, why in frozen.items())
        raise ModelError(
            "no neuron can be removed",
            where=where,
            hint=reasons or "neurons are the outputs of Dense, Conv and SeparableConv layers",
        )
    importance = scores(model, found, stage.score, objective, x)
    removed: set[int] = set()
    for makers, roots in groups.items():
        amount = max((stage.layers.get(name, stage.fraction) for name in makers), default=0.0)
        keep = left_of(len(roots), amount, stage.multiple, stage.floor)
        # Ties go by position, so that the choice is the same every time.
        order = sorted(roots, key=lambda root: (importance[root], root))
        removed.update(order[: len(roots) - keep])
    if not removed and stage.fraction > 0.0:
        raise ModelError(
            f"no layer has neurons to spare: {stage.floor} stay in each, in steps of "
            f"{stage.multiple}",
            where=where,
            hint="a larger fraction, or neurons:0.5,floor=1,multiple=1",
        )
    gone = {
        name: int((~kept(found.uses[name].outputs, found, removed)).sum())
        for name in found.producers
    }
    return Removal(
        shrink(model, found, removed), {name: n for name, n in gone.items() if n}, frozen
    )


def left_of(count: int, fraction: float, multiple: int, floor: int) -> int:
    """Return how many of `count` neurons stay: the nearest multiple, not below the floor."""
    wanted = count * (1.0 - fraction)
    steps = int(wanted / multiple + 0.5)
    return min(count, max(steps * multiple, floor, 1))


def _frozen(found: Analysis, stage: Neurons) -> dict[str, str]:
    """Return the layers none of whose neurons may go, and why."""
    for name in stage.skip:
        found.channels.freeze(found.uses[name].outputs, "skipped by the recipe")
    frozen = {}
    for name in found.producers:
        reasons = [found.channels.reason(i) for i in found.uses[name].outputs.tolist()]
        if all(reasons):
            frozen[name] = str(reasons[0])
    return frozen


def _groups(found: Analysis, frozen: dict[str, str]) -> dict[tuple[str, ...], list[int]]:
    """Return the sets that may go, grouped by the layers that make them.

    Within a group any set may be chosen; counts are kept per group, so that every layer of
    it ends with a good multiple.
    """
    makers: dict[int, list[str]] = defaultdict(list)
    for name in found.producers:
        if name not in frozen:
            for root in dict.fromkeys(found.roots(found.uses[name].outputs).tolist()):
                if found.channels.reason(root) is None:
                    makers[root].append(name)
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for root, names in makers.items():
        groups[tuple(names)].append(root)
    return dict(groups)
