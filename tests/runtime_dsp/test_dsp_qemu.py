"""The DSP kernels as they are on the chip, assembly included, in QEMU against TFLM."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dsp_cases import STRATEGIES
from engine_lab import Case, graph_of, oracle
from test_ops_oracle import draw_models, inputs_for

from pipeline.codegen import Target, compile_graph
from pipeline.codegen import compile as compiler
from pipeline.codegen.kernels.dsp.choose import KERNELS

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).parents[1] / "codegen"))
from bare_metal import run
from networks import Net

DSP = Target("cortex-m4", frozenset({"dsp"}))


def check_on_chip(model: bytes, kernel: Any, folder: Path, monkeypatch: Any) -> None:
    """Runs a model of one op with a kernel, and compares all bytes."""
    graph = graph_of(model)
    with monkeypatch.context() as patch:
        patch.setattr(compiler, "candidates", lambda *_: [kernel])
        # As it is: a pass may make another operator of it, which the kernel does not know.
        program = compile_graph(graph, DSP, keep_inputs=False, passes=())
    runs = inputs_for(model)
    stacked = np.stack([r[0] for r in runs])
    result = run(program, stacked, folder)
    wanted = oracle(Case(model, runs), list(graph.outputs))
    for ours, theirs in zip(result.outputs, wanted, strict=True):
        assert ours == theirs[graph.outputs[0]].tobytes(), f"{kernel.name} {graph.ops[0]}"


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("name", [n for n in STRATEGIES if n not in ("ADD", "SUB")])
def test_random_models(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, model in enumerate(draw_models(STRATEGIES[name], 16)):
        graph = graph_of(model)
        op = graph.ops[0]
        able = [k for k in KERNELS[op.name] if k.applies(graph, op, DSP)]
        if able:
            kernel = able[number % len(able)]
            check_on_chip(model, kernel, tmp_path / str(number), monkeypatch)


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("depthwise", [False, True])
def test_signs_and_clamps_cost_little(depthwise: bool, tmp_path: Path) -> None:
    """Outputs that saturating at zero does not give: below zero, or with a RELU of their own."""

    def instructions(act: int, zero: int) -> int:
        net = Net()
        x = net.input(1, 8, 8, 32)
        kernel = (3, 3) if depthwise else (1, 1)
        model = net.bytes(net.conv(x, 32, kernel, act=act, zero=zero, depthwise=depthwise))
        program = compile_graph(graph_of(model), DSP)
        folder = tmp_path / f"{act}_{zero}"
        return run(program, np.zeros((1, 8 * 8 * 32), np.int8), folder).instructions

    usual, linear, clamped = instructions(1, -128), instructions(0, -20), instructions(1, -20)
    assert linear < (2.0 if depthwise else 1.1) * usual
    assert clamped < 1.1 * linear
