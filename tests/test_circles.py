"""Nothing stands on what stands on it: no circles among imports, includes and calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "firmware"

Edges = dict[str, set[str]]


def circle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """A circle, as a way that ends where it begins; empty where there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


# Python


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def typing_only(tree: ast.AST) -> set[int]:
    """What never runs: under `if TYPE_CHECKING`."""
    return {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for child in ast.walk(statement)
    }


def imported(tree: ast.AST, modules: set[str]) -> set[str]:
    """The modules of `modules` that a module names, in functions too, but for types alone.

    `import_module` counts: what is filled into its argument stands for any name. A package
    above a module doesn't: `a.b` is not a use of `a`.
    """
    skipped, found = typing_only(tree), set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                found.add(inside if inside in modules else str(node.module))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            argument = node.args[0]
            values = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
            pattern = "".join(str(v.value) if isinstance(v, ast.Constant) else "*" for v in values)
            if pattern != "*":
                found |= {name for name in modules if fnmatchcase(name, pattern)}
    return found & modules


def imports(root: Path, package: str) -> Edges:
    paths = {module_name(path, root): path for path in (root / package).rglob("*.py")}
    return {
        name: imported(ast.parse(path.read_text()), set(paths)) - {name}
        for name, path in paths.items()
    }


def test_no_module_imports_itself_by_way_of_others() -> None:
    edges = imports(ROOT, "pipeline")
    assert edges["pipeline.codegen.registry"] >= {"pipeline.codegen.ops"}
    assert "pipeline.codegen.ops.move" in edges["pipeline.codegen.ops"]  # by its name alone
    assert circle(edges) == []


@pytest.mark.parametrize(
    "lines",
    [
        "from p import a",
        "import p.a",
        "from p.a import x",
        "def f():\n    from p.a import x",
        "import_module('p.a')",
        "import_module(f'p.{name}')",
    ],
)
def test_an_import_circle_is_found(tmp_path: Path, lines: str) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.py").write_text("from p.c import y\n")
    (tmp_path / "p" / "b.py").write_text(lines)
    (tmp_path / "p" / "c.py").write_text("import p.b\n")
    assert set(circle(imports(tmp_path, "p"))) == {"p.a", "p.b", "p.c"}
    (tmp_path / "p" / "c.py").write_text("if TYPE_CHECKING:\n    import p.b\n")
    assert circle(imports(tmp_path, "p")) == []


# C

_NOISE = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|__attribute__\s*\(\(.*?\)\)""",
    re.DOTALL,
)
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:.*\\\n)*.*$", re.MULTILINE)
_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)((?:.*\\\n)*.*)$", re.MULTILINE)
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Of a text whose braces are empty: a function's type, name and body; a variable's type and name.
_FUNCTION = re.compile(r"([^;{}]*?)\b(\w+)\s*\([^;{}]*\)\s*\{\}")
_VARIABLE = re.compile(r"([^;{}()=]+?)\b(\w+)\s*(?:\[[^\]]*\]\s*)*(?:=[^;]*)?;")


def outermost(text: str) -> str:
    """The text with nothing within its braces."""
    kept, depth = [], 0
    for c in text:
        depth -= c == "}"
        if not depth:
            kept.append(c)
        depth += c == "{"
    return "".join(kept)


def words(text: str, macros: Mapping[str, set[str]]) -> set[str]:
    """The names in a text, and those its macros stand for."""
    found: set[str] = set()
    todo = set(re.findall(r"\w+", text))
    while todo:
        found |= todo
        todo = {name for word in todo for name in macros.get(word, ())} - found
    return found


def defined(text: str, macros: Mapping[str, set[str]]) -> set[str]:
    """Functions and variables that other files may name."""
    top = outermost(_PREPROCESSOR.sub("", text))
    found = [*_FUNCTION.findall(top), *_VARIABLE.findall(top)]
    own = {"static", "extern", "typedef"}
    return {name for kind, name in found if kind.strip() and not own & words(kind, macros)}


def calls(folder: Path) -> Edges:
    """C file -> the C files of the folder that define what it names, by way of macros too."""
    texts = {
        str(p.relative_to(folder)): _NOISE.sub(" ", p.read_text())
        for p in folder.rglob("*")
        if p.suffix in (".c", ".cpp", ".h")
    }
    macros: dict[str, set[str]] = {}
    for text in texts.values():
        for name, body in _MACRO.findall(text):
            macros.setdefault(name, set()).update(re.findall(r"\w+", body))
    sources = {file: text for file, text in texts.items() if not file.endswith(".h")}
    where: dict[str, set[str]] = {}
    for file, text in sources.items():
        for name in defined(text, macros):
            where.setdefault(name, set()).add(file)
    return {
        file: {other for name in words(text, macros) for other in where.get(name, ())} - {file}
        for file, text in sources.items()
    }


def includes(folder: Path) -> Edges:
    """Header -> the headers it includes, beside it or from the folder."""
    edges: Edges = {}
    for path in folder.rglob("*.h"):
        names = _INCLUDE.findall(path.read_text())
        found = (
            next((p for p in (path.parent / n, folder / n) if p.is_file()), None) for n in names
        )
        edges[str(path)] = {str(p.resolve()) for p in found if p is not None}
    return edges


# Ports define the same functions, each for its chips.
FOLDERS = [
    FIRMWARE / "monitor",
    FIRMWARE / "runtime",
    *(FIRMWARE / "engines").iterdir(),
    *(p for p in (FIRMWARE / "ports").iterdir() if p.is_dir()),
]
FOLDERS = sorted(p for p in FOLDERS if p.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: str(p.relative_to(FIRMWARE)))
def test_no_c_file_calls_itself_by_way_of_others(folder: Path) -> None:
    assert circle(calls(folder)) == []
    assert circle(includes(folder)) == []


def test_calls_are_seen() -> None:
    edges = calls(FIRMWARE / "monitor")
    assert edges["monitor.c"] >= {"text.c", "request.c"}
    assert edges["request.c"] >= {"placed.c", "frame.c"}  # a variable, functions
    assert calls(FIRMWARE / "runtime")["dsp/conv.c"] >= {"dsp/widen.c"}


def test_a_circle_of_calls_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int a(void)\n{\n    return b();\n}\n")
    (tmp_path / "b.c").write_text("int b(\n    void)\n{\n    return a() + c;\n}\n")
    (tmp_path / "c.c").write_text("int c = 1;\n\nvoid *d(int x)\n{\n    return 0; /* a() */\n}\n")
    assert set(circle(calls(tmp_path))) == {"a.c", "b.c"}
    (tmp_path / "b.c").write_text("int b(void)\n{\n    return c;\n}\n")
    assert circle(calls(tmp_path)) == []
    (tmp_path / "c.c").write_text("int c = 1;\nvoid *d(int x)\n{\n    return a();\n}\n")
    assert set(circle(calls(tmp_path))) == {"a.c", "b.c", "c.c"}


def test_a_circle_of_includes_is_found(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "a.h").write_text('#include "x/b.h"\n')
    (tmp_path / "x" / "b.h").write_text('#include "a.h"\n')
    assert circle(includes(tmp_path))
    (tmp_path / "x" / "a.h").write_text("\n")  # beside it comes first
    assert not circle(includes(tmp_path))
