"""A board that `mcu boards add --from-pio` wrote, with a real Arduino core: it builds and answers.

PlatformIO fetches cores from its registry; here Debian's arduino-core-avr stands for it, built
with the flags of the rendered project.
"""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tiny_program import tiny_program

from pipeline.board.add import add_board
from pipeline.build.pio_boards import look_up
from pipeline.flash.socketport import SocketPort, socket_pair
from pipeline.render import render

AVR = Path("/usr/share/arduino/hardware/arduino/avr")
CORE, VARIANT = AVR / "cores" / "arduino", AVR / "variants" / "mega"
MANIFEST = {
    "name": "Arduino Mega or Mega 2560 ATmega2560 (Mega 2560)",
    "vendor": "Arduino",
    "frameworks": ["arduino"],
    "build": {
        "core": "arduino",
        "mcu": "atmega2560",
        "f_cpu": "16000000L",
        "variant": "mega",
        "hwids": [["0x2341", "0x0042"]],
    },
    "upload": {"maximum_ram_size": 8192, "maximum_size": 253952, "protocol": "wiring"},
}
# What PlatformIO's atmelavr platform passes; DECIMAL_DIG is missing in Debian's older GCC.
ALWAYS = ["-mmcu=atmega2560", "-DF_CPU=16000000L", "-DARDUINO=10819", "-DDECIMAL_DIG=9",
          "-ffunction-sections", "-fdata-sections", f"-I{CORE}", f"-I{VARIANT}"]  # fmt: skip


def compiled(source: Path, flags: list[str], folder: Path, where: Path) -> Path:
    plus = source.suffix == ".cpp"
    std = ["-std=gnu++11", "-fno-exceptions", "-fpermissive"] if plus else ["-std=gnu11"]
    if source.suffix == ".S":
        std = ["-x", "assembler-with-cpp"]
    made = where / f"{source.parent.name}.{source.name}.o"
    done = subprocess.run(
        ["avr-g++" if plus else "avr-gcc", *ALWAYS, *std, *flags, "-c", source, "-o", made],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.slow
@pytest.mark.qemu
def test_an_added_board_builds_with_its_core_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not CORE.is_dir() or shutil.which("avr-g++") is None:
        pytest.skip("arduino-core-avr is not installed")
    monkeypatch.setenv("MCU_BOARDS", str(tmp_path / "boards"))
    (tmp_path / "boards").mkdir()
    manifest = tmp_path / "mega.json"
    manifest.write_text(json.dumps(MANIFEST))
    board = add_board("megaatmega2560", look_up=look_up, manifest=manifest, platform="atmelavr")
    project = render(
        board, name="tiny", out=tmp_path / "project", program=tiny_program(), offline=False
    )
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(project.path / "platformio.ini")
    flags = shlex.split(ini[f"env:{board.id}"]["build_flags"])
    objects = tmp_path / "objects"
    objects.mkdir()
    own = [
        compiled(source, [*flags, "-Werror"], project.path, objects)
        for source in sorted(project.path.glob("src/**/*.c*"))
    ]
    core = [
        compiled(source, ["-Os", "-w"], project.path, objects)
        for source in sorted(CORE.iterdir())
        if source.suffix in (".c", ".cpp", ".S")
    ]
    elf = tmp_path / "firmware.elf"
    link = ["avr-gcc", "-mmcu=atmega2560", "-Os", "-Wl,--gc-sections", "-o", elf, *own, *core]
    subprocess.run([*link, "-lm"], check=True)
    assert answer(elf, b"name%") == f"m-name-dut-[{board.id}]"


def answer(elf: Path, command: bytes) -> str:
    """What the firmware says to a command.

    Without -icount: QEMU 7.2 ends where an AVR's timers and interrupts meet it. One instruction
    at a time: it never looks again at an interrupt that came while they were disabled, unless
    something else leaves the translated code.
    """
    program = shutil.which("qemu-system-avr")
    if program is None:
        pytest.skip("qemu-system-avr is not installed")
    known = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    single = ["-singlestep"] if "-singlestep" in known else ["-accel", "tcg,one-insn-per-tb=on"]
    near, far = socket_pair()
    uart = ["-chardev", f"socket,id=uart,fd={far.fileno()}", "-serial", "chardev:uart"]
    words = [program, "-machine", "mega2560", *single, "-display", "none", *uart]
    words += ["-monitor", "none"]
    with subprocess.Popen([*words, "-bios", str(elf)], pass_fds=[far.fileno()]) as process:
        try:
            far.close()
            line = SocketPort(near, "mega2560")
            line.timeout = 0.2
            heard, asked, deadline = b"", 0.0, time.monotonic() + 60
            name = None
            while time.monotonic() < deadline and name is None:
                heard += line.read(64)
                if b"m-ready" in heard and time.monotonic() - asked > 10:
                    line.write(command)
                    asked = time.monotonic()
                name = re.search(rb"m-name-dut-\[\S+\](?=\r\n)", heard)
            line.close()
        finally:
            process.kill()
    assert name is not None, heard
    return name[0].decode()
