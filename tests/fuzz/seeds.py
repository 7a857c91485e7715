"""Small files that the fuzzers start from, made without TensorFlow, and ways to damage them."""

from __future__ import annotations

import io
import json
import random
import zipfile
from typing import Any

import h5py
import numpy as np

Json = Any


def _layer(kind: str, name: str, after: str | None, keras3: bool, **config: Json) -> Json:
    made: Json = {"class_name": kind, "config": {"name": name, **config}, "name": name}
    if kind != "TFOpLambda":
        made.update(module="keras.layers", registered_name=None)
    else:
        made.update(module="tf_keras.src.layers.core.tf_op_layer", registered_name=kind)
    if keras3:
        tensor = {"class_name": "__keras_tensor__", "config": {
            "shape": [None, 4], "dtype": "float32", "keras_history": [after, 0, 0]}}  # fmt: skip
        made["inbound_nodes"] = [{"args": [tensor], "kwargs": {}}] if after else []
    else:
        made["inbound_nodes"] = [[[after, 0, 0, {}]]] if after else []
    return made


def config(keras3: bool) -> Json:
    """Return a functional network's configuration: dense, convolution, LSTM, a function."""
    shape = "batch_shape" if keras3 else "batch_input_shape"
    layers = [
        _layer("InputLayer", "i", None, keras3, **{shape: [None, 6, 4], "dtype": "float32"}),
        _layer("Conv1D", "c", "i", keras3, filters=3, kernel_size=[2], padding="same",
               activation="relu", kernel_initializer={"class_name": "GlorotUniform", "config": {}}),
        _layer("LSTM", "l", "c", keras3, units=3, return_sequences=True),
        _layer("Dense", "d", "l", keras3, units=2, activation="softmax",
               kernel_regularizer={"class_name": "L2", "config": {"l2": 0.01}}),
    ]  # fmt: skip
    if not keras3:
        layers.append(_layer("TFOpLambda", "f", "d", keras3, function="math.multiply"))
        layers[-1]["inbound_nodes"] = [["d", 0, 0, {"y": [1.0, 2.0]}]]
    last = layers[-1]["name"]
    body = {"name": "net", "layers": layers, "input_layers": [["i", 0, 0]],
            "output_layers": [[last, 0, 0]]}  # fmt: skip
    root: Json = {"class_name": "Functional", "config": body}
    root["module"] = "keras.src.models.functional" if keras3 else "tf_keras.src.engine.functional"
    root["registered_name"] = "Functional"
    return root


SHAPES = {"c": [(2, 4, 3), (3,)], "l": [(3, 12), (3, 12), (12,)], "d": [(3, 2), (2,)]}


def archive(keras3: bool) -> bytes:
    """Return a .keras file."""
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for kind, name in (("conv1d", "c"), ("lstm/cell", "l"), ("dense", "d")):
            for index, shape in enumerate(SHAPES[name]):
                file[f"layers/{kind}/vars/{index}"] = np.zeros(shape, np.float32)
        file.require_group("vars")
    version = "3.15.1" if keras3 else "2.21.0"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr("config.json", json.dumps(config(keras3)))
        made.writestr("metadata.json", json.dumps({"keras_version": version}))
        made.writestr("model.weights.h5", weights.getvalue())
    return held.getvalue()


def hdf5(keras3: bool) -> bytes:
    """Return an .h5 file."""
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        file.attrs["keras_version"] = "3.15.1" if keras3 else "2.21.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(config(keras3))
        group = file.create_group("model_weights")
        group.attrs.update(file.attrs)
        del group.attrs["model_config"]
        names = [entry["name"] for entry in config(keras3)["config"]["layers"]]
        group.attrs["layer_names"] = np.array(names, "S")
        for name in names:
            part = group.create_group(name)
            held_names = [f"{name}/{i}" for i, _ in enumerate(SHAPES.get(name, ()))]
            part.attrs["weight_names"] = np.array(held_names, "S") if held_names else np.zeros(0)
            for full, shape in zip(held_names, SHAPES.get(name, ()), strict=True):
                part[full] = np.zeros(shape, np.float32)
    return held.getvalue()


# Mutators ----------------------------------------------------------------------------------

NUMBERS = (0, 1, -1, 2, 3, 7, 255, 65535, 1 << 20, 1 << 31, 1 << 62, 10**30, 0.5, 1e30, -1e-30)
WORDS = (
    "", "relu", "i", "d", "Dense", "Lambda", "__lambda__", "Bidirectional", "TimeDistributed",
    "RNN", "float16", "mixed_float16", "same", "valid", "causal", "channels_first", "keras.layers",
    "os", "builtins", "math.add", "reshape", "concat", "print", "io.write_file", "\x1b[2J", "{",
    "é" * 50, "x" * 3000, "__numpy__", "__keras_tensor__", "__slice__", "__tuple__", "TensorShape",
    "function", "Sequential", "Functional", "Add", "Reshape", "Embedding", "MultiHeadAttention",
    "UpSampling1D",
)  # fmt: skip
KEYS = (
    "class_name", "config", "name", "module", "registered_name", "units", "filters", "layers",
    "activation", "layer", "cell", "function", "inbound_nodes", "input_layers", "axis", "dtype",
    "target_shape", "stateful", "unroll", "size", "kernel_size", "shared_object_id",
)  # fmt: skip


def value(rng: random.Random) -> Json:
    """Return a JSON value that might not be expected."""
    pick = rng.randrange(8)
    if pick < 3:
        return rng.choice(NUMBERS)
    if pick < 5:
        return rng.choice(WORDS)
    if pick == 5:
        return rng.choice((None, True, False, [], {}, [[]], [None], float("nan"), float("inf")))
    if pick == 6:
        return [value(rng) for _ in range(rng.randrange(4))]
    return {rng.choice(KEYS): value(rng) for _ in range(rng.randrange(4))}


def change_json(node: Json, rng: random.Random) -> Json:
    """Return `node` with one to four changes in random places; `node` itself is changed too."""
    for _ in range(1 + rng.randrange(4)):
        places = _places(node)
        holder, key = places[rng.randrange(len(places))]
        pick = rng.randrange(6)
        if pick == 0:
            del holder[key]
        elif pick == 1 and isinstance(holder, dict):
            holder[rng.choice(KEYS)] = holder[key]
        elif pick == 2:
            other, at = places[rng.randrange(len(places))]
            # through text, so that nothing holds itself
            holder[key] = json.loads(json.dumps(other[at]))
        elif pick == 3 and isinstance(holder, list):
            holder.insert(key, value(rng))
        else:
            holder[key] = value(rng)
        if not node:
            return node
    return node


def _places(node: Json) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    stack = [node]
    while stack and len(found) < 5000:
        held = stack.pop()
        keys = range(len(held)) if isinstance(held, list) else list(held)
        for key in keys:
            found.append((held, key))
            if isinstance(held[key], (dict, list)):
                stack.append(held[key])
    return found or [([0], 0)]


def change_bytes(content: bytes, rng: random.Random) -> bytes:
    """Return `content` with bits turned, parts cut, doubled, or overwritten by striking numbers."""
    held = bytearray(content)
    for _ in range(1 + rng.randrange(8)):
        if not held:
            break
        at = rng.randrange(len(held))
        pick = rng.randrange(6)
        if pick == 0:
            held[at] ^= 1 << rng.randrange(8)
        elif pick == 1:
            held[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif pick == 2:
            width = rng.choice((2, 4, 8))
            number = rng.choice((0, 1, 0x7F, 0xFF, 0xFFFF, 1 << 31, (1 << 63) - 1, (1 << 64) - 1))
            held[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, "little")
        elif pick == 3:
            del held[at : at + 1 + rng.randrange(64)]
        elif pick == 4:
            held[at:at] = held[at : at + 1 + rng.randrange(64)]
        elif rng.randrange(4) == 0:
            del held[at:]
    return bytes(held)
