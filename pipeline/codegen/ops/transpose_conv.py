"""TRANSPOSE_CONV."""

from __future__ import annotations

from pipeline.codegen.kernel import Code, Constant, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import activation_range, out_size, pad_before, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, image, optional, pair, tensor
from pipeline.codegen.ops.conv import channel_multipliers, check_bias, check_weights
from pipeline.convert.graph import Graph, Op
from pipeline.convert.statistics import macs


def _check(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 3, 4)
    if problem:
        return problem
    weights, data, result = tensor(graph, op, 1), tensor(graph, op, 2), common.output(graph, op)
    problem = common.first(
        common.typed(data, result),
        common.constant(weights, "weights"),
        common.activation(op),
    )
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
    return common.first(
        check_weights(weights, weights.shape[0], 0),
        check_bias(optional(graph, op, 3), weights.shape[0]),
    )


def _lower(site: Site) -> Code:
    graph, op = site.graph, site.op
    weights, data, bias = tensor(graph, op, 1), tensor(graph, op, 2), optional(graph, op, 3)
    result = common.output(graph, op)
    assert weights.data is not None
    multipliers, shifts = channel_multipliers(data, weights, result, result.shape[3])
    stride = (int(op.options["stride_h"]), int(op.options["stride_w"]))
    padding = int(op.options["padding"])
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
        constants.insert(1, Constant("bias", "int32_t", bias.data))
    params = Initializer(
        "conv_s8_t",
        {
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
            "input_zero": zero_of(data),
            "output_zero": zero_of(result),
            "min": low,
            "max": high,
            "weights": site.constant("weights"),
            "bias": "NULL" if bias is None else site.constant("bias"),
            "multiplier": site.constant("multiplier"),
            "shift": site.constant("shift"),
            "group_channels": data.shape[3],
        },
    )
    return Code(
        function="transpose_conv_s8",
        body=f"{params.declare()}\ntranspose_conv_s8(&params, {site.input(2)}, {site.output()});",
        constants=tuple(constants),
        files=("kernels.h", "requantize.h", "portable/transpose_conv_s8.c"),
        encoding="dense",
    )


SUPPORT = (
    Support(
        name="TRANSPOSE_CONV",
        dtypes=("int8",),
        kernels=[Portable(_lower, lambda graph, op: 12.0 * macs(graph, op))],
        check=_check,
        notes="per-tensor and per-channel",
        versions=(1, 5),
    ),
)
