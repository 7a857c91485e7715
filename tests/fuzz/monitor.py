"""The firmware's monitor under libFuzzer, with the address and undefined behaviour sanitizers.

Needs clang and its runtime (Debian: clang libclang-rt-dev). The figures count what went
into the monitor: frames with a right CRC, and commands.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import ToolMissing

from .runner import Outcome

ROOT = Path(__file__).resolve().parents[2]
HARNESS = Path(__file__).with_name("monitor") / "harness.c"
_FLAGS = ["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-DMOST_LOOKS=16u",
          "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]  # fmt: skip
# As the firmware is built: for any model, for benchmarks, with the smallest buffers.
BUILDS = {
    "plain": [],
    "kws01": ['-DMONITOR_MODEL_ID="kws01"', "-DMONITOR_DB_BYTES=640"],
    "ad01": ['-DMONITOR_MODEL_ID="ad01"', "-DMONITOR_DB_BYTES=2560"],
    "small": ["-DMONITOR_CHUNK_BYTES=64", "-DMONITOR_WINDOW_CHUNKS=8"],
    "float": ["-DFUZZ_DTYPE=ENGINE_FLOAT32"],
}
_TOLD = re.compile(r"monitor: (\d+) frames (\d+) commands")


def build(name: str, folder: Path) -> Path:
    """Compiles the monitor with the harness; the program's path.

    Raises:
        ToolMissing: clang is not installed, or its libFuzzer is not.
    """
    clang = shutil.which("clang")
    if clang is None:
        raise ToolMissing("clang is not installed", hint="apt-get install clang libclang-rt-dev")
    program = folder / f"monitor-{name}"
    sources = sorted((ROOT / "firmware" / "monitor").glob("*.c"))
    includes = [f"-I{ROOT / 'firmware' / p}" for p in ("monitor", "engines", "ports", "runtime")]
    done = subprocess.run(
        [clang, *_FLAGS, *BUILDS[name], *includes, *map(str, [*sources, HARNESS]), "-o", program],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        if "cannot find" in done.stderr and "clang_rt" in done.stderr:
            raise ToolMissing(
                "clang's libFuzzer is not installed", hint="apt-get install libclang-rt-dev"
            )
        raise AssertionError(done.stderr)
    return program


def seeds() -> Iterator[bytes]:
    """Good sessions, in the harness's records."""
    for text in ("name%", "profile%help%", "info%", "layers%", "timestamp%", "results%",
                 "db load 640%db 00ff%infer 2 1%results%", "db print 3 1%", "reset%"):  # fmt: skip
        yield bytes([len(text)]) + text.encode()

    def frame(kind: int, number: int, payload: bytes = b"") -> bytes:
        return struct.pack("<BHB", kind, number, len(payload)) + payload

    chunks = b"".join(
        frame(0x83, 7, struct.pack("<H", i) + bytes(size)) for i, size in ((0, 253), (1, 253))
    )
    yield frame(0x81, 1) + frame(0x82, 2, b"x") + frame(0x87, 3)
    yield chunks + frame(0x84, 7, bytes(4))
    yield frame(0x85, 1) + frame(0x86, 2, b"\3\0") + frame(0x8A, 3, b"\1\0")
    yield frame(0x8B, 1, b"\2\0") + frame(0x8C, 2, bytes(40)) + frame(0x8D, 3, bytes(4) + b"\xff\0")
    yield frame(0x88, 1, struct.pack("<I", 921600)) + frame(0x82, 2) + frame(0x89, 3)


def fuzz(seconds: float, seed: int, folder: Path, workers: int = 1) -> Outcome:
    """Runs libFuzzer over each build in turn; what it found is kept in `folder`."""
    outcome = Outcome()
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mcu-fuzz-") as name:
        programs = {build_: build(build_, Path(name)) for build_ in BUILDS}
        share = max((seconds - (time.monotonic() - begun)) / len(programs), 1.0)
        for build_, program in programs.items():
            corpus = Path(name) / f"corpus-{build_}"
            corpus.mkdir()
            for number, content in enumerate(seeds()):
                (corpus / f"{number}").write_bytes(content)
            _run(program, corpus, share, seed, folder, outcome)
    outcome.seconds = time.monotonic() - begun
    return outcome


def _run(
    program: Path, corpus: Path, seconds: float, seed: int, folder: Path, outcome: Outcome
) -> None:
    words = [f"-max_total_time={max(int(seconds), 1)}", f"-seed={seed}", "-max_len=4096",
             "-timeout=10", "-rss_limit_mb=3000", f"-artifact_prefix={folder}/{program.name}-",
             "-use_value_profile=1", "-print_final_stats=0", "-verbosity=0"]  # fmt: skip
    done = subprocess.run(
        [program, *words, corpus],
        capture_output=True,
        check=False,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=32"},
    )
    said = done.stderr.decode("utf-8", "replace")
    if (told := _TOLD.search(said)) is not None:
        outcome.cases += int(told[1]) + int(told[2])
        outcome.results += int(told[1]) + int(told[2])
        outcome.errors[f"{program.name}: frames"] += int(told[1])
        outcome.errors[f"{program.name}: commands"] += int(told[2])
    if done.returncode != 0:
        where = re.search(r"#\d+ \S+ in (\S+) \S*/firmware/(\S+)", said)
        kind = re.search(r"(?:ERROR: \w+: (\S+)|runtime error: (.{0,80}))", said)
        what = next((g for g in kind.groups() if g), "?") if kind else said[-200:]
        outcome.findings[f"{program.name}: {what} in {where[2] if where else '?'}"] += 1
        number = random.Random(said).randrange(1 << 32)
        (folder / f"{program.name}-{number:08x}.txt").write_text(said)
