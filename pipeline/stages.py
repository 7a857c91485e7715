"""Each step of the chain on a run folder: what it reads, what it writes, when it is reused.

The rooms work on values; this module ties them to files, so that a step can be taken alone
from the artifact of the one before, and is not run again while its inputs are the same.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.board import Board, load_board
from pipeline.errors import WrongUse
from pipeline.progress import Progress, silent
from pipeline.run import Run, digest, sha256_file, write_atomically, write_json

if TYPE_CHECKING:
    from pipeline.build import Image
    from pipeline.convert import Graph
    from pipeline.flash import Device
    from pipeline.load import Compression, Dataset, FlatModel, Network, Signature, Split
    from pipeline.measure import Measurement
    from pipeline.render import Project
    from pipeline.report import Report

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

ENGINES = ("aot", "tflm")
OPTIMIZE = ("size", "balanced", "speed")
_CALIBRATION_SAMPLES = 200


@dataclass(frozen=True)
class DataOptions:
    """What --data and its companions say. See `pipeline.load.load_data`."""

    spec: str | Path | None
    x_scale: float | None = None
    x_zero_point: float | None = None
    seed: int = 0
    samples: int | None = None

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
        return [content, self.x_scale, self.x_zero_point, self.seed]

    def split(self, signature: Signature) -> Split:
        """Samples to train with and others to judge by."""
        from pipeline.load import load_split

        return load_split(
            self.required(),
            signature,
            samples=self.samples,
            x_scale=self.x_scale,
            x_zero_point=self.x_zero_point or 0.0,
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


def _need(run: Run, name: str, step: str) -> Path:
    path = run.path / name
    if not path.exists():
        raise WrongUse(
            f"{name} is not there: `mcu {step}` has not been run",
            where=str(run.path),
            hint=f"run `mcu {step}` first, or `mcu deploy` for all of it",
        )
    return path


def _document(run: Run, name: str, step: str) -> dict[str, Any]:
    path = _need(run, name, step)
    try:
        return cast(dict[str, Any], json.loads(path.read_text()))
    except (ValueError, UnicodeDecodeError) as error:
        raise WrongUse(f"is damaged: {error}", where=str(path), hint=f"run `mcu {step}`") from error


def _file_key(path: Path) -> str:
    if path.is_file():
        return sha256_file(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return digest([[str(p.relative_to(path)), sha256_file(p)] for p in files])


# The steps -------------------------------------------------------------------------------


def preflight(
    model: Path, board: str, *, engine: str, optimize: str, on: str, until: str
) -> None:
    """Checks all that can be known before any work is done.

    Raises:
        WrongUse: an option without sense, or an unknown board.
        ToolMissing: a program that a later step needs is not installed.
    """
    for option, value, known in (
        ("--engine", engine, ENGINES),
        ("--optimize", optimize, OPTIMIZE),
    ):
        if value not in known:
            raise WrongUse(f"{value!r} is not known", where=option, hint=", ".join(known))
    load_board(board)
    if not model.exists():
        raise WrongUse("no such file or folder", where=str(model))


def prune(
    run: Run,
    model: Path,
    recipe: str,
    data: DataOptions,
    *,
    epochs: int | None = None,
    trust: bool = False,
    progress: Progress = silent,
) -> Compression:
    """A Keras file -> pruned.keras."""
    from pipeline.load import FlatModel, load_model, save_network
    from pipeline.load.network import read_record
    from pipeline.prune import parse_recipe
    from pipeline.prune import prune as prune_network

    parse_recipe(recipe)

    def make(folder: Path) -> Compression:
        progress("prune", 0, 0, f"reading {model.name}")
        network = load_model(model, trust=trust)
        if isinstance(network, FlatModel):
            raise WrongUse(
                "a .tflite can't be pruned",
                where=str(model),
                hint="give the Keras model it was made from",
            )
        pruned = prune_network(
            network,
            recipe,
            data.split(network.signature),
            epochs=epochs,
            seed=data.seed,
            progress=progress,
        )
        save_network(pruned, folder / PRUNED)
        assert pruned.compression is not None
        return pruned.compression

    def load(folder: Path) -> Compression:
        record = read_record(folder / PRUNED)
        assert record is not None
        return cast("Compression", record["compression"])

    key = digest(_file_key(model), recipe, data.key(), epochs, trust)
    return run.step("prune", key, (PRUNED,), make, load)


def quantize(
    run: Run,
    model: Path,
    data: DataOptions,
    *,
    trust: bool = False,
    progress: Progress = silent,
) -> FlatModel:
    """A Keras file -> model.tflite, or a .tflite as it is."""
    from pipeline.load.sniff import TFLITE, sniff

    if sniff(model).format == TFLITE:
        return flat_model(run, model)

    def make(folder: Path) -> FlatModel:
        from pipeline.load import load_model
        from pipeline.quantize import quantize as quantize_network

        progress("quantize", 0, 0, f"reading {model.name}")
        network = cast("Network", load_model(model, trust=trust))
        split = data.split(network.signature)
        flat = quantize_network(network, split.train, progress=progress)
        write_atomically(folder / MODEL, flat.content)
        write_json(folder / FACTS, _keras_facts(network, flat, split, progress))
        return flat

    key = digest(_file_key(model), data.key(), trust)
    return run.step("quantize", key, (MODEL, FACTS), make, _load_flat)


def flat_model(run: Run, model: Path) -> FlatModel:
    """Takes a .tflite into the run, or finds that it is there."""
    from pipeline.convert import parameters, read_graph
    from pipeline.load import FlatModel, load_model
    from pipeline.load.names import identifier

    if model.resolve() == (run.path / MODEL).resolve() and (run.path / FACTS).is_file():
        return _load_flat(run.path)

    def make(folder: Path) -> FlatModel:
        found = load_model(model)
        if not isinstance(found, FlatModel):
            raise WrongUse(
                "is no .tflite", where=str(model), hint="`mcu quantize` makes one from Keras"
            )
        flat = FlatModel(identifier(model.stem), found.content)
        count = parameters(read_graph(flat))
        write_atomically(folder / MODEL, flat.content)
        facts = {"name": flat.name, "source": "tflite", "method": "none"}
        write_json(folder / FACTS, {**facts, "float32_bytes": 4 * count})
        return flat

    return run.step("quantize", digest(_file_key(model)), (MODEL, FACTS), make, _load_flat)


def _load_flat(folder: Path) -> FlatModel:
    from pipeline.load import FlatModel

    facts = json.loads((folder / FACTS).read_text())
    return FlatModel(facts["name"], (folder / MODEL).read_bytes())


def _keras_facts(
    network: Network, flat: FlatModel, split: Split, progress: Progress
) -> dict[str, Any]:
    from pipeline.load import evaluate
    from pipeline.quantize import evaluate_flat

    done = network.compression
    progress("quantize", 0, 0, "accuracy of the int8 model")
    now = evaluate(network, split.test)
    parameters = done.parameters[0] if done else network.keras.count_params()
    return {
        "name": flat.name,
        "source": network.source_format,
        "method": done.method if done else "none",
        "neurons_removed": sum(done.neurons_removed.values()) if done else 0,
        "float_accuracy": done.float_accuracy if done else now,
        "pruned_accuracy": done.pruned_accuracy if done else None,
        "quantized_accuracy": evaluate_flat(flat, split.test),
        "float32_bytes": 4 * parameters,
        "check": network.check,
        "input_dtype": network.signature.input_dtype,
    }


def convert(run: Run, flat: FlatModel, *, progress: Progress = silent) -> Graph:
    """model.tflite -> model_data.h/.c, and the graph."""
    from pipeline.convert import read_graph, write_c_array

    graph = read_graph(flat)

    def make(folder: Path) -> Graph:
        progress("convert", 0, 0, "C array")
        write_c_array(flat, folder)
        return graph

    outputs = ("model_data.h", "model_data.c")
    return run.step("convert", digest(flat.sha256), outputs, make, lambda _: graph)


def render(
    run: Run,
    flat: FlatModel,
    graph: Graph,
    board: str,
    *,
    engine: str = "aot",
    optimize: str = "balanced",
    progress: Progress = silent,
) -> Project:
    """Graph and board -> project/, with the generated network in it."""
    from pipeline import __version__
    from pipeline.codegen import Target, compile_graph
    from pipeline.render import Project
    from pipeline.render import render as render_project

    chosen = load_board(board)

    def load(folder: Path) -> Project:
        return Project(folder / PROJECT, board, engine, flat.name)

    def make(folder: Path) -> Project:
        progress("render", 0, 0, f"{engine} engine for {chosen.core}")
        target = Target(chosen.core, frozenset(chosen.features))
        program = compile_graph(graph, target, cast(Any, optimize), progress)
        project = render_project(chosen, flat=flat, program=program, out=folder / PROJECT)
        write_json(
            folder / PROGRAM,
            {
                "board": board,
                "engine": engine,
                "name": flat.name,
                "optimize": optimize,
                "arena_bytes": program.arena_bytes,
                "layers": [asdict(layer) for layer in program.layers],
            },
        )
        return project

    key = digest(flat.sha256, asdict(chosen), engine, optimize, _sources_key(), __version__)
    return run.step("render", key, (PROJECT, PROGRAM), make, load)


def _sources_key() -> str:
    """Digest of the C sources, the templates and the generator: a change renders anew."""
    from pipeline.resources import FIRMWARE as SOURCES

    code = [
        path
        for folder in (SOURCES, *(Path(__file__).parent / n for n in ("codegen", "render")))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    return digest([[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in code])


def project_of(run: Run) -> Project:
    """The project a run holds."""
    from pipeline.render import Project

    program = _document(run, PROGRAM, "render")
    return Project(
        _need(run, PROJECT, "render"), program["board"], program["engine"], program["name"]
    )


def build(run: Run, project: Project, *, progress: Progress = silent) -> Image:
    """project/ -> firmware.elf and image.json."""
    from pipeline.build import build as build_project

    board = load_board(project.board)

    def make(folder: Path) -> Image:
        image = build_project(project, board, out=folder, progress=progress)
        write_json(folder / IMAGE, image_json(image))
        return image

    key = digest(run.files_of("render"), asdict(board))
    return run.step("build", key, (FIRMWARE, IMAGE), make, lambda _: image_of(run))


def image_json(image: Image) -> dict[str, Any]:
    """An image as a JSON document; the path as a name within the run."""
    return {**asdict(image), "elf": image.elf.name}


def image_of(run: Run) -> Image:
    """The image a run holds."""
    from pipeline.build import Image

    document = _document(run, IMAGE, "build")
    return Image(**{**document, "elf": _need(run, FIRMWARE, "build")})


def flash(
    run: Run, image: Image, *, on: str = "auto", port: str = "", progress: Progress = silent
) -> Device:
    """firmware.elf -> a device that runs it, and device.json."""
    from pipeline.flash import flash as flash_image

    def make(folder: Path) -> Device:
        device = flash_image(
            image, load_board(image.board), on=cast(Any, on), port=port, progress=progress
        )
        write_json(folder / DEVICE, device_json(device))
        return device

    # A real board may hold something else by now: only an emulator's device is reused.
    fresh = "" if on in ("auto", "qemu", "renode") else Path(image.elf).stat().st_mtime_ns
    key = digest(sha256_file(image.elf), on, port, fresh)
    return run.step("flash", key, (DEVICE,), make, lambda _: device_of(run))


def device_json(device: Device) -> dict[str, Any]:
    """A device as a JSON document; the firmware as a name within the run."""
    return {**asdict(device), "elf": device.elf.name}


def device_of(run: Run) -> Device:
    """The device a run has flashed."""
    from pipeline.flash import Device

    document = _document(run, DEVICE, "flash")
    return Device(**{**document, "elf": _need(run, FIRMWARE, "build")})


def measure(
    run: Run, device: Device, data: DataOptions, *, progress: Progress = silent
) -> Measurement:
    """A device and samples -> measurement.json and outputs.npy."""
    from pipeline.load import Signature
    from pipeline.measure import load_measurement, save_measurement
    from pipeline.measure import measure as measure_device

    data.required()
    facts = _document(run, FACTS, "quantize")
    flat = _load_flat(run.path)

    def make(folder: Path) -> Measurement:
        from pipeline.convert import read_graph

        graph = read_graph(flat)
        source, sink = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
        shapes = (source.shape[1:], facts.get("input_dtype", source.dtype), sink.shape[1:])
        signature = Signature(*shapes)
        keras = facts["source"] != "tflite"
        chosen = data.split(signature).test if keras else data.all(signature)
        found = measure_device(device, load_board(device.board), flat, chosen, progress=progress)
        save_measurement(found, folder)
        return found

    key = digest(sha256_file(device.elf), device_json(device), flat.sha256, facts, data.key(),
                 data.samples)  # fmt: skip
    return run.step(
        "measure", key, (MEASUREMENT, OUTPUTS), make, load_measurement
    )


def measurement_json(found: Measurement) -> dict[str, Any]:
    """A measurement as a JSON document, without the outputs."""
    document = asdict(found)
    document.pop("outputs")
    return document


def report(run: Run) -> Report:
    """All that the steps left -> report.json."""
    from pipeline.report.assemble import assemble

    made = assemble(
        facts=_document(run, FACTS, "quantize"),
        flat=_load_flat(run.path),
        program=_document(run, PROGRAM, "render"),
        image=image_of(run),
        device=device_of(run),
        board=_board_of(run),
        measurement=_measurement_of(run),
        artifacts=run.artifacts_before("report"),
    )
    made.write(run.path / REPORT)
    run.step("report", digest(made.to_json()), (REPORT,), lambda _: None, lambda _: None)
    return made


def _board_of(run: Run) -> Board:
    return load_board(device_of(run).board)


def _measurement_of(run: Run) -> Measurement:
    from pipeline.measure import load_measurement

    _need(run, MEASUREMENT, "measure")
    return load_measurement(run.path)
