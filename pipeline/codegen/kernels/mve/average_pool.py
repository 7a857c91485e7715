"""AVERAGE_POOL_2D for cores with Helium (firmware/runtime/mve/pool.h)."""

from __future__ import annotations

import math
from dataclasses import replace

from pipeline.codegen.kernels.kernel import Code, Cost, Site
from pipeline.codegen.ops import common, pooling
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_PER_OUTPUT = 15.0
_PER_TAP = 0.6


class AveragePool:
    """Sums of eight channels at a time."""

    name = "mve 8 channels"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Windows whose sums fit into int16."""
        return target.has("mve") and math.prod(pooling.window(op)[0]) <= 255

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Count of the loops' instructions."""
        taps = math.prod(pooling.window(op)[0])
        return Cost(common.elements(common.output(graph, op)) * (_PER_OUTPUT + _PER_TAP * taps))

    def lower(self, site: Site) -> Code:
        """A call of mve_average_pool_s8, with the portable parameters."""
        (support,) = (s for s in pooling.SUPPORT if s.name == site.op.name)
        code = support.kernels[0].lower(site)
        function = "mve_average_pool_s8"
        return replace(
            code,
            function=function,
            body=code.body.replace(f"{code.function}(", f"{function}("),
            files=("kernels.h", "mve/pool.h", "mve/average_pool.c"),
            slack=7,
        )
