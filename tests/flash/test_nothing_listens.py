"""No emulator's run listens on TCP, in none of its processes; nobody else can connect."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from test_qemu import EMULATED
from tiny_firmware import tiny_image

from pipeline.board import load_board
from pipeline.flash import connect
from pipeline.flash.device import Device


def network_sockets() -> set[tuple[int, str, object]]:
    """TCP and UDP sockets of this process and all below it."""
    here = psutil.Process()
    return {
        (process.pid, connection.status, connection.laddr)
        for process in [here, *here.children(recursive=True)]
        for connection in process.net_connections(kind="inet")
    }


def unix_paths() -> set[str]:
    """Names in the file system that processes below this one listen at."""
    return {
        connection.laddr
        for process in psutil.Process().children(recursive=True)
        for connection in process.net_connections(kind="unix")
        if connection.laddr
    }


@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.parametrize("board_id", EMULATED)
def test_qemu_listens_nowhere(board_id: str) -> None:
    board, before = load_board(board_id), network_sockets()
    with connect(Device("qemu", board_id, tiny_image(board_id).elf), board) as line:
        line.timeout = 20
        assert line.read_until(b"m-ready\r\n").endswith(b"m-ready\r\n")
        if line.memory is not None:
            line.memory.move()
        assert network_sockets() <= before
        assert unix_paths() == set()


@pytest.mark.qemu
@pytest.mark.slow
def test_mcu_emulate_listens_nowhere(tmp_path: Path) -> None:
    from pipeline.flash.emulate import emulate

    image, before, seen = tiny_image("mps2_an386"), network_sockets(), []
    emulate(
        Device("qemu", "mps2_an386", image.elf),
        load_board("mps2_an386"),
        seconds=0,
        ready=lambda _: seen.append((network_sockets() - before, unix_paths())),
    )
    assert seen == [(set(), set())]
