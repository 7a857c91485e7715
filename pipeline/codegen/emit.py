"""Program text: network.h, network.c, network_data.h and network_data.c."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

import numpy as np

from pipeline.codegen.dtypes import CTYPES, DTYPES, bytes_of
from pipeline.codegen.kernels.kernel import Code, Constant, Site
from pipeline.codegen.memory.arena import Memory
from pipeline.codegen.memory.lives import states
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op, Tensor
from pipeline.convert.statistics import macs

Layers = Sequence[tuple[Op, Code]]


def sources(
    graph: Graph,
    layers: Layers,
    memory: Memory,
    target: Target,
    optimize: Optimize,
    keep_inputs: bool,
) -> dict[str, str]:
    """File name -> text. Nothing in it depends on time, place or chance."""
    title = (
        f"/* {_comment(graph.name)}: generated from a .tflite with SHA-256\n"
        f" * {graph.sha256},\n"
        f" * for {target.core}, optimised for {optimize}. */\n"
    )
    return {
        "network.h": title + _header(graph, layers, memory, keep_inputs),
        "network.c": title + _network(graph, layers, memory, target),
        "network_data.h": title + _data_header(graph, layers, target),
        "network_data.c": title + _data(graph, layers, target),
    }


def _comment(text: str) -> str:
    """Text that is safe within a C comment, on one line."""
    clean = "".join(c if c.isprintable() and ord(c) < 127 else "?" for c in text)
    return clean.replace("*/", "* /").replace("/*", "/ *")


def _shape(t: Tensor) -> str:
    return f"({', '.join(map(str, t.shape))}) {t.dtype}"


def _header(graph: Graph, layers: Layers, memory: Memory, keep_inputs: bool) -> str:
    return f"""\
#ifndef NETWORK_H
#define NETWORK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define NETWORK_NAME "{graph.name}"
#define NETWORK_SHA256 "{graph.sha256}"
#define NETWORK_INPUTS {len(graph.inputs)}
#define NETWORK_OUTPUTS {len(graph.outputs)}
#define NETWORK_LAYERS {len(layers)}
#define NETWORK_ARENA_BYTES {memory.size}
/* 1: an inference leaves the inputs as they are; 0: write them before each one. */
#define NETWORK_KEEPS_INPUTS {int(keep_inputs)}

typedef enum {{
    NETWORK_INT8 = 0,
    NETWORK_INT16 = 1,
    NETWORK_INT32 = 2,
    NETWORK_UINT8 = 3,
    NETWORK_FLOAT32 = 4,
    NETWORK_BOOL = 5
}} network_dtype_t;

/* Real value = scale * (stored - zero_point). */
typedef struct {{
    void *data;
    uint32_t bytes;
    uint32_t elements;
    network_dtype_t dtype;
    float scale;
    int32_t zero_point;
}} network_tensor_t;

/* Activations; inputs and outputs are within. */
extern uint8_t network_arena[NETWORK_ARENA_BYTES];

extern const network_tensor_t network_inputs[NETWORK_INPUTS];
extern const network_tensor_t network_outputs[NETWORK_OUTPUTS];

/* The layers; all of them in order are one inference. */
typedef void (*network_layer_t)(void);
extern const network_layer_t network_layers[NETWORK_LAYERS];

/* Puts state between inferences to its start; call once before the first one. */
void network_reset(void);

/* One inference: network_inputs to network_outputs. */
void network_run(void);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _network(graph: Graph, layers: Layers, memory: Memory, target: Target) -> str:
    bodies = "\n".join(code.body + code.initialize for _, code in layers)
    headers = sorted(
        {f for _, code in layers for f in code.files if f.endswith(".h")} - {"requantize.h"}
    )
    parts = [
        '#include "network.h"\n\n#include <stdalign.h>\n#include <stddef.h>\n'
        + ("#include <string.h>\n\n" if states(graph) else "\n")
        + "".join(f'#include "{h}"\n' for h in sorted([*headers, "network_data.h"])),
        "alignas(16) uint8_t network_arena[NETWORK_ARENA_BYTES];\n",
        _addresses(graph, layers, memory, bodies),
    ]
    parts += [_layer(graph, n, op, code, target) for n, (op, code) in enumerate(layers)]
    parts.append(_tables(graph, layers, memory))
    parts.append(_functions(graph, layers, memory))
    return "\n".join(p for p in parts if p)


def _addresses(graph: Graph, layers: Layers, memory: Memory, bodies: str) -> str:
    used = sorted({int(n) for n in re.findall(r"\btensor_(\d+)\b", bodies)})
    rows = []
    for i in used:
        t = graph.tensors[i]
        ctype = CTYPES[t.dtype]
        rows.append(
            f"static {ctype} *const tensor_{i} = {_at(ctype, memory.tensors[i])}; /* {_shape(t)} */"
        )
    for n, offset in memory.scratch.items():
        if re.search(rf"\bscratch_{n:02d}\b", bodies):
            rows.append(
                f"static uint8_t *const scratch_{n:02d} = "
                f"&network_arena[{offset}]; /* {layers[n][1].scratch} bytes */"
            )
    if not rows:
        return ""
    return (
        "/* Where tensors live; those that are never needed together share memory. */\n"
        + "\n".join(rows)
        + "\n"
    )


def _at(ctype: str, offset: int) -> str:
    if ctype == "uint8_t":
        return f"&network_arena[{offset}]"
    through = "" if ctype == "int8_t" else "(void *)"
    return f"({ctype} *){through}&network_arena[{offset}]"


def _function(number: int, op: Op) -> str:
    name = re.sub(r"\W+", "_", op.layer, flags=re.ASCII).strip("_").lower()[:40]
    return f"layer_{number:02d}_{name or op.name.lower()}"


def _layer(graph: Graph, number: int, op: Op, code: Code, target: Target) -> str:
    sources = " + ".join(
        _shape(graph.tensors[i]) for i in op.inputs if i >= 0 and graph.tensors[i].data is None
    )
    results = ", ".join(_shape(graph.tensors[i]) for i in op.outputs)
    work = macs(graph, op)
    note = f", {work} multiply-accumulates" if work else ""
    # What is static within a layer are the parameters its kernel reads.
    text = code.body.replace("static const ", f"static {target.rom} ")
    body = "\n".join(f"    {line}" if line else "" for line in text.splitlines())
    return (
        f"/* {op.name} {_comment(op.layer)}\n"
        f" * {sources} -> {results}{note}{_by_passes(graph, op)} */\n"
        f"static void {_function(number, op)}(void)\n{{\n{body}\n}}\n"
    )


def _by_passes(graph: Graph, op: Op) -> str:
    """What graph passes made of the layer, as more lines of its comment."""
    lines = []
    if "table" in op.options:
        lines.append("as a table of all 256 inputs")
    if "clamp" in op.options:
        lines.append("clamped to {} .. {} as stored".format(*op.options["clamp"]))
    if "pads" in op.options:
        (top, bottom), (left, right) = op.options["pads"]
        lines.append(f"padded by {top} above, {bottom} below, {left} left, {right} right")
    kept = graph.tensors[op.outputs[0]].kept
    if kept is not None:
        lines.append(f"of the model's channels {_runs(kept)}")
    wrapped = [part for line in lines for part in textwrap.wrap(line, 92)]
    return "".join(f"\n * {line}" for line in wrapped)


def _runs(numbers: Sequence[int]) -> str:
    """Rising numbers as text: "0, 3-5"."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ", ".join(f"{a}-{b}" if b > a else str(a) for a, b in runs)


def _tensor_entry(graph: Graph, index: int, memory: Memory) -> str:
    t = graph.tensors[index]
    scale = float(t.scales[0]) if len(t.scales) else 0.0
    zero = int(t.zero_points[0]) if len(t.zero_points) else 0
    count = bytes_of(t) // np.dtype(t.dtype).itemsize
    return (
        "    {\n"
        f"        .data = &network_arena[{memory.tensors[index]}], /* {_shape(t)} */\n"
        f"        .bytes = {bytes_of(t)},\n"
        f"        .elements = {count},\n"
        f"        .dtype = {DTYPES[t.dtype]},\n"
        f"        .scale = {scale!r}f,\n"
        f"        .zero_point = {zero},\n"
        "    },\n"
    )


def _tables(graph: Graph, layers: Layers, memory: Memory) -> str:
    text = ""
    for name, indices in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        rows = "".join(_tensor_entry(graph, i, memory) for i in indices)
        text += f"const network_tensor_t network_{name}[NETWORK_{name.upper()}] = {{\n{rows}}};\n\n"
    rows = "".join(f"    {_function(n, op)},\n" for n, (op, _) in enumerate(layers))
    return text + f"const network_layer_t network_layers[NETWORK_LAYERS] = {{\n{rows}}};\n"


def _functions(graph: Graph, layers: Layers, memory: Memory) -> str:
    lines = []
    for i in states(graph):
        t, place = graph.tensors[i], f"&network_arena[{memory.tensors[i]}]"
        if t.initial is not None:
            lines.append(f"memcpy({place}, model_state_{i}, {bytes_of(t)});")
            continue
        # int8 state starts at zero, as stored; wider state is symmetric.
        start = int(t.zero_points[0]) if t.dtype == "int8" and len(t.zero_points) else 0
        lines.append(f"memset({place}, {start}, {bytes_of(t)});")
    lines += [line for _, code in layers for line in code.initialize.splitlines()]
    initialize = "".join(f"    {line}\n" for line in lines)
    return f"""\
void network_reset(void)
{{
{initialize}}}

void network_run(void)
{{
    for (uint32_t i = 0; i < NETWORK_LAYERS; i++) {{
        network_layers[i]();
    }}
}}
"""


def _constants(graph: Graph, layers: Layers) -> Iterable[tuple[str, Constant]]:
    bodies = "\n".join(code.body + code.initialize for _, code in layers)
    for i in sorted({int(n) for n in re.findall(r"\bmodel_tensor_(\d+)\b", bodies)}):
        t = graph.tensors[i]
        assert t.data is not None
        yield f"model_tensor_{i}", Constant("", CTYPES[t.dtype], t.data, note=_shape(t))
    for i in states(graph):
        t = graph.tensors[i]
        if t.initial is not None:
            yield f"model_state_{i}", Constant("", CTYPES[t.dtype], t.initial, note=_shape(t))
    for number, (op, code) in enumerate(layers):
        for constant in code.constants:
            yield Site(number, graph, op).constant(constant.name), constant


def _is_struct(c: Constant) -> bool:
    return c.ctype not in CTYPES.values() and c.ctype not in ("uint16_t", "uint32_t")


def _declare(symbol: str, c: Constant, target: Target) -> str:
    """Kernels take a layer's own constants from flash, tensors and states from RAM."""
    count = len(c.values) if _is_struct(c) else np.asarray(c.values).size
    place = "const" if symbol.startswith(("model_tensor_", "model_state_")) else target.rom
    return f"{place} {c.ctype} {symbol}[{count}]"


def _data_header(graph: Graph, layers: Layers, target: Target) -> str:
    constants = list(_constants(graph, layers))
    rows = "".join(f"extern {_declare(s, c, target)};\n" for s, c in constants)
    structs = any(_is_struct(c) for _, c in constants)
    return (
        "#ifndef NETWORK_DATA_H\n#define NETWORK_DATA_H\n\n#include <stdint.h>\n\n"
        + ('#include "kernels.h"\n\n' if structs else "")
        + f"{rows}\n#endif\n"
    )


def _data(graph: Graph, layers: Layers, target: Target) -> str:
    constants = list(_constants(graph, layers))
    # INFINITY and NAN are macros of it.
    limits = any(
        np.asarray(c.values).dtype.kind == "f" and not np.all(np.isfinite(c.values))
        for _, c in constants
    )
    math = "#include <math.h>\n" if limits else ""
    parts = [f'#include "network_data.h"\n\n{math}#include <stdalign.h>\n']
    for symbol, c in constants:
        note = f"/* {_comment(c.note)} */\n" if c.note else ""
        align = f"alignas({c.align}) " if c.align else ""
        parts.append(f"{note}{align}{_declare(symbol, c, target)} = {{\n{_values(c)}\n}};\n")
    return "\n".join(parts)


def _literal(value: float) -> str:
    if np.isfinite(value):
        return f"{value!r}f"
    return "NAN" if np.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"


def _values(c: Constant) -> str:
    if _is_struct(c):
        rows = ["{" + ", ".join(map(str, row)) + "}," for row in np.asarray(c.values).tolist()]
        return "\n".join(f"    {row}" for row in rows)
    flat = np.asarray(c.values).reshape(-1)
    if flat.dtype.kind == "f":
        words = [_literal(float(v)) for v in flat]
    elif flat.dtype.itemsize == 8:
        words = [f"INT64_C({v})" if v > -(1 << 63) else "INT64_MIN" for v in flat.tolist()]
    else:
        words = ["INT32_MIN" if v == -(1 << 31) else str(v) for v in flat.tolist()]
    rows, line = [], "   "
    for word in words:
        if len(line) + len(word) + 2 > 100:
            rows.append(line)
            line = "   "
        line += f" {word},"
    return "\n".join([*rows, line])
