"""A sample of every operator as it is on the chip, on each emulated core, against TFLM.

The host build proves the arithmetic; a core's compiler, its ABI and its kernels are proven
here. Operators take turns: each runs on one core per round, every core sees them all in turn.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_lab import Case, alike, graph_of, oracle
from float_cases import FLOATS
from op_cases import STRATEGIES, WIDE
from test_ops_oracle import draw_models, inputs_for

from pipeline.codegen import Target, compile_graph

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from bare_metal import CORES, run

TOLERANCE = 2e-5
"""Of a float tensor's largest magnitude: fused multiply-adds, another library's exp."""

ALL: list[tuple[str, Any]] = [
    *((f"{name} int8", strategy) for name, strategy in sorted(STRATEGIES.items())),
    *((f"{name} int16", strategy) for name, strategy in sorted(WIDE.items())),
    *((f"{name} float32", strategy) for name, strategy in sorted(FLOATS.items())),
]


def check_on_core(name: str, model: bytes, core: str, folder: Path) -> None:
    graph = graph_of(model)
    program = compile_graph(graph, Target(core, CORES[core].features))
    runs = inputs_for(model)
    rows = [b"".join(v.tobytes() for v in values) for values in runs]
    stacked = np.stack([np.frombuffer(row, np.int8) for row in rows])
    result = run(program, stacked, folder, core)
    wanted = oracle(Case(model, runs), list(graph.outputs))
    for ours, theirs in zip(result.outputs, wanted, strict=True):
        start = 0
        for index in graph.outputs:
            expected = np.ascontiguousarray(theirs[index])
            part = np.frombuffer(ours, expected.dtype, expected.size, start)
            start += part.nbytes
            assert alike(part, expected.reshape(-1), TOLERANCE), f"{name} on {core}"


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("core", CORES)
def test_operators_take_turns(core: str, tmp_path: Path) -> None:
    turn = list(CORES).index(core)
    for number, (name, strategy) in enumerate(ALL):
        if number % len(CORES) == turn:
            model = draw_models(strategy, 4)[-1]
            check_on_core(name, model, core, tmp_path / str(number))
