"""ADD and SUB for cores without SIMD (firmware/runtime/scalar/add.h)."""

from __future__ import annotations

from dataclasses import replace

from pipeline.codegen.kernels.dsp.add import Add as DspAdd
from pipeline.codegen.kernels.kernel import Code, Cost, Site
from pipeline.codegen.kernels.scalar import cost as costs
from pipeline.codegen.kernels.scalar.conv import takes
from pipeline.codegen.ops import common
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op


class Add(DspAdd):
    """The tables of the DSP kernel, summed without its instructions."""

    name = "scalar tables"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Operands of one shape, and tables that are exact."""
        dsp = Target("", frozenset({"dsp"}))
        return takes(graph, op, target) and super().applies(graph, op, dsp)

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        return Cost(costs.ADD * common.elements(common.output(graph, op)), flash=2048)

    def lower(self, site: Site) -> Code:
        """A call of scalar_add_s8."""
        code = super().lower(site)
        return replace(
            code,
            function="scalar_add_s8",
            body=code.body.replace("dsp_add_s8(", "scalar_add_s8("),
            files=("scalar/add.h", "scalar/add.c"),
        )
