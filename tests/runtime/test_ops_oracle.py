"""Every operator against TensorFlow Lite Micro, bit for bit, over random models.

All examples of an operator go into one C program: one gcc call, under sanitizers.
More examples: HYPOTHESIS_PROFILE=thorough pytest -m slow tests/runtime.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_lab import Case, check, graph_of, random_inputs
from float_cases import FLOATS, TOLERANCE
from hypothesis import given, settings
from hypothesis import strategies as st
from op_cases import MANY_TYPES, STRATEGIES, WIDE

from pipeline.codegen.registry import registry


def inputs_for(model: bytes) -> list[list[np.ndarray]]:
    """Two random inputs, and the extremes; all 256 values where a table is tested."""
    graph = graph_of(model)
    shapes = {graph.tensors[i].shape for i in graph.inputs}
    runs = random_inputs(model, 2, seed=len(model))
    if shapes == {(256,)} and graph.tensors[graph.inputs[0]].dtype != "float32":
        kind = np.dtype(graph.tensors[graph.inputs[0]].dtype)
        return [[np.arange(256).astype(np.uint8).view(kind)]]
    for extreme in (-128, 127):
        run = []
        for i in graph.inputs:
            t = graph.tensors[i]
            if t.dtype in ("int8", "int16"):
                value = extreme if t.dtype == "int8" else extreme * 256
                run.append(np.full(t.shape, value, t.dtype))
            else:
                run.append(np.full(t.shape, 1 if t.dtype == "uint8" else 0.5, t.dtype))
        runs.append(run)
    return runs


def draw_models(strategy: Any, count: int) -> list[bytes]:
    """Example models of a strategy, the same ones at every run."""
    models: list[bytes] = []

    @settings(max_examples=count, derandomize=True, database=None, deadline=None)
    @given(strategy)
    def collect(model: bytes) -> None:
        models.append(model)

    collect()
    return models


def check_operator(name: str, count: int, strategies: Any = STRATEGIES) -> None:
    models = draw_models(strategies[name], count)
    tolerance = TOLERANCE if strategies is FLOATS else 0.0
    cases = [
        Case(m, inputs_for(m), f"{name}_{i}", tolerance=tolerance) for i, m in enumerate(models)
    ]
    for start in range(0, len(cases), 50):
        check(cases[start : start + 50])


@pytest.mark.slow
def test_all_operators_together() -> None:
    """A few examples of each operator, in one program: quick."""
    cases = []
    for name, strategy in (*STRATEGIES.items(), *WIDE.items()):
        models = draw_models(strategy, 2)
        cases += [Case(m, inputs_for(m), f"{name}_{i}") for i, m in enumerate(models)]
    check(cases)


@pytest.mark.slow
def test_all_operators_of_floats_together() -> None:
    cases = []
    for name, strategy in FLOATS.items():
        models = draw_models(strategy, 3)
        cases += [
            Case(m, inputs_for(m), f"{name}_{i}", tolerance=TOLERANCE) for i, m in enumerate(models)
        ]
    check(cases)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_operator(name: str) -> None:
    check_operator(name, max(100, settings().max_examples))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WIDE))
def test_operator_of_int16(name: str) -> None:
    check_operator(name, max(100, settings().max_examples), WIDE)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FLOATS))
def test_operator_of_floats(name: str) -> None:
    check_operator(name, max(100, settings().max_examples), FLOATS)


@pytest.mark.parametrize("name", sorted(registry()))
def test_operator_has_an_oracle_test(name: str) -> None:
    support = registry()[name]
    # Ops that only move values take every type alike.
    moves = "bool" in support.dtypes
    assert moves or "int16" not in support.dtypes or "variable" in name.lower() or name in WIDE
    assert moves or name in MANY_TYPES or "float32" not in support.dtypes or name in FLOATS
    assert name in STRATEGIES or name in FLOATS, f"add a strategy for {name} to op_cases.py"


def test_strategies_draw_models() -> None:
    assert isinstance(STRATEGIES["CONV_2D"], st.SearchStrategy)
