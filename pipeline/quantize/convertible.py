"""Put a network into words that the converter has integers for, just before it is converted.

Activations: ELU stays in floats, softplus would go through exp(x), which eight bits can't hold.
Written with parts that stay small they quantise well, and the aot engine makes one table of all
of them. Recurrent layers: what the converter has no operator for it crashes on, unless the
steps are unrolled. Normalisation that the converter can't fold into the weights before it becomes
a depthwise convolution of one pixel: one operator with a scale for each channel instead of two
with one for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pipeline.load.tfenv import tensorflow
from pipeline.quantize.affine import Affine, normalisation, standardising

# Each step becomes operators of its own, about ten for a GRU: beyond this too many for flash.
MOST_STEPS = 256
# LSTM has an operator, with the options that Keras calls its own defaults.
_UNROLLED = ("GRU", "SimpleRNN")
_NORMALISING = {"BatchNormalization": normalisation, "Normalization": standardising}
# Beginnings of the names of layers that come between weights and normalisation.
_OBSTACLES = (
    "Add", "Average", "Concatenate", "ELU", "GlobalAverage", "GlobalMax", "InputLayer",
    "LeakyReLU", "Max", "Minimum", "Multiply", "PReLU", "ReLU", "Subtract", "UpSampling",
    "ZeroPadding",
)  # fmt: skip
_SELU_SCALE, _SELU_ALPHA = 1.05070098, 1.67326324


def make_convertible(model: Any) -> None:
    """Change `model`, a tf_keras network about to be converted, in place; it computes the same."""
    for layer, steps in _layers(model):
        kind = type(layer).__name__
        if kind in _UNROLLED and steps is not None and steps <= MOST_STEPS:
            layer.unroll = True
            layer._could_use_gpu_kernel = False  # its loop is not unrolled
        elif kind == "ELU":
            layer.call = _elu(float(layer.alpha))
        elif kind in _NORMALISING and _by_channel(layer) and _stays(layer):
            layer.call = _pixelwise(_NORMALISING[kind](layer))
        else:
            form = _FORMS.get(getattr(getattr(layer, "activation", None), "__name__", ""))
            if form is not None and not hasattr(layer, "cell"):
                layer.activation = form


def _layers(model: Any) -> Iterator[tuple[Any, int | None]]:
    """The layers, and those inside of wrappers; with the length of their input's first axis."""
    for layer in model.layers:
        shape = getattr(layer, "input_shape", None)  # none where it is called with several
        steps = shape[1] if isinstance(shape, tuple) and len(shape) > 1 else None
        yield layer, steps
        for name in ("layer", "forward_layer", "backward_layer"):
            if (inner := getattr(layer, name, None)) is not None:
                yield inner, steps


def _by_channel(layer: Any) -> bool:
    """Whether it scales the last axis of a sequence or an image."""
    shape = getattr(layer, "input_shape", None)
    rank = len(shape) if isinstance(shape, tuple) else 0
    axis = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    return rank in (3, 4) and list(axis) in ([rank - 1], [-1])


def _stays(layer: Any) -> bool:
    """Whether something stands before it, in every call, that its factors can't be folded into.

    Only what is known to be in the way counts: anything else is left to the converter.
    """
    before = [node.inbound_layers for node in layer.inbound_nodes]
    return bool(before) and all(_in_the_way(one) for one in before)


def _in_the_way(layer: Any) -> bool:
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    shared = len(layer.inbound_nodes) == 1 and len(layer.outbound_nodes) > 1
    return shared or activation != "linear" or type(layer).__name__.startswith(_OBSTACLES)


def _pixelwise(values: Affine) -> Callable[..., Any]:
    factor, offset = values

    def call(x: Any, **_: Any) -> Any:
        tf = tensorflow()
        image = x if len(x.shape) == 4 else tf.expand_dims(x, 1)  # along a row
        y = tf.nn.depthwise_conv2d(image, factor.reshape(1, 1, -1, 1), [1, 1, 1, 1], "VALID")
        y = tf.nn.bias_add(y, offset)
        return y if len(x.shape) == 4 else tf.squeeze(y, 1)

    return call


def _relu(x: Any) -> Any:
    """An operator of its own: a plain RELU is fused into a copy of the layer before it."""
    return tensorflow().nn.leaky_relu(x, alpha=0.0)


def _elu(alpha: float) -> Callable[[Any], Any]:
    def elu(x: Any) -> Any:
        above, tf = _relu(x), tensorflow()
        return above + alpha * (tf.exp(x - above) - 1.0)

    return elu


def _selu(x: Any) -> Any:
    return _SELU_SCALE * _elu(_SELU_ALPHA)(x)


def _softplus(x: Any) -> Any:
    above, tf = _relu(x), tensorflow()
    return above + tf.math.log(1.0 + tf.exp(x - 2.0 * above))  # exp(-|x|)


def _mish(x: Any) -> Any:
    return x * tensorflow().tanh(_softplus(x))


_FORMS: dict[str, Callable[[Any], Any]] = {
    "elu": _elu(1.0),
    "selu": _selu,
    "softplus": _softplus,
    "mish": _mish,
}
