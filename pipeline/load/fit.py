"""Making arrays fit a model, and saying exactly why where they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.load.dataset import Signature

_PIECE = 1 << 20  # values converted at a time


def fit_samples(
    name: str, x: NDArray[Any], signature: Signature, x_scale: float | None, x_zero_point: float
) -> tuple[NDArray[Any], bool]:
    """Return the samples in the model's shape and type, and whether they are raw integers.

    Args:
        name: of the data set, for messages.
        x: (n, ...) numbers as found.
        signature: what the model takes.
        x_scale, x_zero_point: real = (x - x_zero_point) * x_scale, where given.

    Raises:
        DataError: wrong shape or type, values that are not numbers, or none at all.
    """
    if x.dtype.kind not in "iufb":
        raise DataError(
            f"x holds {x.dtype.name} values, not numbers",
            where=name,
            hint="numpy.asarray(x, dtype='float32')",
        )
    if x.ndim == 0 or len(x) == 0:
        raise DataError("holds no samples", where=name)
    x = _fit_shape(name, x, signature.input_shape)
    if signature.quantized and x_scale is None and x.dtype.kind in "iu":
        return _fit_integers(name, x, signature.input_dtype), True
    real = _real(x, x_scale, x_zero_point)
    _refuse_not_finite(name, "x", real)
    if np.issubdtype(signature.input_dtype, np.integer) and not signature.quantized:
        return real.astype(signature.input_dtype), False
    return real, False


def _real(x: NDArray[Any], scale: float | None, zero_point: float) -> NDArray[np.float32]:
    """Return real values; computed in double precision, a piece at a time."""
    if x.dtype == np.float32 and scale is None:
        return np.ascontiguousarray(x)
    real = np.empty(x.shape, np.float32)
    step = max(1, _PIECE // max(1, x[0].size))
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and is reported as such
        for at in range(0, len(x), step):
            piece = x[at : at + step].astype(np.float64)
            if scale is not None:
                piece -= zero_point
                piece *= scale
            real[at : at + step] = piece
    return real


def _fit_shape(name: str, x: NDArray[Any], wanted: tuple[int, ...]) -> NDArray[Any]:
    found = x.shape[1:]
    if found == wanted:
        return x
    if (*found, 1) == wanted:
        return x[..., np.newaxis]
    if found == (*wanted, 1):
        return x[..., 0]
    hint = ""
    if x.shape == wanted:
        hint = "this looks like one sample without a batch: x[None, ...]"
    elif np.prod(found) == np.prod(wanted):
        hint = f"the sizes agree: x.reshape(-1, {', '.join(map(str, wanted))}) may be what is meant"
    raise DataError(f"samples have shape {found}, the model takes {wanted}", where=name, hint=hint)


def _fit_integers(name: str, x: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Return raw input tensors; other integer types will do where every value fits."""
    if x.dtype.name == dtype:
        return x
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    # 8 bits read with the other sign are a common mistake that ranges alone can not show.
    confused = x.dtype.itemsize == np.dtype(dtype).itemsize
    if confused or x.min() < low or x.max() > high:
        raise DataError(
            f"x holds {x.dtype.name} from {x.min()} to {x.max()}, the model takes {dtype}",
            where=name,
            hint="save x as raw input tensors, or tell what the integers mean: "
            "--x-scale S --x-zero-point Z",
        )
    return x.astype(dtype)


def _refuse_not_finite(name: str, what: str, values: NDArray[Any]) -> None:
    # A sum is finite where all values are, or has overflowed: then each one is looked at.
    with np.errstate(all="ignore"):
        if values.size == 0 or np.isfinite(values.sum()):
            return
    finite = np.isfinite(values)
    if not finite.all():
        at = tuple(int(i) for i in np.argwhere(~finite)[0])
        count = int((~finite).sum())
        raise DataError(
            f"{what}[{', '.join(map(str, at))}] is {values[at]}"
            + (f", and {count - 1} more are not finite" if count > 1 else ""),
            where=name,
            hint="drop or repair these samples",
        )


def fit_targets(
    name: str, y: NDArray[Any], samples: int, signature: Signature
) -> tuple[NDArray[np.int64] | None, NDArray[np.float32] | None]:
    """Return class indices, or what a regression should answer; the other one is None.

    Whole numbers, one per sample, are class indices; rows with a single 1 are one-hot
    labels; other real values are targets and must have the output's shape.

    Raises:
        DataError: as many as there are samples they must be, of that form, and in range.
    """
    if y.dtype.kind not in "iufb":
        raise DataError(f"y holds {y.dtype.name} values, not numbers", where=name)
    if y.ndim == 0 or len(y) != samples:
        raise DataError(
            f"{samples} samples, but {len(y) if y.ndim else 1} labels",
            where=name,
            hint="x and y must have the same length",
        )
    if y.dtype.kind == "f":
        _refuse_not_finite(name, "y", y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    whole = y.dtype.kind in "iub" or bool(np.all(y == np.round(y)))
    single = int(np.prod(signature.output_shape)) == 1
    if y.ndim == 1 and whole and not (y.dtype.kind == "f" and single and y.max() > 1):
        return _fit_labels(name, y.astype(np.int64), signature.classes), None
    if y.ndim == 2 and y.shape[1] == signature.classes and _one_hot(y):
        return np.argmax(y, axis=1).astype(np.int64), None
    if y.shape[1:] == signature.output_shape or (single and y.ndim == 1):
        return None, y.reshape(-1, *signature.output_shape).astype(np.float32)
    raise DataError(
        f"y has shape {y.shape}, the model answers {signature.output_shape}",
        where=name,
        hint="class indices (n,), one-hot labels (n, classes), or targets of the output's shape",
    )


def _one_hot(y: NDArray[Any]) -> bool:
    return bool(np.all((y == 0) | (y == 1)) and np.all(y.sum(axis=1) == 1))


def _fit_labels(name: str, labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        at = int(wrong[0])
        raise DataError(
            f"y[{at}] is class {labels[at]}, the model knows 0 to {classes - 1}"
            + (f" ({len(wrong)} such labels)" if len(wrong) > 1 else ""),
            where=name,
            hint="class indices start at 0",
        )
    return labels
