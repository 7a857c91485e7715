"""Reference: the same model and inputs on this machine, beside the chip.

It runs in a process of its own: it uses another core while the chip is busy, and a model
that makes an interpreter abort does not take us along.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.convert import Graph, read_graph
from pipeline.errors import DeviceError, McuError
from pipeline.flash.process import Process
from pipeline.load.flatmodel import FlatModel
from pipeline.measure import interpreters
from pipeline.measure.interpreters import (
    ENGINES,
    FOUND,
    INPUTS,
    MODEL,
    NAME,
    OUTPUTS,
    PLAN,
    WANTED,
)
from pipeline.measure.truth.cut import cut
from pipeline.measure.truth.plan import Ruling, plan, rulings
from pipeline.measure.truth.repair import repaired
from pipeline.scratch import Folder

_MOST_SECONDS = 3600.0


class Reference:
    """A run of the reference: TensorFlow Lite Micro wherever it is right.

    Ops that it is wrong about, or has not, are run by LiteRT or by their definition. A model
    that TFLite Micro can't run at all is run by LiteRT as a whole, and `reason` says why.
    Use as a context manager: the process does not outlive it.

    Args:
        model: the flatbuffer.
        inputs: (n, ...) input tensors in the model's own type; one array for each input.
        wanted: tensors of the model to keep of the first sample, which alone is run then.
        engines: the interpreters to try, in order; TFLite Micro and then LiteRT by default.

    Attributes:
        name: what ran, with its version; why, where nothing could.
        reason: why it is not TensorFlow Lite Micro; "" where it is.
        rulings: the ops that were not TFLite Micro's to decide.
    """

    def __init__(
        self,
        model: bytes,
        inputs: NDArray[Any] | Sequence[NDArray[Any]],
        wanted: Collection[int] = (),
        engines: Sequence[str] | None = None,
    ) -> None:
        self.name = "none"
        self.reason = ""
        self.rulings: tuple[Ruling, ...] = ()
        self._folder = Folder("reference")
        self._path = self._folder.path
        arrays = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
        (self._path / MODEL).write_bytes(model)
        np.savez(self._path / INPUTS, **{f"x{i}": x for i, x in enumerate(arrays)})  # type: ignore[arg-type]
        if wanted:
            np.save(self._path / WANTED, np.array(sorted(wanted), np.int64))
        self._engines = list(engines or ENGINES)
        self._process: Process | None = None
        try:
            graph = read_graph(FlatModel("model", model))
        except McuError as error:
            self.name = f"none ({error.what})"
            return
        model, repairs = repaired(model, graph)
        (self._path / MODEL).write_bytes(model)
        if self._engines[0] == ENGINES[0]:
            self.rulings = tuple(sorted((*rulings(graph), *repairs), key=lambda r: r.op))
        self._write_plan(model, graph)
        self._process = self._start()

    def _write_plan(self, model: bytes, graph: Graph) -> None:
        steps = plan(graph)
        document = []
        for number, step in enumerate(steps):
            name = MODEL if len(steps) == 1 else f"step_{number}.tflite"
            if len(steps) > 1 and step.engine != "definition":
                (self._path / name).write_bytes(cut(model, step))
            made = [i for n in step.graph_ops for i in graph.ops[n].outputs]
            document.append({**step.to_json(), "model": name, "makes": made})
        (self._path / PLAN).write_text(
            json.dumps(
                {
                    "inputs": graph.inputs,
                    "outputs": graph.outputs,
                    "makes": [i for op in graph.ops for i in op.outputs],
                    "steps": document,
                }
            )
        )

    def _start(self) -> Process:
        engine = self._engines.pop(0)
        # -P: the modules beside the script are not to be imported in place of others
        return Process([sys.executable, "-P", interpreters.__file__, str(self._path), engine])

    def outputs(self) -> NDArray[np.uint8] | None:
        """(n, bytes) of all output tensors, one after the other; None where nothing could run.

        Waits for the process.
        """
        while self._process is not None:
            code = self._process.wait(_MOST_SECONDS)
            if code == 0:
                self.name = (self._path / NAME).read_text()
                found: NDArray[np.uint8] = np.load(self._path / OUTPUTS)
                return found
            words = self._process.output().strip().splitlines()
            self._process.end()
            if code is None:
                raise DeviceError("the reference interpreter does not come to an end")
            if not self._engines:
                self.name = f"none ({words[-1] if words else 'no interpreter is installed'})"
                return None
            self.reason = f"tflite-micro does not run it: {_cause(words, code)}"
            self.rulings = ()
            self._process = self._start()
        return None

    def tensors(self) -> dict[int, NDArray[Any]] | None:
        """The wanted tensors of the first sample by index; None where nothing could run."""
        if self.outputs() is None:
            return None
        with np.load(self._path / FOUND) as found:
            return {int(key): found[key] for key in found.files}

    def __enter__(self) -> Reference:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.end()
        self._folder.close()


def _cause(words: list[str], code: int) -> str:
    """What the interpreter said, in one line."""
    said = [line.strip() for line in words if line.strip() and not line.startswith((" ", "Trace"))]
    telling = next((s for s in said if "find op" in s or "not supported" in s), "")
    if code < 0:
        return f"it aborts{': ' + said[-1] if said else ''}"
    return telling or (said[-1] if said else f"exit code {code}")
