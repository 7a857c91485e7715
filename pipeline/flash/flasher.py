"""flash: Image -> Device; connect: Device -> an open serial port."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import serial

from pipeline.board import Board
from pipeline.build.image import Image
from pipeline.errors import DeviceError, FirmwareCrashed, LinkError, WrongUse
from pipeline.flash import labgrid
from pipeline.flash.device import Device, On
from pipeline.flash.portname import check_port, is_network
from pipeline.flash.qemu import qemu_program, run_qemu
from pipeline.flash.renode import renode_program, run_renode
from pipeline.flash.serialport import PORT_ERRORS, find_port, open_port, ports
from pipeline.flash.upload import upload
from pipeline.progress import Progress, silent

READY = b"m-ready"
BOOT_SECONDS = 15.0
EMULATED_SECONDS = 240.0  # on a machine with more to do than processors
_ASK_AGAIN_SECONDS = 1.0
_HEARD_BYTES = 1 << 14


def flash(
    image: Image,
    board: Board,
    on: str = "auto",
    *,
    port: str = "",
    project: Path | None = None,
    progress: Progress = silent,
) -> Device:
    """Puts the firmware onto the board, real or emulated, and hears it start.

    Args:
        image: what `build` made.
        board: its board.
        on: "probe" (upload through PlatformIO), "serial" (the firmware is there already),
            "qemu", "renode", "labgrid:PLACE" (written where the place has a probe, else the
            firmware is there already), or "auto": the one board that is connected, else an
            emulator.
        port: serial port of a real board; found by its USB ids where "".
        project: the rendered project that "probe" uploads; the folder "project" beside the
            firmware by default.
        progress: called at the start and at the end.

    Raises:
        WrongUse: the board does not run there.
        ToolMissing: emulator or uploader is not installed.
        DeviceError: no board, upload failed, or the firmware did not come up.
    """
    if port:
        check_port(port, typed=True)
    if place := labgrid.place_of(on) or labgrid.place_of(port):
        return _flash_place(place, image, board, progress)
    chosen = _where(board, on, port)
    progress("flash", 0, 1, f"{board.id} on {chosen}")
    device = Device(on=chosen, board=board.id, elf=image.elf)
    if chosen in ("probe", "serial"):
        if chosen == "probe":
            upload(board, project or _project_of(image), port=port, progress=progress)
        device = Device(
            on=chosen,
            board=board.id,
            elf=image.elf,
            port=find_port(board, port),
            baud=board.uart.baud,
            typed=bool(port),
        )
    return _ready(device, board, progress)


def _flash_place(place: str, image: Image, board: Board, progress: Progress) -> Device:
    """The same with a board that labgrid lends; it is held from writing to greeting."""
    progress("flash", 0, 1, f"{board.id} at labgrid's place {place}")
    with labgrid.held(place):
        written = labgrid.has_debugger(place)
        if written:
            labgrid.program(place, board, image.elf)
        device = Device(
            on="probe" if written else "serial",
            board=board.id,
            elf=image.elf,
            port=labgrid.PREFIX + place,
            baud=board.uart.baud,
        )
        return _ready(device, board, progress)


def _ready(device: Device, board: Board, progress: Progress) -> Device:
    """The device, once its firmware has answered."""
    with connect(device, board) as line:
        hear_ready(line, board, ask=device.on in ("probe", "serial"))
    progress("flash", 1, 1, f"{board.id} on {device.on} is ready")
    return device


@contextlib.contextmanager
def connect(device: Device, board: Board) -> Iterator[serial.SerialBase]:
    """The device's open serial port; an emulator runs for as long as it is open.

    An emulated board starts from reset with every connection.

    Raises:
        WrongUse: the device's port is not one, or a file names what only a person may.
        DeviceError, ToolMissing: the port can't be opened, the emulator not started; within
            the block too, where the emulator ends by itself.
    """
    if device.on == "qemu":
        with run_qemu(board, device.elf) as port:
            yield port
        return
    if device.on == "renode":
        with run_renode(board, device.elf) as port:
            yield port
        return
    check_port(device.port, typed=device.typed, where=f"the port of {board.id}")
    if place := labgrid.place_of(device.port):
        with labgrid.open_place(place, device.baud) as port, _unbroken(device):
            yield port
        return
    port = open_port(device.port, device.baud)
    try:
        with _unbroken(device):
            yield port
    finally:
        port.close()


@contextlib.contextmanager
def _unbroken(device: Device) -> Iterator[None]:
    try:
        yield
    except PORT_ERRORS as error:
        raise DeviceError(
            f"the line broke: {error}", where=device.port, hint="was the board unplugged?"
        ) from error


def _project_of(image: Image) -> Path | None:
    beside = image.elf.parent / "project"
    return beside if (beside / "platformio.ini").is_file() else None


def _where(board: Board, on: str, port: str) -> On:
    if on == "auto":
        if port:
            return "serial" if is_network(port) else "probe"
        fitting = [info for info in ports() if board.id in info.boards]
        if fitting:
            find_port(board)
            return "probe"
        if board.qemu is None and board.renode is None:
            find_port(board)
        return "qemu" if board.qemu is not None else "renode"
    if on == "qemu":
        qemu_program(board)
        return "qemu"
    if on == "renode":
        if board.renode is not None:
            renode_program()
        return "renode"
    if on == "probe":
        return "probe"
    if on == "serial":
        return "serial"
    raise WrongUse(
        f"can't flash on {on!r}", hint="auto, probe, serial, qemu, renode or labgrid:PLACE"
    )


def hear_ready(line: Any, board: Board, *, ask: bool = False) -> None:
    """Waits for the monitor's greeting.

    Args:
        line: an open port.
        board: its board.
        ask: for its name, again and again: a chip that runs already does not greet, and USB
            loses what is sent before both ends know each other.

    Raises:
        FirmwareCrashed: it reports a fault.
        LinkError: it says nothing that ends in `m-ready`.
    """
    uart, heard, asked = board.uart, b"", 0.0
    begun, spent = time.monotonic(), getattr(line, "spent", None)
    before = spent() if spent else 0.0
    line.timeout = 0.2
    while True:
        # An emulator's time is what it had to compute; others had as much as we.
        passed = time.monotonic() - begun
        had = spent() - before if spent and passed > BOOT_SECONDS else passed
        if had > BOOT_SECONDS or passed > EMULATED_SECONDS:
            break
        if ask and time.monotonic() - asked > _ASK_AGAIN_SECONDS:
            asked = time.monotonic()
            line.write(b"name%")
        heard = (heard + line.read(1) + line.read(min(line.in_waiting, 256)))[-_HEARD_BYTES:]
        if READY in heard:
            return
        if b"e-[fault" in heard and b"]" in heard.split(b"e-[fault", 1)[1]:
            raise FirmwareCrashed(f"the firmware crashed: {_last(heard)}", where=board.id)
    raise LinkError(
        f"the firmware is silent: no m-ready within {time.monotonic() - begun:.0f} s; "
        f"heard {_last(heard)}",
        where=board.id,
        hint=f"{board.id} speaks on {uart.name}: {uart.pins}" + f"; {uart.note}" * bool(uart.note),
    )


def _last(heard: bytes) -> str:
    text = heard.decode("ascii", "backslashreplace")
    lines = ["".join(c if c.isprintable() else "?" for c in line) for line in text.splitlines()]
    lines = [line for line in lines if line.strip()]
    return " | ".join(lines[-4:]) or "nothing"
