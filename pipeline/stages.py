"""Each step of the chain on a run folder: what it reads, what it writes, when it is reused.

The rooms work on values; this module ties them to files, so that a step can be taken alone
from the artifact of the one before, and is not run again while its inputs are the same.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.alarm import examined
from pipeline.artifacts import (
    DEVICE,
    FACTS,
    FIRMWARE,
    IMAGE,
    MEASUREMENT,
    MODEL,
    OUTPUTS,
    PROGRAM,
    PROJECT,
    PRUNED,
    REPORT,
    DataOptions,
    TrainOptions,
    device_json,
    device_of,
    document,
    file_key,
    flat_of,
    image_of,
    measurement_of,
    samples_of,
)
from pipeline.before import before_layers, keep_before
from pipeline.board import Board, load_board
from pipeline.errors import WrongUse
from pipeline.preflight import SCHEMES, check_energy_mode, mlperf_defines
from pipeline.progress import Progress, silent
from pipeline.run import Run, digest, file_sums, sha256_file, write_atomically, write_json

if TYPE_CHECKING:
    from pipeline.build import Image
    from pipeline.convert import Graph
    from pipeline.flash import Device
    from pipeline.load import Compression, FlatModel, Network, Split
    from pipeline.measure import Measurement
    from pipeline.measure.meters import EnergyOptions
    from pipeline.render import Project
    from pipeline.report import Report

# Goes up when a measurement holds more than before: then an older one is made anew.
_MEASUREMENT = 3
_HERE = Path(__file__).parent


def prune(
    run: Run,
    model: Path,
    recipe: str,
    data: DataOptions,
    *,
    training: TrainOptions = TrainOptions(),
    trust: bool = False,
    progress: Progress = silent,
) -> Compression:
    """A Keras file -> pruned.keras."""
    from pipeline.load import FlatModel, load_model, save_network
    from pipeline.load.network import read_record
    from pipeline.prune import parse_recipe
    from pipeline.prune import prune as prune_network

    parse_recipe(recipe)
    training.check(data=data.spec is not None, prunes=True)

    left = [PRUNED]

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
            **{name: value for name, value in asdict(training).items() if value is not None},
            seed=data.seed,
            progress=progress,
        )
        save_network(pruned, folder / PRUNED)
        left.extend(keep_before(network, folder))
        assert pruned.compression is not None
        return pruned.compression

    def load(folder: Path) -> Compression:
        record = read_record(folder / PRUNED)
        assert record is not None
        return cast("Compression", record["compression"])

    key = digest(file_key(model), recipe, data.key(), asdict(training), trust, _versions())
    return run.step("prune", key, left, make, load)


def quantize(
    run: Run,
    model: Path,
    data: DataOptions,
    *,
    scheme: str = "int8",
    epochs: int | None = None,
    trust: bool = False,
    progress: Progress = silent,
) -> FlatModel:
    """A Keras file -> model.tflite, or a .tflite as it is; `epochs` are those of "qat"."""
    from pipeline.load.sniff import TFLITE, sniff

    if scheme not in SCHEMES:
        raise WrongUse(f"{scheme!r} is not known", where="--scheme", hint=", ".join(SCHEMES))
    if sniff(model).format == TFLITE:
        return flat_model(run, model)

    def make(folder: Path) -> FlatModel:
        from pipeline.load import load_model
        from pipeline.quantize import quantize as quantize_network
        from pipeline.quantize import quantize_aware

        progress("quantize", 0, 0, f"reading {model.name}")
        network = cast("Network", load_model(model, trust=trust))
        split = data.split(network.signature)
        if scheme == "qat":
            flat = quantize_aware(network, split, epochs=epochs, seed=data.seed, progress=progress)
        else:
            kind = cast(Any, scheme)
            flat = quantize_network(network, split.train, scheme=kind, progress=progress)
        write_atomically(folder / MODEL, flat.content)
        write_json(folder / FACTS, _keras_facts(network, flat, split, progress))
        return flat

    trained = [epochs] if scheme == "qat" else []
    key = digest(
        file_key(model), data.key(), trust, scheme, *trained,
        _versions(), _sources_key(_HERE / "load", _HERE / "quantize"),
    )  # fmt: skip
    return run.step("quantize", key, (MODEL, FACTS), make, flat_of)


def flat_model(run: Run, model: Path) -> FlatModel:
    """Takes a .tflite into the run, or finds that it is there."""
    from pipeline.convert import parameters, read_graph
    from pipeline.load import FlatModel, load_model
    from pipeline.load.names import identifier

    if model.resolve() == (run.path / MODEL).resolve() and (run.path / FACTS).is_file():
        return flat_of(run.path)

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

    return run.step("quantize", digest(file_key(model)), (MODEL, FACTS), make, flat_of)


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
        "quantized_samples": len(split.test),
        "float32_bytes": 4 * parameters,
        "check": network.check,
        "input_dtype": network.signature.input_dtype,
        "input_range": network.signature.input_range,
        "notes": list(done.notes) if done else [],
        "quantize_notes": list(flat.notes),
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
    ram_limit: int | str | None = None,
    tflm: str = "",
    mlperf: str = "",
    progress: Progress = silent,
) -> Project:
    """Graph and board -> project/, with the generated network in it.

    Args:
        run, flat, graph, board, engine, optimize, ram_limit, progress: see
            `pipeline.deploy.deploy`.
        tflm: TensorFlow Lite Micro's library for the engine of that name.
        mlperf: id of the MLPerf Tiny benchmark the firmware answers as; "" for none.

    Raises:
        WrongUse: an unknown benchmark.
    """
    from pipeline.build import check_before_build
    from pipeline.codegen import generate, held_inputs
    from pipeline.golden import golden_of
    from pipeline.render import Project, resolve_library
    from pipeline.render import render as render_project
    from pipeline.resources import FIRMWARE as FIRMWARE_SOURCES
    from pipeline.resources import VERSION
    from pipeline.tflm import render_tflm

    chosen = load_board(board)
    defines = mlperf_defines(mlperf, graph)
    check_energy_mode(mlperf, chosen)

    def load(folder: Path) -> Project:
        return Project(folder / PROJECT, board, engine, flat.name)

    def make(folder: Path) -> Project:
        progress("render", 0, 0, f"{engine} engine for {chosen.core}")
        if engine == "tflm":
            return render_tflm(folder, flat, graph, chosen, library, progress, mlperf, defines)
        program = generate(graph, chosen, optimize, ram_limit)
        weights = sum(layer.weight_bytes for layer in program.layers)
        check_before_build(chosen, model_bytes=weights, arena_bytes=program.arena_bytes)
        project = render_project(
            chosen,
            name=flat.name,
            out=folder / PROJECT,
            program=program,
            engine=engine,
            sha256=flat.sha256,
            defines=defines or held_inputs(graph, chosen, program, optimize),
            golden=golden_of(flat, graph),
        )
        write_json(
            folder / PROGRAM,
            {
                "board": board,
                "engine": engine,
                "mlperf": mlperf,
                "name": flat.name,
                "optimize": optimize,
                "ram_limit": ram_limit,
                "arena_bytes": program.arena_bytes,
                "passes": [asdict(done) for done in program.passes],
                "layers": [asdict(layer) for layer in program.layers],
            },
        )
        return project

    library = resolve_library(tflm) if engine == "tflm" else ""
    key = digest(
        flat.sha256, _board_key(chosen), engine, optimize, ram_limit, library, defines,
        _sources_key(FIRMWARE_SOURCES, _HERE / "codegen", _HERE / "render"), VERSION,
    )  # fmt: skip
    return run.step("render", key, (PROJECT, PROGRAM), make, load)


def _board_key(board: Board) -> dict[str, Any]:
    """All that a board says, apart from where it lies."""
    return {key: value for key, value in asdict(board).items() if key != "folder"}


def _sources_key(*folders: Path) -> str:
    """Digest of a step's own sources: a change makes its result anew."""
    code = [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    return digest([[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in code])


def _versions() -> list[str]:
    """Of what trains and converts; training is too dear to be done again for any edit."""
    from importlib.metadata import PackageNotFoundError, version

    from pipeline.resources import VERSION

    found = [VERSION]
    for name in ("tensorflow", "tf-keras", "tensorflow-model-optimization"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:  # a .tflite needs none of them
            found.append(f"{name} absent")
    return found


def build(run: Run, project: Project, *, progress: Progress = silent) -> Image:
    """project/ -> firmware.elf and image.json."""
    from pipeline.build import build as build_project

    board = load_board(project.board)

    def make(folder: Path) -> Image:
        return build_project(project, board, out=folder, progress=progress)

    # What lies in the folder now: a person may have changed the project by hand.
    key = digest(file_sums(project.path), _board_key(board))
    return run.step("build", key, (FIRMWARE, IMAGE), make, lambda _: image_of(run))


def flash(
    run: Run, image: Image, *, on: str = "auto", port: str = "", progress: Progress = silent
) -> Device:
    """firmware.elf -> a device that runs it, and device.json."""
    from pipeline.flash import flash as flash_image
    from pipeline.flash import ports

    def make(folder: Path) -> Device:
        device = flash_image(
            image,
            load_board(image.board),
            on=on,
            port=port,
            project=folder / PROJECT,
            progress=progress,
        )
        write_json(folder / DEVICE, device_json(device))
        return device

    connected = bool(port) or any(image.board in found.boards for found in ports())
    emulated = on in ("qemu", "renode") or (on == "auto" and not connected)
    key = digest(sha256_file(image.elf), on, port, _now_unless(emulated))
    return run.step("flash", key, (DEVICE,), make, lambda _: device_of(run))


def _now_unless(emulated: bool) -> int:
    """Makes a step on a real board run each time: it may hold something else by now."""
    return 0 if emulated else time.time_ns()


def measure(
    run: Run,
    device: Device,
    data: DataOptions,
    *,
    task: str = "auto",
    energy: EnergyOptions | None = None,
    progress: Progress = silent,
) -> Measurement:
    """A device and samples -> measurement.json and outputs.npy.

    Args:
        task: what the answers are judged as; "auto" goes by the labels.
        energy: meter or recorded trace.
    """
    from pipeline.measure import load_measurement, save_measurement
    from pipeline.measure import measure as measure_device

    data.required()
    facts = document(run, FACTS, "quantize")
    flat = flat_of(run.path)

    def make(folder: Path) -> Measurement:
        chosen = samples_of(run, flat, data)
        board = load_board(device.board)
        found = measure_device(
            device, board, flat, chosen, task=task, energy=energy, progress=progress
        )
        accuracy = examined(run, found.accuracy, facts, data, progress=progress)
        found = replace(found, accuracy=accuracy)
        save_measurement(found, folder)
        return found

    key = digest(
        sha256_file(device.elf),
        device_json(device),
        flat.sha256,
        facts,
        data.key(),
        data.samples,
        _MEASUREMENT,
        task,
        _energy_key(energy),
        _now_unless(device.on in ("qemu", "renode")),
    )
    return run.step("measure", key, (MEASUREMENT, OUTPUTS), make, load_measurement)


def _energy_key(energy: EnergyOptions | None) -> list[object]:
    """What decides a recorded trace's energy; a meter's is another each time."""
    if energy is None:
        return []
    if not energy.recorded:
        return [asdict(energy), time.time_ns()]
    trace = Path(energy.source.removeprefix("trace:"))
    return [asdict(energy), sha256_file(trace) if trace.is_file() else ""]


def report(run: Run) -> Report:
    """All that the steps left -> report.json."""
    from pipeline.report.assemble import assemble

    flat, program = flat_of(run.path), document(run, PROGRAM, "render")
    device = device_of(run)
    made = assemble(
        facts=document(run, FACTS, "quantize"),
        flat=flat,
        program=program,
        image=image_of(run),
        device=device,
        board=load_board(device.board),
        measurement=measurement_of(run),
        artifacts=run.artifacts_before("report"),
        before=before_layers(run.path, flat, program, device.board),
    )
    key = digest(made.to_json())
    return run.step("report", key, (REPORT,), lambda folder: _written(made, folder), lambda _: made)


def _written(report: Report, folder: Path) -> Report:
    report.write(folder / REPORT)
    return report
