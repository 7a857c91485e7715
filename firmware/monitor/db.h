/* The buffer behind `db`, and MLPerf Tiny's ways of putting inputs in and reading results out. */
#ifndef MON_DB_H
#define MON_DB_H

#include <stdbool.h>
#include <stdint.h>

/* 0: `db` writes straight into the input tensor, which an inference may overwrite. */
#ifndef MONITOR_DB_BYTES
#define MONITOR_DB_BYTES 0
#endif

/* Bytes `db load` may ask for. */
uint32_t mon_db_limit(void);

/* Bytes an inference needs, in the form the host sends them. */
uint32_t mon_db_needed(void);

void mon_db_write(uint32_t position, uint8_t byte);
uint8_t mon_db_read(uint32_t position);

/* Puts the buffer into the engine's input; nothing to do where it is there already. */
void mon_db_to_input(void);

/* The result vector between brackets: outputs as real values; for ad01 the one mean of squared
 * differences between output and input. */
void mon_db_results(void);

#endif
