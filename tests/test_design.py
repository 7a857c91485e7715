"""The rules of the architecture, each held by a test."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pipeline"
ROOMS = (
    "load", "prune", "quantize", "convert", "codegen", "render", "build", "analyze", "flash",
    "measure", "report", "options", "steps", "bench", "search", "testing", "cli",
)  # fmt: skip
# What every room stands on, and knows no room.
GROUND = (
    "errors",
    "oserrors",
    "extras",
    "child",
    "scratch",
    "keeper",
    "tools",
    "system",
    "progress",
    "resources",
    "board",
    "run",
)
# Stand on the whole chain, deploy.py.
ON_THE_CHAIN = ("bench", "search", "testing", "cli")
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
        if room not in ROOMS and room not in GROUND:
            continue
        for name, line in imports(tree):
            parts = name.split(".")
            if parts[0] != "pipeline" or len(parts) < 2 or parts[1] in GROUND:
                continue
            other = parts[1]
            if other in ROOMS and room in GROUND:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
            elif other in ROOMS:
                if ROOMS.index(other) > ROOMS.index(room):
                    wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
            elif room not in ON_THE_CHAIN:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
    assert not wrong


def test_every_folder_of_the_package_is_a_room() -> None:
    folders = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders == set(ROOMS) | {name for name in GROUND if (PACKAGE / name).is_dir()}


def listed() -> dict[str, set[str]]:
    """Folder -> names in it, as docs/design.md lists them; "" is the repository."""
    text = (ROOT / "docs/design.md").read_text()
    folder, found = "", dict[str, set[str]]({"": set()})
    for line in re.findall(r"^```\n(.*?)^```", text, re.M | re.S)[0].splitlines():
        # Two spaces end the names; <id> stands for every folder there.
        words = re.split(r" {2,}", line.strip())[0].split()
        names = [re.sub(r"<.*", "", word) for word in words]
        if line.startswith(" "):
            found[folder] |= set(names)
        else:
            folder = names[-1]
            found[folder] = set()
            found[""] |= set(names)
    return found


def on_disk(folder: str) -> set[str]:
    """What lies there and git does not ignore; folders end in "/"."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", f"./{folder}"]
    ran = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True)
    paths = [name for name in ran.stdout.splitlines() if (ROOT / name).exists()]
    parts = (path.removeprefix(folder).partition("/") for path in paths)
    return {name + slash for name, slash, _ in parts if not name.startswith((".", "__init__"))}


@pytest.mark.parametrize("folder", ["", "pipeline/", "firmware/"])
def test_the_listing_is_the_listing_on_disk(folder: str) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no git repository: other files may lie here")
    assert listed()[folder] == on_disk(folder) - {"py.typed"}


def test_the_listing_has_the_rooms_in_their_order() -> None:
    names = re.findall(r"^  (\w+)/ ", (ROOT / "docs/design.md").read_text(), re.M)
    assert [name for name in names if name in ROOMS] == list(ROOMS)


def test_tensorflow_is_imported_only_where_used(trees: dict[Path, ast.Module]) -> None:
    wrong = []
    for path, tree in trees.items():
        if not {name.split(".")[0] for name, _ in imports(tree)} & TENSORFLOW:
            continue
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


def test_files_the_design_names_are_there() -> None:
    """Where to look: each file, from the package or the repository."""
    text = (ROOT / "docs/design.md").read_text()
    text = text[text.index("## Where to look") : text.index("## Rules")]
    named = re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", text)
    assert len(named) > 8
    assert not [name for name in named if not ((PACKAGE / name).exists() or (ROOT / name).exists())]
