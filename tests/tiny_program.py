"""The smallest network there can be: four int8 values in, each plus one out."""

from pipeline.codegen.program import Layer, Program

_HEADER = """\
#ifndef NETWORK_H
#define NETWORK_H
#include <stdint.h>
#define NETWORK_NAME "tiny"
#define NETWORK_SHA256 "0000000000000000000000000000000000000000000000000000000000000000"
#define NETWORK_INPUTS 1
#define NETWORK_OUTPUTS 1
#define NETWORK_LAYERS 1
#define NETWORK_ARENA_BYTES {arena}
typedef enum {{
    NETWORK_INT8, NETWORK_INT16, NETWORK_INT32, NETWORK_UINT8, NETWORK_FLOAT32, NETWORK_BOOL
}} network_dtype_t;
typedef struct {{
    void *data;
    uint32_t bytes;
    uint32_t elements;
    network_dtype_t dtype;
    float scale;
    int32_t zero_point;
}} network_tensor_t;
extern uint8_t network_arena[NETWORK_ARENA_BYTES];
extern const network_tensor_t network_inputs[NETWORK_INPUTS];
extern const network_tensor_t network_outputs[NETWORK_OUTPUTS];
extern void (*const network_layers[NETWORK_LAYERS])(void);
void network_run(void);
void network_reset(void);
#endif
"""

_SOURCE = """\
#include "network.h"
#include "rom.h"
uint8_t network_arena[NETWORK_ARENA_BYTES];
MCU_ROM int8_t model_weights[{weights}] = {{1, 1, 1, 1}};
const network_tensor_t network_inputs[1] = {{{{network_arena, 4, 4, NETWORK_INT8, 1.0f, 0}}}};
const network_tensor_t network_outputs[1] = {{{{network_arena + 4, 4, 4, NETWORK_INT8, 1.0f, 0}}}};
static void add_one(void)
{{
    volatile MCU_ROM int8_t *weight = model_weights;
    for (int i = 0; i < 4; i++) {{
        network_arena[4 + i] = (uint8_t)(network_arena[i] + weight[i]);
    }}
    {body}
}}
void (*const network_layers[1])(void) = {{add_one}};
void network_run(void)
{{
    add_one();
}}
void network_reset(void)
{{
}}
"""


def tiny_program(*, weights: int = 64, arena: int = 64, body: str = "") -> Program:
    """A Program that a project can be rendered from.

    Args:
        weights: bytes of model data in flash.
        arena: bytes of activation memory.
        body: further C statements of its one layer.
    """
    return Program(
        name="tiny",
        sources={
            "network.h": _HEADER.format(arena=arena),
            "network.c": _SOURCE.format(weights=weights, body=body),
        },
        runtime=(),
        layers=(Layer(0, "ADD", "add_one", 4, "add_one", "dense", weights),),
        arena_bytes=arena,
    )
