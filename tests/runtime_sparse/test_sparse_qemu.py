"""The sparse kernels as they are on the chip, assembly included, in QEMU against TFLM."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_lab import graph_of
from test_dsp_qemu import DSP, check_on_chip
from test_sparse_oracle import usual

from pipeline.codegen.kernels_sparse import KERNELS
from pipeline.codegen.kernels_sparse_wide import SparseWide


@pytest.mark.slow
@pytest.mark.qemu
def test_random_convolutions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = set()
    for number, model in enumerate(usual(24)):
        graph = graph_of(model)
        op = graph.ops[0]
        able = [k for k in KERNELS["CONV_2D"] if k.applies(graph, op, DSP)]
        wide = [k for k in able if isinstance(k, SparseWide)]
        if wide:
            kernel = wide[number % len(wide)]
            check_on_chip(model, kernel, tmp_path / str(number), monkeypatch)
            done.add(kernel.name)
    assert len(done) == 6
