"""A board from PlatformIO's own manifest: writes its board.toml, for the `arduino` port.

The manifest comes from a platform that is installed, a file, or the registry through `pio boards`.
What it does not tell (addresses, an FPU) is left out: the Arduino core's own linker script and
flags decide there.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline import scratch
from pipeline.board.cores import core_of, features_of, flags_of, toolchain_of
from pipeline.board.description import TOOLCHAINS, Board, boards, read_board, user_folder
from pipeline.board.manifest import Manifest, manifest_file
from pipeline.errors import WrongUse
from pipeline.resources import BOARDS

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# What uploads where neither manifest nor registry says: the platforms' own defaults.
_UPLOAD = {
    "atmelavr": "arduino",
    "espressif32": "esptool",
    "espressif8266": "esptool",
    "atmelsam": "sam-ba",
    "raspberrypi": "picotool",
    "renesas-ra": "dfu",
    "ststm32": "stlink",
    "teensy": "teensy-cli",
}


def add_board(
    pio_id: str,
    *,
    look_up: Callable[[str], Manifest],
    manifest: Path | None = None,
    platform: str = "",
    name: str = "",
) -> Board:
    """Writes boards/<id>/board.toml for one of PlatformIO's Arduino boards, and reads it back.

    The folder is $MCU_BOARDS where that is set, else the checkout's own.

    Args:
        pio_id: PlatformIO's id.
        look_up: finds the manifest of an id, as `pipeline.build.pio_boards.look_up` does.
        manifest: the manifest's file; then nothing is looked up.
        platform: PlatformIO's platform, where the manifest does not tell it.
        name: our id; PlatformIO's by default.

    Raises:
        WrongUse: a bad id or manifest, no Arduino core, a core unknown here, or there is
            such a board.
        StepFailed: it is not installed, and the registry can't be reached.
    """
    board_id = name or pio_id
    for given in (pio_id, board_id):
        if not _ID.fullmatch(given):
            raise WrongUse(f"{given!r} is no board id", hint="letters, digits, '_', '-' and '.'")
    folder = _folder()
    target = folder / board_id
    if board_id in boards() or target.exists():
        raise WrongUse(
            f"there is a board {board_id!r} already",
            where=str(target if target.exists() else BOARDS / board_id),
            hint="--id NAME gives this one another name",
        )
    found = manifest_file(pio_id, manifest) if manifest else look_up(pio_id)
    text = board_toml(board_id, found, platform or found.platform)
    return _write(folder, board_id, text)


def _folder() -> Path:
    if (named := user_folder()) is not None:
        return named
    if (BOARDS.parent / "pyproject.toml").is_file():
        return BOARDS
    raise WrongUse(
        "there is no folder for boards of your own",
        hint="set MCU_BOARDS to one, and leave it set",
    )


def _write(folder: Path, board_id: str, text: str) -> Board:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = scratch.folder_beside(folder / "add")
    except OSError as error:
        raise WrongUse(f"can't be written: {error.strerror}", where=str(folder)) from error
    try:
        fresh = staging / board_id
        fresh.mkdir()
        (fresh / "board.toml").write_text(text, encoding="utf-8")
        read_board(fresh / "board.toml")
        fresh.rename(folder / board_id)
    except OSError as error:
        raise WrongUse(f"can't be written: {error.strerror}", where=str(folder)) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return read_board(folder / board_id / "board.toml")


def board_toml(board_id: str, manifest: Manifest, platform: str) -> str:
    """The text of board.toml.

    Raises:
        WrongUse: no Arduino core, no platform, an unknown core, or a bad field.
    """
    frameworks = manifest.texts("frameworks")
    if "arduino" not in frameworks:
        raise WrongUse(
            f"PlatformIO has no Arduino core for {manifest.id} (it has "
            f"{', '.join(frameworks) or 'none'})",
            where=manifest.origin,
            hint="docs/boards.md says how a bare-metal board is described",
        )
    if not platform:
        raise WrongUse(
            "does not name the platform", where=manifest.origin, hint="--platform ststm32"
        )
    mcu = manifest.text("build.mcu")
    core = core_of(manifest.text("build.cpu"), mcu)
    if not core:
        raise manifest.fail("build.mcu", f"no core is known here for {mcu!r}")
    toolchain = toolchain_of(core)
    assert toolchain in TOOLCHAINS
    ram, flash = manifest.number("upload.maximum_ram_size"), manifest.number("upload.maximum_size")
    facts = {
        "id": board_id,
        "name": manifest.text("name") or manifest.id,
        "mcu": mcu.upper(),
        "core": core,
        "features": list(features_of(core)),
        "clock_hz": manifest.number("build.f_cpu"),
        "usb": _usb(manifest),
    }
    uploads = _uploads(manifest, platform)
    url = manifest.text("url")
    lines = [
        f"# Written by `mcu boards add --from-pio {manifest.id}`, from PlatformIO's manifest.",
        *(f"{key} = {_toml(value)}" for key, value in facts.items()),
        "# Nobody has built or run it yet.",
        "verified = []",
        "",
        "[compiler]",
        "# PlatformIO's Arduino core brings its own compiler and flags.",
        f"toolchain = {_toml(toolchain)}",
        f"flags = {_toml(list(flags_of(core, mcu)))}",
        "",
        "[memory]",
        "# What a sketch may use; the core's linker script knows the addresses.",
        f"flash = {{ origin = 0, bytes = {flash} }}",
        f"ram = {{ origin = 0, bytes = {ram} }}",
        f"stack_bytes = {max(64, min(8192, ram // 8))}",
        "",
        "[port]",
        'family = "arduino"',
        "",
        "[uart]",
        'name = "Serial"',
        'pins = "those of the Arduino core\'s Serial, or the USB port"',
        "",
        "[platformio]",
        f"platform = {_toml(platform)}",
        f"board = {_toml(manifest.id)}",
        f"mcu = {_toml(mcu)}",
        'framework = "arduino"',
        f"upload = {_toml(uploads)}",
        "",
        "[[sources]]",
        'facts = "chip, clock, memory, upload, USB"',
        f"document = {_toml(f'PlatformIO, {platform}, boards/{manifest.id}.json')}",
    ]
    if url:
        lines += ["", "[[sources]]", 'facts = "the board"', f"document = {_toml(url)}"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A text, number or list of texts as TOML, which takes JSON's notation for them."""
    return json.dumps(value)


def _usb(manifest: Manifest) -> list[str]:
    found = []
    pairs = manifest.get("build.hwids") or []
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        parts = pair if isinstance(pair, list) else [pair]
        ids = [str(part).lower().removeprefix("0x").upper() for part in parts]
        if len(ids) != 2 or not all(re.fullmatch(r"[0-9A-F]{4}", part) for part in ids):
            raise manifest.fail("build.hwids", f"{pair!r} is no pair of USB ids")
        found.append(":".join(ids))
    return found


def _uploads(manifest: Manifest, platform: str) -> list[str]:
    first = manifest.text("upload.protocol")
    listed = manifest.texts("upload.protocols")
    default = _UPLOAD.get(platform.partition("@")[0].rpartition("/")[2], "")
    debug = manifest.get("debug.tools")
    tools = sorted(debug) if isinstance(debug, dict) and not listed else []
    names = [first or default, *listed, *tools]
    found = list(dict.fromkeys(name for name in names if name and name != "custom"))
    if not found:
        raise manifest.fail("upload.protocols", "no way to upload is named")
    return found
