"""The scalar kernels as they are on the chip, assembly included, in QEMU against TFLM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bare_metal
import numpy as np
import pytest
from dsp_cases import STRATEGIES
from engine_lab import Case, graph_of, oracle
from test_ops_oracle import draw_models, inputs_for

from pipeline.codegen import Target, compile_graph
from pipeline.codegen import compile as compiler
from pipeline.codegen.kernels.scalar.choose import KERNELS


def check_on_chip(
    model: bytes, kernel: Any, core: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs a model of one op with a kernel, and compares all bytes."""
    graph = graph_of(model)
    with monkeypatch.context() as patch:
        patch.setattr(compiler, "candidates", lambda *_: [kernel])
        program = compile_graph(graph, Target(core))
    runs = inputs_for(model)
    result = bare_metal.run(program, np.stack([r[0] for r in runs]), folder, core)
    wanted = oracle(Case(model, runs), list(graph.outputs))
    for ours, theirs in zip(result.outputs, wanted, strict=True):
        assert ours == theirs[graph.outputs[0]].tobytes(), f"{kernel.name} {graph.ops[0]}"


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("core", bare_metal.SCALAR)
@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_random_models(
    name: str, core: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, model in enumerate(draw_models(STRATEGIES[name], 10)):
        graph = graph_of(model)
        op = graph.ops[0]
        able = [k for k in KERNELS[op.name] if k.applies(graph, op, Target(core))]
        if able:
            kernel = able[number % len(able)]
            check_on_chip(model, kernel, core, tmp_path / str(number), monkeypatch)
