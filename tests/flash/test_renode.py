"""Renode's driver against a stand-in, and every board in Renode where it is installed."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from test_nothing_listens import network_sockets, unix_paths
from tiny_firmware import tiny_image

from pipeline import scratch
from pipeline.board import boards, load_board
from pipeline.errors import DeviceError, ToolMissing, WrongUse
from pipeline.flash import Device, connect, flash, renode

DISCO = load_board("disco_f407vg")
EMULATED = [board_id for board_id in boards() if load_board(board_id).renode]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    renode.end_renode()
    program = tmp_path / "renode"
    source = Path(__file__).with_name("fake_renode.py")
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {source}\n")
    program.chmod(0o755)
    monkeypatch.setenv("RENODE", str(program))
    monkeypatch.setenv("FAKE_RENODE_LOG", str(tmp_path / "log"))
    (tmp_path / "firmware.elf").write_bytes(b"ELF")
    yield tmp_path
    renode.end_renode()


def test_one_process_serves_several_runs(fake: Path) -> None:
    device = Device("renode", DISCO.id, fake / "firmware.elf")
    pids = set()
    for _ in range(2):
        with connect(device, DISCO) as line:
            line.timeout = 5
            assert line.read_until(b"m-ready\r\n").endswith(b"m-ready\r\n")
            line.write(b"name%")
            assert b"[fake]" in line.read_until(b"m-ready\r\n")
            assert renode._shared is not None
            pids.add(renode._shared.pid)
    assert len(pids) == 1
    said = (fake / "log").read_text().splitlines()
    assert said.count("start") == 2
    assert "connector Connect sysbus.usart2 uart" in said
    assert "machine LoadPlatformDescription $ORIGIN/renode.repl" in said


@pytest.mark.parametrize("tmp", ["", "a folder", "x" * 120])
def test_the_uart_is_on_a_socket_that_only_we_can_reach(
    fake: Path, monkeypatch: pytest.MonkeyPatch, tmp: str
) -> None:
    if tmp:
        (fake / tmp).mkdir()
        monkeypatch.setattr(scratch.tempfile, "tempdir", str(fake / tmp))
    before = network_sockets()
    with connect(Device("renode", DISCO.id, fake / "firmware.elf"), DISCO) as line:
        line.timeout = 5
        assert line.read_until(b"m-ready\r\n").endswith(b"m-ready\r\n")
        assert network_sockets() <= before
        assert renode._shared is not None
        folder = renode._shared._folder
        assert all(Path(path).parent == folder for path in unix_paths())
        assert folder.stat().st_mode & 0o777 == 0o700
    renode.end_renode()
    assert not folder.exists()


def test_where_renode_does_not_take_our_terminal_it_is_a_pseudo_terminal(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_RENODE_FAILS", "compile")
    device = Device("renode", DISCO.id, fake / "firmware.elf")
    for _ in range(2):
        with connect(device, DISCO) as line:
            line.timeout = 5
            assert Path(line.port).is_symlink()
            assert line.read_until(b"m-ready\r\n").endswith(b"m-ready\r\n")


def test_the_machine_starts_only_when_the_host_listens(fake: Path) -> None:
    with connect(Device("renode", DISCO.id, fake / "firmware.elf"), DISCO) as line:
        line.read_until(b"m-ready\r\n")
        said = (fake / "log").read_text()
        assert said.index("connector Connect") < said.index("start\n")


def test_renodes_words_are_passed_on(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_RENODE_FAILS", "uart")
    device = Device("renode", DISCO.id, fake / "firmware.elf")
    with pytest.raises(DeviceError, match="no such peripheral"), connect(device, DISCO):
        pass
    assert renode._shared is None


def test_no_renode_stays_behind(fake: Path) -> None:
    device = Device("renode", DISCO.id, fake / "firmware.elf")
    with pytest.raises(RuntimeError), connect(device, DISCO):
        assert renode._shared is not None
        pid = renode._shared.pid
        raise RuntimeError
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_missing_renode_says_where_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENODE", str(tmp_path / "nowhere"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ToolMissing, match="there is no Renode") as caught:
        renode.renode_program()
    assert "RENODE" in caught.value.hint


def test_a_missing_renode_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renode.end_renode()
    monkeypatch.setenv("RENODE", str(tmp_path / "nowhere"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    places = [Path(place) for place in {scratch.tempfile.gettempdir(), "/tmp"}]
    before = {name for place in places for name in place.glob("mcu-renode-*")}
    (tmp_path / "firmware.elf").write_bytes(b"ELF")
    device = Device("renode", DISCO.id, tmp_path / "firmware.elf")
    with pytest.raises(ToolMissing), connect(device, DISCO):
        pass
    assert {name for place in places for name in place.glob("mcu-renode-*")} <= before


def test_a_board_without_a_description_is_refused(tmp_path: Path) -> None:
    board = replace(DISCO, renode=None)
    with (
        pytest.raises(WrongUse, match="no Renode platform"),
        connect(Device("renode", DISCO.id, tmp_path / "x.elf"), board),
    ):
        pass


@pytest.mark.parametrize("board_id", EMULATED)
def test_the_description_downloads_nothing_and_counts_at_the_boards_clock(board_id: str) -> None:
    board = load_board(board_id)
    assert board.renode is not None
    script = (board.folder / board.renode.script).read_text()
    platform = (board.folder / "renode.repl").read_text()
    assert "http" not in script + platform
    assert f"{board.renode.uart.removeprefix('sysbus.')}: UART." in platform
    assert "PerformanceInMips 1000" in script
    if board.toolchain == "arm-none-eabi":
        assert f"systickFrequency: {board.clock_hz}" in platform
        assert f"@ sysbus 0xE0001000\n    frequency: {board.clock_hz}" in platform


def test_renode_runs_without_the_icu_library(monkeypatch: pytest.MonkeyPatch) -> None:
    invariant = "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1"
    monkeypatch.setattr(renode.ctypes.util, "find_library", lambda name: None)
    assert invariant in renode.renode_settings()
    monkeypatch.setattr(renode.ctypes.util, "find_library", lambda name: "libicuuc.so.72")
    assert invariant not in renode.renode_settings()


@pytest.mark.renode
@pytest.mark.slow
@pytest.mark.parametrize("board_id", EMULATED)
def test_every_described_board_boots_and_answers(board_id: str) -> None:
    try:
        renode.renode_program()
    except ToolMissing as error:
        pytest.skip(error.what)
    board = load_board(board_id)
    device = flash(tiny_image(board_id), board, "renode")
    with connect(device, board) as line:
        line.timeout = 60
        line.read_until(b"m-ready\r\n")
        line.write(b"name%")
        assert f"[{board_id}]".encode() in line.read_until(b"m-ready\r\n")
