"""Put a network into words that the converter has integers for, just before it is converted.

Activations: ELU stays in floats, softplus would go through exp(x), which eight bits can't hold.
Written with parts that stay small they quantise well, and the aot engine makes one table of all
of them. Recurrent layers: what the converter has no operator for it crashes on, unless the
steps are unrolled. Normalisation that nothing takes in becomes a depthwise convolution of one
pixel: one operator with a scale for each channel instead of two with one for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pipeline.load.tfenv import tensorflow
from pipeline.quantize.affine import Affine, foldable, normalisation, standardising

# Each step becomes operators of its own, about ten for a GRU: beyond this too many for flash.
MOST_STEPS = 256
# LSTM has an operator, with the options that Keras calls its own defaults.
_UNROLLED = ("GRU", "SimpleRNN")
_SELU_SCALE, _SELU_ALPHA = 1.05070098, 1.67326324


def make_convertible(model: Any) -> None:
    """Change `model`, a tf_keras network about to be converted, in place; it computes the same."""
    kinds = {type(layer).__name__ for layer in model.layers}
    folded = set(foldable(model).values()) if "BatchNormalization" in kinds else set()
    for layer, steps in _layers(model):
        kind = type(layer).__name__
        if kind in _UNROLLED and steps is not None and steps <= MOST_STEPS:
            layer.unroll = True
            layer._could_use_gpu_kernel = False  # its loop is not unrolled
        elif kind == "ELU":
            layer.call = _elu(float(layer.alpha))
        elif kind == "BatchNormalization" and layer.name not in folded and _by_channel(layer):
            layer.call = _pixelwise(normalisation(layer))
        elif kind == "Normalization" and _by_channel(layer):
            layer.call = _pixelwise(standardising(layer))
        else:
            form = _FORMS.get(getattr(getattr(layer, "activation", None), "__name__", ""))
            if form is not None and not hasattr(layer, "cell"):
                layer.activation = form


def _layers(model: Any) -> Iterator[tuple[Any, int | None]]:
    """The layers, and those inside of wrappers; with the length of their input's first axis."""
    for layer in model.layers:
        shape = layer.input_shape
        steps = shape[1] if isinstance(shape, tuple) and len(shape) > 1 else None
        yield layer, steps
        for name in ("layer", "forward_layer", "backward_layer"):
            if (inner := getattr(layer, name, None)) is not None:
                yield inner, steps


def _by_channel(layer: Any) -> bool:
    """Whether it scales the last axis of a sequence or an image."""
    shape = layer.input_shape
    rank = len(shape) if isinstance(shape, tuple) else 0
    axis = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    return rank in (3, 4) and list(axis) in ([rank - 1], [-1])


def _pixelwise(values: Affine) -> Callable[..., Any]:
    factor, offset = values

    def call(x: Any, **_: Any) -> Any:
        tf = tensorflow()
        image = x if len(x.shape) == 4 else tf.expand_dims(x, 1)  # along a row
        y = tf.nn.depthwise_conv2d(image, factor.reshape(1, 1, -1, 1), [1, 1, 1, 1], "VALID")
        y = tf.nn.bias_add(y, offset)
        return y if len(x.shape) == 4 else tf.squeeze(y, 1)

    return call


def _elu(alpha: float) -> Callable[[Any], Any]:
    def elu(x: Any) -> Any:
        tf = tensorflow()
        above = tf.nn.relu(x)
        return above + alpha * (tf.exp(x - above) - 1.0)

    return elu


def _selu(x: Any) -> Any:
    return _SELU_SCALE * _elu(_SELU_ALPHA)(x)


def _softplus(x: Any) -> Any:
    tf = tensorflow()
    above = tf.nn.relu(x)
    return above + tf.math.log(1.0 + tf.exp(x - 2.0 * above))  # exp(-|x|)


def _mish(x: Any) -> Any:
    return x * tensorflow().tanh(_softplus(x))


_FORMS: dict[str, Callable[[Any], Any]] = {
    "elu": _elu(1.0),
    "selu": _selu,
    "softplus": _softplus,
    "mish": _mish,
}
