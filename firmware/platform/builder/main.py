"""Build script of the local platform: compile, link and upload with the system's own tools.

Options that platformio.local.ini sets: custom_toolchain (the compiler's prefix) and
custom_openocd (OpenOCD's configuration of the chip).
"""

import shutil
import sys

from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild, Builder, Default, DefaultEnvironment

env = DefaultEnvironment()

PREFIX = env.GetProjectOption("custom_toolchain", "arm-none-eabi") + "-"

# Upload protocols that OpenOCD speaks -> its configuration of the probe.
OPENOCD_PROBES = {
    "stlink": ["-f", "interface/stlink.cfg"],
    "cmsis-dap": ["-f", "interface/cmsis-dap.cfg"],
    "jlink": ["-f", "interface/jlink.cfg", "-c", "transport select swd"],
}


def fail(words):
    sys.stderr.write(f"Error: {words}\n")
    env.Exit(1)


def need(program):
    if not shutil.which(program):
        fail(f"{program} is not on PATH (without PlatformIO's registry, tools come from there)")
    return program


def upload_command(protocol):
    """The command line that writes, verifies and restarts."""
    if protocol == "custom":
        return env.GetProjectOption("upload_command", "")
    if protocol == "picotool":
        return f"{need('picotool')} load -v -x $SOURCE -t elf"
    if protocol == "dfu":
        return f"{need('dfu-util')} -a 0 -s 0x08000000:leave -D $BUILD_DIR/firmware.bin"
    if protocol == "arduino":  # the bootloader's, over the serial port; it reads back by itself
        chip = env.GetProjectOption("custom_mcu", "")
        line = f"-p {chip} -c arduino -P $UPLOAD_PORT -b 115200 -D"
        return f"{need('avrdude')} {line} -U flash:w:$BUILD_DIR/firmware.hex:i"
    if protocol in OPENOCD_PROBES:
        chip = env.GetProjectOption("custom_openocd", "")
        if not chip:
            fail(f"no OpenOCD configuration is known for board {env.subst('$BOARD')}")
        probe = OPENOCD_PROBES[protocol]
        if chip.startswith("board/"):
            probe = []  # names its own probe
        words = [need("openocd"), *(f'"{word}"' for word in probe), "-f", chip]
        return " ".join([*words, "-c", '"program {$SOURCE} verify reset exit"'])
    return fail(
        f"upload protocol {protocol} needs PlatformIO's registry; "
        f"here there are {', '.join([*OPENOCD_PROBES, 'arduino', 'dfu', 'picotool'])}"
    )


need(PREFIX + "gcc")
env.Replace(
    AR=PREFIX + ("gcc-ar" if shutil.which(PREFIX + "gcc-ar") else "ar"),
    AS=PREFIX + "gcc",
    CC=PREFIX + "gcc",
    CXX=PREFIX + "g++",
    LINK=PREFIX + "gcc",
    OBJCOPY=PREFIX + "objcopy",
    RANLIB=PREFIX + "ranlib",
    SIZETOOL="",
    ARFLAGS=["rc"],
    PROGSUFFIX=".elf",
    PROGNAME="firmware",
)
if PREFIX.startswith("riscv64"):
    # Debian's RISC-V compiler comes without a C library; picolibc is a package beside it.
    # ISA spec 2.2 counts the CSR instructions among rv32i, as older compilers do.
    env.Append(
        CCFLAGS=["--specs=picolibc.specs", "-misa-spec=2.2"],
        LINKFLAGS=["--specs=picolibc.specs"],
    )
env.Append(
    BUILDERS={
        "ToBin": Builder(
            action=env.VerboseAction("$OBJCOPY -O binary $SOURCE $TARGET", "Building $TARGET"),
            suffix=".bin",
        ),
        "ToHex": Builder(
            action=env.VerboseAction("$OBJCOPY -O ihex $SOURCE $TARGET", "Building $TARGET"),
            suffix=".hex",
        ),
    }
)

elf = env.BuildProgram()
Default([elf])
AlwaysBuild(env.Alias("buildprog", elf))

if "upload" in COMMAND_LINE_TARGETS:
    make = env.ToHex if env.subst("$UPLOAD_PROTOCOL") == "arduino" else env.ToBin
    binary = make("$BUILD_DIR/firmware", elf)
    env.Replace(UPLOADCMD=upload_command(env.subst("$UPLOAD_PROTOCOL")))
    upload = env.VerboseAction("$UPLOADCMD", "Uploading $SOURCE")
    AlwaysBuild(env.Alias("upload", [elf, binary], upload))
