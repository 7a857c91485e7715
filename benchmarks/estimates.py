"""Fits the figures `mcu analyze` estimates with, from programs measured on emulated boards.

    python benchmarks/estimates.py [MODEL.tflite ...] [--board B ...]

For every core: per kernel a factor on its cost model and the instructions of a call, code
bytes of the runtime's files, of the firmware without them and of a layer. Small generated
models of many shapes are measured beside the ones given. Writes
pipeline/search/estimates.json and prints how far the fitted estimates are off.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/runtime"))

from tflite_builder import Build, T  # noqa: E402

from pipeline import deploy  # noqa: E402
from pipeline.board import boards, load_board  # noqa: E402
from pipeline.errors import McuError  # noqa: E402
from pipeline.run import write_json  # noqa: E402
from pipeline.search.estimates import TABLE  # noqa: E402


@dataclass(frozen=True)
class Seen:
    """One measured program."""

    model: str
    layers: list[tuple[str, int, int]]  # kernel, cost model, measured
    inference: int
    code: int
    runtime: list[str]
    objects: dict[str, int]
    network_code: int
    other_ram: int


def generated(folder: Path) -> list[Path]:
    """Chains of convolutions of many shapes: one .tflite each."""

    def c(kernel: Any, stride: int, channels: int) -> tuple:
        return "CONV_2D", kernel, stride, channels

    def d(kernel: Any, stride: int = 1) -> tuple:
        return "DEPTHWISE_CONV_2D", kernel, stride, 0

    chains = {
        "gen_small": ((12, 12, 3), [c(3, 1, 8), d(3), c(1, 1, 16), d(3, 2), c(1, 1, 24)]),
        "gen_wide": ((6, 6, 32), [c(1, 1, 64), d(3), c(1, 1, 64), c(3, 1, 32)]),
        "gen_gray": ((28, 28, 1), [c(3, 2, 8), c(3, 1, 16), c(3, 2, 16), d(5)]),
        "gen_odd": ((9, 7, 5), [c(3, 1, 7), d(3), c(2, 1, 10), c(1, 2, 13)]),
        "gen_line": ((40, 1, 6), [c((5, 1), 1, 16), d((3, 1)), c((3, 1), 2, 20)]),
    }
    files = []
    for name, (shape, ops) in chains.items():
        (folder / f"{name}.tflite").write_bytes(_chain(shape, ops))
        files.append(folder / f"{name}.tflite")
    return files


def _chain(shape: tuple[int, int, int], ops: list) -> bytes:
    random = np.random.default_rng(1)
    b = Build()
    last = b.input(T((1, *shape), "int8", 0.05, -3))
    h, w, c = shape
    for op, kernel, stride, channels in ops:
        kh, kw = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        sh, sw = (min(stride, h), min(stride, w))
        out = channels or c
        h, w = -(-h // sh), -(-w // sw)
        deep = op == "DEPTHWISE_CONV_2D"
        sizes = (1, kh, kw, out) if deep else (out, kh, kw, c)
        scale = random.uniform(0.01, 0.02, out).astype(np.float32)
        weights = random.integers(-100, 101, sizes)
        axis = 3 if deep else 0
        wt = b.tensor(T(sizes, "int8", scale, 0, axis=axis, data=weights))
        bt = b.tensor(T((out,), "int32", scale * 0.05, 0, data=random.integers(-99, 99, out)))
        fields = {"padding": 0, "strideH": sh, "strideW": sw, "dilationHFactor": 1,
                  "dilationWFactor": 1, "fusedActivationFunction": 1}  # fmt: skip
        if deep:
            fields["depthMultiplier"] = 1
        result = T((1, h, w, out), "int8", 0.06, -128)
        options = "DepthwiseConv2DOptions" if deep else "Conv2DOptions"
        (last,) = b.op(op, [last, wt, bt], [result], options, 3, **fields)
        c = out
    wt = b.tensor(
        T((10, h * w * c), "int8", 0.01, 0, data=random.integers(-99, 99, (10, h * w * c)))
    )
    bt = b.tensor(T((10,), "int32", 0.0006, 0, data=random.integers(-99, 99, 10)))
    (last,) = b.op(
        "FULLY_CONNECTED", [last, wt, bt], [T((1, 10), "int8", 0.5, 3)],
        "FullyConnectedOptions", 4, fusedActivationFunction=0,
    )  # fmt: skip
    b.outputs = [last]
    return b.bytes()


def measure(model: Path, board: str, folder: Path) -> Seen:
    """Deploys one model and reads what it took."""
    run = folder / f"{model.stem}-{board}"
    report = deploy(model, board, data="random", samples=2, out=run).report
    assert report is not None
    program = json.loads((run / "program.json").read_text())
    image = json.loads((run / "image.json").read_text())
    cost = {layer.index: layer.cost for layer in report.layers}
    layers = [(x["kernel"], x["estimate"], cost[x["index"]]) for x in program["layers"]]
    objects = _objects(run / "project", load_board(board).toolchain)
    runtime = [name for name in objects if name.startswith("runtime/")]
    return Seen(
        model.stem,
        layers,
        report.latency.median,
        image["flash_code_bytes"],
        runtime,
        objects,
        objects.get("network/network", 0),
        image["ram_bytes"] - image["arena_bytes"],
    )


def _objects(project: Path, toolchain: str) -> dict[str, int]:
    """Object file, relative to src and without suffix -> bytes of code and constants."""
    (build,) = (project / ".pio/build").iterdir()
    files = sorted(build.rglob("*.o"))
    done = subprocess.run(
        [f"{toolchain}-size", *map(str, files)], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    found = {}
    for row, file in zip(rows, files, strict=True):
        name = re.sub(r"^.*?/src/", "", str(file.with_suffix("")))
        found[name] = int(row[0])
    return found


def fit(pairs: list[tuple[int, int]]) -> tuple[float, float]:
    """(factor, per call) with small relative errors; a factor alone where few were seen."""
    cost, seen = (np.array(column, float) for column in zip(*pairs, strict=True))
    use = (cost > 0) & (seen > 0)
    cost, seen = cost[use], seen[use]
    if len(cost) == 0:
        return 1.0, 0.0
    ratio = float(np.exp(np.mean(np.log(seen / cost))))
    if len(set(cost)) < 4:
        return round(ratio, 4), 0.0
    # Least squares of relative errors: rows divided by what was measured.
    rows = np.stack([cost / seen, 1.0 / seen], axis=1)
    (factor, call), *_ = np.linalg.lstsq(rows, np.ones(len(cost)), rcond=None)
    if factor <= 0 or call < 0:
        return round(ratio, 4), 0.0
    return round(float(factor), 4), round(float(call), 1)


def figures(seen: list[Seen]) -> dict[str, object]:
    """The entry of one core."""
    by_kernel = defaultdict(list)
    for run in seen:
        for kernel, cost, measured in run.layers:
            by_kernel[kernel].append((cost, measured))
    kernels = {name: list(fit(pairs)) for name, pairs in sorted(by_kernel.items())}
    files: dict[str, int] = {}
    for run in seen:
        for name in run.runtime:
            files[name.removeprefix("runtime/") + ".c"] = run.objects[name]
    per_layer = np.median([run.network_code / len(run.layers) for run in seen])
    base = np.median(
        [run.code - run.network_code - sum(run.objects[n] for n in run.runtime) for run in seen]
    )
    overhead = np.median([run.inference - sum(x[2] for x in run.layers) for run in seen])
    entry: dict[str, object] = {
        "kernels": kernels,
        "overhead": max(0, int(overhead)),
        "base_code": int(base),
        "layer_code": int(per_layer),
        "files": dict(sorted(files.items())),
        "other_ram": int(np.median([run.other_ram for run in seen])),
    }
    entry["accuracy"] = _errors(seen, entry)
    return entry


def _errors(seen: list[Seen], entry: dict) -> dict[str, float]:
    work, flash = [], []
    for run in seen:
        expected = sum(
            entry["kernels"][k][0] * cost + entry["kernels"][k][1] for k, cost, _ in run.layers
        )
        work.append(abs(expected + entry["overhead"] - run.inference) / run.inference)
        code = (
            entry["base_code"]
            + entry["layer_code"] * len(run.layers)
            + sum(entry["files"][n.removeprefix("runtime/") + ".c"] for n in run.runtime)
        )
        flash.append(abs(code - run.code) / run.code)
        print(f"  {run.model:20} instructions {work[-1]:6.1%}  code {flash[-1]:6.1%}")
    return {
        "instructions": round(float(np.mean(work)), 3),
        "instructions_worst": round(float(np.max(work)), 3),
        "code": round(float(np.mean(flash)), 3),
        "programs": len(seen),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--board", action="append", default=[])
    options = parser.parse_args()
    known = json.loads(TABLE.read_text())["cores"] if TABLE.is_file() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = [*options.models, *generated(folder)]
        cores = {}
        for board_id in options.board or boards():
            board = load_board(board_id)
            if board.qemu is None or board.core in cores:
                continue
            seen = []
            for model in models:
                try:
                    seen.append(measure(model, board_id, folder))
                except McuError as error:
                    print(f"  {model.stem} on {board_id}: {str(error).splitlines()[0][:90]}")
            if seen:
                print(board_id)
                cores[board.core] = figures(seen)
    write_json(TABLE, {"cores": {**known, **cores}})
    print(TABLE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
