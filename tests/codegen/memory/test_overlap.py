"""Outputs that reach into inputs: the distances, and whole networks in guarded memory."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest
from engine_lab import Case, check, compile_case, random_inputs
from hypothesis import given
from hypothesis import strategies as st
from networks import Net

from pipeline.codegen import Target
from pipeline.codegen.memory.overlap import Overlap, Window, only_in_place

CORES = {
    "portable": Target(),
    "dsp": Target("cortex-m4", frozenset({"dsp"})),
    "m3": Target("cortex-m3"),
    "m0": Target("cortex-m0"),
    "rv32": Target("rv32imc"),
}

windows = st.builds(
    lambda batch, h, w, c, n, kernel, stride, same: (batch, (h, w), c, n, kernel, stride, same),
    st.integers(1, 2),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(1, 3),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.booleans(),
)


def image(size: int, kernel: int, stride: int, same: bool) -> tuple[int, int, int]:
    """(input, output, padding before) of one direction; the field fits."""
    size = max(size, kernel)
    if not same:
        return size, (size - kernel) // stride + 1, 0
    out = -(-size // stride)
    return size, out, max((out - 1) * stride + kernel - size, 0) // 2


def trace(case: tuple, step: str, amount: int = 1) -> tuple[Window, list[tuple[set, set]]]:
    """A window, and for each step of its execution the bytes read and written."""
    batch, sizes, c, n, kernel, stride, same = case
    (h, oh, top), (w, ow, left) = (
        image(*numbers, same) for numbers in zip(sizes, kernel, stride, strict=True)
    )
    steps: dict[tuple[int, int], tuple[set, set]] = {}
    for b, y, x in product(range(batch), range(oh), range(ow)):
        at = {"pixel": (y * ow + x) // amount, "row": y // amount}.get(step)
        if at is None:
            at = (y // 2 * -(-ow // 2) + x // 2) // amount  # tiles of 2 x 2
        reads, writes = steps.setdefault((b, at), (set(), set()))
        for ky, kx in product(range(kernel[0]), range(kernel[1])):
            iy, ix = y * stride[0] - top + ky, x * stride[1] - left + kx
            if 0 <= iy < h and 0 <= ix < w:
                start = ((b * h + iy) * w + ix) * c
                reads.update(range(start, start + c))
        start = ((b * oh + y) * ow + x) * n
        writes.update(range(start, start + n))
    found = Window((batch, h, w, c), (batch, oh, ow, n), stride, (top, left))
    return found, [steps[key] for key in sorted(steps)]


def destroys(steps: list[tuple[set, set]], distance: int, mixed: bool) -> bool:
    """Some step writes what it or a later one reads."""
    for t, (_, writes) in enumerate(steps):
        places = {byte - distance for byte in writes}
        for reads, _ in steps[t if mixed else t + 1 :]:
            if places & reads:
                return True
    return False


@given(windows, st.sampled_from(["pixel", "row", "tile"]), st.integers(1, 5), st.booleans())
def test_distances_are_safe(case: tuple, step: str, amount: int, mixed: bool) -> None:
    """At the least distance, and at every greater one, nothing is destroyed."""
    if step == "tile":
        mixed = False
    window, steps = trace(case, step, amount)
    least = {
        "pixel": lambda: window.by_pixels(amount, mixed=mixed),
        "row": lambda: window.by_rows(amount, mixed=mixed),
        "tile": lambda: window.by_tiles(2, amount),
    }[step]()
    for more in (0, 1, 2, 7, 50):
        assert not destroys(steps, least + more, mixed)


@given(windows, st.sampled_from(["pixel", "row"]), st.booleans())
def test_distances_are_the_least(case: tuple, step: str, mixed: bool) -> None:
    """One byte nearer and something is lost, where fields leave no gaps."""
    batch, sizes, c, n, kernel, _, same = case
    case = (batch, sizes, c, n, kernel, (1, 1), same)
    window, steps = trace(case, step)
    least = window.by_pixels(mixed=mixed) if step == "pixel" else window.by_rows(mixed=mixed)
    nothing_left = -int(np.prod(window.input))
    if least > nothing_left:
        assert destroys(steps, least - 1, mixed)


@given(windows)
def test_channels_keep_apart_at_whole_pixels(case: tuple) -> None:
    """Channel after channel, all of a channel read before it is written, pixel by pixel."""
    batch, sizes, c, _, kernel, stride, same = case
    window, steps = trace((batch, sizes, c, c, kernel, stride, same), "pixel")
    overlap = window.channelwise
    by_channel = [
        ({byte for byte in reads if byte % c == k}, {byte for byte in writes if byte % c == k})
        for reads, writes in steps
        for k in range(c)
    ]
    for k in range(4):
        distance = overlap.first + k * overlap.step
        assert overlap.allows(distance)
        assert not destroys(by_channel, distance, False)


def test_what_an_overlap_allows() -> None:
    near = Overlap(0, least=6, first=-4, step=5)
    assert [d for d in range(-6, 9) if near.allows(d)] == [-4, 1, 6, 7, 8]
    assert near.nearest() == 1
    assert only_in_place(0).allows(0)
    assert not only_in_place(0).allows(64)


def chain(seed: int) -> bytes:
    """A network of what can share memory, with branches that rejoin."""
    draw = random.Random(seed)
    net = Net(seed)
    x = net.input(1, draw.choice([5, 8, 13]), draw.choice([3, 6, 10]), draw.choice([1, 3, 4, 8]))
    for _ in range(draw.randint(3, 7)):
        kind = draw.choice(["conv", "conv", "dw", "dw", "one", "pool", "residual"])
        _, h, w, c = net.t(x).shape
        same = draw.random() < 0.7 or min(h, w) < 4
        stride = draw.choice([1, 1, 2]) if min(h, w) > 2 else 1
        if kind == "conv":
            kernel = draw.choice([(3, 3), (3, 3), (1, 3), (4, 1)])
            x = net.conv(x, draw.choice([2, 4, 5, 8]), kernel, stride=stride, same=same)
        elif kind == "dw":
            many = draw.choice([1, 1, 1, 2])
            x = net.dw(x, draw.choice([(3, 3), (3, 3), (2, 3)]), stride=stride, same=same,
                       multiplier=many if c < 9 else 1)  # fmt: skip
        elif kind == "one":
            x = net.conv(x, draw.choice([c, 4, 7, 12]))
        elif kind == "pool" and min(h, w) > 3:
            x = net.pool(draw.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"]), x, draw.choice([2, 3]),
                         draw.choice([1, 2]), same)  # fmt: skip
        elif kind == "residual":
            y = net.conv(net.conv(x, c, (3, 3)), c, (3, 3), act=0)
            shortcut = x if draw.random() < 0.5 else net.conv(x, c, (1, 1), act=0)
            x = net.two("ADD", y, shortcut)
    return net.bytes(x)


def cases(core: str, seeds: range) -> list[Case]:
    found = []
    for seed in seeds:
        model = chain(seed)
        for optimize in ("size", "speed"):
            found.append(
                Case(model, random_inputs(model, 1, seed), f"{core} {seed}", CORES[core], optimize,
                     keep_inputs=False, tensors=True, guarded=True)
            )  # fmt: skip
    return found


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
def test_networks_in_guarded_memory(core: str) -> None:
    """Every tensor is TFLM's, bit for bit; nothing is read or written that is not a layer's."""
    check(cases(core, range(6)))


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
def test_many_networks_in_guarded_memory(core: str) -> None:
    for start in range(100, 160, 30):
        check(cases(core, range(start, start + 30)))


def test_overlaps_save_memory() -> None:
    """The chains do reach into their inputs: without it this test would say nothing."""
    shared = 0
    for case in cases("dsp", range(6)):
        _, program = compile_case(case)
        blocks = [p for p in program.placements if p.tensors]
        shared += sum(
            a.last == b.first and a.offset < b.offset + b.size and b.offset < a.offset + a.size
            for a, b in product(blocks, blocks)
            if a is not b
        )
    assert shared >= 6
