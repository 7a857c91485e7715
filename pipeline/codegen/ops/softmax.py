"""SOFTMAX."""

from __future__ import annotations

import math

from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import INT_RANGE, quantize_multiplier, scale_of, zero_of
from pipeline.codegen.ops import common, int16
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op

_INTEGER_BITS = 5


def _scaling(graph: Graph, op: Op) -> tuple[int, int, int]:
    """(multiplier, shift, lowest difference that counts)."""
    data = tensor(graph, op, 0)
    beta = float(op.options.get("beta", 1.0))
    real = min(beta * float(scale_of(data)) * (1 << (31 - _INTEGER_BITS)), float((1 << 31) - 1))
    if real >= 1 << 30:  # a step is so far below the largest value that only that counts
        return (1 << 31) - 1, 30, 0
    multiplier, shift = quantize_multiplier(real)
    radius = math.floor(
        ((1 << _INTEGER_BITS) - 1) * (1 << (31 - _INTEGER_BITS)) / float(1 << max(shift, 0))
    )
    return multiplier, shift, -radius


def _check(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 1)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    if data.dtype == "int16":
        return int16.check(graph, op)
    problem = common.first(
        common.typed(data),
        common.typed(result, dtypes=common.WIDE),
        common.same_shape(data, result),
    )
    if problem:
        return problem
    if not data.shape or 0 in data.shape:
        return f"data of shape {list(data.shape)}", common.BROKEN
    low = INT_RANGE[result.dtype][0]
    # The reference lets the scale of an int16 output be off by a thousandth.
    slack = 0.0 if result.dtype == "int8" else 0.001
    if abs(float(scale_of(result)) * -2 * low - 1.0) > slack or zero_of(result) != low:
        return f"an output other than scale 1/{-2 * low}, zero point {low}", common.BROKEN
    beta = float(op.options.get("beta", 1.0))
    # The reference requires a multiplier above one.
    if not beta * float(scale_of(data)) * (1 << (31 - _INTEGER_BITS)) > 1.0:
        return f"beta {beta:g} with scale {scale_of(data):g}", common.TFLM
    return None


def _lower(site: Site) -> Code:
    data = tensor(site.graph, site.op, 0)
    multiplier, shift, lowest = _scaling(site.graph, site.op)
    depth = data.shape[-1]
    params = Initializer(
        "softmax_s8_t",
        {
            "rows": common.elements(data) // depth,
            "depth": depth,
            "multiplier": multiplier,
            "shift": shift,
            "lowest": max(lowest, -256),
        },
    )
    narrow = common.output(site.graph, site.op).dtype == "int8"
    function = "softmax_s8" if narrow else "softmax_s8_s16"
    headers = ("kernels.h", "requantize.h", "fixed_point.h", "softmax_s8.h")
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {site.input(0)}, {site.output()});",
        files=(*headers, f"portable/{function}.c"),
        in_place=(0,) if narrow else (),
    )


SUPPORT = (
    Support(
        name="SOFTMAX",
        dtypes=common.WIDE,
        kernels=[
            Portable(
                int16.either("SOFTMAX", _lower),
                lambda graph, op: 300.0 * common.elements(common.output(graph, op)),
            )
        ],
        check=_check,
        notes="over the last dimension",
        versions=(1, 3),
    ),
)
