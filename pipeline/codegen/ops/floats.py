"""What the float32 operators share: literals, clamps, and their place beside the integer ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import (
    ACTIVATION_NONE,
    ACTIVATION_RELU,
    ACTIVATION_RELU6,
    ACTIVATION_RELU_N1_TO_1,
)
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem
from pipeline.convert.graph import Graph, Op, Tensor

HEADERS = ("kernels_f32.h", "functions_f32.h")

_CLAMPS = {
    ACTIVATION_NONE: (-np.inf, np.inf),
    ACTIVATION_RELU: (0.0, np.inf),
    ACTIVATION_RELU_N1_TO_1: (-1.0, 1.0),
    ACTIVATION_RELU6: (0.0, 6.0),
}


def literal(value: float) -> str:
    """A C constant of type float."""
    if np.isnan(value):
        return "NAN"
    if np.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return f"{float(np.float32(value))!r}f"


def limits(op: Op) -> dict[str, str]:
    """The fields min and max: what the fused activation lets through."""
    low, high = _CLAMPS[common.fused(op)]
    return {"min": literal(low), "max": literal(high)}


def real(*tensors: Tensor | None) -> Problem:
    """All tensors that are there hold float32."""
    for t in tensors:
        if t is not None and t.dtype != "float32":
            return f"{t.dtype} data (tensor {t.name!r}) beside float32", common.REQUANTISE
    return None


def is_real(graph: Graph, op: Op) -> bool:
    """The op reads float32."""
    return any(graph.tensors[i].dtype == "float32" for i in op.inputs if i >= 0)


def call(
    site: Site,
    function: str,
    params: Initializer,
    inputs: tuple[int, ...] = (0,),
    headers: tuple[str, ...] = (),
) -> Code:
    """function(&params, inputs, output); with the headers of all float kernels, and its own."""
    operands = ", ".join(site.input(i) for i in inputs)
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {operands}, {site.output()});",
        files=(*HEADERS, *headers, f"portable/{function}.c"),
    )


def beside(whole: Support, floating: Support) -> Support:
    """One operator out of its integer and its float half; the tensors' type chooses."""
    portable, other = whole.kernels[0], floating.kernels[0]
    assert isinstance(portable, Portable)
    assert isinstance(other, Portable)

    def check(graph: Graph, op: Op) -> Problem:
        return (floating if is_real(graph, op) else whole).check(graph, op)

    def lower(site: Site) -> Code:
        return (other if is_real(site.graph, site.op) else portable).lower(site)

    def instructions(graph: Graph, op: Op) -> float:
        return (other if is_real(graph, op) else portable).instructions(graph, op)

    return replace(
        whole,
        dtypes=(*whole.dtypes, *floating.dtypes),
        kernels=[Portable(lower, instructions), *whole.kernels[1:]],
        check=check,
    )


def support(
    name: str,
    check: Callable[[Graph, Op], Problem],
    lower: Callable[[Site], Code],
    instructions: Callable[[Graph, Op], float],
    versions: tuple[int, int],
) -> Support:
    """An operator's float half."""

    def check_type(graph: Graph, op: Op) -> Problem:
        if op.inputs and not is_real(graph, op):
            return f"{graph.tensors[op.inputs[0]].dtype} data, it runs on float32", common.TFLM
        return check(graph, op)

    return Support(
        name=name,
        dtypes=("float32",),
        kernels=[Portable(lower, instructions)],
        check=check_type,
        versions=versions,
    )


def per_element(cost: float) -> Callable[[Graph, Op], float]:
    """Instructions by the number of outputs, with floating-point hardware."""

    def instructions(graph: Graph, op: Op) -> float:
        return cost * common.elements(common.output(graph, op))

    return instructions
