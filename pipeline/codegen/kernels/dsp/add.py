"""ADD and SUB for cores with DSP instructions (firmware/runtime/dsp/add.c)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Site
from pipeline.codegen.numeric import I64, requantize, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.arithmetic import in_place, operand_multipliers
from pipeline.codegen.ops.common import tensor
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_ADD_FRACTION = 20
"""DSP_ADD_FRACTION of elementwise.h."""
_OPERAND_FRACTION = 20
"""Bits below the point to which TFLM brings the operands of an int8 ADD."""


@lru_cache(maxsize=64)
def _add_tables(
    scales: tuple[tuple[int, int], ...],
    zeros: tuple[int, int, int],
    sign: int,
    low: int,
    high: int,
) -> tuple[I64, I64] | None:
    """Two tables whose sum, shifted, is the exact output for all 65,536 pairs; None if none is.

    The output is a floor of a linear function, up to the rounding of intermediate steps;
    an offset is looked for that makes the tables' floor equal everywhere.
    """
    if (low, high) != (-128, 127):
        return None
    x = np.arange(-128, 128, dtype=np.int64)
    (left_m, left_s), (right_m, right_s), (out_m, out_s) = scales
    left = requantize((x - zeros[0]) << _OPERAND_FRACTION, left_m, left_s)
    right = sign * requantize((x - zeros[1]) << _OPERAND_FRACTION, right_m, right_s)
    both = left[:, None] + right[None, :]
    exact = np.clip(requantize(both.reshape(-1), out_m, out_s) + zeros[2], low, high)
    exact = exact.reshape(both.shape)

    def fixed(v: I64) -> I64:
        real = v.astype(np.float64) * (out_m * 2.0 ** (out_s - 31 + _ADD_FRACTION))
        return np.rint(real).astype(np.int64)

    a, b = fixed(left), fixed(right)
    total = a[:, None] + b[None, :]
    least = ((exact << _ADD_FRACTION) - total)[exact > low]
    most = (((exact + 1) << _ADD_FRACTION) - 1 - total)[exact < high]
    from_ = int(least.max()) if least.size else int(most.min())
    to = int(most.min()) if most.size else from_
    if from_ > to:
        return None
    a = a + (from_ + to) // 2
    if max(abs(int(t)) for t in (a.min(), a.max(), b.min(), b.max())) >= 1 << 30:
        return None
    order = np.arange(256).astype(np.uint8).view(np.int8).astype(np.int64) + 128
    return a[order], b[order]


def _tables(graph: Graph, op: Op) -> tuple[I64, I64] | None:
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    low, high = common.limits(op, result)
    return _add_tables(
        tuple(operand_multipliers(a, b, result)),
        (zero_of(a), zero_of(b), zero_of(result)),
        -1 if op.name == "SUB" else 1,
        low,
        high,
    )


class Add:
    """ADD and SUB without broadcasting: one table for each operand."""

    name = "dsp tables"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Operands of one shape, and tables that are exact."""
        if not target.has("dsp") or tensor(graph, op, 0).shape != tensor(graph, op, 1).shape:
            return False
        return _tables(graph, op) is not None

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        return Cost(costs.ADD * common.elements(common.output(graph, op)), flash=2048)

    def lower(self, site: Site) -> Code:
        """A call of dsp_add_s8."""
        tables = _tables(site.graph, site.op)
        assert tables is not None
        count = common.elements(common.output(site.graph, site.op))
        return Code(
            function="dsp_add_s8",
            body=f"dsp_add_s8({site.constant('a_table')}, {site.constant('b_table')}, {count},"
            f" {site.input(0)}, {site.input(1)}, {site.output()});",
            constants=tuple(
                Constant(name, "int32_t", t.astype(np.int32), note="by the operand's byte")
                for name, t in zip(("a_table", "b_table"), tables, strict=True)
            ),
            files=("dsp/elementwise.h", "dsp/add.c"),
            in_place=in_place(site.graph, site.op),
            encoding="",
        )
