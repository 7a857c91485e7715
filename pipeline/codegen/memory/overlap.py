"""How far an output may reach into the memory of an input that is read for the last time.

A kernel that goes through its input from the front to the back needs less of it with each
step. Let step t be the t-th pixel, row or strip of the output, `reads[t]` the first byte of
the input that it reads, and `ends[t]` the end of what it has written. With the output's
start `distance` bytes before the input's, step t destroys nothing that is still read if

    ends[t] - distance <= reads[u]  for all u > t, and for u = t where reading and writing mix.

The least such distance is exact for a kernel that has this order, whatever shapes, strides
and padding are. Blacker, Bridges and Hadfield call it diagonal memory optimisation
(arXiv:2010.01668).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.codegen.numeric import I64

_FAR = 1 << 31
"""Bytes; more than any arena has."""


@dataclass(frozen=True)
class Overlap:
    """Where the output may begin, as bytes before the beginning of an input.

    Attributes:
        position: of the input in op.inputs.
        least: every distance from here on is safe; negative where the output may begin
            behind the input's first byte; None: none is known to be.
        first, step: the distances first, first + step, first + 2 * step, ... are safe too,
            where `step` isn't 0: kernels that take one channel after another.
    """

    position: int
    least: int | None = None
    first: int = 0
    step: int = 0

    def allows(self, distance: int) -> bool:
        """The output may begin `distance` bytes before the input."""
        if self.least is not None and distance >= self.least:
            return True
        return self.step > 0 and distance >= self.first and (distance - self.first) % self.step == 0

    def nearest(self) -> int:
        """A safe distance that makes both together as small as possible."""
        able = [] if self.least is None else [max(self.least, 0)]
        if self.step:
            able.append(self.first + max(0, -(self.first // self.step)) * self.step)
        return min(able)


def only_in_place(position: int) -> Overlap:
    """The output begins where the input does, or elsewhere."""
    return Overlap(position, first=0, step=_FAR)


def least_distance(reads: I64, ends: I64, *, mixed: bool) -> int:
    """The least distance that is safe.

    Args:
        reads: (steps,) first byte of the input that a step reads.
        ends: (steps,) end of the bytes of the output that a step writes.
        mixed: a step writes before it has read all it needs.
    """
    needed = np.minimum.accumulate(reads[::-1])[::-1]
    if not mixed:
        ends, needed = ends[:-1], needed[1:]
    # One step that reads everything first: the output may begin anywhere in the input.
    return int((ends - needed).max()) if ends.size else -_FAR


@dataclass(frozen=True)
class Window:
    """A convolution or a pooling, as far as the order of its reading goes.

    Attributes:
        input, output: (batch, height, width, channels).
        stride, padding: (height, width); padding before the first row and column.
        itemsize: bytes of a value.
    """

    input: tuple[int, ...]
    output: tuple[int, ...]
    stride: tuple[int, int]
    padding: tuple[int, int]
    itemsize: int = 1

    @property
    def pixelwise(self) -> Overlap:
        """A pixel is read before it is written; the data is input 0."""
        return Overlap(0, self.by_pixels())

    @property
    def channelwise(self) -> Overlap:
        """As many channels out as in; a channel of a pixel needs that channel alone.

        Distances of whole pixels keep channels apart.
        """
        return self._apart(self.by_pixels(mixed=True), self.by_pixels())

    def channelwise_by_rows(self, rows: int) -> Overlap:
        """The same, all pixels of `rows` rows of the output at a time."""
        return self._apart(self.by_rows(rows, mixed=True), self.by_rows(rows))

    def _apart(self, least: int, first: int) -> Overlap:
        return Overlap(0, least, first, self.input[3] * self.itemsize)

    def by_rows(self, rows: int = 1, *, mixed: bool = False) -> int:
        """The least distance where `rows` rows of the output are a step."""
        y = np.arange(0, self.output[1], rows)
        first = self._inside(y * self.stride[0] - self.padding[0], self.input[1])
        ends = np.minimum(y + rows, self.output[1])
        return self._least(first * self.input[2], ends * self.output[2], mixed)

    def by_pixels(self, pixels: int = 1, *, mixed: bool = False) -> int:
        """The least distance where `pixels` neighbours with all their channels are a step."""
        count = self.output[1] * self.output[2]
        y, x = np.divmod(np.arange(count), self.output[2])
        row = self._inside(y * self.stride[0] - self.padding[0], self.input[1])
        column = self._inside(x * self.stride[1] - self.padding[1], self.input[2])
        # The first byte read from a pixel on: the one of a row's start may be the lower one.
        reads = np.minimum.accumulate((row * self.input[2] + column)[::-1])[::-1]
        starts = np.arange(0, count, pixels)
        return self._least(reads[starts], np.minimum(starts + pixels, count), mixed)

    def by_tiles(self, size: int, tiles: int) -> int:
        """The least distance where `tiles` tiles of `size` x `size` outputs are a step.

        Tiles go from left to right, then down; all of a step is read before it is written.
        """
        across = -(-self.output[2] // size)
        count = across * -(-self.output[1] // size)
        starts = np.arange(0, count, tiles)
        top = starts // across * size * self.stride[0] - self.padding[0]
        bottom = ((np.minimum(starts + tiles, count) - 1) // across + 1) * size
        reads = self._inside(top, self.input[1]) * self.input[2]
        return self._least(reads, np.minimum(bottom, self.output[1]) * self.output[2], False)

    def _inside(self, at: I64, size: int) -> I64:
        return np.asarray(np.clip(at, 0, size - 1), np.int64)

    def _least(self, reads: I64, ends: I64, mixed: bool) -> int:
        """From pixels of one image to bytes of all."""
        batch = np.arange(self.input[0], dtype=np.int64)[:, None]
        size_in = self.input[1] * self.input[2]
        size_out = self.output[1] * self.output[2]
        channels_in, channels_out = self.input[3], self.output[3]
        least = least_distance(
            ((batch * size_in + reads) * channels_in * self.itemsize).reshape(-1),
            ((batch * size_out + ends) * channels_out * self.itemsize).reshape(-1),
            mixed=mixed,
        )
        # Further on they don't overlap.
        return max(least, -self.input[0] * size_in * channels_in * self.itemsize)
