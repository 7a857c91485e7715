"""Recipes: what to prune and how much, written as text.

    none
    magnitude:0.875
    neurons:0.5
    neurons:0.5+magnitude:0.8
    magnitude:0.9,schedule=constant,skip=dense,layer.conv2d_1=0.5
    magnitude:2:4
    neurons:0.5,score=taylor,multiple=8
    magnitude:0.8+cluster:16

A stage is a kind, a colon, an amount, and options after commas; stages are joined by "+"
and run from left to right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.errors import WrongUse

SCHEDULES = ("polynomial", "constant")
SCOPES = ("global", "layer")
SCORES = ("l1", "l2", "taylor", "activation")


@dataclass(frozen=True)
class Magnitude:
    """Set the smallest weights to zero.

    Attributes:
        sparsity: zeros among all weights, 0..1 (exclusive).
        scope: "global" shares the zeros out among the layers by what each can spare;
            "layer" gives every layer the same sparsity.
        schedule: "polynomial" rises from 0 to `sparsity`; "constant" is there at once.
        begin, end: when the schedule runs, as fractions of the training steps.
        n_m: zeros N in every M consecutive weights instead of the smallest of the layer.
        block: (height, width) of the blocks that Dense layers are pruned in.
        depthwise: sparsity of depthwise kernels. They have few weights, each in heavy use,
            and the engine stores them dense, so that their zeros save nothing.
        layers: sparsity of layers by name, where it differs.
        skip: names of layers left alone.
    """

    sparsity: float
    scope: str = "global"
    schedule: str = "polynomial"
    begin: float = 0.0
    end: float = 0.5
    n_m: tuple[int, int] | None = None
    block: tuple[int, int] = (1, 1)
    depthwise: float = 0.0
    layers: dict[str, float] = field(default_factory=dict)
    skip: tuple[str, ...] = ()


@dataclass(frozen=True)
class Neurons:
    """Take the least important neurons, channels and filters out of the network.

    Attributes:
        fraction: neurons to remove from each layer, 0..1 (exclusive).
        score: how importance is measured: "l1" or "l2" norm of the weights, "taylor"
            (first-order change of the loss), "activation" (mean absolute value).
        multiple: what stays is a multiple of this; kernels work on 4 channels at a time.
        floor: neurons that stay in any layer, at least.
        layers: fraction for layers by name, where it differs.
        skip: names of layers left alone.
    """

    fraction: float
    score: str = "l1"
    multiple: int = 4
    floor: int = 4
    layers: dict[str, float] = field(default_factory=dict)
    skip: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cluster:
    """Let the layers have few distinct weights.

    Attributes:
        weights: distinct values in a layer, at most; zero is one more where it is pruned.
        skip: names of layers left alone.
    """

    weights: int
    skip: tuple[str, ...] = ()


Stage = Magnitude | Neurons | Cluster


@dataclass(frozen=True)
class Recipe:
    """The stages, in order, and the text they were read from."""

    text: str
    stages: tuple[Stage, ...]


def parse_recipe(text: str) -> Recipe:
    """Read a recipe.

    Raises:
        WrongUse: unknown kinds or options, amounts outside 0..1.
    """
    text = text.strip()
    if text in ("", "none"):
        return Recipe("none", ())
    return Recipe(text, tuple(_stage(part.strip()) for part in text.split("+")))


def _stage(text: str) -> Stage:
    head, *options = text.split(",")
    kind, colon, amount = head.partition(":")
    if kind not in ("magnitude", "neurons", "cluster") or not colon:
        raise WrongUse(
            f"{head!r} is no way of pruning",
            where="--prune",
            hint="magnitude:0.75, neurons:0.5, or both: neurons:0.5+magnitude:0.8",
        )
    pairs = [_pair(option) for option in options]
    if kind == "magnitude":
        return _magnitude(amount, pairs)
    if kind == "cluster":
        return _cluster(amount, pairs)
    return _neurons(amount, pairs)


def _pair(option: str) -> tuple[str, str]:
    key, equals, value = option.strip().partition("=")
    if not equals or not value:
        raise _unknown(option)
    return key, value


def _unknown(option: str) -> WrongUse:
    return WrongUse(
        f"option {option!r} is not known",
        where="--prune",
        hint="magnitude: scope, schedule, begin, end, block, depthwise, layer.NAME, skip; "
        "neurons: score, multiple, floor, layer.NAME, skip; cluster: skip",
    )


def fraction(text: str, what: str, *, top: float = 1.0) -> float:
    """Read a number in 0..`top`; the upper end is excluded at 1, where nothing would be left."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < 1.0 and not (top > 1.0 and value == 1.0):
        raise WrongUse(
            f"{what} {text} is not within 0..1",
            where="--prune",
            hint="0.75 means that three quarters go; 1 would leave nothing",
        )
    return value


def _whole(text: str, what: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise WrongUse(f"{what} {text} is not a positive whole number", where="--prune")
    return int(text)


def _choice(text: str, known: tuple[str, ...], what: str) -> str:
    if text not in known:
        raise WrongUse(f"{what} {text!r} is not known", where="--prune", hint=", ".join(known))
    return text


def _magnitude(amount: str, pairs: list[tuple[str, str]]) -> Magnitude:
    before, colon, after = amount.partition(":")
    if colon:
        n, m = _whole(before, "N of N:M"), _whole(after, "M of N:M")
        if n >= m:
            raise WrongUse(f"{n}:{m} would leave nothing", where="--prune", hint="2:4 is usual")
        stage = Magnitude(n / m, scope="layer", schedule="constant", n_m=(n, m))
    else:
        stage = Magnitude(fraction(amount, "sparsity"))
    changes: dict[str, Any] = {}
    layers: dict[str, float] = {}
    skip: list[str] = []
    for key, value in pairs:
        if key.startswith("layer."):
            layers[key.removeprefix("layer.")] = fraction(value, "sparsity")
        elif key == "skip":
            skip.append(value)
        elif key == "schedule":
            changes[key] = _choice(value, SCHEDULES, "schedule")
        elif key == "scope":
            changes[key] = _choice(value, SCOPES, "scope")
        elif key in ("begin", "end"):
            changes[key] = fraction(value, key, top=2.0)
        elif key == "depthwise":
            changes[key] = fraction(value, "sparsity")
        elif key == "block":
            high, _, wide = value.partition("x")
            changes[key] = (_whole(high, "block height"), _whole(wide, "block width"))
            changes.setdefault("scope", "layer")
        else:
            raise _unknown(key)
    stage = replace(stage, layers=layers, skip=tuple(skip), **changes)
    if stage.begin >= stage.end:
        raise WrongUse(f"the schedule ends at {stage.end} before it begins", where="--prune")
    return stage


def _neurons(amount: str, pairs: list[tuple[str, str]]) -> Neurons:
    changes: dict[str, Any] = {}
    layers: dict[str, float] = {}
    skip: list[str] = []
    for key, value in pairs:
        if key.startswith("layer."):
            layers[key.removeprefix("layer.")] = fraction(value, "fraction")
        elif key == "skip":
            skip.append(value)
        elif key == "score":
            changes[key] = _choice(value, SCORES, "score")
        elif key in ("multiple", "floor"):
            changes[key] = _whole(value, key)
        else:
            raise _unknown(key)
    return Neurons(fraction(amount, "fraction"), layers=layers, skip=tuple(skip), **changes)


def _cluster(amount: str, pairs: list[tuple[str, str]]) -> Cluster:
    weights = _whole(amount, "number of weights")
    if weights < 2:
        raise WrongUse("a layer needs two distinct weights at least", where="--prune")
    for key, _ in pairs:
        if key != "skip":
            raise _unknown(key)
    return Cluster(weights, tuple(value for _, value in pairs))
