"""The pytest plugin: tests that run on a board, real or emulated.

    def test_keywords(board):
        assert board.deploy("kws.tflite").accuracy(x, y) >= 0.9

`pytest --mcu-board disco_f407vg --mcu-on qemu`; another board is another option, not another
test. Nothing of the package is imported before a test asks for a board.

A test that fails gets what went over the serial line. A model's emulator stays until the
session ends: leaving `Rig` ends emulators, closes ports and gives real boards back.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pipeline.testing.rig import Rig, RigBoard

_BOARD: pytest.StashKey[RigBoard] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which board, and where it is."""
    group = parser.getgroup("mcu", "microcontroller boards")
    group.addoption("--mcu-board", metavar="ID", help="board id; `mcu boards` lists them")
    group.addoption(
        "--mcu-on",
        metavar="WHERE",
        help="qemu, renode, auto, or the serial port of a real board (/dev/ttyACM0)",
    )
    parser.addini("mcu_board", "board id for tests that use a board", default="")
    parser.addini("mcu_on", "where the board is, as --mcu-on", default="auto")


@pytest.fixture(scope="session")
def mcu_rig(pytestconfig: pytest.Config) -> Iterator[Rig]:
    """The boards of this session: each model keeps its emulator until the session ends."""
    from pipeline.testing.rig import Rig

    board = pytestconfig.getoption("--mcu-board") or pytestconfig.getini("mcu_board")
    if not board:
        raise pytest.UsageError(
            "a test uses a board: say which with --mcu-board ID, or mcu_board = ID in the "
            "pytest section of the configuration; `mcu boards` lists them"
        )
    typed = pytestconfig.getoption("--mcu-on")
    on = typed or pytestconfig.getini("mcu_on")
    with Rig(board, on, folder=_folder(pytestconfig), typed=bool(typed)) as rig:
        yield rig


@pytest.fixture
def board(request: pytest.FixtureRequest, mcu_rig: Rig) -> RigBoard:
    """The board: `board.deploy(model)` builds, flashes and gives what runs there."""
    from pipeline.testing.rig import RigBoard

    found = RigBoard(mcu_rig, near=request.path.parent)
    request.node.stash[_BOARD] = found
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds what went over the serial line to a failed test."""
    report = yield
    used = item.stash.get(_BOARD, None)
    if used is not None and report.failed:
        report.sections += [(f"serial line, {name}", text) for name, text in used.serial_logs()]
    return report


def _folder(config: pytest.Config) -> Path:
    """Where the run folders are: builds are kept from one session to the next."""
    cache: pytest.Cache | None = getattr(config, "cache", None)
    if cache is not None:
        return cache.mkdir("mcu")
    from pipeline.scratch import Folder

    folder = Folder("pytest")
    config.add_cleanup(folder.close)
    return folder.path
