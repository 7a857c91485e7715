"""float32 operators on single values: functions of one and of two, and clamps."""

from __future__ import annotations

import math

from pipeline.codegen.broadcast import broadcast_t
from pipeline.codegen.kernels.kernel import Code, Initializer, Site
from pipeline.codegen.ops import common, floats
from pipeline.codegen.ops.arithmetic import check_pair, in_place
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op

UNARY = {
    "ABS": ("fabsf", 6.0, (1, 5)),
    "CEIL": ("ceilf", 20.0, (1, 1)),
    "COS": ("cosf", 150.0, (1, 1)),
    "ELU": ("elu_f32", 120.0, (1, 1)),
    "EXP": ("expf", 100.0, (1, 2)),
    "FLOOR": ("floorf", 20.0, (1, 1)),
    "HARD_SWISH": ("hard_swish_f32", 40.0, (1, 3)),
    "LOG": ("logf", 100.0, (1, 2)),
    "LOGISTIC": ("logistic_f32", 130.0, (1, 4)),
    "NEG": ("negative_f32", 10.0, (1, 2)),
    "ROUND": ("rintf", 20.0, (1, 1)),
    "RSQRT": ("rsqrt_f32", 50.0, (1, 3)),
    "SIN": ("sinf", 150.0, (1, 1)),
    "SQRT": ("sqrtf", 30.0, (1, 2)),
    "SQUARE": ("square_f32", 10.0, (1, 2)),
    "TANH": ("tanhf", 150.0, (1, 4)),
}
"""Operator -> function of the C library or of functions_f32.h, its instructions, versions."""

BINARY = {
    "ADD": ("add_f32", (1, 5)),
    "DIV": ("divide_f32", (1, 2)),
    "FLOOR_DIV": ("floor_divide_f32", (1, 3)),
    "FLOOR_MOD": ("floor_modulo_f32", (1, 2)),
    "MAXIMUM": ("maximum_f32", (1, 5)),
    "MINIMUM": ("minimum_f32", (1, 5)),
    "MUL": ("multiply_f32", (1, 8)),
    "PRELU": ("prelu_f32", (1, 2)),
    "SQUARED_DIFFERENCE": ("squared_difference_f32", (1, 2)),
    "SUB": ("subtract_f32", (1, 5)),
}

CLAMPS = {
    "RELU": (0.0, math.inf),
    "RELU6": (0.0, 6.0),
    "RELU_0_TO_1": (0.0, 1.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


def check_unary(graph: Graph, op: Op) -> Problem:
    """One input and one output of floats, of equal sizes."""
    problem = common.arity(op, 1)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    return floats.real(data, result) or common.same_shape(data, result)


def _lower_unary(site: Site) -> Code:
    function, _, _ = UNARY[site.op.name]
    count = common.elements(common.output(site.graph, site.op))
    return Code(
        function="unary_f32",
        body=f"unary_f32({function}, {site.input(0)}, {site.output()}, {count});",
        files=(*floats.HEADERS, "portable/unary_f32.c"),
        in_place=(0,),
    )


def _lower_clamp(site: Site) -> Code:
    low, high = (floats.literal(v) for v in CLAMPS[site.op.name])
    count = common.elements(common.output(site.graph, site.op))
    return Code(
        function="clamp_f32",
        body=f"clamp_f32({site.input(0)}, {site.output()}, {count}, {low}, {high});",
        files=(*floats.HEADERS, "portable/clamp_f32.c"),
        in_place=(0,),
    )


def _check_binary(graph: Graph, op: Op) -> Problem:
    problem = check_pair(graph, op)
    if problem:
        return problem
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    return floats.real(a, b, result) or common.activation(op)


def _lower_binary(site: Site) -> Code:
    graph, op = site.graph, site.op
    a, b = tensor(graph, op, 0), tensor(graph, op, 1)
    function, _ = BINARY[op.name]
    params = Initializer(
        "binary_f32_t",
        {
            "shape": broadcast_t(a.shape, b.shape),
            "function": function,
            **floats.limits(op),
        },
    )
    code = floats.call(site, "binary_f32", params, (0, 1))
    return Code(**{**vars(code), "in_place": in_place(graph, op)})


def _check_leaky(graph: Graph, op: Op) -> Problem:
    if not math.isfinite(op.options.get("alpha", 0.0)):
        return "a slope that is no number", common.BROKEN
    return check_unary(graph, op)


def _lower_leaky(site: Site) -> Code:
    """PRELU with one slope for all."""
    shape = tensor(site.graph, site.op, 0).shape
    params = Initializer(
        "binary_f32_t",
        {
            "shape": broadcast_t(shape, ()),
            "function": "prelu_f32",
            "min": floats.literal(-math.inf),
            "max": floats.literal(math.inf),
        },
    )
    slope = floats.literal(float(site.op.options.get("alpha", 0.0)))
    return Code(
        function="binary_f32",
        body=f"{params.declare()}\nconst float slope = {slope};\n"
        f"binary_f32(&params, {site.input(0)}, &slope, {site.output()});",
        files=(*floats.HEADERS, "portable/binary_f32.c"),
        in_place=(0,),
    )


FLOATS = (
    *(
        floats.support(name, check_unary, _lower_unary, floats.per_element(cost), versions)
        for name, (_, cost, versions) in UNARY.items()
    ),
    *(
        floats.support(name, check_unary, _lower_clamp, floats.per_element(8.0), (1, 4))
        for name in CLAMPS
    ),
    *(
        floats.support(name, _check_binary, _lower_binary, floats.per_element(25.0), versions)
        for name, (_, versions) in BINARY.items()
    ),
    floats.support("LEAKY_RELU", _check_leaky, _lower_leaky, floats.per_element(25.0), (1, 3)),
)
