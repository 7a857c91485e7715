"""Boards of strangers: board.toml and the Renode files beside it, changed.

A board that is taken is rendered: nothing of it may end a line, a string or an argument in what
PlatformIO, the compiler, the linker, QEMU and Renode read.
"""

from __future__ import annotations

import json
import random
import re
import shlex
import sys
import tempfile
from configparser import ConfigParser
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.resources import BOARDS

_TESTS = Path(__file__).resolve().parents[1]
_TEXTS = (
    "!sh -c 'touch canary'", "$(touch canary)", "`touch canary`", "a\\nextra_scripts = pre:x.py",
    "${sysenv.HOME}", "../../x", "/etc/passwd", "-fplugin=/tmp/x.so", "-wrapper sh", "@/etc/passwd",
    "-specs=/tmp/x", "symlink:///tmp/x", "https://example.org/x.zip", "\\u202e", "\\u0000", "", " ",
    "x, file:/tmp/y", "a; b", "a' 'b", 'a\\"b', "%(x)s", "{{ 1 }}", "x" * 10_000, "é",
    "-mcpu=x -B/",
    "migrate exec:sh", "mps2-an386,dumpdtb=x", "renode.resc", "../x.resc", "-mx=$PATH",
    "$PYTHONEXE",
    "$PYTHONEXE -m esptool; sh", "-chardev", "file,path=x", "-mfpu=\\n", "sysbus.x\\nlogFile @x",
)  # fmt: skip
_NUMBERS = ("0", "-1", "1", "0xFFFF_FFFF", "4294967296", "9223372036854775807", "1e400", "nan",
            "9" * 5000, "0b1", "1.5", "true", "1979-05-27", "inf")  # fmt: skip
_LINES = (
    '!sh', 'logFile @/tmp/x', 'python "import os"', "include @x.cs", "using sysbus", "# a remark",
    "machine LoadPlatformDescription @/etc/x.repl", "x: Python.PythonPeripheral @ sysbus 0x0",
    '    script: "import os"', "    filename: @x", "sysbus LoadELF @/etc/passwd", "execute x",
    "mach create", "    size: 0x1000", "i @x.py", "alias x y", "    init add:", "        log \"x\"",
)  # fmt: skip


def make_case(rng: random.Random) -> bytes:
    """The files of a board, one or two of them changed."""
    name = rng.choice(sorted(_boards()))
    files = dict(_boards()[name])
    for _ in range(rng.choice((1, 1, 2, 3))):
        file = "board.toml" if rng.random() < 0.85 else rng.choice(sorted(files))
        files[file] = _changed(rng, files[file], file)
    return json.dumps({"id": name, "files": files}).encode()


def try_case(case: bytes) -> None:
    """Reads the board, renders for it, and looks at what came out."""
    from pipeline.board import read_board
    from pipeline.render import renderer

    found = json.loads(case)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        folder = Path(name) / found["id"]
        folder.mkdir()
        for file, text in found["files"].items():
            (folder / file).write_bytes(text.encode("utf-8", "surrogateescape"))
        board = read_board(folder / "board.toml")
        scripts = [p.read_text() for p in folder.iterdir() if p.name in _used(board, folder)]
    _prepare()
    files = renderer._files(board, "tiny", _program(), (), "aot", None, "0" * 64, {})
    _look_at(files, board)
    for script in scripts:
        if re.search(r"^\s*(!|python|logFile|include|execute|i |alias)|Python\.|script:|@[/.\w]*\.",
                     script, re.M):  # fmt: skip
            raise AssertionError("a Renode file that does more than make a machine")


def _look_at(files: dict[str, str], board: Any) -> None:
    ini = ConfigParser(interpolation=None)
    ini.read_string(files["platformio.ini"])
    if set(ini.sections()) != {"platformio", f"env:{board.id}"}:
        raise AssertionError(f"sections {ini.sections()}")
    strange = set(ini[f"env:{board.id}"]) - _KEYS
    if strange:
        raise AssertionError(f"settings {strange}")
    for key, value in ini[f"env:{board.id}"].items():
        allowed = ("$PYTHONEXE", "$BUILD_DIR", "$UPLOAD_PORT") if key == "upload_command" else ()
        plain = value
        for word in allowed:
            plain = plain.replace(word, "")
        if re.search(r"[!`$;|&]|://", plain):
            raise AssertionError(f"{key} = {value!r}")
        if key == "build_flags":
            for flag in shlex.split(value):
                if not re.match(r"-(O|std=|W|f(function|data)-sections|m|lm|I|D)", flag):
                    raise AssertionError(f"flag {flag!r}")
    if board.qemu is not None:
        for word in (board.qemu.system, board.qemu.machine, *board.qemu.args):
            if re.search(r"[/\s:@]|(file|path|exec|dump)", word):
                raise AssertionError(f"QEMU's {word!r}")
    for name in files:
        if name.startswith("/") or ".." in name:
            raise AssertionError(f"a file {name!r}")


_KEYS = {
    "platform", "platform_packages", "board", "upload_protocol", "upload_command", "monitor_speed",
    "board_build.ldscript", "build_unflags", "build_flags", "extra_scripts", "lib_ldf_mode",
    "test_framework", "test_build_src", "framework",
}  # fmt: skip


def _used(board: Any, folder: Path) -> set[str]:
    if board.renode is None:
        return set()
    text = (folder / board.renode.script).read_text()
    return {board.renode.script, *re.findall(r"\$ORIGIN/([\w-]+\.repl)", text)}


def _changed(rng: random.Random, text: str, file: str) -> str:
    lines = text.splitlines(keepends=True)
    kind = rng.random()
    at = rng.randrange(len(lines)) if lines else 0
    if file != "board.toml" and kind < 0.7:
        lines.insert(at, rng.choice(_LINES) + "\n")
        return "".join(lines)
    if kind < 0.45:  # a value that is a text, or one of a list
        strings = list(re.finditer(r'"[^"\n]*"', text))
        if strings:
            one = rng.choice(strings)
            old = one[0][1:-1]
            new = rng.choice(_TEXTS)
            new = rng.choice((new, old + new, new + old, old + " " + new))
            return f'{text[: one.start()]}"{new}"{text[one.end() :]}'
    if kind < 0.65:
        numbers = list(re.finditer(r"(?<== )[0-9][0-9A-Fa-fx_]*", text))
        if numbers:
            one = rng.choice(numbers)
            return text[: one.start()] + rng.choice(_NUMBERS) + text[one.end() :]
    if kind < 0.72 and lines:
        del lines[at]
    elif kind < 0.79 and lines:
        lines.insert(at, rng.choice(lines))
    elif kind < 0.83:
        return rng.choice(
            ("\ufeff" + text, text.replace("\n", "\r\n"), text[: rng.randrange(len(text) + 1)])
        )
    elif kind < 0.88:
        deep = rng.choice(("[" * 3000, "x = " + "[" * 20_000, "a." * 5000 + "b = 1", "x = '''"))
        lines.insert(at, deep + "\n")
    elif kind < 0.93:
        one, other = rng.choice(_TEXTS), rng.choice(_TEXTS)
        macro = rng.choice(("A", "a b", "A=1", "-x"))
        more = (
            f'args = ["{one}", "{other}"]', f'upload_command = "{one}"', f'openocd = "{one}"',
            f'framework = "{one}"', f'packages = ["{one}"]', f'defines = {{ {macro} = "{one}" }}',
        )  # fmt: skip
        lines.insert(at, rng.choice(more) + "\n")
    else:
        changed = list(text)
        for _ in range(rng.randint(1, 6)):
            where = rng.randrange(len(changed)) if changed else 0
            changed[where : where + 1] = [
                chr(rng.choice((0, 10, 34, 39, 92, 0x7F, 0xE9, rng.randrange(32, 127))))
            ]
        return "".join(changed)
    return "".join(lines)


@cache
def _prepare() -> None:
    """Sources and templates are read once: they are the same for every case."""
    from pipeline.render import renderer

    renderer._text, renderer._folder = cache(renderer._text), cache(renderer._folder)
    renderer._environment = cache(renderer._environment)


@cache
def _boards() -> dict[str, dict[str, str]]:
    return {
        folder.name: {path.name: path.read_text() for path in sorted(folder.iterdir())}
        for folder in sorted(path.parent for path in BOARDS.glob("*/board.toml"))
    }


@cache
def _program() -> Any:
    sys.path.insert(0, str(_TESTS))
    from tiny_program import tiny_program

    return tiny_program()
