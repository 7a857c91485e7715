"""The rules of the architecture, each held by a test."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "pipeline"
ROOMS = (
    "load", "prune", "quantize", "convert", "codegen", "render", "build", "flash", "measure",
    "report", "search", "cli",
)  # fmt: skip
ANYWHERE = {"errors", "board", "progress", "resources", "run", "child", "scratch"}
WITH_TENSORFLOW = {"load", "prune", "quantize"}
TENSORFLOW = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(tree: ast.AST) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, node.lineno))
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in MODULES}


def test_a_room_imports_only_from_rooms_above_it(trees: dict[Path, ast.Module]) -> None:
    wrong = []
    for path, tree in trees.items():
        room = room_of(path)
        if room not in ROOMS:
            continue
        for name, line in imports(tree):
            parts = name.split(".")
            if parts[0] != "pipeline" or len(parts) < 2 or parts[1] in ANYWHERE:
                continue
            other = parts[1]
            if other in ROOMS:
                if ROOMS.index(other) > ROOMS.index(room):
                    wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
            elif room not in ("cli", "search"):
                # deploy and its stages know all the rooms; only what stands on them may use them
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
    assert not wrong


def test_every_folder_of_the_package_is_a_room() -> None:
    folders = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders == set(ROOMS)


def test_tensorflow_is_imported_only_where_used(trees: dict[Path, ast.Module]) -> None:
    wrong = []
    for path, tree in trees.items():
        inside = {
            id(child)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for child in ast.walk(node)
        }
        typing_only = {
            id(child)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            for child in ast.walk(node)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            tops = {name.split(".")[0] for name, _ in imports(node)}
            if not tops & TENSORFLOW:
                continue
            lazy = id(node) in inside or id(node) in typing_only
            if room_of(path) not in WITH_TENSORFLOW or not lazy:
                wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert not wrong


def test_only_the_command_line_prints(trees: dict[Path, ast.Module]) -> None:
    wrong = []
    for path, tree in trees.items():
        if room_of(path) == "cli" or path.name == "worker.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "print",
                "input",
                "sys.stdout.write",
                "sys.stderr.write",
            ):
                wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert not wrong


def test_steps_exchange_frozen_values(trees: dict[Path, ast.Module]) -> None:
    """Every public dataclass of the package is frozen: a step can't change its input."""
    wrong = []
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            for decorator in node.decorator_list:
                text = ast.unparse(decorator)
                if text.startswith("dataclass") and "frozen=True" not in text:
                    wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}")
    assert not wrong


def test_modules_are_small() -> None:
    large = {
        str(path.relative_to(PACKAGE)): lines
        for path in MODULES
        if (lines := len(path.read_text().splitlines())) > 500
    }
    assert not large


def test_a_tflite_needs_no_tensorflow() -> None:
    """What every command imports: no TensorFlow, no platformio, no heavy reader."""
    program = (
        "import sys, pipeline, pipeline.deploy, pipeline.cli.app\n"
        "heavy = {'tensorflow', 'tf_keras', 'keras', 'numpy', 'platformio', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_product_does_not_need_the_shared_folder(trees: dict[Path, ast.Module]) -> None:
    assert not [path for path in MODULES if "shared/" in path.read_text()]
