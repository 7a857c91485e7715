"""A set of kernels is a folder on each side, and one leads to the other."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest
from float_cases import FLOATS
from networks import Net
from op_cases import STRATEGIES
from test_ops_oracle import draw_models, graph_of

from pipeline.codegen import Target, compile_graph
from pipeline.codegen.kernels import PORTABLE, kernel, offered, sets
from pipeline.codegen.ops import operators
from pipeline.codegen.registry import registry
from pipeline.resources import FIRMWARE

RUNTIME = FIRMWARE / "runtime"
KERNELS = Path(kernel.__file__).parent
OPS = KERNELS.parent / "ops"
ROOMS = {"__init__", "choose", "cost", "pack"}
SPECIAL = [name for name in sets() if name != PORTABLE]


def stems(folder: Path, kind: str) -> set[str]:
    return {path.stem for path in folder.glob(f"*.{kind}")}


def files_of(name: str) -> dict[str, str]:
    found: dict[str, str] = import_module(f"pipeline.codegen.kernels.{name}").FILES
    return found


def named_in(module: Path) -> list[re.Pattern[str]]:
    """The module's strings; what is filled in stands for anything."""
    found = []
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(v.value) if isinstance(v, ast.Constant) else r"\w*" for v in node.values
            ]
            found.append(re.compile("".join(parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(re.compile(re.escape(node.value)))
    return found


def test_every_set_is_a_folder_on_both_sides() -> None:
    c = {p.name for p in RUNTIME.iterdir() if p.is_dir()}
    assert c == set(sets())
    assert sets()[0] == PORTABLE
    for name in sets():
        assert (KERNELS / name / "choose.py").is_file(), name


def test_every_set_offers_something_for_known_operators() -> None:
    for name in sets():
        assert offered(name), name
        assert set(offered(name)) <= set(operators()), name
    for op, support in registry().items():
        assert support.kernels[0] is operators()[op].kernels[0]
        assert len(support.kernels) == sum(len(offered(name).get(op, ())) for name in sets())


@pytest.mark.parametrize("name", SPECIAL)
def test_every_kernel_module_is_called_like_its_c(name: str) -> None:
    """A C file, else a header, else the set's FILES say what it is the module of."""
    modules = stems(KERNELS / name, "py") - ROOMS
    c = stems(RUNTIME / name, "c") | stems(RUNTIME / name, "h")
    assert modules - c - set(files_of(name).values()) == set()


@pytest.mark.parametrize("name", SPECIAL)
def test_every_c_file_has_its_module(name: str) -> None:
    files, modules = files_of(name), stems(KERNELS / name, "py")
    for stem in stems(RUNTIME / name, "c"):
        assert (stem in modules) != (stem in files), f"{name}/{stem}.c: a module, or FILES"
    for stem, module in {**files, **{m: m for m in modules & stems(RUNTIME / name, "c")}}.items():
        assert stem in stems(RUNTIME / name, "c"), f"FILES of {name} has {stem}, there is none"
        file = f"{name}/{stem}.c"
        path = KERNELS / name / f"{module}.py"
        shared = re.findall(rf"kernels\.{name}\.(\w+) import", path.read_text())
        sources = [path, *(KERNELS / name / f"{other}.py" for other in shared)]
        assert any(p.fullmatch(file) for s in sources for p in named_in(s)), f"{file} in {path}"


def test_every_portable_c_file_has_its_operators_module() -> None:
    assert set(files_of(PORTABLE)) == stems(RUNTIME / PORTABLE, "c")
    assert set(files_of(PORTABLE).values()) <= stems(OPS, "py")
    assert all((KERNELS / PORTABLE / f"{room}.py").is_file() for room in ("__init__", "choose"))


@pytest.mark.slow
def test_operators_emit_the_portable_files_they_are_said_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By who makes the code, over the models of the oracle's tests."""
    seen: dict[str, set[str]] = defaultdict(set)
    usual = kernel.Code.__init__

    def watched(self: kernel.Code, *args: object, **named: object) -> None:
        usual(self, *args, **named)  # type: ignore[arg-type]
        frame = sys._getframe(1)
        modules = set()
        while frame.f_back is not None:
            modules.add(frame.f_globals.get("__name__", "").rpartition(".")[2])
            frame = frame.f_back
        for file in self.files:
            if file.startswith("portable/") and file.endswith(".c"):
                seen[Path(file).stem] |= modules

    monkeypatch.setattr(kernel.Code, "__init__", watched)
    for strategies in (STRATEGIES, FLOATS):
        for strategy in strategies.values():
            for model in draw_models(strategy, 12):
                graph = graph_of(model)
                for op in graph.ops:
                    operators()[op.name].kernels[0].lower(kernel.Site(0, graph, op))
    wrong = {s: m for s, m in files_of(PORTABLE).items() if s in seen and m not in seen[s]}
    assert not wrong
    assert len(seen) > len(files_of(PORTABLE)) / 2


@pytest.mark.slow
def test_headers_of_one_name_in_two_sets_are_told_apart(tmp_path: Path) -> None:
    """Helium's pooling beside that of the DSP set, both with a pool.h."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    net = Net()
    x = net.pool("MAX_POOL_2D", net.input(1, 8, 8, 8))
    model = net.bytes(net.pool("AVERAGE_POOL_2D", x))
    program = compile_graph(graph_of(model), Target("cortex-m55", frozenset({"dsp", "mve"})))
    assert {"dsp/pool.h", "mve/pool.h"} <= set(program.runtime)
    for name, text in program.sources.items():
        (tmp_path / name).write_text(text)
    folders = sorted({RUNTIME, *((RUNTIME / file).parent for file in program.runtime)})
    subprocess.run(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mfloat-abi=hard", "-mthumb", "-Wall", "-Werror",
         *(f"-I{folder}" for folder in folders), "-fsyntax-only", "network.c",
         *(str(RUNTIME / file) for file in program.runtime if file.endswith(".c"))],
        check=True, cwd=tmp_path,
    )  # fmt: skip
