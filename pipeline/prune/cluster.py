"""Weight clustering, by tensorflow-model-optimization: few distinct weights in a layer.

Han, Mao, Dally: Deep Compression (2016). The number of weights stays; what shrinks is what
it takes to store which one is meant.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.load.tfenv import quiet, seed_everything, tfmot
from pipeline.progress import Progress, silent
from pipeline.prune.magnitude import check_names, clone, kernels, sparsity
from pipeline.prune.objective import Objective
from pipeline.prune.recipe import Cluster
from pipeline.prune.train import Settings, Trained, train

# tfmot clusters these; depthwise kernels have too few weights to gain from it.
_CLUSTERED = ("Conv1D", "Conv2D", "Dense", "SeparableConv1D", "SeparableConv2D")


def cluster_weights(
    model: Any,
    stage: Cluster,
    objective: Objective | None,
    x: NDArray[Any] | None,
    settings: Settings,
    *,
    where: str = "",
    progress: Progress = silent,
) -> tuple[Any, Trained | None]:
    """Return a copy of `model` whose layers have few distinct weights each.

    Zeros stay zeros where the model is pruned.

    Args:
        model: a tf_keras model; stays as it is.
        stage: how many weights a layer may have.
        objective, x: to fine-tune with; None clusters without training.
        settings: of the fine-tuning.
        where: the network's name, for messages.
        progress: see `train`.

    Raises:
        WrongUse: the recipe names a layer that is not there.
        ModelError: no layer can be clustered.
    """
    names = {layer.name: layer for layer in model.layers if type(layer).__name__ in _CLUSTERED}
    check_names(stage.skip, names, "can be clustered")
    wanted = {
        name
        for name, layer in names.items()
        if name not in stage.skip and kernels(layer)[0].shape.num_elements() > stage.weights
    }
    if not wanted:
        raise ModelError(
            "no layer can be clustered",
            where=where,
            hint=f"clustering works on {', '.join(_CLUSTERED)} with more than "
            f"{stage.weights} weights",
        )
    clustering = tfmot().clustering.keras
    preserve = sparsity(model) > 0.0
    options = {
        "number_of_clusters": stage.weights,
        "cluster_centroids_init": clustering.CentroidInitialization.KMEANS_PLUS_PLUS,
        "preserve_sparsity": preserve,
    }

    def wrap(layer: Any) -> Any:
        if layer.name not in wanted:
            return layer
        layer.build(model.get_layer(layer.name).get_input_shape_at(0))
        layer.set_weights(model.get_layer(layer.name).get_weights())
        return clustering.cluster_weights(layer, **options)

    seed_everything(settings.seed)  # the first centroids are drawn
    with quiet():
        wrapped = clone(model, wrap)
        for layer in model.layers:
            if layer.name not in wanted:
                wrapped.get_layer(layer.name).set_weights(layer.get_weights())
    done = None
    if objective is not None and x is not None and settings.epochs > 0:
        done = train(wrapped, objective, x, settings, progress=progress, note="clustering")
    with quiet():
        stripped = clustering.strip_clustering(wrapped)
    result = clone(model)
    for layer in result.layers:
        layer.set_weights(stripped.get_layer(layer.name).get_weights())
    return result, done
