"""Processes that never outlive us: emulators."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import system
from pipeline.child import Family, before_exec

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


class Process:
    """A child process with its output kept for error messages.

    Args:
        command: program and arguments.
        pass_fds: descriptors it inherits.
        cwd: its working directory.
        talk: its standard input is ours to write to.
        processor: it runs on this one alone.
        env: its environment; None for ours.
        family: it has children of its own, which are ended with it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        pass_fds: Sequence[int] = (),
        cwd: Path | None = None,
        talk: bool = False,
        processor: int | None = None,
        env: Mapping[str, str] | None = None,
        family: bool = False,
    ) -> None:
        self._log = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed in end()
        prepare = before_exec(processor)
        options: dict[str, Any] = {
            "stdin": subprocess.PIPE if talk else subprocess.DEVNULL,
            "stdout": self._log,
            "stderr": subprocess.STDOUT,
            "cwd": cwd,
            "env": env,
        }
        self._family: Family | None = None
        try:
            if family or prepare is None:
                self._family = Family(command, pass_fds, **options)
                self._child = self._family.process
            else:
                self._child = subprocess.Popen(
                    # Ctrl-C at the terminal goes to us; we end the child ourselves.
                    command, pass_fds=tuple(pass_fds), start_new_session=True,
                    preexec_fn=prepare, **options,
                )  # fmt: skip
        except BaseException:
            self._log.close()
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def spent(self) -> float:
        """Seconds of processor time that it and what it has started have had so far."""
        import psutil

        total = 0.0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._child.pid)
            for one in [process, *(process.children(recursive=True) if self._family else ())]:
                times = one.cpu_times()
                total += times.user + times.system
        return total

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
        if self._family is not None:
            self._family.end()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._child.pid, number)
                self.wait(2)
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        self._log.close()
