"""Rebuild a network without some of its channels, with the weights that are left."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.load.tfenv import quiet, tf_keras
from pipeline.prune.channels import RECURRENT, Analysis

Mask = NDArray[np.bool_]


def shrink(model: Any, found: Analysis, removed: set[int]) -> Any:
    """Return a smaller copy of `model`.

    Args:
        model: a flat functional tf_keras model.
        found: its analysis.
        removed: the sets of channels to leave out, by their `roots`; none of them frozen.
    """

    def copy(layer: Any) -> Any:
        return type(layer).from_config(_config(layer, found, removed))

    with quiet():
        small = tf_keras().models.clone_model(model, clone_function=copy)
    for layer in model.layers:
        values = layer.get_weights()
        if values:
            small.get_layer(layer.name).set_weights(_slices(layer, values, found, removed))
    return small


def kept(ids: NDArray[np.int64], found: Analysis, removed: set[int]) -> Mask:
    """Return which of these channels stay."""
    return np.array([root not in removed for root in found.roots(ids).tolist()], dtype=bool)


def _config(layer: Any, found: Analysis, removed: set[int]) -> dict[str, Any]:
    config: dict[str, Any] = layer.get_config()
    use = found.uses.get(layer.name)
    if use is None:
        return config
    left = int(kept(use.outputs, found, removed).sum())
    if layer.name in found.producers:
        config["units" if "units" in config else "filters"] = left
    elif type(layer).__name__ == "Reshape" and left != len(use.outputs):
        config["target_shape"] = (*tuple(layer.output_shape)[1:-1], left)
    return config


def _slices(
    layer: Any, values: list[NDArray[Any]], found: Analysis, removed: set[int]
) -> list[NDArray[Any]]:
    """Return the weights of `layer` without what belonged to removed channels."""
    use = found.uses.get(layer.name)
    if use is None:
        return values
    before, after = kept(use.inputs, found, removed), kept(use.outputs, found, removed)
    if before.all() and after.all():
        return values
    kind = type(layer).__name__
    if layer.name in found.producers:
        return _kernel_slices(kind, values, before, after)
    if kind in RECURRENT:  # (in, gates * units), recurrent, bias
        return [values[0][before], *values[1:]]
    if kind == "DepthwiseConv2D":  # (height, width, channels, multiplier), bias
        return [values[0][:, :, before], *(v[after] for v in values[1:])]
    return [v if v.shape[-1] == 1 else v[..., after] for v in values]  # one value a channel


def _kernel_slices(
    kind: str, values: list[NDArray[Any]], before: Mask, after: Mask
) -> list[NDArray[Any]]:
    if kind in ("SeparableConv1D", "SeparableConv2D"):
        depthwise, pointwise, *rest = values  # (..., channels, multiplier), (..., in, out)
        wide = np.repeat(before, depthwise.shape[-1])
        return [depthwise[..., before, :], pointwise[..., wide, :][..., after], *_each(rest, after)]
    kernel, *rest = values
    if kind == "Conv2DTranspose":  # (height, width, out, in)
        return [kernel[..., after, :][..., before], *_each(rest, after)]
    return [kernel[..., before, :][..., after], *_each(rest, after)]


def _each(values: list[NDArray[Any]], after: Mask) -> list[NDArray[Any]]:
    return [value[after] for value in values]
