"""The networks and data sets that compression is judged by.

A task leaves, for each fold, a trained network and a data set with its own split.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
MNIST = SHARED / "data/mnist10k.npz"
KWS = SHARED / "data/kws01.npz"
KWS_NETWORK = SHARED / "models/kws_ref_saved_model"
# What the integers of the KWS samples stand for: real = (x - zero point) * scale.
KWS_SCALE, KWS_ZERO_POINT = 0.5847029, 83

Array = NDArray[Any]
SEED = 7


@dataclass(frozen=True)
class Fold:
    """A network to compress, and the data to do it with."""

    model: Path
    data: str


@dataclass(frozen=True)
class Task:
    """One row of the benchmark.

    Attributes:
        name: on the command line.
        about: network and data, in words.
        needs: files that have to be there.
        prepare: makes the folds in a folder, or finds them there.
    """

    name: str
    about: str
    needs: tuple[Path, ...]
    prepare: Callable[[Path], list[Fold]]


def digits(folder: Path) -> list[Fold]:
    """The example's CNN; scikit-learn's digits, 1,438 to train and 359 to test."""
    model = folder / "digits.keras"
    if not model.is_file():
        script = ROOT / "examples/digits/train.py"
        subprocess.run([sys.executable, script, model], check=True, stdout=sys.stderr)
    return [Fold(model, "digits")]


def mnist(folder: Path) -> list[Fold]:
    """A CNN trained here; 8,000 digits to train and 2,000 to test."""
    raw = np.load(MNIST)
    x = (raw["x"] / 255.0).astype(np.float32)[..., np.newaxis]
    y = raw["y"].astype(np.int64)
    data = _split(folder / "mnist.npz", x[:8000], y[:8000], x[8000:], y[8000:])
    return [Fold(_trained(folder / "mnist.keras", _cnn, data, epochs=15), str(data))]


def keywords(folder: Path) -> list[Fold]:
    """A DS-CNN trained here on generated "words", 4,000 to train and 1,000 to test.

    A word is a path of two formants through 49 frames of 10 bands; time, pitch and loudness
    vary, and there is noise about as loud as the word.
    """
    rng = np.random.default_rng(SEED)
    paths = rng.uniform(0.5, 8.5, (12, 2, 5))  # words, formants, points on the way
    y = rng.integers(0, len(paths), 5000)
    x = np.stack([_word(rng, paths[word]) for word in y])
    data = _split(folder / "keywords.npz", x[:4000], y[:4000], x[4000:], y[4000:])
    return [Fold(_trained(folder / "keywords.keras", _ds_cnn, data, epochs=25), str(data))]


def kws(folder: Path) -> list[Fold]:
    """MLPerf Tiny's reference network; its 1,000 samples in five folds of 800 and 200."""
    raw = np.load(KWS)
    x = ((raw["x"].astype(np.float32) - KWS_ZERO_POINT) * KWS_SCALE).astype(np.float32)
    y = raw["y"].astype(np.int64)
    parts = np.array_split(np.random.default_rng(SEED).permutation(len(x)), 5)
    folds = []
    for index, test in enumerate(parts):
        train = np.concatenate([part for i, part in enumerate(parts) if i != index])
        data = _split(folder / f"kws{index}.npz", x[train], y[train], x[test], y[test])
        folds.append(Fold(KWS_NETWORK, str(data)))
    return folds


TASKS = (
    Task("digits", "CNN of the example; scikit-learn's digits, 1,438 + 359", (), digits),
    Task("mnist", "small CNN; MNIST, 8,000 + 2,000", (MNIST,), mnist),
    Task("keywords", "DS-CNN; generated words, 4,000 + 1,000", (), keywords),
    Task("kws", "MLPerf Tiny KWS DS-CNN; 5 folds, 800 + 200 samples", (KWS, KWS_NETWORK), kws),
)  # fmt: skip


def _split(path: Path, x_train: Array, y_train: Array, x_test: Array, y_test: Array) -> Path:
    if not path.is_file():
        part = path.with_suffix(".part.npz")
        np.savez(part, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
        part.replace(path)
    return path


def _word(rng: np.random.Generator, path: Array) -> Array:
    """One sample (49, 10, 1) of a word."""
    start, length = rng.uniform(0, 12), rng.uniform(25, 36)
    when = (np.arange(49) - start) / length
    bands = np.arange(10)
    sound = np.zeros((49, 10))
    for formant in path:
        at = np.interp(when, np.linspace(0, 1, len(formant)), formant) + rng.normal(0, 0.5)
        sound += np.exp(-((bands - at[:, np.newaxis]) ** 2))
    sound *= ((when >= 0) & (when <= 1))[:, np.newaxis] * rng.uniform(0.7, 1.3)
    return (sound + rng.normal(0, 0.45, sound.shape)).astype(np.float32)[..., np.newaxis]


def _cnn(layers: Any) -> list[Any]:
    return [
        layers.Input((28, 28, 1)),
        layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]


def _ds_cnn(layers: Any) -> list[Any]:
    body = [
        layers.Input((49, 10, 1)),
        layers.Conv2D(48, (10, 4), strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
    ]
    for _ in range(3):
        body += [
            layers.DepthwiseConv2D(3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(48, 1, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
    return [
        *body,
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.2),
        layers.Dense(12, activation="softmax"),
    ]


def _trained(path: Path, body: Callable[[Any], list[Any]], data: Path, epochs: int) -> Path:
    """A Keras 3 file; the same seed gives the same network."""
    if path.is_file():
        return path
    from pipeline.load.tfenv import quiet, tensorflow

    tensorflow()  # sets TensorFlow up to be quiet and repeatable
    with quiet():
        import keras
    print(f"training {path.stem}", file=sys.stderr, flush=True)
    arrays = np.load(data)
    keras.utils.set_random_seed(SEED)
    network = keras.Sequential(body(keras.layers), name=path.stem)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * -(-len(arrays["x_train"]) // 64))
    network.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    network.fit(arrays["x_train"], arrays["y_train"], batch_size=64, epochs=epochs, verbose=0)
    part = path.with_suffix(".part.keras")
    network.save(part)
    part.replace(path)
    return path
