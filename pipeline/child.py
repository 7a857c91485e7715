"""Child processes that never outlive us, whatever ends us: SIGTERM, a closed terminal, kill -9.

One process asks the kernel to be killed when its parent is gone (Linux). A process with
children of its own, as PlatformIO with compilers, gets a keeper (keeper.py): it holds one end
of a pipe whose other end only we have, and kills the whole group when that closes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_KEEPER = Path(__file__).with_name("keeper.py")
_TERM_SECONDS = 2.0


def before_exec(processor: int | None = None) -> Callable[[], None] | None:
    """For Popen's `preexec_fn`: the child is killed when the thread that starts it is gone.

    None where the system has no such thing.

    Args:
        processor: run on this one alone.
    """
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError, TypeError):
        return None
    parent = os.getpid()

    def before() -> None:
        if processor is not None:
            os.sched_setaffinity(0, {processor})
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return before


class Family:
    """A process and all that it starts, ended together.

    Args:
        command: program and arguments.
        pass_fds: descriptors it inherits.
        options: as subprocess.Popen takes them.
    """

    def __init__(
        self, command: Sequence[str], pass_fds: Sequence[int] = (), **options: Any
    ) -> None:
        self._line: int | None = None
        handles = tuple(pass_fds)
        if os.name == "posix":
            end, self._line = os.pipe()
            command = [sys.executable, "-I", "-S", str(_KEEPER), str(end), *command]
            handles += (end,)
        try:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                # Ctrl-C at the terminal goes to us; we end the group ourselves.
                command, pass_fds=handles, start_new_session=True, **options
            )  # fmt: skip
        except BaseException:
            self._hang_up()
            raise
        finally:
            if self._line is not None:
                os.close(end)

    def end(self) -> None:
        """Ends the whole group where it still runs: SIGTERM, two seconds later SIGKILL."""
        process = self.process
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                _signal(process, "SIGTERM")
                process.wait(_TERM_SECONDS)
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                _signal(process, "SIGKILL")
                process.wait(_TERM_SECONDS)
        self._hang_up()

    def _hang_up(self) -> None:
        if self._line is not None:
            os.close(self._line)
            self._line = None


def _signal(process: subprocess.Popen[bytes], name: str) -> None:
    """Sends the group a signal; where there are no groups, kills it and all below it."""
    if os.name == "posix":
        os.killpg(process.pid, getattr(signal, name))
        return
    import psutil

    with contextlib.suppress(psutil.Error):
        for below in psutil.Process(process.pid).children(recursive=True):
            below.kill()
    process.kill()
