"""The sparse kernels as they are on the chip, assembly included, in QEMU against TFLM."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from dsp_cases import fully_connected
from engine_lab import graph_of
from test_dsp_qemu import DSP, check_on_chip
from test_ops_oracle import draw_models
from test_sparse_oracle import clustered, thinned, usual

from pipeline.codegen.kernels.sparse.choose import KERNELS
from pipeline.codegen.kernels.sparse.wide_conv import SparseWide


@pytest.mark.slow
@pytest.mark.qemu
def test_random_convolutions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: Counter[str] = Counter()
    for number, model in enumerate(usual(120)):
        graph = graph_of(model)
        op = graph.ops[0]
        able = [k for k in KERNELS["CONV_2D"] if k.applies(graph, op, DSP)]
        wide = [k for k in able if isinstance(k, SparseWide)]
        kernel = min(wide, key=lambda k: done[k.name], default=None)
        if kernel is not None and done[kernel.name] < 2:
            check_on_chip(model, kernel, tmp_path / str(number), monkeypatch)
            done[kernel.name] += 1
    assert len(done) == 8, done


@pytest.mark.slow
@pytest.mark.qemu
def test_random_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = draw_models(fully_connected(), 24)
    models = [(thinned, clustered)[i % 2](m, i) for i, m in enumerate(drawn)]
    done: Counter[str] = Counter()
    for number, model in enumerate(models):
        graph = graph_of(model)
        able = [k for k in KERNELS["FULLY_CONNECTED"] if k.applies(graph, graph.ops[0], DSP)]
        if able:
            kernel = min(able, key=lambda k: done[k.name])
            check_on_chip(model, kernel, tmp_path / str(number), monkeypatch)
            done[kernel.name] += 1
    assert len(done) == 4
