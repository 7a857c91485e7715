/* MLPerf Tiny's own commands: `db`, `infer`, `results`, `timestamp`. */
#ifndef MON_BENCHMARK_H
#define MON_BENCHMARK_H

#include <stdint.h>

#ifndef MONITOR_ENERGY
#define MONITOR_ENERGY 0
#endif

/* `rest` is the line after the command's name. */
void mon_benchmark_db(char *rest);
void mon_benchmark_infer(char *rest);
void mon_benchmark_results(void);

/* The time as a line, or in energy mode as a pulse on a pin, now. */
void mon_timestamp(uint64_t ticks);

/* e-[Engine: what it says] */
void mon_engine_failed(void);

/* The engine's output is no longer that of the loaded input. */
void mon_benchmark_forget(void);

#endif
