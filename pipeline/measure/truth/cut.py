"""A stretch of a model's ops as a model of its own."""

from __future__ import annotations

from typing import Any

from pipeline.measure.truth.plan import Step


def cut(content: bytes, step: Step) -> bytes:
    """A flatbuffer with a step's ops alone; tensors keep their numbers.

    Args:
        content: the whole model, which was read and checked.
    """
    import flatbuffers  # type: ignore[import-untyped]
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    model.subgraphs = [graph]
    graph.operators = [graph.operators[number] for number in step.ops]
    codes = sorted({op.opcodeIndex for op in graph.operators})  # interpreters look up them all
    model.operatorCodes = [model.operatorCodes[code] for code in codes]
    for op in graph.operators:
        op.opcodeIndex = codes.index(op.opcodeIndex)
    graph.inputs, graph.outputs = list(step.inputs), list(step.outputs)
    used = {int(i) for op in graph.operators for part in (op.inputs, op.outputs, op.intermediates)
            for i in (part if part is not None else ())}  # fmt: skip
    for index, tensor in enumerate(graph.tensors):
        if index in step.inputs:
            tensor.isVariable = False
        if index not in used:  # nothing is to be set aside for it
            tensor.shape, tensor.buffer, tensor.quantization = [1], 0, None
            tensor.type, tensor.isVariable = schema.TensorType.INT8, False
    model.signatureDefs, model.metadata, model.metadataBuffer = None, None, None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
