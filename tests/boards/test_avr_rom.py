"""Constants in flash on AVR: nothing a kernel reads from there is passed as if it lay in RAM."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.codegen import Target, compile_graph
from pipeline.convert import read_graph
from pipeline.load import FlatModel
from pipeline.resources import FIRMWARE

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))
from tflite_builder import Build, T

RUNTIME = FIRMWARE / "runtime"
KERNELS = sorted([*(RUNTIME / "portable").glob("*.c"), *(RUNTIME / "sparse").glob("*.c")])


def model() -> bytes:
    b = Build()
    x = b.input(T((1, 4), "int8", 0.05, 3))
    w = b.tensor(T((2, 4), "int8", 0.01, 0, data=[[1, 2, 3, 4], [5, 6, 7, 8]]))
    (y,) = b.op("FULLY_CONNECTED", [x, w], [T((1, 2), "int8", 0.1, 0)], "FullyConnectedOptions", 4)
    constant = b.tensor(T((1, 2), "int8", 0.1, 0, data=[[3, -3]]))
    b.outputs = b.op("ADD", [y, constant], [T((1, 2), "int8", 0.1, 0)], "AddOptions", 1)
    return b.bytes()


def data_of(core: str) -> str:
    graph = read_graph(FlatModel("net", model()))
    return compile_graph(graph, Target(core)).sources["network_data.c"]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda path: path.stem)
def test_kernels_take_their_parameters_from_flash(kernel: Path) -> None:
    assert not re.search(r"\bconst \w+_t \*p\b", kernel.read_text())


def test_what_is_a_layers_own_lies_in_flash_and_tensors_in_ram() -> None:
    text = data_of("avr")
    assert "const __flash int8_t model_00_weights[8]" in text
    assert "\nconst int8_t model_tensor_" in text
    assert "__flash" not in data_of("cortex-m4")


def test_no_pointer_changes_its_address_space(tmp_path: Path) -> None:
    if shutil.which("avr-gcc") is None:
        pytest.skip("avr-gcc is not installed")
    done = subprocess.run(
        ["avr-gcc", "-mmcu=atmega328p", "-std=gnu11", "-fsyntax-only", "-Waddr-space-convert",
         f"-I{RUNTIME}", f"-I{RUNTIME / 'sparse'}", *map(str, KERNELS)],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert "error" not in done.stderr
    lines = done.stderr.splitlines()
    wrong = [
        (line, code)
        for line, code in pairwise(lines)
        # GCC calls a comparison with NULL one, and avr-libc's functions for flash take any pointer.
        if "address space" in line and "NULL" not in code and "MCU_ROM_COPY" not in code
    ]
    assert wrong == []
