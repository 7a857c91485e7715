"""`--compare-layers`: what `mcu measure` and `mcu deploy` say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.console import note, progress_display, say, say_json
from pipeline.errors import AccuracyGate

if TYPE_CHECKING:
    from pipeline.options import DataOptions
    from pipeline.run import Run


def show_layers(run: Run, data: DataOptions, json: bool, document: bool, port: str = "") -> int:
    """Compares, tells, and gives the exit code.

    Args:
        run: whose device is asked.
        data: one sample of it is sent.
        json: stdout is for machines.
        document: the comparison is the JSON document of the command.
        port: the device's port, where somebody has named it.

    Raises:
        AccuracyGate: a layer differs, and a person reads.
    """
    from pipeline.steps.layer_check import compare_run, comparison_json, lines, require_equal

    with progress_display() as progress:
        found = compare_run(run, data, named=port, progress=progress)
    if document:
        say_json(comparison_json(found))
    for line in [] if document else lines(found):
        (note if json else say)(line)
    if json:
        return AccuracyGate.exit_code if found.first else 0
    require_equal(found)
    return 0
