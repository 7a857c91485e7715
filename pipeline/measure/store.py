"""Measurement <-> measurement.json and outputs.npy."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import StepFailed
from pipeline.measure.energy import Energy
from pipeline.measure.measurement import Accuracy, Latency, LayerCost, Measurement, Memory
from pipeline.measure.scores import Scores
from pipeline.measure.truth.plan import Ruling
from pipeline.run import write_atomically, write_json

DOCUMENT, OUTPUTS = "measurement.json", "outputs.npy"


def save_measurement(found: Measurement, folder: Path) -> None:
    """Writes both files into a folder."""
    outputs = io.BytesIO()
    np.save(outputs, found.outputs, allow_pickle=False)
    document = asdict(found)
    document.pop("outputs")
    write_atomically(folder / OUTPUTS, outputs.getvalue())
    write_json(folder / DOCUMENT, document)


def _scores(document: dict[str, Any] | None) -> Scores | None:
    if document is None:
        return None
    return Scores(**{**document, "confusion": tuple(map(tuple, document["confusion"]))})


def load_measurement(folder: Path) -> Measurement:
    """Reads them back.

    Raises:
        StepFailed: a file is missing or broken.
    """
    try:
        document: dict[str, Any] = json.loads((folder / DOCUMENT).read_text())
        accuracy = document["accuracy"]
        return Measurement(
            latency=Latency(**document["latency"]),
            accuracy=Accuracy(
                **{
                    **accuracy,
                    "different": tuple(accuracy["different"]),
                    "rulings": tuple(Ruling(**r) for r in accuracy.get("rulings", ())),
                    "on_device": _scores(accuracy.get("on_device")),
                    "on_host": _scores(accuracy.get("on_host")),
                }
            ),
            memory=Memory(**document["memory"]),
            layers=tuple(LayerCost(**layer) for layer in document["layers"]),
            outputs=np.load(folder / OUTPUTS, allow_pickle=False),
            firmware=dict(document["firmware"]),
            link=dict(document["link"]),
            data=dict(document.get("data", {})),
            energy=Energy(**energy) if (energy := document.get("energy")) else None,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StepFailed(
            f"can't be read as a measurement ({error})",
            where=str(folder / DOCUMENT),
            hint="`mcu measure` writes it",
        ) from error
