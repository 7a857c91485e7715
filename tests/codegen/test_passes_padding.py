"""PAD in the op behind it: every kernel of every core with paddings that no SAME gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import engine_lab
import numpy as np
import pytest
from engine_lab import Case, check, graph_of, oracle, random_inputs
from networks import Net

from pipeline.codegen import Target, compile_graph
from pipeline.codegen import compile as compiler
from pipeline.codegen.kernels.kernel import candidates
from pipeline.codegen.passes import PASSES, simplify
from pipeline.codegen.registry import registry
from pipeline.convert import Graph

ALL = tuple(PASSES)
HOST = {
    "dsp": [Target("cortex-m4", frozenset({"dsp"}))],
    "scalar": [Target(core) for core in ("cortex-m3", "cortex-m0plus", "rv32imc")],
}
M55 = Target("cortex-m55", frozenset({"dsp", "fpu", "mve"}))
EDGES = (((0, 1), (0, 1)), ((2, 0), (1, 2)), ((0, 0), (2, 2)), ((1, 2), (0, 0)))


def padded(kind: str, edges: Any, stride: int, same: bool = False, size: int = 8) -> bytes:
    """PAD -> CONV_2D, DEPTHWISE_CONV_2D or MAX_POOL_2D of 3 x 3; all of it seen as output."""
    net = Net(sum(map(sum, edges)) + stride)
    x = net.input(1, size, size, 8, zero=-128 if kind == "pool" else -3)
    x = net.pad(x, (0, 0), *edges, (0, 0))
    if kind == "conv":
        y = net.conv(x, 8, (3, 3), stride=stride, same=same)
    elif kind == "dw":
        y = net.dw(x, stride=stride, same=same)
    else:
        y = net.pool("MAX_POOL_2D", x, 3, stride, same)
    return net.bytes(y)


MODELS = {
    f"{kind}, {edges}, stride {stride}{', SAME' * same}": padded(kind, edges, stride, same)
    for kind in ("conv", "dw", "pool")
    for edges in EDGES
    for stride, same in ((1, False), (2, False), (2, True))
}


def simplified(model: bytes) -> Graph:
    return simplify(graph_of(model)).graph


def kernels(graph: Graph, target: Target) -> list[str]:
    """Kernels made for the core that take the last op."""
    op = graph.ops[-1]
    able = candidates(registry()[op.name], graph, op, target)
    return [k.name for k in able if k.name != "portable" and not k.name.startswith("sparse")]


def use(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def only(support: Any, *rest: Any) -> Any:
        return [k for k in candidates(support, *rest) if k.name == name]

    monkeypatch.setattr(compiler, "candidates", only)


def test_nothing_of_the_pad_is_left() -> None:
    for name, model in MODELS.items():
        # Two rows before a window of three, and SAME's own on top: a window outside.
        most = 1 + ("SAME" in name)
        assert len(simplified(model).ops) <= most, name
    assert sum(len(simplified(m).ops) == 1 for m in MODELS.values()) > 0.7 * len(MODELS)


def test_portable_kernels() -> None:
    check([Case(m, random_inputs(m, 1), n, passes=ALL) for n, m in MODELS.items()])


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOST)
def test_kernels_of_cores_without_vectors(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the host, instructions emulated: of the many variants of a kernel a few, in turn."""
    usual = engine_lab.compile_case

    def compile_case(case: Case, number: int = 0) -> Any:
        with monkeypatch.context() as patch:
            use(patch, case.name.partition(": ")[2])
            return usual(case, number)

    monkeypatch.setattr(engine_lab, "compile_case", compile_case)
    cases = []
    for number, (name, model) in enumerate(MODELS.items()):
        graph = simplified(model)
        if len(graph.ops) > 1:
            continue
        for target in HOST[kind]:
            able = kernels(graph, target)
            turn = number % max(len(able), 1)
            cases += [
                Case(model, random_inputs(model, 1), f"{name}: {kernel}", target, passes=ALL)
                for kernel in (able[turn:] + able[:turn])[:2]
            ]
    assert len(cases) > 25
    check(cases)


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("kind", ["conv", "dw"])
def test_helium_kernels(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    from bare_metal import run

    ran = 0
    for number, edges in enumerate(EDGES):
        model = padded(kind, edges, 1 + number % 2)
        runs = random_inputs(model, 2)
        wanted = oracle(Case(model, runs), list(graph_of(model).outputs))
        for kernel in kernels(simplified(model), M55):
            if not kernel.startswith("mve"):
                continue
            with monkeypatch.context() as patch:
                use(patch, kernel)
                program = compile_graph(graph_of(model), M55)
            stacked = np.stack([r[0].reshape(-1) for r in runs])
            result = run(program, stacked, tmp_path / f"{number}{kernel}", "cortex-m55")
            for ours, theirs in zip(result.outputs, wanted, strict=True):
                assert ours == theirs[graph_of(model).outputs[0]].tobytes(), f"{kernel} {edges}"
            ran += 1
    assert ran


def test_other_values_than_the_zero_point_stay() -> None:
    net = Net(1)
    x = net.input(1, 4, 4, 8)
    y = net.pad(x, (0, 0), (1, 1), (1, 1), (0, 0))
    value = net.b.tensor(net.like(x, (1,)))
    net.b.tensors[value].data = np.array([5], np.int8)
    name, inputs, outputs, options, version, middle = net.b.ops[-1]
    net.b.ops[-1] = ("PADV2", [*inputs, value], outputs, ("PadV2Options", {}), version, middle)
    del name, options
    model = net.bytes(net.conv(y, 4, (3, 3), same=False))
    assert [op.name for op in simplified(model).ops] == ["PADV2", "CONV_2D"]
    check([Case(model, random_inputs(model, 2), passes=ALL)])


def test_a_maximum_of_values_below_the_padding_stays() -> None:
    net = Net(1)
    x = net.pad(net.input(1, 4, 4, 8, zero=5), (0, 0), (1, 1), (1, 1), (0, 0))
    model = net.bytes(net.pool("MAX_POOL_2D", x, 3, 2))
    assert [op.name for op in simplified(model).ops] == ["PAD", "MAX_POOL_2D"]
    check([Case(model, random_inputs(model, 2), passes=ALL)])


def test_an_average_counts_what_is_padded() -> None:
    net = Net(1)
    x = net.pad(net.input(1, 4, 4, 8), (0, 0), (1, 1), (1, 1), (0, 0))
    model = net.bytes(net.pool("AVERAGE_POOL_2D", x, 3, 2))
    assert [op.name for op in simplified(model).ops] == ["PAD", "AVERAGE_POOL_2D"]
    check([Case(model, random_inputs(model, 2), passes=ALL)])


def test_padding_along_channels_stays() -> None:
    net = Net(1)
    x = net.pad(net.input(1, 4, 4, 6), (0, 0), (0, 0), (0, 0), (1, 1))
    model = net.bytes(net.conv(x, 4, (3, 3)))
    assert [op.name for op in simplified(model).ops] == ["PAD", "CONV_2D"]
    check([Case(model, random_inputs(model, 2), passes=ALL)])


def test_a_tensor_that_is_padded_for_several() -> None:
    """Goes where all of its readers can pad; stays where one can't."""
    for last, left in (("conv", 0), ("mean", 1)):
        net = Net(2)
        x = net.pad(net.input(1, 6, 6, 4), (0, 0), (1, 1), (1, 1), (0, 0))
        a = net.conv(x, 4, (3, 3), same=False)
        b = net.conv(x, 4, (3, 3), same=False) if last == "conv" else net.mean(x)
        model = net.bytes(a, b)
        assert [op.name for op in simplified(model).ops].count("PAD") == left
        check([Case(model, random_inputs(model, 2), passes=ALL)])
