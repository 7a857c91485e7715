"""Board: what a board is, read from boards/<id>/board.toml.

One folder describes one board; nothing else in the package knows a board by name.
docs/boards.md explains the fields.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import WrongUse
from pipeline.resources import BOARDS, FIRMWARE

VERIFIED = ("built", "ran in QEMU", "ran in Renode", "ran on hardware")
TOOLCHAINS = ("arm-none-eabi", "riscv64-unknown-elf", "avr", "xtensa-esp-elf")


@dataclass(frozen=True)
class Region:
    """A stretch of memory: first address and length in bytes."""

    origin: int
    bytes: int


@dataclass(frozen=True)
class Uart:
    """The serial line the monitor speaks on: peripheral, pins, speed in bits per second."""

    name: str
    pins: str
    baud: int
    note: str = ""


@dataclass(frozen=True)
class PlatformIo:
    """How PlatformIO's own registry knows the board.

    Attributes:
        platform: the official development platform with its version.
        board: the board's id there; "" where the project brings its own manifest.
        mcu: the chip as the platform's board manifests write it.
        packages: pinned packages ("owner/name@version").
        upload: upload protocols, the default first; none: a virtual board.
        upload_command: what the protocol "custom" runs.
        openocd: OpenOCD's configuration of the chip, "target/stm32f4x.cfg", for uploads
            without PlatformIO's registry.
        framework: "" for bare metal.
    """

    platform: str
    board: str
    mcu: str
    packages: tuple[str, ...]
    upload: tuple[str, ...]
    upload_command: str = ""
    openocd: str = ""
    framework: str = ""


@dataclass(frozen=True)
class Qemu:
    """The QEMU machine that stands for the board.

    Attributes:
        system: the program, "qemu-system-arm".
        machine: its `-machine`.
        serial: index of the machine's serial line that is the board's UART.
        args: further arguments.
        counter: the firmware can't read a timer while instructions are counted: it is told.
    """

    system: str
    machine: str
    serial: int
    args: tuple[str, ...]
    counter: bool = False

    @property
    def load(self) -> str:
        """The option that takes the firmware: QEMU's AVR machines know only a "BIOS"."""
        return "-bios" if self.system == "qemu-system-avr" else "-kernel"


@dataclass(frozen=True)
class Renode:
    """What makes the board in Renode: a script in its folder, and the UART to connect."""

    script: str
    uart: str


@dataclass(frozen=True)
class Source:
    """Where facts about the board come from: a maker's manual."""

    facts: str
    document: str


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes:
        id: folder name, PlatformIO's own id where it has the board.
        name: the maker's name.
        mcu: the chip's part number.
        core: "cortex-m4", "rv32imac", ...
        features: what kernels may use: "dsp", "fpu", "mve", "mul", ...
        toolchain: prefix of the compiler.
        flags: machine flags for compiling and linking.
        clock_hz: the core's clock that the port sets up.
        flash: where the firmware is stored.
        ram: where .data, .bss and the stack are.
        stack_bytes: stack reserved within ram.
        port: family, a folder of firmware/ports/.
        defines: the port's settings as C macros.
        usb: "VID:PID" of the on-board probe or USB serial port.
        verified: what was seen, and nothing more: members of VERIFIED.
        folder: boards/<id>/.
    """

    id: str
    name: str
    mcu: str
    core: str
    features: tuple[str, ...]
    clock_hz: int
    toolchain: str
    flags: tuple[str, ...]
    flash: Region
    ram: Region
    stack_bytes: int
    port: str
    defines: dict[str, int | str]
    uart: Uart
    platformio: PlatformIo
    usb: tuple[str, ...]
    qemu: Qemu | None
    renode: Renode | None
    sources: tuple[Source, ...]
    verified: tuple[str, ...]
    folder: Path

    @property
    def emulators(self) -> tuple[str, ...]:
        """The emulators that run this board's firmware."""
        found = (("qemu", self.qemu), ("renode", self.renode))
        return tuple(name for name, value in found if value is not None)


class _Table:
    """A TOML table that is read field by field, and says where a bad one is."""

    def __init__(self, path: Path, text: str, values: dict[str, object], prefix: str = "") -> None:
        self._path = path
        self._text = text
        self._values = values
        self._prefix = prefix
        self._read: set[str] = set()

    def fail(self, field: str, what: str) -> WrongUse:
        dotted = f"{self._prefix}{field}"
        line = _line_of(self._text, dotted)
        return WrongUse(
            f"{dotted}: {what}",
            where=f"{self._path}:{line}",
            hint="docs/boards.md lists the fields",
        )

    def _get(self, field: str, kind: type | tuple[type, ...], what: str, default: object) -> object:
        self._read.add(field)
        if field not in self._values:
            if default is None:
                raise self.fail(field, f"is missing; it has to be {what}")
            return default
        value = self._values[field]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            raise self.fail(field, f"is {value!r}; it has to be {what}")
        return value

    def text(self, field: str, default: str | None = None) -> str:
        return str(self._get(field, str, "text", default))

    def integer(self, field: str, default: int | None = None, *, least: int = 0) -> int:
        value = self._get(field, int, "a whole number", default)
        assert isinstance(value, int)
        if value < least:
            raise self.fail(field, f"is {value}; it has to be {least} or more")
        return value

    def flag(self, field: str) -> bool:
        return bool(self._get(field, bool, "true or false", False))

    def texts(self, field: str, default: list[str] | None = None) -> tuple[str, ...]:
        value = self._get(field, list, "a list of texts", default)
        assert isinstance(value, list)
        if not all(isinstance(item, str) for item in value):
            raise self.fail(field, f"is {value!r}; it has to be a list of texts")
        return tuple(value)

    def choice(self, field: str, allowed: tuple[str, ...]) -> str:
        value = self.text(field)
        if value not in allowed:
            raise self.fail(field, f"is {value!r}; it has to be one of {', '.join(allowed)}")
        return value

    def table(self, field: str) -> _Table:
        value = self._get(field, dict, "a table", None)
        assert isinstance(value, dict)
        return _Table(self._path, self._text, value, f"{self._prefix}{field}.")

    def optional_table(self, field: str) -> _Table | None:
        return self.table(field) if field in self._values else None

    def tables(self, field: str) -> list[_Table]:
        value = self._get(field, list, "an array of tables", [])
        assert isinstance(value, list)
        if not all(isinstance(item, dict) for item in value):
            raise self.fail(field, "has to be an array of tables")
        return [_Table(self._path, self._text, item, f"{self._prefix}{field}.") for item in value]

    def scalars(self, field: str) -> dict[str, int | str]:
        value = self._get(field, dict, "a table of numbers and texts", {})
        assert isinstance(value, dict)
        for key, item in value.items():
            if isinstance(item, bool) or not isinstance(item, int | str):
                raise self.fail(f"{field}.{key}", f"is {item!r}; it has to be a number or text")
        return dict(value)

    def done(self) -> None:
        for field in self._values:
            if field not in self._read:
                near = difflib.get_close_matches(field, sorted(self._read), n=1)
                more = f"; did you mean {near[0]}?" if near else ""
                raise self.fail(field, f"is not a field of a board{more}")


def _line_of(text: str, dotted: str) -> int:
    """The line a field stands in; of its table, or 1, where the field is missing."""
    *tables, _ = dotted.split(".")
    best, current = 1, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[+\s*([\w.]+)\s*\]+", line):
            current = header[1]
            if current in (".".join(tables), dotted):
                best = number
            continue
        if key := re.match(r"\s*([\w.]+)\s*=", line):
            full = f"{current}.{key[1]}" if current else key[1]
            if full == dotted:
                return number
            if full == ".".join(tables):
                best = number
    return best


def _region(table: _Table) -> Region:
    region = Region(table.integer("origin"), table.integer("bytes", least=1))
    table.done()
    return region


def _qemu(table: _Table) -> Qemu:
    return Qemu(
        table.text("system"),
        table.text("machine"),
        table.integer("serial", 0),
        table.texts("args", []),
        table.flag("counter"),
    )


def _renode(table: _Table, folder: Path) -> Renode:
    script = table.text("script")
    if not (folder / script).is_file():
        raise table.fail("script", f"there is no {folder / script}")
    return Renode(script, table.text("uart"))


def read_board(path: Path) -> Board:
    """Reads one board.toml.

    Raises:
        WrongUse: with file, line and field, where something is missing or wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark in front
        values = tomllib.loads(text)
    except OSError as error:
        raise WrongUse(f"can't be read: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"line (\d+)", str(error))
        where = f"{path}:{line[1]}" if line else str(path)
        raise WrongUse(f"is not valid TOML: {error}", where=where) from error

    top = _Table(path, text, values)
    if top.text("id") != path.parent.name:
        raise top.fail("id", f"has to be the folder's name, {path.parent.name}")
    compiler, memory, port = top.table("compiler"), top.table("memory"), top.table("port")
    uart, pio = top.table("uart"), top.table("platformio")
    qemu, renode = top.optional_table("qemu"), top.optional_table("renode")
    source_tables = top.tables("sources")

    family = port.text("family")
    if not (FIRMWARE / "ports" / family / "port.toml").is_file():
        known = ", ".join(sorted(p.parent.name for p in FIRMWARE.glob("ports/*/port.toml")))
        raise port.fail("family", f"there is no firmware/ports/{family}; there are {known}")
    verified = top.texts("verified", [])
    for item in verified:
        if item not in VERIFIED:
            raise top.fail("verified", f"{item!r} is none of {', '.join(VERIFIED)}")
    usb = top.texts("usb", [])
    for item in usb:
        if not re.fullmatch(r"[0-9A-F]{4}:[0-9A-F]{4}", item):
            raise top.fail("usb", f"{item!r} is not of the form 0483:374B")

    board = Board(
        id=top.text("id"),
        name=top.text("name"),
        mcu=top.text("mcu"),
        core=top.text("core"),
        features=top.texts("features", []),
        clock_hz=top.integer("clock_hz", least=1),
        toolchain=compiler.choice("toolchain", TOOLCHAINS),
        flags=compiler.texts("flags"),
        flash=_region(memory.table("flash")),
        ram=_region(memory.table("ram")),
        stack_bytes=memory.integer("stack_bytes", least=64),
        port=family,
        defines=port.scalars("defines"),
        uart=Uart(
            uart.text("name"),
            uart.text("pins"),
            uart.integer("baud", 115200),
            uart.text("note", ""),
        ),
        platformio=PlatformIo(
            pio.text("platform"),
            pio.text("board", ""),
            pio.text("mcu"),
            pio.texts("packages", []),
            pio.texts("upload", []),
            pio.text("upload_command", ""),
            pio.text("openocd", ""),
            pio.text("framework", ""),
        ),
        usb=usb,
        qemu=None if qemu is None else _qemu(qemu),
        renode=None if renode is None else _renode(renode, path.parent),
        sources=tuple(Source(t.text("facts"), t.text("document")) for t in source_tables),
        verified=verified,
        folder=path.parent,
    )
    for table in (top, compiler, memory, port, uart, pio, qemu, renode, *source_tables):
        if table is not None:
            table.done()
    if not board.sources:
        raise top.fail("sources", "is missing: name the manuals that the facts come from")
    if board.stack_bytes >= board.ram.bytes:
        raise memory.fail("stack_bytes", "is larger than the RAM")
    return board


def user_folder() -> Path | None:
    """$MCU_BOARDS: a folder of boards beside the package's own."""
    named = os.environ.get("MCU_BOARDS")
    return Path(named).expanduser().absolute() if named else None


def _files() -> dict[str, Path]:
    """Every board.toml by its board's id; the package's own win."""
    folders = [folder for folder in (user_folder(), BOARDS) if folder is not None]
    return {
        path.parent.name: path
        for folder in folders
        for path in folder.glob("*/board.toml")
        if not path.parent.name.startswith(".")
    }


def boards() -> tuple[str, ...]:
    """Ids of all boards, sorted."""
    return tuple(sorted(_files()))


@cache
def load_board(board_id: str) -> Board:
    """The board of that id.

    Raises:
        WrongUse: no such board (the hint has the nearest names), or its board.toml is bad.
    """
    files = _files()
    if board_id not in files:
        known = sorted(files)
        near = difflib.get_close_matches(board_id, known, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise WrongUse(f"there is no board {board_id!r}", hint=f"{hint} (`mcu boards` lists all)")
    return read_board(files[board_id])
