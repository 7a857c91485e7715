"""Quantisation-aware training, by tensorflow-model-optimization.

Jacob et al.: Quantization and Training of Neural Networks for Efficient Integer-Arithmetic
-Only Inference (2018). Plain QAT fills the zeros of a pruned network again; the scheme
that preserves them (PQAT) is chosen where there are zeros to preserve.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from pipeline import scratch
from pipeline.errors import ModelError
from pipeline.load.dataset import Split
from pipeline.load.flatmodel import FlatModel
from pipeline.load.network import Network, save_network
from pipeline.load.tfenv import quiet, tfmot
from pipeline.progress import Progress, silent
from pipeline.prune.apply import default_epochs
from pipeline.prune.magnitude import clone, sparsity
from pipeline.prune.objective import find_objective
from pipeline.prune.train import Settings, train
from pipeline.quantize.post import representative
from pipeline.quantize.process import run_worker
from pipeline.quantize.rewrite import rewrite

# Fewer zeros than this come from chance, not from pruning.
_PRUNED = 0.1
_EPOCHS_SHARE = 0.5  # of those for pruning: the network is close to its goal already
_RATE = 2e-4
# Ops with two inputs that tfmot does not list, but whose output it can quantise.
_OUTPUT_ONLY = ("Multiply", "Subtract", "Average", "Maximum", "Minimum")


def quantize_aware(
    network: Network,
    data: Split,
    *,
    preserve_sparsity: bool | None = None,
    epochs: int | None = None,
    seed: int = 0,
    rate: float = _RATE,
    progress: Progress = silent,
) -> FlatModel:
    """Train `network` with int8 rounding in place, then convert it; int8 in and out.

    Layers that tfmot does not know are first rewritten to equal ones where there are any.

    Args:
        network: a float network, pruned or not.
        data: to train with.
        preserve_sparsity: keep zeros at zero (PQAT); None does where there are any.
        epochs: None chooses by the number of samples.
        seed: of the order of samples.
        rate: the learning rate training starts with.
        progress: called after each epoch.

    Raises:
        ModelError: a layer can not be trained this way; it is named.
        DataError: the data can not train this network.
        StepFailed: the converter crashed.
    """
    objective = find_objective(network.keras, data.train)
    plain = rewrite(network.keras, network.name)
    preserve = sparsity(network.keras) > _PRUNED if preserve_sparsity is None else preserve_sparsity
    model = with_rounding(plain, preserve, network.name)
    if epochs is None:
        epochs = max(1, round(default_epochs(len(data.train)) * _EPOCHS_SHARE))
    settings = Settings(epochs, seed, rate, patience=max(3, epochs // 3))

    def tell(step: str, done: int, total: int, note: str = "") -> None:
        progress("quantize", done, total, note)

    done = train(
        model, objective, data.train.x, settings, progress=tell, note="training with int8 rounding"
    )
    with scratch.folder("quantize") as folder:
        save_network(dataclasses.replace(network, keras=plain), folder / "model.keras")
        np.save(folder / "samples.npy", representative(data.train, 1))
        np.savez(folder / "weights.npz", *model.get_weights())
        job = {"scheme": "int8", "name": network.name, "aware": {"preserve": preserve}}
        (folder / "job.json").write_text(json.dumps(job))
        run_worker(folder, network, progress)
        notes = tuple(
            f"training with int8 rounding: {note}" for note in (*objective.notes, *done.notes)
        )
        return FlatModel(network.name, (folder / "model.tflite").read_bytes(), notes)


def with_rounding(plain: Any, preserve: bool, where: str) -> Any:
    """Return a copy of `plain` with int8 rounding around weights and activations.

    Args:
        plain: a network in layers that tfmot knows (see `rewrite`).
        preserve: keep zeros at zero.
        where: the network's name, for messages.

    Raises:
        ModelError: a layer that tfmot can not train; it is named.
    """
    quantization = tfmot().quantization.keras
    with quiet():
        from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
            default_8bit_quantize_configs as configs,
        )
        from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
            default_8bit_quantize_registry as registry,
        )
    known = registry.Default8BitQuantizeRegistry()

    def annotate(layer: Any) -> Any:
        if type(layer).__name__ in _OUTPUT_ONLY:
            config = configs.Default8BitOutputQuantizeConfig()
            return quantization.quantize_annotate_layer(layer, config)
        if not known.supports(layer):
            raise ModelError(
                f"{type(layer).__name__} can not be trained with quantisation",
                where=f"{where}, layer {layer.name}",
                hint="quantise it after training (the default), or replace the layer",
            )
        return quantization.quantize_annotate_layer(layer)

    scheme = (
        tfmot().experimental.combine.Default8BitPrunePreserveQuantizeScheme()
        if preserve
        else quantization.default_8bit.Default8BitQuantizeScheme()
    )
    try:
        with quiet(), quantization.quantize_scope():
            annotated = clone(plain, annotate)
            # The wrappers hold nothing of their own yet: weights are in the same order.
            annotated.set_weights(plain.get_weights())
            return quantization.quantize_apply(annotated, scheme)
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"can not be trained with quantisation: {str(error).splitlines()[0]}",
            where=where,
            hint="quantise it after training (the default)",
        ) from error
