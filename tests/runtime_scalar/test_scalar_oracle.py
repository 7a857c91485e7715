"""Every scalar kernel against TensorFlow Lite Micro, bit for bit, over random models.

The kernels run on the host, in their C form, under the address and undefined-behaviour
sanitizers. Each model is run by every kernel that takes it on some scalar core, not only
by the one the cost model would choose.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import engine_lab
import numpy as np
import op_cases
import pytest
from dsp_cases import STRATEGIES
from engine_lab import RUNTIME, Case, check, graph_of
from test_ops_oracle import draw_models, inputs_for

from pipeline.codegen import Target
from pipeline.codegen import compile as compiler
from pipeline.codegen.kernels.scalar.choose import KERNELS
from pipeline.codegen.kernels.scalar.pack import lanes_fit, pack_blocks

CORES = [Target(core) for core in ("cortex-m3", "cortex-m0plus", "rv32imc")]
NAMES = sorted(set(STRATEGIES) & set(KERNELS))


@pytest.fixture(autouse=True)
def kernel_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case's name ends in the kernel that must run it."""
    usual = engine_lab.compile_case

    def compile_case(case: Case, number: int = 0) -> Any:
        wanted = case.name.partition(": ")[2]

        def candidates(support: Any, *_: Any) -> Any:
            return [k for k in support.kernels if k.name == wanted]

        with monkeypatch.context() as patch:
            patch.setattr(compiler, "candidates", candidates)
            return usual(Case(case.model, case.runs, f"case_{number}", case.target), number)

    monkeypatch.setattr(engine_lab, "compile_case", compile_case)


def cases_of(models: list[bytes]) -> list[Case]:
    """Each model once for each kernel that takes it."""
    cases = []
    for model in models:
        graph = graph_of(model)
        op = graph.ops[0]
        able = {
            k.name: core for core in CORES for k in KERNELS[op.name] if k.applies(graph, op, core)
        }
        cases += [
            Case(model, inputs_for(model), f"{op.name}: {name}", core)
            for name, core in able.items()
        ]
    return cases


@pytest.mark.slow
def test_a_few_of_each() -> None:
    cases = [case for name in NAMES for case in cases_of(draw_models(STRATEGIES[name], 1))]
    check(cases)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_usual_models(name: str) -> None:
    cases = cases_of(draw_models(STRATEGIES[name], 40))
    assert len(cases) >= 20
    for start in range(0, len(cases), 50):
        check(cases[start : start + 50])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_extreme_models(name: str) -> None:
    cases = cases_of(draw_models(op_cases.STRATEGIES[name], 40))
    for start in range(0, len(cases), 50):
        check(cases[start : start + 50])


def test_lanes_are_refused_where_they_could_overflow() -> None:
    assert lanes_fit(np.array([[127, 127, -127, 127]]))
    assert not lanes_fit(np.array([[0, 0, -128, -128]]))
    assert lanes_fit(np.array([[1, -128, -128, 1]]))


def test_blocks_of_four_only_where_they_fit() -> None:
    small, large = np.full((8, 4), 63), np.full((8, 4), 64)
    assert pack_blocks(np.concatenate([small, large]))[:, 0].tolist() == [1, 0]


def test_high_word_by_pieces(tmp_path: Path) -> None:
    """What cores without a long multiplication compute is the product's high word."""
    source = tmp_path / "high.c"
    source.write_text(
        '#include "requant.h"\n'
        "int32_t high(int32_t a, int32_t b);\n"
        "int32_t high(int32_t a, int32_t b) { return scalar_high_by_pieces(a, b); }\n"
    )
    library = tmp_path / "high.so"
    subprocess.run(
        ["gcc", "-std=c11", "-O1", "-ftrapv", "-shared", "-fPIC", f"-I{RUNTIME / 'scalar'}",
         str(source), "-o", str(library)],
        check=True,
    )  # fmt: skip
    high = ctypes.CDLL(str(library)).high
    ends = [-(1 << 31), -65537, -65536, -65535, -1, 0, 1, 65535, 65536, (1 << 31) - 1]
    random = np.random.default_rng(0).integers(-(1 << 31), 1 << 31, 2000).tolist()
    for a in ends + random:
        for b in [m for m in (*ends, a) if m >= 0]:  # multipliers are not negative
            assert high(a, b) == (a * b) >> 32
