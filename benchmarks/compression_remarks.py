"""Why bars are missed, found by looking into the figures; shown under a task's table."""

from __future__ import annotations

_SPARSE = """On a Cortex-M4 a sparse 3x3 convolution takes 1.0 to 1.1 instructions for each
multiply-accumulate of the dense layer at 84 to 88 % zeros, the dense kernel 0.9. The sparse kernel
multiplies a weight with four pixels at a time, gathers their receptive fields anew for every four,
and rounds outputs in portable C: it has room for eight pixels, and for the core's DSP instructions.
"""

REMARKS: dict[str, str] = {
    "digits": f"""
Bar 1 is missed by the instructions alone. The second convolution (16 to 32 channels, 3x3) has two
thirds of the multiply-accumulates. It takes 304,843 instructions with 87.5 % zeros (`scope=layer`)
against 263,949 dense; with the default recipe `--optimize balanced` leaves it dense, and then the
instructions are fewer, but the model is 8.9x smaller. `magnitude:0.9` passes all of the bar at
once, the instructions barely. One of the 359 test samples is 0.3 points.

{_SPARSE}""",
    "mnist": f"""
Bar 1 is missed by one condition in each setting. With the default recipe the second convolution
keeps 22 % of its weights and is stored dense, so the model is 11.1x smaller instead of 12x, with
fewer instructions than dense. With `scope=layer` and `--optimize size` it is 14.5x smaller, and
takes 936,916 instructions for that layer against 814,610 dense.

{_SPARSE}""",
}
