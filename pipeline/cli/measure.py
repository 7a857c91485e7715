"""`mcu measure`: a flashed board -> measurement.json."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json
from pipeline.cli.layers import show_alarm, show_layers
from pipeline.errors import WrongUse
from pipeline.options import DataOptions, Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.measure import Measurement
    from pipeline.measure.meters import EnergyOptions
    from pipeline.run import Run

EXAMPLES = """\b
Examples:
  mcu measure run/device.json --data kws.npz --samples 100
  mcu measure run --data random --json
  mcu measure run --data random --compare-layers
  mcu measure run --data kws.npz --energy ppk2 --volts 3.3
  mcu measure run --mlperf --data kws01.npz
"""

_SHOWN = 10


@options.offers(DataOptions, "task", "port", without=("test_fraction", "shuffle"))
def command(
    device: Annotated[Path, typer.Argument(help="device.json of `mcu flash`, or its run.")],
    chosen: Options,
    energy: Annotated[
        str, typer.Option("--energy", help="Meter: ppk2 or joulescope; trace:FILE, a recorded one.")
    ] = "",
    volts: Annotated[
        float | None, typer.Option("--volts", help="Supply, where the meter does not tell.")
    ] = None,
    energy_window: Annotated[
        str, typer.Option("--energy-window", help="BEGIN:END, seconds of a recorded trace.")
    ] = "",
    energy_inferences: Annotated[
        int | None,
        typer.Option("--energy-inferences", min=1, help="Inferences in it.  [default: samples]"),
    ] = None,
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
        from pipeline import steps
        from pipeline.steps import artifacts

        run = artifacts.run_of(device)
        data = chosen.of(DataOptions)
        if mlperf:
            _by_mlperf(run, data, window, json, chosen.port)
            return
        if compare_layers:
            codes.append(show_layers(run, data, json, document=json, port=chosen.port))
            return
        meter = _energy(energy, volts, energy_window, energy_inferences)
        with progress_display() as progress:
            found = steps.measure(
                run,
                artifacts.device_of(run, chosen.port),
                data,
                task=chosen.task,
                energy=meter,
                progress=progress,
            )
        if json:
            say_json(artifacts.measurement_json(found))
        for line in () if json else _lines(found):
            say(line)
        codes.append(show_alarm(found.accuracy, json))

    codes: list[int] = []
    raise typer.Exit(guarded(work, json) or max(codes, default=0))


def _lines(found: Measurement) -> Iterator[str]:
    accuracy, latency, energy = found.accuracy, found.latency, found.energy
    if (scores := accuracy.on_device) is not None:
        yield f"{accuracy.task} of {accuracy.samples} samples"
        for name, value in (
            ("top-1", scores.top1),
            (f"top-{accuracy.k}", scores.top_k),
            ("AUC", scores.auc),
            ("MAE", scores.mae),
            ("RMSE", scores.rmse),
            ("R2", scores.r2),
        ):
            if value is not None:
                yield f"{name:<9} {value:.4f}"
    if accuracy.identical_outputs is not None:
        yield (f"identical {accuracy.identical_outputs} of {accuracy.samples} outputs "
               f"({accuracy.reference})")  # fmt: skip
    if accuracy.different:
        steps = f", by at most {accuracy.largest_steps} steps" if accuracy.largest_steps else ""
        yield f"different samples {_indices(accuracy.different)}{steps}"
    yield f"latency   {latency.median:,} {latency.unit} (median), {latency.p95:,} (p95)"
    if latency.clock_hz is not None:
        nominal = int(found.firmware["clock_hz"])
        yield f"clock     {latency.clock_hz / 1e6:.3f} MHz measured, {nominal / 1e6:g} nominal"
    if energy is not None:
        yield (f"energy    {1e6 * energy.joules:,.2f} uJ an inference ({energy.source}, "
               f"{energy.inferences} in {energy.seconds:.3f} s)")  # fmt: skip


def _indices(found: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, found[:_SHOWN]))
    return shown + (", ..." if len(found) > _SHOWN else "")


def _energy(
    source: str, volts: float | None, window: str, inferences: int | None
) -> EnergyOptions | None:
    """The options; None without `--energy`.

    Raises:
        WrongUse: no such meter, a window that is none, or options that nothing would heed.
    """
    if not source:
        if volts is not None or window or inferences is not None:
            raise WrongUse("says how to measure energy, but --energy is not given")
        return None
    from pipeline.measure.meters import EnergyOptions

    limits: tuple[float, float] | None = None
    if window:
        try:
            begin, _, end = window.partition(":")
            limits = (float(begin), float(end))
        except ValueError as error:
            raise WrongUse(
                f"{window!r} is no window", where="--energy-window", hint="seconds, such as 0.5:2"
            ) from error
    return EnergyOptions(source, volts, limits, inferences)


def _by_mlperf(run: Run, data: DataOptions, window: float, json: bool, port: str) -> None:
    from pipeline.steps.mlperf import measure_mlperf

    with progress_display() as progress:
        found = measure_mlperf(run, data, least_seconds=window, port=port, progress=progress)
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
