"""`mcu measure`: a flashed board -> measurement.json."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json
from pipeline.cli.layers import show_layers

if TYPE_CHECKING:
    from pipeline.artifacts import DataOptions
    from pipeline.run import Run

EXAMPLES = """\b
Examples:
  mcu measure run/device.json --data kws.npz --samples 100
  mcu measure run --data random --json
  mcu measure run --data random --compare-layers
  mcu measure run --mlperf --data kws01.npz
"""


def command(
    device: Annotated[Path, typer.Argument(help="device.json of `mcu flash`, or its run.")],
    data: options.Data = None,
    samples: options.Samples = None,
    x_scale: options.XScale = None,
    x_zero_point: options.XZeroPoint = None,
    seed: options.Seed = 0,
    mlperf: Annotated[
        bool, typer.Option("--mlperf", help="By the rules of MLPerf Tiny, as a submission.")
    ] = False,
    window: Annotated[
        float,
        typer.Option("--window", min=0.01, help="--mlperf: seconds at least; 10 is the rule."),
    ] = 10.0,
    compare_layers: options.CompareLayers = False,
    json: options.Json = False,
) -> None:
    """Send samples; read back outputs, cost, memory."""

    def work() -> None:
        from pipeline import artifacts, stages

        run = artifacts.run_of(device)
        chosen = artifacts.DataOptions(data, x_scale, x_zero_point, seed=seed, samples=samples)
        if mlperf:
            _by_mlperf(run, chosen, window, json)
            return
        if compare_layers:
            codes.append(show_layers(run, chosen, json, document=json))
            return
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

    codes: list[int] = []
    raise typer.Exit(guarded(work, json) or sum(codes))


def _by_mlperf(run: Run, data: DataOptions, window: float, json: bool) -> None:
    from pipeline.mlperf import measure_mlperf

    with progress_display() as progress:
        found = measure_mlperf(run, data, least_seconds=window, progress=progress)
    if json:
        say_json(found)
        return
    speed, quality = found["performance"], found["accuracy"]
    least, windows = min(speed["seconds"]), len(speed["seconds"])
    say(f"throughput {speed['throughput']:,.3f} inferences a second by the chip's clock")
    say(f"           median of {windows} windows of {least:.2f} s or more")
    if not found["latency"]:
        say(f"           {found['on']} counts instructions as time: this is not a latency")
    elif not speed["valid"]:
        say("           windows under 10 s give no valid result")
    if quality["top1"] is not None:
        say(f"top-1      {100 * quality['top1']:.1f} % of {quality['samples']} samples")
    if quality["auc"] is not None:
        say(f"AUC        {quality['auc']:.3f}")
    reached = "reached" if quality["reached"] else "not reached"
    say(f"target     {quality['target']:g} ({reached})")
    say(f"files      {run.path / found['folder']}")
