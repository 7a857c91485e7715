"""Walls around the process that reads a foreign file: memory, time, files, network.

They stand behind the allow lists, for what those lists or a library's parser get wrong. Limits
of the kernel (setrlimit) hold on every Unix. On Linux two more, set without any privilege:

- Landlock (kernel 5.13 and later): no file can be opened but Python, its libraries and the
  job's own folder; from 6.7 on no TCP either.
- seccomp (x86-64 and AArch64): no sockets, no new programs, no looking into other processes.

Both are a few system calls, made through ctypes: of the packages on PyPI none is kept well (the
Landlock ones are 0.x or development releases of a single person, pyseccomp's last is of 2021 and
asks for a C library). Where a wall can't be built, the others stand: `raise_walls` says which.

Sources: Linux's Documentation/userspace-api/landlock.rst and seccomp_filter.rst.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 1, 38, 22, 2
_SIGKILL = 9
# Landlock's system calls have these numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ABI_QUERY = 1
_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# Rights over files that each version of Landlock knows: 13, then refer, truncate, ioctl.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_OWN_RIGHTS = ((1 << 15) - 1) & ~(1 << 0)  # all but running programs
_NET_RIGHTS = 0b11  # bind and connect over TCP
_SCOPES = 0b11  # abstract Unix sockets, signals to others

# audit's name of the architecture, and the numbers of the calls that are refused:
# socket, socketpair, connect, bind, execve, execveat, ptrace, process_vm_readv,
# process_vm_writev, io_uring_setup, bpf, userfaultfd, keyctl, mount, unshare, kill of others.
_CALLS = {
    "x86_64": (
        0xC000003E,
        (41, 53, 42, 49, 59, 322, 101, 310, 311, 425, 321, 323, 250, 165, 272),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 199, 203, 200, 221, 281, 117, 270, 271, 425, 280, 282, 219, 40, 97),
    ),
}
_EPERM = 1


def raise_walls(folder: Path, *, memory: int, seconds: int) -> tuple[str, ...]:
    """Shut this process in; there is no way back, for it and for all it starts.

    Args:
        folder: the one place it may write to.
        memory: bytes of private memory.
        seconds: of processor time.

    Returns:
        the walls that stand, of "memory", "time", "files", "network".
    """
    standing = list(_limits(memory, seconds))
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
        with contextlib.suppress(OSError):
            _prctl(_PR_SET_NO_NEW_PRIVS, 1)
            with contextlib.suppress(OSError):
                _landlock(folder)
                standing.append("files")
            with contextlib.suppress(OSError):
                _seccomp()
                standing.append("network")
    return tuple(standing)


def _limits(memory: int, seconds: int) -> Sequence[str]:
    try:
        import resource
    except ImportError:  # Windows
        return ()
    done = []
    for name, value, wall in (
        ("RLIMIT_DATA", memory, "memory"),
        ("RLIMIT_CPU", seconds, "time"),
        ("RLIMIT_CORE", 0, ""),
        ("RLIMIT_FSIZE", 2 << 30, ""),
    ):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (most, most))
            if wall:
                done.append(wall)
    return done


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _done(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _prctl(option: int, value: int, more: object = 0) -> None:
    _done(_libc().prctl(option, ctypes.c_ulong(value), more, 0, 0))


def _landlock(folder: Path) -> None:
    libc = _libc()
    version = _done(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ABI_QUERY))
    files = _FILE_RIGHTS[max(known for known in _FILE_RIGHTS if known <= version)]
    attributes = struct.pack(
        "<QQQ", files, _NET_RIGHTS if version >= 4 else 0, _SCOPES if version >= 6 else 0
    )
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = _done(libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0))
    try:
        for path in readable():
            _rule(libc, rules, path, _READ_FILE | _READ_DIR)
        _rule(libc, rules, folder, files & _OWN_RIGHTS)
        for device in (Path("/dev/null"), Path("/dev/urandom")):
            _rule(libc, rules, device, _READ_FILE | (1 << 1))
        _done(libc.syscall(_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


def _rule(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not on this machine
    try:
        if not path.is_dir():
            rights &= ~_READ_DIR & ((1 << 3) - 1 | (1 << 14))
        rule = struct.pack("<Qi", rights, opened)
        _done(libc.syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, 0))
    finally:
        os.close(opened)


def readable() -> list[Path]:
    """Return what Python and TensorFlow read while they work: programs, no one's documents."""
    package = Path(__file__).resolve().parents[1]
    places = [package, *map(Path, (sys.prefix, sys.base_prefix))]
    # Other places that modules come from; of a checkout's top folder only the package is needed.
    places += [Path(p) for p in sys.path if "site-packages" in p or "dist-packages" in p]
    places += [Path(p) for p in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib")]
    places += [Path(p) for p in ("/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime")]
    places += [Path("/proc") / p for p in (str(os.getpid()), "cpuinfo", "meminfo", "stat")]
    places += [Path("/sys/devices/system"), Path("/sys/fs/cgroup")]
    return [p for p in places if p.exists()]


def _seccomp() -> None:
    machine = platform.machine()
    if machine not in _CALLS or sys.maxsize < 1 << 32:
        raise OSError(f"no list of calls for {machine}")
    architecture, refused = _CALLS[machine]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    kill, error, allow = 0x80000000, 0x00050000 | _EPERM, 0x7FFF0000
    program = [
        (load, 0, 0, 4),  # the architecture
        (equal, 1, 0, architecture),
        (answer, 0, 0, kill),
        (load, 0, 0, 0),  # the call's number
    ]
    if machine == "x86_64":  # x32 numbers the same calls anew
        program += [(at_least, 0, 1, 0x40000000), (answer, 0, 0, error)]
    for number in refused:
        program += [(equal, 0, 1, number), (answer, 0, 0, error)]
    program.append((answer, 0, 0, allow))
    code = b"".join(struct.pack("<HBBI", *step) for step in program)
    held = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(
        struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(held)), 16
    )
    _prctl(_PR_SET_SECCOMP, _FILTER_MODE, header)
