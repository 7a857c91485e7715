"""Instructions per multiply-accumulate of DSP and Helium kernels in QEMU; of models on Cortex-M4.

    python benchmarks/kernels_dsp.py                 # layers of common shapes, every kernel
    python benchmarks/kernels_dsp.py MODEL.tflite    # whole models, all three goals
    python benchmarks/kernels_dsp.py --write [...]   # and keep the figures in kernels_dsp.json
    python benchmarks/kernels_dsp.py --check [...]   # fail where one is over 1 % worse than kept,
                                                     # or where the cost model is over 25 % off

The figures stand behind cost.py of pipeline/codegen/kernels/dsp and the constants of kernels/mve.
Counts are exact and repeat.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from bare_metal import run

from pipeline.codegen import Target, compile_graph
from pipeline.codegen import compile as compiler
from pipeline.codegen.kernels.dsp import choose as dsp
from pipeline.codegen.kernels.kernel import Kernel
from pipeline.codegen.kernels.mve import choose as mve
from pipeline.codegen.numeric import PADDING_SAME
from pipeline.convert import Graph, Op, Tensor, read_graph
from pipeline.load.flatmodel import FlatModel

KEPT = Path(__file__).with_suffix(".json")
TARGET = Target("cortex-m4", frozenset({"dsp", "fpu"}))
CORES: dict[str, tuple[Target, dict[str, list[Kernel]]]] = {
    "cortex-m4": (TARGET, dsp.KERNELS),
    "cortex-m55": (Target("cortex-m55", frozenset({"dsp", "fpu", "mve"})), mve.KERNELS),
}
TOLERANCE = 1.01
ESTIMATES = 1.25
"""How far the cost model may be from the count, either way."""

# name -> (op, input height, width, channels, kernel, stride, output channels)
LAYERS = {
    "1x1 8->16": ("CONV_2D", 24, 24, 8, (1, 1), 1, 16),
    "1x1 64->64": ("CONV_2D", 25, 5, 64, (1, 1), 1, 64),
    "1x1 128->128": ("CONV_2D", 6, 6, 128, (1, 1), 1, 128),
    "1x1 16->32 stride 2": ("CONV_2D", 32, 32, 16, (1, 1), 2, 32),
    "first 3x3x3->16": ("CONV_2D", 32, 32, 3, (3, 3), 1, 16),
    "first 3x3x3->8 stride 2": ("CONV_2D", 48, 48, 3, (3, 3), 2, 8),
    "first 10x4x1->64 stride 2": ("CONV_2D", 49, 10, 1, (10, 4), 2, 64),
    "3x3 16->16": ("CONV_2D", 32, 32, 16, (3, 3), 1, 16),
    "3x3 32->32": ("CONV_2D", 16, 16, 32, (3, 3), 1, 32),
    "3x3 64->64": ("CONV_2D", 8, 8, 64, (3, 3), 1, 64),
    "3x3 32->64 stride 2": ("CONV_2D", 16, 16, 32, (3, 3), 2, 64),
    "(5,1) 16->16": ("CONV_2D", 64, 1, 16, (5, 1), 1, 16),
    "depthwise 3x3 64, 25x5": ("DEPTHWISE_CONV_2D", 25, 5, 64, (3, 3), 1, 64),
    "depthwise 3x3 32, 24x24": ("DEPTHWISE_CONV_2D", 24, 24, 32, (3, 3), 1, 32),
    "depthwise 3x3 32 stride 2": ("DEPTHWISE_CONV_2D", 24, 24, 32, (3, 3), 2, 32),
    "depthwise 5x5 32": ("DEPTHWISE_CONV_2D", 12, 12, 32, (5, 5), 1, 32),
    "depthwise (9,1) 32": ("DEPTHWISE_CONV_2D", 64, 1, 32, (9, 1), 1, 32),
    "dense 640->128": ("FULLY_CONNECTED", 1, 1, 640, (1, 1), 1, 128),
    "dense 1500->100": ("FULLY_CONNECTED", 1, 1, 1500, (1, 1), 1, 100),
    "dense 128->128": ("FULLY_CONNECTED", 1, 1, 128, (1, 1), 1, 128),
}


def layer_graph(
    name: str, height: int, width: int, inputs: int, kernel: tuple[int, int], stride: int, n: int
) -> Graph:
    """One layer with random weights, SAME padding and a fused ReLU, in a graph of its own."""
    random = np.random.default_rng(0)
    shape: tuple[int, ...] = (n, *kernel, inputs)
    data: tuple[int, ...] = (1, height, width, inputs)
    result: tuple[int, ...] = (1, -(-height // stride), -(-width // stride), n)
    axis, per_channel = 0, n
    if name == "DEPTHWISE_CONV_2D":
        shape, axis = (1, *kernel, n), 3
    if name == "FULLY_CONNECTED":
        shape, data, result, per_channel = (n, inputs), (1, inputs), (1, n), 1
    k = np.prod(shape) / n
    scales = (0.003 * random.uniform(0.5, 2.0, per_channel)).astype(np.float32)
    tensors = [
        _tensor(0, data, 0.05, -128),
        _tensor(1, shape, scales, 0, random.integers(-127, 128, shape).astype(np.int8), axis),
        _tensor(2, (n,), 0.05 * scales, 0, random.integers(-9999, 9999, n).astype(np.int32)),
        _tensor(3, result, 0.05 * 0.003 * 73 * np.sqrt(k), -128),
    ]
    options: dict[str, Any] = {"fused_activation_function": 1, "padding": PADDING_SAME}
    options |= {"stride_h": stride, "stride_w": stride, "depth_multiplier": 1}
    options |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
    op = Op(0, name, (0, 1, 2), (3,), options, 3, "layer")
    return Graph("layer", "0" * 64, tuple(tensors), (op,), (0,), (3,))


def _tensor(
    index: int, shape: tuple[int, ...], scale: Any, zero: int, data: Any = None, axis: int = 0
) -> Tensor:
    scales = np.atleast_1d(np.asarray(scale, np.float32))
    zeros = np.full(scales.shape, zero, np.int32)
    dtype = "int8" if data is None else str(data.dtype)
    return Tensor(index, f"t{index}", shape, dtype, scales, zeros, axis, data)


def measure_layers() -> tuple[dict[str, float], list[str]]:
    """'layer: kernel' -> instructions per multiply-accumulate; and where the cost model is off."""
    figures: dict[str, float] = {}
    off = []
    for core, (target, kernels) in CORES.items():
        for name, spec in LAYERS.items():
            graph = layer_graph(*spec)
            op = graph.ops[0]
            done = set()
            for kernel in kernels[op.name]:
                kind = type(kernel), getattr(kernel, "packed", False)
                if kind in done or not kernel.applies(graph, op, target):
                    continue
                done.add(kind)
                counted, macs = _count(graph, kernel, core)
                label = f"{name}: {kernel.name}"
                figures[label] = round(counted / macs, 3)
                share = kernel.cost(graph, op, target, "speed").cycles / counted
                print(f"{name:28s} {kernel.name:44s} {figures[label]:7.3f} estimate {share:5.0%}")
                if not 1 / ESTIMATES <= share <= ESTIMATES:
                    off.append(f"{label}: estimated {share:.0%} of the {counted} counted")
    return figures, off


def _count(graph: Graph, kernel: Kernel, core: str) -> tuple[int, int]:
    """Instructions and multiply-accumulates of a layer."""
    usual, compiler.candidates = compiler.candidates, lambda *_: [kernel]
    try:
        program = compile_graph(graph, CORES[core][0])
    finally:
        compiler.candidates = usual
    x = np.zeros((1, *graph.tensors[0].shape), np.int8)
    with tempfile.TemporaryDirectory() as folder:
        return run(program, x, Path(folder), core).instructions, program.layers[0].macs


def measure_model(path: Path) -> dict[str, dict[str, int]]:
    """'model: goal' -> instructions, bytes of flash (code and constants), bytes of arena."""
    figures = {}
    graph = read_graph(FlatModel(path.stem, path.read_bytes()))
    shape = graph.tensors[graph.inputs[0]].shape
    x = np.random.default_rng(1).integers(-128, 128, (2, *shape), dtype=np.int8)
    for goal in ("speed", "balanced", "size"):
        program = compile_graph(graph, TARGET, goal, keep_inputs=False)
        with tempfile.TemporaryDirectory() as folder:
            result = run(program, x, Path(folder))
        figures[f"{path.stem}: {goal}"] = {
            "instructions": result.instructions,
            "flash": result.flash,
            "arena": program.arena_bytes,
        }
        print(f"{path.stem:20s} {goal:9s}", figures[f"{path.stem}: {goal}"])
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    found: dict[str, Any] = {}
    for model in options.models:
        found |= measure_model(model)
    worse: list[str] = []
    if not options.models:
        layers, worse = measure_layers()
        found = dict(layers)
    for name, value in found.items():
        was = kept.get(name)
        if was is None:
            continue
        pairs = [(value, was)] if isinstance(value, float) else zip(
            value.values(), was.values(), strict=True
        )  # fmt: skip
        if any(now > TOLERANCE * before for now, before in pairs):
            worse.append(f"{name}: {was} -> {value}")
    if options.write:
        KEPT.write_text(json.dumps(dict(sorted((kept | found).items())), indent=1) + "\n")
    print(*worse, sep="\n")
    return 1 if options.check and worse else 0


if __name__ == "__main__":
    sys.exit(main())
