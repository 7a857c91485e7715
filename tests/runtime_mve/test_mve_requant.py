"""Four-lane requantisation against the portable arithmetic, in QEMU, a million values."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bare_metal
import numpy as np
import pytest

_HEADER = """
#define NETWORK_INPUTS 1
#define NETWORK_OUTPUTS 1
#define NETWORK_LAYERS 1
typedef struct { void *data; uint32_t bytes; } network_tensor_t;
extern const network_tensor_t network_inputs[1], network_outputs[1];
extern void (*const network_layers[1])(void);
void network_reset(void);
void network_run(void);
"""

# The input seeds the generator, the outputs count differences: by mode, and values tried.
_SOURCE = """
#include <stdint.h>
#include "network.h"
#include "requantize.h"
#include "requant.h"
static uint32_t state;
static uint32_t counts[4];
const network_tensor_t network_inputs[1] = {{&state, 1}};
const network_tensor_t network_outputs[1] = {{counts, sizeof counts}};
static void nothing(void) { }
void (*const network_layers[1])(void) = {nothing};
void network_reset(void) { }

static uint32_t next(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void compare(const int32_t *acc, const int32_t *m, const int32_t *s, mve_mode_t mode)
{
    const mve_output_t output = {mode == MVE_FLOOR ? -128 : -7, -128, 127};
    int32_t y[4];
    vst1q_s32(y, mve_requant(vld1q_s32(acc), vld1q_s32(m), vld1q_s32(s), &output, mode));
    for (int i = 0; i < 4; i++) {
        const int64_t wide = (int64_t)requantize(acc[i], m[i], s[i]) + output.zero;
        const int32_t low = (int32_t)wide; /* wraps, as TFLM's addition */
        counts[mode] += y[i] != clamp(low, -128, 127);
        counts[3]++;
    }
}

void network_run(void)
{
    state += 77u;
    for (int i = 0; i < 4; i++) {
        counts[i] = 0;
    }
    for (int round = 0; round < 42000; round++) {
        int32_t acc[4], m[4], right[4], any[4];
        for (int i = 0; i < 4; i++) {
            const uint32_t kind = next();
            m[i] = (int32_t)((next() >> 2) | 0x40000000u);
            right[i] = -(int32_t)(kind % 32u);
            any[i] = (int32_t)((kind >> 5) % 62u) - 31;
            acc[i] = (int32_t)next() >> ((kind >> 11) % 32u);
            if ((kind >> 16) % 4u == 0u) { /* ties: a power of two times an odd number */
                m[i] = 0x40000000;
                acc[i] = (int32_t)((uint32_t)(acc[i] | 1) << ((uint32_t)-right[i] & 31u));
            }
        }
        compare(acc, m, right, MVE_FLOOR);
        compare(acc, m, right, MVE_SIGN);
        compare(acc, m, any, MVE_ANY);
    }
}
"""


@pytest.mark.slow
@pytest.mark.qemu
def test_million_values(tmp_path: Path) -> None:
    program: Any = SimpleNamespace(
        sources={"network.h": _HEADER, "network.c": _SOURCE},
        runtime=("mve/requant.h",),
    )
    result = bare_metal.run(program, np.array([[1], [90]], np.int8), tmp_path, "cortex-m55")
    for out in result.outputs:
        assert np.frombuffer(out, np.uint32).tolist() == [0, 0, 0, 42000 * 12]
