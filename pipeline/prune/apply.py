"""prune(): a recipe carried out on a network."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

from pipeline.load.compression import Compression
from pipeline.load.dataset import Split
from pipeline.load.evaluate import evaluate
from pipeline.load.network import Network
from pipeline.progress import Progress, silent
from pipeline.prune.magnitude import prune_magnitude, sparsity, sparsity_by_layer
from pipeline.prune.neurons import remove_neurons
from pipeline.prune.objective import Objective, find_objective
from pipeline.prune.recipe import Magnitude, Neurons, Recipe, parse_recipe
from pipeline.prune.train import Settings, Trained, train

# Small networks recover within about so many steps; more epochs for smaller data sets.
_STEPS = 1500
_EPOCHS = (8, 60)
_BATCH = 32


def prune(
    network: Network,
    recipe: Recipe | str,
    data: Split | None,
    *,
    epochs: int | None = None,
    seed: int = 0,
    rate: float = 1e-3,
    distill: bool | None = None,
    progress: Progress = silent,
) -> Network:
    """Prune a network as the recipe says and fine-tune it.

    The same network, data and seed give the same weights to the bit.

    Args:
        network: stays as it is.
        recipe: see `parse_recipe`.
        data: to fine-tune with and to judge by; None prunes without training.
        epochs: of fine-tuning for each stage; None chooses by the number of samples.
        seed: of the order of samples and of dropout.
        rate: the learning rate fine-tuning starts with.
        distill: learn from the unpruned network's outputs too; None does where labels are
            few or missing.
        progress: called after each epoch.

    Returns:
        The pruned network; its `compression` tells what was done.

    Raises:
        WrongUse: the recipe has no sense, or names layers that are not there.
        ModelError: no layer can be pruned.
        DataError: the data can not train this network.
    """
    started = time.monotonic()
    recipe = parse_recipe(recipe) if isinstance(recipe, str) else recipe
    model = network.keras
    objective = None if data is None else find_objective(model, data.train, distill=distill)
    count = default_epochs(0 if data is None else len(data.train)) if epochs is None else epochs
    state = _State(model)
    for stage in recipe.stages:
        settings = Settings(count, seed, rate, _BATCH, patience=max(5, count // 3))
        state = _run_stage(network, state, stage, data, objective, settings, progress)
    result = dataclasses.replace(network, keras=state.model)
    done = Compression(
        method=recipe.text,
        sparsity=sparsity(state.model),
        layers=sparsity_by_layer(state.model),
        neurons_removed=state.removed,
        frozen=state.frozen,
        parameters=(model.count_params(), state.model.count_params()),
        float_accuracy=None if data is None else evaluate(network, data.test),
        pruned_accuracy=None if data is None else evaluate(result, data.test),
        float_loss=_loss(model, data),
        pruned_loss=_loss(state.model, data),
        epochs=state.epochs,
        seconds=time.monotonic() - started,
        notes=state.notes,
    )
    return dataclasses.replace(result, compression=done)


def default_epochs(samples: int) -> int:
    """Return a number of fine-tuning epochs that suits the size of the data set."""
    low, high = _EPOCHS
    return min(high, max(low, math.ceil(_STEPS * _BATCH / max(1, samples))))


@dataclasses.dataclass(frozen=True, eq=False)
class _State:
    """A model on its way through the stages."""

    model: Any
    epochs: int = 0
    notes: tuple[str, ...] = ()
    removed: dict[str, int] = dataclasses.field(default_factory=dict)
    frozen: dict[str, str] = dataclasses.field(default_factory=dict)

    def trained(self, model: Any, done: Trained | None) -> _State:
        """The state after a training, if there was one."""
        if done is None:
            return dataclasses.replace(self, model=model)
        notes = self.notes + done.notes
        return dataclasses.replace(self, model=model, epochs=self.epochs + done.epochs, notes=notes)


def _run_stage(
    network: Network,
    state: _State,
    stage: Magnitude | Neurons,
    data: Split | None,
    objective: Objective | None,
    settings: Settings,
    progress: Progress,
) -> _State:
    x = None if data is None else data.train.x
    if isinstance(stage, Neurons):
        cut = remove_neurons(state.model, stage, objective, x, where=network.name)
        removed = {**state.removed}
        for name, count in cut.removed.items():
            removed[name] = removed.get(name, 0) + count
        after = _State(cut.model, state.epochs, state.notes, removed, cut.frozen)
        if objective is None or x is None or settings.epochs == 0:
            return after
        tuned = train(cut.model, objective, x, settings, progress=progress, note="fine-tuning")
        return after.trained(cut.model, tuned)
    settings = dataclasses.replace(
        settings, settled=0.0 if stage.schedule == "constant" else stage.end
    )
    model, done = prune_magnitude(
        state.model, stage, objective, x, settings, where=network.name, progress=progress
    )
    return state.trained(model, done)


def _loss(model: Any, data: Split | None) -> float | None:
    """Return the mean loss on the test samples; None where nothing is known of the answers."""
    if data is None or len(data.test) == 0:
        return None
    objective = find_objective(model, data.test, distill=False)
    if objective.kind == "none":
        return None
    outputs = model(data.test.x, training=False)
    return float(objective.loss(outputs, objective.answers, None))
