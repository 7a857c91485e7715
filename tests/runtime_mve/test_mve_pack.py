"""What the Helium kernels take, and their streams; no emulator needed."""

from __future__ import annotations

import dsp_cases
import numpy as np
import pytest
from engine_lab import graph_of
from test_ops_oracle import draw_models

from pipeline.codegen import Target
from pipeline.codegen.kernels.mve.choose import KERNELS
from pipeline.codegen.kernels.mve.pack import Scaled, pack, stream_bytes


def scaled(shifts: list[int], zero: int = 0, low: int = -128) -> Scaled:
    count = len(shifts)
    start, multipliers = np.arange(count), np.arange(count) + 100
    return Scaled(start, multipliers, np.array(shifts), zero, low, 127)


def test_stream_is_padded_to_vectors_and_groups() -> None:
    weights = np.arange(5 * 17).reshape(5, 17) - 40
    constant = pack(weights, scaled([-1, -2, -3, -4, -5]))
    assert constant.nbytes == stream_bytes(5, 17) == 2 * (48 + 2 * 64)
    first, second = constant.values.reshape(2, -1)
    assert first[:4].tolist() == [0, 1, 2, 3]
    assert first[-8:].tolist() == [100, 101, 102, 103, -1, -2, -3, -4]
    rows = first[4:-8].astype("<i4").view(np.int8).reshape(2, 4, 16)
    assert rows[0].tolist() == weights[:4, :16].tolist()
    assert rows[1, :, 0].tolist() == weights[:4, 16].tolist()
    assert not rows[1, :, 1:].any()
    assert second[0] == 4
    assert not second[1:4].any()


def test_one_scale_is_not_in_the_stream() -> None:
    weights = np.ones((5, 16), np.int64)
    one = Scaled(np.arange(5), np.array([100]), np.array([-3]), 0, -128, 127)
    assert pack(weights, one, single=True).nbytes == stream_bytes(5, 16, True) == 2 * (16 + 64)


@pytest.mark.parametrize(
    ("shifts", "zero", "low", "mode"),
    [([-1, 0], -128, -128, "floor"), ([-1, 0], 3, -128, "sign"), ([-1, 1], -128, -128, "any")],
)
def test_mode(shifts: list[int], zero: int, low: int, mode: str) -> None:
    assert scaled(shifts, zero, low).mode == mode


@pytest.mark.parametrize("name", sorted(set(KERNELS) & set(dsp_cases.STRATEGIES)))
def test_only_with_helium(name: str) -> None:
    graph = graph_of(draw_models(dsp_cases.STRATEGIES[name], 1)[0])
    target = Target("cortex-m4", frozenset({"dsp", "fpu"}))
    assert not any(k.applies(graph, graph.ops[0], target) for k in KERNELS[name])
