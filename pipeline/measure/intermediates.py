"""Every tensor of one inference in TensorFlow Lite Micro; run as a script, with a folder.

It imports nothing of this package, and runs in a process of its own: a model can make an
interpreter abort.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

MODEL, INPUT, WANTED, FOUND = "model.tflite", "input.npy", "wanted.npy", "found.npz"
_ARENA_BYTES = 4 << 20


def main(folder: Path) -> None:
    """Runs a folder's model on its input; writes the wanted tensors, by index."""
    from tflite_micro import runtime

    model, sample = (folder / MODEL).read_bytes(), np.load(folder / INPUT)
    interpreter = runtime.Interpreter.from_bytes(
        model,
        arena_size=_ARENA_BYTES + 24 * len(model),
        intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
    )
    interpreter.set_input(sample[np.newaxis], 0)
    interpreter.invoke()
    found = {
        str(index): np.asarray(interpreter.GetTensor(int(index), 0)["tensor_data"])
        for index in np.load(folder / WANTED)
    }
    np.savez(folder / FOUND, **found)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
