"""The Helium kernels in QEMU against TensorFlow Lite Micro, bit for bit, over random models.

The host can't run them. A model is run by each kernel that takes it, whatever it costs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bare_metal
import dsp_cases
import numpy as np
import op_cases
import pytest
from engine_lab import Case, graph_of, oracle
from test_ops_oracle import draw_models, inputs_for

from pipeline.codegen import Target, compile_graph
from pipeline.codegen import compile as compiler
from pipeline.codegen.kernels.mve.choose import KERNELS

M55 = Target("cortex-m55", frozenset({"dsp", "fpu", "mve"}))
COUNT = 4
CASES = {"usual": dsp_cases.STRATEGIES, "extreme": op_cases.STRATEGIES}


def check_on_chip(model: bytes, kernel: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a model of one op with a kernel, and compares all bytes."""
    graph = graph_of(model)
    with monkeypatch.context() as patch:
        patch.setattr(compiler, "candidates", lambda *_: [kernel])
        program = compile_graph(graph, M55)
    runs = inputs_for(model)
    inputs = np.stack([np.concatenate([i.reshape(-1) for i in r]) for r in runs])
    result = bare_metal.run(program, inputs, folder, "cortex-m55")
    wanted = oracle(Case(model, runs), list(graph.outputs))
    for ours, theirs in zip(result.outputs, wanted, strict=True):
        assert ours == theirs[graph.outputs[0]].tobytes(), f"{kernel.name} {graph.ops[0]}"


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, cases in CASES.items() for name in KERNELS if name in cases],
)
def test_random_models(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = 0
    for number, model in enumerate(draw_models(CASES[kind][name], COUNT)):
        graph = graph_of(model)
        for kernel in KERNELS[name]:
            if kernel.applies(graph, graph.ops[0], M55):
                check_on_chip(model, kernel, tmp_path / str(number), monkeypatch)
                ran += 1
    assert ran > 0
