"""The programs of other makers that a board needs, and the command that brings each.

One table for the errors of build and flash, for `mcu doctor`, and for setup/install.py, which
loads this file alone, before anything is installed: it imports only what Python brings.

What was seen to work are Debian's packages; the other systems' names are from their indices.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Manager -> what stands before the packages.
MANAGERS = {
    "apt": "apt-get install",
    "dnf": "dnf install",
    "pacman": "pacman -S --needed",
    "brew": "brew install",
    "winget": "winget install",
}
# These need an administrator.
_AS_ROOT = ("apt", "dnf", "pacman")
_PROGRAMS = {"apt": "apt-get"}


@dataclass(frozen=True)
class Tool:
    """A program, or a file that comes without one.

    Attributes:
        purpose: who needs it.
        packages: manager -> packages, separated by blanks.
        library: a file that its compiler must find besides, as `-print-file-name` does.
        flags: for which machine it must find it.
        files: patterns; one of them exists where the thing is no program on PATH.
    """

    purpose: str
    packages: dict[str, str]
    library: str = ""
    flags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


TOOLS = {
    "arm-none-eabi-gcc": Tool(
        "boards with an ARM core",
        {
            "apt": "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib",
            "dnf": "arm-none-eabi-gcc-cs arm-none-eabi-gcc-cs-c++ arm-none-eabi-newlib",
            "pacman": "arm-none-eabi-gcc arm-none-eabi-newlib",
            "brew": "gcc-arm-embedded",
            "winget": "Arm.GnuArmEmbeddedToolchain",
        },
        library="nano.specs",
    ),
    "riscv64-unknown-elf-gcc": Tool(
        "boards with a RISC-V core",
        {"apt": "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"},
        library="picolibc.specs",
    ),
    "avr-gcc": Tool(
        "boards with an AVR core",
        {
            "apt": "gcc-avr avr-libc",
            "dnf": "avr-gcc avr-libc",
            "pacman": "avr-gcc avr-libc",
            "brew": "osx-cross/avr/avr-gcc",
        },
        library="libm.a",
        flags=("-mmcu=atmega328p",),
    ),
    "qemu-system-arm": Tool(
        "emulated ARM boards",
        {
            "apt": "qemu-system-arm",
            "dnf": "qemu-system-arm-core",
            "pacman": "qemu-system-arm",
            "brew": "qemu",
            "winget": "SoftwareFreedomConservancy.QEMU",
        },
    ),
    "qemu-system-riscv32": Tool(
        "emulated RISC-V boards",
        {
            "apt": "qemu-system-misc",
            "dnf": "qemu-system-riscv-core",
            "pacman": "qemu-system-riscv",
            "brew": "qemu",
            "winget": "SoftwareFreedomConservancy.QEMU",
        },
    ),
    "qemu-system-avr": Tool(
        "emulated AVR boards",
        {
            "apt": "qemu-system-misc",
            "dnf": "qemu-system-avr-core",
            "pacman": "qemu-system-avr",
            "brew": "qemu",
            "winget": "SoftwareFreedomConservancy.QEMU",
        },
    ),
    "openocd": Tool(
        "flashing boards without PlatformIO's registry",
        {"apt": "openocd", "dnf": "openocd", "pacman": "openocd", "brew": "open-ocd"},
    ),
    "avrdude": Tool(
        "flashing AVR boards without PlatformIO's registry",
        {"apt": "avrdude", "dnf": "avrdude", "pacman": "avrdude", "brew": "avrdude"},
    ),
    "dfu-util": Tool(
        "flashing boards in DFU mode without PlatformIO's registry",
        {"apt": "dfu-util", "dnf": "dfu-util", "pacman": "dfu-util", "brew": "dfu-util"},
    ),
    # What follows is for the tests alone.
    "gcc": Tool("the tests", {"apt": "gcc libc6-dev"}),
    "g++": Tool("the tests", {"apt": "g++"}),
    "clang": Tool(
        "the tests",
        {"apt": "clang libclang-rt-dev"},
        files=("/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a",),
    ),
    "ser2net": Tool("the tests", {"apt": "ser2net"}),
    "postgresql": Tool(
        "the tests", {"apt": "postgresql"}, files=("/usr/lib/postgresql/*/bin/initdb",)
    ),
    "arduino-core-avr": Tool(
        "the tests",
        {"apt": "arduino-core-avr"},
        files=("/usr/share/arduino/hardware/arduino/avr/boards.txt",),
    ),
}
DEMO = ("arm-none-eabi-gcc", "qemu-system-arm")
_UPLOADERS = ("openocd", "avrdude", "dfu-util")
TEST = tuple(name for name in TOOLS if name not in _UPLOADERS)


def installed(name: str) -> bool:
    """Whether a tool is there, with its library.

    Args:
        name: a program; a key of TOOLS or any other.
    """
    tool = TOOLS.get(name)
    if tool is not None and tool.files:
        return any(any(Path("/").glob(pattern[1:])) for pattern in tool.files)
    program = shutil.which(name)
    if program is None or tool is None or not tool.library:
        return program is not None
    try:
        asked = [program, *tool.flags, f"-print-file-name={tool.library}"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    # A compiler that has no such file gives back the bare name.
    return Path(done.stdout.strip()).is_absolute() or "/" in done.stdout.strip()


def manager() -> str:
    """The package manager of this system, a key of MANAGERS; "" where none is known."""
    for name in MANAGERS:
        if shutil.which(_PROGRAMS.get(name, name)):
            return name
    return ""


def install_command(*names: str) -> str:
    """What a person types here to get these tools; what to look for where nobody knows."""
    chosen = manager()
    packages, unknown = packages_of(names, chosen)
    said = []
    if packages:
        sudo = "sudo " if chosen in _AS_ROOT and not is_root() else ""
        said.append(f"{sudo}{MANAGERS[chosen]} {' '.join(packages)}")
    for name in unknown:
        debian = TOOLS[name].packages["apt"] if name in TOOLS else ""
        like = f" (Debian's packages: {debian})" if debian else ""
        said.append(f"install {name} and put it on PATH{like}")
    return "; ".join(said)


def packages_of(names: tuple[str, ...], chosen: str) -> tuple[list[str], list[str]]:
    """Packages without repetition, and the tools for which this manager has none."""
    packages: dict[str, None] = {}
    unknown = []
    for name in names:
        found = TOOLS[name].packages.get(chosen, "") if name in TOOLS else ""
        packages.update(dict.fromkeys(found.split()))
        if not found:
            unknown.append(name)
    return list(packages), unknown


def is_root() -> bool:
    """Whether this process may install packages; never on Windows."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
