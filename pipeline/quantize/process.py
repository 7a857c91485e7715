"""Running the converter in its own process, and turning its end into an error."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.child import before_exec
from pipeline.errors import ModelError, StepFailed
from pipeline.load.network import Network
from pipeline.load.tfenv import ENVIRONMENT
from pipeline.progress import Progress

_RECURRENT = ("GRU", "LSTM", "SimpleRNN", "Bidirectional")
_ROOT = Path(__file__).resolve().parents[2]
_KEPT_LINES = 5


def run_worker(folder: Path, network: Network, progress: Progress) -> None:
    """Run `pipeline.quantize.worker` on a job folder until model.tflite is there.

    Args:
        folder: with job.json and what it needs.
        network: the one being converted, to give advice on.
        progress: called with what the worker says.

    Raises:
        ModelError: the converter refused the network.
        StepFailed: the worker crashed.
    """
    path = os.pathsep.join(p for p in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if p)
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": path}
    progress("quantize", 0, 0, "starting the converter")
    with (folder / "stderr").open("wb") as stderr:
        worker = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.quantize.worker", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment,
            preexec_fn=before_exec(),
        )
        try:
            assert worker.stdout is not None
            for line in worker.stdout:
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    progress("quantize", said["done"], said["total"], said["note"])
            code = worker.wait()
        finally:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
    if code != 0 or not (folder / "model.tflite").is_file():
        raise _failure(folder, network, code)


def _failure(folder: Path, network: Network, code: int) -> StepFailed:
    cause = folder / "error.json"
    if cause.is_file():
        said: dict[str, Any] = json.loads(cause.read_text())
        return ModelError(said["what"], where=said["where"] or network.name, hint=said["hint"])
    if code < 0:
        with contextlib.suppress(ValueError):
            return StepFailed(
                f"the TFLite converter crashed ({signal.Signals(-code).name})",
                where=network.name,
                hint=_advice(network),
            )
    lines = (folder / "stderr").read_text(errors="replace").strip().splitlines()
    return StepFailed(
        f"the TFLite converter ended with code {code}: " + " / ".join(lines[-_KEPT_LINES:]),
        where=network.name,
        hint=_advice(network),
    )


def _advice(network: Network) -> str:
    """What is known to crash it: recurrent layers that were not unrolled."""
    for layer in network.keras.layers:
        if type(layer).__name__ in _RECURRENT and not getattr(layer, "unroll", False):
            return f"layer {layer.name}: build the {type(layer).__name__} with unroll=True"
    return "simplify the network until it converts; the last layer added is the cause"
