"""MAXIMUM, MINIMUM, PRELU, ARG_MAX and ARG_MIN."""

from __future__ import annotations

import math

from pipeline.codegen.broadcast import broadcast_t
from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import quantize_multiplier, scale_of, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.arithmetic import check_pair, in_place
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op


def _check_maximum(graph: Graph, op: Op) -> Problem:
    problem = check_pair(graph, op)
    if problem:
        return problem
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    return common.first(
        common.alike(a, b, result),
        common.same_quantisation(a, result),
        common.same_quantisation(b, result),
    )


def _lower_maximum(site: Site) -> Code:
    a, b = tensor(site.graph, site.op, 0), tensor(site.graph, site.op, 1)
    params = Initializer(
        "maximum_s8_t",
        {
            "shape": broadcast_t(a.shape, b.shape),
            "sign": 1 if site.op.name == "MAXIMUM" else -1,
        },
    )
    return _binary(site, params, f"maximum_{common.suffix(a)}")


def _binary(site: Site, params: Initializer, function: str) -> Code:
    return Code(
        function=function,
        body=f"{params.declare()}\n"
        f"{function}(&params, {site.input(0)}, {site.input(1)}, {site.output()});",
        files=("kernels.h", "requantize.h", "broadcast.h", f"portable/{function}.c"),
        in_place=in_place(site.graph, site.op),
    )


def _check_prelu(graph: Graph, op: Op) -> Problem:
    problem = check_pair(graph, op)
    if problem:
        return problem
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    # Slopes are int8 beside data of 16 bits too.
    return common.first(common.alike(a, result), common.typed(b))


def _lower_prelu(site: Site) -> Code:
    a, b = tensor(site.graph, site.op, 0), tensor(site.graph, site.op, 1)
    result = common.output(site.graph, site.op)
    real = float(scale_of(a)) / float(scale_of(result))
    # Of int8 no steeper than what saturates all but zero anyway: shifts keep to 32 bits.
    most = (2.0**22, 2.0**14) if a.dtype == "int8" else (65535.0, 2.0**30)
    above = quantize_multiplier(min(real, most[0]))
    below = quantize_multiplier(min(real * float(scale_of(b)), most[1]))
    params = Initializer(
        "prelu_s8_t",
        {
            "shape": broadcast_t(a.shape, b.shape),
            "a_zero": zero_of(a),
            "b_zero": zero_of(b),
            "above_multiplier": above[0],
            "above_shift": above[1],
            "below_multiplier": below[0],
            "below_shift": below[1],
            "output_zero": zero_of(result),
        },
    )
    return _binary(site, params, f"prelu_{common.suffix(a)}")


def _axis(graph: Graph, op: Op) -> int:
    axis, rank = tensor(graph, op, 1), len(tensor(graph, op, 0).shape)
    assert axis.data is not None
    value = int(axis.data.reshape(-1)[0])
    return value + rank if value < 0 else value


def check_arg(graph: Graph, op: Op) -> Problem:
    """All but the data's type and quantisation."""
    problem = common.arity(op, 2)
    if problem:
        return problem
    data, axis, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.constant(axis, "axis")
    if problem:
        return problem
    if axis.dtype != "int32" or common.elements(axis) != 1:
        return "an axis that is no int32", common.BROKEN
    if result.dtype != "int32":
        return f"{result.dtype} indices", "ask for int32 indices"
    at = _axis(graph, op)
    if not 0 <= at < len(data.shape) or 0 in data.shape:
        return f"axis {at} of {len(data.shape)} dimensions", common.BROKEN
    if common.elements(result) * data.shape[at] != common.elements(data):
        return f"output of shape {list(result.shape)}", common.BROKEN
    return None


def _check_arg(graph: Graph, op: Op) -> Problem:
    return check_arg(graph, op) or common.typed(tensor(graph, op, 0))


def arg_params(graph: Graph, op: Op) -> Initializer:
    """arg_max_s8_t"""
    shape, at = tensor(graph, op, 0).shape, _axis(graph, op)
    return Initializer(
        "arg_max_s8_t",
        {
            "outer": math.prod(shape[:at]),
            "size": shape[at],
            "inner": math.prod(shape[at + 1 :]),
            "sign": 1 if op.name == "ARG_MAX" else -1,
        },
    )


def _lower_arg(site: Site) -> Code:
    params = arg_params(site.graph, site.op)
    return Code(
        function="arg_max_s8",
        body=f"{params.declare()}\narg_max_s8(&params, {site.input(0)}, {site.output()});",
        files=("kernels.h", "portable/arg_max_s8.c"),
    )


def _instructions(graph: Graph, op: Op) -> float:
    return 15.0 * common.elements(tensor(graph, op, 0))


SUPPORT = (
    *(
        Support(
            name=name,
            dtypes=common.WIDE,
            kernels=[Portable(_lower_maximum, _instructions)],
            check=_check_maximum,
            notes="with broadcasting",
            versions=(1, 5),
        )
        for name in ("MAXIMUM", "MINIMUM")
    ),
    Support(
        name="PRELU",
        dtypes=common.WIDE,
        kernels=[Portable(_lower_prelu, _instructions)],
        check=_check_prelu,
        notes="with broadcasting",
        versions=(1, 2),
    ),
    *(
        Support(
            name=name,
            dtypes=("int8",),
            kernels=[Portable(_lower_arg, _instructions)],
            check=_check_arg,
            notes="int32 indices",
            versions=(1, 3),
        )
        for name in ("ARG_MAX", "ARG_MIN")
    ),
)
