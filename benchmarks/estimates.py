"""Fits the figures `mcu analyze` estimates with, from programs measured on emulated boards.

    python benchmarks/estimates.py [MODEL.tflite ...] [--board B ...]

For every core: per kernel a factor on its cost model and the instructions of a call, code
bytes of the runtime's files, of the firmware without them and of a layer. Small generated
models of many shapes are measured beside the ones given. Writes
pipeline/analyze/estimates.json and prints how far the fitted estimates are off.
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
from pipeline.analyze.estimates import TABLE, _figures, key  # noqa: E402
from pipeline.board import boards, load_board  # noqa: E402
from pipeline.codegen.program import Layer, Program  # noqa: E402
from pipeline.errors import DoesNotFit, McuError  # noqa: E402
from pipeline.run import write_json  # noqa: E402


@dataclass(frozen=True)
class Seen:
    """One measured program."""

    model: str
    layers: list[tuple[str, str, int, int, int]]  # kernel, encoding, model, elements, measured
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
        "gen_wide2": ((5, 7, 48), [c(3, 1, 40), d(3), c(1, 1, 96), d(3, 2), c(3, 2, 24)]),
        "gen_gray2": ((32, 24, 1), [c(5, 2, 12), d(3), c(1, 1, 20), c(3, 1, 20), d((1, 5))]),
        "gen_odd2": ((11, 6, 3), [c(2, 1, 9), d(2), c(3, 1, 15), d(4, 2), c(1, 1, 5)]),
        "gen_line2": ((64, 1, 10), [c((9, 1), 1, 12), d((5, 1)), c((1, 1), 1, 32), d((4, 1), 2)]),
        "gen_line": ((40, 1, 6), [c((5, 1), 1, 16), d((3, 1)), c((3, 1), 2, 20)]),
    }
    thin = {"gen_gray": 0.13, "gen_wide": 0.12, "gen_wide2": 0.2, "gen_line": 0.1, "gen_odd2": 0.2}
    files = []
    for name, left in [*dict.fromkeys(chains, 1.0).items(), *thin.items()]:
        file = folder / f"{name}{'' if left == 1.0 else '_thin'}.tflite"
        file.write_bytes(_chain(*chains[name], left))
        files.append(file)
    return files


def _chain(shape: tuple[int, int, int], ops: list, left: float) -> bytes:
    """A chain of layers and a dense one; `left` is the share of weights that are not zero."""
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
        weights = np.clip(random.normal(0, 30, sizes), -127, 127).round()
        if not deep:
            weights *= random.random(sizes) < left
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
    weights = random.integers(-99, 99, (10, h * w * c)) * (random.random((10, h * w * c)) < left)
    wt = b.tensor(T((10, h * w * c), "int8", 0.01, 0, data=weights))
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
    layers = [
        (x["kernel"], x["encoding"], x["estimate"], x["elements"], cost[x["index"]])
        for x in program["layers"]
    ]
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


def fit(seen: list[tuple[int, int, int]]) -> tuple[float, float, float]:
    """(factor, per element, per call) with small relative errors and nothing negative.

    As many terms as the number of different layers bears: a factor alone where few were seen.
    """
    cost, elements, measured = (np.array(column, float) for column in zip(*seen, strict=True))
    use = (cost > 0) & (measured > 0)
    cost, elements, measured = cost[use], elements[use], measured[use]
    if len(cost) == 0:
        return 1.0, 0.0, 0.0
    columns = np.stack([cost, elements, np.ones(len(cost))], axis=1) / measured[:, None]
    different = len({(a, b) for a, b, _ in seen})
    choices = [(0,), (0, 1), (0, 2), (1,), (0, 1, 2)] if different >= 5 else [(0,)]
    best, least = (float(np.mean(measured / cost)), 0.0, 0.0), np.inf
    for terms in choices:
        solved, *_ = np.linalg.lstsq(columns[:, terms], np.ones(len(cost)), rcond=None)
        error = float(np.mean(np.abs(columns[:, terms] @ solved - 1)))
        if (solved >= 0).all() and error < least * 0.98:
            found = dict(zip(terms, solved, strict=True))
            best = tuple(float(found.get(i, 0.0)) for i in range(3))
            least = error
    return tuple(round(value, 4) for value in best)


def figures(seen: list[Seen]) -> dict[str, Any]:
    """The entry of one core, fitted to all programs."""
    entry = fitted(seen)
    errors = []
    for run in seen:
        # What the estimate would have been, had this program not been measured.
        others = fitted([other for other in seen if other is not run] or seen)
        errors.append(error_of(others, run))
        print(f"  {run.model:20} instructions {errors[-1][0]:6.1%}  code {errors[-1][1]:6.1%}")
    work, code = zip(*errors, strict=True)
    entry["accuracy"] = {
        "instructions": round(float(np.mean(work)), 3),
        "instructions_worst": round(float(np.max(work)), 3),
        "code": round(float(np.mean(code)), 3),
        "programs": len(seen),
    }
    return entry


def fitted(seen: list[Seen]) -> dict[str, Any]:
    """Factors of the kernels, bytes of the code."""
    by_kernel = defaultdict(list)
    for run in seen:
        for kernel, encoding, *row in run.layers:
            for name in {kernel, key(kernel, encoding)}:
                by_kernel[name].append(tuple(row))
    files = {_file(name): run.objects[name] for run in seen for name in run.runtime}
    base = [
        run.code - run.network_code - sum(run.objects[name] for name in run.runtime) for run in seen
    ]
    overhead = [run.inference - sum(layer[4] for layer in run.layers) for run in seen]
    return {
        "kernels": {name: list(fit(rows)) for name, rows in sorted(by_kernel.items())},
        "overhead": max(0, int(np.median(overhead))),
        "base_code": int(np.median(base)),
        "layer_code": int(np.median([run.network_code / len(run.layers) for run in seen])),
        "files": dict(sorted(files.items())),
        "other_ram": int(np.median([run.other_ram for run in seen])),
    }


def error_of(entry: dict[str, Any], run: Seen) -> tuple[float, float]:
    """How far instructions and code of a program are from what `entry` makes one expect."""
    core = _figures({**entry, "kernels": dict(entry["kernels"])})
    layers = [
        Layer(i, "", "", 0, kernel, encoding, estimate=cost, elements=elements)
        for i, (kernel, encoding, cost, elements, _) in enumerate(run.layers)
    ]
    program = Program("", {}, tuple(_file(name) for name in run.runtime), tuple(layers), 0)
    work = sum(core.instructions(layer) for layer in layers) + core.overhead
    return abs(work / run.inference - 1), abs(core.code_bytes(program) / run.code - 1)


def _file(name: str) -> str:
    return name.removeprefix("runtime/") + ".c"


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
            seen, whole = [], True
            for model in models:
                try:
                    seen.append(measure(model, board_id, folder))
                except McuError as error:
                    whole &= isinstance(error, DoesNotFit)
                    print(f"  {model.stem} on {board_id}: {str(error).splitlines()[0][:90]}")
            if not whole:
                print(f"{board_id}: left as it was")
            elif seen:
                print(board_id)
                cores[board.core] = figures(seen)
    write_json(TABLE, {"cores": {**known, **cores}})
    print(TABLE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
