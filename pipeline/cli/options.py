"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Board = Annotated[str, typer.Option("--board", "-b", help="Board id; `mcu boards` lists them.")]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        "-d",
        help="Data set: an .npz with x and y, 'digits', or 'random' (generated inputs).",
    ),
]
CompareLayers = Annotated[
    bool,
    typer.Option(
        "--compare-layers",
        help="Compare every tensor of one sample with TensorFlow Lite Micro's; exit code 5 "
        "names the first layer that differs.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Run folder.  [default: that of the artifact, or runs/NAME]"),
]
Samples = Annotated[
    int | None, typer.Option("--samples", "-n", min=1, help="Send only the first N samples.")
]
Task = Annotated[
    str,
    typer.Option(
        "--task",
        help="Judge answers as classification, anomaly, regression or none; auto: by the labels.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of all that is random.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run the code inside the model file (Lambda layers).")
]
TrustProject = Annotated[
    bool,
    typer.Option("--trust", help="Run the scripts of a project that somebody else has rendered."),
]
XScale = Annotated[
    float | None,
    typer.Option("--x-scale", help="Real value of one step of x: real = (x - zero point) * scale."),
]
XZeroPoint = Annotated[
    float | None, typer.Option("--x-zero-point", help="The x that stands for a real 0.")
]
Optimize = Annotated[
    str, typer.Option("--optimize", help="What the aot engine favours: size, balanced or speed.")
]
RamLimit = Annotated[
    str | None,
    typer.Option("--ram-limit", help="What the arena may take: bytes, or such as 20KB."),
]
Engine = Annotated[str, typer.Option("--engine", "-e", help="Inference engine: aot or tflm.")]
On = Annotated[
    str,
    typer.Option("--on", help="Where to run: auto, qemu, renode, probe, serial, labgrid:PLACE."),
]
Port = Annotated[str, typer.Option("--port", help="Serial port of a real board.")]
Prune = Annotated[
    str,
    typer.Option("--prune", "-p", help="magnitude:S, neurons:S or neurons:S+magnitude:S; none."),
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", min=0, help="Epochs of fine-tuning after pruning, and of qat."),
]

Rate = Annotated[
    float | None, typer.Option("--rate", help="Learning rate fine-tuning starts with: 0.003.")
]
Distill = Annotated[
    bool | None,
    typer.Option(
        "--distill/--no-distill",
        help="Learn from the unpruned network too.  [default: where labels are few]",
    ),
]
LargestDrop = Annotated[
    float | None,
    typer.Option(
        "--max-drop",
        help="Prune step by step, while accuracy falls by no more: 0.02 is two points.",
    ),
]
Control = Annotated[
    str | None,
    typer.Option("--control", help="scratch: train the pruned shape anew too; the better stays."),
]
TestFraction = Annotated[
    float, typer.Option("--test-fraction", help="Share of the samples to judge by: the last ones.")
]
Shuffle = Annotated[bool, typer.Option("--shuffle", help="Mix the samples before the split.")]

# Results: history, gates, and what is written for others.
Db = Annotated[
    str | None,
    typer.Option("--db", help="History: an SQLite file or a database URL.  [env: MCU_HISTORY]"),
]
History = Annotated[bool, typer.Option("--history", help="Record the result in the history.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write an HTML page with plots.")]
Junit = Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")]
MaxSlowdown = Annotated[
    str | None, typer.Option("--max-slowdown", help="Gate on the median cost: 2%.")
]
MaxDrop = Annotated[
    str | None, typer.Option("--max-drop", help="Gate on accuracy: percentage points, 0.5.")
]
MaxFlash = Annotated[
    str | None,
    typer.Option("--max-flash", help="Gate on flash: growth (+1KB, 2%) or the whole (64KB)."),
]
MaxRam = Annotated[
    str | None,
    typer.Option("--max-ram", help="Gate on RAM: growth (+1KB, 2%) or the whole (16KB)."),
]
Parity = Annotated[
    bool, typer.Option("--parity", help="Gate: every output equals the host's bit for bit.")
]
Tflm = Annotated[
    str,
    typer.Option("--tflm", help="TensorFlow Lite Micro for --engine tflm: folder or lib_deps."),
]
Scheme = Annotated[
    str,
    typer.Option(
        "--scheme",
        help="How a Keras model is quantised: int8, int16x8 or qat (int8 that is trained for).",
    ),
]
Mlperf = Annotated[
    str,
    typer.Option(
        "--mlperf",
        help="Answer as MLPerf Tiny's kws01, ic01, vww01 or ad01; kws01:energy: its energy mode.",
    ),
]
