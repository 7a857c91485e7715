"""The engine on the host beside its oracle: the references of pipeline/measure/truth.

`check(cases)` compiles each model to C, builds them all with one gcc call under the
address and undefined-behaviour sanitizers, runs them on their inputs, and compares every
byte of every output (and of every intermediate tensor) with what TFLM computes.
"""

from __future__ import annotations

import functools
import re
import subprocess
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import arena_guard
import numpy as np

from pipeline.codegen import Program, Target, compile_graph
from pipeline.codegen.compile import ops_to_run, prepare
from pipeline.convert import Graph, Tensor, read_graph
from pipeline.load.flatmodel import FlatModel
from pipeline.measure.interpreters import litert_run, micro_run
from pipeline.measure.truth import Step, plan
from pipeline.measure.truth.cut import cut
from pipeline.measure.truth.definitions import run_step
from pipeline.measure.truth.repair import repaired
from pipeline.resources import FIRMWARE

RUNTIME = FIRMWARE / "runtime"
FLAGS = [
    "-std=c11",
    "-O1",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
]


@dataclass
class Case:
    """A model and inputs to run it on.

    `runs` holds for each inference one array per input; inferences follow one another
    without a reset, so state carries over.
    """

    model: bytes
    runs: list[list[np.ndarray]]
    name: str = ""
    target: Target = field(default_factory=Target)
    optimize: Any = "balanced"
    keep_inputs: bool = True
    tensors: bool = False  # compare all intermediate tensors too
    ram_limit: Any = None
    guarded: bool = False  # poison memory that is not live, and check that it stays so
    passes: Any = ()  # graph passes; without them all ops' own kernels are tested
    tolerance: float = 0.0  # of float tensors, as a share of the largest magnitude


def graph_of(model: bytes, name: str = "case") -> Graph:
    return read_graph(FlatModel(name, model))


def random_inputs(model: bytes, count: int, seed: int = 0) -> list[list[np.ndarray]]:
    """Inputs over the whole range of their types."""
    random = np.random.default_rng(seed)
    graph = graph_of(model)
    runs = []
    for _ in range(count):
        run = []
        for i in graph.inputs:
            t = graph.tensors[i]
            if t.dtype == "float32":
                run.append(random.normal(0, 3, t.shape).astype(np.float32))
            else:
                info = np.iinfo(t.dtype)
                run.append(
                    random.integers(info.min, info.max + 1, t.shape).astype(np.dtype(t.dtype))
                )
        runs.append(run)
    return runs


def oracle(case: Case, wanted: list[int]) -> list[dict[int, np.ndarray]]:
    """What the reference computes: for each run, tensor index -> values.

    TFLM wherever it is right; LiteRT or a definition for the ops that it is wrong about.
    """
    graph = graph_of(case.model)
    case = replace(case, model=repaired(case.model, graph)[0])
    steps = plan(graph)
    if len(steps) > 1 or steps[0].engine != "tflite-micro":
        return _by_steps(case, graph, steps, wanted)
    return _micro(case, graph, wanted)


def _micro(case: Case, graph: Graph, wanted: list[int]) -> list[dict[int, np.ndarray]]:
    from tflite_micro import runtime

    config = runtime.InterpreterConfig.kPreserveAllTensors
    interpreter = runtime.Interpreter.from_bytes(
        case.model, arena_size=max(1 << 20, 20 * len(case.model)), intrepreter_config=config
    )
    results = []
    for run in case.runs:
        for i, value in enumerate(run):
            interpreter.set_input(value, i)
        interpreter.invoke()
        found = {t: interpreter.get_output(i).copy() for i, t in enumerate(graph.outputs)}
        for t in wanted:
            if t not in found:
                found[t] = interpreter.GetTensor(t, 0)["tensor_data"].copy()
        results.append(found)
    return results


def _by_steps(
    case: Case, graph: Graph, steps: tuple[Step, ...], wanted: list[int]
) -> list[dict[int, np.ndarray]]:
    runs = []
    for step in steps:
        if step.engine == "definition":
            runs.append(run_step(graph, list(step.graph_ops)))
            continue
        make = micro_run if step.engine == "tflite-micro" else litert_run
        made = {i for n in step.graph_ops for i in graph.ops[n].outputs}
        model = case.model if len(steps) == 1 else cut(case.model, step)
        runs.append(make(model, step.to_json(), frozenset(made.intersection(wanted))))
    results = []
    for inputs in case.runs:
        values = dict(zip(graph.inputs, inputs, strict=True))
        for run in runs:
            run(values)
        results.append({t: values[t] for t in (*wanted, *graph.outputs)})
    return results


@functools.lru_cache(maxsize=1)
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="engine_lab_")
    _folder.keep = folder  # type: ignore[attr-defined]
    return Path(folder.name)


@functools.lru_cache(maxsize=64)
def _object(source: str) -> Path:
    """A kernel's object file, built once per test session."""
    path = _folder() / (source.replace("/", "_") + ".o")
    subprocess.run(
        ["gcc", *FLAGS, f"-I{RUNTIME}", "-c", str(RUNTIME / source), "-o", str(path)], check=True
    )
    return path


def _offsets(program: Program, tensor: int) -> int:
    return next(p.offset for p in program.placements if tensor in p.tensors)


def _unit(case: Case, number: int, program: Program, graph: Graph, probes: list[Any]) -> str:
    """One model as C with its own prefix, and a function that runs it."""
    text = ""
    for name in ("network.h", "network_data.h", "network_data.c", "network.c"):
        part = re.sub(r'^#include "network.*\n', "", program.sources[name], flags=re.M)
        text += part
    prefix = f"n{number}_"
    text = re.sub(r"\b(network|model|layer|tensor|scratch)_(?=\w)", rf"{prefix}\1_", text)
    text = re.sub(r"\bNETWORK_", f"{prefix.upper()}NETWORK_", text)
    loads, saves = "", ""
    for i in range(len(graph.inputs)):
        loads += (
            f"        take({prefix}network_inputs[{i}].data, {prefix}network_inputs[{i}].bytes);\n"
        )
    for layer, (_, offset, size) in [(layer, p) for layer, ps in probes for p in ps]:
        saves += f"            if (i == {layer}) give(&{prefix}network_arena[{offset}], {size});\n"
    before, after = arena_guard.guards(graph, program, prefix) if case.guarded else ("", "")
    return (
        text
        + f"""
static void run_{number}(void)
{{
    {prefix}network_reset();
    for (int r = 0; r < {len(case.runs)}; r++) {{
{loads}        for (uint32_t i = 0; i < {prefix.upper()}NETWORK_LAYERS; i++) {{
{before}            {prefix}network_layers[i]();
{after}{saves}        }}
        for (uint32_t i = 0; i < {prefix.upper()}NETWORK_OUTPUTS; i++) {{
            give({prefix}network_outputs[i].data, {prefix}network_outputs[i].bytes);
        }}
    }}
}}
"""
    )


_MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void take(void *data, size_t bytes)
{
    if (fread(data, 1, bytes, stdin) != bytes) {
        exit(3);
    }
}
static void give(const void *data, size_t bytes) { fwrite(data, 1, bytes, stdout); }
"""
_MAIN += arena_guard.HELPERS


def compile_case(case: Case, number: int = 0) -> tuple[Graph, Program]:
    """The graph after all passes, and the program."""
    graph = graph_of(case.model, case.name or f"case_{number}")
    program = compile_graph(
        graph,
        case.target,
        case.optimize,
        keep_inputs=case.keep_inputs,
        ram_limit=case.ram_limit,
        passes=case.passes,
    )
    return prepare(graph, case.passes).graph, program


def run(cases: list[Case]) -> list[tuple[Graph, Program, list[dict[int, np.ndarray]]]]:
    """Runs all cases in one process: graph, program, and for each run tensor -> values."""
    built = [compile_case(c, i) for i, c in enumerate(cases)]
    files = sorted({f for _, p in built for f in p.runtime if f.endswith(".c")})
    probes: list[list[Any]] = []
    for case, (graph, program) in zip(cases, built, strict=True):
        found: list[Any] = []
        if case.tensors:
            for layer, op in enumerate(ops_to_run(graph)):
                outs = []
                for t in op.outputs:
                    size = (
                        int(np.prod(graph.tensors[t].shape))
                        * np.dtype(graph.tensors[t].dtype).itemsize
                    )
                    outs.append((t, _offsets(program, t), size))
                found.append((layer, outs))
        probes.append(found)
    headers = sorted({f for _, p in built for f in p.runtime if f.endswith(".h")})
    units = [
        _unit(case, i, program, graph, probes[i])
        for i, (case, (graph, program)) in enumerate(zip(cases, built, strict=True))
    ]
    calls = "".join(f"    run_{i}();\n" for i in range(len(cases)))
    folder = Path(tempfile.mkdtemp(dir=_folder()))
    source = folder / "all.c"
    source.write_text(
        "".join(f'#include "{h}"\n' for h in headers)
        + _MAIN
        + "\n".join(units)
        + f"int main(void)\n{{\n{calls}    return 0;\n}}\n"
    )
    program_path = folder / "all"
    includes = {f"-I{(RUNTIME / f).parent}" for _, p in built for f in p.runtime}
    result = subprocess.run(
        [
            "gcc",
            *FLAGS,
            "-O0",
            f"-I{RUNTIME}",
            *sorted(includes),
            str(source),
            *[str(_object(f)) for f in files],
            "-lm",
            "-o",
            str(program_path),
        ],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    feed = b"".join(v.tobytes() for c in cases for run in c.runs for v in run)
    done = subprocess.run([str(program_path)], input=feed, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    return _read(cases, built, probes, done.stdout)


def _read(cases: Any, built: Any, probes: Any, stream: bytes) -> Any:
    position = 0

    def take(graph: Graph, index: int) -> np.ndarray:
        nonlocal position
        t = graph.tensors[index]
        count = int(np.prod(t.shape))
        values = np.frombuffer(stream, np.dtype(t.dtype), count, position)
        position += values.nbytes
        return values.reshape(t.shape)

    results = []
    for case, (graph, program), found in zip(cases, built, probes, strict=True):
        runs = []
        for _ in case.runs:
            values = {}
            for _, outs in found:
                for index, _, _ in outs:
                    values[index] = take(graph, index)
            for index in graph.outputs:
                values[index] = take(graph, index)
            runs.append(values)
        results.append((graph, program, runs))
    assert position == len(stream)
    return results


def alike(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> bool:
    """Every byte is equal; or floats are, but for `tolerance`."""
    if ours.tobytes() == theirs.tobytes():
        return True
    if ours.dtype != np.float32 or not tolerance:
        return False
    finite = theirs[np.isfinite(theirs)]
    bound = tolerance * float(np.abs(finite).max(initial=1e-30))
    return bool(np.allclose(ours, theirs, rtol=0, atol=bound, equal_nan=True))


def expected_of(t: Tensor, theirs: np.ndarray) -> np.ndarray:
    """TFLM's values of the channels that are left, in the tensor's shape."""
    values = np.asarray(theirs)
    if t.kept is not None:
        channels = values.size * len(t.kept) // int(np.prod(t.shape))
        values = np.ascontiguousarray(values.reshape(-1, channels)[:, list(t.kept)])
    return values.reshape(t.shape)


def check(cases: list[Case]) -> None:
    """Fails where any byte differs from TFLM; names the first layer that differs."""
    for number, (case, (graph, _, runs)) in enumerate(zip(cases, run(cases), strict=True)):
        wanted = sorted({t for values in runs for t in values})
        for r, (ours, theirs) in enumerate(zip(runs, oracle(case, wanted), strict=True)):
            order = [t for op in graph.ops for t in op.outputs if t in ours]
            for t in order + [t for t in graph.outputs if t not in order]:
                expected = expected_of(graph.tensors[t], theirs[t])
                if not alike(ours[t], expected, case.tolerance):
                    bad = int(np.sum(ours[t] != expected))
                    writer = [op for op in graph.ops if t in op.outputs]
                    what = f"{writer[0].name} {writer[0].options}" if writer else "input"
                    raise AssertionError(
                        f"case {number} {case.name}, run {r}: {bad} of {expected.size} values "
                        f"differ in tensor {t} of {what}\n"
                        f"inputs {[graph.tensors[i] for i in writer[0].inputs if i >= 0]}\n"
                        f"ours {ours[t].reshape(-1)[:12]}\nTFLM {expected.reshape(-1)[:12]}"
                    )
