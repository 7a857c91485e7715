"""`mcu boards add`: PlatformIO's manifests become boards of ours."""

import copy
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tiny_program import tiny_program
from typer.testing import CliRunner

import pipeline.board
from pipeline.board import boards, load_board
from pipeline.board.add import add_board as add_found_board
from pipeline.board.cores import core_of, flags_of, toolchain_of
from pipeline.build.pio_boards import look_up
from pipeline.errors import StepFailed, WrongUse
from pipeline.render import render

BLE: dict[str, Any] = {
    "build": {
        "cpu": "cortex-m4",
        "f_cpu": "64000000L",
        "hwids": [["0x2341", "0x005a"], ["0x2341", "0x805a"]],
        "mcu": "nrf52840",
    },
    "frameworks": ["arduino", "mbed"],
    "name": 'Nano "33"\nBLE \u00b5',
    "upload": {
        "maximum_ram_size": 262144,
        "maximum_size": 983040,
        "protocol": "sam-ba",
        "protocols": ["jlink", "sam-ba"],
    },
    "url": "https://example.org/nano",
    "vendor": "Arduino",
}
ROW: dict[str, Any] = {
    "id": "esp32dev",
    "name": "Espressif ESP32 Dev Module",
    "platform": "espressif32",
    "mcu": "ESP32",
    "fcpu": 240000000,
    "ram": 327680,
    "rom": 4194304,
    "frameworks": ["arduino", "espidf"],
    "vendor": "Espressif",
    "url": "https://example.org/esp32",
    "debug": {"tools": {"esp-prog": {}}},
}


add_board = partial(add_found_board, look_up=look_up)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MCU_BOARDS", str(tmp_path / "mine"))
    monkeypatch.setenv("MCU_CORE_DIR", str(tmp_path / "core"))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "pio"))
    monkeypatch.setenv("MCU_OFFLINE", "1")
    load_board.cache_clear()
    yield tmp_path / "mine"
    load_board.cache_clear()


def installed(core: Path, board: str, values: object) -> None:
    platform = core / "platforms" / "nordicnrf52"
    (platform / "boards").mkdir(parents=True)
    (platform / "platform.json").write_text('{"name": "nordicnrf52", "version": "10.9.0"}')
    (platform / "boards" / f"{board}.json").write_text(json.dumps(values))


def changed(dotted: str, value: object) -> dict[str, Any]:
    values = copy.deepcopy(BLE)
    *tables, key = dotted.split(".")
    table = values
    for name in tables:
        table = table[name]
    table[key] = value
    return values


@pytest.mark.parametrize("core", ["core", "pio"])
def test_from_an_installed_platform(folder: Path, tmp_path: Path, core: str) -> None:
    installed(tmp_path / core, "nano_x", BLE)
    board = add_board("nano_x")
    assert board.folder == folder / "nano_x"
    assert board.name == 'Nano "33" BLE \u00b5'
    assert (board.core, board.features, board.clock_hz) == ("cortex-m4", ("dsp",), 64_000_000)
    assert (board.flash.bytes, board.ram.bytes, board.stack_bytes) == (983040, 262144, 8192)
    assert board.usb == ("2341:005A", "2341:805A")
    assert (board.port, board.platformio.framework) == ("arduino", "arduino")
    assert board.platformio.platform == "nordicnrf52@~10.9.0"
    assert board.platformio.board == "nano_x"
    assert board.platformio.upload == ("sam-ba", "jlink")
    assert board.verified == ()
    assert [path.name for path in folder.iterdir()] == ["nano_x"]


def test_the_platforms_own_uploader_comes_first(tmp_path: Path) -> None:
    values = changed("build.mcu", "rp2040")
    values["upload"].pop("protocol")
    file = tmp_path / "pico_x.json"
    file.write_text(json.dumps(values))
    board = add_board("pico_x", manifest=file, platform="platformio/raspberrypi@~1.18.0")
    assert board.platformio.upload == ("picotool", "jlink", "sam-ba")


def test_it_is_a_board_like_any_other(folder: Path, tmp_path: Path) -> None:
    installed(tmp_path / "core", "nano_x", BLE)
    add_board("nano_x")
    assert "nano_x" in boards()
    assert "disco_f407vg" in boards()
    board = load_board("nano_x")
    project = render(board, name="tiny", out=tmp_path / "project", program=tiny_program())
    ini = (project.path / "platformio.ini").read_text()
    assert "platform = nordicnrf52@~10.9.0" in ini
    assert "board = nano_x" in ini


def test_the_same_manifest_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    installed(tmp_path / "core", "nano_x", BLE)
    add_board("nano_x")
    first = (folder / "nano_x" / "board.toml").read_bytes()
    (folder / "nano_x" / "board.toml").unlink()
    (folder / "nano_x").rmdir()
    add_board("nano_x")
    assert (folder / "nano_x" / "board.toml").read_bytes() == first


def test_nothing_is_written_over(folder: Path, tmp_path: Path) -> None:
    installed(tmp_path / "core", "nano_x", BLE)
    add_board("nano_x")
    with pytest.raises(WrongUse, match="already"):
        add_board("nano_x")
    with pytest.raises(WrongUse, match="already") as caught:
        add_board("disco_f407vg")
    assert "--id" in caught.value.hint
    assert add_board("nano_x", name="nano_y").platformio.board == "nano_x"


def test_a_manifest_file_needs_the_platforms_name(tmp_path: Path) -> None:
    file = tmp_path / "my.json"
    file.write_text(json.dumps(BLE))
    with pytest.raises(WrongUse, match="does not name the platform") as caught:
        add_board("mine", manifest=file)
    assert "--platform" in caught.value.hint
    assert add_board("mine", manifest=file, platform="nordicnrf52").platformio.board == "mine"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (changed("frameworks", ["zephyr"]), "no Arduino core for bad .it has zephyr"),
        (changed("frameworks", None), "no Arduino core for bad .it has none"),
        (changed("frameworks", "arduino"), "frameworks: .* list of texts"),
        (changed("upload.maximum_size", None), "upload.maximum_size: .* number above 0"),
        (changed("upload.maximum_ram_size", True), "upload.maximum_ram_size: "),
        (changed("upload", 3), "upload.maximum_ram_size: "),
        (changed("build.f_cpu", "fast"), "build.f_cpu: "),
        (changed("build.hwids", [["0x2341"]]), "build.hwids: "),
        (changed("build.hwids", 7), "build.hwids: "),
        (changed("build.mcu", 5), "build.mcu: "),
        (changed("name", []), "name: "),
        (changed("build", {"mcu": "z80"}), "no core is known here for 'z80'"),
        ([], "JSON object"),
    ],
)
def test_a_bad_manifest(folder: Path, tmp_path: Path, values: object, says: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(values))
    with pytest.raises(WrongUse, match=says) as caught:
        add_board("bad", manifest=file, platform="nordicnrf52")
    assert caught.value.where == str(file)
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_no_json(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    with pytest.raises(WrongUse, match="not valid JSON"):
        add_board("bad", manifest=file)
    with pytest.raises(WrongUse, match="can't be read"):
        add_board("bad", manifest=tmp_path / "absent.json")


@pytest.mark.parametrize("bad", ["", "../evil", "a b", ".hidden", "*"])
def test_a_bad_id(bad: str) -> None:
    with pytest.raises(WrongUse, match="no board id"):
        add_board(bad)


def test_without_a_network() -> None:
    with pytest.raises(StepFailed, match="registry can't be reached") as caught:
        add_board("esp32dev")
    assert "--manifest esp32dev.json" in caught.value.hint


# The registry: a stand-in for `pio boards` ------------------------------------------------


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], None]:
    def answers(code: int, said: str) -> None:
        monkeypatch.setenv("MCU_OFFLINE", "0")
        monkeypatch.setattr("pipeline.build.pio.run_pio", lambda *_, **__: (code, said))

    return answers


def test_from_the_registry(registry: Callable[[int, str], None]) -> None:
    registry(0, "Warning! Something.\n" + json.dumps([{**ROW, "id": "esp32dev2"}, ROW]) + "\n")
    board = add_board("esp32dev")
    assert (board.core, board.toolchain) == ("xtensa-lx6", "xtensa-esp-elf")
    assert (board.clock_hz, board.flash.bytes) == (240_000_000, 4194304)
    assert board.platformio.platform == "espressif32"
    assert board.platformio.upload == ("esptool", "esp-prog")


@pytest.mark.parametrize(
    ("code", "said", "error", "says"),
    [
        (0, "[]", WrongUse, "PlatformIO has no board 'esp32dev'"),
        (0, json.dumps([{**ROW, "id": "esp32dev2"}]), WrongUse, "did you mean esp32dev2"),
        (1, "Error: HTTPClientError", StepFailed, "HTTPClientError"),
        (0, "no document", StepFailed, "no document"),
        (0, "[{", StepFailed, "pio boards"),
    ],
)
def test_the_registry_fails(
    registry: Callable[[int, str], None],
    folder: Path,
    code: int,
    said: str,
    error: type[Exception],
    says: str,
) -> None:
    registry(code, said)
    with pytest.raises(error) as caught:
        add_board("esp32dev")
    assert says in str(caught.value)
    assert not folder.exists()


def test_a_registry_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.build.pio import PioTimeout

    def hang(*_: object, **__: object) -> tuple[int, str]:
        raise PioTimeout(60, "")

    monkeypatch.setenv("MCU_OFFLINE", "0")
    monkeypatch.setattr("pipeline.build.pio.run_pio", hang)
    with pytest.raises(StepFailed, match="took more than 60 s"):
        add_board("esp32dev")


# Cores, folders and the command -----------------------------------------------------------


@pytest.mark.parametrize(
    ("cpu", "mcu", "core", "toolchain"),
    [
        ("cortex-m0plus", "whatever", "cortex-m0plus", "arm-none-eabi"),
        ("", "STM32F407VGT6", "cortex-m4", "arm-none-eabi"),
        ("", "stm32wba52", "cortex-m33", "arm-none-eabi"),
        ("", "rp2040", "cortex-m0plus", "arm-none-eabi"),
        ("", "atmega328p", "avr", "avr"),
        ("", "esp32c3", "rv32imc", "riscv64-unknown-elf"),
        ("", "esp32s3", "xtensa-lx7", "xtensa-esp-elf"),
    ],
)
def test_the_core_of_a_chip(cpu: str, mcu: str, core: str, toolchain: str) -> None:
    assert core_of(cpu, mcu) == core
    assert toolchain_of(core) == toolchain
    assert isinstance(flags_of(core, mcu), tuple)


def test_the_cores_of_our_own_boards_are_known() -> None:
    for board_id in boards():
        board = load_board(board_id)
        # The virtual boards' MCU is the machine's, not a chip.
        if board.platformio.upload and core_of("", board.platformio.mcu):
            assert core_of("", board.platformio.mcu) == board.core, board_id


def test_a_user_can_not_hide_our_boards(folder: Path) -> None:
    (folder / "pico").mkdir(parents=True)
    (folder / "pico" / "board.toml").write_text("broken")
    assert load_board("pico").folder.parent == pipeline.board.description.BOARDS


def test_an_installed_package_wants_a_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MCU_BOARDS")
    monkeypatch.setattr("pipeline.board.add.BOARDS", tmp_path / "site-packages" / "boards")
    with pytest.raises(WrongUse, match="no folder for boards") as caught:
        add_board("esp32dev")
    assert "MCU_BOARDS" in caught.value.hint


def test_the_command(folder: Path, tmp_path: Path) -> None:
    from pipeline.cli.app import app

    installed(tmp_path / "core", "nano_x", BLE)
    ran = CliRunner().invoke(app, ["boards", "add", "--from-pio", "nano_x", "--json"])
    assert json.loads(ran.stdout)["path"] == str(folder / "nano_x" / "board.toml")
    listed = json.loads(CliRunner().invoke(app, ["boards", "--json"]).stdout)
    assert next(row for row in listed if row["id"] == "nano_x")["verified"] == []
    again = CliRunner().invoke(app, ["boards", "add", "--from-pio", "nano_x", "--json"])
    assert again.exit_code == 2
    assert json.loads(again.stdout)["error"]["kind"] == "WrongUse"
