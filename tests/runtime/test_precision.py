"""Scale ratios are computed in the same precision as TFLM's, where it shows.

A ratio in float32 and one in float64 differ in the 24th bit; random data hardly ever
tells. These models put sums right beside the boundaries between two outputs.
"""

from __future__ import annotations

import numpy as np
from engine_lab import Case, check
from tflite_builder import Build, T

F = np.float32


def borders(a: np.float32, b: np.float32, c: np.float32) -> np.ndarray:
    """Sums around those where sum * a * b / c is half-way between two outputs."""
    ratio = float(a) * float(b) / float(c)
    middle = np.round((np.arange(-127, 128) + 0.5) / ratio).astype(np.int64)
    return np.concatenate([middle + d for d in range(-2, 3)])


def scales(seed: int) -> tuple[np.float32, np.float32, np.float32]:
    random = np.random.default_rng(seed)
    a, b = F(random.uniform(1e-3, 3e-2)), F(random.uniform(1e-3, 2e-2))
    return a, b, F(a * b * F(random.uniform(1000, 60000)))


def dense(name: str, seed: int) -> Case:
    """All weights times 0; the sums are the biases."""
    a, w, c = scales(seed)
    sums = borders(a, w, c)
    n = len(sums)
    b = Build()
    shape = (1, 1) if name == "FULLY_CONNECTED" else (1, 1, 1, 1)
    x = b.input(T(shape, "int8", a, 0))
    kernel = (n, *shape[1:])
    inputs = [
        x,
        b.tensor(T(kernel, "int8", w, 0, data=np.ones(kernel))),
        b.tensor(T((n,), "int32", float(F(a * w)), 0, data=sums)),
    ]
    options = "FullyConnectedOptions" if name == "FULLY_CONNECTED" else "Conv2DOptions"
    fields = {} if name == "FULLY_CONNECTED" else {"strideH": 1, "strideW": 1}
    b.outputs = b.op(name, inputs, [T((*shape[:-1], n), "int8", c, 0)], options, 4, **fields)
    return Case(b.bytes(), [[np.zeros(shape, np.int8)]], f"{name}_{seed}")


def svdf(seed: int) -> Case:
    a, w, c = scales(seed)
    sums = borders(a, w, c)
    n = len(sums)
    b = Build()
    inputs = [
        b.input(T((1, 1), "int8", 0.1, 0)),
        b.tensor(T((n, 1), "int8", 0.1, 0, data=np.zeros((n, 1)))),
        b.tensor(T((n, 1), "int16", w, 0, data=np.zeros((n, 1)))),
        b.tensor(T((n,), "int32", float(F(a * w)), 0, data=sums)),
        b.tensor(T((1, n), "int16", a, 0, variable=True)),
    ]
    b.outputs = b.op("SVDF", inputs, [T((1, n), "int8", c, 0)], "SVDFOptions", 3, rank=1)
    return Case(b.bytes(), [[np.zeros((1, 1), np.int8)]], f"svdf_{seed}")


def linear(name: str, seed: int) -> Case:
    """All int16 values but a few."""
    random = np.random.default_rng(seed)
    a, c = F(random.uniform(1e-4, 2e-3)), F(random.uniform(1e-4, 2e-3))
    b = Build()
    values = np.arange(-32768, 32768, 3, dtype=np.int16)
    x = b.input(T(values.shape, "int16", a, 0))
    options, fields = "", {}
    if name == "LEAKY_RELU":
        options, fields = "LeakyReluOptions", {"alpha": float(random.uniform(-1.4, 1.4))}
    b.outputs = b.op(name, [x], [T(values.shape, "int16", c, 0)], options, 2, **fields)
    return Case(b.bytes(), [[values]], f"{name}_{seed}")


def hard_swish(a: float, c: float, zero_a: int, zero_c: int) -> Case:
    b = Build()
    x = b.input(T((256,), "int8", a, zero_a))
    b.outputs = b.op("HARD_SWISH", [x], [T((256,), "int8", c, zero_c)])
    return Case(b.bytes(), [[np.arange(256).astype(np.uint8).view(np.int8)]])


def test_beside_the_boundaries() -> None:
    cases = [dense(name, seed) for name in ("CONV_2D", "FULLY_CONNECTED") for seed in range(2)]
    cases += [svdf(seed) for seed in range(2)]
    cases += [linear(name, seed) for name in ("RELU", "LEAKY_RELU") for seed in range(2)]
    # Pairs of scales where the 16-bit multipliers of the two precisions differ.
    cases.append(hard_swish(0.08188401, 0.051807754, -128, -128))
    cases.append(hard_swish(0.16112858, 0.35490692, -128, -128))
    check(cases)
