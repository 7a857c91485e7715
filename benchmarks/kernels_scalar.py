"""Instructions of whole models on the scalar cores: Cortex-M3, Cortex-M0+, RV32IMC.

    python benchmarks/kernels_scalar.py [MODEL.tflite...] [--shapes] [--core CORE]...
                                        [--optimize GOAL] [--layers] [--check N]

`--check N` compares the outputs of N random inputs with TFLite Micro's.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import bare_metal
import numpy as np
from reference import expected
from scalar_shapes import SHAPES

from pipeline.codegen import Target, compile_graph
from pipeline.convert import read_graph
from pipeline.convert.statistics import macs, total_macs
from pipeline.load.flatmodel import FlatModel


def measure(name: str, model: bytes, core: str, samples: int, optimize: str, layers: bool) -> None:
    """Prints a row."""
    graph = read_graph(FlatModel("model", model))
    program = compile_graph(graph, Target(core), optimize)
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = np.random.default_rng(1).integers(-128, 128, (samples, *shape)).astype(np.int8)
    with tempfile.TemporaryDirectory() as folder:
        run = bare_metal.run(program, inputs, Path(folder), core)
    same = run.outputs == expected(model, inputs)
    ratio = run.instructions / max(1, total_macs(graph))
    print(
        f"| {core} | {name} | {run.instructions} | {ratio:.3f} | {run.flash} "
        f"| {program.arena_bytes} | {f'equal, {samples}' if same else 'DIFFERS'} |",
        flush=True,
    )
    if layers:
        by_name = {op.layer: op for op in graph.ops}
        for layer, count in zip(program.layers, run.layers, strict=True):
            work = macs(graph, by_name[layer.name])
            ratio_text = f"{count / work:8.3f}" if work else " " * 8
            print(f"  {layer.op:<20}{layer.kernel:<28}{count:>10}{ratio_text}")


def main() -> None:
    """Prints one row per core and model, or shape."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--shapes", action="store_true", help="single layers of usual shapes")
    parser.add_argument("--core", action="append")
    parser.add_argument("--optimize", default="balanced")
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--check", type=int, default=1)
    options = parser.parse_args()
    todo = {path.stem: path.read_bytes() for path in options.models}
    if options.shapes:
        todo |= SHAPES
    print("| core | model | instructions | insn/MAC | flash | arena | outputs |")
    print("|---|---|---|---|---|---|---|")
    for core in options.core or bare_metal.SCALAR:
        for name, model in todo.items():
            measure(name, model, core, options.check, options.optimize, options.layers)


if __name__ == "__main__":
    main()
