"""Which core a chip has, by its name as PlatformIO writes it, and what follows from the core.

PlatformIO's manifests name the core of most Arm chips; its registry names only the chip.
"""

from __future__ import annotations

import re

# The makers' product pages: family names at the start of the part number.
_FAMILIES = (
    (r"stm32f0", "cortex-m0"),
    (r"stm32(f1|f2|l1)", "cortex-m3"),
    (r"stm32(f3|f4|g4|l4|wb(?!a)|wl)", "cortex-m4"),
    (r"stm32(f7|h7)", "cortex-m7"),
    (r"stm32(g0|l0|c0|u0|wb0)", "cortex-m0plus"),
    (r"stm32(l5|u5|h5|wba)", "cortex-m33"),
    (r"nrf51", "cortex-m0"),
    (r"nrf52", "cortex-m4"),
    (r"(nrf53|nrf91)", "cortex-m33"),
    (r"rp2040", "cortex-m0plus"),
    (r"rp2350", "cortex-m33"),
    (r"(at)?sam(d21|d10|d11|l21|c21|r21)", "cortex-m0plus"),
    (r"(at)?sam(d51|e5|g55)", "cortex-m4"),
    (r"(at91sam|sam|atsam)3", "cortex-m3"),
    (r"(ra4m1|r7fa4m1)", "cortex-m4"),
    (r"(imxrt|mimxrt)", "cortex-m7"),
    (r"mk20d", "cortex-m4"),
    (r"(mk64f|mk66f)", "cortex-m4"),
    (r"(atmega|attiny|at90|avr\d)", "avr"),
    (r"esp32(c2|c3)", "rv32imc"),
    (r"esp32(c5|c6|h2)", "rv32imac"),
    (r"esp32(s2|s3)", "xtensa-lx7"),
    (r"esp32$", "xtensa-lx6"),
    (r"esp8266", "xtensa-lx106"),
    (r"gd32vf103", "rv32imac"),
    (r"fe310", "rv32imac"),
)
_CORTEX_M = ("0", "0plus", "1", "3", "4", "7", "23", "33", "55", "85")


def core_of(cpu: str, mcu: str) -> str:
    """The core's name as in board.toml; "" where it is not known.

    Args:
        cpu: the manifest's build.cpu, or "".
        mcu: the manifest's build.mcu.
    """
    if cpu.lower().replace("+", "plus").removeprefix("cortex-m") in _CORTEX_M:
        return cpu.lower().replace("+", "plus")
    for pattern, core in _FAMILIES:
        if re.match(pattern, mcu.lower()):
            return core
    return ""


def features_of(core: str) -> tuple[str, ...]:
    """What every chip of that core has; options such as an FPU are not guessed."""
    if core in ("cortex-m4", "cortex-m7"):
        return ("dsp",)
    return ("mul",) if core.startswith("rv32im") else ()


def toolchain_of(core: str) -> str:
    """Prefix of the compiler."""
    if core == "avr":
        return "avr"
    if core.startswith("rv32"):
        return "riscv64-unknown-elf"
    return "xtensa-esp-elf" if core.startswith("xtensa") else "arm-none-eabi"


def flags_of(core: str, mcu: str) -> tuple[str, ...]:
    """Machine flags."""
    if core == "avr":
        return (f"-mmcu={mcu}",)
    if core.startswith("rv32"):
        return (f"-march={core}", "-mabi=ilp32")
    return () if core.startswith("xtensa") else (f"-mcpu={core}", "-mthumb")
