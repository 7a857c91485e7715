"""A worker whose deployments do what the model file says, in no time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sample_reports import make_report

import pipeline.bench.worker as worker
from pipeline.deploy import Deployment
from pipeline.errors import DoesNotFit


def deploy(*, model: str, board: str, engine: str, out: str, progress: Any, **_: Any) -> Deployment:
    words = Path(model).read_text().split()
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "starts").open("a") as starts:
        starts.write("x")
    progress("build", 0, 0, "pio run")
    print("a library prints this")  # noqa: T201
    subprocess.run(["echo", "and so does a program"], check=True)
    if "too_big" in words:
        raise DoesNotFit("flash is 9 KB too small", where=board, hint="prune more")
    if "bug" in words:
        raise RuntimeError("oops")
    if "crash" in words:
        sys.stderr.write("the converter says goodbye\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGSEGV)
    if "slow" in words:
        time.sleep(0.4)
    if "endless" in words:
        child = subprocess.Popen(["sleep", "600"])
        try:
            (folder / "pid").write_text(str(child.pid))
            child.wait()
        finally:
            child.kill()
            child.wait()
            (folder / "cleaned").write_text("")
    report = make_report(Path(model).stem, board, engine=engine)
    report.write(folder / "report.json")
    return Deployment(folder, {}, report)


worker.deploy = deploy  # type: ignore[assignment]
worker.main()
