"""Running `pio`: bounded in time, and ended with all it has started."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from pipeline.build.core import local_platforms, pio_environment
from pipeline.child import Family
from pipeline.render import LOCAL_INI
from pipeline.run import held_locks

_LAST_LINES = 5


class PioTimeout(Exception):
    """`pio` ran for longer than it was given; `lines` are the last it printed."""

    def __init__(self, seconds: float, lines: str) -> None:
        super().__init__(f"took more than {seconds:.0f} s and was ended")
        self.lines = lines


def run_pio(
    arguments: Sequence[str],
    *,
    cwd: Path,
    core: Path,
    seconds: float,
    tick: Callable[[int], None],
    keep_objects: bool = False,
) -> tuple[int, str]:
    """Runs `pio arguments...`; gives its exit code and all that it printed.

    Args:
        arguments: of the command.
        cwd: the project's folder.
        core: PlatformIO's core directory.
        seconds: time limit.
        tick: called once a second with the seconds passed.
        keep_objects: share object files between projects, for a library that takes
            minutes to compile.

    Raises:
        PioTimeout: after `seconds`.
    """
    more = {"PLATFORMIO_BUILD_CACHE_DIR": str(core / "build-cache")} if keep_objects else {}
    if (cwd / LOCAL_INI).is_file():
        more["PLATFORMIO_PLATFORMS_DIR"] = str(local_platforms(core))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        # Compilers and uploaders are ended with it.
        family = Family(
            [sys.executable, "-P", "-m", "platformio", *arguments],
            cwd=cwd,
            env={**pio_environment(core), **more},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Nobody builds beside it, even after we were killed.
            pass_fds=held_locks(),
        )
        try:
            code = _wait(family.process, seconds, tick)
        finally:
            family.end()
        text = _all(log)
        if code is None:
            raise PioTimeout(seconds, "\n".join(text.splitlines()[-_LAST_LINES:]))
        return code, text


def _wait(
    process: subprocess.Popen[bytes], seconds: float, tick: Callable[[int], None]
) -> int | None:
    started = time.monotonic()
    told = -1
    while (passed := time.monotonic() - started) <= seconds:
        if int(passed) != told:
            told = int(passed)
            tick(told)
        try:
            return process.wait(0.05 if passed < 3 else 0.25)
        except subprocess.TimeoutExpired:
            continue
    return None


def _all(log: IO[str]) -> str:
    log.seek(0)
    return log.read()
