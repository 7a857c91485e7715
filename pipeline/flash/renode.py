"""Renode: one process for all runs, its monitor on standard input, UARTs on Unix sockets.

Renode's own sockets, the monitor's too, listen on every interface. So the monitor gets no port,
and the UART's terminal is one of ours (renode_uart.cs), which Renode compiles at the start: a
socket in a folder that only this user may enter. Where Renode can't, the UART is on a
pseudo-terminal: as private, but slower.

A run is: clear, include the board's script, connect its UART, open it, start. The machine
starts only once the host listens, so that nothing said at start is lost.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes.util
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from serial import SerialBase, SerialException

from pipeline import system
from pipeline.board import Board
from pipeline.errors import DeviceError, McuError, ToolMissing, WrongUse
from pipeline.flash.process import Process
from pipeline.flash.serialport import open_port
from pipeline.flash.socketport import SocketPort, connect_unix
from pipeline.scratch import Folder

# On a busy machine the first board takes half a minute: Renode looks its models up.
START_SECONDS = 180.0
_CONNECT_SECONDS = 30.0
_TERMINAL = Path(__file__).with_name("renode_uart.cs")
# The terminal's compiler knows only what is loaded.
_LOAD = "; ".join(
    f"clr.AddReference('{name}')" for name in ("System.Net.Sockets", "System.Net.Primitives")
)
_TROUBLE = ("There was an error", "Could not", "Error E", "Parameters did not match")


def renode_program() -> str:
    """Path of Renode: $RENODE (the program or its folder), PATH, or the user's cache.

    Raises:
        ToolMissing: it is nowhere.
    """
    named = os.environ.get("RENODE", "")
    places = [named, f"{named}/renode"] if named else ["renode"]
    places += [str(path) for path in sorted(system.cache_folder().glob("renode*/renode"))]
    for place in places:
        if found := shutil.which(place):
            return found
    raise ToolMissing(
        f"RENODE names {named}, and there is no Renode" if named else "Renode is not installed",
        hint="`mcu renode install`, or set RENODE to its program",
    )


def renode_settings() -> list[str]:
    """Environment variables that Renode runs with, as `env` takes them.

    Its runtime does not start without the ICU library unless it is told to do without.
    """
    settings = ["LC_ALL=C.UTF-8"]
    if ctypes.util.find_library("icuuc") is None:
        settings += [
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1",
            "DOTNET_SYSTEM_GLOBALIZATION_PREDEFINED_CULTURES_ONLY=0",
        ]
    return settings


class RenodeProcess:
    """A running Renode, which takes one machine after the other."""

    def __init__(self) -> None:
        program = ["env", *renode_settings(), renode_program()]
        self._own = Folder("renode", short=True)
        self._folder = self._own.path
        self._runs = 0
        config = str(self._folder / "config")
        options = ["--disable-gui", "--plain", "--console", "--hide-log", "--config", config]
        self._sockets: bool | None = None
        # What Renode itself leaves when it is killed goes with our folder.
        env = {**os.environ, "TMPDIR": str(self._folder)}
        try:
            self._process = Process(
                [*program, *options], cwd=self._folder, talk=True, env=env, family=True
            )
        except OSError as error:
            self._own.close()
            raise DeviceError(f"Renode can't be started: {error}") from error

    @property
    def pid(self) -> int:
        """Renode's process id."""
        return self._process.pid

    def alive(self) -> bool:
        """False once Renode has ended."""
        return self._process.exit_code() is None

    def prepare(self, board: Board, elf: Path) -> Path:
        """Makes the board with its firmware, not yet started; gives where its UART is.

        `sockets` then tells whether that is a socket or a terminal.

        Raises:
            DeviceError: Renode ended, or refused a line; with its words.
        """
        assert board.renode is not None
        if self._sockets is None:
            self._sockets = self._takes_our_terminal()
        self._runs += 1
        uart = self._folder / f"uart{self._runs}"
        script = self._folder / f"run{self._runs}.resc"
        firmware = self._folder / f"run{self._runs}.elf"
        shutil.copyfile(elf, firmware)
        script.write_text(
            f"logFile @{_escaped(self._folder / 'renode.log')}\n"
            "logLevel 3\n"
            f"$elf=@{_escaped(firmware)}\n"
            f"include @{_escaped(board.folder / board.renode.script)}\n"
            f"{(_socket if self._sockets else _pseudo_terminal)('uart', uart)}"
            f"connector Connect {board.renode.uart} uart\n"
        )
        self._say(f"Clear\ninclude @{_escaped(script)}\n")
        self._wait_for(uart, script.name, board.id)
        return uart

    @property
    def sockets(self) -> bool:
        """Renode takes our terminal."""
        return bool(self._sockets)

    def _takes_our_terminal(self) -> bool:
        """Has Renode compile the terminal, and make one."""
        mine, after = self._folder / "mine", self._folder / "after"
        self._say(
            f'python "{_LOAD}"\ninclude @{_escaped(_TERMINAL)}\n'
            f"{_socket('mine', mine)}{_pseudo_terminal('after', after)}"
        )
        self._wait_for(after, after.name, "Renode")
        return mine.exists()

    def _wait_for(self, path: Path, since: str, where: str) -> None:
        """Waits until Renode has made `path`; what it said before `since` is of no interest."""
        deadline = time.monotonic() + START_SECONDS
        begun = False
        while not path.exists():
            output = self._process.output()
            said = output.splitlines()
            begun = begun or since in output  # only its last words are kept
            lines = output.rpartition(since)[2].splitlines() if begun else []
            trouble = [line for line in lines if any(t in line for t in _TROUBLE)]
            if trouble or not self.alive() or time.monotonic() > deadline:
                words = " | ".join((trouble or said)[-3:]) or "nothing"
                raise DeviceError(f"Renode did not make the board; it said: {words}", where=where)
            time.sleep(0.02)

    def spent(self) -> float:
        """Seconds of processor time it has had so far."""
        return self._process.spent()

    def start(self) -> None:
        """Lets the machine run."""
        self._say("start\n")

    def clear(self) -> None:
        """Removes the machine."""
        self._say("Clear\n")

    def words(self) -> str:
        """The last that Renode said, errors of the machine included."""
        log = self._folder / "renode.log"
        errors = log.read_text(errors="replace")[-1000:] if log.is_file() else ""
        return f"{errors}\n{self._process.output()}".strip()

    def end(self) -> None:
        """Ends Renode and removes its files."""
        self._process.end()
        self._own.close()

    def _say(self, text: str) -> None:
        try:
            self._process.say(text)
        except OSError as error:
            raise DeviceError(f"Renode has ended: {self.words()}") from error


_shared: RenodeProcess | None = None


def _renode() -> RenodeProcess:
    """The process of this session: a start costs 4 s, a further machine a fraction of it."""
    global _shared
    if _shared is None or not _shared.alive():
        end_renode()
        _shared = RenodeProcess()
    return _shared


def end_renode() -> None:
    """Ends the shared process, if there is one."""
    global _shared
    if _shared is not None:
        _shared.end()
        _shared = None


atexit.register(end_renode)


@contextlib.contextmanager
def run_renode(board: Board, elf: Path) -> Iterator[SerialBase]:
    """Runs the firmware from reset; gives the open serial port, removes the machine afterwards.

    Raises:
        WrongUse: there is no Renode description of the board.
        ToolMissing, DeviceError: with Renode's own words.
    """
    if board.renode is None:
        where = ", ".join(board.emulators) or "a real one"
        raise WrongUse(f"there is no Renode platform for {board.id}", hint=f"it runs on: {where}")
    if not elf.is_file():
        raise DeviceError("there is no such firmware", where=str(elf))
    renode = _renode()
    try:
        port = _opened(renode, renode.prepare(board, elf), board)
        try:
            renode.start()
            yield port
        except (SerialException, OSError) as error:
            raise DeviceError(
                f"the emulated serial line broke: {error}; Renode said: {renode.words()[-400:]}",
                where=board.id,
            ) from error
        finally:
            port.close()
            with contextlib.suppress(McuError):
                renode.clear()
    except BaseException:
        # Whatever state it is in: the next run gets a fresh one.
        end_renode()
        raise


def _opened(renode: RenodeProcess, uart: Path, board: Board) -> SerialBase:
    if not renode.sockets:
        return open_port(str(uart), board.uart.baud)
    try:
        return SocketPort(connect_unix(uart, _CONNECT_SECONDS), board.id, renode.spent)
    except OSError as error:
        raise DeviceError(f"Renode's UART does not answer: {error}", where=board.id) from error


def _escaped(path: Path) -> str:
    return str(path).replace(" ", "\\ ")


def _socket(name: str, path: Path) -> str:
    return f'emulation CreatePrivateTerminal "{name}" "{path}"\n'


def _pseudo_terminal(name: str, link: Path) -> str:
    return f'emulation CreateUartPtyTerminal "{name}" "{link}" true\n'
