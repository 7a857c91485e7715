"""Rewrite a network into an equal one that quantisation-aware training accepts.

tfmot knows 2-D convolutions, dense layers and batch normalisation right behind them. All
else that is only another notation of these is put into their words first: 1-D
convolutions, normalisation anywhere, rescaling, separable convolutions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.load.nodes import Call, Ref, calls_in_order, layer_name, references, refs_in, replace
from pipeline.load.tfenv import tf_keras
from pipeline.quantize.affine import Affine, normalisation, standardising

_FOLDABLE = ("Conv1D", "Conv2D", "DepthwiseConv2D", "Dense")
_DROPPED = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout")
_LIMIT = 1e-4


def rewrite(model: Any, where: str) -> Any:
    """Return a functional tf_keras model equal to `model`, in layers that tfmot knows.

    Raises:
        ModelError: the result is not equal; a layer does something unexpected.
    """
    result = _Rewriter(model).run()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, *model.inputs[0].shape[1:])).astype(np.float32)
    expected, found = model(x, training=False).numpy(), result(x, training=False).numpy()
    if np.max(np.abs(expected - found)) > _LIMIT * max(1.0, np.max(np.abs(expected))):
        raise ModelError(
            "can not be rewritten for training with quantisation",
            where=where,
            hint="quantise it after training (the default)",
        )
    return result


class _Rewriter:
    """Calls new layers along the graph of the old model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._layers = tf_keras().layers
        self._config = model.get_config()
        self._tensors: dict[Ref, Any] = {}
        self._made: dict[str, Any] = {}
        self._weights: list[tuple[Any, list[NDArray[Any]]]] = []
        ordered = calls_in_order(self._config)
        readers = Counter(ref for _, _, call in ordered for ref in refs_in(call))
        readers.update(references(self._config["output_layers"]))
        self._folded = self._find_folds(ordered, readers)

    def _find_folds(
        self, ordered: list[tuple[dict[str, Any], int, Call]], readers: Counter[Ref]
    ) -> dict[str, str]:
        """Return layer -> the batch normalisation that can be folded into it."""
        calls = Counter(layer_name(entry) for entry, _, _ in ordered)
        folds = {}
        for entry, _, call in ordered:
            if entry["class_name"] != "BatchNormalization":
                continue
            (ref,) = refs_in(call)
            before = self._model.get_layer(ref.layer)
            linear = getattr(getattr(before, "activation", None), "__name__", "") == "linear"
            if (
                type(before).__name__ in _FOLDABLE
                and linear
                and readers[ref] == 1
                and calls[ref.layer] == calls[layer_name(entry)] == 1
            ):
                folds[ref.layer] = layer_name(entry)
        return folds

    def run(self) -> Any:
        (source,) = references(self._config["input_layers"])
        inputs = tf_keras().Input(self._model.inputs[0].shape[1:], name=source.layer)
        self._tensors[source] = inputs
        for entry, index, call in calls_in_order(self._config):
            layer = self._model.get_layer(layer_name(entry))
            args = replace(call.args, self._tensors.__getitem__)
            kwargs = replace(call.kwargs, self._tensors.__getitem__)
            self._tensors[Ref(layer.name, index, 0)] = self._emit(layer, args[0], kwargs)
        outputs = [self._tensors[ref] for ref in references(self._config["output_layers"])]
        network = tf_keras().Model(inputs, outputs, name=self._model.name)
        for layer, values in self._weights:
            layer.set_weights(values)
        return network

    def _emit(self, layer: Any, x: Any, kwargs: dict[str, Any]) -> Any:
        kind = type(layer).__name__
        if kind in _DROPPED or layer.name in self._folded.values():
            return x
        emit: dict[str, Callable[[Any, Any], Any]] = {
            "Conv1D": self._conv1d,
            "Conv2D": self._folded_kernel,
            "DepthwiseConv2D": self._folded_kernel,
            "Dense": self._folded_kernel,
            "SeparableConv2D": self._separable,
            "BatchNormalization": lambda la, t: self._affine(la, t, normalisation(la)),
            "Rescaling": lambda la, t: self._affine(la, t, _rescaling(la, int(t.shape[-1]))),
            "Normalization": lambda la, t: self._affine(la, t, standardising(la)),
            "MaxPooling1D": self._pool,
            "AveragePooling1D": self._pool,
        }
        if kind in emit:
            return emit[kind](layer, x)
        copy = self._once(layer.name, lambda: type(layer).from_config(layer.get_config()))
        if layer.weights:
            self._weights.append((copy, layer.get_weights()))
        return copy(x, **kwargs)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def _folded_kernel(self, layer: Any, x: Any) -> Any:
        copy = self._once(layer.name, lambda: _with_bias(layer))
        kernel, bias = self._kernel_and_bias(layer)
        self._weights.append((copy, [kernel, bias]))
        return copy(x)

    def _kernel_and_bias(self, layer: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return a layer's weights with the batch normalisation behind it, if any, folded in."""
        kernel, *rest = layer.get_weights()
        depthwise = type(layer).__name__ == "DepthwiseConv2D"
        width = kernel.shape[-1] * (kernel.shape[-2] if depthwise else 1)
        bias = rest[0] if rest else np.zeros(width, np.float32)
        if layer.name in self._folded:
            factor, offset = normalisation(self._model.get_layer(self._folded[layer.name]))
            kernel = kernel * (factor.reshape(kernel.shape[-2:]) if depthwise else factor)
            bias = bias * factor + offset
        return kernel, bias

    def _conv1d(self, layer: Any, x: Any) -> Any:
        """(n, c) becomes (n, 1, c), where a kernel (k, 1) does the same."""
        steps, channels = int(x.shape[1]), int(x.shape[2])
        x = self._layers.Reshape((steps, 1, channels), name=self._name(layer, "in"))(x)
        padding = layer.padding
        if padding == "causal":
            left = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
            x = self._layers.ZeroPadding2D(((left, 0), (0, 0)), name=self._name(layer, "pad"))(x)
            padding = "valid"
        copy = self._once(
            layer.name,
            lambda: self._layers.Conv2D(
                layer.filters,
                (layer.kernel_size[0], 1),
                strides=(layer.strides[0], 1),
                dilation_rate=(layer.dilation_rate[0], 1),
                padding=padding,
                groups=layer.groups,
                activation=layer.activation,
                name=layer.name,
            ),
        )
        kernel, bias = self._kernel_and_bias(layer)
        self._weights.append((copy, [kernel[:, np.newaxis], bias]))
        y = copy(x)
        shape = (int(y.shape[1]), int(y.shape[3]))
        return self._layers.Reshape(shape, name=self._name(layer, "out"))(y)

    def _pool(self, layer: Any, x: Any) -> Any:
        steps, channels = int(x.shape[1]), int(x.shape[2])
        x = self._layers.Reshape((steps, 1, channels), name=self._name(layer, "in"))(x)
        two = getattr(self._layers, type(layer).__name__.replace("1D", "2D"))
        pool = two((layer.pool_size[0], 1), (layer.strides[0], 1), layer.padding, name=layer.name)
        y = pool(x)
        shape = (int(y.shape[1]), channels)
        return self._layers.Reshape(shape, name=self._name(layer, "out"))(y)

    def _separable(self, layer: Any, x: Any) -> Any:
        depthwise, pointwise, *rest = layer.get_weights()
        first = self._layers.DepthwiseConv2D(
            layer.kernel_size,
            strides=layer.strides,
            padding=layer.padding,
            depth_multiplier=layer.depth_multiplier,
            dilation_rate=layer.dilation_rate,
            use_bias=False,
            name=self._name(layer, "depthwise"),
        )
        second = self._layers.Conv2D(
            layer.filters, 1, activation=layer.activation, name=self._name(layer, "pointwise")
        )
        y = second(first(x))
        bias = rest[0] if rest else np.zeros(layer.filters, np.float32)
        self._weights += [(first, [depthwise]), (second, [pointwise, bias])]
        return y

    def _affine(self, layer: Any, x: Any, values: Affine) -> Any:
        """x * factor + offset for each channel, as a depthwise convolution of one pixel."""
        shape = tuple(int(n) for n in x.shape[1:])
        flat = (int(np.prod(shape[:-1])), 1, shape[-1])
        if len(shape) != 3:
            x = self._layers.Reshape(flat, name=self._name(layer, "in"))(x)
        copy = self._once(layer.name, lambda: self._layers.DepthwiseConv2D(1, name=layer.name))
        y = copy(x)
        factor, offset = values
        self._weights.append((copy, [factor.reshape(1, 1, -1, 1), offset]))
        if len(shape) != 3:
            y = self._layers.Reshape(shape, name=self._name(layer, "out"))(y)
        return y

    def _name(self, layer: Any, part: str) -> str:
        """A fresh name; layers called more than once need more than one."""
        stem = f"{layer.name}_{part}"
        name, number = stem, 1
        while name in self._made:
            number += 1
            name = f"{stem}_{number}"
        self._made[name] = None
        return name


def _with_bias(layer: Any) -> Any:
    return type(layer).from_config({**layer.get_config(), "use_bias": True})


def _rescaling(layer: Any, width: int) -> Affine:
    factor = np.broadcast_to(np.asarray(layer.scale, np.float32), (width,))
    return factor, np.broadcast_to(np.asarray(layer.offset, np.float32), (width,))
