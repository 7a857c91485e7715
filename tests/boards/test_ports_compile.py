"""Every port compiles without a warning, strictly asked."""

import shutil
import subprocess
import tomllib

import pytest

from pipeline.board import boards, load_board
from pipeline.resources import FIRMWARE

PORTS = FIRMWARE / "ports"
# One board of each family is enough: boards differ in numbers only.
BY_FAMILY = {
    load_board(board_id).port: board_id
    for board_id in reversed(boards())
    if not load_board(board_id).platformio.framework
}
STRICT = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(BY_FAMILY))
def test_port_compiles_without_warnings(family: str) -> None:
    board = load_board(BY_FAMILY[family])
    compiler = shutil.which(f"{board.toolchain}-gcc")
    if compiler is None:
        pytest.skip(f"{board.toolchain}-gcc is not installed")
    settings = tomllib.loads((PORTS / family / "port.toml").read_text())
    folders = [PORTS / name for name in (*settings.get("shared", []), family)]
    numbers = {**board.defines, "PORT_CLOCK_HZ": board.clock_hz, "PORT_BAUD": board.uart.baud}
    libc = ["--specs=picolibc.specs", "-misa-spec=2.2"] if "riscv" in board.toolchain else []
    done = subprocess.run(
        [
            compiler, *libc, *board.flags, *STRICT, "-fsyntax-only",
            *(f"-I{folder}" for folder in (PORTS, FIRMWARE / "monitor", *folders)),
            *(f"-D{name}={value}u" for name, value in numbers.items()),
            *(str(source) for folder in folders for source in sorted(folder.glob("*.c"))),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
