"""Reference: the same model and inputs on this machine, beside the chip.

It runs in a process of its own: it uses another core while the chip is busy, and a model
that makes an interpreter abort does not take us along.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DeviceError
from pipeline.flash.process import Process
from pipeline.measure import interpreters
from pipeline.measure.interpreters import ENGINES, INPUTS, MODEL, NAME, OUTPUTS
from pipeline.scratch import Folder

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
        self._folder = Folder("reference")
        self._path = self._folder.path
        (self._path / MODEL).write_bytes(model)
        np.save(self._path / INPUTS, inputs)
        self._engines = list(ENGINES)
        self._process = self._start()

    def _start(self) -> Process:
        engine = self._engines.pop(0)
        # -P: the modules beside the script are not to be imported in place of others
        return Process([sys.executable, "-P", interpreters.__file__, str(self._path), engine])

    def outputs(self) -> NDArray[np.uint8] | None:
        """(n, bytes) of all output tensors, one after the other; None where nothing could run.

        Waits for the process.
        """
        while True:
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
        self._folder.close()
