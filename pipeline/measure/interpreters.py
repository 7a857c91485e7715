"""The interpreters of this machine; run as a script, with a folder and an engine's name.

It imports nothing of this package, so that it starts in a fraction of a second.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENGINES = ("tflite-micro", "ai-edge-litert")
MODEL, INPUTS, OUTPUTS, NAME = "model.tflite", "inputs.npy", "outputs.npy", "name.txt"


def _tflite_micro(model: bytes, inputs: NDArray[Any]) -> NDArray[np.uint8]:
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model)
    count = _count_outputs(interpreter.get_output_details)

    def run(sample: NDArray[Any]) -> list[NDArray[Any]]:
        interpreter.reset()
        interpreter.set_input(sample[np.newaxis], 0)
        interpreter.invoke()
        return [interpreter.get_output(i) for i in range(count)]

    return _run_all(run, inputs)


def _count_outputs(details: Any) -> int:
    count = 0
    while True:
        try:
            details(count)
        except (IndexError, RuntimeError, ValueError):
            return count
        count += 1


def _litert(model: bytes, inputs: NDArray[Any]) -> NDArray[np.uint8]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    where = interpreter.get_input_details()[0]["index"]
    outputs = [detail["index"] for detail in interpreter.get_output_details()]

    def run(sample: NDArray[Any]) -> list[NDArray[Any]]:
        interpreter.reset_all_variables()
        interpreter.set_tensor(where, sample[np.newaxis])
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in outputs]

    return _run_all(run, inputs)


def _run_all(run: Any, inputs: NDArray[Any]) -> NDArray[np.uint8]:
    rows = [b"".join(np.asarray(part).tobytes() for part in run(sample)) for sample in inputs]
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(inputs), -1)


def main(folder: Path, engine: str) -> None:
    """Runs a folder's model over its inputs."""
    run = _tflite_micro if engine == ENGINES[0] else _litert
    model, inputs = (folder / MODEL).read_bytes(), np.load(folder / INPUTS)
    np.save(folder / OUTPUTS, run(model, inputs))
    suffix = "" if engine == ENGINES[0] else " (BUILTIN_REF)"
    (folder / NAME).write_text(f"{engine} {importlib.metadata.version(engine)}{suffix}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
