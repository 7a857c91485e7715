"""Processes that never outlive us: emulators."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline import system

_PR_SET_PDEATHSIG = 1
_KEPT_CHARACTERS = 2000


@contextlib.contextmanager
def own_processor() -> Iterator[int | None]:
    """A processor that no other emulator of this user has; None where all are taken.

    The threads of an emulator take turns, byte by byte of a serial line: on one processor a
    turn costs a third of what it costs across two.
    """
    with contextlib.ExitStack() as held:
        chosen = None
        for number in system.processors():
            path = system.lock_folder() / f"mcu-{system.user()}-processor-{number}.lock"
            with contextlib.suppress(system.Busy, OSError):
                held.enter_context(system.locked(path, wait=False))
                chosen = number
                break
        yield chosen


def _before_exec(processor: int | None) -> Callable[[], None] | None:
    """What the child does before exec: ask the kernel to be killed when we are gone.

    It also covers `kill -9` of this process, where no code of ours runs any more.
    """
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    parent = os.getpid()

    def before_exec() -> None:
        if processor is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {processor})
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


class Process:
    """A child process with its output kept for error messages."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        pass_fds: Sequence[int] = (),
        cwd: Path | None = None,
        talk: bool = False,
        processor: int | None = None,
    ) -> None:
        self._log = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed in end()
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if talk else subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                pass_fds=tuple(pass_fds),
                cwd=cwd,
                # Ctrl-C at the terminal goes to us; we end the child ourselves.
                start_new_session=True,
                preexec_fn=_before_exec(processor),
            )
        except BaseException:
            self._log.close()
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def say(self, text: str) -> None:
        """Writes to its standard input (only with `talk`).

        Raises:
            OSError: it has ended.
        """
        assert self._child.stdin is not None
        self._child.stdin.write(text.encode())
        self._child.stdin.flush()

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.poll()

    def wait(self, seconds: float) -> int | None:
        """Waits for its end; None where it still runs after `seconds`."""
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def output(self) -> str:
        """The last 2,000 characters it has printed."""
        if self._log.closed:
            return ""
        # The child writes at the same file position: it must not be moved.
        number = self._log.fileno()
        size = os.fstat(number).st_size
        kept = os.pread(number, _KEPT_CHARACTERS, max(0, size - _KEPT_CHARACTERS))
        return kept.decode("utf-8", "replace").strip()

    def end(self) -> None:
        """Ends it and what it has started: SIGTERM, two seconds later SIGKILL."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._child.pid, number)
                self.wait(2)
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        self._log.close()
