"""Which channels of a network belong together: the analysis that neuron pruning stands on.

Every channel of every tensor gets a number. Layers with kernels make new ones, most others
pass them on, joins unite them, and what reaches the network's output, or a layer that is
not understood, is frozen. Channels with the same number are removed together, from all
layers at once; the network without them then computes exactly what it would compute if
the weights reading them were zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.load.nodes import Call, Ref, calls_in_order, layer_name, references, refs_in
from pipeline.prune.unionfind import Channels, Ids

# Element by element, or with the channel axis left as it is.
_NAMES = (
    "Activation ReLU LeakyReLU ELU PReLU ThresholdedReLU Dropout SpatialDropout1D "
    "SpatialDropout2D GaussianNoise GaussianDropout AlphaDropout ActivityRegularization "
    "MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D GlobalAveragePooling1D "
    "GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D ZeroPadding1D ZeroPadding2D "
    "Cropping1D Cropping2D UpSampling1D UpSampling2D RepeatVector BatchNormalization "
    "DepthwiseConv2D Rescaling"
)
_PASSING = frozenset(_NAMES.split())
_KERNELS = frozenset(("Conv1D", "Conv2D", "Conv2DTranspose", "Dense"))
_SEPARABLE = frozenset(("SeparableConv1D", "SeparableConv2D"))
RECURRENT = frozenset(("LSTM", "GRU", "SimpleRNN"))
_MERGES = frozenset(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"))


@dataclass(frozen=True)
class Use:
    """The channels at one layer's input and output (of its first call)."""

    inputs: Ids
    outputs: Ids


@dataclass(frozen=True, eq=False)
class Analysis:
    """The channels of a network.

    Attributes:
        channels: the sets.
        uses: layer name -> its channels, for layers with one input tensor.
        producers: layers that make channels, in the order of the network.
        consumers: layers that read channels through weights.
        tensors: the channels of every tensor.
    """

    channels: Channels
    uses: dict[str, Use] = field(default_factory=dict)
    producers: list[str] = field(default_factory=list)
    consumers: list[str] = field(default_factory=list)
    tensors: dict[Ref, Ids] = field(default_factory=dict)

    def roots(self, ids: Ids) -> Ids:
        """The sets these channels belong to."""
        return self.channels.roots(ids)


def analyse(model: Any) -> Analysis:
    """Number the channels of a flat functional tf_keras model."""
    found = Analysis(Channels())
    config = model.get_config()
    layers = {layer.name: layer for layer in model.layers}
    for entry in config["layers"]:
        if entry["class_name"] == "InputLayer":
            name = layer_name(entry)
            ids = found.channels.new(_width(layers[name].output))
            found.channels.freeze(ids, "the network's input")
            found.tensors[Ref(name, 0, 0)] = ids
    for entry, index, call in calls_in_order(config):
        _visit(found, layers[layer_name(entry)], index, call)
    for ref in references(config["output_layers"]):
        found.channels.freeze(found.tensors[ref], "the network's output", anew=True)
    return found


def _width(tensor: Any) -> int:
    shape = tensor.shape
    return int(shape[-1]) if len(shape) > 1 and shape[-1] is not None else 1


def _visit(found: Analysis, layer: Any, index: int, call: Call) -> None:
    refs = refs_in(call)
    inputs = [found.tensors[ref] for ref in refs]
    kind = type(layer).__name__
    rule = _rule(kind)
    outputs = rule(found, layer, index, inputs)
    result = layer.get_output_at(index)
    many = result if isinstance(result, (list, tuple)) else [result]
    if outputs is None or len(many) != 1 or len(outputs) != _width(many[0]):
        reason = f"{kind} {layer.name} is not understood"
        for ids in inputs:
            found.channels.freeze(ids, reason)
        for position, tensor in enumerate(many):
            fresh = found.channels.new(_width(tensor))
            found.channels.freeze(fresh, reason)
            found.tensors[Ref(layer.name, index, position)] = fresh
        return
    found.tensors[Ref(layer.name, index, 0)] = outputs
    if len(inputs) == 1:
        first = found.uses.setdefault(layer.name, Use(inputs[0], outputs))
        if first.inputs is not inputs[0] and layer.weights:  # called again: one set of weights
            found.channels.unite(first.inputs, inputs[0])


Rule = Callable[[Analysis, Any, int, list[Ids]], "Ids | None"]


def _rule(kind: str) -> Rule:
    if kind in _PASSING:
        return _pass
    if kind in _KERNELS or kind in _SEPARABLE:
        return _make
    if kind in _MERGES:
        return _merge
    if kind in RECURRENT:
        return _recur
    return {"Concatenate": _join, "Flatten": _flatten, "Reshape": _reshape}.get(kind, _unknown)


def _unknown(found: Analysis, layer: Any, index: int, inputs: list[Ids]) -> Ids | None:
    return None


def _channels_last(layer: Any) -> bool:
    return getattr(layer, "data_format", "channels_last") in (None, "channels_last")


def _pass(found: Analysis, layer: Any, index: int, inputs: list[Ids]) -> Ids | None:
    kind = type(layer).__name__
    rank = len(layer.get_input_shape_at(index))
    if not _channels_last(layer) or _mixes_channels(layer):
        return None
    if kind == "BatchNormalization":
        axes = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
        if list(axes) not in ([-1], [rank - 1]):
            return None
    if kind == "PReLU" and layer.alpha.shape[-1] not in (1, len(inputs[0])):
        return None
    if kind == "DepthwiseConv2D":
        return np.repeat(inputs[0], layer.depth_multiplier)
    if kind == "Rescaling" and np.size(layer.scale) * np.size(layer.offset) != 1:
        return None
    return inputs[0]


def _mixes_channels(layer: Any) -> bool:
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__name__", "") in ("softmax", "log_softmax")


def _make(found: Analysis, layer: Any, index: int, inputs: list[Ids]) -> Ids | None:
    if getattr(layer, "groups", 1) != 1 or not _channels_last(layer):
        return None
    if layer.name in found.uses:
        return found.uses[layer.name].outputs
    outputs = found.channels.new(_width(layer.get_output_at(index)))
    if _mixes_channels(layer):
        found.channels.freeze(outputs, f"softmax of {layer.name} weighs all its neurons together")
    found.producers.append(layer.name)
    found.consumers.append(layer.name)
    return outputs


def _recur(found: Analysis, layer: Any, index: int, inputs: list[Ids]) -> Ids | None:
    """Recurrent layers read channels; their own neurons feed back, and stay."""
    if len(inputs) != 1 or layer.name in found.uses:
        return None
    outputs = found.channels.new(_width(layer.get_output_at(index)))
    found.channels.freeze(outputs, f"{layer.name} is recurrent")
    found.consumers.append(layer.name)
    return outputs


def _merge(found: Analysis, layer: Any, index: int, inputs: list[Ids]) -> Ids | None:
    width = max(len(ids) for ids in inputs)
    full = [ids for ids in inputs if len(ids) == width]
    for ids in inputs:
        if len(ids) != width:  # one channel, broadcast over all of the others
            found.channels.freeze(ids, f"{layer.name} broadcasts it")
    for ids in full[1:]:
        found.channels.unite(full[0], ids)
    return full[0]


def _join(found: Analysis, layer: Any, index: int, inputs: list[Ids]) -> Ids | None:
    rank = len(layer.get_output_at(index).shape)
    if layer.axis in (-1, rank - 1):
        return np.concatenate(inputs)
    return _merge(found, layer, index, inputs)


def _flatten(found: Analysis, layer: Any, index: int, inputs: list[Ids]) -> Ids | None:
    if not _channels_last(layer):
        return None
    shape = layer.get_input_shape_at(index)[1:]
    return np.tile(inputs[0], math.prod(shape[:-1]))


def _reshape(found: Analysis, layer: Any, index: int, inputs: list[Ids]) -> Ids | None:
    before = layer.get_input_shape_at(index)[1:]
    after = tuple(layer.get_output_at(index).shape)[1:]
    if after[-1] == before[-1]:  # row-major order: the last axis keeps its meaning
        return inputs[0]
    if len(after) == 1:
        return np.tile(inputs[0], math.prod(before[:-1]))
    return None
