"""The artifacts of a run folder: their names, and how they are read back.

One artifact per step; `mcu STEP` takes the one before and leaves the next.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.errors import WrongUse
from pipeline.run import Run, digest, sha256_file

if TYPE_CHECKING:
    from pipeline.build import Image
    from pipeline.flash import Device
    from pipeline.load import Dataset, FlatModel, Signature, Split
    from pipeline.measure import Measurement
    from pipeline.render import Project

PRUNED = "pruned.keras"
MODEL = "model.tflite"
FACTS = "model.json"
PROJECT = "project"
PROGRAM = "program.json"
FIRMWARE = "firmware.elf"
IMAGE = "image.json"
DEVICE = "device.json"
MEASUREMENT = "measurement.json"
OUTPUTS = "outputs.npy"
REPORT = "report.json"


@dataclass(frozen=True)
class DataOptions:
    """What --data and its companions say. See `pipeline.load.load_data`."""

    spec: str | Path | None
    x_scale: float | None = None
    x_zero_point: float | None = None
    seed: int = 0
    samples: int | None = None
    test_fraction: float = 0.2
    shuffle: bool = False

    def required(self) -> str | Path:
        """The data set's name.

        Raises:
            WrongUse: none was given.
        """
        if self.spec is None:
            raise WrongUse(
                "this step needs data",
                where="--data",
                hint="an .npz with x and y, 'digits', or 'random' (which gives no accuracy)",
            )
        return self.spec

    def key(self) -> list[object]:
        """What decides which samples come out, `samples` apart."""
        path = Path(self.spec) if self.spec is not None else None
        content = sha256_file(path) if path and path.is_file() else str(self.spec)
        how = [self.x_scale, self.x_zero_point, self.seed, self.test_fraction, self.shuffle]
        return [content, *how]

    def split(self, signature: Signature, *, samples: int | None = None) -> Split:
        """Samples to train with and others to judge by: all of those, or the first `samples`."""
        from pipeline.load import load_split

        return load_split(
            self.required(),
            signature,
            samples=samples,
            x_scale=self.x_scale,
            x_zero_point=self.x_zero_point or 0.0,
            test_fraction=self.test_fraction,
            shuffle=self.shuffle,
            seed=self.seed,
        )

    def all(self, signature: Signature) -> Dataset:
        """Samples for a finished model."""
        from pipeline.load import load_data

        return load_data(
            self.required(),
            signature,
            samples=self.samples,
            x_scale=self.x_scale,
            x_zero_point=self.x_zero_point or 0.0,
            seed=self.seed,
        )


@dataclass(frozen=True)
class TrainOptions:
    """How a network is trained on the way. See `pipeline.prune.prune`."""

    epochs: int | None = None
    rate: float | None = None
    distill: bool | None = None
    max_drop: float | None = None
    control: str | None = None

    def check(self, *, data: bool, prunes: bool) -> None:
        """Refuses what has no sense, before any work.

        Args:
            data: there is a data set.
            prunes: the network is pruned at all.

        Raises:
            WrongUse: amounts out of range, or options that nothing would heed.
        """
        from pipeline.prune import check_options

        check_options(data, self.epochs, self.rate, self.max_drop, self.control)
        for option, value in (
            ("--rate", self.rate),
            ("--distill", self.distill),
            ("--max-drop", self.max_drop),
            ("--control", self.control),
        ):
            if value is not None and not prunes:
                raise WrongUse(
                    "says how to prune, but nothing is pruned",
                    where=option,
                    hint="add --prune, for example --prune magnitude:0.75",
                )


# Run folders -----------------------------------------------------------------------------


def run_for(model: Path, out: str | Path | None, suffix: str = "") -> Run:
    """The run a model file belongs to: the one it lies in, or a new one.

    Raises:
        WrongUse: there is no such file, or the folder can't be used.
    """
    from pipeline.load.names import identifier

    if not model.exists():
        raise WrongUse("no such file or folder", where=str(model))
    if out is not None:
        return Run(Path(out))
    if (model.parent / "steps.json").is_file():
        return Run(model.parent)
    name = identifier(model.stem)
    return Run(Path("runs") / (f"{name}-{suffix}" if suffix else name))


def run_of(artifact: Path) -> Run:
    """The run that holds an artifact; the run folder itself is taken too.

    Raises:
        WrongUse: it lies in no run.
    """
    if not artifact.exists():
        raise WrongUse("no such file or folder", where=str(artifact))
    for folder in (artifact, artifact.resolve().parent):
        if (folder / "steps.json").is_file():
            return Run(folder)
    raise WrongUse(
        "lies in no run folder",
        where=str(artifact),
        hint="give an artifact of the step before, or its run folder",
    )


def need(run: Run, name: str, step: str) -> Path:
    """The path of an artifact that `step` leaves.

    Raises:
        WrongUse: the step has not been run.
    """
    path = run.path / name
    if not path.exists():
        raise WrongUse(
            f"{name} is not there: `mcu {step}` has not been run",
            where=str(run.path),
            hint=f"run `mcu {step}` first, or `mcu deploy` for all of it",
        )
    return path


def document(run: Run, name: str, step: str) -> dict[str, Any]:
    """A JSON artifact that `step` leaves.

    Raises:
        WrongUse: the step has not been run, or the file is damaged.
    """
    path = need(run, name, step)
    try:
        return cast(dict[str, Any], json.loads(path.read_text()))
    except (ValueError, UnicodeDecodeError) as error:
        raise WrongUse(f"is damaged: {error}", where=str(path), hint=f"run `mcu {step}`") from error


def file_key(path: Path) -> str:
    """Digest of a file, or of a folder's names and contents."""
    if path.is_file():
        return sha256_file(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return digest([[str(p.relative_to(path)), sha256_file(p)] for p in files])


# Artifacts read back ----------------------------------------------------------------------


def flat_of(folder: Path) -> FlatModel:
    """The flat model a run folder holds."""
    from pipeline.load import FlatModel

    facts = json.loads((folder / FACTS).read_text())
    notes = tuple(facts.get("quantize_notes", ()))
    return FlatModel(facts["name"], (folder / MODEL).read_bytes(), notes)


def project_of(run: Run) -> Project:
    """The project a run holds."""
    from pipeline.render import Project

    program = document(run, PROGRAM, "render")
    return Project(
        need(run, PROJECT, "render"), program["board"], program["engine"], program["name"]
    )


def image_json(image: Image) -> dict[str, Any]:
    """An image as a JSON document; the path as a name within the run."""
    return {**asdict(image), "elf": image.elf.name}


def image_of(run: Run) -> Image:
    """The image a run holds."""
    from pipeline.build import load_image

    need(run, FIRMWARE, "build")
    return load_image(need(run, IMAGE, "build"))


def device_json(device: Device) -> dict[str, Any]:
    """A device as a JSON document; the firmware as a name within the run."""
    return {**asdict(device), "elf": device.elf.name}


def device_of(run: Run) -> Device:
    """The device a run has flashed."""
    from pipeline.flash import Device

    found = document(run, DEVICE, "flash")
    return Device(**{**found, "elf": need(run, FIRMWARE, "build")})


def measurement_json(found: Measurement) -> dict[str, Any]:
    """A measurement as a JSON document, without the outputs."""
    plain = asdict(found)
    plain.pop("outputs")
    return plain


def measurement_of(run: Run) -> Measurement:
    """The measurement a run holds."""
    from pipeline.measure import load_measurement

    need(run, MEASUREMENT, "measure")
    return load_measurement(run.path)


def samples_of(run: Run, flat: FlatModel, data: DataOptions) -> Dataset:
    """What a run's model is measured with; of a Keras model's data the test set."""
    from pipeline.convert import index_range, read_graph
    from pipeline.load import Signature

    facts, graph = document(run, FACTS, "quantize"), read_graph(flat)
    source, sink = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    dtype = facts.get("input_dtype", source.dtype)
    told = facts.get("input_range")
    known = (tuple(told[0]), tuple(told[1])) if told else index_range(graph)
    signature = Signature(source.shape[1:], dtype, sink.shape[1:], known)
    if facts["source"] != "tflite":
        return data.split(signature, samples=data.samples).test
    return data.all(signature)
