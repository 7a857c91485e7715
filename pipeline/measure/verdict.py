"""Whether answers are right: what may differ between chip and reference, and by how much."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.convert import Graph

Verdict = Literal["identical", "close", "different", "none"]

MOST_ULPS = 1024.0
"""Units in the last place of a sample's largest value that float outputs may be apart: sums in
another order, another library's exp. About 1.2e-4 of that value."""
MOST_STEPS = 1
"""Steps that a quantised output may be apart where floats were computed on the way to it."""
_SHARE, _SIGMAS = 0.01, 4.0


def exact(graph: Graph, reason: str) -> bool:
    """Outputs have to be equal bit for bit.

    Args:
        graph: the model; one that computes in floats need not be.
        reason: why the reference is LiteRT as a whole; "" where it is not: its kernels round
            otherwise.
    """
    real = {t.index for t in graph.tensors if t.dtype == "float32"}
    floats = any(
        real.intersection(op.inputs) and op.name not in ("QUANTIZE", "RESHAPE") for op in graph.ops
    )
    return not reason and not floats


def largest_ulps(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """The largest difference of float outputs, in units in the last place.

    Args:
        ours, theirs: (n, elements) float32; the unit is that of each sample's largest value.
    """
    if ours.tobytes() == theirs.tobytes():
        return 0.0
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if not np.isfinite(a[~same]).all() or not np.isfinite(b[~same]).all():
        return math.inf
    most = np.abs(np.where(np.isfinite(b), b, 0.0)).max(axis=1, keepdims=True)
    unit = np.spacing(np.maximum(most, np.finfo(np.float32).tiny).astype(np.float32))
    return float((np.where(same, 0.0, np.abs(a - b)) / unit).max(initial=0.0))


def verdict_of(
    graph: Graph, reason: str, identical: bool, steps: int | None, ulps: float | None
) -> Verdict:
    """What a comparison of outputs comes to.

    Args:
        graph, reason: see `exact`.
        identical: every byte is equal.
        steps, ulps: the largest difference of quantised and of float outputs.
    """
    if identical:
        return "identical"
    if ulps is not None:
        return "close" if ulps <= MOST_ULPS else "different"
    if exact(graph, reason):
        return "different"
    return "close" if steps is not None and steps <= MOST_STEPS else "different"


def fell(device: float, host: float, samples: int, host_samples: int) -> bool:
    """The device's share of right answers is below the host's by more than rounding explains.

    Over the same samples a hundredth of them may fall to another side by rounding, one at
    least. Over a part of the host's samples chance comes in: four standard deviations.

    Args:
        device, host: shares 0..1 of right answers.
        samples, host_samples: over how many.
    """
    slack = max(_SHARE, 1.0 / max(1, samples))
    if samples != host_samples:
        slack += _SIGMAS * math.sqrt(max(host * (1.0 - host), 1.0 / samples) / max(1, samples))
    return host - device > slack + 1e-9
