"""The step `report`: all that the steps left -> report.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.board import load_board
from pipeline.run import Run, digest
from pipeline.steps.artifacts import (
    FACTS,
    PROGRAM,
    REPORT,
    device_of,
    document,
    flat_of,
    image_of,
    measurement_of,
)
from pipeline.steps.before import before_layers

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.report import Report


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
