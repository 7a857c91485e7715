#!/usr/bin/env python3
"""Stands for Renode in tests: takes the lines the driver sends, speaks on a pseudo-terminal."""

import os
import pty
import sys
import threading
import tty
from pathlib import Path

TERMINALS = []


def serve(master: int) -> None:
    os.write(master, b"m-init-done\r\nm-ready\r\n")
    while True:
        try:
            if b"%" in os.read(master, 100):
                os.write(master, b"m-name-dut-[fake]\r\nm-ready\r\n")
        except OSError:
            return


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def execute(line: str) -> None:
    say(line)
    with Path(os.environ["FAKE_RENODE_LOG"]).open("a") as log:
        log.write(f"{line}\n")
    if line.startswith("include @"):
        path = Path(line[len("include @") :].replace("\\ ", " "))
        for inner in path.read_text().splitlines():
            execute(inner)
    elif "CreateUartPtyTerminal" in line:
        if os.environ.get("FAKE_RENODE_FAILS"):
            say("There was an error executing command: no such peripheral")
            return
        master, slave = pty.openpty()
        tty.setraw(slave)
        Path(line.split('"')[3]).symlink_to(os.ttyname(slave))
        TERMINALS.append(master)
    elif line == "start":
        threading.Thread(target=serve, args=(TERMINALS[-1],), daemon=True).start()


for text in sys.stdin:
    execute(text.strip())
