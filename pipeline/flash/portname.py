"""Names of serial ports: what a file may name, and what only a person may.

pyserial opens far more than ports: `spy://` writes files, others log, or import modules. So
there is a list of what is taken, and a run folder of somebody else's gets less of it than who
types a name.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from pipeline.errors import WrongUse

LABGRID = "labgrid:"
# What operating systems call serial devices, and the far ends of pseudo-terminals.
_DEVICES = re.compile(
    r"/dev/(tty[A-Z][A-Za-z]*\d+|rfcomm\d+|(cu|tty)\.[\w.-]+|cua[A-Za-z]?\d+|pts/\d+)"
)
_WINDOWS = re.compile(r"(?:\\\\\.\\)?COM\d{1,3}", re.IGNORECASE)
_PLACE = re.compile(r"[\w.][\w.@/+-]{0,99}")
_NETWORK = re.compile(
    r"(?:socket|rfc2217)://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}(?:\?ign_set_control(?:&timeout=\d{1,3})?)?"
)
_FORMS = "a device such as /dev/ttyACM0 or COM3, labgrid:PLACE, socket://HOST:PORT or rfc2217://HOST:PORT"


def is_network(port: str) -> bool:
    """Whether it names another machine's port rather than a device of this one."""
    return "://" in port


def check_port(port: str, *, typed: bool, where: str = "--port") -> None:
    """Does nothing for the name of a port.

    Args:
        port: the name.
        typed: a person has named it, here and now; else it comes from a file.
        where: what the error names.

    Raises:
        WrongUse: it names something else, or from a file something that only a person may name.
    """
    if _WINDOWS.fullmatch(port):
        return
    if port.startswith(LABGRID):
        if _PLACE.fullmatch(port.removeprefix(LABGRID)):
            return
        raise WrongUse(f"{port!r} names no place", where=where, hint="labgrid:PLACE")
    if is_network(port):
        if not _NETWORK.fullmatch(port):
            raise WrongUse(f"{port!r} is no serial port", where=where, hint=_FORMS)
        if not typed:
            raise WrongUse(
                f"{port!r} is another machine's port, and only named in a file",
                where=where,
                hint=f"if it is yours, say so: --port {port}",
            )
        return
    if "\0" in port or not Path(port).is_absolute():
        raise WrongUse(f"{port!r} is no serial port", where=where, hint=_FORMS)
    # A person may name what is not there; the system then says so.
    if not typed and not _DEVICES.fullmatch(os.path.realpath(port)):
        raise WrongUse(
            f"{port!r} is no serial device, or no longer there",
            where=where,
            hint="`mcu ports` lists the ports; --port names another",
        )


def check_host(host: object, port: object) -> bool:
    """Whether an exporter's host and port are that and nothing more."""
    return bool(_NETWORK.fullmatch(f"socket://{host}:{port}"))
