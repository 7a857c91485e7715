"""prune(): a recipe carried out on a network."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.errors import WrongUse
from pipeline.load.compression import Compression
from pipeline.load.dataset import Split
from pipeline.load.evaluate import evaluate, predict
from pipeline.load.network import Network
from pipeline.load.tfenv import seed_everything, tf_keras
from pipeline.progress import Progress, silent
from pipeline.prune.cluster import cluster_weights
from pipeline.prune.dropout import adapt_dropout
from pipeline.prune.iterate import iterate
from pipeline.prune.judge import judge_for
from pipeline.prune.magnitude import (
    clone,
    connections,
    prune_magnitude,
    sparsity,
    sparsity_by_layer,
)
from pipeline.prune.neurons import remove_neurons
from pipeline.prune.objective import Objective, find_objective
from pipeline.prune.recalibrate import recalibrate
from pipeline.prune.recipe import Cluster, Magnitude, Neurons, Recipe, Stage, parse_recipe
from pipeline.prune.train import Settings, Trained, train

# Small networks recover within about so many steps; more epochs for smaller data sets.
_STEPS = 1500
_EPOCHS = (8, 60)
_BATCH = 32
_SCRATCH_EPOCHS = 2  # times those of fine-tuning, for a network that starts from nothing


@dataclass(frozen=True, eq=False)
class _Work:
    """What all stages share."""

    network: Network
    data: Split | None
    objective: Objective | None
    settings: Settings
    progress: Progress


@dataclass(frozen=True, eq=False)
class _State:
    """A model on its way through the stages."""

    model: Any
    epochs: int = 0
    notes: tuple[str, ...] = ()
    removed: dict[str, int] = field(default_factory=dict)
    frozen: dict[str, str] = field(default_factory=dict)

    def trained(self, model: Any, done: Trained | None) -> _State:
        """The state after a training, if there was one."""
        if done is None:
            return dataclasses.replace(self, model=model)
        notes = self.notes + done.notes
        return dataclasses.replace(self, model=model, epochs=self.epochs + done.epochs, notes=notes)

    def noted(self, note: str) -> _State:
        return dataclasses.replace(self, notes=(*self.notes, note))


def prune(
    network: Network,
    recipe: Recipe | str,
    data: Split | None,
    *,
    epochs: int | None = None,
    seed: int = 0,
    rate: float = 3e-3,
    distill: bool | None = None,
    max_drop: float | None = None,
    control: Literal["scratch"] | None = None,
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
        max_drop: prune step by step, as far as the recipe says at most, while the accuracy
            on the test samples falls by no more than this (0.02: two points). Stages share
            it evenly. Without labels it bounds the share of samples that the unpruned
            network classifies otherwise; for regression, the relative growth of the loss.
        control: "scratch" also trains the pruned network's shape from new random weights,
            and returns that network where it is better.
        progress: called after each epoch.

    Returns:
        The pruned network; its `compression` tells what was done.

    Raises:
        WrongUse: the recipe or an option has no sense, or names layers that are not there.
        ModelError: no layer can be pruned.
        DataError: the data can not train this network.
    """
    started = time.monotonic()
    recipe = parse_recipe(recipe) if isinstance(recipe, str) else recipe
    check_options(data is not None, epochs, rate, max_drop, control)
    model = network.keras
    objective = None if data is None else find_objective(model, data.train, distill=distill)
    count = default_epochs(0 if data is None else len(data.train)) if epochs is None else epochs
    settings = Settings(count, seed, rate, _BATCH, patience=max(5, count // 3))
    work = _Work(network, data, objective, settings, progress)
    state = _State(model, notes=() if objective is None else objective.notes)
    for index, stage in enumerate(recipe.stages):
        if max_drop is None or data is None:
            state = _run_stage(work, state, stage)
        else:
            budget = max_drop * (index + 1) / len(recipe.stages)
            state = _run_within(work, state, stage, budget)
    if control == "scratch" and recipe.stages:
        state = _scratch(work, state, recipe)
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


def check_options(
    data: bool,
    epochs: int | None,
    rate: float | None,
    max_drop: float | None,
    control: str | None,
) -> None:
    """Refuse options of `prune` that have no sense; `data` tells whether there is a data set.

    Raises:
        WrongUse: names the option of the command line.
    """
    if epochs is not None and epochs < 0:
        raise WrongUse(f"{epochs} epochs are asked for", where="--epochs")
    if rate is not None and not rate > 0.0:
        raise WrongUse(
            f"a learning rate of {rate} is not above 0", where="--rate", hint="0.003 is usual"
        )
    if max_drop is not None and not 0.0 <= max_drop < 1.0:
        raise WrongUse(
            f"a drop of {max_drop} is not within 0..1", where="--max-drop", hint="0.02: two points"
        )
    if control not in (None, "scratch"):
        raise WrongUse(f"control {control!r} is not known", where="--control", hint="scratch")
    if not data and (max_drop is not None or control is not None):
        raise WrongUse("needs data to judge by", where="--max-drop, --control", hint="give --data")


def default_epochs(samples: int) -> int:
    """Return a number of fine-tuning epochs that suits the size of the data set."""
    low, high = _EPOCHS
    return min(high, max(low, math.ceil(_STEPS * _BATCH / max(1, samples))))


def _run_stage(work: _Work, state: _State, stage: Stage) -> _State:
    """Carry out one stage in full, fine-tuning included."""
    x = None if work.data is None else work.data.train.x
    where = work.network.name
    if isinstance(stage, Neurons):
        cut = remove_neurons(state.model, stage, work.objective, x, where=where)
        removed = {**state.removed}
        for name, count in cut.removed.items():
            removed[name] = removed.get(name, 0) + count
        state = dataclasses.replace(state, model=cut.model, removed=removed, frozen=cut.frozen)
        if work.objective is None or x is None or work.settings.epochs == 0:
            return state
        _adapt(work, cut.model)
        done: Trained | None = train(
            cut.model, work.objective, x, work.settings, progress=work.progress
        )
        model = cut.model
    elif isinstance(stage, Cluster):
        model, done = cluster_weights(
            _adapt(work, clone(state.model)),
            stage,
            work.objective,
            x,
            work.settings,
            where=where,
            progress=work.progress,
        )
    else:
        settled = 0.0 if stage.schedule == "constant" else stage.end
        settings = dataclasses.replace(work.settings, settled=settled)
        start = _adapt(work, clone(state.model), stage.sparsity)
        model, done = prune_magnitude(
            start, stage, work.objective, x, settings, where=where, progress=work.progress
        )
    if done is not None and work.objective is not None and x is not None:
        recalibrate(model, work.objective, x)
    return state.trained(model, done)


def _adapt(work: _Work, model: Any, zeros: float = 0.0) -> Any:
    """Return `model` with dropout that suits what will be left of it."""
    unpruned = work.network.keras
    dense = 1.0 - max(zeros, sparsity(model))
    adapt_dropout(model, unpruned, dense * connections(model) / max(1, connections(unpruned)))
    return model


def _run_within(work: _Work, state: _State, stage: Stage, budget: float) -> _State:
    """Carry out as much of one stage as keeps the drop within `budget`."""
    assert work.data is not None
    judge = judge_for(work.network.keras, work.data.test)
    state, reached = iterate(
        state, stage, judge, budget, lambda before, part: _run_stage(work, before, part)
    )
    if reached == 1.0:
        return state
    if isinstance(stage, Cluster):
        return state.noted(f"cluster: left out, it would lose over {budget:.3f}")
    if isinstance(stage, Neurons):
        kind, full = "neurons", stage.fraction
    else:
        kind, full = "magnitude", stage.sparsity
    amount = 1.0 - (1.0 - full) ** reached
    return state.noted(
        f"{kind}: stopped at {amount:.3f} of {full:.3f}, more would lose over {budget:.3f}"
    )


def _scratch(work: _Work, state: _State, recipe: Recipe) -> _State:
    """Train the pruned shape from new weights; return whichever network is better, and say so."""
    assert work.data is not None and work.objective is not None
    seed_everything(work.settings.seed)
    fresh = tf_keras().models.clone_model(state.model)
    longer = work.settings.epochs * _SCRATCH_EPOCHS
    settings = dataclasses.replace(work.settings, epochs=longer, patience=longer)
    x = work.data.train.x
    done = train(
        fresh, work.objective, x, settings, progress=work.progress, note="control from scratch"
    )
    recalibrate(fresh, work.objective, x)
    rival = dataclasses.replace(state, notes=state.notes).trained(fresh, done)
    if any(isinstance(stage, Magnitude) for stage in recipe.stages):
        reached = sparsity_by_layer(state.model)
        again = next(s for s in recipe.stages if isinstance(s, Magnitude))
        if max(reached.values()) > 0.0:
            same = dataclasses.replace(again, layers=reached, skip=())
            rival = _run_stage(work, rival, same)
    judge = judge_for(work.network.keras, work.data.test)
    ours, theirs = judge.drop(state.model), judge.drop(rival.model)
    values = f"{judge.value(rival.model):.4f} against {judge.value(state.model):.4f}"
    if theirs < ours:
        return rival.noted(f"trained from scratch, the same shape is better: {judge.kind} {values}")
    note = f"trained from scratch, the same shape is no better: {judge.kind} {values}"
    return dataclasses.replace(state, epochs=rival.epochs).noted(note)


def _loss(model: Any, data: Split | None) -> float | None:
    """Return the mean loss on the test samples; None where nothing is known of the answers."""
    if data is None or len(data.test) == 0:
        return None
    objective = find_objective(model, data.test, distill=False)
    if objective.kind == "none":
        return None
    return float(objective.loss(predict(model, data.test.x), objective.answers, None))
