"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

import numpy as np

from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.memory.overlap import Window
from pipeline.codegen.numeric import zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, image, pair, tensor
from pipeline.convert.graph import Graph, Op, Tensor

_FUNCTIONS = {"AVERAGE_POOL_2D": "average_pool", "MAX_POOL_2D": "max_pool"}


def window(op: Op) -> tuple[tuple[int, int], tuple[int, int]]:
    """(kernel, stride), each (height, width)."""
    o = op.options
    return (
        (int(o["filter_height"]), int(o["filter_width"])),
        (int(o["stride_h"]), int(o["stride_w"])),
    )


def check_window(graph: Graph, op: Op) -> Problem:
    """All but types and quantisation."""
    problem = common.first(common.arity(op, 1), common.activation(op))
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    if len(data.shape) != 4 or len(result.shape) != 4:
        return f"data of shape {list(data.shape)}", common.BROKEN
    kernel, stride = window(op)
    problem = common.positive(stride=min(stride), window=min(kernel), size=min(result.shape))
    if problem:
        return problem
    wanted = tuple(common.extent(op, i, data.shape[1 + i], kernel[i], stride[i]) for i in (0, 1))
    if result.shape != (data.shape[0], *wanted, data.shape[3]):
        return f"output shape {list(result.shape)}, computed {list(wanted)}", common.BROKEN
    return None


def _check(graph: Graph, op: Op) -> Problem:
    problem = check_window(graph, op)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    problem = common.alike(data, result)
    if problem:
        return problem
    # TFLM's bound: pooling does not rescale.
    if abs(float(data.scales[0]) - float(result.scales[0])) > 1e-6 or zero_of(data) != zero_of(
        result
    ):
        return "input and output differ in scale or zero point", "convert the model again"
    return None


def _lower(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, result = tensor(graph, op, 0), common.output(graph, op)
    kernel, stride = window(op)
    low, high = common.limits(op, result)
    function = f"{_FUNCTIONS[op.name]}_{common.suffix(data)}"
    params = Initializer(
        "pool_s8_t",
        {
            "batches": data.shape[0],
            "input": image(data),
            "output": image(result),
            "kernel": pair(*kernel),
            "stride": pair(*stride),
            "padding": pair(
                common.before(op, 0, data.shape[1], kernel[0], stride[0]),
                common.before(op, 1, data.shape[2], kernel[1], stride[1]),
            ),
            "min": low,
            "max": high,
        },
    )
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {site.input(0)}, {site.output()});",
        files=("kernels.h", "requantize.h", "window.h", f"portable/{function}.c"),
        overlaps=(_order(data, result, stride, op).channelwise,),
    )


def _order(data: Tensor, result: Tensor, stride: tuple[int, int], op: Op) -> Window:
    """What decides how far the output may reach into the input's memory."""
    kernel, _ = window(op)
    above, left = (common.before(op, i, data.shape[1 + i], kernel[i], stride[i]) for i in (0, 1))
    size = np.dtype(data.dtype).itemsize
    return Window(data.shape, result.shape, stride, (above, left), size)


def _instructions(graph: Graph, op: Op) -> float:
    kernel, _ = window(op)
    return common.elements(common.output(graph, op)) * (20.0 + 6.0 * kernel[0] * kernel[1])


SUPPORT = tuple(
    Support(
        name=name,
        dtypes=common.WIDE,
        kernels=[Portable(_lower, _instructions)],
        check=_check,
        versions=(1, 3),
    )
    for name in _FUNCTIONS
)
