"""Wrong answers and `--compare-layers`: what `mcu measure` and `mcu deploy` say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def show_alarm(accuracy: Any, json: bool) -> int:
    """Says what is wrong with the chip's answers, and gives the exit code.

    Args:
        accuracy: of a measurement or a report.
        json: stdout holds the one document already.

    Raises:
        AccuracyGate: something is, and a person reads.
    """
    from pipeline.steps.alarm import require_right

    if not json:
        require_right(accuracy)
        return 0
    try:
        require_right(accuracy)
    except AccuracyGate as error:
        note(f"error: {error}")
        return error.exit_code
    return 0
