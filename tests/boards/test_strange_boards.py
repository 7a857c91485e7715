"""A board.toml of a stranger: what reaches compilers, PlatformIO, QEMU and Renode is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.board import boards, load_board, read_board
from pipeline.board.allowed import strange_line
from pipeline.errors import WrongUse
from pipeline.resources import BOARDS

GOOD = (BOARDS / "disco_f407vg" / "board.toml").read_text()


def write(tmp_path: Path, text: str | bytes, **files: str) -> Path:
    folder = tmp_path / "disco_f407vg"
    folder.mkdir()
    (folder / "board.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "renode.resc").touch()
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    return folder / "board.toml"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"-mthumb"', "\"!sh -c 'touch x'\"", "compiler.flags"),
        ('"-mthumb"', '"$(touch x)"', "compiler.flags"),
        ('"-mthumb"', '"-fplugin=/tmp/x.so"', "compiler.flags"),
        ('"-mthumb"', '"-mthumb -B/tmp"', "compiler.flags"),
        ('"-mthumb"', '"@/etc/passwd"', "compiler.flags"),
        ('"-mthumb"', '"-mthumb\\n    !x"', "compiler.flags"),
        ('name = "STM32F4', 'name = "a\\nextra_scripts = pre:x.py\\n', "name"),
        ('"ststm32@~19.0.0"', '"symlink:///tmp/x"', "platformio.platform"),
        ('"ststm32@~19.0.0"', '"https://example.org/x.zip"', "platformio.platform"),
        ('"ststm32@~19.0.0"', '"../x"', "platformio.platform"),
        ('["platformio/toolchain-gccarmnoneeabi@~1.120301.0"]', '["a, file:/tmp/x"]',
         "platformio.packages"),
        ('"target/stm32f4x.cfg"', '"../../tmp/x.cfg"', "platformio.openocd"),
        ('"target/stm32f4x.cfg"', '"/tmp/x.cfg"', "platformio.openocd"),
        ('openocd =', 'upload_command = "sh -c x"\nopenocd =', "platformio.upload_command"),
        ('openocd =', 'upload_command = "$PYTHONEXE -m esptool; x"\nopenocd =',
         "platformio.upload_command"),
        ('openocd =', 'framework = "zephyr"\nopenocd =', "platformio.framework"),
        ('"stlink", ', '"stlink\\nx = y", ', "platformio.upload"),
        ('"netduinoplus2"', '"netduinoplus2,dumpdtb=x"', "qemu.machine"),
        ('"qemu-system-arm"', '"/tmp/qemu-system-arm"', "qemu.system"),
        ("serial = 1", 'args = ["-chardev", "file,id=x,path=y"]', "qemu.args"),
        ("serial = 1", 'args = ["-cpu"]', "qemu.args"),
        ('"sysbus.usart2"', '"sysbus.usart2\\nlogFile @x"', "renode.uart"),
        ('"renode.resc"', '"../renode.resc"', "renode.script"),
        ("PORT_PLL_M = 8", 'PORT_PLL_M = "8 -B/tmp"', "port.defines"),
        ("PORT_PLL_M = 8", '"A B" = 8', "port.defines"),
        ("PORT_PLL_M = 8", "PORT_PLL_M = -8", "port.defines"),
        ("clock_hz = 168_000_000", "clock_hz = " + "9" * 30, "clock_hz"),
        ("bytes = 0x10_0000", "bytes = 0xFFFF_FFFF", "memory.flash.bytes"),
        ('core = "cortex-m4"', 'core = "../x"', "core"),
    ],
)  # fmt: skip
def test_a_field_holds_what_it_needs_and_no_more(
    tmp_path: Path, old: str, new: str, field: str
) -> None:
    assert old in GOOD or old.startswith("name")
    text = GOOD.replace('name = "', 'name = "STM32F4', 1) if old.startswith("name") else GOOD
    with pytest.raises(WrongUse) as caught:
        read_board(write(tmp_path, text.replace(old, new, 1)))
    assert caught.value.what.startswith(field)


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf" + GOOD.encode(), GOOD.replace("\n", "\r\n")])
def test_how_an_editor_saves_it_does_not_matter(tmp_path: Path, text: str | bytes) -> None:
    assert read_board(write(tmp_path, text)).id == "disco_f407vg"


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 20_000, "x = " + "9" * 5_000, "a." * 10_000 + "b = 1", "#" * 100_000, "\x00"],
    ids=["deep", "digits", "dotted", "large", "nul"],
)
def test_toml_that_no_reader_likes_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongUse):
        read_board(write(tmp_path, text))


@pytest.mark.parametrize(
    "script",
    ["!touch x", "logFile @/tmp/x", 'python "import os"', "include @/tmp/x.cs", "i $ORIGIN/x.py",
     "machine LoadPlatformDescription @/tmp/x.repl", "sysbus LoadELF @/etc/passwd", "execute x",
     "machine LoadPlatformDescription $ORIGIN/gone.repl", "start; python"],
)  # fmt: skip
def test_a_renode_script_makes_a_machine_and_nothing_else(tmp_path: Path, script: str) -> None:
    path = write(tmp_path, GOOD)
    (path.parent / "renode.resc").write_text(f"using sysbus\n{script}\n")
    with pytest.raises(WrongUse, match=r"renode\.script"):
        read_board(path)


@pytest.mark.parametrize(
    "line",
    ["x: Python.PythonPeripheral @ sysbus 0x100", '    script: "import os"', "    filename: @x",
     'using "x.repl"', "    init add:", '        python "x"'],
)  # fmt: skip
def test_a_renode_machine_has_parts_and_no_code(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, GOOD)
    (path.parent / "renode.resc").write_text("machine LoadPlatformDescription $ORIGIN/m.repl\n")
    (path.parent / "m.repl").write_text(f"cpu: CPU.CortexM @ sysbus\n{line}\n")
    with pytest.raises(WrongUse, match=r"m\.repl:2"):
        read_board(path)


def test_the_package_s_own_scripts_keep_to_it() -> None:
    with_renode = [board for name in boards() if (board := load_board(name)).renode is not None]
    assert with_renode
    for board in with_renode:
        assert board.renode is not None
        assert strange_line(board.folder, board.renode.script) == ""
