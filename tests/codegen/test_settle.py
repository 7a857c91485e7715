"""Channels that pruning has emptied: small numbers, the same output."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.codegen.numeric import requantize
from pipeline.codegen.ops.conv import settle


@given(
    bias=st.integers(-(2**31), 2**31 - 1) | st.sampled_from([2**30, -(2**30), 0]),
    multiplier=st.just(0) | st.integers(2**30, 2**31 - 1),
    shift=st.integers(-31, 8),
    zero=st.integers(-128, 127),
)
def test_the_output_of_an_empty_channel_stays(
    bias: int, multiplier: int, shift: int, zero: int
) -> None:
    weights = np.array([[0, 0], [0, 3]], np.int8)
    before = (
        np.array([bias, 5], np.int32),
        np.array([multiplier, 1 << 30], np.int32),
        np.array([shift, -4], np.int8),
    )
    after = settle(weights, *before)

    def output(numbers: tuple[np.ndarray, ...]) -> int:
        b, m, s = (int(part[0]) for part in numbers)
        return int(np.clip(requantize(np.array([b], np.int64), m, s)[0] + zero, -128, 127))

    assert output(after) == output(before)
    assert abs(int(after[0][0])) < 1 << 20
    for old, new in zip(before, after, strict=True):
        assert old[1] == new[1], "channels with weights stay as they are"
