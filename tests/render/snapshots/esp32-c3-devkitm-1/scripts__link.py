"""Link flags, after the platform has set its own.

Machine flags from platformio.ini reach the compiler alone, and platforms differ in the
--specs they ask for (GCC refuses the same one twice): here all get the same set.
"""

Import("env")  # noqa: F821

dropped = ("-m", "--specs", "-specs", "-nostartfiles", "-O")
machine = [flag for flag in env["CCFLAGS"] if str(flag).startswith("-m")]  # noqa: F821
given = [str(flag) for flag in env["LINKFLAGS"]]  # noqa: F821
if "--specs=picolibc.specs" in given:
    specs = ["--specs=picolibc.specs"]
else:
    specs = ["--specs=nano.specs", "--specs=nosys.specs"]
kept = [flag for flag in given if not flag.startswith(dropped)]
env.Replace(LINKFLAGS=[*machine, "-O2", "-nostartfiles", *specs, *kept])  # noqa: F821
# Out of a cache of objects the firmware would come without the linker's map.
env.NoCache("$BUILD_DIR/${PROGNAME}.elf")  # noqa: F821
