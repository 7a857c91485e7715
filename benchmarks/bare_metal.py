"""Builds generated networks for bare cores in QEMU and counts their instructions.

Smaller than a rendered project: no monitor, no serial link; inputs are compiled in, outputs and
counts come back by semihosting, or by the UART on RISC-V. One instruction is one virtual
nanosecond (-icount shift=0). On Arm SysTick counts 25 or 32 MHz, so figures are exact to 40
instructions; on RISC-V `minstret` is exact. They repeat on any machine.
A Cortex-M0+ build runs on the Cortex-M3 machine, which executes every instruction of it.
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
FLAGS = ["-O2", "-ffunction-sections", "-fdata-sections", "-std=c11"]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]


@dataclass(frozen=True)
class Core:
    """How to build for a core and to run it.

    Attributes:
        prefix: of the compiler's name.
        flags: architecture.
        specs: of the C library.
        qemu: program and machine.
        header: C of print(), number of ticks, start and end.
        features: as `Target` names them.
        flash, ram: first addresses.
        ram_size: of the machine, as ld writes it.
    """

    prefix: str
    flags: tuple[str, ...]
    specs: str
    qemu: tuple[str, ...]
    header: str
    flash: str
    ram: str
    ram_size: str = "4M"
    features: frozenset[str] = frozenset()


_ARM = r"""
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)

static void semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char *text) { semihost(4, text); }

static void quit(void)
{
    const uint32_t reason[2] = {0x20026, 0};
    semihost(0x18, (const void *)reason[0]);
    for (;;) {
    }
}

static void start(void)
{
    SYST_RVR = 0xFFFFFF;
    SYST_CVR = 0;
    SYST_CSR = 5;
}

static uint32_t ticks(void) { return SYST_CVR; }
static uint32_t elapsed(uint32_t from, uint32_t to) { return ((from - to) & 0xFFFFFFu) * @TICK@; }

#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
#define ENABLE() (CPACR |= 0xFu << 20)
#else
#define ENABLE() ((void)0)
#endif

extern uint32_t stack_top;
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
    (void *)fault,
};
"""

_RISCV = r"""
#define UART_DATA (*(volatile uint8_t *)0x10000000u)
#define TEST (*(volatile uint32_t *)0x100000u)
#define ENABLE() ((void)0)

static void print(const char *text)
{
    while (*text) {
        UART_DATA = (uint8_t)*text++;
    }
}

static void quit(void)
{
    TEST = 0x5555;
    for (;;) {
    }
}

static void start(void)
{
    /* csrw mtvec, t0; written so as not to need Zicsr. */
    __asm__ volatile("la t0, trap\n\t.insn i 0x73, 1, x0, t0, 0x305" ::: "t0");
}

static uint32_t ticks(void)
{
    uint32_t x;
    /* csrr %0, minstret */
    __asm__ volatile(".insn i 0x73, 2, %0, x0, -0x4FE" : "=r"(x));
    return x;
}

static uint32_t elapsed(uint32_t from, uint32_t to) { return to - from; }
__asm__(".section .vectors,\"ax\"\n.globl _start\n_start:\n\tla sp, stack_top\n\tj reset\n"
        ".align 2\ntrap: j fault\n.text\n");
"""

_MAIN = r"""
#include <stdint.h>
#include <string.h>
#include "network.h"
#include "inputs.h"

void fault(void);
void reset(void);
@HEADER@
extern uint32_t data_start, data_end, data_load, bss_start, bss_end;

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

static void row(const char *name, uint32_t before, uint32_t after)
{
    print(name);
    number(elapsed(before, after));
    print("\n");
}

void fault(void)
{
    print("fault\n");
    quit();
}

int main(void)
{
    start();
    network_reset();
    const int8_t *next = inputs;
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        for (uint32_t i = 0; i < NETWORK_INPUTS; i++) {
            memcpy(network_inputs[i].data, next, network_inputs[i].bytes);
            next += network_inputs[i].bytes;
        }
        uint32_t before = ticks();
        network_run();
        row("run ", before, ticks());
        for (uint32_t i = 0; i < NETWORK_OUTPUTS; i++) {
            print("out ");
            hex(network_outputs[i].data, network_outputs[i].bytes);
            print("\n");
        }
    }
    for (uint32_t i = 0; i < NETWORK_LAYERS; i++) {
        uint32_t before = ticks();
        network_layers[i]();
        row("layer ", before, ticks());
    }
    quit();
    return 0;
}

void reset(void)
{
    ENABLE();
    memcpy(&data_start, &data_load, (uintptr_t)&data_end - (uintptr_t)&data_start);
    memset(&bss_start, 0, (uintptr_t)&bss_end - (uintptr_t)&bss_start);
    main();
}
"""

_LINK = """
MEMORY { flash (rx) : ORIGIN = @FLASH@, LENGTH = 4M  ram (rwx) : ORIGIN = @RAM@, LENGTH = @SIZE@ }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.srodata*) } > flash
  .ARM.exidx : { *(.ARM.exidx*) } > flash
  .data : { data_start = .; *(.data*) *(.sdata*) . = ALIGN(4); data_end = .; } > ram AT > flash
  data_load = LOADADDR(.data);
  .bss (NOLOAD) : {
    . = ALIGN(16); bss_start = .; *(.bss*) *(.sbss*) *(COMMON) . = ALIGN(4); bss_end = .;
  } > ram
  stack_top = ORIGIN(ram) + LENGTH(ram);
}
"""


def _arm(
    machine: str, *flags: str, tick: str = "40u", ram_size: str = "4M", features: str = ""
) -> Core:
    """`tick`: nanoseconds of a count of SysTick, in C."""
    return Core(
        prefix="arm-none-eabi-",
        flags=("-mthumb", *flags),
        specs="nano.specs",
        qemu=("qemu-system-arm", "-M", machine),
        header=_ARM.replace("@TICK@", tick),
        flash="0",
        ram="0x20000000",
        ram_size=ram_size,
        features=frozenset(features.split()),
    )


CORES = {
    "cortex-m4": _arm(
        "mps2-an386",
        "-mcpu=cortex-m4",
        "-mfloat-abi=hard",
        "-mfpu=fpv4-sp-d16",
        features="dsp fpu",
    ),
    "cortex-m7": _arm(
        "mps2-an500",
        "-mcpu=cortex-m7",
        "-mfloat-abi=hard",
        "-mfpu=fpv5-sp-d16",
        features="dsp fpu",
    ),
    "cortex-m3": _arm("mps2-an385", "-mcpu=cortex-m3"),
    "cortex-m0plus": _arm("mps2-an385", "-mcpu=cortex-m0plus"),
    # The MPS3 machine runs at 32 MHz.
    "cortex-m55": _arm(
        "mps3-an547",
        "-mcpu=cortex-m55",
        "-mfloat-abi=hard",
        tick="125u / 4u",
        ram_size="512K",
        features="dsp fpu mve",
    ),
    "rv32imc": Core(
        prefix="riscv64-unknown-elf-",
        flags=("-march=rv32imc", "-mabi=ilp32"),
        specs="picolibc.specs",
        qemu=("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
        header=_RISCV,
        flash="0x80000000",
        ram="0x80400000",
    ),
}
SCALAR = ("cortex-m3", "cortex-m0plus", "rv32imc")
"""Cores without SIMD."""


@dataclass(frozen=True)
class Run:
    """What came back.

    Attributes:
        instructions: of one inference, the most of all samples.
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
        raise RuntimeError(f"{' '.join(map(str, words))}:\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def compiler(core: str) -> str:
    """The compiler's version, as its first line gives it."""
    return _command(f"{CORES[core].prefix}gcc", "--version").splitlines()[0]


def run(program: Program, inputs: NDArray[np.int8], folder: Path, core: str = "cortex-m4") -> Run:
    """Builds for the core, runs every sample in QEMU.

    Args:
        program: generated C.
        inputs: (samples, ...) int8; where there are several, a sample is all of them in a row.
        folder: an empty folder to work in.
        core: a key of CORES.
    """
    c = CORES[core]
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in program.sources.items():
        (folder / name).write_text(text)
    flat = inputs.reshape(-1).tolist()
    (folder / "inputs.h").write_text(
        f"#define SAMPLES {len(inputs)}u\n"
        f"static const int8_t inputs[] = {{{','.join(map(str, flat))}}};\n"
    )
    (folder / "main.c").write_text(_MAIN.replace("@HEADER@", c.header))
    link = _LINK.replace("@FLASH@", c.flash).replace("@RAM@", c.ram).replace("@SIZE@", c.ram_size)
    (folder / "link.ld").write_text(link)
    folders = sorted({(RUNTIME / f).parent for f in program.runtime} | {RUNTIME, folder})
    include = [f"-I{f}" for f in folders]
    objects = []
    sources = [folder / s for s in program.sources if s.endswith(".c")]
    sources += [RUNTIME / f for f in program.runtime if f.endswith(".c")]
    gcc = f"{c.prefix}gcc"
    for number, source in enumerate([*sources, folder / "main.c"]):
        target = folder / f"{number}_{source.stem}.o"
        warnings = [] if source.name == "main.c" else WARNINGS
        _command(
            gcc, f"--specs={c.specs}", *c.flags, *FLAGS, *warnings, *include, "-c", source,
            "-o", target,
        )  # fmt: skip
        objects.append(target)
    elf = folder / "network.elf"
    _command(
        gcc, f"--specs={c.specs}", *c.flags, *FLAGS, *objects, "-nostartfiles",
        "-Wl,--gc-sections", "-T", folder / "link.ld", f"-Wl,-Map,{folder / 'network.map'}",
        "-lm", "-o", elf,
    )  # fmt: skip
    text = _command(
        *c.qemu, "-nographic", "-icount", "shift=0",
        "-semihosting-config", "enable=on,target=native", "-kernel", elf,
    )  # fmt: skip
    if "fault" in text:
        raise RuntimeError("fault")
    counts = [int(n) for n in re.findall(r"^run (\d+)", text, re.M)]
    sizes = _command(f"{c.prefix}size", elf).splitlines()[1].split()
    harness = _command(f"{c.prefix}size", objects[-1]).splitlines()[1].split()
    outputs = re.findall(r"^out ([0-9a-f]*)\r?$", text, re.M)
    each = len(outputs) // len(inputs)
    return Run(
        instructions=max(counts),
        layers=[int(n) for n in re.findall(r"^layer (\d+)", text, re.M)],
        outputs=[
            bytes.fromhex("".join(outputs[i : i + each])) for i in range(0, len(outputs), each)
        ],
        flash=int(sizes[0]) + int(sizes[1]) - int(harness[0]) - int(harness[1]),
    )
