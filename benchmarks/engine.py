"""Measures the aot engine on emulated cores, and holds it to the committed figures.

    python benchmarks/engine.py [MODEL ...] [--core C ...] [--optimize G ...] [--update]

Builds every model for every core with every goal, bare (benchmarks/bare_metal.py), and runs
generated inputs in QEMU, whose instruction counts are exact. Writes benchmarks/engine.json and
docs/engine.md, with the figures of TensorFlow Lite Micro with CMSIS-NN beside ours. Leaves with
6, and writes to build/bench alone, when a figure is worse than the committed one by more than
1 %; --update (or UPDATE=1) takes it. Leaves with 5 when an output differs from TensorFlow Lite
Micro's, with 1 when a model can't be built. Models that are absent are skipped, and their
committed figures kept.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import bare_metal
import numpy as np
from reference import expected

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT.parent / "shared/models"
BASELINE = ROOT.parent / "shared/baseline.csv"
FIGURES = ROOT / "benchmarks/engine.json"
TABLE = ROOT / "docs/engine.md"
RUNS = ROOT / "build/bench"

NAMES = ("kws_ref_int8", "ic01_resnet8_int8", "ad01_int8")
# Core -> what the baseline's file calls it.
CORES = {
    "cortex-m4": "m4",
    "cortex-m7": "m7",
    "cortex-m3": "m3",
    "cortex-m55": "m55",
    "cortex-m0plus": "m0plus",
    "rv32imc": "rv32imc",
}
GOALS = ("speed", "balanced", "size")
SAMPLES = 100
COUNTED = ("instructions", "flash_bytes", "flash_model_bytes", "arena_bytes")
TOLERANCE = 0.01
DIFFERENT, WORSE = 5, 6


@dataclass(frozen=True)
class Row:
    """One model on one core.

    Attributes:
        instructions: of an inference; the most of all samples.
        macs: multiply-accumulates of the dense model, per inference.
        flash_bytes: the engine: code, model, and the library functions they pull in.
        flash_model_bytes: weights and per-channel constants of it.
        arena_bytes: activations and scratch.
        identical_outputs: of `samples`, equal to TensorFlow Lite Micro's bit for bit.
        layers: [layer, kernel, instructions] of each, of the last sample.
        git: revision of the sources.
        changes: digest of what was changed since that revision, "" if nothing.
    """

    model: str
    core: str
    optimize: str
    instructions: int
    macs: int
    flash_bytes: int
    flash_model_bytes: int
    arena_bytes: int
    identical_outputs: int
    samples: int
    layers: list[list[Any]]
    compiler: str
    flags: str
    git: str
    changes: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.model, self.core, self.optimize


def git(*words: str) -> str:
    done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def revision() -> tuple[str, str]:
    """Revision of the sources, and a digest of the changes since."""
    watched = ("pipeline", "firmware", "boards")
    changed = git("diff", "HEAD", "--", *watched)
    for name in git("ls-files", "--others", "--exclude-standard", "--", *watched).split("\n"):
        if name and (ROOT / name).is_file():
            changed += name + hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
    digest = hashlib.sha256(changed.encode()).hexdigest()[:12] if changed else ""
    return git("rev-parse", "--short=12", "HEAD").strip(), digest


def measure(model: str, core: str, optimize: str) -> Row:
    """Builds, runs, compares.

    Raises:
        McuError: the model can't be compiled.
        RuntimeError: it can't be built or run.
    """
    from pipeline.codegen import Target, compile_graph
    from pipeline.convert import read_graph
    from pipeline.convert.statistics import total_macs
    from pipeline.load.flatmodel import FlatModel

    content = (MODELS / f"{model}.tflite").read_bytes()
    graph = read_graph(FlatModel(model, content))
    program = compile_graph(graph, Target(core, bare_metal.CORES[core].features), optimize)
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = np.random.default_rng(1).integers(-128, 128, (SAMPLES, *shape)).astype(np.int8)
    with tempfile.TemporaryDirectory() as folder:
        run = bare_metal.run(program, inputs, Path(folder), core)
    same = [a == b for a, b in zip(run.outputs, expected(content, inputs), strict=True)]
    head, changes = revision()
    return Row(
        model=model,
        core=core,
        optimize=optimize,
        instructions=run.instructions,
        macs=total_macs(graph),
        flash_bytes=run.flash,
        flash_model_bytes=sum(layer.weight_bytes for layer in program.layers),
        arena_bytes=program.arena_bytes,
        identical_outputs=sum(same),
        samples=SAMPLES,
        layers=[
            [layer.name, layer.kernel, count]
            for layer, count in zip(program.layers, run.layers, strict=True)
        ],
        compiler=bare_metal.compiler(core),
        flags=" ".join((*bare_metal.FLAGS, *bare_metal.CORES[core].flags)),
        git=head,
        changes=changes,
    )


def committed() -> list[Row]:
    """The figures of the last commit; without git, those of the file."""
    text = git("show", f"HEAD:{FIGURES.relative_to(ROOT)}")
    if not text and not git("rev-parse", "HEAD") and FIGURES.is_file():
        text = FIGURES.read_text()
    return [Row(**row) for row in json.loads(text)["rows"]] if text else []


def worse(now: list[Row], before: list[Row]) -> list[str]:
    """What got worse by more than the tolerance, in words."""
    known = {row.key: row for row in before}
    found = []
    for row in now:
        old = known.get(row.key)
        for name in COUNTED if old else ():
            a, b = getattr(old, name), getattr(row, name)
            if b > a * (1 + TOLERANCE):
                text = f"{' '.join(row.key)}: {name} {a:,} -> {b:,} (+{100 * (b / a - 1):.1f} %)"
                if old and old.compiler != row.compiler:
                    text += f"; the compiler was {old.compiler}"
                found.append(text)
    return found


def merge(now: list[Row], before: list[Row]) -> list[Row]:
    """New figures over the old; the order is that of the table."""
    rows = {row.key: row for row in (*before, *now)}
    order = [(m, c, o) for c in CORES for m in NAMES for o in GOALS]
    return [rows[key] for key in order if key in rows]


def baseline() -> dict[tuple[str, str], dict[str, int]]:
    """(model, core) -> figures of TensorFlow Lite Micro with CMSIS-NN.

    Where it was built twice, the smaller image is taken: with the int8 kernels alone.
    """
    best: dict[tuple[str, str], dict[str, int]] = {}
    if not BASELINE.is_file():
        return best
    with BASELINE.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["kernels"] != "cmsis_nn":
                continue
            figures = {
                "instructions": int(row["instructions_per_inference"]),
                "flash_bytes": int(row["code_flash_bytes"]) + int(row["model_bytes"]),
                "arena_bytes": int(row["arena_used_bytes"]),
            }
            key = row["model"], row["core"]
            if key not in best or figures["flash_bytes"] < best[key]["flash_bytes"]:
                best[key] = figures
    return best


def table(rows: list[Row], others: dict[str, dict[str, int]]) -> str:
    """docs/engine.md. `others` is keyed by "model core"."""
    lines = [
        "# The engine in figures",
        "",
        "Written by `make bench`; do not edit. Each cell is ours / TensorFlow Lite Micro with",
        "CMSIS-NN, `-` where that was not measured. Instructions are those of one inference in",
        "QEMU, the most of all samples; a MAC is one of the dense model. Flash and arena are",
        "bytes. Flash is the engine's code, the model, and what they need of the C library,",
        "without the monitor of a deployed image and without start-up; TensorFlow Lite Micro's",
        "is its code and the model file, with the int8 kernels alone on Cortex-M4 and M55, with",
        "all types on M3 and M7. Identical: outputs equal to TensorFlow Lite Micro's bit for",
        "bit, of the generated inputs sent. A Cortex-M0+ build is counted on a Cortex-M3",
        "machine. Lower is better. The layers are in benchmarks/engine.json.",
        "",
    ]
    for core, name in CORES.items():
        mine = [row for row in rows if row.core == core]
        if not mine:
            continue
        lines += [
            f"## {core}",
            "",
            "| model | `--optimize` | instructions | per MAC | flash | model in it | arena "
            "| identical |",
            "|---|---|--:|--:|--:|--:|--:|--:|",
        ]
        for row in mine:
            other = others.get(f"{row.model} {name}", {})

            def pair(name: str, row: Row = row, other: dict[str, int] = other) -> str:
                theirs = f"{other[name]:,}" if name in other else "-"
                return f"{getattr(row, name):,} / {theirs}"

            lines.append(
                f"| {row.model} | {row.optimize} | {pair('instructions')} "
                f"| {row.instructions / max(row.macs, 1):.3f} | {pair('flash_bytes')} "
                f"| {row.flash_model_bytes:,} | {pair('arena_bytes')} "
                f"| {row.identical_outputs} of {row.samples} |"
            )
        lines.append("")
    lines += ["## Conditions", ""]
    lines += [f"- {text}" for text in conditions(rows)]
    return "\n".join(lines) + "\n"


def conditions(rows: list[Row]) -> list[str]:
    """Compiler and flags of each core, and the sources, in words."""
    found = [f"{row.core}: {row.compiler}, `{row.flags}`" for row in rows]
    for row in rows:
        changes = f" with uncommitted changes ({row.changes})" if row.changes else ""
        found.append(f"Sources: revision {row.git}{changes}")
    return list(dict.fromkeys(found))


def document(rows: list[Row], others: dict[str, dict[str, int]]) -> dict[str, Any]:
    return {
        "unit": "instructions per inference in QEMU, bytes",
        "rows": [asdict(row) for row in rows],
        "tflm_cmsis_nn": others,
    }


def collect(models: list[str], cores: list[str], goals: list[str]) -> tuple[list[Row], list[str]]:
    """Figures of all combinations, and the failures in words."""
    from pipeline.errors import McuError

    present = [name for name in models if (MODELS / f"{name}.tflite").is_file()]
    for name in models:
        if name not in present:
            print(f"{name}: skipped, {MODELS.name}/{name}.tflite is absent", file=sys.stderr)
    rows, failures = [], []
    for core, name, goal in product(cores, present, goals):
        try:
            row = measure(name, core, goal)
        except (McuError, RuntimeError) as error:
            failures.append(f"{name} {core} {goal}: {error}")
            print(failures[-1], file=sys.stderr, flush=True)
            continue
        rows.append(row)
        print(
            f"{name:18} {core:13} {goal:9} {row.instructions:11,} instructions "
            f"{row.flash_bytes:8,} flash {row.flash_model_bytes:8,} model "
            f"{row.arena_bytes:7,} arena {row.identical_outputs} of {row.samples}",
            flush=True,
        )
    return rows, failures


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--core", action="append", choices=list(CORES))
    parser.add_argument("--optimize", action="append", choices=GOALS)
    parser.add_argument(
        "--update", action="store_true", default=os.environ.get("UPDATE", "") not in ("", "0")
    )
    args = parser.parse_args(words)
    if unknown := set(args.models) - set(NAMES):
        parser.error(f"unknown models: {', '.join(sorted(unknown))}")
    from pipeline.run import write_atomically, write_json

    rows, failures = collect(
        args.models or list(NAMES), args.core or list(CORES), args.optimize or list(GOALS)
    )
    before = committed()
    losses = worse(rows, before)
    different = [row for row in rows if row.identical_outputs != row.samples]
    for row in different:
        print(
            f"{' '.join(row.key)}: {row.identical_outputs} of {row.samples} outputs are "
            "TensorFlow Lite Micro's",
            file=sys.stderr,
        )
    for text in losses:
        print(f"{'taken' if args.update else 'worse'}: {text}", file=sys.stderr)
    others = {" ".join(key): figures for key, figures in baseline().items()}
    if not others and FIGURES.is_file():
        others = json.loads(FIGURES.read_text())["tflm_cmsis_nn"]
    refused = bool(different) or (bool(losses) and not args.update)
    everything = merge(rows, before)
    RUNS.mkdir(parents=True, exist_ok=True)
    write_json(RUNS / "engine.json", document(everything, others))
    if rows and not refused:
        write_json(FIGURES, document(everything, others))
        write_atomically(TABLE, table(everything, others).encode())
    if losses and refused:
        print("UPDATE=1 takes the figures; they are in build/bench/engine.json", file=sys.stderr)
    if different:
        return DIFFERENT
    if failures:
        return 1
    return WORSE if losses and not args.update else 0


if __name__ == "__main__":
    sys.exit(main())
