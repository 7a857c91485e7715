"""Runs a command, and kills it with all it has started as soon as a pipe closes.

Run as a script: keeper.py DESCRIPTOR COMMAND..., as the leader of a process group of its own.
It imports nothing of this package.
"""

import os
import signal
import sys
import threading

_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(line: int, command: list[str]) -> int:
    """The command's exit code, or 128 and the number of the signal that ended it."""
    os.set_inheritable(line, False)
    threading.Thread(target=_watch, args=(line,), daemon=True).start()
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)  # they are for the others in the group
    try:
        child = os.posix_spawnp(command[0], command, os.environ, setsigdef=_IGNORED)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        return 127
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os.killpg(0, signal.SIGTERM)  # what it has left behind
    return code if code >= 0 else 128 - code


def _watch(line: int) -> None:
    os.read(line, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
