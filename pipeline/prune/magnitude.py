"""Magnitude pruning, by tensorflow-model-optimization.

Zhu, Gupta: To prune, or not to prune (2017) describes the polynomial schedule.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError, WrongUse
from pipeline.load.tfenv import quiet, tf_keras, tfmot
from pipeline.progress import Progress, silent
from pipeline.prune.allocate import lamp
from pipeline.prune.objective import Objective
from pipeline.prune.recipe import Magnitude
from pipeline.prune.train import Callbacks, Settings, Trained, steps_per_epoch, train

# Layer type -> the weights that are pruned, as paths of attributes.
KERNELS = {
    "Conv1D": ("kernel",),
    "Conv2D": ("kernel",),
    "Conv2DTranspose": ("kernel",),
    "Dense": ("kernel",),
    "DepthwiseConv2D": ("depthwise_kernel",),
    "SeparableConv1D": ("pointwise_kernel",),
    "SeparableConv2D": ("pointwise_kernel",),
    "LSTM": ("cell.kernel", "cell.recurrent_kernel"),
    "GRU": ("cell.kernel", "cell.recurrent_kernel"),
    "SimpleRNN": ("cell.kernel", "cell.recurrent_kernel"),
}
_MASK_UPDATES = 30  # while a polynomial schedule runs


def kernels(layer: Any) -> list[Any]:
    """Return the variables of `layer` that magnitude pruning works on; none for other layers."""
    found = []
    for path in KERNELS.get(type(layer).__name__, ()):
        variable = layer
        for name in path.split("."):
            variable = getattr(variable, name)
        found.append(variable)
    return found


def targets(model: Any, stage: Magnitude, where: str) -> dict[str, float]:
    """Return the sparsity each layer is to have, by name; layers left alone are missing.

    Raises:
        WrongUse: the recipe names a layer that is not there.
        ModelError: no layer can be pruned.
    """
    prunable = {layer.name: layer for layer in model.layers if kernels(layer)}
    check_names((*stage.layers, *stage.skip), prunable, "can be pruned")
    fixed = dict(stage.layers)
    for name, layer in prunable.items():
        if type(layer).__name__ == "DepthwiseConv2D":
            fixed.setdefault(name, stage.depthwise)
    free = [name for name in prunable if name not in fixed and name not in stage.skip]
    if stage.scope == "global":
        shared = lamp({name: _flat(prunable[name]) for name in free}, stage.sparsity)
    else:
        shared = dict.fromkeys(free, stage.sparsity)
    amounts = {name: amount for name, amount in {**shared, **fixed}.items() if amount > 0.0}
    wanted = {name: amounts[name] for name in prunable if name in amounts}
    for name in stage.skip:
        wanted.pop(name, None)
    if not wanted and stage.sparsity > 0.0:
        raise ModelError(
            "no layer can be pruned",
            where=where,
            hint=f"magnitude pruning works on {', '.join(KERNELS)}; on depthwise kernels "
            "where it is told how much: magnitude:0.75,depthwise=0.5",
        )
    return wanted


def _flat(layer: Any) -> NDArray[np.float64]:
    return np.concatenate([v.numpy().astype(np.float64).reshape(-1) for v in kernels(layer)])


def check_names(names: tuple[str, ...], known: Any, what: str) -> None:
    """Raise `WrongUse` for a layer name of a recipe that is not among `known`."""
    for name in names:
        if name not in known:
            raise WrongUse(
                f"no layer {name!r} that {what}", where="--prune", hint=", ".join(known) or "none"
            )


def clone(model: Any, replacement: Any = None) -> Any:
    """Copy a model with its weights; `replacement(layer_copy)` may put another layer in place."""
    keras = tf_keras()

    def copy(layer: Any) -> Any:
        fresh = type(layer).from_config(layer.get_config())
        return fresh if replacement is None else replacement(fresh)

    twin = keras.models.clone_model(model, clone_function=copy)
    if replacement is None:
        twin.set_weights(model.get_weights())
    return twin


def prune_magnitude(
    model: Any,
    stage: Magnitude,
    objective: Objective | None,
    x: NDArray[Any] | None,
    settings: Settings,
    *,
    where: str = "",
    progress: Progress = silent,
) -> tuple[Any, Trained | None]:
    """Return a copy of `model` with the smallest weights at zero, and what training did.

    Args:
        model: a tf_keras model; stays as it is.
        stage: how much, and on which schedule.
        objective, x: to fine-tune with; None prunes without training.
        settings: of the fine-tuning.
        where: the network's name, for messages.
        progress: see `train`.
    """
    wanted = targets(model, stage, where)
    if not wanted:
        return clone(model), None
    done = None
    result = clone(model)
    if objective is not None and x is not None and settings.epochs > 0:
        steps = settings.epochs * steps_per_epoch(len(x), settings)
        wrapped = _wrap(model, stage, wanted, steps)
        done = train(
            wrapped,
            objective,
            x,
            settings,
            callbacks=_Masks(wrapped),
            progress=progress,
            note="pruning and fine-tuning",
        )
        with quiet():
            stripped = tfmot().sparsity.keras.strip_pruning(wrapped)
        for layer in result.layers:
            layer.set_weights(stripped.get_layer(layer.name).get_weights())
    # Training that was cut short may not have come to the end of the schedule.
    for name, amount in wanted.items():
        _enforce(result.get_layer(name), amount, stage)
    return result, done


def _wrap(model: Any, stage: Magnitude, wanted: dict[str, float], steps: int) -> Any:
    sparsity = tfmot().sparsity.keras
    end = max(1, round(stage.end * steps))
    begin = min(round(stage.begin * steps), end - 1)
    every = max(1, (end - begin) // _MASK_UPDATES)

    now = sparsity_by_layer(model)

    def replacement(layer: Any) -> Any:
        if layer.name not in wanted:
            return layer
        start = min(now[layer.name], wanted[layer.name])  # above 0 where it was pruned before
        if stage.schedule == "constant":
            schedule = sparsity.ConstantSparsity(
                wanted[layer.name], begin_step=begin, end_step=-1, frequency=every
            )
        else:
            schedule = sparsity.PolynomialDecay(
                start, wanted[layer.name], begin_step=begin, end_step=end, frequency=every
            )
        options: dict[str, Any] = {}
        if type(layer).__name__ == "Dense":
            options["block_size"] = stage.block
        if stage.n_m and type(layer).__name__ in ("Dense", "Conv2D"):
            options["sparsity_m_by_n"] = stage.n_m
        if type(layer).__name__ == "DepthwiseConv2D":  # tfmot has it down as nothing to prune
            layer.get_prunable_weights = lambda: [layer.depthwise_kernel]
        return sparsity.prune_low_magnitude(layer, pruning_schedule=schedule, **options)

    with quiet():
        wrapped = clone(model, replacement)
    for layer in model.layers:
        inner = wrapped.get_layer(
            f"prune_low_magnitude_{layer.name}" if layer.name in wanted else layer.name
        )
        getattr(inner, "layer", inner).set_weights(layer.get_weights())
    return wrapped


class _Masks(Callbacks):
    """tfmot's own callback, driven by our training loop."""

    def __init__(self, model: Any) -> None:
        self._inner = tfmot().sparsity.keras.UpdatePruningStep()
        self._inner.set_model(model)

    def begin(self) -> None:
        self._inner.on_train_begin()

    def epoch_end(self) -> None:
        self._inner.on_epoch_end(None)


def _enforce(layer: Any, amount: float, stage: Magnitude) -> None:
    """Zero the smallest weights of a layer until it is as sparse as asked for."""
    for variable in kernels(layer):
        values = variable.numpy()
        if stage.n_m and type(layer).__name__ in ("Dense", "Conv2D"):
            continue
        missing = round(amount * values.size) - int(np.sum(values == 0))
        if missing <= 0 or (stage.block != (1, 1) and type(layer).__name__ == "Dense"):
            continue
        flat = values.reshape(-1)
        candidates = np.flatnonzero(flat)
        order = np.argsort(np.abs(flat[candidates]), kind="stable")
        flat[candidates[order[:missing]]] = 0.0
        variable.assign(values)


def sparsity_by_layer(model: Any) -> dict[str, float]:
    """Return the fraction of zeros among each prunable layer's weights."""
    found = {}
    for layer in model.layers:
        values = [variable.numpy() for variable in kernels(layer)]
        if values:
            zeros = sum(int(np.sum(v == 0)) for v in values)
            found[layer.name] = zeros / sum(v.size for v in values)
    return found


def connections(model: Any) -> int:
    """Return the number of prunable weights of a model, zeros among them too."""
    return sum(int(np.prod(v.shape)) for layer in model.layers for v in kernels(layer))


def sparsity(model: Any) -> float:
    """Return the fraction of zeros among all prunable weights of a model."""
    values = [v.numpy() for layer in model.layers for v in kernels(layer)]
    size = sum(v.size for v in values)
    return sum(int(np.sum(v == 0)) for v in values) / size if size else 0.0
