"""`mcu analyze`: will it fit, and what will it cost, before anything is trained or built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json
from pipeline.options import Options

if TYPE_CHECKING:
    from pipeline.analyze.analysis import Analysis

EXAMPLES = """\b
Examples:
  mcu analyze kws.tflite --board disco_f407vg
  mcu analyze untrained.keras -b disco_f407vg --prune magnitude:0.875
  mcu analyze model.h5 -b mps2_an386 --strict --json
"""

_BAR = 10
_WIDEST_MAP = 64


@options.offers("prune", "optimize", "ram_limit", "trust")
def command(
    model: Annotated[Path, typer.Argument(help="A .tflite or Keras file, trained or not.")],
    board: options.Board,
    chosen: Options,
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave with exit code 3 where it does not fit.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Tell whether a model fits a board, and what it will cost."""
    fits = True

    def work() -> None:
        nonlocal fits
        from pipeline.analyze import analyze

        with progress_display() as progress:
            found = analyze(
                model, board, prune=chosen.prune, optimize=chosen.optimize,
                ram_limit=chosen.ram_limit, trust=chosen.trust, progress=progress,
            )  # fmt: skip
        fits = found.fits
        say_json(found.to_json()) if json else say(text(found))

    code = guarded(work, json)
    raise typer.Exit(code or (3 if strict and not fits else 0))


def text(found: Analysis) -> str:
    """The analysis as a person reads it."""
    parts = [_head(found), _layers(found), _map(found)]
    parts += [f"note: {note}" for note in found.notes]
    return "\n\n".join(parts[:3]) + "".join(f"\n{note}" for note in parts[3:])


def _kib(count: int) -> str:
    return f"{count / 1024:,.1f} KiB"


def _head(found: Analysis) -> str:
    flash, ram = found.flash, found.ram
    room = ram.limit - ram.stack_bytes
    error = found.accuracy.get("instructions")
    within = f" (measured ones differed by {100 * error:.0f} % on average)" if error else ""
    return "\n".join(
        [
            f"{found.model} on {found.board} ({found.core}, {found.clock_hz / 1e6:g} MHz), "
            f"optimised for {found.optimize}",
            _verdict(found),
            f"  flash     about {_kib(flash.total)} of {_kib(flash.limit)}: "
            f"model {_kib(flash.model_bytes)}, code {_kib(flash.code_bytes)}",
            f"  RAM       about {_kib(ram.total)} of {_kib(room)}: arena {_kib(ram.arena_bytes)} "
            f"(at most {_kib(found.arena_bound)} in use at once), "
            f"and {_kib(ram.stack_bytes)} of stack",
            f"  work      {found.macs:,} MACs, about {found.instructions:,} instructions per "
            f"inference{within}",
            f"  weights   {found.parameters:,} parameters, {100 * found.zero_share:.1f} % zeros",
        ]
    )


def _verdict(found: Analysis) -> str:
    if found.fits:
        return "  fits"
    other = ", ".join(found.would_fit[:4])
    way = f"it would fit {other}" if other else "no known board has that much"
    return f"  DOES NOT FIT: {'; '.join(found.problems)}; {way}"


def _layers(found: Analysis) -> str:
    weights = max(1, found.flash.model_bytes)
    names = [f"{layer.name} ({layer.op.lower()})" for layer in found.layers]
    kernels = [_kernel(layer.kernel, layer.encoding) for layer in found.layers]
    wide = min(36, max(5, *map(len, names)))
    broad = min(30, max(6, *map(len, kernels)))
    share = 5 + _BAR
    lines = [
        f"    {'layer':{wide}} {'kernel':{broad}} {'MACs':>11} "
        f"{'instructions':>13} {'':{share}} {'flash':>9}"
    ]
    for layer, name, kernel in zip(found.layers, names, kernels, strict=True):
        lines.append(
            f"{layer.index:3} {_cut(name, wide):{wide}} {_cut(kernel, broad):{broad}} "
            f"{layer.macs:>11,} {layer.instructions:>13,} {_bar(layer.share)} "
            f"{layer.weight_bytes:>9,} {_bar(layer.weight_bytes / weights)}".rstrip()
        )
    return "\n".join(lines)


def _kernel(function: str, encoding: str) -> str:
    return function if encoding in ("", "dense") else f"{function}: {encoding}"


def _bar(share: float) -> str:
    return f"{100 * share:3.0f}% {'#' * round(_BAR * share):{_BAR}}"


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 3] + "..."


def _map(found: Analysis) -> str:
    """Blocks by offset, and a chart of their lives: one column per layer."""
    count = len(found.layers)
    lines = [
        f"memory map: arena of {found.ram.arena_bytes:,} bytes; the peak is layer {found.peak}, "
        f"{found.layers[found.peak].name}, with {found.arena_bound:,} in use",
        f"{'from':>9} {'to':>9} {'bytes':>9}  {'layers':9}",
    ]
    chart = count <= _WIDEST_MAP
    for block in found.memory:
        first, last = max(0, block.first), min(count - 1, block.last)
        life = f"{first}-{last}" if last > first else f"{first}"
        line = f"{block.offset:>9,} {block.offset + block.size:>9,} {block.size:>9,}  {life:9}"
        if chart:
            cells = ("#" if block.first <= n <= block.last else "." for n in range(count))
            line += f" {''.join(cells)}"
        mark = "  <- peak" if block.first <= found.peak <= block.last else ""
        lines.append(f"{line} {block.who}{mark}")
    return "\n".join(lines)
