"""The interpreters of this machine; run as a script, with a folder and an engine's name.

Where TFLite Micro is right about all of a model it imports nothing of this package, so that
it starts in a fraction of a second. Else plan.json says who runs which stretch of the ops.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENGINES = ("tflite-micro", "ai-edge-litert")
MODEL, INPUTS, OUTPUTS, NAME = "model.tflite", "inputs.npz", "outputs.npy", "name.txt"
PLAN, WANTED, FOUND = "plan.json", "wanted.npy", "found.npz"

_FIRST_ARENA, _LARGEST_ARENA = 1 << 20, 1 << 30
_NO_ROOM = ("failed to allocate", "arena")

Values = dict[int, NDArray[Any]]
"""Tensor -> what it holds."""
Run = Callable[[Values], None]
"""Reads a step's inputs, adds its outputs and what else is wanted of it."""


def _micro(model: bytes, keep: bool) -> Any:
    """TFLite Micro with an arena that suffices: doubled until it does.

    Its own default, ten times the file, is too little for a small file with large tensors.
    """
    from tflite_micro import runtime

    config = runtime.InterpreterConfig
    arena = max(_FIRST_ARENA, 24 * len(model))
    while True:
        try:
            return runtime.Interpreter.from_bytes(
                model,
                arena_size=arena,
                intrepreter_config=config.kPreserveAllTensors
                if keep
                else config.kAllocationRecording,
            )
        except RuntimeError as error:
            # It says the same of operators it does not have: then the last try says so too.
            if arena >= _LARGEST_ARENA or not any(w in str(error).lower() for w in _NO_ROOM):
                raise
            arena = min(16 * arena, _LARGEST_ARENA)


def micro_run(model: bytes, step: dict[str, Any], wanted: frozenset[int]) -> Run:
    """TFLite Micro over a step; `wanted` of its tensors are given too."""
    interpreter = _micro(model, bool(wanted))

    def run(values: Values) -> None:
        interpreter.reset()
        for position, index in enumerate(step["inputs"]):
            interpreter.set_input(values[index], position)
        interpreter.invoke()
        for position, index in enumerate(step["outputs"]):
            values[index] = np.array(interpreter.get_output(position))
        for index in wanted.difference(step["outputs"]):
            values[index] = np.array(interpreter.GetTensor(index, 0)["tensor_data"])

    return run


def litert_run(model: bytes, step: dict[str, Any], wanted: frozenset[int]) -> Run:
    """LiteRT's reference kernels over a step; `wanted` of its tensors are given too."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    def made(resolver: OpResolverType) -> Any:
        interpreter = Interpreter(
            model_content=model,
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=bool(wanted),
        )
        interpreter.allocate_tensors()
        return interpreter

    try:
        interpreter = made(OpResolverType.BUILTIN_REF)
    except (RuntimeError, ValueError):  # a few operators have no reference kernel
        interpreter = made(OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)

    def run(values: Values) -> None:
        interpreter.reset_all_variables()
        for index in step["inputs"]:
            interpreter.set_tensor(index, values[index])
        interpreter.invoke()
        for index in (*step["outputs"], *wanted):
            values[index] = np.array(interpreter.get_tensor(index))

    return run


def _defined(folder: Path, step: dict[str, Any]) -> Run:
    from pipeline.convert import read_graph
    from pipeline.load.flatmodel import FlatModel
    from pipeline.measure.truth.definitions import run_step

    graph = read_graph(FlatModel("model", (folder / MODEL).read_bytes()))
    return run_step(graph, step["graph_ops"])


def _steps(folder: Path, engine: str) -> list[dict[str, Any]]:
    plan: dict[str, Any] = json.loads((folder / PLAN).read_text())
    if engine == ENGINES[0]:
        return list(plan["steps"])
    whole = {"engine": engine, "model": MODEL, **{k: plan[k] for k in ("inputs", "outputs")}}
    return [{**whole, "makes": plan["makes"]}]


def _runs(folder: Path, engine: str, wanted: set[int]) -> list[Run]:
    runs: list[Run] = []
    for step in _steps(folder, engine):
        ours = frozenset(wanted.intersection(step["makes"]))
        if step["engine"] == "definition":
            runs.append(_defined(folder, step))
            continue
        make = micro_run if step["engine"] == ENGINES[0] else litert_run
        runs.append(make((folder / step["model"]).read_bytes(), step, ours))
    return runs


def main(folder: Path, engine: str) -> None:
    """Runs a folder's model over its inputs.

    With wanted.npy only the first sample, of which found.npz gets the wanted tensors.
    """
    plan = json.loads((folder / PLAN).read_text())
    with np.load(folder / INPUTS) as stored:
        inputs = [stored[f"x{i}"] for i in range(len(plan["inputs"]))]
    path = folder / WANTED
    wanted = {int(i) for i in np.load(path)} if path.is_file() else set()
    runs = _runs(folder, engine, wanted)
    rows = []
    for number in range(1 if wanted else len(inputs[0])):
        values: Values = {
            index: x[number][np.newaxis] for index, x in zip(plan["inputs"], inputs, strict=True)
        }
        for run in runs:
            run(values)
        rows.append(b"".join(values[index].tobytes() for index in plan["outputs"]))
    if wanted:
        np.savez(folder / FOUND, **{str(i): values[i] for i in wanted})  # type: ignore[arg-type]
    outputs = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
    np.save(folder / OUTPUTS, outputs)
    suffix = "" if engine == ENGINES[0] else " (BUILTIN_REF)"
    (folder / NAME).write_text(f"{engine} {importlib.metadata.version(engine)}{suffix}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
