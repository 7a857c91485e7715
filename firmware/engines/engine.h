/* One face for every inference engine (aot, tflm). The monitor knows nothing else.
 *
 * An engine owns its memory statically: input and output buffers stay where
 * engine_input()/engine_output() say from engine_init() on. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdint.h>

#include "rom.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ENGINE_INT8 = 0,
    ENGINE_INT16 = 1,
    ENGINE_INT32 = 2,
    ENGINE_UINT8 = 3,
    ENGINE_FLOAT32 = 4,
    ENGINE_BOOL = 5
} engine_dtype_t;

/* An input or output tensor. Real value = scale * (stored - zero_point). */
typedef struct {
    void *data;
    uint32_t bytes;
    uint32_t elements;
    engine_dtype_t dtype;
    float scale;
    int32_t zero_point;
} engine_tensor_t;

typedef struct {
    MCU_ROM char *engine; /* "aot" or "tflm" */
    MCU_ROM char *model;  /* the model's name */
    MCU_ROM char *sha256; /* of the .tflite, 64 hexadecimal digits */
    uint32_t inputs;
    uint32_t outputs;
    uint32_t layers;      /* how many layers there are to profile */
    uint32_t arena_bytes; /* activation memory */
    uint32_t whole;       /* 1: layers run all at once, engine_profile() times them */
} engine_info_t;

/* Prepares the engine. Returns 0, or an engine's own code; engine_error() says why. */
int engine_init(void);

const engine_info_t *engine_info(void);
engine_tensor_t engine_input(uint32_t index);
engine_tensor_t engine_output(uint32_t index);

/* Runs one inference over the input buffers. Returns 0 when outputs are valid. */
int engine_infer(void);

/* Runs layer `index` alone; all of them in order are one inference. Returns 0. */
int engine_layer(uint32_t index);

/* The same of an engine whose layers run all at once: runs one inference, and gives the ticks
 * each layer took (a reading of the counter included); NULL where the inference failed. */
const uint64_t *engine_profile(void);

/* Activation memory: engine_info()->arena_bytes of it. */
const uint8_t *engine_arena(void);

/* Puts state (LSTM, SVDF) back to its start. */
void engine_reset(void);

/* The last error in words; "" if there was none. */
const char *engine_error(void);

#ifdef __cplusplus
}
#endif

#endif
