"""Extras: the core install goes without them, and each is named by what wants it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pipeline import extras
from pipeline.errors import ToolMissing
from pipeline.extras import EXTRAS, install_command

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Extra -> words of its requirements in pyproject.toml.
DISTRIBUTIONS = {
    "tensorflow": "tensorflow",
    "tf_keras": "tf-keras",
    "keras": "tensorflow",  # brings it
    "tensorflow_model_optimization": "tensorflow-model-optimization",
    "h5py": "h5py",
    "optuna": "optuna",
    "sklearn": "scikit-learn",
    "labgrid": "labgrid",
    "psycopg": "psycopg",
    "ppk2_api": "ppk2-api",
    "joulescope": "joulescope",
}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=;~! ]", text)[0] for text in requirements}


def test_every_module_comes_with_its_extra() -> None:
    optional = PROJECT["optional-dependencies"]
    assert set(optional) == set(EXTRAS) | {"all", "dev"}
    for extra, modules in EXTRAS.items():
        for module in modules:
            assert DISTRIBUTIONS[module] in names(optional[extra]), module
            assert DISTRIBUTIONS[module] not in names(PROJECT["dependencies"]), module
    (everything,) = optional["all"]
    listed = everything.partition("[")[2].rstrip("]").split(",")
    assert set(listed) == set(EXTRAS) - {"labgrid"}  # a lab installs it for itself


def test_every_module_of_ours_imports_without_any_extra() -> None:
    """In a process that has none of them; only what runs inside PlatformIO is left out."""
    program = f"""
import importlib, pkgutil, sys
hidden = {sorted(m for modules in EXTRAS.values() for m in modules)!r}
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"hidden: {{name}}", name=name)
sys.meta_path.insert(0, Hidden())
import pipeline
count = 0
for found in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
    if found.name != "pipeline.testing.plugin" and not found.name.endswith("__main__"):
        importlib.import_module(found.name)
        count += 1
print(count)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 250


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No extra is installed."""
    for modules in EXTRAS.values():
        for module in modules:
            for loaded in [name for name in sys.modules if name.partition(".")[0] == module]:
                monkeypatch.delitem(sys.modules, loaded)
            monkeypatch.setitem(sys.modules, module, None)


def keras_file(folder: Path) -> Path:
    import json
    import zipfile

    path = folder / "net.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.12.0"}))
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {}}))
        archive.writestr("model.weights.h5", b"")
    return path


def hdf5_file(folder: Path) -> Path:
    path = folder / "net.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    return path


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("make", [keras_file, hdf5_file])
@pytest.mark.parametrize("command", ["deploy", "prune", "analyze"])
def test_a_keras_model_names_its_extra(command: str, make, tmp_path: Path) -> None:
    from pipeline.analyze import analyze
    from pipeline.deploy import deploy
    from pipeline.load import load_model

    model = make(tmp_path)
    with pytest.raises(ToolMissing) as caught:
        if command == "deploy":
            deploy(model, "disco_f407vg", data="random", out=tmp_path / "run")
        elif command == "prune":
            load_model(model)
        else:
            analyze(str(model), "disco_f407vg")
    assert install_command("keras") in caught.value.hint
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("bare")
def test_the_rest_name_theirs(tmp_path: Path) -> None:
    from pipeline.load import Signature, load_split
    from pipeline.measure.meters import EnergyOptions, open_meter
    from pipeline.options import Options
    from pipeline.report.history import History
    from pipeline.search import Settings, search

    def hint(work) -> str:
        with pytest.raises(ToolMissing) as caught:
            work()
        return caught.value.hint

    model = ROOT / "pipeline/cli/digits/digits.tflite"
    options = Options(data="random")
    settings = Settings(str(model), "disco_f407vg", out=str(tmp_path), options=options)
    assert hint(lambda: load_split("digits", Signature((8, 8, 1), "float32", (10,)))) == (
        install_command("digits")
    )
    assert hint(lambda: search(settings)) == install_command("search")
    assert hint(lambda: History("postgresql://u@h/d")) == install_command("postgres")
    for name in ("ppk2", "joulescope"):
        assert hint(
            lambda name=name: open_meter(EnergyOptions(name, volts=3.3))
        ) == install_command(name)


@pytest.mark.slow
def test_what_is_there_is_loaded() -> None:
    assert extras.load("sklearn.datasets").load_digits().data.shape == (1797, 64)
    extras.require("digits", "never raised")
    assert extras.extra_of("numpy") == ""
