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
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Run folder.  [default: that of the artifact, or runs/NAME]"),
]
Samples = Annotated[
    int | None, typer.Option("--samples", "-n", min=1, help="Send only the first N samples.")
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of all that is random.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run the code inside the model file (Lambda layers).")
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
Engine = Annotated[str, typer.Option("--engine", "-e", help="Inference engine: aot or tflm.")]
On = Annotated[str, typer.Option("--on", help="Where to run: auto, qemu, renode, probe or serial.")]
Port = Annotated[str, typer.Option("--port", help="Serial port of a real board.")]
Prune = Annotated[
    str,
    typer.Option("--prune", "-p", help="magnitude:S, neurons:S or neurons:S+magnitude:S; none."),
]
Epochs = Annotated[
    int | None, typer.Option("--epochs", min=0, help="Fine-tuning epochs after pruning.")
]
