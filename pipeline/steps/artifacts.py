"""The artifacts of a run folder: their names, and how they are read back.

One artifact per step; `mcu STEP` takes the one before and leaves the next.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import WrongUse
from pipeline.run import (
    Run,
    digest,
    is_own_file,
    read_as,
    read_limited,
    require_file,
    sha256_file,
)

if TYPE_CHECKING:
    from pipeline.build import Image
    from pipeline.flash import Device
    from pipeline.load import Dataset, FlatModel
    from pipeline.measure import Measurement
    from pipeline.options import DataOptions
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
_MOST_BAUD = 20_000_000
REPORT = "report.json"
# A .tflite says where things are in 32 bits.
_MOST_MODEL = 1 << 31


# Run folders -----------------------------------------------------------------------------


def run_for(model: Path, out: str | Path | None, suffix: str = "") -> Run:
    """The run a model file belongs to: the one it lies in, or a new one.

    Raises:
        WrongUse: there is no such file, or the folder can't be used.
    """
    from pipeline.load.names import identifier

    if not model.exists():
        raise WrongUse("no such file or folder", where=str(model))
    require_file(model, folder=True)
    if out is not None:
        return Run(Path(out))
    if is_own_file(model.parent, model.parent / "steps.json"):
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
        if is_own_file(folder, folder / "steps.json"):
            return Run(folder)
    raise WrongUse(
        "lies in no run folder",
        where=str(artifact),
        hint="give an artifact of the step before, or its run folder",
    )


def need(run: Run, name: str, step: str) -> Path:
    """The path of an artifact that `step` leaves.

    Raises:
        WrongUse: the step has not been run, or a link is in its place.
    """
    path = run.path / name
    if path.is_symlink():
        raise WrongUse(
            f"{name} is a link, and is not followed",
            where=str(run.path),
            hint=f"`mcu {step}` makes it anew",
        )
    if not path.exists():
        raise WrongUse(
            f"{name} is not there: `mcu {step}` has not been run",
            where=str(run.path),
            hint=f"run `mcu {step}` first, or `mcu deploy` for all of it",
        )
    if name != PROJECT:
        require_file(path)
    return path


def document(run: Run, name: str, step: str) -> dict[str, Any]:
    """A JSON artifact that `step` leaves: model.json, program.json or device.json.

    All fields of its record are there, those that it does not say with their defaults.

    Raises:
        WrongUse: the step has not been run, or the file is damaged.
    """
    return _document(need(run, name, step), step)


def _document(path: Path, step: str) -> dict[str, Any]:
    from pipeline.flash import Device
    from pipeline.steps.records import ModelRecord, ProgramRecord

    if path.name == DEVICE:
        return asdict(read_as(Device, path, step, elf=path.with_name(FIRMWARE)))
    kinds: dict[str, Any] = {FACTS: ModelRecord, PROGRAM: ProgramRecord}
    return asdict(read_as(kinds[path.name], path, step))


def file_key(path: Path) -> str:
    """Digest of a file, or of a folder's names and contents."""
    if not path.is_dir():
        return sha256_file(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return digest([[str(p.relative_to(path)), sha256_file(p)] for p in files])


# Artifacts read back ----------------------------------------------------------------------


def flat_of(folder: Path) -> FlatModel:
    """The flat model a run folder holds.

    Raises:
        WrongUse: it holds none.
    """
    from pipeline.load import FlatModel

    facts = facts_of(folder)
    try:
        content = read_limited(folder / MODEL, _MOST_MODEL, follow=False)
    except OSError as error:
        raise WrongUse(
            f"can't be read: {error.strerror}", where=str(folder / MODEL), hint="run `mcu quantize`"
        ) from error
    return FlatModel(facts["name"], content, facts["quantize_notes"])


def facts_of(folder: Path) -> dict[str, Any]:
    """model.json of a run folder; see `document`."""
    return _document(folder / FACTS, "quantize")


def project_of(run: Run) -> Project:
    """The project a run holds."""
    from pipeline.render import Project

    program = document(run, PROGRAM, "render")
    return Project(
        need(run, PROJECT, "render"), program["board"], program["engine"], program["name"]
    )


def require_rendered_here(run: Run, *, trust: bool = False) -> None:
    """Refuses a project that no command of this user has rendered: building it runs its code.

    PlatformIO runs the scripts and commands of a project's platformio.ini. What a person has
    changed in a project of their own is built as it is.

    Raises:
        WrongUse: the run was made by somebody else, or on another machine.
    """
    if not trust and (run.path / PROJECT).exists() and not run.made_here("render"):
        raise WrongUse(
            "the project was not rendered by you: building it would run its scripts",
            where=str(run.path / PROJECT),
            hint="`mcu render` on its model.tflite makes it anew; --trust builds it as it is",
        )


def drop_foreign_project(run: Run) -> None:
    """Removes a project that no command of this user has rendered.

    Its build folder would be kept otherwise: SCons runs what is in a cache file of its own.
    """
    path = run.path / PROJECT
    if run.made_here("render") or not (path.is_symlink() or path.exists()):
        return
    with run.at_work():
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path)


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
    plain = {**asdict(device), "elf": device.elf.name}
    del plain["typed"]
    return plain


def device_of(run: Run, port: str = "") -> Device:
    """The device a run has flashed.

    Args:
        port: its serial port now, where somebody has named it.

    Raises:
        WrongUse: the run was not flashed, or its device.json is damaged.
    """
    from pipeline.flash import Device
    from pipeline.flash.device import On

    path = need(run, DEVICE, "flash")
    elf = need(run, FIRMWARE, "build")
    found = read_as(Device, path, "flash", elf=elf, typed=False)
    if not 0 < found.baud <= _MOST_BAUD:
        raise WrongUse("is damaged", where=str(path), hint="run `mcu flash` again")
    if port:
        on: On = found.on if found.on in ("probe", "serial") else "serial"
        return Device(on, found.board, elf, port, found.baud, typed=True)
    return found


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
    dtype = facts["input_dtype"] or source.dtype
    known = facts["input_range"] or index_range(graph)
    signature = Signature(source.shape[1:], dtype, sink.shape[1:], known)
    if facts["source"] != "tflite":
        return data.split(signature, samples=data.samples).test
    return data.all(signature)
