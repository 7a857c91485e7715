"""Builds generated networks for a bare Cortex-M in QEMU and counts their instructions.

Smaller than a rendered project: no monitor, no serial link; inputs are compiled in, outputs and
counts come back by semihosting. One instruction is one virtual nanosecond (-icount shift=0),
SysTick counts 25 MHz: figures are exact to 40 instructions and repeat.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen import Program

RUNTIME = Path(__file__).parents[1] / "firmware" / "runtime"
CORES = {
    "cortex-m4": ("mps2-an386", ["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]),
    "cortex-m7": ("mps2-an500", ["-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"]),
    "cortex-m3": ("mps2-an385", ["-mcpu=cortex-m3"]),
    "cortex-m55": ("mps3-an547", ["-mcpu=cortex-m55", "-mfloat-abi=hard"]),
}
# Nanoseconds of a SysTick count (the MPS3 machine runs at 32 MHz), bytes of RAM.
_TICK = {"cortex-m55": "125u / 4u"}
_RAM = {"cortex-m55": "512K"}
FLAGS = ["-mthumb", "-O2", "-ffunction-sections", "-fdata-sections", "-std=c11"]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]

_MAIN = r"""
#include <stdint.h>
#include <string.h>
#include "network.h"
#include "inputs.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)

extern uint32_t data_start, data_end, data_load, bss_start, bss_end, stack_top;

static void semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char *text) { semihost(4, text); }

static void number(uint32_t x)
{
    char text[12];
    char *p = text + 11;
    *p = 0;
    do {
        *--p = (char)('0' + x % 10u);
        x /= 10u;
    } while (x != 0u);
    print(p);
}

static void hex(const uint8_t *bytes, uint32_t count)
{
    static const char digits[] = "0123456789abcdef";
    char text[65];
    while (count > 0u) {
        uint32_t n = count < 32u ? count : 32u;
        for (uint32_t i = 0; i < n; i++) {
            text[2 * i] = digits[bytes[i] >> 4];
            text[2 * i + 1] = digits[bytes[i] & 15];
        }
        text[2 * n] = 0;
        print(text);
        bytes += n, count -= n;
    }
}

static void quit(void)
{
    const uint32_t reason[2] = {0x20026, 0};
    semihost(0x18, (const void *)reason[0]);
    for (;;) {
    }
}

void fault(void);
void fault(void)
{
    print("fault\n");
    quit();
}

int main(void)
{
    SYST_RVR = 0xFFFFFF;
    SYST_CVR = 0;
    SYST_CSR = 5;
    network_reset();
    const int8_t *next = inputs;
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        for (uint32_t i = 0; i < NETWORK_INPUTS; i++) {
            memcpy(network_inputs[i].data, next, network_inputs[i].bytes);
            next += network_inputs[i].bytes;
        }
        uint32_t before = SYST_CVR;
        network_run();
        uint32_t after = SYST_CVR;
        print("run ");
        number(((before - after) & 0xFFFFFF) * @TICK@);
        print("\n");
        for (uint32_t i = 0; i < NETWORK_OUTPUTS; i++) {
            print("out ");
            hex(network_outputs[i].data, network_outputs[i].bytes);
            print("\n");
        }
    }
    for (uint32_t i = 0; i < NETWORK_LAYERS; i++) {
        uint32_t before = SYST_CVR;
        network_layers[i]();
        uint32_t after = SYST_CVR;
        print("layer ");
        number(((before - after) & 0xFFFFFF) * @TICK@);
        print("\n");
    }
    quit();
    return 0;
}

void reset(void);
void reset(void)
{
#if defined(__ARM_FP)
    CPACR |= 0xFu << 20;
#endif
    memcpy(&data_start, &data_load, (uintptr_t)&data_end - (uintptr_t)&data_start);
    memset(&bss_start, 0, (uintptr_t)&bss_end - (uintptr_t)&bss_start);
    main();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
    (void *)fault,
};
"""

_LINK = """
ENTRY(reset)
MEMORY { flash (rx) : ORIGIN = 0, LENGTH = 4M  ram (rwx) : ORIGIN = 0x20000000, LENGTH = @RAM@ }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > flash
  .ARM.exidx : { *(.ARM.exidx*) } > flash
  .data : { data_start = .; *(.data*) . = ALIGN(4); data_end = .; } > ram AT > flash
  data_load = LOADADDR(.data);
  .bss (NOLOAD) : {
    . = ALIGN(8); bss_start = .; *(.bss*) *(COMMON) . = ALIGN(4); bss_end = .;
  } > ram
  stack_top = ORIGIN(ram) + LENGTH(ram);
}
"""


@dataclass(frozen=True)
class Run:
    """What came back.

    Attributes:
        instructions: of one inference.
        layers: of each layer.
        outputs: per sample, the bytes of all outputs.
        flash: bytes of code and constants of network and kernels, without this harness;
            library functions (memcpy, ...) that they pull in are included.
    """

    instructions: int
    layers: list[int]
    outputs: list[bytes]
    flash: int


def _command(*words: object) -> str:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{words[0]}:\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def run(program: Program, inputs: NDArray[np.int8], folder: Path, core: str = "cortex-m4") -> Run:
    """Builds for the core, runs every sample in QEMU.

    Args:
        program: generated C.
        inputs: (samples, ...) int8; where there are several, a sample is all of them in a row.
        folder: an empty folder to work in.
    """
    machine, cpu = CORES[core]
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in program.sources.items():
        (folder / name).write_text(text)
    flat = inputs.reshape(-1).tolist()
    (folder / "inputs.h").write_text(
        f"#define SAMPLES {len(inputs)}u\n"
        f"static const int8_t inputs[] = {{{','.join(map(str, flat))}}};\n"
    )
    (folder / "main.c").write_text(_MAIN.replace("@TICK@", _TICK.get(core, "40u")))
    (folder / "link.ld").write_text(_LINK.replace("@RAM@", _RAM.get(core, "4M")))
    parents = sorted({(RUNTIME / f).parent for f in program.runtime} | {RUNTIME, folder})
    include = [f"-I{p}" for p in parents]
    objects = []
    sources = [folder / s for s in program.sources if s.endswith(".c")]
    sources += [RUNTIME / f for f in program.runtime if f.endswith(".c")]
    for source in [*sources, folder / "main.c"]:
        target = folder / f"{source.stem}.o"
        warnings = [] if source.name == "main.c" else WARNINGS
        _command("arm-none-eabi-gcc", *cpu, *FLAGS, *warnings, *include, "-c", source, "-o", target)
        objects.append(target)
    elf = folder / "network.elf"
    _command(
        "arm-none-eabi-gcc", *cpu, *FLAGS, *objects, "-nostartfiles", "--specs=nano.specs",
        "-Wl,--gc-sections", f"-Wl,-T,{folder / 'link.ld'}", f"-Wl,-Map,{folder / 'network.map'}",
        "-lm", "-o", elf,
    )  # fmt: skip
    text = _command(
        "qemu-system-arm", "-M", machine, "-nographic", "-icount", "shift=0",
        "-semihosting-config", "enable=on,target=native", "-kernel", elf,
    )  # fmt: skip
    if "fault" in text:
        raise RuntimeError("fault")
    counts = [int(n) for n in re.findall(r"^run (\d+)", text, re.M)]
    sizes = _command("arm-none-eabi-size", elf).splitlines()[1].split()
    harness = _command("arm-none-eabi-size", folder / "main.o").splitlines()[1].split()
    outputs = re.findall(r"^out ([0-9a-f]*)$", text, re.M)
    each = len(outputs) // len(inputs)
    return Run(
        instructions=max(counts),
        layers=[int(n) for n in re.findall(r"^layer (\d+)", text, re.M)],
        outputs=[
            bytes.fromhex("".join(outputs[i : i + each])) for i in range(0, len(outputs), each)
        ],
        flash=int(sizes[0]) + int(sizes[1]) - int(harness[0]) - int(harness[1]),
    )
