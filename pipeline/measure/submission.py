"""MLPerf Tiny's results as MLCommons takes them.

    mlperf.json (ours)
    systems/SYSTEM.json
    results/SYSTEM/{kws,ic,vww,ad}/{performance,accuracy}/{results,log}.txt

The layout is that of https://github.com/mlcommons/tiny_results_v1.3, the lines of results.txt
those of MLCommons' benchmark/runner.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.board import Board
from pipeline.measure.link import Link
from pipeline.measure.mlperf import LEAST_SECONDS, Benchmark, Performance, Quality
from pipeline.measure.monitor import Monitor
from pipeline.run import replaced_folder

EMULATED = "Measured on an emulator: these times are not a latency and can't be submitted."
_RULE = "-" * 57


class Logged(Monitor):
    """A monitor that keeps what was said.

    Attributes:
        log: lines, those of the host with "> " before them.
    """

    def __init__(self, link: Link, timeout: float = 5.0) -> None:
        super().__init__(link, timeout)
        self.log: list[str] = []

    def command(self, text: str, timeout: float | None = None) -> list[str]:
        """As Monitor's."""
        self.log.append(f"> {text}%")
        lines = super().command(text, timeout)
        self.log += [*lines, "m-ready"]
        return lines

    def taken(self) -> list[str]:
        """The lines since the last time."""
        lines, self.log = self.log, []
        return lines


def performance_lines(found: Performance, now: datetime) -> list[str]:
    """results.txt of the performance mode."""
    lines = []
    pairs = zip(found.inferences, found.seconds, strict=True)
    for window, (count, seconds) in enumerate(pairs, 1):
        lines += [
            f"Performance results for window {window}",
            f"    # Inferences : {count}",
            f"    Runtime: {seconds} sec.",
            f"    Throughput: {count / seconds} inf./sec.",
        ]
        if seconds > LEAST_SECONDS:
            lines.append("    Runtime requirements have been met.")
    if min(found.seconds) < LEAST_SECONDS:
        lines.append(_said(now, f"ERROR 2 - loop exited before {LEAST_SECONDS:g} seconds elapsed."))
        return lines
    median = f"Median throughput is {found.throughput:>10.3f} inf./sec."
    return [*lines, _said(now, _RULE), _said(now, median), _said(now, _RULE)]


def accuracy_lines(found: Quality, labels: NDArray[np.int64], now: datetime) -> list[str]:
    """results.txt of the accuracy mode."""
    top1 = found.top1 if found.top1 is not None else best_split(found.results[:, 0], labels)
    lines = [_said(now, f"Top 1% = {100 * top1:2.1f}")]
    if found.auc is None:
        return [*lines, _said(now, "AUC is not defined: a class has no sample")]
    return [*lines, _said(now, f"AUC = {found.auc:.3f}")]


def best_split(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """What the runner gives as ad01's accuracy: precision and recall, averaged, at their best.

    A hundred thresholds lie evenly between the lowest and the highest score.
    """
    low, high = scores.min(), scores.max()
    best = 0.0
    for step in range(100):
        above = scores > low + step / 100 * (high - low)
        right = int(np.sum(above & (labels == 1)))
        precision = right / max(int(above.sum()), 1)
        recall = right / max(int(np.sum(labels == 1)), 1)
        best = max(best, (precision + recall) / 2)
    return best


def system_document(board: Board, software: dict[str, str], *, emulator: str) -> dict[str, str]:
    """systems/SYSTEM.json, what is known filled in."""
    flash, ram = f"{board.flash.bytes // 1024} KB", f"{board.ram.bytes // 1024} KB"
    return {
        "Submitter": "",
        "Division": "",
        "Status": "",
        "Board Name": board.name,
        "SoC Name": board.mcu,
        "SoC Memory capacity (not including processor or accelerator)": ram,
        "SoC Memory type": "RAM",
        "SoC storage capacity": flash,
        "SoC storage type": "Flash",
        "Processor(s) Name": board.core,
        "Processor(s) Frequencies": f"{board.clock_hz / 1e6:g} MHz",
        "Hardware Notes": f"emulated by {emulator}: not a submission" if emulator else "",
        "Inference Framework": f"mcu-pipeline {software.get('mcu-pipeline', '')}".strip(),
        "Operating System ": "bare metal",
        "General Compiler(s)": software.get("compiler", ""),
        "Quantization Method": "",
        "Training and Quantization Notes": "",
    }


def write_submission(
    out: Path,
    *,
    system: str,
    benchmark: Benchmark,
    description: dict[str, str],
    parts: dict[str, tuple[list[str], list[str]]],
    document: dict[str, Any],
    warning: str = "",
) -> None:
    """Writes the layout to `out`; an earlier one there is replaced.

    Args:
        out: folder.
        system: the system's name.
        benchmark: which one it was.
        description: see `system_document`.
        parts: "performance" and "accuracy" -> lines of results.txt and of log.txt.
        document: the same as JSON, `mlperf.json`.
        warning: first line of every results.txt.
    """
    first = [warning] if warning else []
    with replaced_folder(out) as fresh:
        (fresh / "systems").mkdir()
        text = json.dumps(description, indent=4) + "\n"
        (fresh / "systems" / f"{system}.json").write_text(text)
        (fresh / "mlperf.json").write_text(json.dumps(document, indent=2) + "\n")
        for mode, (results, log) in parts.items():
            folder = fresh / "results" / system / benchmark.folder / mode
            folder.mkdir(parents=True)
            (folder / "results.txt").write_text("\n".join([*first, *results]) + "\n")
            (folder / "log.txt").write_text("\n".join([*first, *log]) + "\n")


def _said(now: datetime, text: str) -> str:
    return f"{now:%m%d.%H%M%S} ulp-mlperf: {text}"
