"""`mcu ops`: what the aot engine runs, and what a model asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, say, say_json

EXAMPLES = """\b
Examples:
  mcu ops
  mcu ops kws.tflite
"""


def command(
    model: Annotated[
        Path | None, typer.Argument(help="A .tflite: list its operators instead.")
    ] = None,
    json: options.Json = False,
) -> None:
    """List the operators of the engine, beside TFLite Micro's, or of a model."""

    def work() -> None:
        if model is not None:
            _of_model(model, json)
            return
        rows = _rows()
        if json:
            say_json(rows)
            return
        for row in rows:
            types = ", ".join(row["dtypes"]) or "-"
            say(f"{row['op']:28} {types:14} {row['notes'] or row['missing']}".rstrip())

    raise typer.Exit(guarded(work, json))


def _rows() -> list[dict[str, Any]]:
    """The engine's operators, those folded ahead of time, and TFLM's that are missing."""
    from pipeline.codegen.micro import CUSTOM, MISSING, TFLM
    from pipeline.codegen.passes.known import FOLDED
    from pipeline.codegen.registry import registry

    known = registry()
    rows: dict[str, dict[str, Any]] = {
        name: {
            "op": name,
            "dtypes": list(support.dtypes),
            "versions": list(support.versions),
            "notes": support.notes,
            "missing": "",
        }
        for name, support in known.items()
    }
    none: dict[str, Any] = {"dtypes": [], "versions": [], "notes": "", "missing": ""}
    for name in FOLDED - set(known):
        rows[name] = {"op": name, **none, "notes": "computed ahead of time, from what is known"}
    for name, why in (*MISSING.items(), *CUSTOM.items()):
        rows[name] = {"op": name, **none, "missing": f"not run: {why}"}
    for name, row in rows.items():
        row["tflm"] = name in TFLM or name in CUSTOM
    return [rows[name] for name in sorted(rows)]


def _of_model(model: Path, json: bool) -> None:
    from pipeline.codegen import check_supported
    from pipeline.codegen.passes.known import settled
    from pipeline.convert import Graph, macs, read_graph
    from pipeline.errors import UnsupportedOp, WrongUse
    from pipeline.load import FlatModel, load_model

    flat = load_model(model)
    if not isinstance(flat, FlatModel):
        raise WrongUse("is no .tflite", where=str(model), hint="`mcu quantize` makes one")
    graph = settled(read_graph(flat))
    rows = []
    for op in graph.ops:
        alone = Graph(graph.name, graph.sha256, graph.tensors, (op,), op.inputs[:1], op.outputs)
        try:
            check_supported(alone)
            problem = ""
        except UnsupportedOp as error:
            problem = error.what
        rows.append(
            {
                "index": op.index,
                "op": op.name,
                "name": op.layer,
                "macs": macs(graph, op),
                "supported": not problem,
                "problem": problem,
            }
        )
    if json:
        say_json(rows)
        return
    for row in rows:
        mark = "yes" if row["supported"] else "NO"
        say(f"{row['index']:3} {row['op']:26} {mark:3} {row['macs']:>12,} MACs  {row['name']}")
        if row["problem"]:
            say(f"      {row['problem']}")
