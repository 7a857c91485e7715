"""ADD and SUB for cores with Helium (firmware/runtime/mve/elementwise.h)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pipeline.codegen.kernels.kernel import Code, Cost, Initializer, Site
from pipeline.codegen.numeric import requantize, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.arithmetic import FRACTION_BITS, in_place, operand_multipliers
from pipeline.codegen.ops.common import tensor
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_FRACTIONS = range(24, 15, -1)
"""Bits below the point that are tried; more are nearer to TFLM, fewer don't overflow."""
_PER_ELEMENT = 3.0


@lru_cache(maxsize=64)
def _line(
    scales: tuple[tuple[int, int], ...],
    zeros: tuple[int, int, int],
    sign: int,
    low: int,
    high: int,
) -> tuple[int, int, int, int] | None:
    """(a factor, b factor, offset, fraction) of mve_add_t, exact for all pairs, or None.

    The outputs are a rounded linear function but for the rounding of the operands; an offset
    is looked for with which the floor is equal everywhere.
    """
    x = np.arange(-128, 128, dtype=np.int64)
    left, right = (
        requantize((x - zero) << FRACTION_BITS, m, s)
        for zero, (m, s) in zip(zeros, scales[:2], strict=False)
    )
    out_m, out_s = scales[2]
    both = (left[:, None] + sign * right[None, :]).reshape(-1)
    exact = np.clip(requantize(both, out_m, out_s) + zeros[2], low, high)
    for fraction in _FRACTIONS:
        # Factors: the product of operand and output multipliers.
        a, b = (
            round(m * out_m * 2.0 ** (s + out_s - 62 + FRACTION_BITS + fraction))
            for m, s in scales[:2]
        )
        b *= sign
        total = (a * x[:, None] + b * x[None, :]).reshape(-1)
        least = ((exact << fraction) - total)[exact > low]
        most = (((exact + 1) << fraction) - 1 - total)[exact < high]
        first = int(least.max(initial=-(1 << 30)))
        last = int(most.min(initial=1 << 30))
        offset = (first + last) // 2
        if first <= last and 128 * (abs(a) + abs(b)) + abs(offset) < 1 << 31:
            return a, b, offset, fraction
    return None


def _factors(graph: Graph, op: Op) -> tuple[int, int, int, int] | None:
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    return _line(
        tuple(operand_multipliers(a, b, result)),
        (zero_of(a), zero_of(b), zero_of(result)),
        -1 if op.name == "SUB" else 1,
        *common.limits(op, result),
    )


class Add:
    """ADD and SUB without broadcasting, as one linear function."""

    name = "mve linear"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Operands of one shape, and factors that are exact."""
        if not target.has("mve") or tensor(graph, op, 0).shape != tensor(graph, op, 1).shape:
            return False
        return _factors(graph, op) is not None

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Count of the loop's instructions."""
        return Cost(_PER_ELEMENT * common.elements(common.output(graph, op)))

    def lower(self, site: Site) -> Code:
        """A call of mve_add_s8."""
        factors = _factors(site.graph, site.op)
        assert factors is not None
        result = common.output(site.graph, site.op)
        low, high = common.limits(site.op, result)
        fields = ("a_factor", "b_factor", "offset", "fraction", "low", "high")
        params = Initializer("mve_add_t", dict(zip(fields, (*factors, low, high), strict=True)))
        return Code(
            function="mve_add_s8",
            body=f"{params.declare()}\n"
            f"mve_add_s8(&params, {common.elements(result)}, {site.input(0)}, {site.input(1)},"
            f" {site.output()});",
            files=("mve/elementwise.h", "mve/add.c"),
            in_place=in_place(site.graph, site.op),
        )
