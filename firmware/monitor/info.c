#include "info.h"

#include <stdint.h>
#include <string.h>

#include "db.h"
#include "engine.h"
#include "model.h"
#include "out.h"
#include "placed.h"
#include "port.h"
#include "protocol.h"

static MCU_ROM char *line_start;
static MCU_ROM char *line_end;

static void key(MCU_ROM char *name)
{
    mon_out_rom(line_start);
    mon_out_rom(name);
    mon_out("=");
}

static void number_of(MCU_ROM char *name, uint64_t value)
{
    key(name);
    mon_out_u64(value);
    mon_out_rom(line_end);
}

#define number(name, value) number_of(MCU_TEXT(name), (value))

/* Of text in flash, and of text from elsewhere. */
static void rom_text_of(MCU_ROM char *name, MCU_ROM char *value)
{
    key(name);
    mon_out_rom(value);
    mon_out_rom(line_end);
}
#define rom_text(name, value) rom_text_of(MCU_TEXT(name), (value))

#ifdef MCU_FLASH_IS_APART
static void text_of(MCU_ROM char *name, const char *value)
{
    key(name);
    mon_out_text(value);
    mon_out_rom(line_end);
}
#define text(name, value) text_of(MCU_TEXT(name), (value))
#else
#define text rom_text
#endif

static MCU_ROM char *dtype_name(engine_dtype_t dtype)
{
    static MCU_ROM char names[][8] = {"int8", "int16", "int32", "uint8", "float32", "bool"};
    return (unsigned)dtype < sizeof names / sizeof names[0] ? names[dtype] : MCU_TEXT("unknown");
}

/* input0=int8 bytes=490 elements=490 scale=0x3f15af2b zero_point=83 at=0x20000400; the scale is the
 * float32's bits, so that nothing is lost. */
static void tensor_of(MCU_ROM char *kind, uint32_t index, engine_tensor_t t)
{
    uint32_t scale;
    memcpy(&scale, &t.scale, sizeof scale);
    mon_out_rom(line_start);
    mon_out_rom(kind);
    mon_out_u64(index);
    mon_out("=");
    mon_out_rom(dtype_name(t.dtype));
    mon_out(" bytes=");
    mon_out_u64(t.bytes);
    mon_out(" elements=");
    mon_out_u64(t.elements);
    mon_out(" scale=");
    mon_out_hex32(scale);
    mon_out(" zero_point=");
    mon_out_i32(t.zero_point);
    mon_out(" at=");
    mon_out_hex32((uint32_t)(uintptr_t)t.data);
    mon_out_rom(line_end);
}

#define tensor(kind, index, t) tensor_of(MCU_TEXT(kind), (index), (t))

MCU_ROM char *mon_model_id(void)
{
#ifdef MONITOR_MODEL_ID
    return MCU_TEXT(MONITOR_MODEL_ID);
#else
    return mon_model_ready() ? engine_info()->model : MCU_TEXT("none");
#endif
}

void mon_info_between(MCU_ROM char *before, MCU_ROM char *after)
{
    line_start = before;
    line_end = after;
    number("protocol", MON_PROTOCOL_VERSION);
    number("chunk_bytes", MONITOR_CHUNK_BYTES);
    number("window_chunks", MONITOR_WINDOW_CHUNKS);
    rom_text("name", MCU_TEXT(MONITOR_NAME));
    rom_text("model_id", mon_model_id());
    number("db_bytes", mon_db_limit());
    number("clock_hz", port_clock_hz());
    number("tick_hz", port_tick_hz());
    text("tick_source", port_tick_source());
    number("stack_bytes", port_stack_bytes());
    number("stack_peak_bytes", port_stack_peak_bytes());
    if (!mon_model_ready()) {
        text("error", engine_error());
        return;
    }
    const engine_info_t *info = engine_info();
    rom_text("engine", info->engine);
    rom_text("model", info->model);
    rom_text("sha256", info->sha256);
    number("layers", info->layers);
    number("arena_bytes", info->arena_bytes);
    number("expected_us", mon_expected_us());
#ifndef MCU_FLASH_IS_APART /* else a debugger counts addresses in its own way */
    key(MCU_TEXT("placed"));
    mon_out_hex32((uint32_t)(uintptr_t)&mon_placed);
    mon_out_rom(line_end);
#endif
    number("inputs", info->inputs);
    for (uint32_t i = 0; i < info->inputs; i++) {
        tensor("input", i, engine_input(i));
    }
    number("outputs", info->outputs);
    for (uint32_t i = 0; i < info->outputs; i++) {
        tensor("output", i, engine_output(i));
    }
}
