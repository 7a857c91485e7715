"""TRANSPOSE_CONV."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import activation_range, out_size, pad_before, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, image, optional, pair, tensor
from pipeline.codegen.ops.conv import (
    channel_multipliers,
    check_bias,
    check_weights,
    check_wide_shifts,
)
from pipeline.convert.graph import Graph, Op
from pipeline.convert.statistics import macs


def check_window(graph: Graph, op: Op) -> Problem:
    """All but types and quantisation: weights, options, and shapes that fit together."""
    problem = common.arity(op, 3, 4)
    if problem:
        return problem
    weights, data, result = tensor(graph, op, 1), tensor(graph, op, 2), common.output(graph, op)
    problem = common.first(common.constant(weights, "weights"), common.activation(op))
    if problem:
        return problem
    if not len(data.shape) == len(weights.shape) == len(result.shape) == 4:
        return f"data of shape {list(data.shape)}", common.BROKEN
    stride = (int(op.options["stride_h"]), int(op.options["stride_w"]))
    problem = common.positive(stride=min(stride), size=min(*weights.shape, *result.shape))
    if problem:
        return problem
    padding = int(op.options["padding"])
    # Seen from the output it is a convolution that gives the input's size.
    back = tuple(
        out_size(padding, result.shape[1 + i], weights.shape[1 + i], stride[i]) for i in (0, 1)
    )
    if (data.shape[0], *back, data.shape[3]) != (
        result.shape[0],
        *data.shape[1:3],
        weights.shape[3],
    ) or result.shape[3] != weights.shape[0]:
        return f"shapes {list(data.shape)} and {list(result.shape)}", common.BROKEN
    return None


def _check(graph: Graph, op: Op) -> Problem:
    problem = check_window(graph, op)
    if problem:
        return problem
    weights, data, result = tensor(graph, op, 1), tensor(graph, op, 2), common.output(graph, op)
    wide = data.dtype == "int16"
    return common.first(
        common.alike(data, result),
        check_weights(weights, weights.shape[0], 0),
        check_bias(
            optional(graph, op, 3),
            weights.shape[0],
            ("int16", "int32", "int64") if wide else ("int32",),
        ),
        check_wide_shifts(data, weights, result, weights.shape[0]),
    )


def window(graph: Graph, op: Op) -> dict[str, Any]:
    """The fields that all types share."""
    weights, data, result = tensor(graph, op, 1), tensor(graph, op, 2), common.output(graph, op)
    stride = (int(op.options["stride_h"]), int(op.options["stride_w"]))
    padding = int(op.options["padding"])
    return {
        "batches": data.shape[0],
        "input": image(data),
        "output": image(result),
        "kernel": pair(weights.shape[1], weights.shape[2]),
        "stride": pair(*stride),
        "dilation": pair(1, 1),
        "padding": pair(
            pad_before(padding, result.shape[1], weights.shape[1], stride[0]),
            pad_before(padding, result.shape[2], weights.shape[2], stride[1]),
        ),
        "group_channels": data.shape[3],
    }


def _lower(site: Site) -> Code:
    graph, op = site.graph, site.op
    weights, data, bias = tensor(graph, op, 1), tensor(graph, op, 2), optional(graph, op, 3)
    result = common.output(graph, op)
    assert weights.data is not None
    multipliers, shifts = channel_multipliers(data, weights, result, result.shape[3])
    wide = data.dtype == "int16"
    function = f"transpose_conv_{common.suffix(data)}"
    low, high = activation_range(common.fused(op), result)
    constants = [
        Constant(
            "weights",
            "int8_t",
            weights.data,
            note="output channels, kernel height, kernel width, input channels",
        ),
        Constant("multiplier", "int32_t", multipliers),
        Constant("shift", "int8_t", shifts),
    ]
    if bias is not None and bias.data is not None:
        values = bias.data.astype(np.int64) if wide else bias.data
        constants.insert(1, Constant("bias", "int64_t" if wide else "int32_t", values))
    zeros = {"input_zero": zero_of(data), "output_zero": zero_of(result)}
    params = Initializer(
        f"conv_{common.suffix(data)}_t",
        {
            **window(graph, op),
            **({"wide": True} if wide else zeros),
            "min": low,
            "max": high,
            "weights": site.constant("weights"),
            "bias": "NULL" if bias is None else site.constant("bias"),
            "multiplier": site.constant("multiplier"),
            "shift": site.constant("shift"),
        },
    )
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {site.input(2)}, {site.output()});",
        constants=tuple(constants),
        files=("kernels.h", "requantize.h", f"portable/{function}.c"),
        encoding="dense",
    )


SUPPORT = (
    Support(
        name="TRANSPOSE_CONV",
        dtypes=common.WIDE,
        kernels=[Portable(_lower, lambda graph, op: 12.0 * macs(graph, op))],
        check=_check,
        notes="per-tensor and per-channel",
        versions=(1, 5),
    ),
)
