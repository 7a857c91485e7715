"""What a search explores: kind and amount of pruning per group of layers, engine settings.

Amounts lie on a grid of 5 %, finer differences drown in the noise of training.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ModelError
from pipeline.options import OPTIMIZE

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

    from pipeline.load.network import Network

_SPARSITY = (0.30, 0.95)
_FRACTION = (0.10, 0.75)
_GRID = 0.05
# Names that can't stand in a recipe stay with the group that needs no names.
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+\Z")


@dataclass(frozen=True)
class Candidate:
    """One point of the space: what `deploy` is called with."""

    prune: str
    optimize: str
    scheme: str = "int8"

    def __str__(self) -> str:
        return f"{self.prune}, {self.scheme}, {self.optimize}"


@dataclass(frozen=True)
class Group:
    """Layers that share an amount.

    Attributes:
        name: "convolutions", "dense", "ends" (the first and the last layer).
        layers: their names; the first group of a space takes its layers from what no other
            group names, so that recipes stay short.
        weights: how many weights they have.
    """

    name: str
    layers: tuple[str, ...]
    weights: int


@dataclass(frozen=True)
class Space:
    """What is explored.

    Attributes:
        sparsities: groups whose weights can be set to zero, the heaviest first.
        fractions: groups whose neurons can be removed, the heaviest first.
        depthwise: there are depthwise kernels, which take an amount of their own.
        optimize: goals of the engine.
        schemes: ways to quantise, the first one taken for the first candidates.
        clusters: numbers of distinct weights a layer may have, beside as many as it has.
    """

    sparsities: tuple[Group, ...] = ()
    fractions: tuple[Group, ...] = ()
    depthwise: bool = False
    optimize: tuple[str, ...] = OPTIMIZE
    schemes: tuple[str, ...] = ("int8",)
    clusters: tuple[int, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of pruning that are possible."""
        kinds = ["none"]
        if self.sparsities:
            kinds.append("magnitude")
        if self.fractions:
            kinds.append("neurons")
        if self.sparsities and self.fractions:
            kinds.append("both")
        return tuple(kinds)

    @property
    def size(self) -> int | None:
        """Number of candidates where they can be tried one by one; else None."""
        if self.kinds != ("none",):
            return None
        return len(self.optimize) * len(self.schemes)

    @property
    def _clusters(self) -> bool:
        """Clustering is explored: asked for, and of a network with weights to cluster."""
        return bool(self.clusters and self.sparsities)

    def to_json(self) -> dict[str, Any]:
        """For the study's attributes: all workers explore the same space."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Space:
        """The space of a study."""

        def groups(key: str) -> tuple[Group, ...]:
            return tuple(Group(g["name"], tuple(g["layers"]), g["weights"]) for g in document[key])

        return cls(
            groups("sparsities"),
            groups("fractions"),
            document["depthwise"],
            tuple(document["optimize"]),
            tuple(document["schemes"]),
            tuple(document.get("clusters", ())),
        )

    def suggest(self, trial: BaseTrial) -> Candidate:
        """Draws a candidate: the study's sampler decides."""
        kind = trial.suggest_categorical("kind", self.kinds)
        optimize = trial.suggest_categorical("optimize", self.optimize)
        scheme = self.schemes[0]
        if len(self.schemes) > 1:
            scheme = str(trial.suggest_categorical("scheme", self.schemes))
        stages = []
        if kind in ("neurons", "both"):
            stages.append(_stage(trial, "neurons", self.fractions, _FRACTION))
        if kind in ("magnitude", "both"):
            text = _stage(trial, "magnitude", self.sparsities, _SPARSITY)
            if self.depthwise:
                text += f",depthwise={_amount(trial, 'magnitude.depthwise', (0.0, 0.75))}"
            stages.append(text)
        if self._clusters and (few := trial.suggest_categorical("cluster", (0, *self.clusters))):
            stages.append(f"cluster:{few}")
        return Candidate("+".join(stages) or "none", str(optimize), scheme)

    def start(self) -> list[dict[str, Any]]:
        """Parameters worth trying before the sampler knows anything; the unpruned one first."""
        first: dict[str, Any] = {"scheme": self.schemes[0]} if len(self.schemes) > 1 else {}
        if self._clusters:
            first["cluster"] = 0
        if self.size is not None:
            schemes = [{"scheme": s} for s in self.schemes] if first else [{}]
            return [
                {"kind": "none", "optimize": goal, **scheme}
                for scheme in schemes
                for goal in self.optimize
            ]
        goal = "balanced" if "balanced" in self.optimize else self.optimize[0]
        points = [
            ("none", 0.0, 0.0),
            ("magnitude", 0.75, 0.0),
            ("neurons", 0.0, 0.5),
            ("both", 0.75, 0.5),
            ("magnitude", 0.85, 0.0),
            ("neurons", 0.0, 0.25),
        ]
        return [
            {"kind": kind, "optimize": goal, **first, **self._amounts(kind, sparsity, fraction)}
            for kind, sparsity, fraction in points
            if kind in self.kinds
        ]

    def _amounts(self, kind: str, sparsity: float, fraction: float) -> dict[str, float]:
        found: dict[str, float] = {}
        if kind in ("neurons", "both"):
            found |= {f"neurons.{group.name}": fraction for group in self.fractions}
        if kind in ("magnitude", "both"):
            found |= {f"magnitude.{group.name}": sparsity for group in self.sparsities}
            if self.depthwise:
                found["magnitude.depthwise"] = 0.0
        return found


def _stage(
    trial: BaseTrial, kind: str, groups: tuple[Group, ...], bounds: tuple[float, float]
) -> str:
    amounts = [_amount(trial, f"{kind}.{group.name}", bounds) for group in groups]
    text = f"{kind}:{amounts[0]}"
    for group, amount in zip(groups[1:], amounts[1:], strict=True):
        if amount != amounts[0]:
            text += "".join(f",layer.{name}={amount}" for name in group.layers)
    return text


def _amount(trial: BaseTrial, name: str, bounds: tuple[float, float]) -> float:
    return round(trial.suggest_float(name, *bounds, step=_GRID), 2)


def space_of(
    model: Path,
    *,
    schemes: tuple[str, ...] = ("int8",),
    clusters: tuple[int, ...] = (),
    trust: bool = False,
) -> Space:
    """The space for a model: of a .tflite only the engine's settings can be chosen.

    Raises:
        ModelError: the file is no model.
    """
    from pipeline.load import FlatModel, load_model
    from pipeline.load.sniff import TFLITE, sniff

    if sniff(model).format == TFLITE:
        return Space()
    network = load_model(model, trust=trust)
    assert not isinstance(network, FlatModel)
    return replace(space_of_network(network), schemes=schemes, clusters=clusters)


def space_of_network(network: Network) -> Space:
    """The space for a Keras network, by what can be pruned in it."""
    from pipeline.prune.magnitude import targets
    from pipeline.prune.recipe import Magnitude, Neurons

    model = network.keras
    layers = {layer.name: layer for layer in model.layers}
    try:
        names = list(targets(model, Magnitude(0.5, depthwise=0.5), network.name))
    except ModelError:
        names = []
    deep = [name for name in names if "Depthwise" in type(layers[name]).__name__]
    heavy = [name for name in names if name not in deep]
    removable = _removable(network, Neurons(0.25))
    return Space(
        sparsities=_groups(layers, heavy, ends=len(heavy) > 2),
        fractions=_groups(layers, removable, ends=False),
        depthwise=bool(deep) and bool(heavy),
    )


def _removable(network: Network, stage: Any) -> list[str]:
    """Layers neurons can be taken from: what neuron pruning does take, on trial."""
    from pipeline.prune.neurons import remove_neurons

    try:
        return list(remove_neurons(network.keras, stage, None, None).removed)
    except ModelError:
        return []


def _groups(layers: dict[str, Any], names: list[str], *, ends: bool) -> tuple[Group, ...]:
    """Groups of layers, the heaviest first."""
    kinds: dict[str, list[str]] = {}
    for place, name in enumerate(names):
        dense = type(layers[name]).__name__ == "Dense"
        kind = "dense" if dense else "convolutions"
        if ends and place in (0, len(names) - 1):
            kind = "ends"
        kinds.setdefault(kind, []).append(name)
    found = [
        Group(kind, tuple(members), sum(_weights(layers[name]) for name in members))
        for kind, members in kinds.items()
    ]
    named = [g for g in found if all(_PLAIN.match(name) for name in g.layers)]
    # One group needs no names in the recipe; another with odd names can't be told apart.
    odd = [g for g in found if g not in named]
    first = odd[:1] or sorted(named, key=lambda g: -g.weights)[:1]
    rest = sorted((g for g in named if g not in first), key=lambda g: -g.weights)
    return (*first, *rest)


def _weights(layer: Any) -> int:
    return sum(math.prod(weight.shape) for weight in layer.trainable_weights)
