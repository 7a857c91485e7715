"""The whole chain, and the only place that knows its order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.progress import Progress, silent

if TYPE_CHECKING:
    from pipeline.report.document import Report


@dataclass(frozen=True)
class Deployment:
    """What `deploy` leaves.

    Attributes:
        folder: the run folder.
        artifacts: path relative to it -> SHA-256.
        report: None where the chain was stopped before it.
        notes: what a person should know of the compression: a control that won, a training
            that stopped early, layers whose neurons had to stay.
    """

    folder: Path
    artifacts: dict[str, str]
    report: Report | None
    notes: tuple[str, ...] = ()


def deploy(
    model: str | Path,
    board: str,
    *,
    data: str | Path | None = None,
    prune: str = "none",
    epochs: int | None = None,
    rate: float | None = None,
    distill: bool | None = None,
    max_drop: float | None = None,
    control: str | None = None,
    scheme: str = "int8",
    engine: str = "aot",
    optimize: str = "balanced",
    ram_limit: int | str | None = None,
    tflm: str = "",
    mlperf: str = "",
    on: str = "auto",
    port: str = "",
    samples: int | None = None,
    task: str = "auto",
    until: str = "report",
    out: str | Path | None = None,
    x_scale: float | None = None,
    x_zero_point: float | None = None,
    test_fraction: float = 0.2,
    shuffle: bool = False,
    seed: int = 0,
    trust: bool = False,
    strict: bool = True,
    progress: Progress = silent,
) -> Deployment:
    """Takes a model file to a measured board.

    Args:
        model: .keras, .h5, SavedModel folder or .tflite.
        board: board id, one of boards/.
        data: .npz with x and y, "digits", or "random"; a Keras model needs one.
        prune: recipe such as "magnitude:0.75"; "none".
        epochs: fine-tuning epochs after pruning, or of "qat"; None chooses by the data.
        rate, distill, max_drop, control: how pruning goes, see `pipeline.prune.prune`.
        scheme: how a Keras model is quantised: "int8", "int16x8", or "qat": int8 that is
            trained for, keeping the zeros of a pruned network.
        engine: "aot" or "tflm".
        optimize: what the aot engine favours: "size", "balanced", "speed".
        ram_limit: what the aot engine's arena may take: bytes, or such as "20KB".
        tflm: TensorFlow Lite Micro for the engine "tflm": a folder or a lib_deps entry.
        mlperf: benchmark of MLPerf Tiny that the firmware answers as: "kws01", "ic01", "vww01",
            "ad01"; "" for none.
        on: "auto", "qemu", "renode", "probe" or "serial".
        port: serial port of a real board.
        samples: send only the first so many samples.
        task: what answers are judged as: "classification", "anomaly", "regression", "none";
            "auto" goes by the labels.
        until: the step to stop after.
        out: run folder; runs/<model>-<board> by default.
        x_scale, x_zero_point: real value = (x - x_zero_point) * x_scale, for integer data
            of a float network.
        test_fraction: share of the samples, the last ones, that is judged by; a file's own
            split is kept.
        shuffle: mix the samples before that split.
        seed: of all that is random.
        trust: run code inside the model file.
        strict: raise where the chip's answers are wrong; the report says so in any case.
        progress: called with every step's progress.

    Raises:
        AccuracyGate: the chip's answers are wrong; the report was written all the same.
        McuError: a branch of it, see pipeline.errors.
    """
    from pipeline import artifacts, stages
    from pipeline.alarm import require_right
    from pipeline.preflight import preflight

    model = Path(model)
    chosen = artifacts.DataOptions(
        data, x_scale, x_zero_point, seed, samples, test_fraction, shuffle
    )
    training = artifacts.TrainOptions(epochs, rate, distill, max_drop, control)
    preflight(
        model,
        board,
        data=chosen,
        recipe=prune,
        engine=engine,
        optimize=optimize,
        ram_limit=ram_limit,
        on=on,
        until=until,
        scheme=scheme,
        mlperf=mlperf,
        training=training,
        task=task,
    )
    run = artifacts.run_for(model, out, suffix=board)

    notes: tuple[str, ...] = ()

    def done(step: str) -> Deployment | None:
        return Deployment(run.path, run.finish(), None, notes) if step == until else None

    network = model
    if prune != "none":
        pruned = stages.prune(
            run, model, prune, chosen, training=training, trust=trust, progress=progress
        )
        notes += pruned.notes
        notes += tuple(f"left alone: {layer}, {why}" for layer, why in pruned.frozen.items())
        network = run.path / artifacts.PRUNED
    if end := done("prune"):
        return end
    flat = stages.quantize(
        run, network, chosen, scheme=scheme, epochs=epochs, trust=trust, progress=progress
    )
    notes += flat.notes
    if end := done("quantize"):
        return end
    graph = stages.convert(run, flat, progress=progress)
    if end := done("convert"):
        return end
    project = stages.render(
        run,
        flat,
        graph,
        board,
        engine=engine,
        optimize=optimize,
        ram_limit=ram_limit,
        tflm=tflm,
        mlperf=mlperf,
        progress=progress,
    )
    if end := done("render"):
        return end
    image = stages.build(run, project, progress=progress)
    if end := done("build"):
        return end
    device = stages.flash(run, image, on=on, port=port, progress=progress)
    if end := done("flash"):
        return end
    stages.measure(run, device, chosen, task=task, progress=progress)
    if end := done("measure"):
        return end
    report = stages.report(run)
    deployed = Deployment(run.path, run.finish(), report, notes)
    if strict:
        require_right(report.accuracy)
    return deployed
