"""render: Program or FlatModel + Board -> Project, a PlatformIO project that stands alone."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline import scratch
from pipeline.board import Board, load_board
from pipeline.codegen.program import Program
from pipeline.errors import StepFailed, WrongUse
from pipeline.render.project import Golden, Project
from pipeline.render.registry import offline as registry_offline
from pipeline.render.tflm import Tflm
from pipeline.resources import FIRMWARE
from pipeline.run import write_atomically

_SOURCE_SUFFIXES = (".c", ".h", ".inc", ".S", ".cc", ".cpp")
# The C library's variants to link; avr-libc has none, and brings its own start-up.
_NEWLIB_NANO = ["--specs=nano.specs", "--specs=nosys.specs"]
LOCAL_INI = "platformio.local.ini"
# Below this much RAM the monitor's frames and its window of chunks are as small as they go.
_SMALL_RAM_BYTES = 8 * 1024
_SMALL_MONITOR: dict[str, int | str] = {"MONITOR_CHUNK_BYTES": 64, "MONITOR_WINDOW_CHUNKS": 8}


def render(
    board: Board,
    *,
    name: str,
    out: Path,
    program: Program | None = None,
    c_array: Sequence[Path] = (),
    engine: str = "aot",
    tflm: Tflm | None = None,
    sha256: str = "",
    defines: Mapping[str, int | str] | None = None,
    golden: Golden | None = None,
    offline: bool | None = None,
) -> Project:
    """Writes the project to `out`; an earlier project there is replaced, its build kept.

    Args:
        board: the board to render for.
        name: the model's name, a C identifier.
        out: folder of the project.
        program: generated C (aot).
        c_array: model_data.h and .c (tflm).
        engine: "aot" or "tflm", a folder of firmware/engines.
        tflm: what the project needs of TensorFlow Lite Micro (tflm).
        sha256: of the .tflite, for the README.
        defines: further macros; text values become C strings.
        golden: a sample for the project's test (`pio test`); without one it has none.
        offline: write platformio.local.ini, which builds with the compilers on PATH; None
            asks whether PlatformIO's registry can be reached.

    Raises:
        WrongUse: `out` holds something that is not a project of ours.
        StepFailed: a file of the firmware is missing.
    """
    if out.is_symlink():
        out.unlink()  # whatever it points to is no project of ours
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not _is_project(out))):
        raise WrongUse(
            "is there already and is no PlatformIO project",
            where=str(out),
            hint="name another folder, or remove it",
        )
    files = _files(board, name, program, c_array, engine, tflm, sha256, defines or {}, golden)
    out.parent.mkdir(parents=True, exist_ok=True)
    with scratch.taking_the_place_of(out) as temporary:
        fresh = temporary / "new"
        for path, text in files.items():
            target = fresh / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode("utf-8"))
        if out.is_dir():
            # The object files are still good: PlatformIO compares contents.
            if (out / ".pio").is_dir():
                (out / ".pio").rename(fresh / ".pio")
            out.rename(temporary / "old")
        fresh.rename(out)
    project = Project(path=out, board=board.id, engine=engine, name=name)
    localise(project, registry_offline() if offline is None else offline)
    return project


def localise(project: Project, offline: bool) -> None:
    """Writes platformio.local.ini where the registry can't be reached, else removes it."""
    path = project.path / LOCAL_INI
    if not offline:
        path.unlink(missing_ok=True)
        return
    text = _environment().get_template(f"templates/{LOCAL_INI}.j2")
    platform = (FIRMWARE / "platform").as_posix()
    content = text.render(board=load_board(project.board), platform=platform).encode()
    if path.is_symlink() or not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def _is_project(folder: Path) -> bool:
    return (folder / "platformio.ini").is_file()


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FIRMWARE),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # C, not HTML
    )


def _files(
    board: Board,
    name: str,
    program: Program | None,
    c_array: Sequence[Path],
    engine: str,
    tflm: Tflm | None,
    sha256: str,
    extra: Mapping[str, int | str],
    golden: Golden | None = None,
) -> dict[str, str]:
    """Path in the project -> text, all of it."""
    settings = _port_settings(board)
    files = _sources(board, program, c_array, engine)
    if tflm is not None:
        files["src/network/tflm_model.h"] = ""
    includes = sorted({str(PurePosixPath(path).parent)[4:] for path in files if _is_header(path)})
    small = _SMALL_MONITOR if board.ram.bytes < _SMALL_RAM_BYTES else {}
    numbers = {
        **small,
        **board.defines,
        "PORT_CLOCK_HZ": board.clock_hz,
        "PORT_BAUD": board.uart.baud,
    }
    texts: dict[str, str] = {}
    for key, value in extra.items():
        if isinstance(value, str):
            texts[key] = value
        else:
            numbers[key] = value
    context = {
        "board": board,
        "name": name,
        "engine": engine,
        "sha256": sha256,
        "includes": includes,
        "defines": [(key, _c_number(value)) for key, value in numbers.items()],
        "texts": list(texts.items()),
        "tflm": tflm,
        "golden": golden,
        "linker": "linker" in settings,
        "specs": json.dumps([] if board.toolchain == "avr" else _NEWLIB_NANO),
        "start": "" if board.toolchain == "avr" else '"-nostartfiles", ',
        "goal": "-Os" if board.toolchain == "avr" else "-O2",
    }
    jinja = _environment()

    def fill(template: str) -> str:
        return jinja.get_template(template).render(context)

    arduino = board.platformio.framework == "arduino"
    files["platformio.ini"] = fill(f"templates/{'arduino' if arduino else 'platformio'}.ini.j2")
    files["README.md"] = fill("templates/README.md.j2")
    files[".gitignore"] = fill("templates/gitignore.j2")
    if not arduino:  # Arduino cores bring their own flags and main()
        files["scripts/link.py"] = fill("templates/link.py.j2")
        files["src/main.c"] = fill("templates/main.c.j2")
        if golden is not None:
            files["test/test_custom_runner.py"] = fill("templates/test_custom_runner.py.j2")
            files["test/test_model/test_model.c"] = fill("templates/test_model.c.j2")
    if tflm is not None:
        files["src/network/tflm_model.h"] = fill("templates/tflm_model.h.j2")
        files["scripts/tflm.py"] = fill("templates/tflm.py.j2")
    if "linker" in settings:
        files["src/port/link.ld"] = fill(f"ports/{settings['linker']}")
    if not board.platformio.board:
        files[f"boards/{board.id}.json"] = _manifest(board)
    return dict(sorted(files.items()))


def _sources(
    board: Board, program: Program | None, c_array: Sequence[Path], engine: str
) -> dict[str, str]:
    files = _folder("monitor", "src/monitor")
    files |= _folder(f"engines/{engine}", "src/engine")
    files["src/engine/engine.h"] = _text(FIRMWARE / "engines" / "engine.h")
    files["src/port/port.h"] = _text(FIRMWARE / "ports" / "port.h")
    files["src/runtime/rom.h"] = _text(FIRMWARE / "runtime" / "rom.h")
    shared = _port_settings(board).get("shared", [])
    assert isinstance(shared, list)
    for family in (*shared, board.port):
        files |= _folder(f"ports/{family}", "src/port")
    if program is not None:
        for file, text in program.sources.items():
            files[f"src/network/{file}"] = text
        for file in program.runtime:
            files[f"src/runtime/{file}"] = _text(FIRMWARE / "runtime" / file)
    for path in c_array:
        files[f"src/network/{path.name}"] = _text(path)
    return files


def _port_settings(board: Board) -> dict[str, object]:
    return tomllib.loads(_text(FIRMWARE / "ports" / board.port / "port.toml"))


def _folder(source: str, target: str) -> dict[str, str]:
    return {
        f"{target}/{path.name}": _text(path)
        for path in sorted((FIRMWARE / source).glob("*"))
        if path.suffix in _SOURCE_SUFFIXES
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise StepFailed(f"can't be read: {error.strerror}", where=str(path)) from error


def _is_header(path: str) -> bool:
    return path.endswith((".h", ".inc"))


def _c_number(value: int | str) -> str:
    """Addresses in hexadecimal, counts in decimal; both unsigned where that matters."""
    if isinstance(value, str):
        return value
    return f"0x{value:08X}u" if value >= 0x1000_0000 and value % 16 == 0 else f"{value}u"


def _manifest(board: Board) -> str:
    """PlatformIO's manifest for a board that its registry does not have."""
    manifest = {
        "name": board.name,
        "vendor": board.name.split()[0],
        "url": "",
        "platforms": [board.platformio.platform.split("@")[0], "mcu_local"],
        "build": {
            "core": "",
            "cpu": board.core,
            "f_cpu": f"{board.clock_hz}L",
            "mcu": board.platformio.mcu,
        },
        "upload": {
            "maximum_ram_size": board.ram.bytes,
            "maximum_size": board.flash.bytes,
            "protocols": list(board.platformio.upload),
        },
    }
    return json.dumps(manifest, indent=2) + "\n"
