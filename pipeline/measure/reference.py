"""Reference: the same model and inputs on this machine, beside the chip.

It runs in a process of its own: it uses another core while the chip is busy, and a model
that makes an interpreter abort does not take us along.
"""

from __future__ import annotations

import importlib.metadata
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DeviceError
from pipeline.flash.process import Process

ENGINES = ("tflite-micro", "ai-edge-litert")
_MODEL, _INPUTS, _OUTPUTS, _NAME = "model.tflite", "inputs.npy", "outputs.npy", "name.txt"
_MOST_SECONDS = 3600.0


class Reference:
    """A run of the reference interpreter: TensorFlow Lite Micro, else LiteRT's.

    Use as a context manager: the process does not outlive it.

    Args:
        model: the flatbuffer.
        inputs: (n, ...) input tensors in the model's own type.

    Attributes:
        name: what ran, with its version; why, where nothing could.
    """

    def __init__(self, model: bytes, inputs: NDArray[Any]) -> None:
        self.name = "none"
        self._folder = tempfile.TemporaryDirectory(prefix="mcu-reference-")
        self._path = Path(self._folder.name)
        (self._path / _MODEL).write_bytes(model)
        np.save(self._path / _INPUTS, inputs)
        self._engines = list(ENGINES)
        self._process = self._start()

    def _start(self) -> Process:
        engine = self._engines.pop(0)
        return Process([sys.executable, "-m", __name__, str(self._path), engine])

    def outputs(self) -> NDArray[np.uint8] | None:
        """(n, bytes) of all output tensors, one after the other; None where nothing could run.

        Waits for the process.
        """
        while True:
            code = self._process.wait(_MOST_SECONDS)
            if code == 0:
                self.name = (self._path / _NAME).read_text()
                found: NDArray[np.uint8] = np.load(self._path / _OUTPUTS)
                return found
            words = self._process.output().strip().splitlines()
            self._process.end()
            if code is None:
                raise DeviceError("the reference interpreter does not come to an end")
            if not self._engines:
                self.name = f"none ({words[-1] if words else 'no interpreter is installed'})"
                return None
            self._process = self._start()

    def __enter__(self) -> Reference:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.end()
        self._folder.cleanup()


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


def _main(folder: Path, engine: str) -> None:
    run = _tflite_micro if engine == ENGINES[0] else _litert
    model, inputs = (folder / _MODEL).read_bytes(), np.load(folder / _INPUTS)
    np.save(folder / _OUTPUTS, run(model, inputs))
    suffix = "" if engine == ENGINES[0] else " (BUILTIN_REF)"
    (folder / _NAME).write_text(f"{engine} {importlib.metadata.version(engine)}{suffix}")


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2])
