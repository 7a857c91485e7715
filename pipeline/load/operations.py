"""Operations between the layers of a Keras 3 network -> tf_keras layers.

`x + y` or `keras.ops.mean(x)` is a node of a functional Keras 3 network, but no layer. Where a
layer does the same it stands in, so that pruning and quantisation know what they see; else
the TensorFlow function is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipeline.errors import ModelError
from pipeline.load.activations import hard_sigmoid, hard_silu
from pipeline.load.nodes import Call
from pipeline.load.tfenv import tensorflow, tf_keras

_HINT = "use a layer of Keras instead, or export a .tflite file"
_MERGES = {
    "Add": "Add",
    "Subtract": "Subtract",
    "Multiply": "Multiply",
    "Maximum": "Maximum",
    "Minimum": "Minimum",
}
_ACTIVATIONS = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Silu": "swish",
    "Selu": "selu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Exp": "exponential",
}
# Functions of one tensor without options, by their name in TensorFlow.
_UNARY = {
    "Absolute": "abs",
    "Log": "math.log",
    "LogSoftmax": "nn.log_softmax",
    "Rsqrt": "math.rsqrt",
    "Sin": "sin",
    "Cos": "cos",
    "Sqrt": "sqrt",
    "Square": "square",
}
_BINARY = {
    "Add": "add",
    "Subtract": "subtract",
    "Multiply": "multiply",
    "Divide": "divide",
    "TrueDivide": "divide",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Power": "pow",
    "Matmul": "matmul",
}
_REDUCTIONS = {"Mean": "reduce_mean", "Max": "reduce_max", "Min": "reduce_min", "Sum": "reduce_sum"}
_POOLS = {"Mean": "GlobalAveragePooling", "Max": "GlobalMaxPooling"}


def is_operation(layer: Any) -> bool:
    """Whether a node of a Keras 3 network is a bare operation and no layer."""
    return type(layer).__module__.startswith("keras.src.ops")


def call_operation(entry: dict[str, Any], call: Call, name: str, where: str) -> Any:
    """Do with tf_keras tensors what an operation does.

    Args:
        entry: its `{"class_name": ..., "config": {...}}` of the Keras 3 configuration.
        call: its arguments, tensors in their places.
        name: for the layer that stands in.
        where: the file, for messages.

    Raises:
        ModelError: the operation is unknown, or can't be called like this.
    """
    kind = entry["class_name"]
    config = {key: value for key, value in entry["config"].items() if key != "name"}
    try:
        result = _Operation(kind, config, name).run(*map(_constant, call.args), **call.kwargs)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{kind} can not be called as the file says: {reason}",
            where=f"{where}, operation {name}",
            hint=_HINT,
        ) from error
    if result is None:
        raise ModelError(
            f"the operation {kind} is unknown", where=f"{where}, operation {name}", hint=_HINT
        )
    return result


class _Operation:
    def __init__(self, kind: str, config: dict[str, Any], name: str) -> None:
        self._kind, self._config, self._name = kind, config, name
        self._layers = tf_keras().layers

    def run(self, *args: Any, **kwargs: Any) -> Any:
        kind = self._kind
        if kind in _BINARY:
            return self._binary(*args, **kwargs)
        if kind in _ACTIVATIONS:
            return self._layers.Activation(_ACTIVATIONS[kind], name=self._name)(args[0])
        if kind in _REDUCTIONS:
            return self._reduce(args[0])
        if kind in _UNARY:
            return _function(_UNARY[kind])(args[0], name=self._name)
        special: dict[str, Callable[..., Any]] = {
            "Cast": lambda x: x,
            "Clip": self._clip,
            "Concatenate": self._concatenate,
            "Elu": lambda x: self._layers.ELU(self._config["alpha"], name=self._name)(x),
            "ExpandDims": self._expand,
            "Gelu": self._gelu,
            "GetItem": lambda x, key: x[_key(key)],
            "HardSigmoid": lambda x: hard_sigmoid(self._name)(x),
            "HardSilu": lambda x: hard_silu(self._name)(x),
            "LeakyRelu": lambda x: self._layers.LeakyReLU(
                self._config["negative_slope"], name=self._name
            )(x),
            "Negative": lambda x: self._layers.Rescaling(-1.0, name=self._name)(x),
            "Pad": self._pad,
            "Relu6": lambda x: self._layers.ReLU(6.0, name=self._name)(x),
            "Reshape": lambda x: self._reshape(x, self._config["newshape"][1:]),
            "Softmax": lambda x: self._layers.Softmax(self._config["axis"], name=self._name)(x),
            "Split": lambda x: tensorflow().split(
                x, self._config["indices_or_sections"], axis=self._config["axis"]
            ),
            "Squeeze": self._squeeze,
            "Stack": lambda xs: tensorflow().stack(xs, axis=self._config["axis"]),
            "Transpose": self._transpose,
        }
        return special[kind](*args, **kwargs) if kind in special else None

    def _binary(self, a: Any, b: Any) -> Any:
        kind = self._kind
        if _is_tensor(a) and _is_tensor(b):
            if kind in _MERGES:
                return getattr(self._layers, _MERGES[kind])(name=self._name)([a, b])
        else:
            tensor, constant = (a, b) if _is_tensor(a) else (b, a)
            affine = _affine(kind, constant, first=_is_tensor(a))
            if affine is not None and np.ndim(constant) <= 1:
                return self._layers.Rescaling(*affine, name=self._name)(tensor)
            if kind == "Maximum" and np.all(np.asarray(constant) == 0):
                return self._layers.ReLU(name=self._name)(tensor)
        return _function(_BINARY[kind])(a, b)

    def _reduce(self, x: Any) -> Any:
        axis, keep = self._config["axis"], bool(self._config.get("keepdims"))
        axes = [axis] if isinstance(axis, int) else axis
        rank = len(x.shape)
        if axes is None or not all(a % rank for a in axes):
            raise ValueError("it would mix the samples of a batch")
        if sorted(a % rank for a in axes) == list(range(1, rank - 1)) and self._kind in _POOLS:
            pool = getattr(self._layers, f"{_POOLS[self._kind]}{rank - 2}D", None)
            if pool is not None:
                return pool(keepdims=keep, name=self._name)(x)
        return _function(_REDUCTIONS[self._kind])(x, axis=list(axes), keepdims=keep)

    def _clip(self, x: Any) -> Any:
        low, high = self._config["x_min"], self._config["x_max"]
        if low == 0:
            return self._layers.ReLU(float(high), name=self._name)(x)
        return tensorflow().clip_by_value(x, low, high)

    def _concatenate(self, xs: Sequence[Any]) -> Any:
        return self._layers.Concatenate(self._config["axis"], name=self._name)(list(xs))

    def _expand(self, x: Any) -> Any:
        axis = self._config["axis"]
        axes = [axis] if isinstance(axis, int) else list(axis)
        rank = len(x.shape) + len(axes)
        shape = list(x.shape)
        for at in sorted(a % rank for a in axes):
            shape.insert(at, 1)
        return self._reshape(x, shape[1:])

    def _squeeze(self, x: Any) -> Any:
        axis, rank = self._config["axis"], len(x.shape)
        axes = [axis] if isinstance(axis, int) else axis
        if axes is None:
            axes = [i for i in range(1, rank) if x.shape[i] == 1]
        gone = {a % rank for a in axes}
        return self._reshape(x, [n for i, n in enumerate(x.shape) if i and i not in gone])

    def _reshape(self, x: Any, shape: Sequence[int]) -> Any:
        return self._layers.Reshape(tuple(shape), name=self._name)(x)

    def _gelu(self, x: Any) -> Any:
        if self._config.get("approximate", True):
            return tensorflow().nn.gelu(x, approximate=True)
        return self._layers.Activation("gelu", name=self._name)(x)

    def _transpose(self, x: Any) -> Any:
        axes = self._config["axes"]
        if not axes or axes[0] != 0:
            raise ValueError("it would move the samples of a batch")
        return self._layers.Permute(tuple(axes[1:]), name=self._name)(x)

    def _pad(self, x: Any, constant_values: Any = None) -> Any:
        widths = [list(pair) for pair in self._config["pad_width"]]
        mode = self._config.get("mode", "constant")
        inner = widths[1:-1]
        if mode == "constant" and not constant_values and not any(widths[0] + widths[-1]):
            if len(inner) == 1:
                return self._layers.ZeroPadding1D(tuple(inner[0]), name=self._name)(x)
            if len(inner) == 2:
                pads = tuple(map(tuple, inner))
                return self._layers.ZeroPadding2D(pads, name=self._name)(x)
        return tensorflow().pad(x, widths, mode, constant_values or 0)


def _affine(kind: str, constant: Any, *, first: bool) -> tuple[Any, Any] | None:
    """Return scale and offset of an operation on a tensor (the `first` operand) and a constant."""
    value = np.asarray(constant, np.float64)
    if kind == "Add":
        return 1.0, value.tolist()
    if kind == "Subtract":
        return (1.0, (-value).tolist()) if first else (-1.0, value.tolist())
    if kind == "Multiply":
        return value.tolist(), 0.0
    if kind in ("Divide", "TrueDivide") and first:
        return (1.0 / value).tolist(), 0.0
    return None


def _function(name: str) -> Callable[..., Any]:
    found = tensorflow()
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, np.ndarray)


def _constant(value: Any) -> Any:
    """Read a constant of the configuration; anything else stays as it is."""
    if isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__tensor__"):
        held = value["config"]
        return np.asarray(held["value"], held["dtype"])
    return value


def _key(key: Any) -> Any:
    """Read the key of `x[key]`."""
    parts = key if isinstance(key, (list, tuple)) else [key]
    return tuple(
        slice(*(part["config"][name] for name in ("start", "stop", "step")))
        if isinstance(part, dict) and part.get("class_name") == "__slice__"
        else Ellipsis
        if isinstance(part, dict) and part.get("class_name") == "__ellipsis__"
        else part
        for part in parts
    )
