"""Small .tflite files for tests, built by hand with any shapes, scales and options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "bool": schema.TensorType.BOOL,
    "resource": schema.TensorType.RESOURCE,
}


@dataclass
class T:
    """A tensor; `data` makes it a constant."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: Any = None
    zero: Any = 0
    axis: int = 0
    data: Any = None
    variable: bool = False
    name: str = ""


@dataclass
class Build:
    """A model in the making: add tensors and ops, then `bytes()`."""

    tensors: list[T] = field(default_factory=list)
    ops: list[tuple[str, list[int], list[int], Any, int, list[int]]] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    once: Build | None = None  # a subgraph called once, number 1

    def tensor(self, t: T) -> int:
        t.name = t.name or f"t{len(self.tensors)}"
        self.tensors.append(t)
        return len(self.tensors) - 1

    def input(self, t: T) -> int:
        self.inputs.append(self.tensor(t))
        return self.inputs[-1]

    def op(
        self,
        name: str,
        inputs: list[int],
        outputs: list[T],
        options: str = "",
        version: int = 1,
        intermediates: list[T] | None = None,
        **fields: Any,
    ) -> list[int]:
        results = [self.tensor(t) for t in outputs]
        made = None
        if options:
            made = (options, fields)
        middle = [self.tensor(t) for t in intermediates or []]
        self.ops.append((name, inputs, results, made, version, middle))
        return results

    def bytes(self) -> bytes:
        model = schema.ModelT()
        model.version = 3
        model.description = b"test"
        model.buffers, model.operatorCodes = [schema.BufferT()], []
        model.subgraphs = [self._graph(model)]
        if self.once:
            model.subgraphs.append(self.once._graph(model))
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _graph(self, model: Any) -> Any:
        graph = schema.SubGraphT()
        graph.name = b"main"
        graph.tensors = [self._tensor(t, model) for t in self.tensors]
        graph.inputs, graph.outputs = self.inputs, self.outputs
        graph.operators = []
        for name, inputs, outputs, options, version, middle in self.ops:
            code = schema.OperatorCodeT()
            number = getattr(schema.BuiltinOperator, name)
            code.builtinCode, code.version = number, version
            code.deprecatedBuiltinCode = min(number, 127)
            model.operatorCodes.append(code)
            op = schema.OperatorT()
            op.opcodeIndex = len(model.operatorCodes) - 1
            op.inputs, op.outputs = inputs, outputs
            if middle:
                op.intermediates = middle
            if options:
                op.builtinOptionsType = getattr(schema.BuiltinOptions, options[0])
                op.builtinOptions = getattr(schema, options[0] + "T")()
                for key, value in options[1].items():
                    if not hasattr(op.builtinOptions, key):
                        raise AttributeError(f"{options[0]} has no {key}")
                    setattr(op.builtinOptions, key, value)
            graph.operators.append(op)
        return graph

    @staticmethod
    def _tensor(t: T, model: Any) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.type = t.name.encode(), list(t.shape), _TYPES[t.dtype]
        made.isVariable = t.variable
        made.buffer = 0
        if t.data is not None:
            buffer = schema.BufferT()
            raw = np.ascontiguousarray(np.asarray(t.data, t.dtype)).tobytes()
            buffer.data = np.frombuffer(raw, np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        if t.scale is not None:
            q = schema.QuantizationParametersT()
            scales = np.atleast_1d(np.asarray(t.scale, np.float32))
            zeros = np.atleast_1d(np.asarray(t.zero, np.int64))
            q.scale = scales
            q.zeroPoint = np.broadcast_to(zeros, scales.shape).copy()
            q.quantizedDimension = t.axis
            made.quantization = q
        return made
