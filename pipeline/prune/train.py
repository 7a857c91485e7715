"""Fine-tuning: one training loop for every kind of pruning, repeatable to the bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.load.tfenv import seed_everything, tensorflow, tf_keras
from pipeline.progress import Progress, silent
from pipeline.prune.objective import Objective

# From this many samples on, a part can be spared to watch for overfitting.
_VALIDATION_FROM = 1000
_VALIDATION_PART = 0.1
_FINAL_RATE = 0.02  # of the learning rate, where the cosine ends


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        epochs: at most.
        seed: of the order of samples and of dropout.
        rate: Adam's learning rate at the start; it follows a cosine down to 2 % of it.
        batch: samples a step.
        patience: epochs without a better loss after which training stops.
        settled: fraction of the epochs before which no state is final (a pruning schedule
            is still running): neither kept as the best nor a reason to stop.
    """

    epochs: int
    seed: int = 0
    rate: float = 3e-3
    batch: int = 32
    patience: int = 10
    settled: float = 0.0


@dataclass(frozen=True)
class Trained:
    """What training did.

    Attributes:
        epochs: run.
        loss: of the state that was kept.
        seconds: wall time.
        notes: why it stopped early, if it did.
    """

    epochs: int
    loss: float
    seconds: float
    notes: tuple[str, ...] = ()


class Callbacks:
    """What a caller may do between steps; does nothing by itself."""

    def begin(self) -> None:
        """Before the first step."""

    def epoch_end(self) -> None:
        """After each epoch, before its loss is judged."""


def steps_per_epoch(samples: int, settings: Settings) -> int:
    """Return the number of steps of one epoch over `samples` samples."""
    learned = len(_split(samples, settings.seed)[0])
    return max(1, learned // settings.batch)


def train(
    model: Any,
    objective: Objective,
    x: NDArray[Any],
    settings: Settings,
    *,
    callbacks: Callbacks | None = None,
    progress: Progress = silent,
    note: str = "fine-tuning",
) -> Trained:
    """Train `model` in place and leave it at the best state seen.

    Args:
        model: a tf_keras model; wrapped layers are welcome.
        objective: whose answers go with `x`.
        x: (n, ...) training samples.
        settings: see there.
        callbacks: called at the start and after each epoch.
        progress: called after each epoch with the step "prune".
        note: what the training is for.

    Returns:
        What happened; a loss that is no number ends the training at the last good state and
        is told in `notes`.
    """
    started = time.monotonic()
    callbacks = callbacks or Callbacks()
    tf = tensorflow()
    seed_everything(settings.seed)
    rng = np.random.default_rng(settings.seed)
    learned, held = _split(len(x), settings.seed)
    per_epoch = steps_per_epoch(len(x), settings)
    optimizer = tf_keras().optimizers.Adam(settings.rate, clipnorm=1.0)
    arrays = _tensors(x, objective)
    step = _step(model, objective, optimizer, arrays, settings)
    judge = _judge(model, objective, arrays, held)
    callbacks.begin()
    good = model.get_weights()
    best_loss, best_epoch, notes = math.inf, 0, []
    settled = math.ceil(settings.settled * settings.epochs)
    epoch = 0
    for epoch in range(1, settings.epochs + 1):
        order = rng.permutation(learned)
        losses = []
        for index in range(per_epoch):
            part = order[index * settings.batch : (index + 1) * settings.batch]
            done = (epoch - 1 + index / per_epoch) / settings.epochs
            rate = settings.rate * (_FINAL_RATE + (1 - _FINAL_RATE) * _cosine(done))
            optimizer.learning_rate.assign(rate)
            number = (epoch - 1) * per_epoch + index
            losses.append(float(step(tf.constant(part), tf.constant(number))))
        callbacks.epoch_end()
        loss = float(judge()) if len(held) else float(np.mean(losses))
        if not math.isfinite(loss) or not all(map(math.isfinite, losses)):
            notes.append(f"the loss was no number in epoch {epoch}: kept the last good state")
            model.set_weights(good)
            break
        progress("prune", epoch, settings.epochs, f"{note}, loss {loss:.4f}")
        if epoch < settled:
            good = model.get_weights()
        elif loss < best_loss:
            best_loss, best_epoch, good = loss, epoch, model.get_weights()
        elif epoch - best_epoch >= settings.patience:
            notes.append(f"stopped after epoch {epoch}: no better loss since {best_epoch}")
            break
    model.set_weights(good)
    return Trained(epoch, best_loss, time.monotonic() - started, tuple(notes))


def _cosine(done: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * done))


def _split(samples: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices to learn from, and those held back to judge by (maybe none)."""
    if samples < _VALIDATION_FROM:
        return np.arange(samples), np.arange(0)
    order = np.random.default_rng(seed).permutation(samples)
    held = round(samples * _VALIDATION_PART)
    return np.sort(order[held:]), np.sort(order[:held])


Arrays = tuple[Any, Any]


def _tensors(x: NDArray[Any], objective: Objective) -> Arrays:
    """Return samples and answers as tensors; zeros stand for answers that are missing."""
    tf = tensorflow()
    answers = np.zeros(len(x), np.float32) if objective.answers is None else objective.answers
    return tf.constant(x), tf.constant(answers)


def _step(
    model: Any, objective: Objective, optimizer: Any, arrays: Arrays, settings: Settings
) -> Callable[[Any, Any], Any]:
    tf = tensorflow()
    optimizer.build(model.trainable_variables)

    def step(indices: Any, number: Any) -> Any:
        x, answers = (tf.gather(array, indices) for array in arrays)
        taught, labelled = None, None
        if objective.teacher is not None:
            labelled = x.shape[0] // 2
            x = _mixed(x, labelled, (settings.seed, number))
            taught = objective.teacher(x, training=False)
        with tf.GradientTape() as tape:
            loss = objective.loss(model(x, training=True), answers, taught, labelled)
            total = tf.add_n([loss, *model.losses]) if model.losses else loss
        variables = model.trainable_variables
        gradients = tape.gradient(total, variables)
        optimizer.apply_gradients(
            [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        )
        return loss

    compiled: Callable[[Any, Any], Any] = tf.function(step, reduce_retracing=True)
    return compiled


def _mixed(x: Any, kept: int, seed: tuple[int, Any]) -> Any:
    """Return the first `kept` samples as they are, the others blended with each other.

    A teacher answers to any input, so blends are new samples for free (mixup: Zhang et al.,
    2018); with few samples they keep the pruned network from learning those by heart.
    """
    tf = tensorflow()
    rest = x[kept:]
    if not x.dtype.is_floating:
        return x
    shape = [rest.shape[0]] + [1] * (len(x.shape) - 1)
    share = tf.random.stateless_uniform(shape, seed)
    return tf.concat([x[:kept], share * rest + (1.0 - share) * rest[::-1]], axis=0)


def _judge(
    model: Any, objective: Objective, arrays: Arrays, held: NDArray[np.intp]
) -> Callable[[], Any]:
    tf = tensorflow()
    indices = tf.constant(held)

    def judge() -> Any:
        x, answers = (tf.gather(array, indices) for array in arrays)
        taught = None if objective.teacher is None else objective.teacher(x, training=False)
        return objective.loss(model(x, training=False), answers, taught)

    compiled: Callable[[], Any] = tf.function(judge)
    return compiled
