"""The whole chain, and the only place that knows its order."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.options import DataOptions, EngineOptions, Options, TrainOptions
from pipeline.options.signature import spelled_out
from pipeline.progress import Progress, silent

if TYPE_CHECKING:
    from pipeline.report.document import Report
    from pipeline.run import Run


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


@dataclass(frozen=True)
class Asked(Options):
    """What `deploy` is called with."""

    model: str | Path
    board: str
    strict: bool = field(default=True, kw_only=True)
    progress: Progress = field(default=silent, kw_only=True)


@spelled_out(Asked)
def deploy(asked: Asked) -> Deployment:
    """Takes a model file to a measured board.

    Args:
        model: .keras, .h5, SavedModel folder or .tflite.
        board: board id, one of boards/.
        {options}
        strict: raise where the chip's answers are wrong; the report says so in any case.
        progress: called with every step's progress.

    Raises:
        AccuracyGate: the chip's answers are wrong; the report was written all the same.
        McuError: a branch of it, see pipeline.errors.
    """
    deployed = deploy_with(asked.model, asked.board, asked.of(Options), asked.progress)
    if asked.strict and deployed.report is not None:
        from pipeline.steps.alarm import require_right

        require_right(deployed.report.accuracy)
    return deployed


def deploy_with(
    model: str | Path, board: str, options: Options, progress: Progress = silent
) -> Deployment:
    """`deploy` that is not strict, with options that are together already."""
    from pipeline.steps import artifacts
    from pipeline.steps.preflight import preflight

    model = Path(model)
    preflight(model, board, options)
    run = artifacts.run_for(model, options.out, suffix=board)
    with run.at_work():
        return _chain(run, model, board, options, progress)


def _chain(run: Run, model: Path, board: str, o: Options, progress: Progress) -> Deployment:
    from pipeline import steps
    from pipeline.steps import artifacts

    data = o.of(DataOptions)
    notes: tuple[str, ...] = ()

    def done(step: str) -> Deployment | None:
        return Deployment(run.path, run.finish(), None, notes) if step == o.until else None

    network = model
    if o.prune != "none":
        pruned = steps.prune(
            run,
            model,
            o.prune,
            data,
            training=o.of(TrainOptions),
            trust=o.trust,
            progress=progress,
        )
        notes += pruned.notes
        notes += tuple(f"left alone: {layer}, {why}" for layer, why in pruned.frozen.items())
        network = run.path / artifacts.PRUNED
    if end := done("prune"):
        return end
    flat = steps.quantize(
        run, network, data, scheme=o.scheme, epochs=o.epochs, trust=o.trust, progress=progress
    )
    notes += flat.notes
    if end := done("quantize"):
        return end
    graph = steps.convert(run, flat, progress=progress)
    if end := done("convert"):
        return end
    project = steps.render(run, flat, graph, board, o.of(EngineOptions), progress=progress)
    if end := done("render"):
        return end
    image = steps.build(run, project, progress=progress)
    if end := done("build"):
        return end
    device = steps.flash(run, image, on=o.on, port=o.port, progress=progress)
    if end := done("flash"):
        return end
    steps.measure(run, device, data, task=o.task, progress=progress)
    if end := done("measure"):
        return end
    report = steps.report(run)
    return Deployment(run.path, run.finish(), report, notes)
