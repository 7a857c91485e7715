"""Data sets: the built-in ones and NumPy files, checked against the model that takes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import extras
from pipeline.errors import DataError, WrongUse
from pipeline.load.dataset import Dataset, Signature, Split
from pipeline.load.fit import fit_samples, fit_targets
from pipeline.load.names import printable
from pipeline.load.npz import read_npz
from pipeline.run import require_file

BUILT_IN = ("digits", "random")
_RANDOM_TRAIN, _RANDOM_TEST = 320, 100
_SUFFIXES = (".npz", ".npy")


@dataclass(frozen=True)
class _Raw:
    """Arrays as they were found; a file may come with its own split."""

    name: str
    x: NDArray[Any]
    y: NDArray[Any] | None
    x_train: NDArray[Any] | None = None
    y_train: NDArray[Any] | None = None


def load_data(
    spec: str | Path,
    signature: Signature,
    *,
    samples: int | None = None,
    x_scale: float | None = None,
    x_zero_point: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """Read the samples a finished model is measured with: the test part, or all there are.

    Args:
        spec: "digits" (scikit-learn's, 8x8 greys in 0..1), "random", or a .npz with `x` and
            `y` or with `x_train`, `y_train`, `x_test`, `y_test`, or a .npy with `x`.
        signature: what the model takes.
        samples: only the first so many.
        x_scale, x_zero_point: integers in the file stand for (x - x_zero_point) * x_scale.
        seed: of "random".

    Raises:
        DataError: the data does not go with the model, or is broken.
        WrongUse: no such data set, or options without sense.
    """
    raw = _read(spec, signature, seed, wanted=samples)
    data = _fit(raw.name, raw.x, raw.y, signature, x_scale, x_zero_point)
    return _first(data, samples)


def load_split(
    spec: str | Path,
    signature: Signature,
    *,
    samples: int | None = None,
    x_scale: float | None = None,
    x_zero_point: float = 0.0,
    test_fraction: float = 0.2,
    shuffle: bool = False,
    seed: int = 0,
) -> Split:
    """Read data to train and calibrate with, and other data to judge by.

    A file's own split is kept. Otherwise the last `test_fraction` of the samples is the test
    part, in the order of the file unless `shuffle` is set.

    Args:
        spec, signature, x_scale, x_zero_point: see `load_data`.
        samples: only the first so many of the test part.
        test_fraction: 0..1, exclusive.
        shuffle: mix the samples first, the same way for the same seed.
        seed: of "random" and of `shuffle`.

    Raises:
        DataError, WrongUse: see `load_data`.
    """
    if not 0.0 < test_fraction < 1.0:
        raise WrongUse(f"a test part of {test_fraction} is not between 0 and 1", where="split")
    raw = _read(spec, signature, seed, wanted=None)
    data = _fit(raw.name, raw.x, raw.y, signature, x_scale, x_zero_point)
    if raw.x_train is not None:
        train = _fit(raw.name, raw.x_train, raw.y_train, signature, x_scale, x_zero_point)
        return Split(train, _first(data, samples))
    if shuffle:
        data = data.take(np.random.default_rng(seed).permutation(len(data)))
    held = round(len(data) * test_fraction)
    if held == 0 or held == len(data):
        raise DataError(
            f"{len(data)} samples can not be split into a training and a test part",
            where=data.name,
            hint="give more samples, or x_train, y_train, x_test, y_test",
        )
    train, test = data.take(len(data) - held), data.take(slice(len(data) - held, None))
    if data.y is not None and np.all(np.diff(data.y) >= 0) and data.y[0] != data.y[-1]:
        raise DataError(
            "the samples are sorted by label: training would never see the last classes",
            where=data.name,
            hint="--shuffle mixes them before the split",
        )
    return Split(train, _first(test, samples))


def _first(data: Dataset, samples: int | None) -> Dataset:
    if samples is None:
        return data
    if samples < 1:
        raise WrongUse(f"{samples} samples are asked for", where="--samples")
    return data.take(samples)


def _fit(
    name: str,
    x: NDArray[Any],
    y: NDArray[Any] | None,
    signature: Signature,
    x_scale: float | None,
    x_zero_point: float,
) -> Dataset:
    samples, quantized = fit_samples(name, x, signature, x_scale, x_zero_point)
    labels, targets = (None, None) if y is None else fit_targets(name, y, len(samples), signature)
    return Dataset(name, samples, labels, quantized, targets)


def _read(spec: str | Path, signature: Signature, seed: int, wanted: int | None) -> _Raw:
    if spec == "digits":
        return _digits(signature)
    if spec == "random":
        return _random(signature, seed, wanted)
    path = Path(spec)
    if not path.exists():
        known = ", ".join(BUILT_IN)
        raise WrongUse("no such data set", where=str(spec), hint=f"a .npz or .npy file, or {known}")
    require_file(path, folder=True)
    if path.is_dir() or path.suffix.lower() not in _SUFFIXES:
        raise DataError(
            "data comes as a .npz or .npy file",
            where=str(path),
            hint="numpy.savez('data.npz', x=samples, y=labels)",
        )
    return _file(path)


def _file(path: Path) -> _Raw:
    arrays = read_npz(path)
    name = path.name
    if "x_train" in arrays and "x_test" in arrays:
        for part in ("train", "test"):
            if (f"y_{part}" in arrays) != ("y_train" in arrays):
                raise DataError("has labels for one part only", where=name)
        return _Raw(
            name, arrays["x_test"], arrays.get("y_test"), arrays["x_train"], arrays.get("y_train")
        )
    if "x" not in arrays:
        found = printable(", ".join(sorted(arrays))) or "nothing"
        raise DataError(
            f"holds {found}, but no `x`",
            where=name,
            hint="name the arrays x and y, or x_train, y_train, x_test and y_test",
        )
    return _Raw(name, arrays["x"], arrays.get("y"))


def _digits(signature: Signature) -> _Raw:
    """Return scikit-learn's 1,797 digits, mixed, as the file has them grouped by writer."""
    datasets = extras.load("sklearn.datasets", where="digits")
    images, labels = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x = (images[order] / 16.0).astype(np.float32).reshape(-1, 8, 8, 1)
    if signature.input_shape in ((8, 8), (64,), (64, 1)):
        x = x.reshape(-1, *signature.input_shape)
    return _Raw("digits", x, labels[order])


def _random(signature: Signature, seed: int, wanted: int | None) -> _Raw:
    """Return numbers without meaning, from the range that the model expects where it tells.

    Else every value of a quantised type, 0 and 1 of other integers, and -1..1 for floats.
    """
    rng = np.random.default_rng(seed)

    def draw(count: int) -> NDArray[Any]:
        shape = (count, *signature.input_shape)
        if signature.input_range is not None:
            return _from_range(rng, shape, signature)
        if np.issubdtype(signature.input_dtype, np.integer):
            if not signature.quantized:
                return rng.integers(0, 2, shape, dtype=signature.input_dtype)
            info = np.iinfo(signature.input_dtype)
            return rng.integers(info.min, info.max + 1, shape, dtype=signature.input_dtype)
        return rng.uniform(-1.0, 1.0, shape).astype(np.float32)

    test = draw(max(_RANDOM_TEST, wanted or 0))
    train = None if signature.quantized else draw(_RANDOM_TRAIN)
    return _Raw("random", test, None, train)


def _from_range(
    rng: np.random.Generator, shape: tuple[int, ...], signature: Signature
) -> NDArray[Any]:
    assert signature.input_range is not None
    low, high = (np.asarray(v) for v in signature.input_range)
    if low.size > 1 and low.size != shape[-1]:  # another axis than the last
        low, high = low.min(), high.max()
    drawn = rng.uniform(low, high, shape)
    if np.issubdtype(signature.input_dtype, np.integer):
        return np.clip(np.rint(drawn), low, high).astype(signature.input_dtype)
    return drawn.astype(np.float32)
