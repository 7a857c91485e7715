"""Measures what pruning buys on the chip, and what it costs in accuracy.

    python benchmarks/compression.py [--tasks digits,mnist,keywords,kws] [--quick]
    python benchmarks/compression.py --tasks kws --folds 2 --recipes none magnitude:0.875
    python benchmarks/compression.py --trained

Every recipe is carried out on every task and deployed to disco_f407vg in QEMU, whose
instruction counts are exact, for each goal of --optimize. Writes benchmarks/compression.json
and docs/compression.md; tasks that are not run keep their figures. Run folders are kept in
build/bench-compression: what was trained there is not trained again, so an interrupted run
goes on where it was. --folds and --recipes measure a part of a task, --trained what has been
trained, and the page says which; a longer run later takes over what is there. --quick trains
for two epochs, few recipes and one fold, and writes to build/bench-compression alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from compression_table import table
from compression_tasks import ROOT, TASKS, Fold, Task

FIGURES = ROOT / "benchmarks/compression.json"
TABLE = ROOT / "docs/compression.md"
RUNS = ROOT / "build/bench-compression"
BOARD = "disco_f407vg"
GOALS = ("balanced", "size")
SAMPLES = 5  # sent to the emulated chip: enough to count instructions and compare outputs
RECIPES = (
    "none",
    "magnitude:0.5",
    "magnitude:0.75",
    "magnitude:0.875",
    "magnitude:0.875,scope=layer",
    "magnitude:0.9",
    "neurons:0.25",
    "neurons:0.5",
    "neurons:0.75",
    "neurons:0.25+magnitude:0.75",
    "neurons:0.5+magnitude:0.5",
    "neurons:0.5+magnitude:0.8",
)
# Where the default number of epochs leaves accuracy to be had: "recipe @epochs".
LONGER = {
    "keywords": (
        "neurons:0.75 @48",
        "neurons:0.667+magnitude:0.5 @48",
        "neurons:0.7,multiple=2+magnitude:0.5 @48",
        "neurons:0.5+magnitude:0.8 @48",
    ),
    "kws": ("neurons:0.5 @240",),
}
QUICK_RECIPES = ("none", "magnitude:0.875", "neurons:0.5", "neurons:0.5+magnitude:0.8")
QUICK_EPOCHS = 2
_NAMES = str.maketrans(":, @", "----")


@dataclass(frozen=True)
class Row:
    """One recipe on one fold.

    Attributes:
        float_accuracy, pruned_accuracy, int8_accuracy: on the test samples, before pruning,
            after it, and quantised.
        sparsity: zeros among the int8 weights.
        float32_bytes: of the unpruned network's parameters.
        epochs, seconds: of fine-tuning; seconds are wall time.
        flash, instructions: model bytes and an inference, for each goal of --optimize.
        identical: the outputs sent back equal TensorFlow Lite Micro's bit for bit.
        notes: what pruning had to say.
    """

    recipe: str
    fold: int
    float_accuracy: float
    pruned_accuracy: float
    int8_accuracy: float
    sparsity: float
    float32_bytes: int
    epochs: int
    seconds: float
    flash: dict[str, int]
    instructions: dict[str, int]
    identical: bool
    notes: tuple[str, ...]


def measure(
    fold: Fold, index: int, recipe: str, folder: Path, epochs: int | None
) -> tuple[Row, dict[str, Any]]:
    """Prunes, quantises and deploys; also returns the conditions.

    Raises:
        McuError: a step failed.
    """
    from pipeline.deploy import deploy
    from pipeline.load.network import read_record
    from pipeline.report import read_report
    from pipeline.run import write_json
    from pipeline.steps.artifacts import FACTS, PRUNED, REPORT

    clock = _clock(folder)
    method, _, more = recipe.partition(" @")
    epochs = int(more) if more and epochs is None else epochs

    def run(until: str, optimize: str = GOALS[0]) -> None:
        deploy(
            fold.model,
            BOARD,
            data=fold.data,
            prune=method,
            epochs=epochs,
            optimize=optimize,
            on="qemu",
            samples=SAMPLES,
            until=until,
            out=folder,
        )

    trained, seconds = 0, 0.0
    if recipe != "none":
        before = _age(folder / PRUNED)
        started = time.monotonic()
        run("prune")
        if _age(folder / PRUNED) != before:
            write_json(clock, round(time.monotonic() - started, 1))
        seconds = json.loads(clock.read_text())
        record = read_record(folder / PRUNED)
        assert record is not None
        trained = record["compression"].epochs
    flash, instructions, identical = {}, {}, True
    for goal in GOALS:
        run("report", goal)
        report = read_report(folder / REPORT)
        flash[goal] = report.memory.flash_model_bytes
        instructions[goal] = report.latency.median
        identical &= report.accuracy.identical_outputs == report.accuracy.samples
    facts = json.loads((folder / FACTS).read_text())
    done = report.compression
    before_accuracy = facts["float_accuracy"]
    pruned = facts["pruned_accuracy"]
    row = Row(
        recipe=recipe,
        fold=index,
        float_accuracy=before_accuracy,
        pruned_accuracy=before_accuracy if pruned is None else pruned,
        int8_accuracy=facts["quantized_accuracy"],
        sparsity=done.sparsity,
        float32_bytes=done.float32_bytes,
        epochs=trained,
        seconds=seconds,
        flash=flash,
        instructions=instructions,
        identical=identical,
        notes=tuple(facts["notes"]),
    )
    conditions = {
        key: str(report.environment[key])
        for key in ("mcu_pipeline", "python", "system", "compiler", "flags", "git")
        if key in report.environment
    }
    return row, conditions


def _clock(folder: Path) -> Path:
    """Where the seconds of fine-tuning are kept, once it is done."""
    return folder.with_name(f"{folder.name}.seconds.json")


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


def run_task(
    task: Task, quick: bool, recipes: tuple[str, ...], most: int, trained: bool
) -> tuple[dict[str, Any], list[str]]:
    """The document of a task, and its failures in words.

    Args:
        recipes: to carry out.
        most: folds.
        trained: train nothing, measure what has been trained before.
    """
    from pipeline.errors import McuError

    base = RUNS / ("quick" if quick else "full") / task.name
    base.mkdir(parents=True, exist_ok=True)
    folds = task.prepare(base)
    rows, failures, conditions = [], [], {}
    for index, fold in enumerate(folds[:most]):
        for recipe in recipes:
            folder = base / f"fold{index}" / recipe.translate(_NAMES)
            folder.parent.mkdir(exist_ok=True)
            if trained and recipe != "none" and not _clock(folder).is_file():
                continue
            try:
                row, conditions = measure(
                    fold, index, recipe, folder, QUICK_EPOCHS if quick else None
                )
            except McuError as error:
                failures.append(f"{task.name} fold {index} {recipe}: {error}")
                print(failures[-1], file=sys.stderr, flush=True)
                continue
            rows.append(row)
            print(
                f"{task.name} {index} {recipe:28} float {row.float_accuracy:.4f} pruned "
                f"{row.pruned_accuracy:.4f} int8 {row.int8_accuracy:.4f} flash {row.flash} "
                f"instructions {row.instructions} epochs {row.epochs} {row.seconds:.0f} s",
                flush=True,
            )
            if not row.identical:
                failures.append(f"{task.name} fold {index} {recipe}: outputs differ")
    packages = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy")
    conditions |= {name: version(name) for name in packages}
    conditions |= {"board": f"{BOARD} in QEMU", "processor": _processor()}
    about = {
        "about": task.about,
        "folds_in_all": len(folds),
        "left_out": [
            recipe
            for recipe in RECIPES + LONGER.get(task.name, ())
            if recipe not in {row.recipe for row in rows}
        ],
    }
    return {**about, "conditions": conditions, "rows": [asdict(row) for row in rows]}, failures


def _processor() -> str:
    cores = f"{os.cpu_count()} cores"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()}, {cores}"
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {cores}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    names = [task.name for task in TASKS]
    parser.add_argument("--tasks", default=",".join(names), help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="does it run? figures mean nothing")
    parser.add_argument("--recipes", nargs="+", help="all of RECIPES by default")
    parser.add_argument("--folds", type=int, default=99, help="of a task that has several")
    parser.add_argument("--trained", action="store_true", help="train nothing anew")
    parser.add_argument("--page", action="store_true", help="write the page anew, measure nothing")
    args = parser.parse_args()
    wanted = args.tasks.split(",")
    if unknown := set(wanted) - set(names):
        parser.error(f"unknown tasks: {', '.join(sorted(unknown))}")
    from pipeline.run import write_atomically, write_json

    figures, page = FIGURES, TABLE
    if args.quick:
        figures, page = RUNS / "quick/compression.json", RUNS / "quick/compression.md"
    abouts = {task.name: task.about for task in TASKS}
    if args.page:
        write_atomically(page, table(json.loads(figures.read_text())["tasks"], abouts))
        return 0
    failures = []
    for task in TASKS:
        if task.name not in wanted:
            continue
        if missing := [path for path in task.needs if not path.exists()]:
            print(f"{task.name}: skipped, {missing[0].name} is absent", file=sys.stderr)
            continue
        full = RECIPES + LONGER.get(task.name, ())
        recipes = tuple(args.recipes or (QUICK_RECIPES if args.quick else full))
        folds = 1 if args.quick else args.folds
        document, failed = run_task(task, args.quick, recipes, folds, args.trained)
        failures += failed
        if document["rows"]:
            # Read as late as this: another run may have written its own tasks meanwhile.
            known = json.loads(figures.read_text())["tasks"] if figures.is_file() else {}
            known[task.name] = document
            ordered = {name: known[name] for name in names if name in known}
            unit = "accuracy 0..1, bytes, instructions per inference (median), seconds"
            write_json(figures, {"unit": unit, "tasks": ordered})
            write_atomically(page, table(ordered, abouts))
            print(f"{figures} and {page} written", file=sys.stderr)
    for text in failures:
        print(f"failed: {text}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
