"""Network: a float Keras network, and its file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import scratch
from pipeline.errors import ModelError
from pipeline.load.compression import Compression
from pipeline.load.dataset import Signature
from pipeline.load.expected import expected_range
from pipeline.load.names import identifier, printable
from pipeline.load.record import RECORD, read_record
from pipeline.load.tfenv import quiet, tf_keras

__all__ = ["Network", "checked", "file_sha256", "read_record", "save_network"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip can hold: the same bytes every day


@dataclass(frozen=True, eq=False)
class Network:
    """A float network with one input, ready for pruning and quantisation.

    Attributes:
        name: a C identifier; anything else is made one.
        source: the file it was read from, as given.
        sha256: of that file; of a folder, of its files' names and contents.
        source_format: "keras3", "keras3-h5", "keras2", "keras2-h5" or "savedmodel".
        keras: the functional tf_keras model; treat as read-only.
        check: largest difference between the outputs of the file's own network, run by its
            own loader, and of `keras`, on random inputs; relative to the largest output
            where that is above 1.
        compression: what pruning did to it, if it was pruned.
    """

    name: str
    source: str
    sha256: str
    source_format: str
    keras: Any
    check: float
    compression: Compression | None = None

    def __post_init__(self) -> None:
        # Here and nowhere else, so that no source of names can forget it: they go into C and ini.
        object.__setattr__(self, "name", identifier(self.name))

    @property
    def signature(self) -> Signature:
        """Shapes and type of the input and output of one sample."""
        model = self.keras
        return Signature(
            input_shape=tuple(int(n) for n in model.inputs[0].shape[1:]),
            input_dtype=model.inputs[0].dtype.name,
            output_shape=tuple(int(n) for n in model.outputs[0].shape[1:]),
            input_range=expected_range(model),
        )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, or of a folder's file names and contents."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    total = hashlib.sha256()
    for item in sorted(p for p in path.rglob("*") if p.is_file()):
        total.update(item.relative_to(path).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(item.read_bytes()).digest())
    return total.hexdigest()


def save_network(network: Network, path: Path) -> None:
    """Write `network` as a tf_keras .keras file that `load_model` reads back with its record.

    The same network gives the same bytes: times and dates are left out of the archive.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch.taking_the_place_of(path) as folder:
        plain = folder / "plain.keras"
        with quiet():
            tf_keras().models.save_model(network.keras, plain, save_format="keras")
        final = folder / "final.keras"
        with zipfile.ZipFile(plain) as old, zipfile.ZipFile(final, "w") as new:
            members = {name: old.read(name) for name in sorted(old.namelist())}
            metadata = json.loads(members["metadata.json"])
            metadata.pop("date_saved", None)
            members["metadata.json"] = json.dumps(metadata, sort_keys=True).encode()
            members[RECORD] = json.dumps(_record(network), sort_keys=True).encode()
            for name, content in members.items():
                new.writestr(zipfile.ZipInfo(name, _EPOCH), content)
        final.replace(path)


def _record(network: Network) -> dict[str, Any]:
    fields = {
        f.name: getattr(network, f.name)
        for f in dataclasses.fields(network)
        if f.name not in ("keras", "compression")
    }
    done = network.compression
    # Wall time differs from run to run, and the same inputs must give the same bytes.
    kept = dataclasses.asdict(dataclasses.replace(done, seconds=0.0)) if done else None
    return {**fields, "compression": kept}


def checked(model: Any, where: str) -> Any:
    """Return `model` as a functional tf_keras model if the pipeline can work with it.

    Raises:
        ModelError: more than one input or output, sizes left open, or weights that are not
            numbers; the layer is named.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            f"the network has {len(model.inputs)} inputs and {len(model.outputs)} outputs",
            where=where,
            hint="the pipeline feeds one input and reads one output; join them in the network",
        )
    shape = tuple(model.inputs[0].shape[1:])
    if any(n is None for n in shape):
        raise ModelError(
            f"the input shape {shape} is left open",
            where=where,
            hint="a microcontroller's memory is planned ahead: give the input a fixed shape",
        )
    for layer in model.layers:
        for weight in layer.weights:
            if not np.all(np.isfinite(weight.numpy())):
                raise ModelError(
                    f"weight {weight.name} holds NaN or infinity",
                    where=f"{where}, layer {printable(layer.name)}",
                    hint="training has diverged: train again with a lower learning rate",
                )
        variance = getattr(layer, "moving_variance", None)
        if variance is not None:
            lowest = float(np.min(variance.numpy(), initial=0.0))
            if lowest + float(layer.epsilon) <= 0:
                raise ModelError(
                    f"its moving variance is {lowest:.3g}, and a variance is never negative",
                    where=f"{where}, layer {printable(layer.name)}",
                    hint="the layer's outputs are not numbers: train again, or repair the file",
                )
    return tf_keras().Model(model.inputs, model.outputs, name=model.name)
