"""compile_graph: the program as a whole, and what it refuses."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from engine_lab import Case, check, compile_case, random_inputs, run
from tflite_builder import Build, T

from pipeline.codegen import Program, Target, compile_graph, supported_ops
from pipeline.codegen.passes import PASSES
from pipeline.codegen.registry import registry
from pipeline.convert import Graph, read_graph
from pipeline.errors import UnsupportedOp, WrongUse
from pipeline.load.flatmodel import FlatModel
from pipeline.resources import FIRMWARE

MODELS = ("ad01_int8", "kws_ref_int8", "ic01_resnet8_int8")
GENERIC = Target()
ALL = tuple(PASSES)


def graph_of(build: Build) -> Graph:
    return read_graph(FlatModel("m", build.bytes()))


def residual() -> Build:
    """RELU -> (RESHAPE -> RESHAPE) and a branch -> ADD: views, lifetimes, a table."""
    b = Build()
    q = {"scale": 0.1, "zero": 5}
    x = b.input(T((1, 6, 4), "int8", **q))
    (a,) = b.op("LOGISTIC", [x], [T((1, 6, 4), "int8", 1 / 256, -128)])
    shape = b.tensor(T((2,), "int32", data=[1, 24]))
    (c,) = b.op("RESHAPE", [a, shape], [T((1, 24), "int8", 1 / 256, -128)], "ReshapeOptions")
    (d,) = b.op("TANH", [c], [T((1, 24), "int8", 1 / 128, 0)])
    b.outputs = b.op("ADD", [c, d], [T((1, 24), "int8", 0.02, 3)], "AddOptions")
    return b


@pytest.mark.slow
def test_whole_models_are_bit_identical(shared: Path) -> None:
    """Every intermediate tensor of the shared models, on random and on real inputs."""
    cases = []
    for name in MODELS:
        content = (shared / "models" / f"{name}.tflite").read_bytes()
        runs = random_inputs(content, 1)
        if name == "kws_ref_int8":
            with np.load(shared / "data" / "kws01.npz") as data:
                runs += [[data["x"][i : i + 1]] for i in range(2)]
        cases.append(Case(content, runs, name, tensors=True, passes=ALL))
        if name != "ic01_resnet8_int8":
            cases.append(Case(content, runs[:1], name, keep_inputs=False))
    check(cases)


@pytest.mark.slow
def test_many_inputs_are_bit_identical(shared: Path) -> None:
    cases = []
    for name in MODELS:
        content = (shared / "models" / f"{name}.tflite").read_bytes()
        cases.append(Case(content, random_inputs(content, 25), name, passes=ALL))
    check(cases)


def test_views_and_tables() -> None:
    model = residual().bytes()
    check([Case(model, random_inputs(model, 3), tensors=True)])


def test_inference_can_be_repeated_on_the_same_input() -> None:
    graph, program = compile_case(Case(residual().bytes(), []))
    (kept,) = (p for p in program.placements if graph.inputs[0] in p.tensors)
    assert kept.last == len(program.layers)
    for p in program.placements:
        if p is not kept:
            assert p.offset >= kept.offset + kept.size or p.offset + p.size <= kept.offset


def test_same_bytes_for_the_same_model(shared: Path) -> None:
    content = (shared / "models" / "kws_ref_int8.tflite").read_bytes()
    made = [compile_graph(read_graph(FlatModel("m", content)), GENERIC) for _ in range(2)]
    assert made[0] == made[1]


def test_the_arena_is_small(shared: Path) -> None:
    """At the bound of live tensors: 16.0, 49.2 and 0.8 KB, inputs kept on top."""
    for name, keep, most in (
        ("kws_ref_int8", True, 16_492),
        ("kws_ref_int8", False, 16_000),
        ("ic01_resnet8_int8", True, 52_224),
        ("ic01_resnet8_int8", False, 49_152),
        ("ad01_int8", True, 1_408),
        ("ad01_int8", False, 768),
    ):
        content = (shared / "models" / f"{name}.tflite").read_bytes()
        program = compile_graph(read_graph(FlatModel(name, content)), GENERIC, keep_inputs=keep)
        assert program.arena_bytes <= most


def test_all_constants_begin_with_model(shared: Path) -> None:
    content = (shared / "models" / "ic01_resnet8_int8.tflite").read_bytes()
    program = compile_graph(read_graph(FlatModel("m", content)), GENERIC)
    symbols = re.findall(r"^const \w+ (\w+)\[", program.sources["network_data.c"], flags=re.M)
    assert symbols
    assert all(s.startswith("model_") for s in symbols)
    assert "uint8_t network_arena[NETWORK_ARENA_BYTES];" in program.sources["network.c"]


def test_layers_say_what_they_are(shared: Path) -> None:
    content = (shared / "models" / "kws_ref_int8.tflite").read_bytes()
    program = compile_graph(read_graph(FlatModel("m", content)), GENERIC)
    assert [layer.index for layer in program.layers] == list(range(12))
    first = program.layers[0]
    assert (first.op, first.name, first.kernel, first.encoding) == (
        "CONV_2D",
        "conv2d",
        "conv_s8",
        "dense",
    )
    assert sum(layer.macs for layer in program.layers) == 2_656_768
    assert "NETWORK_LAYERS 12" in program.sources["network.h"]


COMPILERS = {
    "gcc": [],
    "arm-none-eabi-gcc": ["-mcpu=cortex-m4", "-mthumb"],
    "riscv64-unknown-elf-gcc": ["-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"],
    "avr-gcc": ["-mmcu=atmega2560"],
}


def build(program: Program, compiler: str, folder: Path) -> None:
    for name, text in program.sources.items():
        (folder / name).write_text(text)
    runtime = FIRMWARE / "runtime"
    files = [folder / n for n in program.sources if n.endswith(".c")]
    files += [runtime / f for f in program.runtime if f.endswith(".c")]
    includes = sorted({f"-I{(runtime / f).parent}" for f in program.runtime})
    subprocess.run(
        [compiler, *COMPILERS[compiler], "-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion",
         "-Wshadow", "-Wpedantic", "-Werror", f"-I{runtime}", *includes, f"-I{folder}", "-c",
         *map(str, files), str(FIRMWARE / "engines" / "aot" / "engine_aot.c"),
         f"-I{FIRMWARE / 'engines'}"],
        check=True, cwd=folder,
    )  # fmt: skip


@pytest.mark.parametrize("compiler", sorted(COMPILERS))
def test_compiles_without_warnings(compiler: str, tmp_path: Path) -> None:
    import shutil

    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    build(compile_graph(graph_of(residual()), GENERIC), compiler, tmp_path)


@pytest.mark.slow
def test_every_kernel_file_compiles_everywhere(tmp_path: Path) -> None:
    import shutil

    runtime = FIRMWARE / "runtime"
    for compiler in ("arm-none-eabi-gcc", "avr-gcc"):
        if shutil.which(compiler) is None:
            pytest.skip(f"{compiler} is not installed")
        subprocess.run(
            [compiler, *COMPILERS[compiler], "-std=c11", "-fsyntax-only", "-Wall", "-Wextra",
             "-Wconversion", "-Wshadow", "-Werror", f"-I{runtime}", f"-I{runtime / 'dsp'}",
             *map(str, sorted((runtime / "portable").glob("*.c")))],
            check=True, cwd=tmp_path,
        )  # fmt: skip


def test_listing() -> None:
    names = [s.name for s in supported_ops()]
    assert names == sorted(names)
    wanted = """CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED AVERAGE_POOL_2D MAX_POOL_2D MEAN ADD MUL
        SUB RESHAPE SQUEEZE EXPAND_DIMS SOFTMAX LOGISTIC TANH RELU RELU6 LEAKY_RELU PAD
        CONCATENATION STRIDED_SLICE SPLIT TRANSPOSE QUANTIZE DEQUANTIZE"""
    assert set(wanted.split()) <= set(names)
    for support in supported_ops():
        assert support.kernels[0].name == "portable"
        assert support.dtypes
        assert support.versions[0] >= 1


def test_unsupported_operators_are_all_listed() -> None:
    b = Build()
    x = b.input(T((1, 4), "int8", 0.1))
    (y,) = b.op("SIN", [x], [T((1, 4), "int8", 0.1, name="a/first/Sin")])
    (y,) = b.op("RELU", [y], [T((1, 4), "int8", 0.1)])
    b.outputs = b.op("COS", [y], [T((1, 4), "int8", 0.1, name="a/second/Cos")])
    with pytest.raises(UnsupportedOp) as caught:
        compile_graph(graph_of(b), GENERIC)
    text = str(caught.value)
    for part in ("2 ops", "SIN 'first'", "COS 'second'", "tflm"):
        assert part in text
    assert "RELU" not in text


def test_options_that_are_not_supported_say_why() -> None:
    b = Build()
    x = b.input(T((2, 3), "int8", 0.1))
    b.outputs = b.op("RELU", [x], [T((2, 3), "int16", 0.1)])
    with pytest.raises(UnsupportedOp, match="int16 data"):
        compile_graph(graph_of(b), GENERIC)


def test_a_newer_version_is_refused() -> None:
    b = Build()
    x = b.input(T((2, 3), "int8", 0.1))
    b.outputs = b.op("RELU", [x], [T((2, 3), "int8", 0.1)], version=50)
    with pytest.raises(UnsupportedOp, match="version 50"):
        compile_graph(graph_of(b), GENERIC)


def test_unknown_goal() -> None:
    with pytest.raises(WrongUse):
        compile_graph(graph_of(residual()), GENERIC, "fast")  # type: ignore[arg-type]


def test_progress_is_told() -> None:
    seen: list[tuple[str, int, int]] = []
    compile_graph(
        graph_of(residual()),
        GENERIC,
        progress=lambda step, done, total, note="": seen.append((step, done, total)),
        passes=(),
    )
    assert seen[0] == ("codegen", 0, 3)
    assert seen[-1] == ("codegen", 3, 3)


def test_space_to_batch_pads_with_the_zero_point() -> None:
    """TFLM pads with uninitialised memory here, so the values are checked by themselves."""
    b = Build()
    x = b.input(T((1, 2, 2, 1), "int8", 0.1, -7))
    block = b.tensor(T((2,), "int32", data=[2, 2]))
    edges = b.tensor(T((2, 2), "int32", data=[[1, 1], [1, 1]]))
    b.outputs = b.op(
        "SPACE_TO_BATCH_ND",
        [x, block, edges],
        [T((4, 2, 2, 1), "int8", 0.1, -7)],
        "SpaceToBatchNDOptions",
    )
    data = np.arange(4, dtype=np.int8).reshape(1, 2, 2, 1)
    ((_, _, runs),) = run([Case(b.bytes(), [[data]])])
    whole = np.full((4, 4), -7, np.int8)
    whole[1:3, 1:3] = data[0, :, :, 0]
    expected = np.stack([whole[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    assert np.array_equal(runs[0][b.outputs[0]][..., 0], expected)


def test_equal_constants_are_stored_once() -> None:
    b = Build()
    q = {"scale": 1 / 256, "zero": -128}
    x = b.input(T((4,), "int8", **q))
    (y,) = b.op("LOGISTIC", [x], [T((4,), "int8", **q)])
    b.outputs = b.op("LOGISTIC", [y], [T((4,), "int8", **q)])
    program = compile_graph(graph_of(b), GENERIC, passes=())
    assert program.sources["network_data.c"].count("[256] = {") == 1
    assert [layer.weight_bytes for layer in program.layers] == [256, 0]
    model = b.bytes()
    check([Case(model, random_inputs(model, 2))])


def test_float_ends_and_moves_in_between() -> None:
    b = Build()
    x = b.input(T((2, 3), "float32"))
    shape = b.tensor(T((2,), "int32", data=[3, 2]))
    (y,) = b.op("RESHAPE", [x, shape], [T((3, 2), "float32")], "ReshapeOptions")
    (y,) = b.op("QUANTIZE", [y], [T((3, 2), "int8", 0.05, 4)])
    (y,) = b.op("TANH", [y], [T((3, 2), "int8", 1 / 128, 0)])
    b.outputs = b.op("DEQUANTIZE", [y], [T((3, 2), "float32")])
    model = b.bytes()
    check([Case(model, random_inputs(model, 3), tensors=True)])


def test_ends_of_other_types_are_refused() -> None:
    b = Build()
    x = b.input(T((2,), "int64"))
    b.outputs = b.op("RESHAPE", [x], [T((2, 1), "int64")], "ReshapeOptions")
    with pytest.raises(UnsupportedOp, match="int64"):
        compile_graph(graph_of(b), GENERIC)


def test_nothing_but_a_view() -> None:
    b = Build()
    x = b.input(T((2, 3), "int8", 0.1))
    shape = b.tensor(T((1,), "int32", data=[6]))
    b.outputs = b.op("RESHAPE", [x, shape], [T((6,), "int8", 0.1)], "ReshapeOptions")
    model = b.bytes()
    check([Case(model, random_inputs(model, 1))])


def test_text_in_names_can_not_leave_comments() -> None:
    b = Build()
    x = b.input(T((2, 3), "int8", 0.1))
    evil = "x/*/ */ int main(void) { } /* ☃\\\n//y"
    b.outputs = b.op("RELU", [x], [T((2, 3), "int8", 0.1, name=evil)])
    model = b.bytes()
    check([Case(model, random_inputs(model, 1))])


def test_registry_names_match() -> None:
    assert all(name == support.name for name, support in registry().items())


def test_a_table_of_structs_and_infinite_padding_build_alone(tmp_path: Path) -> None:
    """network_data.c is compiled by itself: its header brings the types it needs."""
    b = Build()
    x = b.input(T((1, 2, 2, 1), "int8", 0.1))
    size = b.tensor(T((2,), "int32", data=[4, 4]))
    image = T((1, 4, 4, 1), "int8", 0.1)
    (y,) = b.op("RESIZE_BILINEAR", [x, size], [image], "ResizeBilinearOptions")
    (y,) = b.op("DEQUANTIZE", [y], [T((1, 4, 4, 1), "float32")])
    amounts = b.tensor(T((4, 2), "int32", data=[[0, 0], [1, 1], [1, 1], [0, 0]]))
    least = b.tensor(T((1,), "float32", data=[-np.inf]))
    b.outputs = b.op("PADV2", [y, amounts, least], [T((1, 6, 6, 1), "float32")], "PadV2Options")
    program = compile_graph(graph_of(b), GENERIC)
    for name, text in program.sources.items():
        (tmp_path / name).write_text(text)
    assert "-INFINITY" in program.sources["network_data.c"]
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
    folders = [f"-I{FIRMWARE / 'runtime'}", f"-I{tmp_path}"]
    command = [
        "gcc",
        *flags,
        *folders,
        "-c",
        str(tmp_path / "network_data.c"),
        "-o",
        str(tmp_path / "x.o"),
    ]
    subprocess.run(command, check=True)
    check([Case(b.bytes(), random_inputs(b.bytes(), 2))])
