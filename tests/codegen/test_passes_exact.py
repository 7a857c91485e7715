"""All graph passes together: bit-identical to TFLite Micro on networks drawn at random."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from drawn_networks import network
from engine_lab import Case, check, graph_of, oracle, random_inputs

from pipeline.codegen import Target
from pipeline.codegen.compile import check_supported
from pipeline.codegen.passes import PASSES, simplify
from pipeline.codegen.passes.ranges import ranges
from pipeline.codegen.program import Pass

ALL = tuple(PASSES)


def inputs(model: bytes) -> list[list[np.ndarray]]:
    """Random values, and the extremes."""
    runs = random_inputs(model, 2, seed=len(model))
    return runs + [[np.full_like(x, v) for x in runs[0]] for v in (-128, 127)]


M4 = Target("cortex-m4", frozenset({"dsp"}))
M3 = Target("cortex-m3")


def compare(seeds: range, target: Target = Target()) -> None:
    """Every tensor that is left equals TFLM's on the original file."""
    models = [network(seed) for seed in seeds]
    check(
        [
            Case(m, inputs(m), f"seed {seed}", target, tensors=True, passes=ALL)
            for seed, m in zip(seeds, models, strict=True)
        ]
    )


def test_random_networks() -> None:
    compare(range(12))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 400, 30))
def test_many_random_networks(first: int) -> None:
    compare(range(first, first + 30))


@pytest.mark.slow
@pytest.mark.parametrize("target", [M4, M3], ids=lambda t: t.core)
def test_random_networks_with_the_kernels_of_a_core(target: Target) -> None:
    compare(range(400, 430), target)


def test_no_value_leaves_its_bounds() -> None:
    """What TFLM computes lies within what the interval analysis says, element by element."""
    for seed in range(25):
        model = network(seed)
        graph = graph_of(model)
        known = ranges(graph)
        wanted = sorted(i for i in known if graph.tensors[i].data is None and i not in graph.inputs)
        for values in oracle(Case(model, inputs(model)), wanted):
            for i in wanted:
                t = graph.tensors[i]
                low, high = known[i]
                got = np.asarray(values[i]).reshape(t.shape)
                assert ((low <= got) & (got <= high)).all(), (seed, t)


def found(seeds: Iterable[int]) -> dict[str, list[Pass]]:
    done: dict[str, list[Pass]] = {name: [] for name in PASSES}
    for seed in seeds:
        for p in simplify(graph_of(network(seed))).passes:
            done[p.name].append(p)
    return done


@pytest.mark.slow
def test_all_passes_have_something_to_do_there() -> None:
    """The networks above exercise every pass; none makes a model do more work."""
    done = found([*range(60), 158])  # the last has a layer whose result is always the same
    assert done.pop("dilation") == [], "tested by itself"
    for name, passes in done.items():
        assert passes, name
        assert all(p.notes and p.macs >= 0 and p.ops >= 0 for p in passes), name


def test_what_is_left_is_a_graph_that_the_engine_supports() -> None:
    for seed in range(40):
        graph = simplify(graph_of(network(seed))).graph
        check_supported(
            graph.__class__(
                graph.name,
                graph.sha256,
                graph.tensors,
                tuple(op for op in graph.ops if "table" not in op.options),
                graph.inputs,
                graph.outputs,
            )
        )
        known = {*graph.inputs, *(t.index for t in graph.tensors if t.data is not None)}
        for op in graph.ops:
            assert all(i < 0 or i in known for i in op.inputs)
            known.update(op.outputs)
        assert set(graph.outputs) <= known


def test_passes_can_be_left_out() -> None:
    graph = graph_of(network(3))
    assert simplify(graph, ()).graph is graph
    assert simplify(graph, ()).passes == ()
    assert {p.name for p in simplify(graph, ("dead", "tables")).passes} <= {"dead", "tables"}


def test_the_same_graph_twice() -> None:
    first, second = (simplify(graph_of(network(7))) for _ in range(2))
    assert first.passes == second.passes
    assert first.graph.ops == second.graph.ops
