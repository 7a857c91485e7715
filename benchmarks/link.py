"""What the link to an emulated board costs, beside the emulator's own time.

    python benchmarks/link.py MODEL [--data FILE.npz] [--board B] [--count N] [--frames]

Runs N inferences on the board without moving a tensor (the emulator's own time), then N
inferences with their inputs and outputs, and says how many times longer that takes: by the wall
clock, and by the emulator's processor time, which other work on the machine disturbs less.
With --frames every input goes over the emulated serial line.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil


def inputs_of(data: str | None, count: int, size: int) -> list[bytes]:
    if data is None:
        values = np.random.default_rng(0).integers(0, 256, (count, size), dtype=np.uint8)
        return [row.tobytes() for row in values]
    x = np.load(data)["x"]
    return [x[i % len(x)].tobytes() for i in range(count)]


def emulator() -> psutil.Process:
    children = psutil.Process().children(recursive=True)
    return next(child for child in children if "qemu" in child.name())


def timed(work: Callable[[], Any], process: psutil.Process) -> tuple[float, float]:
    """Seconds by the wall clock, and of the emulator's processor time."""
    began, used = time.monotonic(), sum(process.cpu_times()[:2])
    work()
    return time.monotonic() - began, sum(process.cpu_times()[:2]) - used


def main(words: list[str] | None = None) -> int:
    from pipeline.board import load_board
    from pipeline.deploy import deploy
    from pipeline.flash import connect
    from pipeline.measure import Link, Session
    from pipeline.steps import artifacts

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", help=".npz whose x are raw input tensors; generated without")
    parser.add_argument("--board", default="disco_f407vg")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--frames", action="store_true", help="all inputs over the serial line")
    args = parser.parse_args(words)
    board = load_board(args.board)
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "run"
        deploy(args.model, args.board, on="qemu", until="flash", out=out)
        device = artifacts.device_of(artifacts.run_of(out))
        with connect(device, board) as port:
            session = Session(Link(port))
            info = session.hello()
            size = int(info["input0"].split("bytes=")[1].split()[0])
            inputs = inputs_of(args.data, args.count, size)
            session.profile()
            process = emulator()
            own = timed(lambda: session.bench(args.count), process)
            if args.frames:
                linked = timed(lambda: [session.infer(data) for data in inputs], process)
            else:
                linked = timed(lambda: list(session.infer_all(inputs)), process)
    way = "over the serial line" if args.frames else "by the debugger, after the first"
    print(f"{args.model.stem}, {args.board} in QEMU, {args.count} inferences of {size} bytes {way}")
    for what, mine, theirs in zip(("wall clock", "emulator's CPU"), own, linked, strict=True):
        print(
            f"{what:<15} own {mine:7.2f} s   with the link {theirs:7.2f} s   {theirs / mine:.2f}x"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
