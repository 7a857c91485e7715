"""Sparse weights: streams that decode to what went in, kernels equal to TFLite Micro's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dsp_cases
import engine_lab
import numpy as np
import op_cases
import pytest
from engine_lab import Case, check, graph_of
from hypothesis import given
from hypothesis import strategies as st
from test_ops_oracle import draw_models, inputs_for

from pipeline.codegen import Target, compile_graph
from pipeline.codegen import compile as compiler
from pipeline.codegen.kernels.kernel import weighed
from pipeline.codegen.kernels.sparse.choose import KERNELS
from pipeline.codegen.kernels.sparse.pack import (
    ENCODINGS,
    pack_bitmap,
    pack_codes4,
    pack_delta4,
    pack_delta8,
)
from pipeline.codegen.kernels.sparse.wide_conv import SparseWide
from pipeline.convert import Graph

DSP = Target("cortex-m4", frozenset({"dsp"}))
MODELS = {"CONV_2D": op_cases.conv_2d(), "FULLY_CONNECTED": op_cases.fully_connected()}


@st.composite
def sparse_matrix(draw: st.DrawFn) -> np.ndarray:
    channels, places = draw(st.integers(1, 5)), draw(st.integers(1, 700))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.0, 0.002, 0.05, 0.3, 1.0]))
    weights = random.integers(-128, 128, (channels, places)).astype(np.int8)
    return weights * (random.random((channels, places)) < share).astype(np.int8)


def decode_delta(stream: bytes, shape: tuple[int, int], nibbles: bool) -> np.ndarray:
    found = np.zeros(shape, np.int8)
    at = 0
    for channel in range(shape[0]):
        pairs = stream[at] + 256 * stream[at + 1]
        at += 2
        place = 0
        for _ in range(pairs):
            if nibbles:
                steps, weights = (stream[at] & 15, stream[at] >> 4), stream[at + 1 : at + 3]
                at += 3
            else:
                steps, weights = (stream[at], stream[at + 2]), stream[at + 1 : at + 4 : 2]
                at += 4
            for step, weight in zip(steps, weights, strict=True):
                place += step
                if weight:
                    found[channel, place] = weight - 256 * (weight > 127)
    assert at == len(stream)
    return found


@given(sparse_matrix())
def test_streams_hold_the_weights(weights: np.ndarray) -> None:
    shape = weights.shape
    assert (decode_delta(pack_delta8(weights).tobytes(), shape, False) == weights).all()
    assert (decode_delta(pack_delta4(weights).tobytes(), shape, True) == weights).all()
    if weights.shape[1] >= 16:
        few = weights // 16 * 16
        stream = pack_codes4(few)
        assert stream[0] == len(np.unique(few[0]))
        codes = stream[1 + stream[0] :][: (shape[1] + 1) // 2]
        both = np.stack([codes & 15, codes >> 4], axis=1).reshape(-1)[: shape[1]]
        assert (stream[1 : 1 + stream[0]].view(np.int8)[both] == few[0]).all()
    stored = np.count_nonzero(weights)
    assert len(pack_bitmap(weights)) == stored + shape[0] * (-(-shape[1] // 8))


@pytest.mark.parametrize(
    ("share", "smallest"), [(0.5, "bitmap"), (0.15, "delta4"), (0.02, "delta8")]
)
def test_the_smallest_encoding_depends_on_the_sparsity(share: float, smallest: str) -> None:
    random = np.random.default_rng(0)
    weights = random.integers(1, 128, (64, 640)).astype(np.int8)
    weights *= (random.random(weights.shape) < share).astype(np.int8)
    sizes = {e.name: len(e.pack(weights)) for e in ENCODINGS if not e.codes}
    assert min(sizes, key=lambda name: sizes[name]) == smallest


@pytest.fixture
def kernel_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case's name is the kernel that must run it."""
    usual = engine_lab.compile_case

    def compile_case(case: Case, number: int = 0) -> Any:
        def candidates(support: Any, *_: Any) -> Any:
            return [k for k in support.kernels if k.name == case.name]

        with monkeypatch.context() as patch:
            patch.setattr(compiler, "candidates", candidates)
            return usual(Case(case.model, case.runs, f"case_{number}", case.target), number)

    monkeypatch.setattr(engine_lab, "compile_case", compile_case)


def cases_of(models: list[bytes]) -> list[Case]:
    """Each model once in each encoding that takes it, on a core with DSP instructions."""
    cases = []
    for model in models:
        graph = graph_of(model)
        op = graph.ops[0]
        cases += [
            Case(model, inputs_for(model), kernel.name, DSP)
            for kernel in KERNELS[op.name]
            if kernel.applies(graph, op, DSP)
        ]
    return cases


def thinned(model: bytes, number: int) -> bytes:
    """A model of one op with most of its weights at zero."""
    graph = graph_of(model)
    weights = graph.tensors[graph.ops[0].inputs[1]].data
    assert weights is not None
    random = np.random.default_rng(number)
    share = (0.05, 0.13, 0.25, 0.5)[number % 4]
    fewer = weights * (random.random(weights.shape) < share).astype(np.int8)
    if model.count(weights.tobytes()) != 1:  # a few bytes may stand elsewhere too
        return model
    return model.replace(weights.tobytes(), fewer.tobytes())


def clustered(model: bytes, number: int) -> bytes:
    """A model of one op with 16 distinct weights at most."""
    graph = graph_of(model)
    weights = graph.tensors[graph.ops[0].inputs[1]].data
    assert weights is not None
    if model.count(weights.tobytes()) != 1:
        return model
    return model.replace(weights.tobytes(), (weights // 16 * 16).tobytes())


def usual(count: int) -> list[bytes]:
    """Convolutions with few weights, or with few different ones."""
    models = draw_models(dsp_cases.conv_2d(), count)
    return [(thinned, thinned, clustered)[i % 3](m, i) for i, m in enumerate(models)]


@pytest.mark.slow
def test_a_few_of_each(kernel_by_name: None) -> None:
    cases = [case for model in MODELS.values() for case in cases_of(draw_models(model, 6))]
    assert cases
    check(cases + cases_of(usual(6)))


@pytest.mark.slow
def test_usual_convolutions(kernel_by_name: None) -> None:
    cases = cases_of(usual(150))
    for kept in (False, True):
        for encoding in ENCODINGS:
            name = SparseWide(encoding, kept).name
            assert sum(case.name == name for case in cases) >= 10, name
    for start in range(0, len(cases), 80):
        check(cases[start : start + 80])


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_random_models(kernel_by_name: None, name: str) -> None:
    cases = cases_of(draw_models(MODELS[name], 120))
    assert len(cases) >= 60
    for start in range(0, len(cases), 60):
        check(cases[start : start + 60])


def test_dense_weights_stay_dense() -> None:
    graph = graph_of(draw_models(MODELS["CONV_2D"], 1)[0])
    op = graph.ops[0]
    weights = graph.tensors[op.inputs[1]]
    full = replace(weights, data=np.ones(weights.shape, np.int8))
    tensors = tuple(full if t is weights else t for t in graph.tensors)
    graph = replace(graph, tensors=tensors)
    assert not any(kernel.applies(graph, op, Target()) for kernel in KERNELS["CONV_2D"])


def layer_of(weights: np.ndarray) -> Graph:
    """A fully connected layer with these weights."""
    model = op_cases.fully_connected()
    graph = next(
        g for g in map(graph_of, draw_models(model, 40)) if g.tensors[g.ops[0].inputs[1]].shape
    )
    op = graph.ops[0]
    outputs, inputs = weights.shape
    shapes = {op.inputs[0]: (1, inputs), op.inputs[1]: weights.shape, op.outputs[0]: (1, outputs)}
    tensors = tuple(
        replace(t, shape=shapes.get(t.index, t.shape), data=weights if t.index == op.inputs[1]
                else t.data)
        for t in graph.tensors
    )  # fmt: skip
    op = replace(op, inputs=op.inputs[:2])
    return replace(graph, tensors=tensors, ops=(op,))


@pytest.mark.parametrize("optimize", ["speed", "balanced", "size"])
def test_every_goal_takes_few_weights_as_sparse(optimize: Any) -> None:
    weights = np.zeros((64, 640), np.int8)
    weights[:, ::40] = 9
    program = compile_graph(layer_of(weights), DSP, optimize)
    assert program.layers[0].encoding == "delta8"


@pytest.mark.parametrize("core", [Target("cortex-m0plus"), Target("rv32imc")])
def test_clustered_weights_are_codes_where_size_counts(core: Target) -> None:
    weights = np.random.default_rng(0).integers(-8, 8, (64, 640)).astype(np.int8) * 15
    program = compile_graph(layer_of(weights), core, "size")
    assert program.layers[0].encoding == "codes4"
    assert program.layers[0].weight_bytes < 0.6 * weights.size
    assert compile_graph(layer_of(weights), core, "speed").layers[0].encoding != "codes4"


def test_speed_and_size_weigh_differently() -> None:
    from pipeline.codegen.kernels.kernel import Cost

    slow_and_small, fast_and_large = Cost(2000.0, -1000), Cost(1000.0, 0)
    assert weighed(slow_and_small, "size") < weighed(fast_and_large, "size")
    assert weighed(slow_and_small, "speed") > weighed(fast_and_large, "speed")
