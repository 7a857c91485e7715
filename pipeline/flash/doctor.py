"""doctor: what this machine has for building, flashing and emulating, and what it lacks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

from pipeline import tools
from pipeline.build.core import default_core_dir, setup_core
from pipeline.errors import McuError, ToolMissing
from pipeline.flash.check import Check
from pipeline.flash.renode import renode_program
from pipeline.flash.serialport import ports
from pipeline.render.registry import REGISTRY_HOST, registry_reachable

_PROGRAMS = (
    "arm-none-eabi-gcc", "qemu-system-arm", "riscv64-unknown-elf-gcc", "avr-gcc",
    "qemu-system-riscv32", "qemu-system-avr", "openocd",
)  # fmt: skip


def doctor() -> tuple[Check, ...]:
    """Looks at compilers, PlatformIO, emulators, serial ports and the registry (under 3 s)."""
    programs = [_program(name) for name in _PROGRAMS]
    return (*programs, _platformio(), _core_dir(), _renode(), _serial_permission(), _registry())


def _program(name: str) -> Check:
    path = shutil.which(name)
    hint = f"for {tools.TOOLS[name].purpose}: {tools.install_command(name)}"
    if path is None:
        return Check(name, False, "not on PATH", hint)
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, False, f"{path} does not run: {error}", hint)
    number = re.search(r"\d+\.\d+(\.\d+)?", re.sub(r"\(.*?\)", "", done.stdout + done.stderr))
    return Check(name, True, f"{number[0] if number else '?'} ({path})")


def _platformio() -> Check:
    try:
        return Check("platformio", True, f"{version('platformio')}, SCons {version('scons')}")
    except PackageNotFoundError as error:
        hint = "pip install platformio==6.2.0 scons==4.11.1"
        return Check("platformio", False, f"no Python package {error.name}", hint)


def _core_dir() -> Check:
    core = default_core_dir()
    try:
        setup_core(core)
    except (McuError, OSError) as error:
        return Check("PlatformIO core dir", False, str(error), "set MCU_CORE_DIR to a folder")
    return Check("PlatformIO core dir", True, str(core))


def _renode() -> Check:
    try:
        return Check("renode", True, renode_program())
    except ToolMissing as error:
        return Check("renode", False, error.what, f"only for --on renode: {error.hint}")


def _serial_permission() -> Check:
    name = "serial ports"
    found = ports()
    locked = [port.device for port in found if not os.access(port.device, os.R_OK | os.W_OK)]
    if locked:
        hint = "sudo usermod -aG dialout $USER, then log in again"
        return Check(name, False, f"no permission for {', '.join(locked)}", hint)
    if found:
        return Check(name, True, ", ".join(port.device for port in found))
    return Check(name, True, f"none connected; {_dialout()}")


def _dialout() -> str:
    try:
        import grp
    except ImportError:  # not a Unix: no groups that guard serial ports
        return "you may open them"
    try:
        group = grp.getgrnam("dialout").gr_gid
    except KeyError:
        return "no group dialout here"
    member = tools.is_root() or group in os.getgroups()
    return "you may open them" if member else "you are not in the group dialout"


def _registry() -> Check:
    if registry_reachable():
        return Check("PlatformIO registry", True, f"{REGISTRY_HOST} answers")
    hint = "not needed: the compilers on PATH build instead"
    return Check("PlatformIO registry", False, f"{REGISTRY_HOST} can't be reached", hint)
