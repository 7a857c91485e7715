#!/usr/bin/env python3
"""Stands for Renode in tests: takes the lines the driver sends, speaks on the UART's terminal."""

import os
import pty
import socket
import sys
import threading
import tty
from collections.abc import Callable
from pathlib import Path

# How to read from and write to a UART's line, once somebody is there.
Line = tuple[Callable[[int], bytes], Callable[[bytes], object]]
TERMINALS: list[Callable[[], Line]] = []


def private(path: Path) -> Callable[[], Line]:
    server = socket.socket(socket.AF_UNIX)
    part = path.with_suffix(".part")
    server.bind(str(part))
    server.listen(1)
    part.rename(path)

    def accept() -> Line:
        line, _ = server.accept()
        return line.recv, line.sendall

    return accept


def pseudo_terminal(link: Path) -> Callable[[], Line]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    link.symlink_to(os.ttyname(slave))
    return lambda: (
        lambda count: os.read(master, count),
        lambda data: os.write(master, data),
    )


def serve(terminal: Callable[[], Line]) -> None:
    read, write = terminal()
    write(b"m-init-done\r\nm-ready\r\n")
    while True:
        try:
            data = read(100)
        except OSError:
            return
        if not data:
            return
        if b"%" in data:
            write(b"m-name-dut-[fake]\r\nm-ready\r\n")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def execute(line: str) -> None:
    say(line)
    with Path(os.environ["FAKE_RENODE_LOG"]).open("a") as log:
        log.write(f"{line}\n")
    fails = os.environ.get("FAKE_RENODE_FAILS", "")
    if line.startswith("include @"):
        path = Path(line[len("include @") :].replace("\\ ", " "))
        if path.suffix == ".resc":
            for inner in path.read_text().splitlines():
                execute(inner)
    elif fails == "uart" and '"uart"' in line:
        say("There was an error executing command: no such peripheral")
    elif "CreatePrivateTerminal" in line:
        if fails == "compile":
            say("Could not compile assembly from: renode_uart.cs")
        else:
            TERMINALS.append(private(Path(line.split('"')[3])))
    elif "CreateUartPtyTerminal" in line:
        TERMINALS.append(pseudo_terminal(Path(line.split('"')[3])))
    elif line == "start":
        threading.Thread(target=serve, args=(TERMINALS[-1],), daemon=True).start()


for text in sys.stdin:
    execute(text.strip())
