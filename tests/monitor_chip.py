"""A chip for tests: the firmware's monitor built for this machine, with an engine that hashes."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
HOST = ROOT / "tests" / "monitor" / "host"
FLAGS = [
    "-std=c11",
    "-D_DEFAULT_SOURCE",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
    "-g",
    "-O1",
]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@functools.cache
def build_chip(*defines: str, sanitize: bool = True) -> Path:
    """Compiles the monitor with build macros ("MONITOR_DB_BYTES=490"); once per set of them.

    The sanitizers end the process at the first wrong access, which a test then sees as a
    line that broke.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is absent")
    sources = sorted((ROOT / "firmware" / "monitor").glob("*.c")) + sorted(HOST.glob("*.c"))
    headers = sorted((ROOT / "firmware").glob("*/*.h")) + sorted(HOST.glob("*.h"))
    key = hashlib.sha256(repr((defines, sanitize, FLAGS)).encode())
    for file in sources + headers:
        key.update(file.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"mcu-pipeline-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    program = folder / f"chip-{key.hexdigest()[:16]}"
    if not program.exists():
        made = program.with_suffix(f".{os.getpid()}")
        includes = [
            f"-I{ROOT / 'firmware' / part}" for part in ("monitor", "engines", "ports", "runtime")
        ]
        subprocess.run(
            [
                compiler,
                *FLAGS,
                *(SANITIZE if sanitize else []),
                *includes,
                f"-I{HOST}",
                *(f"-D{define}" for define in defines),
                *map(str, sources),
                "-o",
                str(made),
            ],
            check=True,
        )
        made.replace(program)
    return program


class SocketPort:
    """One end of a socket pair with the methods of pyserial's ports that a link uses."""

    port = "chip"
    baudrate = 0

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.timeout: float | None = 0

    def fileno(self) -> int:
        return self._end.fileno()

    def read(self, size: int = 1) -> bytes:
        try:
            data = self._end.recv(size, 0 if self.timeout else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError("the chip has ended")
        return data

    def write(self, data: bytes) -> int:
        self._end.sendall(data)
        return len(data)

    def flush(self) -> None:
        pass


@contextlib.contextmanager
def run_chip(
    line: int, *defines: str, sanitize: bool = True, pass_fds: tuple[int, ...] = (), **env: object
) -> Iterator[None]:
    """Runs a chip whose serial line is a file descriptor (socket, pty); closes it here."""
    variables = {name: str(value) for name, value in env.items()}
    process = subprocess.Popen(
        [build_chip(*defines, sanitize=sanitize)],
        stdin=line,
        stdout=line,
        env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0", **variables},
        pass_fds=pass_fds,
        stderr=subprocess.PIPE,
    )
    os.close(line)
    try:
        yield
    finally:
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert process.stderr is not None
        complaint = process.stderr.read().decode()
        process.stderr.close()
        assert "Sanitizer" not in complaint and "runtime error" not in complaint, complaint


@contextlib.contextmanager
def chip(
    *defines: str, sanitize: bool = True, pass_fds: tuple[int, ...] = (), **env: object
) -> Iterator[SocketPort]:
    """Runs a chip on a socket; environment variables are those of tests/monitor/host/*.c."""
    build_chip(*defines, sanitize=sanitize)
    ours, its = socket.socketpair()
    with run_chip(its.detach(), *defines, sanitize=sanitize, pass_fds=pass_fds, **env), ours:
        yield SocketPort(ours)


def fake_output(data: bytes, count: int = 12) -> bytes:
    """What the engine that hashes answers."""
    state = 2166136261
    for byte in data:
        state = (state ^ byte) * 16777619 & 0xFFFFFFFF
    output = bytearray()
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        output.append(state >> 24)
    return bytes(output)


def random_bytes(count: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8).tobytes()
