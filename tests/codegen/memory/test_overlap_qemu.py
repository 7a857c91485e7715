"""Networks whose outputs reach into inputs, on every core the bare harness runs."""

from __future__ import annotations

from pathlib import Path

import bare_metal
import numpy as np
import pytest
from engine_lab import Case, graph_of, oracle, random_inputs
from test_overlap import chain

from pipeline.board import boards, load_board
from pipeline.codegen import Target, compile_graph

SEEDS = range(1, 5)


def target_of(core: str) -> Target:
    """The core as a board has it."""
    found = (load_board(name) for name in boards())
    features = next((b.features for b in found if b.core == core), ())
    return Target(core, frozenset(features))


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("core", bare_metal.CORES)
def test_networks_are_bit_identical_on_a_core(core: str, tmp_path: Path) -> None:
    for seed in SEEDS:
        model = chain(seed)
        graph = graph_of(model)
        runs = random_inputs(model, 2, seed)
        wanted = [values[graph.outputs[0]].tobytes() for values in oracle(Case(model, runs), [])]
        for optimize in ("speed", "size"):
            program = compile_graph(graph, target_of(core), optimize)
            folder = tmp_path / f"{seed}-{optimize}"
            result = bare_metal.run(program, np.concatenate([r[0] for r in runs]), folder, core)
            assert result.outputs == wanted, (core, seed, optimize)
