"""The bench, with deployments that take no time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.bench import matrix as room
from pipeline.bench import pool
from pipeline.bench.matrix import Cell, bench, matrix
from pipeline.errors import WrongUse
from pipeline.report.sources import load_reports

FAKE = [sys.executable, str(Path(__file__).with_name("fake_worker.py"))]


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_COMMAND", FAKE)


def models(folder: Path, **contents: str) -> list[Path]:
    for name, content in contents.items():
        (folder / f"{name}.tflite").write_text(content)
    return [folder / f"{name}.tflite" for name in contents]


def cells(folder: Path, **contents: str) -> list[Cell]:
    return matrix(models(folder, **contents), ["disco_f407vg"], on=["qemu"])


def starts(folder: Path, cell: Cell) -> int:
    return len((folder / cell.name / "starts").read_text())


# The matrix --------------------------------------------------------------------------------


def test_all_combinations_have_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    found = matrix(
        [*models(tmp_path, a="", b=""), *models(tmp_path / "other", a="")],
        ["disco_f407vg", "mps2_an386"],
        engines=["aot", "tflm"],
        on=["qemu"],
        optimize=["size", "speed"],
        prune=["none", "magnitude:0.75"],
    )
    assert len(found) == 3 * 2 * 2 * 2 * 2
    assert len({cell.name for cell in found}) == len(found)
    assert found[0].name == "a-disco_f407vg-aot-qemu-size"
    assert found[1].name == "a-disco_f407vg-aot-qemu-size-magnitude_0.75"


def test_data_for_one_model_and_for_all(tmp_path: Path) -> None:
    a, b = matrix(models(tmp_path, a="", b=""), ["disco_f407vg"], data=["digits", "a=a.npz"])
    assert (a.options.data, b.options.data) == ("a.npz", "digits")
    (c,) = matrix(models(tmp_path, c=""), ["disco_f407vg"])
    assert c.options.data == "random"


@pytest.mark.parametrize(
    ("model", "board", "data"),
    [("none", "disco_f407vg", "random"), ("a", "disco", "random"), ("a", "disco_f407vg", "b=x")],
)
def test_a_matrix_without_sense(tmp_path: Path, model: str, board: str, data: str) -> None:
    models(tmp_path, a="")
    with pytest.raises(WrongUse):
        matrix([tmp_path / f"{model}.tflite"], [board], data=[data])


# Running it --------------------------------------------------------------------------------


def test_results_come_in_the_order_of_the_matrix(tmp_path: Path) -> None:
    chosen = cells(tmp_path, a="slow", b="", c="")
    results = bench(chosen, tmp_path / "bench")
    assert [result.cell for result in results] == chosen
    assert all(result.report is not None for result in results)
    names = [report.model.name for report in load_reports(str(tmp_path / "bench"))]
    assert names == ["a", "b", "c"]


def test_a_failing_cell_does_not_stop_the_others(tmp_path: Path) -> None:
    chosen = cells(tmp_path, a="too_big", b="", c="crash", d="bug", e="")
    told: list[tuple[str, str, str]] = []
    results = bench(
        chosen, tmp_path / "bench", jobs=1,
        watch=lambda cell, state, note: told.append((cell.model.stem, state, note)),
    )  # fmt: skip
    a, b, c, d, e = results
    assert a.error == {
        "kind": "DoesNotFit", "what": "flash is 9 KB too small", "where": "disco_f407vg",
        "hint": "prune more", "exit_code": 3,
    }  # fmt: skip
    assert b.report and e.report
    assert c.error and "ended by SIGSEGV" in c.error["what"]
    assert "the converter says goodbye" in c.error["what"]
    assert d.error and d.error["what"] == "internal error: RuntimeError: oops"
    assert ("a", "failed", "flash is 9 KB too small") in told
    assert ("b", "done", "3,000,000 instructions") in told
    assert ("b", "running", "build") in told
    assert len(load_reports(str(tmp_path / "bench"))) == 2


def test_several_run_side_by_side(tmp_path: Path) -> None:
    chosen = cells(tmp_path, a="slow", b="slow", c="slow")
    running: set[str] = set()
    most = 0

    def watch(cell: Cell, state: str, note: str) -> None:
        nonlocal most
        (running.add if state == "running" else running.discard)(cell.name)
        most = max(most, len(running))

    bench(chosen, tmp_path / "bench", jobs=2, watch=watch)
    assert most == 2


def test_a_real_board_is_never_shared(tmp_path: Path) -> None:
    chosen = matrix(models(tmp_path, a="slow", b="slow"), ["disco_f407vg"], on=["probe"])
    running: set[str] = set()

    def watch(cell: Cell, state: str, note: str) -> None:
        (running.add if state == "running" else running.discard)(cell.name)
        assert len(running) <= 1

    bench(chosen, tmp_path / "bench", jobs=2, watch=watch)


def test_a_finished_bench_starts_anew(tmp_path: Path) -> None:
    (cell,) = cells(tmp_path, a="")
    bench([cell], tmp_path / "bench")
    bench([cell], tmp_path / "bench")
    assert starts(tmp_path / "bench", cell) == 2


def interrupted(chosen: list[Cell], folder: Path) -> None:
    """A bench of two cells that ends, as with Ctrl-C, when the second one starts."""

    def watch(cell: Cell, state: str, note: str) -> None:
        if cell is chosen[1] and state == "running":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench(chosen, folder, jobs=1, watch=watch)


def test_an_interrupted_bench_goes_on(tmp_path: Path) -> None:
    chosen = cells(tmp_path, a="", b="")
    folder = tmp_path / "bench"
    interrupted(chosen, folder)
    notes: dict[str, str] = {}
    results = bench(chosen, folder, watch=lambda cell, state, note: notes.update({cell.name: note}))
    assert [result.report is not None for result in results] == [True, True]
    assert notes[chosen[0].name] == "kept"
    assert starts(folder, chosen[0]) == 1


@pytest.mark.parametrize(
    "change",
    [
        "model",
        pytest.param("report", marks=pytest.mark.slow),
        pytest.param("state", marks=pytest.mark.slow),
    ],
)
def test_what_has_changed_is_done_again(tmp_path: Path, change: str) -> None:
    chosen = cells(tmp_path, a="", b="")
    folder = tmp_path / "bench"
    interrupted(chosen, folder)
    if change == "model":
        chosen[0].model.write_text("another")
    elif change == "report":
        (folder / chosen[0].name / "report.json").write_text("{}")
    else:
        (folder / room.STATE).write_text("damaged")
    bench(chosen, folder)
    assert starts(folder, chosen[0]) == 2


def test_two_benches_in_one_folder(tmp_path: Path) -> None:
    chosen = cells(tmp_path, a="")

    def watch(cell: Cell, state: str, note: str) -> None:
        if state == "running":
            with pytest.raises(WrongUse, match="another bench"):
                bench(chosen, tmp_path / "bench")

    bench(chosen, tmp_path / "bench", watch=watch)


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("")
    with pytest.raises(WrongUse, match="no bench folder"):
        bench(cells(tmp_path, a=""), tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis"]


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongUse, match="can't be made"):
        bench(cells(tmp_path, a=""), tmp_path / "file" / "bench")


# Nothing is left behind --------------------------------------------------------------------


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    "how",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_nothing_is_left_behind(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "m.tflite").write_text("endless")
    program = (
        f"from pipeline.bench import pool; pool._COMMAND = {FAKE!r}\n"
        "from pathlib import Path; from pipeline.bench.matrix import bench, matrix\n"
        "bench(matrix([Path('m.tflite')], ['disco_f407vg'], on=['qemu']), Path('bench'))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    run = tmp_path / "bench" / "m-disco_f407vg-aot-qemu"
    deadline = time.monotonic() + 20
    while not (run / "pid").is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.05)
    child = int((run / "pid").read_text())
    assert alive(child)
    os.kill(parent.pid, how)
    assert parent.wait(20) != 0
    while (alive(child) or not (run / "cleaned").is_file()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(child)
    assert (run / "cleaned").is_file()


def test_an_end_in_the_middle_leaves_the_state_readable(tmp_path: Path) -> None:
    chosen = cells(tmp_path, a="", b="endless")

    def watch(cell: Cell, state: str, note: str) -> None:
        if cell is chosen[1] and note == "build":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench(chosen, tmp_path / "bench", jobs=1, watch=watch)
    state = json.loads((tmp_path / "bench" / room.STATE).read_text())
    assert state["finished"] is False
    assert list(state["cells"]) == [chosen[0].name]


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_emulator_is_left_behind(shared: Path, tmp_path: Path, how: signal.Signals) -> None:
    import psutil

    model = shared / "models" / "ic01_resnet8_int8.tflite"
    bench_folder = str(tmp_path / "bench")

    def ours() -> list[str]:
        found = []
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
            if any(bench_folder in word for word in words):
                found.append(" ".join(words))
        return found

    parent = subprocess.Popen(
        [Path(sys.executable).with_name("mcu"), "bench", model, "-b", "disco_f407vg",
         "--on", "qemu", "--samples", "2000", "--out", bench_folder, "--db", tmp_path / "h.db"],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not any("qemu-system" in line for line in ours()) and time.monotonic() < deadline:
        assert parent.poll() is None
        time.sleep(0.1)
    parent.send_signal(how)
    assert parent.wait(30) == (130 if how == signal.SIGINT else -how)
    end = time.monotonic() + 15
    while ours() and time.monotonic() < end:
        time.sleep(0.1)
    assert ours() == []
