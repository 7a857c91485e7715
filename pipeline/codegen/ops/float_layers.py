"""float32 layers with weights or windows: convolutions, FULLY_CONNECTED, pools, BATCH_MATMUL."""

from __future__ import annotations

from typing import Any

from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Site
from pipeline.codegen.ops import (
    batch_matmul,
    common,
    conv,
    floats,
    fully_connected,
    pooling,
    transpose_conv,
)
from pipeline.codegen.ops.common import Problem, image, optional, pair, tensor
from pipeline.convert.graph import Graph, Op
from pipeline.convert.statistics import macs


def _weighted(
    site: Site, function: str, fields: dict[str, Any], data: int, weights: int, note: str
) -> Code:
    """A layer with weights and perhaps a bias, which is the input after the last of both."""
    graph, op = site.graph, site.op
    bias, values = optional(graph, op, max(data, weights) + 1), tensor(graph, op, weights).data
    assert values is not None
    constants = [Constant("weights", "float", values, note=note)]
    if bias is not None and bias.data is not None:
        constants.append(Constant("bias", "float", bias.data))
    params = Initializer(
        "fully_connected_f32_t" if op.name == "FULLY_CONNECTED" else "conv_f32_t",
        {
            **fields,
            **floats.limits(op),
            "weights": site.constant("weights"),
            "bias": "NULL" if bias is None else site.constant("bias"),
        },
    )
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {site.input(data)}, {site.output()});",
        constants=tuple(constants),
        files=(*floats.HEADERS, f"portable/{function}.c"),
        encoding="dense",
    )


def _check_constants(graph: Graph, op: Op, channels: int, bias: int) -> Problem:
    found = optional(graph, op, bias)
    problem = floats.real(*(graph.tensors[i] for i in (*op.inputs[bias - 2 : bias], *op.outputs)))
    if problem or found is None:
        return problem
    return floats.real(found) or conv.check_bias(found, channels, ("float32",))


def _check_conv(graph: Graph, op: Op) -> Problem:
    problem = conv.check_window(graph, op)
    return problem or _check_constants(graph, op, common.output(graph, op).shape[3], 2)


def _lower_conv(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, weights, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    depthwise = op.name == "DEPTHWISE_CONV_2D"
    steps = conv.slide(graph, op)
    layout = "output channels, kernel height, kernel width, input channels"
    if depthwise:
        layout = "kernel height, kernel width, output channels"
    per_input = result.shape[3] // data.shape[3]
    fields = {
        "batches": data.shape[0],
        "input": image(data),
        "output": image(result),
        "kernel": pair(*steps.kernel),
        "stride": pair(*steps.stride),
        "dilation": pair(*steps.dilation),
        "padding": pair(*steps.padding),
        "group_channels": per_input if depthwise else weights.shape[3],
    }
    return _weighted(site, "depthwise_conv_f32" if depthwise else "conv_f32", fields, 0, 1, layout)


def _check_transpose_conv(graph: Graph, op: Op) -> Problem:
    problem = transpose_conv.check_window(graph, op)
    return problem or _check_constants(graph, op, common.output(graph, op).shape[3], 3)


def _lower_transpose_conv(site: Site) -> Code:
    fields = transpose_conv.window(site.graph, site.op)
    layout = "output channels, kernel height, kernel width, input channels"
    return _weighted(site, "transpose_conv_f32", fields, 2, 1, layout)


def _check_dense(graph: Graph, op: Op) -> Problem:
    problem = fully_connected.check_shapes(graph, op)
    if problem:
        return problem
    return common.first(
        common.constant(tensor(graph, op, 1), "weights"),
        _check_constants(graph, op, common.output(graph, op).shape[-1], 2),
    )


def _lower_dense(site: Site) -> Code:
    data, weights = tensor(site.graph, site.op, 0), tensor(site.graph, site.op, 1)
    inputs = weights.shape[-1]
    fields = {
        "rows": common.elements(data) // inputs,
        "inputs": inputs,
        "outputs": common.elements(weights) // inputs,
    }
    return _weighted(site, "fully_connected_f32", fields, 0, 1, "outputs, inputs")


def _check_pool(graph: Graph, op: Op) -> Problem:
    problem = pooling.check_window(graph, op)
    return problem or floats.real(tensor(graph, op, 0), common.output(graph, op))


def _lower_pool(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, result = tensor(graph, op, 0), common.output(graph, op)
    kernel, stride = pooling.window(op)
    params = Initializer(
        "pool_f32_t",
        {
            "batches": data.shape[0],
            "input": image(data),
            "output": image(result),
            "kernel": pair(*kernel),
            "stride": pair(*stride),
            "padding": pair(
                *(common.before(op, i, data.shape[1 + i], kernel[i], stride[i]) for i in (0, 1))
            ),
            **floats.limits(op),
        },
    )
    function = "average_pool_f32" if op.name == "AVERAGE_POOL_2D" else "max_pool_f32"
    return floats.call(site, function, params, headers=("window.h",))


def _check_matmul(graph: Graph, op: Op) -> Problem:
    problem = batch_matmul.check_shapes(graph, op)
    return problem or floats.real(
        tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    )


def _lower_matmul(site: Site) -> Code:
    params = Initializer("batch_matmul_f32_t", batch_matmul.walk(site.graph, site.op))
    return floats.call(site, "batch_matmul_f32", params, (0, 1))


def _pool_instructions(graph: Graph, op: Op) -> float:
    kernel, _ = pooling.window(op)
    return common.elements(common.output(graph, op)) * (30.0 + 8.0 * kernel[0] * kernel[1])


def _mac_instructions(graph: Graph, op: Op) -> float:
    return 8.0 * macs(graph, op)


FLOATS = (
    floats.support("CONV_2D", _check_conv, _lower_conv, _mac_instructions, (1, 8)),
    floats.support("DEPTHWISE_CONV_2D", _check_conv, _lower_conv, _mac_instructions, (1, 7)),
    floats.support(
        "TRANSPOSE_CONV",
        _check_transpose_conv,
        _lower_transpose_conv,
        _mac_instructions,
        (1, 5),
    ),
    floats.support("FULLY_CONNECTED", _check_dense, _lower_dense, _mac_instructions, (1, 14)),
    floats.support("AVERAGE_POOL_2D", _check_pool, _lower_pool, _pool_instructions, (1, 3)),
    floats.support("MAX_POOL_2D", _check_pool, _lower_pool, _pool_instructions, (1, 3)),
    floats.support("BATCH_MATMUL", _check_matmul, _lower_matmul, _mac_instructions, (1, 5)),
)
