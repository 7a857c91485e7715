"""`mcu convert`: a .tflite -> C array."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json

EXAMPLES = """\b
Examples:
  mcu convert run/model.tflite
  mcu convert kws.tflite --out run --json
"""


def command(
    model: Annotated[Path, typer.Argument(help="A full-integer .tflite.")],
    out: options.Out = None,
    json: options.Json = False,
) -> None:
    """Write the model as a C array, and say what is in it."""

    def work() -> None:
        from pipeline import artifacts, stages
        from pipeline.convert import parameters, total_macs

        run = artifacts.run_for(model, out)
        with progress_display() as progress:
            flat = stages.flat_model(run, model)
            graph = stages.convert(run, flat, progress=progress)
        document = {
            "header": str(run.path / "model_data.h"),
            "source": str(run.path / "model_data.c"),
            "name": flat.name,
            "bytes": len(flat.content),
            "sha256": flat.sha256,
            "macs": total_macs(graph),
            "parameters": parameters(graph),
            "ops": [{"index": op.index, "op": op.name, "name": op.layer} for op in graph.ops],
        }
        if json:
            say_json(document)
            return
        say(f"{document['source']}: {len(flat.content):,} bytes, sha256 {flat.sha256[:12]}")
        say(f"  {document['parameters']:,} parameters, {document['macs']:,} MACs")
        for op in graph.ops:
            say(f"  {op.index:3} {op.name:24} {op.layer}")

    raise typer.Exit(guarded(work, json))
