"""float32 operators over rows and dimensions: sums, SOFTMAX and its kin, ARG_MAX, resizing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Site
from pipeline.codegen.ops import common, floats, reduce, resize, select
from pipeline.codegen.ops.common import Problem, image, tensor
from pipeline.codegen.ops.float_values import check_unary
from pipeline.convert.graph import Graph, Op

F = np.float32

_FOLDS = {
    "MEAN": ("add_f32", 0.0),
    "REDUCE_MAX": ("maximum_f32", -math.inf),
    "REDUCE_MIN": ("minimum_f32", math.inf),
    "SUM": ("add_f32", 0.0),
}


def _check_reduce(graph: Graph, op: Op) -> Problem:
    problem = reduce.check_reduce(graph, op)
    return problem or floats.real(tensor(graph, op, 0), common.output(graph, op))


def _lower_reduce(site: Site) -> Code:
    kept, reduced, count = reduce.dimensions(site.graph, site.op)
    function, start = _FOLDS[site.op.name]
    params = Initializer(
        "reduce_f32_t",
        {
            "kept": kept,
            "reduced": reduced,
            "function": function,
            "start": floats.literal(start),
            "divisor": floats.literal(count if site.op.name == "MEAN" else 1),
        },
    )
    return floats.call(site, "reduce_f32", params)


def _check_rows(graph: Graph, op: Op) -> Problem:
    problem = check_unary(graph, op)
    if problem:
        return problem
    data = tensor(graph, op, 0)
    if not data.shape or 0 in data.shape:
        return f"data of shape {list(data.shape)}", common.BROKEN
    return common.activation(op) or (
        ("a fused activation", "use a separate activation layer") if common.fused(op) else None
    )


def _lower_rows(site: Site) -> Code:
    function, more = {
        "L2_NORMALIZATION": ("l2_normalize_f32", ""),
        "LOG_SOFTMAX": ("log_softmax_f32", ""),
        "SOFTMAX": ("softmax_f32", f", {floats.literal(site.op.options.get('beta', 1.0))}"),
    }[site.op.name]
    data = tensor(site.graph, site.op, 0)
    depth = data.shape[-1]
    rows = common.elements(data) // depth
    return Code(
        function=function,
        body=f"{function}({site.input(0)}, {site.output()}, {rows}, {depth}{more});",
        files=(*floats.HEADERS, f"portable/{function}.c"),
        in_place=(0,),
    )


def _check_arg(graph: Graph, op: Op) -> Problem:
    return select.check_arg(graph, op) or floats.real(tensor(graph, op, 0))


def _lower_arg(site: Site) -> Code:
    return floats.call(site, "arg_max_f32", select.arg_params(site.graph, site.op))


def _check_resize(graph: Graph, op: Op) -> Problem:
    problem = resize.check_sizes(graph, op)
    return problem or floats.real(tensor(graph, op, 0), common.output(graph, op))


def between(
    size: int, wanted: int, align: bool, half: bool
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """((low, high), share of high) for each output position, in float32 as TFLM."""
    step = F(size) / F(wanted)
    if align and wanted > 1:
        step = F(size - 1) / F(wanted - 1)
    places, shares = [], []
    for i in range(wanted):
        at = F(F(F(i) + F(0.5)) * step) - F(0.5) if half else F(F(i) * step)
        low = max(math.floor(at), 0)
        places.append((low, min(math.ceil(at), size - 1)))
        shares.append(F(at - F(low)))
    return np.array(places, np.int16), np.array(shares, np.float32)


def _lower_resize(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, result = tensor(graph, op, 0), common.output(graph, op)
    constants = []
    for axis, (places, shares) in enumerate((("rows", "row_share"), ("columns", "column_share"))):
        low_high, share = between(data.shape[1 + axis], result.shape[1 + axis], *resize.flags(op))
        constants += [
            Constant(places, "int16_t", low_high, note="low, high"),
            Constant(shares, "float", share),
        ]
    params = Initializer(
        "resize_bilinear_f32_t",
        {
            "batches": data.shape[0],
            "input": image(data),
            "output": image(result),
            **{c.name: site.constant(c.name) for c in constants},
        },
    )
    code = floats.call(site, "resize_bilinear_f32", params)
    return Code(**{**vars(code), "constants": tuple(constants)})


def _sum_instructions(graph: Graph, op: Op) -> float:
    return 20.0 * common.elements(tensor(graph, op, 0))


_softmax_instructions = floats.per_element(150.0)

FLOATS = (
    *(
        floats.support(name, _check_reduce, _lower_reduce, _sum_instructions, (1, 3))
        for name in _FOLDS
    ),
    floats.support("SOFTMAX", _check_rows, _lower_rows, _softmax_instructions, (1, 3)),
    floats.support("LOG_SOFTMAX", _check_rows, _lower_rows, _softmax_instructions, (1, 2)),
    floats.support("L2_NORMALIZATION", _check_rows, _lower_rows, floats.per_element(30.0), (1, 2)),
    floats.support("ARG_MAX", _check_arg, _lower_arg, _sum_instructions, (1, 3)),
    floats.support("ARG_MIN", _check_arg, _lower_arg, _sum_instructions, (1, 3)),
    floats.support(
        "RESIZE_BILINEAR", _check_resize, _lower_resize, floats.per_element(30.0), (1, 4)
    ),
)
