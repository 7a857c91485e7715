"""Every DSP kernel against TensorFlow Lite Micro, bit for bit, over random models.

The kernels run on the host, with the DSP instructions emulated, under the address and
undefined-behaviour sanitizers. Each model is run by every kernel that takes it, not only
by the one the cost model would choose.
"""

from __future__ import annotations

from typing import Any

import engine_lab
import op_cases
import pytest
from dsp_cases import STRATEGIES
from engine_lab import Case, check, graph_of
from test_ops_oracle import draw_models, inputs_for

from pipeline.codegen import Target
from pipeline.codegen import compile as compiler
from pipeline.codegen.kernels.dsp.choose import KERNELS
from pipeline.codegen.kernels.dsp.clamp import Clamped
from pipeline.codegen.kernels.kernel import Kernel

DSP = Target("cortex-m4", frozenset({"dsp"}))


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
            # Inputs are written anew each time, so that outputs may take their place.
            anew = Case(case.model, case.runs, f"case_{number}", DSP, keep_inputs=False)
            return usual(anew, number)

    monkeypatch.setattr(engine_lab, "compile_case", compile_case)


def cases_of(models: list[bytes], most: int) -> list[Case]:
    """Each model with the kernels that take it; of many variants `most`, in turn."""
    cases = []
    for number, model in enumerate(models):
        graph = graph_of(model)
        op = graph.ops[0]
        able = [k.name for k in KERNELS[op.name] if k.applies(graph, op, DSP)]
        turn = number % max(len(able), 1)
        for name in (able[turn:] + able[:turn])[:most]:
            cases.append(Case(model, inputs_for(model), f"{op.name}: {name}", DSP))
    return cases


@pytest.mark.slow
def test_a_few_of_each() -> None:
    cases = []
    for strategy in STRATEGIES.values():
        cases += cases_of(draw_models(strategy, 2), 2)
    check(cases)


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_usual_models(name: str) -> None:
    cases = cases_of(draw_models(STRATEGIES[name], 40), 4)
    assert len(cases) >= 20
    for start in range(0, len(cases), 50):
        check(cases[start : start + 50])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_extreme_models(name: str) -> None:
    cases = cases_of(draw_models(op_cases.STRATEGIES[name], 40), 3)
    for start in range(0, len(cases), 50):
        check(cases[start : start + 50])


def kind(kernel: Kernel) -> type:
    return type(kernel.kernel if isinstance(kernel, Clamped) else kernel)


def test_every_kernel_is_reached() -> None:
    """The strategies draw models for all kinds of kernels, so that none goes untested."""
    reached = set()
    for strategy in STRATEGIES.values():
        for model in draw_models(strategy, 15):
            graph = graph_of(model)
            reached |= {
                kind(k) for k in KERNELS[graph.ops[0].name] if k.applies(graph, graph.ops[0], DSP)
            }
    assert {kind(k) for op, ks in KERNELS.items() for k in ks if "POOL" not in op} <= reached
