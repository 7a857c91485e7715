"""A board at a place of labgrid: the coordinator lends it, the exporter carries its line.

Everything goes through the program `labgrid-client`, so that labgrid may live in an
environment of its own (it brings its own fork of pyserial). Written against labgrid 26.0;
25.0 has the same commands. https://labgrid.readthedocs.io/en/latest/man/client.html
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serial

from pipeline import extras, scratch
from pipeline.board import Board
from pipeline.child import before_exec
from pipeline.errors import DeviceError, ToolMissing, WrongUse
from pipeline.flash.portname import LABGRID, check_host
from pipeline.flash.serialport import open_socket

PREFIX = LABGRID
PROGRAM = "labgrid-client"
_ASK_SECONDS = 30.0
_FLASH_SECONDS = 180.0
_DEFAULT_COORDINATOR = "127.0.0.1:20408"
_DEBUGGERS = ("NetworkUSBDebugger", "NetworkAlteraUSBBlaster")
# Upload protocols that OpenOCD speaks -> its file for the probe.
_OPENOCD_PROBES = {"stlink": "stlink.cfg", "cmsis-dap": "cmsis-dap.cfg", "jlink": "jlink.cfg"}
_RESOURCE = re.compile(r"^(?:Acquired|Matching) resource '([^']+)' \(([^)]*)\):$")


@dataclass(frozen=True)
class Resource:
    """What an exporter lends: its class, and the parameters a client needs."""

    cls: str
    name: str
    available: bool
    parameters: dict[str, Any]


def place_of(name: str) -> str:
    """The place that `labgrid:PLACE` names; "" for anything else.

    Raises:
        WrongUse: it names none.
    """
    if not name.startswith(PREFIX):
        return ""
    place = name.removeprefix(PREFIX)
    if not place or place.startswith("-"):
        raise WrongUse(f"{name!r} names no place", where="--on", hint="labgrid:PLACE")
    return place


def client() -> str:
    """Path of labgrid-client: $MCU_LABGRID, beside this Python, or on PATH.

    Raises:
        ToolMissing: it is not installed.
    """
    named = os.environ.get("MCU_LABGRID", "")
    beside = Path(sys.executable).with_name(PROGRAM)
    for candidate in (named, str(beside), PROGRAM):
        found = shutil.which(candidate) if candidate else None
        if found:
            return found
    raise ToolMissing(
        "labgrid is not installed",
        where=PROGRAM,
        hint=f"`pipx install labgrid`, or {extras.install_command('labgrid')}; MCU_LABGRID names "
        "the program where it is elsewhere",
    )


@contextlib.contextmanager
def held(place: str) -> Iterator[None]:
    """The place is ours within the block; what was acquired before stays so afterwards.

    Raises:
        ToolMissing: labgrid is not installed.
        DeviceError: no coordinator, no such place, or it is somebody else's.
    """
    code, said = _ask(place, "acquire")
    ours = code == 0
    if not ours and not re.search(r"You have already acquired place \S+\.$", said, re.M):
        raise _refused(place, said)
    try:
        yield
    finally:
        if ours:
            _ask(place, "release")


def resources(place: str) -> tuple[Resource, ...]:
    """What the place that is held consists of.

    Raises:
        DeviceError: as `held`.
    """
    code, said = _ask(place, "show")
    if code != 0:
        raise _refused(place, said)
    found: list[Resource] = []
    lines = iter(said.splitlines())
    for line in lines:
        if header := _RESOURCE.match(line):
            found.append(_resource(header[1], lines))
    return tuple(found)


def has_debugger(place: str) -> bool:
    """A probe that can write the chip's flash belongs to the place."""
    return any(item.cls in _DEBUGGERS for item in resources(place))


def program(place: str, board: Board, elf: Path) -> None:
    """Writes the firmware through the place's probe, with OpenOCD on the exporter's side.

    Raises:
        WrongUse: OpenOCD does not know the board, or not its probe.
        DeviceError: with OpenOCD's own words.
    """
    from pipeline.flash.upload import upload_error

    with scratch.folder("labgrid") as folder:
        config = folder / "env.yaml"
        config.write_text(json.dumps(_environment(place, board)), encoding="utf-8")  # JSON is YAML
        code, said = _ask(
            place, "bootstrap", str(elf.resolve()), config=config, seconds=_FLASH_SECONDS
        )
    if code != 0:
        raise upload_error(board, said)


@contextlib.contextmanager
def open_place(place: str, baud: int) -> Iterator[serial.Serial]:
    """The place's serial line, open; the place is held for as long.

    Raises:
        DeviceError: as `held`; or the place has no serial line that can be reached.
    """
    with held(place):
        lines = [item for item in resources(place) if item.cls == "NetworkSerialPort"]
        if len(lines) != 1:
            names = ", ".join(item.name for item in lines) or "none"
            raise DeviceError(
                f"the place has {len(lines)} serial lines ({names}), not one",
                where=place,
                hint=f"`{PROGRAM} -p {place} show` tells what it has",
            )
        url = _url(place, lines[0])
        port = open_socket(url)
        try:
            if url.startswith("rfc2217"):
                port.baudrate = baud
            yield port
        finally:
            port.close()


def _url(place: str, line: Resource) -> str:
    """pyserial's name for the line.

    Raises:
        DeviceError: its exporter does not serve it now.
    """
    host, port = line.parameters.get("host"), line.parameters.get("port")
    if not line.available or not check_host(host, port):
        raise DeviceError(
            f"the serial line {line.name!r} is not available",
            where=place,
            hint="is the board's port connected, and ser2net installed, where the exporter runs?",
        )
    if line.parameters.get("protocol", "rfc2217") == "raw":
        return f"socket://{host}:{port}"
    return f"rfc2217://{host}:{port}?ign_set_control&timeout=5"


def _environment(place: str, board: Board) -> dict[str, Any]:
    """What labgrid calls an environment: the place, and how OpenOCD writes the board."""
    openocd = board.platformio.openocd
    probe = next((p for p in board.platformio.upload if p in _OPENOCD_PROBES), "")
    if not openocd or not (probe or openocd.startswith("board/")):
        raise WrongUse(
            f"{board.id} can't be written through labgrid: no OpenOCD configuration is known",
            where=place,
            hint="flash it where it is connected, then use it as it is",
        )
    driver: dict[str, Any] = {
        "load_commands": [
            f"source [find {openocd}]",
            "program {filename} verify reset exit",
        ]
    }
    if not openocd.startswith("board/"):  # those name their own probe
        driver["interface_config"] = _OPENOCD_PROBES[probe]
    return {
        "targets": {
            "main": {
                "resources": [{"RemotePlace": {"name": place}}],
                "drivers": [{"OpenOCDDriver": driver}],
            }
        }
    }


def _ask(
    place: str, *words: str, config: Path | None = None, seconds: float = _ASK_SECONDS
) -> tuple[int, str]:
    """Runs labgrid-client; its exit code and all it said."""
    before = [client(), *(("-c", str(config)) if config else ())]
    try:
        done = subprocess.run(
            [*before, "-p", place, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
            preexec_fn=before_exec(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(f"{PROGRAM} {words[0]}: {error}", where=place) from error
    return done.returncode, done.stdout


def _refused(place: str, said: str) -> DeviceError:
    """Why labgrid does not give the place, in our words and in its own."""
    coordinator = os.environ.get("LG_COORDINATOR", _DEFAULT_COORDINATOR)
    line = next((s for s in reversed(said.splitlines()) if s.strip()), "nothing")
    own = line.removeprefix(f"{PROGRAM}: ").strip()
    if "matches nothing" in said:
        return DeviceError(
            f"labgrid has no place {place!r}",
            where=coordinator,
            hint=f"`{PROGRAM} places` lists them",
        )
    if "acquired" in said:
        return DeviceError(
            f"the place is in use: {own}",
            where=place,
            hint=f"`{PROGRAM} who` tells by whom",
        )
    if re.search(r"[Cc]onnect|UNAVAILABLE|refused|resolve", said):
        return DeviceError(
            f"labgrid's coordinator can't be reached: {own}",
            where=coordinator,
            hint="does labgrid-coordinator run? LG_COORDINATOR=HOST:PORT names it",
        )
    return DeviceError(f"labgrid does not give the place: {own}", where=place)


def _resource(name: str, lines: Iterator[str]) -> Resource:
    """One resource of `show`: the dictionary printed below its header."""
    text = ""
    for line in lines:
        text += line.strip() + "\n"
        with contextlib.suppress(SyntaxError, ValueError):
            value = ast.literal_eval(text.strip())
            return Resource(
                cls=str(value.get("cls", "")),
                name=name,
                available=bool(value.get("avail")),
                parameters=dict(value.get("params", {})),
            )
    return Resource("", name, False, {})
