"""Train a small CNN on scikit-learn's digits and save it as a Keras 3 file.

    python examples/digits/train.py digits.keras

The first 80 % of `--data digits` are learned from, as `mcu deploy` does; the rest is left
for judging. The same seed gives the same network.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np

from pipeline.load import Signature, Split, load_split
from pipeline.load.tfenv import quiet, tensorflow

EPOCHS = 25
SEED = 7
SIGNATURE = Signature((8, 8, 1), "float32", (10,))


def train(data: Split, epochs: int):
    """Return the trained network and its accuracy on the test part."""
    tensorflow()  # sets TensorFlow up to be quiet and repeatable
    with quiet():
        import keras
    keras.utils.set_random_seed(SEED)
    network = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
    steps = epochs * -(-len(data.train) // 32)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    network.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    network.fit(data.train.x, data.train.y, batch_size=32, epochs=epochs, verbose=0)
    answers = network.predict(data.test.x, verbose=0).argmax(axis=1)
    return network, float(np.mean(answers == data.test.y))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("digits.keras"))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    data = load_split("digits", SIGNATURE)
    print(f"training on {len(data.train)} digits", file=sys.stderr)
    network, accuracy = train(data, options.epochs)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    temporary = options.out.with_suffix(".part.keras")
    network.save(temporary)
    temporary.replace(options.out)
    print(f"{options.out}: {network.count_params()} parameters, accuracy {accuracy:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
