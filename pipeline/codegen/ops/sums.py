"""ADD_N and CUMSUM: sums of many values, rounded once.

TFLite Micro's int8 kernels of both are wrong by the input's zero point, and LiteRT has none:
what these give is the definition (pipeline/codegen/references.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import quantize_multiplier, scale_of, zero_of
from pipeline.codegen.ops import common, floats
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op

_BITS = 44  # of a factor: 2^8 values times 2^8 of magnitude leave room in 64
_MOST_INPUTS = 64
_STEEPEST = 2.0**28


def _all_inputs(graph: Graph, op: Op) -> Problem:
    if not op.inputs or min(op.inputs) < 0 or len(op.outputs) != 1:
        return "absent inputs", common.BROKEN
    if len(op.inputs) > _MOST_INPUTS:
        return f"{len(op.inputs)} inputs, at most {_MOST_INPUTS}", common.TFLM
    result = common.output(graph, op)
    if any(graph.tensors[i].shape != result.shape for i in op.inputs):
        return "shapes that don't fit together", common.BROKEN
    return None


def _check_add_n(graph: Graph, op: Op) -> Problem:
    tensors = [graph.tensors[i] for i in (*op.inputs, *op.outputs) if i >= 0]
    return _all_inputs(graph, op) or common.typed(*tensors)


def _check_add_n_float(graph: Graph, op: Op) -> Problem:
    tensors = [graph.tensors[i] for i in (*op.inputs, *op.outputs) if i >= 0]
    return _all_inputs(graph, op) or floats.real(*tensors)


def _pointers(site: Site, ctype: str) -> str:
    names = ", ".join(site.input(i) for i in range(len(site.op.inputs)))
    return f"const {ctype} *const inputs[{len(site.op.inputs)}] = {{{names}}};"


def _lower_add_n(site: Site) -> Code:
    result = common.output(site.graph, site.op)
    terms = [tensor(site.graph, site.op, i) for i in range(len(site.op.inputs))]
    ratios = [float(scale_of(t)) / float(scale_of(result)) for t in terms]
    shift = max(1, min(_BITS - math.frexp(max(ratios))[1], 62))
    factors = [round(math.ldexp(min(r, 2.0 ** (_BITS - shift)), shift)) for r in ratios]
    params = Initializer(
        "add_n_t",
        {
            "count": len(terms),
            "elements": common.elements(result),
            "factors": site.constant("factors"),
            "zeros": site.constant("zeros"),
            "shift": shift,
            "output_zero": zero_of(result),
        },
    )
    return Code(
        function="add_n_s8",
        body=f"{params.declare()}\n{_pointers(site, 'int8_t')}\n"
        f"add_n_s8(&params, inputs, {site.output()});",
        constants=(
            Constant("factors", "int64_t", np.array(factors, np.int64)),
            Constant("zeros", "int8_t", np.array([zero_of(t) for t in terms], np.int8)),
        ),
        files=("kernels.h", "portable/add_n_s8.c"),
    )


def _lower_add_n_float(site: Site) -> Code:
    count = common.elements(common.output(site.graph, site.op))
    return Code(
        function="add_n_f32",
        body=f"{_pointers(site, 'float')}\n"
        f"add_n_f32(inputs, {len(site.op.inputs)}, {site.output()}, {count});",
        files=(*floats.HEADERS, "portable/add_n_f32.c"),
    )


def _axis(graph: Graph, op: Op) -> int:
    axis, rank = tensor(graph, op, 1), len(tensor(graph, op, 0).shape)
    assert axis.data is not None
    value = int(axis.data.reshape(-1)[0])
    return value + rank if value < 0 else value


def _along(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 2)
    if problem:
        return problem
    data, axis, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.constant(axis, "axis") or common.same_shape(data, result)
    if problem:
        return problem
    if axis.dtype != "int32" or common.elements(axis) != 1 or 0 in data.shape:
        return "an axis that is no int32", common.BROKEN
    if not 0 <= _axis(graph, op) < len(data.shape):
        return f"axis {_axis(graph, op)} of {len(data.shape)} dimensions", common.BROKEN
    return None


def _check_cumsum(graph: Graph, op: Op) -> Problem:
    return _along(graph, op) or common.typed(tensor(graph, op, 0), common.output(graph, op))


def _check_cumsum_float(graph: Graph, op: Op) -> Problem:
    return _along(graph, op) or floats.real(tensor(graph, op, 0), common.output(graph, op))


def _walk(graph: Graph, op: Op) -> dict[str, int]:
    shape, at = tensor(graph, op, 0).shape, _axis(graph, op)
    return {
        "outer": math.prod(shape[:at]),
        "size": shape[at],
        "inner": math.prod(shape[at + 1 :]),
        "exclusive": int(bool(op.options.get("exclusive", False))),
        "reverse": int(bool(op.options.get("reverse", False))),
    }


def _lower_cumsum(site: Site) -> Code:
    data, result = tensor(site.graph, site.op, 0), common.output(site.graph, site.op)
    real = float(scale_of(data)) / float(scale_of(result))
    multiplier, shift = quantize_multiplier(min(real, _STEEPEST))
    params = Initializer(
        "cumsum_t",
        {
            **_walk(site.graph, site.op),
            "input_zero": zero_of(data),
            "output_zero": zero_of(result),
            "scale": {"multiplier": multiplier, "shift": shift},
            # What is beyond saturates, and would leave 32 bits.
            "most": ((1 << 31) - 1) >> (shift + 1 if shift > 0 else 0),
        },
    )
    return Code(
        function="cumsum_s8",
        body=f"{params.declare()}\ncumsum_s8(&params, {site.input(0)}, {site.output()});",
        files=("kernels.h", "requantize.h", "portable/cumsum_s8.c"),
    )


def _lower_cumsum_float(site: Site) -> Code:
    return floats.call(
        site, "cumsum_f32", Initializer("cumsum_f32_t", dict(_walk(site.graph, site.op)))
    )


def _instructions(cost: float) -> Callable[[Graph, Op], float]:
    def instructions(graph: Graph, op: Op) -> float:
        return cost * len(op.inputs) * common.elements(common.output(graph, op))

    return instructions


SUPPORT = (
    Support(
        name="ADD_N",
        dtypes=("int8",),
        kernels=[Portable(_lower_add_n, _instructions(15.0))],
        check=_check_add_n,
        notes="any scales",
        versions=(1, 1),
    ),
    Support(
        name="CUMSUM",
        dtypes=("int8",),
        kernels=[Portable(_lower_cumsum, _instructions(15.0))],
        check=_check_cumsum,
        notes="constant axis",
        versions=(1, 1),
    ),
)

FLOATS = (
    floats.support(
        "ADD_N", _check_add_n_float, _lower_add_n_float, _instructions(8.0), (1, 1)
    ),
    floats.support(
        "CUMSUM", _check_cumsum_float, _lower_cumsum_float, _instructions(8.0), (1, 1)
    ),
)  # fmt: skip
