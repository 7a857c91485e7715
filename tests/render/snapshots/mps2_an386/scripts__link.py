"""Link flags, after the platform has set its own.

Machine flags from platformio.ini reach the compiler alone, and platforms differ in the
--specs they ask for (GCC refuses the same one twice): here all get the same set.
"""

Import("env")  # noqa: F821

machine = [flag for flag in env["CCFLAGS"] if str(flag).startswith("-m")]  # noqa: F821
keep = [
    flag
    for flag in env["LINKFLAGS"]  # noqa: F821
    if not str(flag).startswith(("-m", "--specs", "-specs", "-nostartfiles", "-O"))
]
env.Replace(  # noqa: F821
    LINKFLAGS=[*machine, "-O2", "-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", *keep]
)
