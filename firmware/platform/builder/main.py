"""Build script of the local platform: compile, link, upload with the system's tools."""

import shutil
import sys

from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild, Builder, Default, DefaultEnvironment

env = DefaultEnvironment()

PREFIX = env.GetProjectOption("custom_toolchain", "arm-none-eabi") + "-"

env.Replace(
    AR=PREFIX + "gcc-ar" if shutil.which(PREFIX + "gcc-ar") else PREFIX + "ar",
    AS=PREFIX + "gcc",
    CC=PREFIX + "gcc",
    CXX=PREFIX + "g++",
    LINK=PREFIX + "gcc",
    OBJCOPY=PREFIX + "objcopy",
    RANLIB=PREFIX + "ranlib",
    SIZETOOL=PREFIX + "size",
    ARFLAGS=["rc"],
    PROGSUFFIX=".elf",
    PROGNAME="firmware",
    SIZEPRINTCMD="$SIZETOOL $SOURCES",
)

if not shutil.which(PREFIX + "gcc"):
    sys.stderr.write(f"Error: {PREFIX}gcc is not on PATH\n")
    env.Exit(1)

if PREFIX.startswith("riscv64"):
    # Debian's RISC-V compiler comes without a C library; picolibc is a package beside it.
    # ISA spec 2.2 counts the CSR instructions among rv32i, as older compilers do.
    env.Append(
        CCFLAGS=["--specs=picolibc.specs", "-misa-spec=2.2"],
        LINKFLAGS=["--specs=picolibc.specs"],
    )

elf = env.BuildProgram()
to_bin = Builder(
    action=env.VerboseAction("$OBJCOPY -O binary $SOURCE $TARGET", "Building $TARGET"),
    suffix=".bin",
)
to_hex = Builder(
    action=env.VerboseAction("$OBJCOPY -O ihex $SOURCE $TARGET", "Building $TARGET"),
    suffix=".hex",
)
env.Append(BUILDERS={"ToBin": to_bin, "ToHex": to_hex})
env.Replace(SIZETOOL="")

binary = env.ToBin("$BUILD_DIR/firmware", elf)
AlwaysBuild(env.Alias("buildprog", elf))
AlwaysBuild(env.Alias("size", elf, env.VerboseAction("$SIZEPRINTCMD", "Sizes")))

if "upload" in COMMAND_LINE_TARGETS:
    env.Exit(1)
Default([elf])
