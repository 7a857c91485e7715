"""Random small networks of every layer that neuron pruning goes through."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

BLOCKS = (
    "conv",
    "depthwise",
    "separable",
    "bn",
    "relu",
    "sigmoid",
    "pool",
    "residual",
    "concat",
    "excite",
    "multiply",
    "pad",
    "twice",
)

plans = st.tuples(
    st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6),
    st.sampled_from(("flatten", "gap", "reshape")),
    st.integers(0, 2**16),
)


def build(plan: tuple[list[str], str, int]) -> Any:
    """Return a tf_keras network with random weights, BN statistics included."""
    from pipeline.load.tfenv import seed_everything, tf_keras

    blocks, head, seed = plan
    seed_everything(seed)
    layers = tf_keras().layers
    rng = np.random.default_rng(seed)
    inputs = tf_keras().Input((6, 6, 2))
    x = layers.Conv2D(8, 3, padding="same")(inputs)
    for block in blocks:
        x = _block(layers, block, x, int(rng.choice([4, 6, 8, 12])))
    if head == "gap":
        x = layers.GlobalAveragePooling2D()(x)
    elif head == "flatten":
        x = layers.Flatten()(x)
    else:
        x = layers.Reshape((int(np.prod(x.shape[1:])),))(x)
    x = layers.Dense(9, activation="relu")(x)
    model = tf_keras().Model(inputs, layers.Dense(3, activation="softmax")(x))
    for layer in model.layers:
        values = [rng.normal(0.0, 0.3, w.shape) for w in layer.get_weights()]
        if type(layer).__name__ == "BatchNormalization":
            values[3] = np.abs(values[3]) + 0.5
        layer.set_weights(values)
    return model


def _block(layers: Any, kind: str, x: Any, width: int) -> Any:
    own = x.shape[-1]
    if kind == "conv":
        return layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    if kind == "depthwise":
        return layers.DepthwiseConv2D(3, padding="same", depth_multiplier=1 + width % 3 % 2)(x)
    if kind == "separable":
        return layers.SeparableConv2D(width, 3, padding="same", depth_multiplier=2)(x)
    if kind == "residual":
        inner = layers.Conv2D(own, 3, padding="same", activation="relu")(x)
        return layers.Add()([x, layers.BatchNormalization()(inner)])
    if kind == "concat":
        return layers.Concatenate()([layers.Conv2D(width, 1)(x), x])
    if kind == "excite":
        squeezed = layers.GlobalAveragePooling2D()(x)
        gate = layers.Dense(own, activation="sigmoid")(layers.Dense(6, activation="relu")(squeezed))
        return layers.Multiply()([x, layers.Reshape((1, 1, own))(gate)])
    if kind == "multiply":
        return layers.Multiply()([x, layers.Conv2D(1, 1, activation="sigmoid")(x)])
    if kind == "twice":
        shared = layers.Conv2D(own, 3, padding="same")
        return shared(shared(x))
    return {
        "bn": layers.BatchNormalization,
        "relu": layers.ReLU,
        "sigmoid": lambda: layers.Activation("sigmoid"),
        "pool": lambda: layers.MaxPooling2D(2, padding="same"),
        "pad": lambda: layers.ZeroPadding2D(1),
    }[kind]()(x)
