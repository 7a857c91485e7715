"""Worker processes that deploy, and never outlive us.

A worker is a Python process of its own, so that a crash of a converter costs one cell and
not the bench, and deployments use several processors. Its standard input is its life line:
when that closes, whether we end it or were killed, it stops what it does and ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from pipeline.errors import StepFailed

# A worker cleans up when it is told to end: an emulator takes two seconds at most.
_END_SECONDS = 8.0
_COMMAND = [sys.executable, "-P", "-m", "pipeline.bench.worker"]
_KEPT_CHARACTERS = 2000


class Worker:
    """One worker process. It takes one request at a time."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed in end()
        self._rest = b""
        self.request: Any = None
        try:
            self._child = subprocess.Popen(
                _COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                # Ctrl-C at the terminal is for us; the worker hears of it by its input's end.
                start_new_session=True,
            )
        except BaseException:
            self._log.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def fileno(self) -> int:
        """The descriptor its messages come from."""
        assert self._child.stdout is not None
        return self._child.stdout.fileno()

    def start(self, request: Any, document: dict[str, Any]) -> None:
        """Sends a request; `request` is kept to know what the messages are about."""
        assert self._child.stdin is not None
        self.request = request
        # Where it has died, `messages` will say so.
        with contextlib.suppress(OSError):
            self._child.stdin.write(json.dumps(document).encode() + b"\n")
            self._child.stdin.flush()

    def messages(self) -> list[dict[str, Any]]:
        """What has arrived; an error message where the worker has died.

        Call when `fileno` is readable.
        """
        data = os.read(self.fileno(), 1 << 16)
        if not data:
            return [{"error": self._death(), "died": True}]
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def hang_up(self) -> None:
        """Tells it to stop what it does and to end; returns at once."""
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):
            self._child.stdin.close()

    def end(self, seconds: float = _END_SECONDS) -> None:
        """Waits for its end and forces it after `seconds`."""
        self.hang_up()
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        assert self._child.stdout is not None
        self._child.stdout.close()
        self._log.close()

    def _death(self) -> dict[str, Any]:
        try:
            code = self._child.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            code = 0
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _KEPT_CHARACTERS))
        said = self._log.read().decode("utf-8", "replace").strip().splitlines()[-3:]
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"left with code {code}"
        what = f"the process {how}" + (f" and said: {' | '.join(said)}" if said else "")
        return {
            "kind": StepFailed.__name__,
            "what": what,
            "where": "",
            "hint": "out of memory? --jobs 1 runs one at a time" if code == -9 else "",
            "exit_code": StepFailed.exit_code,
        }


class Pool:
    """Up to `size` workers, started when needed. A context manager."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._workers: list[Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.hang_up()
        for worker in self._workers:
            worker.end()
        self._selector.close()

    @property
    def running(self) -> list[Any]:
        """The requests under way."""
        return [worker.request for worker in self._workers if worker.request is not None]

    @property
    def free(self) -> bool:
        """Whether a request could start now."""
        return len(self.running) < self._size

    def start(self, request: Any, document: dict[str, Any]) -> None:
        """Gives a request to a worker that is idle, or to a new one."""
        idle = next((worker for worker in self._workers if worker.request is None), None)
        if idle is None:
            idle = Worker()
            self._workers.append(idle)
            self._selector.register(idle, selectors.EVENT_READ)
        idle.start(request, document)

    def wait(self, seconds: float) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Requests and their messages, as far as they come within `seconds`.

        The last message of a request has "report" or "error".
        """
        for key, _ in self._selector.select(seconds):
            worker = key.fileobj
            assert isinstance(worker, Worker)
            for message in worker.messages():
                request = worker.request
                if message.get("died"):
                    self._selector.unregister(worker)
                    self._workers.remove(worker)
                    worker.end(0)
                if "report" in message or "error" in message:
                    worker.request = None
                if request is not None:
                    yield request, message
