"""Compression: what pruning did to a network."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Compression:
    """The record that travels with a pruned network into the report.

    Accuracies are fractions of the test samples; they are None where there is nothing to
    count (no labels, regression), and the losses say how far the outputs are off instead.

    Attributes:
        method: the recipe as it was given ("magnitude:0.75").
        sparsity: zeros among the weights that were prunable, 0..1.
        layers: sparsity of each pruned layer, by name.
        neurons_removed: neurons, channels and filters taken out, by layer.
        frozen: layer -> why its neurons were left alone.
        parameters: weights before and after.
        float_accuracy, pruned_accuracy: on the test samples, before and after.
        float_loss, pruned_loss: the same for the loss.
        epochs: fine-tuning epochs run in all.
        seconds: wall time of pruning and fine-tuning.
        notes: what a person should know (training stopped early, a control won, ...).
    """

    method: str
    sparsity: float = 0.0
    layers: dict[str, float] = field(default_factory=dict)
    neurons_removed: dict[str, int] = field(default_factory=dict)
    frozen: dict[str, str] = field(default_factory=dict)
    parameters: tuple[int, int] = (0, 0)
    float_accuracy: float | None = None
    pruned_accuracy: float | None = None
    float_loss: float | None = None
    pruned_loss: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
