"""The wheel: it holds what git tracks, and works outside the checkout with the core alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from pipeline.extras import EXTRAS
from pipeline.resources import VERSION

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("pipeline", "firmware", "boards")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves its notes beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked:
        if name.startswith(ROOMS) or "/" not in name:
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / "source" / name)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index",
         "--no-build-isolation", "-w", str(folder), str(folder / "source")],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_what_is_tracked(wheel: Path, tracked: list[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if ".dist-info/" not in n]
    inside = {name if name.split("/")[1] not in ROOMS else name.partition("/")[2] for name in names}
    assert inside == {name for name in tracked if name.split("/")[0] in ROOMS}
    assert f"-{VERSION}-py3-none-any" in wheel.name


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment outside the checkout, with the wheel and the core's dependencies only.

    They are this environment's own, lent by a .pth file; the modules of the extras are hidden.
    """
    folder = tmp_path_factory.mktemp("outside") / "env"
    venv.create(folder, with_pip=False)
    packages = Path(
        sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)})
    )
    hidden = sorted(module for modules in EXTRAS.values() for module in modules)
    (packages / "core_only.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {hidden!r}:\n"
        "            raise ModuleNotFoundError(f'hidden: {name}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    (packages / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\nimport core_only\n")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps",
         "--no-index", "--ignore-installed", str(wheel)],
        check=True,
    )  # fmt: skip
    return python.parent


def run(program: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MCU_", "PYTHON"))}
    environment = {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    return subprocess.run(
        [program, *arguments], cwd=home, capture_output=True, text=True, env=environment
    )


def test_it_knows_where_it_is(installed: Path, tmp_path: Path) -> None:
    said = "import pipeline.resources as r; print(r.FIRMWARE); print(r.BOARDS)"
    done = run(installed / "python", "-c", said, home=tmp_path)
    where = installed.parent
    assert [Path(line).is_relative_to(where) for line in done.stdout.splitlines()] == [True, True]
    assert run(installed / "mcu", "--version", home=tmp_path).stdout == f"mcu {VERSION}\n"


def test_a_keras_model_names_the_extra(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "net.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    done = run(installed / "mcu", "analyze", "net.h5", "-b", "disco_f407vg", home=tmp_path)
    assert done.returncode == 1
    assert "pip install 'mcu-pipeline[keras]'" in done.stderr


@pytest.mark.qemu
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="no QEMU for ARM")
def test_it_deploys_a_tflite(installed: Path, tmp_path: Path) -> None:
    done = run(installed / "mcu", "demo", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"identical_outputs": 100' in done.stdout
    assert {"report.json", "report.html"} <= {p.name for p in tmp_path.glob("runs/demo-*/*")}
    assert not (ROOT / "runs" / "demo-disco_f407vg").exists()
