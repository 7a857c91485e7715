/* engine.h over a network compiled ahead of time (network.h). */
#include "engine.h"
#include "network.h"

static const char *last_error = "";

/* network.h stands alone, so it names the types itself; the numbers are the same. */
_Static_assert((int)ENGINE_INT8 == (int)NETWORK_INT8, "types differ");
_Static_assert((int)ENGINE_FLOAT32 == (int)NETWORK_FLOAT32, "types differ");
_Static_assert((int)ENGINE_BOOL == (int)NETWORK_BOOL, "types differ");

static const engine_tensor_t no_tensor = {.data = 0, .bytes = 0, .elements = 0};

static engine_tensor_t describe(const network_tensor_t *t)
{
    const engine_tensor_t result = {
        .data = t->data,
        .bytes = t->bytes,
        .elements = t->elements,
        .dtype = (engine_dtype_t)t->dtype,
        .scale = t->scale,
        .zero_point = t->zero_point,
    };
    return result;
}

int engine_init(void)
{
    last_error = "";
    network_reset();
    return 0;
}

const engine_info_t *engine_info(void)
{
    static MCU_ROM char engine[] = "aot";
    static MCU_ROM char model[] = NETWORK_NAME;
    static MCU_ROM char sha256[] = NETWORK_SHA256;
    static const engine_info_t info = {
        .engine = engine,
        .model = model,
        .sha256 = sha256,
        .inputs = NETWORK_INPUTS,
        .outputs = NETWORK_OUTPUTS,
        .layers = NETWORK_LAYERS,
        .whole = 0,
        .arena_bytes = NETWORK_ARENA_BYTES,
    };
    return &info;
}

engine_tensor_t engine_input(uint32_t index)
{
    return index < NETWORK_INPUTS ? describe(&network_inputs[index]) : no_tensor;
}

engine_tensor_t engine_output(uint32_t index)
{
    return index < NETWORK_OUTPUTS ? describe(&network_outputs[index]) : no_tensor;
}

int engine_infer(void)
{
    network_run();
    return 0;
}

int engine_layer(uint32_t index)
{
    if (index >= NETWORK_LAYERS) {
        last_error = "no such layer";
        return -1;
    }
    network_layers[index]();
    return 0;
}

const uint64_t *engine_profile(void)
{
    return 0;
}

const uint8_t *engine_arena(void)
{
    return network_arena;
}

void engine_reset(void)
{
    network_reset();
}

const char *engine_error(void)
{
    return last_error;
}
