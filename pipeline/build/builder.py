"""build: Project -> Image, by `pio run`."""

from __future__ import annotations

import json
import shutil
from configparser import ConfigParser
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from pipeline import tools
from pipeline.board import Board
from pipeline.build.core import setup_core
from pipeline.build.fit import check_linked, overflow_error
from pipeline.build.image import Image
from pipeline.build.parts import MAP, flash_parts
from pipeline.build.pio import PioTimeout, run_pio
from pipeline.build.sizes import read_sizes
from pipeline.errors import StepFailed, ToolMissing, WrongUse
from pipeline.progress import Progress, silent
from pipeline.render import Project, localise, offline
from pipeline.run import read_as, write_atomically

BUILD_SECONDS = 300.0
# The registry's packages (compilers of 100 MB and more) are fetched once; TensorFlow Lite
# Micro takes minutes to compile.
LONG_SECONDS = 1800.0
_FIRMWARE = "firmware.elf"


def build(
    project: Project,
    board: Board,
    *,
    out: Path | None = None,
    core_dir: Path | None = None,
    timeout: float | None = None,
    progress: Progress = silent,
) -> Image:
    """Runs `pio run` and reads the sizes of what it links.

    Args:
        project: what `render` wrote.
        board: its board.
        out: folder that gets firmware.elf and image.json; the project's parent by default.
        core_dir: PlatformIO's core directory; `default_core_dir()` by default.
        timeout: seconds before the build is given up.
        progress: called about once a second.

    Raises:
        ToolMissing: compiler or PlatformIO is not installed, or the framework out of reach.
        DoesNotFit: flash or RAM overflows.
        StepFailed: the compiler's own lines, or the time limit.
    """
    without_registry = offline()
    if without_registry:
        if board.platformio.framework:
            raise ToolMissing(
                f"the {board.platformio.framework} core comes from PlatformIO's registry, which "
                "can't be reached",
                where=board.id,
                hint="connect this machine to the network, or take a bare-metal board",
            )
        require_compiler(board)
    localise(project, without_registry)
    core = setup_core(core_dir)
    library = project.engine == "tflm"
    quick = without_registry and not library
    limit = timeout or (BUILD_SECONDS if quick else LONG_SECONDS)
    try:
        code, output = run_pio(
            ["run", "--disable-auto-clean"],
            cwd=project.path,
            core=core,
            seconds=limit,
            keep_objects=library,
            tick=lambda passed: progress("build", passed, 0, "pio run"),
        )
    except PioTimeout as error:
        raise StepFailed(f"pio run {error}", where=str(project.path), hint=error.lines) from error
    if code != 0:
        raise _build_error(board, project, output)
    linked = project.path / ".pio" / "build" / board.id / "firmware.elf"
    check_linked(board, read_sizes(linked))
    folder = out or project.path.parent
    return make_image(linked, board, folder, compiler_flags(project), project.path / MAP)


def compiler_flags(project: Project) -> str:
    """The project's compiler flags; include folders and macros left out."""
    ini = ConfigParser(interpolation=None, strict=False)
    ini.read(project.path / "platformio.ini", encoding="utf-8")
    flags = ini.get(f"env:{project.board}", "build_flags", fallback="").split()
    return " ".join(flag for flag in flags if not flag.strip("'\"").startswith(("-I", "-D", "-Wl")))


def make_image(
    linked: Path, board: Board, folder: Path, flags: str = "", linker_map: Path | None = None
) -> Image:
    """Copies the ELF to folder/firmware.elf and writes folder/image.json beside it.

    Args:
        linked: the ELF as the linker left it.
        board: its board.
        folder: where the two files go.
        flags: what it was compiled with, for the report.
        linker_map: what tells the parts of flash apart.
    """
    sizes = read_sizes(linked)
    folder.mkdir(parents=True, exist_ok=True)
    elf = folder / _FIRMWARE
    image = Image(
        elf=elf,
        board=board.id,
        flash_bytes=sizes.flash,
        flash_code_bytes=sizes.flash - sizes.model,
        flash_model_bytes=sizes.model,
        ram_bytes=sizes.ram,
        arena_bytes=sizes.arena,
        sections=sizes.sections,
        symbols=sizes.symbols,
        environment={
            "compiler": sizes.compiler,
            "flags": flags,
            "platformio": version("platformio"),
        },
        parts=flash_parts(linker_map, sizes.sections, sizes.stored, sizes.model)
        if linker_map
        else {},
        heap=sizes.heap,
    )
    write_atomically(elf, linked.read_bytes())
    document = {**asdict(image), "elf": elf.name}
    write_atomically(folder / "image.json", json.dumps(document, indent=2) + "\n")
    return image


def load_image(path: Path) -> Image:
    """Reads image.json (or a folder that holds one) back.

    Raises:
        StepFailed: it is missing or was not written by `make_image`.
    """
    file = path / "image.json" if path.is_dir() else path
    try:
        return read_as(Image, file, "build", elf=file.with_name(_FIRMWARE))
    except WrongUse as error:
        raise StepFailed(
            f"is not an image: {error.what}", where=str(file), hint=error.hint
        ) from error


def require_compiler(board: Board) -> str:
    """Path of the board's compiler.

    Raises:
        ToolMissing: naming the command that installs it.
    """
    program = f"{board.toolchain}-gcc"
    found = shutil.which(program)
    if found is None:
        raise ToolMissing(
            f"{program} is not installed",
            where=board.id,
            hint=tools.install_command(program),
        )
    return found


def _build_error(board: Board, project: Project, output: str) -> StepFailed:
    overflow = overflow_error(board, output)
    if overflow is not None:
        raise overflow
    lines = [
        line
        for line in output.splitlines()
        if (" error:" in line or "undefined reference" in line or "Error" in line)
        and "*** [" not in line
        and not line.startswith("=")
    ]
    shown = lines[:8] or output.splitlines()[-8:]
    return StepFailed(
        "the firmware does not build:\n" + "\n".join(f"    {line}" for line in shown),
        where=str(project.path),
        hint="`pio run -v` there shows the whole output",
    )
