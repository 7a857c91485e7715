"""Layers with a clamp of their own, by kernels that know none.

The fast tiles saturate to int8 and nothing else: a clamp that is not the whole of int8 (a RELU
whose output reaches below zero, a RELU6 that cuts) would send them the slow way, at three times
the instructions. Saturating first and clamping in a second step gives the same values.
"""

from __future__ import annotations

import math
from dataclasses import replace

from pipeline.codegen.kernels.kernel import Code, Cost, Kernel, Site
from pipeline.codegen.ops import common
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_WHOLE = (-128, 127)
_INSTRUCTIONS = 2.75  # for each output: eleven for four of them
_CODE = 60


class Clamped:
    """A kernel, and a clamp behind it where the layer has one."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    @property
    def name(self) -> str:
        """The kernel's."""
        return self.kernel.name

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Where the kernel does, the clamp left out."""
        return self.kernel.applies(graph, _opened(graph, op), target)

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """The kernel's, and that of the second step."""
        opened = _opened(graph, op)
        cost = self.kernel.cost(graph, opened, target, optimize)
        if opened is op:
            return cost
        more = _INSTRUCTIONS * math.prod(common.output(graph, op).shape)
        return replace(cost, cycles=cost.cycles + more, flash=cost.flash + _CODE)

    def lower(self, site: Site) -> Code:
        """The kernel's code, and the second step."""
        opened = _opened(site.graph, site.op)
        code = self.kernel.lower(replace(site, op=opened))
        if opened is site.op:
            return code
        result = common.output(site.graph, site.op)
        low, high = common.limits(site.op, result)
        step = f"dsp_clamp_s8({site.output()}, {math.prod(result.shape)}, {low}, {high});"
        files = (*code.files, "dsp/clamp.h", "dsp/clamp.c")
        return replace(code, body=f"{code.body}\n{step}", files=files)


def _opened(graph: Graph, op: Op) -> Op:
    """The op without its clamp; the op itself where that lets everything through."""
    result = common.output(graph, op)
    if result.dtype != "int8" or common.limits(op, result) == _WHOLE:
        return op
    options = {key: value for key, value in op.options.items() if key != "clamp"}
    return replace(op, options={**options, "fused_activation_function": 0})
