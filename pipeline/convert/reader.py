"""FlatModel -> Graph: the flatbuffer read, and everything in it checked.

A .tflite file comes from outside. Whatever its bytes are, reading ends with a Graph or
with a ModelError: offsets, counts, shapes and indices are all checked before use.

The format is TensorFlow Lite's schema.fbs; the accessors are those that come with
ai-edge-litert, so TensorFlow itself is not needed.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.convert import checks
from pipeline.convert.checks import options, sizes
from pipeline.convert.checks.quantization import RANGES
from pipeline.convert.checks.structure import CONTROL_FLOW
from pipeline.convert.graph import WEIGHTED, Graph, Op, Tensor
from pipeline.convert.hybrid import dequantised, hybrid_weights
from pipeline.convert.variables import Name, Parts, Unresolved, first_values, resolve
from pipeline.errors import ModelError

if TYPE_CHECKING:
    from pipeline.load.flatmodel import FlatModel

IDENTIFIER = b"TFL3"
_WIDTHS = {
    "float32": "<f4",
    "float16": "<f2",
    "float64": "<f8",
    "int64": "<i8",
    "uint64": "<u8",
    "int32": "<i4",
    "uint32": "<u4",
    "int16": "<i2",
    "uint16": "<u2",
    "int8": "i1",
    "uint8": "u1",
    "bool": "?",
}

# What the flatbuffer accessors raise when an offset or a count points nowhere.
_DAMAGE = (
    struct.error,
    IndexError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
    AssertionError,
)


def read_graph(model: FlatModel) -> Graph:
    """Reads and checks a .tflite file.

    Args:
        model: the flatbuffer.

    Returns:
        Its only subgraph, with constants as NumPy views into the file.

    Raises:
        ModelError: the file is not TFLite, is damaged or truncated, or holds what no
            microcontroller engine here runs: several subgraphs, control flow, dynamic
            shapes, sparse tensors, or float activations on integer weights that can't be
            dequantised.
    """
    check_identifier(model)
    try:
        return _Reader(model).graph()
    except ModelError:
        raise
    except _DAMAGE as error:
        raise ModelError(
            "the file is damaged: its flatbuffer points outside of itself",
            where=model.name,
            hint="convert the model again, or copy the file again in binary mode",
        ) from error


def check_identifier(model: FlatModel) -> None:
    """Raises ModelError where the content can't be a TFLite flatbuffer."""
    content = model.content
    if len(content) < 16:
        raise ModelError(
            f"the file has {len(content)} bytes, too few for a TFLite model",
            where=model.name,
            hint="give a .tflite file",
        )
    if len(content) > sizes.FILE_BYTES:
        raise ModelError(
            f"the file has {len(content):,} bytes, more than any microcontroller has room for",
            where=model.name,
            hint="give a model for microcontrollers",
        )
    if content[4:8] != IDENTIFIER:
        raise ModelError(
            "not a TFLite model: the identifier TFL3 is missing",
            where=model.name,
            hint="give a .tflite file; Keras files go to `mcu deploy` or `mcu quantize`",
        )


@lru_cache(maxsize=1)
def _schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


@lru_cache(maxsize=8)
def _enum(name: str) -> dict[int, str]:
    values = vars(getattr(_schema(), name))
    return {v: k for k, v in values.items() if isinstance(v, int) and not k.startswith("_")}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _options(operator: Any, op: str) -> dict[str, Any]:
    """The builtin options as a plain dict; vectors become tuples, strings str.

    Another operator's are none, as for TensorFlow Lite.
    """
    kind, table = operator.BuiltinOptionsType(), operator.BuiltinOptions()
    if table is None or op not in options.TYPES:
        return {}
    name = options.TYPES[op]
    if _enum("BuiltinOptions").get(kind) != name:
        return {}
    reader, accessor = getattr(_schema(), name + "T")(), getattr(_schema(), name)()
    accessor.Init(table.Bytes, table.Pos)
    reader._UnPack(accessor)
    found: dict[str, Any] = {}
    for key, value in vars(reader).items():
        if isinstance(value, np.ndarray | list):
            found[_snake(key)] = tuple(v.item() if hasattr(v, "item") else v for v in value)
        elif isinstance(value, bytes):
            found[_snake(key)] = value.decode("utf-8", "replace")
        elif isinstance(value, np.generic):
            found[_snake(key)] = value.item()
        elif isinstance(value, int | float | bool | str):
            found[_snake(key)] = value
    return found


def layer_name(tensor: str) -> str:
    """A person's name for the op that writes `tensor`.

    Converters join the names of what they fused with ";" and prefix the model's name:
    "model/act/Relu;model/bn/FusedBatchNormV3;model/conv2d/Conv2D;..." is "conv2d".
    """
    parts = [p.strip().split("/") for p in tensor.split(";") if p.strip()]
    # A bias belongs to one layer; kernels that are equal by chance get another's name.
    for wanted in (("BiasAdd",), ("Conv2D", "MatMul", "depthwise", "Conv1D")):
        for pieces in reversed(parts):
            if len(pieces) > 1 and pieces[-1].rstrip("0123456789_") in wanted:
                return pieces[-2]
    pieces = parts[0] if parts else []
    if len(pieces) > 2 and pieces[0] == "StatefulPartitionedCall":
        pieces = pieces[1:]
    if len(pieces) > 1:
        return pieces[-2]
    return pieces[0].split(":")[0] if pieces else ""


class _Reader:
    def __init__(self, model: FlatModel) -> None:
        self.name = model.name
        self.sha256 = model.sha256
        self.content = model.content
        self.model = _schema().Model.GetRootAs(model.content, 0)
        self.spent: dict[str, int] = {}

    def spend(self, what: str, count: int, most: int) -> int:
        """Counts what the whole file claims; the same bytes may be claimed many times.

        Raises:
            ModelError: it is more than a model has.
        """
        total = self.spent[what] = self.spent.get(what, 0) + count
        if total > most:
            raise self.damaged(f"it claims {total:,} {what}, at most {most:,} are read")
        return count

    def fail(self, what: str, *, where: str = "", hint: str = "") -> ModelError:
        place = f"{self.name}: {where}" if where else self.name
        return ModelError(what, where=place, hint=hint)

    def damaged(self, what: str) -> ModelError:
        return self.fail(f"the file is damaged: {what}", hint="convert the model again")

    def graph(self) -> Graph:
        if self.model.Version() != 3:
            raise self.fail(
                f"TFLite schema version {self.model.Version()}, expected 3",
                hint="convert the model again with a current converter",
            )
        if self.model.SubgraphsLength() == 0:
            raise self.damaged("it has no subgraph")
        self.spend("subgraphs", self.model.SubgraphsLength(), sizes.SUBGRAPHS)
        codes = self.codes()
        sub = self.model.Subgraphs(0)
        self.check_inputs(sub)
        whole = self.part(sub, codes)
        try:
            tensors, ops = resolve(whole, self.first_values(whole, codes))
        except Unresolved as problem:
            raise self.fail(
                f"state that can't be read: {problem}",
                hint="keep state in layers (LSTM), or use --engine tflm",
            ) from problem
        hybrid = hybrid_weights(tensors, ops, WEIGHTED)
        tensors = dequantised(tensors, hybrid)
        graph = Graph(
            name=self.name,
            sha256=self.sha256,
            tensors=tensors,
            ops=ops,
            inputs=self.indices(sub.InputsAsNumpy(), len(tensors), "the model's inputs"),
            outputs=self.indices(sub.OutputsAsNumpy(), len(tensors), "the model's outputs"),
            dequantised=hybrid,
        )
        checks.check(graph)
        return graph

    def check_inputs(self, sub: Any) -> None:
        """The model's inputs may leave their batch open, and nothing else."""
        for index in self.indices(sub.InputsAsNumpy(), sub.TensorsLength(), "the model's inputs"):
            t = sub.Tensors(index)
            if not t.ShapeSignatureIsNone() and any(
                int(v) < 0 for v in t.ShapeSignatureAsNumpy()[1:]
            ):
                raise self.fail(
                    f"the shape {[int(v) for v in t.ShapeSignatureAsNumpy()]} is dynamic",
                    where=f"input {(t.Name() or b'').decode('utf-8', 'replace')[:80]}",
                    hint="fix every dimension but the batch before conversion",
                )

    def part(self, sub: Any, codes: list[tuple[str, int]]) -> Parts:
        """Tensors and ops of one subgraph."""
        self.spend("tensors", sub.TensorsLength(), sizes.TENSORS)
        self.spend("operators", sub.OperatorsLength(), sizes.OPS)
        tensors = tuple(self.tensor(i, sub.Tensors(i)) for i in range(sub.TensorsLength()))
        return tensors, tuple(
            self.op(i, sub.Operators(i), codes, tensors) for i in range(sub.OperatorsLength())
        )

    def first_values(self, whole: Parts, codes: list[tuple[str, int]]) -> dict[Name, NDArray[Any]]:
        """What the subgraphs called once assign; others are refused."""
        count = self.model.SubgraphsLength()
        called = {
            int(op.options.get("init_subgraph_index", 0))
            for op in whole[1]
            if op.name == "CALL_ONCE"
        }
        if called != set(range(1, count)):
            flow = sorted(CONTROL_FLOW.intersection(name for name, _ in codes))
            raise self.fail(
                f"the model has {count} subgraphs"
                + (f" (control flow: {', '.join(flow)})" if flow else ""),
                hint="only models with one subgraph run; unroll loops (RNN: unroll=True) "
                "and remove conditions before conversion",
            )
        values: dict[Name, NDArray[Any]] = {}
        for i in sorted(called):
            values.update(first_values(self.part(self.model.Subgraphs(i), codes)))
        return values

    def codes(self) -> list[tuple[str, int]]:
        """(builtin name, version) of each operator code; custom ones by their own name."""
        names = _enum("BuiltinOperator")
        self.spend("operator codes", self.model.OperatorCodesLength(), sizes.OPS)
        result = []
        for i in range(self.model.OperatorCodesLength()):
            code = self.model.OperatorCodes(i)
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            name = names.get(number, f"BUILTIN_{number}")
            if name == "CUSTOM":
                custom = self.text(code.CustomCode())
                name = f"CUSTOM {custom}".strip()
            result.append((name, int(code.Version())))
        return result

    def text(self, raw: bytes | None) -> str:
        """A name, cut to what a person reads."""
        self.spend("bytes of names", len(raw or b""), sizes.NAME_BYTES)
        return (raw or b"")[: sizes.NAME_LENGTH].decode("utf-8", "replace")

    def indices(self, values: Any, count: int, what: str, low: int = 0) -> tuple[int, ...]:
        if isinstance(values, int):  # the accessor's way to say "no vector"
            return ()
        if len(values) > sizes.ENDS:
            raise self.damaged(f"{what} name {len(values)} tensors")
        self.spend("inputs and outputs", len(values), sizes.LINKS)
        result = tuple(int(v) for v in values)
        if any(not low <= v < count for v in result):
            raise self.damaged(f"{what} name tensors that don't exist")
        return result

    def tensor(self, index: int, t: Any) -> Tensor:
        name = self.text(t.Name())
        where = f"tensor {index} ({name[:80]})"
        rank = 0 if t.ShapeIsNone() else t.ShapeLength()
        if max(rank, 0 if t.ShapeSignatureIsNone() else t.ShapeSignatureLength()) > sizes.RANK:
            raise self.damaged(f"{where} has {rank} dimensions, at most {sizes.RANK} are known")
        shape = () if t.ShapeIsNone() else tuple(int(v) for v in t.ShapeAsNumpy())
        signature = () if t.ShapeSignatureIsNone() else tuple(map(int, t.ShapeSignatureAsNumpy()))
        # The batch may be open in the signature, wherever the graph has moved it: it is run as
        # 1. Of the model's inputs it has to be the first dimension: see `graph`.
        moved = all(n == 1 for n, v in zip(shape, signature, strict=False) if v < 0)
        if not moved or len(signature) > len(shape) or any(v < 0 for v in shape):
            raise self.fail(
                f"the shape {list(signature or shape)} is dynamic",
                where=where,
                hint="fix every dimension but the batch before conversion",
            )
        elements = sizes.elements(shape)
        if t.Sparsity() is not None:
            raise self.fail(
                "the tensor is stored sparse, which microcontroller engines can't read",
                where=where,
                hint="convert without Optimize.EXPERIMENTAL_SPARSITY; "
                "zeros are compressed by this package itself",
            )
        dtype = _enum("TensorType").get(t.Type(), f"type {t.Type()}").lower()
        data = self.constant(t, shape, dtype, elements, where)
        scales, zeros, axis = self.quantization(t, shape, dtype, where, data)
        return Tensor(
            index=index,
            name=name,
            shape=shape,
            dtype=dtype,
            scales=scales,
            zero_points=zeros,
            axis=axis,
            data=data,
            variable=bool(t.IsVariable()),
            origin=index,
        )

    def quantization(
        self, t: Any, shape: tuple[int, ...], dtype: str, where: str, data: Any
    ) -> tuple[Any, Any, int]:
        none = np.zeros(0, np.float32), np.zeros(0, np.int32), 0
        q = t.Quantization()
        if q is None or q.ScaleIsNone() or q.ScaleLength() == 0:
            return none
        self.spend("scales", q.ScaleLength(), sizes.SCALES)
        scales = np.asarray(q.ScaleAsNumpy(), np.float32)
        if dtype not in RANGES and not np.all(np.isfinite(scales) & (scales > 0)):
            return none  # nothing reckons with them: a bias of zeros, a list of axes
        # Converters drop the zero points where all are zero.
        zeros64 = (
            np.zeros(len(scales), np.int64)
            if q.ZeroPointIsNone() or q.ZeroPointLength() == 0
            else np.asarray(q.ZeroPointAsNumpy(), np.int64)
        )
        if len(zeros64) == 1 and len(scales) > 1:
            zeros64 = np.repeat(zeros64, len(scales))
        # Old converters give a bias its weights' dimension; a vector has but one.
        axis = int(q.QuantizedDimension()) if len(shape) != 1 else 0
        if len(zeros64) != len(scales):
            raise self.damaged(f"{where} has {len(scales)} scales, {len(zeros64)} zero points")
        if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
            raise self.damaged(f"{where} has {len(scales)} scales for shape {list(shape)}")
        if data is not None and not np.any(data) and not np.any(zeros64):
            # Zeros have no range: converters give them any scale, infinite ones too.
            scales = np.where(np.isfinite(scales) & (scales > 0), scales, np.float32(1))
        if np.any(np.abs(zeros64) > 0x7FFFFFFF):
            raise self.damaged(f"{where} has a zero point out of range")
        scales.flags.writeable = False
        zeros = zeros64.astype(np.int32)
        zeros.flags.writeable = False
        return scales, zeros, axis if len(scales) > 1 else 0

    def constant(
        self, t: Any, shape: tuple[int, ...], dtype: str, elements: int, where: str
    ) -> Any:
        number = t.Buffer()
        if number == 0:
            return None
        if number >= self.model.BuffersLength():
            raise self.damaged(f"{where} uses buffer {number}, which doesn't exist")
        buffer = self.model.Buffers(number)
        offset, size = buffer.Offset(), buffer.Size()
        if offset > 1:  # data outside of the flatbuffer proper, used beyond 2 GB
            if offset + size > len(self.content):
                raise self.damaged(f"{where} lies outside of the file")
            raw = np.frombuffer(self.content, np.uint8, size, offset)
        elif buffer.DataIsNone() or buffer.DataLength() == 0:
            return None if elements else np.zeros(shape, _WIDTHS.get(dtype, "u1"))
        else:
            raw = buffer.DataAsNumpy()
        if t.IsVariable():
            return None
        if dtype not in _WIDTHS:
            return np.asarray(raw)
        kind = np.dtype(_WIDTHS[dtype])
        if len(raw) != elements * kind.itemsize:
            raise self.damaged(
                f"{where} has {len(raw)} bytes, {list(shape)} of {dtype} "
                f"are {elements * kind.itemsize}"
            )
        return raw.view(kind).reshape(shape)

    def op(
        self, index: int, o: Any, codes: list[tuple[str, int]], tensors: tuple[Tensor, ...]
    ) -> Op:
        if o.OpcodeIndex() >= len(codes):
            raise self.damaged(f"op {index} has no operator code")
        name, version = codes[o.OpcodeIndex()]
        inputs = self.indices(o.InputsAsNumpy(), len(tensors), f"op {index} ({name})", -1)
        outputs = self.indices(o.OutputsAsNumpy(), len(tensors), f"op {index} ({name})")
        return Op(
            index=index,
            name=name,
            inputs=inputs,
            outputs=outputs,
            options=_options(o, name),
            version=version,
            layer=layer_name(tensors[outputs[0]].name) if outputs else "",
            origins=(index,),
        )
