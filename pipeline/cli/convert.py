"""`mcu convert`: a .tflite -> C array."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json
from pipeline.options import Options

if TYPE_CHECKING:
    from pipeline.codegen.explain import Candidate, ExplainedOp, Explanation
    from pipeline.codegen.program import Pass

EXAMPLES = """\b
Examples:
  mcu convert run/model.tflite
  mcu convert kws.tflite --out run --json
  mcu convert kws.tflite --explain --board nano33ble --optimize size
"""

# Of the many sizes of one kernel, those that came close; --json has them all.
_SHOWN = 5


@options.offers("optimize", "ram_limit", "out")
def command(
    model: Annotated[Path, typer.Argument(help="A full-integer .tflite.")],
    chosen: Options,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say what the aot engine does with each op, and why."),
    ] = False,
    board: Annotated[
        str, typer.Option("--board", "-b", help="The board --explain is for.")
    ] = "disco_f407vg",
    no_passes: Annotated[
        bool, typer.Option("--no-passes", help="Explain the model without graph passes.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Write the model as a C array, and say what is in it."""

    def work() -> None:
        from dataclasses import asdict

        from pipeline import steps
        from pipeline.board import load_board
        from pipeline.codegen import Target, size_limit
        from pipeline.codegen.explain import explain as explain_graph
        from pipeline.codegen.passes import PASSES
        from pipeline.convert import parameters, total_macs
        from pipeline.errors import WrongUse
        from pipeline.steps import artifacts

        if no_passes and not explain:
            raise WrongUse("it compares explanations", where="--no-passes", hint="add --explain")
        chosen.check()
        known = load_board(board)
        run = artifacts.run_for(model, chosen.out)
        found = None
        with progress_display() as progress:
            flat = steps.flat_model(run, model)
            graph = steps.convert(run, flat, progress=progress)
            if explain:
                target = Target(known.core, frozenset(known.features))
                found = explain_graph(
                    graph,
                    target,
                    cast(Any, chosen.optimize),
                    progress,
                    ram_limit=size_limit(chosen.ram_limit),
                    passes=() if no_passes else tuple(PASSES),
                )
        document: dict[str, Any] = {
            "header": str(run.path / "model_data.h"),
            "source": str(run.path / "model_data.c"),
            "name": flat.name,
            "bytes": len(flat.content),
            "sha256": flat.sha256,
            "macs": total_macs(graph),
            "parameters": parameters(graph),
            "ops": [{"index": op.index, "op": op.name, "name": op.layer} for op in graph.ops],
        }
        if found:
            document["explain"] = {
                "board": board,
                "instructions": found.instructions,
                "portable_instructions": found.portable_instructions,
                **asdict(found),
            }
        if json:
            say_json(document)
            return
        say(f"{document['source']}: {len(flat.content):,} bytes, sha256 {flat.sha256[:12]}")
        say(f"  {document['parameters']:,} parameters, {document['macs']:,} MACs")
        if found:
            say(text(found, board))
            return
        for op in graph.ops:
            say(f"  {op.index:3} {op.name:24} {op.layer}")

    raise typer.Exit(guarded(work, json))


def text(found: Explanation, board: str) -> str:
    """The explanation as a person reads it."""
    lines = [
        f"  on {board} ({found.core}), optimised for {found.optimize}: "
        f"{len(found.ops)} ops, {found.views} of them without code, "
        f"arena of {found.arena_bytes:,} bytes",
        f"  about {found.instructions:,} instructions per inference; "
        f"{found.portable_instructions:,} with portable kernels alone",
        *_passes(found.passes),
        "  > is the kernel taken; the cost weighs the estimated instructions of an inference,",
        "  bytes of flash beside the plain weights, and bytes the arena grows by for this op.",
        "  A dearer kernel is taken where the arena of all ops together gets smaller by it",
    ]
    for op in found.ops:
        lines += ["", f"  {op.index:3} {op.op:24} {op.name}", *_details(op)]
    lines += ["", f"  arena: {'from':>10} {'to':>9} {'bytes':>9}  layers"]
    lines += [
        f"  {p.name:10} {p.offset:>6,} {p.offset + p.size:>9,} {p.size:>9,}  {p.first} to {p.last}"
        for p in sorted(found.placements, key=lambda p: (p.offset, p.first))
    ]
    return "\n".join(lines)


def _passes(passes: tuple[Pass, ...]) -> list[str]:
    """What graph passes did, and saved."""
    if not passes:
        return ["  graph passes found nothing to save"]
    lines = ["", f"  graph passes {'MACs':>46} {'constants':>11} {'tensors':>11} {'ops':>5}"]
    for p in passes:
        lines.append(_saved(f"{p.name}: {p.title}", p))
        lines += [f"      {note.op} {note.layer}: {note.text}" for note in p.notes]
    return [*lines, _saved("in all", *passes), ""]


def _saved(title: str, *passes: Pass) -> str:
    """What passes changed: multiply-accumulates, bytes of constants and of tensors, ops."""
    macs, constants, tensors, ops = (
        -sum(values)
        for values in zip(
            *((p.macs, p.constant_bytes, p.tensor_bytes, p.ops) for p in passes), strict=True
        )
    )
    return f"    {title:44} {macs:>+12,} {constants:>+11,} {tensors:>+11,} {ops:>+5}"


def _details(op: ExplainedOp) -> list[str]:
    if op.layer is None:
        if len(op.outputs) == 1 and op.op in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS"):
            return ["      no code: the output is the input's memory under another shape"]
        return ["      no code: the pieces lie in the whole"]
    stored = f", weights {op.encoding}" if op.encoding else ""
    lines = [f"      layer {op.layer}: {op.function}{stored}"]
    shown = op.candidates[:_SHOWN]
    lines += [_candidate(c) for c in shown]
    if rest := len(op.candidates) - len(shown):
        lines.append(f"        and {rest} that cost more")
    if op.unfit:
        lines.append(f"        {len(op.unfit)} others are not for this core or this shape")
    if op.in_place is not None:
        lines.append(f"      in place: written over tensor {op.in_place}, which no one needs then")
    lines += [
        f"      tensor {p.tensor} in the arena at {p.offset:,} to {p.offset + p.size:,}"
        for p in op.outputs
    ]
    if op.scratch:
        lines.append(f"      scratch of {op.scratch:,} bytes")
    return lines


def _candidate(c: Candidate) -> str:
    return (
        f"      {'>' if c.chosen else ' '} {c.kernel:42} {c.instructions:>12,} instructions "
        f"{c.flash:>+9,} flash {c.ram:>+8,} RAM  cost {c.weighed:,}"
    )
