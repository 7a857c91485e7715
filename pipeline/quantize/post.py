"""Full-integer post-training quantisation of a network."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pipeline import scratch
from pipeline.errors import DataError, WrongUse
from pipeline.load.dataset import Dataset
from pipeline.load.flatmodel import FlatModel
from pipeline.load.network import Network, save_network
from pipeline.progress import Progress, silent
from pipeline.quantize.process import run_worker

Scheme = Literal["int8", "int16x8"]
SCHEMES: tuple[str, ...] = get_args(Scheme)

# Activation ranges settle within a few hundred samples; more only costs time.
CALIBRATION_SAMPLES = 400


def quantize(
    network: Network,
    data: Dataset,
    *,
    scheme: Scheme = "int8",
    samples: int = CALIBRATION_SAMPLES,
    progress: Progress = silent,
) -> FlatModel:
    """Convert `network` to TFLite with integers everywhere, input and output included.

    Conversion runs in a process of its own, since the converter is known to crash on some
    networks. The same network and samples give the same bytes.

    Args:
        network: a float network.
        data: real samples, of which the representative data set is taken evenly.
        scheme: "int8", or "int16x8" (16-bit activations, 8-bit weights).
        samples: size of the representative data set, at most.
        progress: called while the converter calibrates.

    Raises:
        WrongUse: unknown scheme.
        DataError: the samples are raw integers, not what the float network takes.
        ModelError: an op has no integer form, or the network stays partly in floats.
        StepFailed: the converter crashed; the message has its last words.
    """
    if scheme not in SCHEMES:
        raise WrongUse(f"unknown scheme {scheme!r}", where="quantize", hint=", ".join(SCHEMES))
    chosen = representative(data, samples)
    with scratch.folder("quantize") as folder:
        save_network(network, folder / "model.keras")
        np.save(folder / "samples.npy", chosen)
        job: dict[str, Any] = {"scheme": scheme, "name": network.name}
        (folder / "job.json").write_text(json.dumps(job))
        run_worker(folder, network, progress)
        return FlatModel(network.name, (folder / "model.tflite").read_bytes())


def representative(data: Dataset, samples: int) -> NDArray[Any]:
    """Return up to `samples` samples, evenly spaced, as the float network takes them."""
    if data.quantized:
        raise DataError(
            "holds raw integers, but calibration needs the float network's own values",
            where=data.name,
            hint="tell what the integers mean: --x-scale S --x-zero-point Z",
        )
    if len(data) == 0:
        raise DataError("holds no samples to calibrate with", where=data.name)
    count = min(samples, len(data))
    return data.x[np.linspace(0, len(data) - 1, count).round().astype(np.intp)]
