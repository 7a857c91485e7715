"""The C of a model that graph passes changed: what comments say, and no warnings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from engine_lab import graph_of
from networks import Net
from test_compile import COMPILERS, build

from pipeline.codegen import Program, Target, compile_graph


def everything() -> Program:
    """Padding, a clamp, channels, a table, and a join in place."""
    net = Net(1)
    x = net.pad(net.input(1, 6, 6, 3), (0, 0), (0, 1), (2, 1), (0, 0))
    a = net.conv(x, 8, (3, 3), same=False, dead=[1, 2, 5, 7], act=0, zero=-20)
    a = net.one("RELU", a, net.like(a))
    b = net.conv(a, 4)
    c = net.conv(a, 4)
    y = net.two("MUL", net.concat(1, b, c), net.constant((1,), 77))
    return compile_graph(graph_of(net.bytes(y)), Target())


def test_comments_say_what_became_of_a_layer() -> None:
    text = everything().sources["network.c"]
    for words in (
        " * padded by 0 above, 1 below, 2 left, 1 right\n",
        " * clamped to -20 .. 127 as stored\n",
        " * of the model's channels 0, 3-4, 6 */\n",
        " * as a table of all 256 inputs */\n",
    ):
        assert words in text
    assert "CONCATENATION" not in text
    assert max(map(len, text.splitlines())) <= 160


@pytest.mark.parametrize("compiler", sorted(COMPILERS))
def test_compiles_without_warnings(compiler: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    build(everything(), compiler, tmp_path)
