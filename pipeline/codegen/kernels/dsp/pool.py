"""What average_pool.py and max_pool.py share, for cores with DSP instructions (dsp/pool.h)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.kernel import Code, Cost, Site
from pipeline.codegen.ops import common, pooling
from pipeline.codegen.ops.common import tensor
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op


@dataclass(frozen=True)
class Pool:
    """Average and maximum over windows, four channels at a time."""

    function: str
    name: str = "dsp 4 channels"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Windows whose sums fit into int16."""
        return target.has("dsp") and math.prod(pooling.window(op)[0]) <= 255

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        taps = math.prod(pooling.window(op)[0])
        outputs = common.elements(common.output(graph, op))
        return Cost(outputs * (costs.POOL_PER_OUTPUT + costs.POOL_PER_TAP * taps))

    def lower(self, site: Site) -> Code:
        """A call of dsp_average_pool_s8 or dsp_max_pool_s8, with the portable parameters."""
        (support,) = (s for s in pooling.SUPPORT if s.name == site.op.name)
        code = support.kernels[0].lower(site)
        function = f"dsp_{self.function}_s8"
        file = self.function
        return replace(
            code,
            function=function,
            body=code.body.replace(f"{self.function}_s8(", f"{function}("),
            files=("kernels.h", "dsp/pool.h", f"dsp/{file}.c"),
            slack=3 if tensor(site.graph, site.op, 0).shape[3] % 4 else 0,
        )
