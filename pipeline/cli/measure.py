"""`mcu measure`: a flashed board -> measurement.json."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json

EXAMPLES = """\b
Examples:
  mcu measure run/device.json --data kws.npz --samples 100
  mcu measure run --data random --json
"""


def command(
    device: Annotated[Path, typer.Argument(help="device.json of `mcu flash`, or its run.")],
    data: options.Data = None,
    samples: options.Samples = None,
    x_scale: options.XScale = None,
    x_zero_point: options.XZeroPoint = None,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Send samples; read back outputs, cost, memory."""

    def work() -> None:
        from pipeline import artifacts, stages

        run = artifacts.run_of(device)
        chosen = artifacts.DataOptions(data, x_scale, x_zero_point, seed=seed, samples=samples)
        with progress_display() as progress:
            found = stages.measure(run, artifacts.device_of(run), chosen, progress=progress)
        if json:
            say_json(artifacts.measurement_json(found))
            return
        accuracy, latency = found.accuracy, found.latency
        if accuracy.device is not None:
            say(f"accuracy  {accuracy.device:.4f} of {accuracy.samples} samples")
        if accuracy.identical_outputs is not None:
            say(f"identical {accuracy.identical_outputs} of {accuracy.samples} outputs "
                f"({accuracy.reference})")  # fmt: skip
        say(f"latency   {latency.median:,} {latency.unit} (median)")

    raise typer.Exit(guarded(work, json))
