"""What the fields of a board.toml may hold: a board may come from a stranger.

They reach compilers, linker scripts, platformio.ini (where "!" and "$(...)" run commands), QEMU and
Renode. So each field has the characters and words that it needs, and no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.run.inside import is_own_file, read_limited

MOST_BYTES = 1 << 15
# A key of a thousand parts takes tomllib a second.
MOST_LINE = 1000
# Addresses have 32 bits; 64 lets a clock be as fast as it likes.
MOST_ADDRESS = 1 << 32
MOST_INTEGER = 1 << 40
MOST_ITEMS = 64


@dataclass(frozen=True)
class Form:
    """The form of a text.

    Attributes:
        pattern: the whole text matches it.
        words: what it is, for the message.
    """

    pattern: re.Pattern[str]
    words: str

    def holds(self, text: str) -> bool:
        """Whether a text has it; none is longer than 200 characters or has a control in it."""
        fits = self.pattern.fullmatch(text) is not None
        return len(text) <= 200 and text.isprintable() and fits


def _form(pattern: str, words: str) -> Form:
    return Form(re.compile(pattern), words)


PROSE = _form(r".*\S.*", "a line of text")
MAYBE_PROSE = _form(r".*", "a line of text")
ID = _form(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", "letters, digits, '_', '.', '-'")
PART = _form(r"[A-Za-z0-9][A-Za-z0-9 ()_+./-]{0,63}", "a part number")
WORD = _form(r"[A-Za-z0-9][A-Za-z0-9_+.-]{0,63}", "letters, digits, '_', '+', '.', '-'")
MAYBE_WORD = _form(rf"|{WORD.pattern.pattern}", WORD.words)
# -specs=, -fplugin=, -wrapper, -B, @file and the like name programs and files: machine flags don't.
FLAG = _form(r"-m[a-z][a-z0-9-]*(=[A-Za-z0-9_.+-]+)?", "a machine flag such as -mcpu=cortex-m4")
MACRO = _form(r"[A-Z_][A-Z0-9_]{0,63}", "the name of a macro")
MACRO_VALUE = _form(r"[A-Za-z0-9_]{1,64}", "a word or a number")
_VERSION = r"@[~^]?\d+(\.\d+){0,3}([.+-][A-Za-z0-9.+-]+)?"
# No URL, no link, no path: they would bring code from somewhere else.
PACKAGE = _form(rf"([\w-]+/)?[\w-]+({_VERSION})?", "a name and version of PlatformIO's registry")
_ESPTOOL = r"[A-Za-z0-9_.,:=-]+|\$BUILD_DIR/firmware\.(bin|elf|hex)|\$UPLOAD_PORT"
UPLOAD_COMMAND = _form(
    rf"|\$PYTHONEXE -m (esptool|pyocd)( ({_ESPTOOL}))*",
    "'$PYTHONEXE -m esptool' with plain arguments; another command goes into the project",
)
OPENOCD = _form(
    r"|(target|board|interface|chip)/([A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][\w.-]*\.cfg",
    "a file that OpenOCD brings, such as target/stm32f4x.cfg",
)
FRAMEWORK = _form(r"|arduino", "'arduino', or left out")
QEMU_SYSTEM = _form(r"qemu-system-[a-z0-9]{1,20}", "a program such as qemu-system-arm")
# Other properties of machines name files that are read or written.
QEMU_MACHINE = _form(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(,(revb|secure|virtualization)=(on|off|true|false))*",
    "a machine of QEMU, such as mps2-an386",
)
QEMU_OPTIONS = ("-cpu", "-m", "-smp")
QEMU_VALUE = _form(r"[A-Za-z0-9][A-Za-z0-9_.=,+-]{0,63}", "a processor, a size or a number")
RENODE_SCRIPT = _form(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}\.resc", "a file beside board.toml")
RENODE_UART = _form(r"sysbus\.[A-Za-z0-9_]{1,32}", "a peripheral such as sysbus.usart2")

# Renode's scripts can run programs and write files: the lines that make a machine can't.
_RESC = re.compile(
    r"""\s* (
    | (\#|//|:).*
    | using\ sysbus
    | mach\ create ( \ "[\w.-]+" )?
    | machine\ LoadPlatformDescription\ \$ORIGIN/(?P<repl>[\w-]+\.repl)
    | sysbus\ LoadELF\ \$elf
    | (sysbus\.)?cpu\ (PerformanceInMips|VectorTableOffset|PC|SP|MaximumBlockSize)\ [0-9A-Fa-fx]+
    | emulation\ (SetGlobalAdvanceImmediately\ (true|false)|SetGlobalQuantum\ "[0-9.]+")
    ) \s*""",
    re.VERBOSE,
)
_NUMBER = r"(0x[0-9A-Fa-f]+|\d+)"
_SPACE = rf"(<{_NUMBER},\s*\+?{_NUMBER}>|{_NUMBER})"
_TYPES = r"(CPU|Memory|UART|IRQControllers|Timers|Miscellaneous|GPIOPort|SPI|I2C)\.\w+"
_REPL = re.compile(
    rf"""\s* (
    | \w+:\ {_TYPES}\ @\ sysbus ( \ {_SPACE} )?
    | sysbus:
    | init:
    | (priorityMask|systickFrequency|frequency|size|cpuType|nvic|easyDMA|timeProvider|hartId
      |numberOfTargets|numberOfSources|privilegeArchitecture|genericInterruptController):
      \ ( {_NUMBER} | "[\w.+-]+" | [A-Za-z]\w* )
    | ( \w+ | \[[\d,\ ]+\] )? \ *->\ [A-Za-z]\w*@ ( \d+ | \[[\d,\ ]+\] )
    | SilenceRange\ {_SPACE}
    | Tag\ {_SPACE}\ "[\w:.\ -]+" ( \ {_NUMBER} )?
    ) \s* (//.*)?""",
    re.VERBOSE,
)


def strange_line(folder: Path, script: str) -> str:
    """The first line of a Renode script, or of the machine it loads, that does more than that.

    Returns:
        "renode.resc:3: ..." ; "" where there is none.
    """
    for name, allowed in ((script, _RESC), *((n, _REPL) for n in _loaded(folder, script))):
        if not is_own_file(folder, folder / name):
            return f"{name} is no file of this folder"
        text = read_limited(folder / name, MOST_BYTES, follow=False).decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if len(line) > 500 or not allowed.fullmatch(line):
                return f"{name}:{number}: {line.strip()[:80]!r} is more than a machine needs"
    return ""


def _loaded(folder: Path, script: str) -> list[str]:
    if not is_own_file(folder, folder / script):
        return []
    text = read_limited(folder / script, MOST_BYTES, follow=False).decode("utf-8", "replace")
    matches = (_RESC.fullmatch(line) for line in text.splitlines() if len(line) <= 500)
    return [found["repl"] for found in matches if found and found["repl"]]
