/* The engine as the monitor sees it: inputs and outputs as runs of bytes, and timed inferences. */
#ifndef MON_MODEL_H
#define MON_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* Prepares the engine; false where it can't run (engine_error() says why). */
bool mon_model_start(void);
bool mon_model_ready(void);

/* All inputs one after the other are one run of bytes, and so are the outputs. */
uint32_t mon_input_bytes(void);
void mon_input_write(uint32_t offset, const uint8_t *data, uint32_t bytes);
void mon_input_read(uint32_t offset, uint8_t *data, uint32_t bytes);
uint32_t mon_input_crc(void);
uint32_t mon_output_bytes(void);
void mon_output_read(uint32_t offset, uint8_t *data, uint32_t bytes);
uint32_t mon_output_crc(void);

/* Runs and times; the cost of reading the counter is taken off. Returns what the engine returns.
 * An inference may overwrite its inputs. */
int mon_infer(uint64_t *ticks);
int mon_layer(uint32_t index, uint64_t *ticks);

/* What an inference took when one was last timed, in microseconds; 0 where none was. */
uint32_t mon_expected_us(void);
void mon_expect(uint64_t ticks);

uint64_t mon_microseconds(uint64_t ticks);

#endif
