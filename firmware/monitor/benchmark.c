#include "benchmark.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "current.h"
#include "db.h"
#include "engine.h"
#include "model.h"
#include "out.h"
#include "port.h"
#include "words.h"

static uint32_t db_size;
static uint32_t db_position;
static bool results_valid;

void mon_timestamp(uint64_t ticks)
{
#if MONITOR_ENERGY
    (void)ticks;
    port_timestamp_pin();
#else
    mon_out("m-lap-us-");
    mon_out_u64(mon_microseconds(ticks));
    mon_out("\r\n");
#endif
}

void mon_engine_failed(void)
{
    mon_out("e-[Engine: ");
    mon_out_text(engine_error());
    mon_out_line("]");
}

void mon_benchmark_forget(void)
{
    results_valid = false;
}

static void db_load(char *rest)
{
    const char *word = mon_next_word(&rest);
    uint32_t size;
    if (!word || !mon_to_number(word, &size)) {
        mon_out_line("e-[Command 'db load' requires the number of bytes]");
    } else if (size == 0) {
        mon_out_line("e-[Command 'db load' must be >0 bytes]");
    } else if (size > mon_db_limit()) {
        mon_out_number_line("e-[Command 'db load' takes at most ", mon_db_limit(), " bytes]");
    } else {
        db_size = size;
        db_position = 0;
        results_valid = false;
        mon_current_forget();
        mon_out_number_line("m-[Expecting ", size, " bytes]");
    }
}

static void db_hex(const char *digits)
{
    const size_t count = strlen(digits);
    if (count % 2 != 0) {
        mon_out_line("e-[Odd number of hex digits]");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (mon_nibble(digits[i]) < 0) {
            mon_out_line("e-[Not a hex digit]");
            return; /* nothing of a wrong line is taken */
        }
    }
    if (db_position == db_size) {
        if (db_size) {
            mon_out_line("e-[The buffer is full]");
        } else {
            mon_out_line("e-[Command 'db' needs 'db load' first]");
        }
        return;
    }
    for (size_t i = 0; i < count && db_position < db_size; i += 2) {
        const int byte = mon_nibble(digits[i]) << 4 | mon_nibble(digits[i + 1]);
        mon_db_write(db_position++, (uint8_t)byte);
    }
    if (db_position == db_size) {
        mon_out_line("m-load-done");
    }
}

/* Eight bytes a line; without arguments, all there is. */
static void db_print(char *rest)
{
    uint32_t count = db_position;
    uint32_t offset = 0;
    const char *word = mon_next_word(&rest);
    if (word && !mon_to_number(word, &count)) {
        mon_out_line("e-[Command 'db print' takes numbers]");
        return;
    }
    word = mon_next_word(&rest);
    if (word && !mon_to_number(word, &offset)) {
        mon_out_line("e-[Command 'db print' takes numbers]");
        return;
    }
    const uint32_t end = offset + count < db_position ? offset + count : db_position;
    for (uint32_t i = offset; i < end; i++) {
        if ((i - offset) % 8u == 0) {
            mon_out("m-buffer-");
        } else {
            mon_out("-");
        }
        mon_out_hex8(mon_db_read(i));
        if ((i - offset) % 8u == 7u || i + 1u == end) {
            mon_out("\r\n");
        }
    }
}

void mon_benchmark_db(char *rest)
{
    char *word = mon_next_word(&rest);
    if (!word) {
        mon_out_line("e-[Command 'db' requires a subcommand]");
    } else if (!mon_model_ready()) {
        mon_engine_failed();
    } else if (mon_word_is(word, "load")) {
        db_load(rest);
    } else if (mon_word_is(word, "print")) {
        db_print(rest);
    } else {
        db_hex(word);
    }
}

/* Runs `count` inferences one after the other; false where the engine fails. */
static bool run(uint32_t count)
{
    while (count-- > 0) {
        if (engine_infer() != 0) {
            mon_engine_failed();
            return false;
        }
    }
    return true;
}

void mon_benchmark_results(void)
{
    if (!results_valid) {
        mon_out_line("e-[No results]");
        return;
    }
    mon_out("m-results-[");
    mon_db_results();
    mon_out_line("]");
}

/* The protocol's words around `count` timed inferences after `warmups` others. The two time
 * stamps are printed after the second was taken: sending the first is not part of the time. */
static bool timed_run(uint32_t count, uint32_t warmups)
{
    mon_out_number_line("m-warmup-start-", warmups, "");
    if (!run(warmups)) {
        return false;
    }
    mon_out_line("m-warmup-done");
    mon_out_number_line("m-infer-start-", count, "");
#if MONITOR_ENERGY
    mon_timestamp(0);
#endif
    const uint64_t start = port_ticks();
    if (!run(count)) {
        return false;
    }
    const uint64_t end = port_ticks();
#if !MONITOR_ENERGY
    mon_timestamp(start);
#endif
    mon_timestamp(end);
    mon_expect((end - start) / count);
    mon_out_line("m-infer-done");
    return true;
}

void mon_benchmark_infer(char *rest)
{
    uint32_t count = 1;
    uint32_t warmups = 10; /* MLPerf Tiny's default */
    const char *word = mon_next_word(&rest);
    if (word && (!mon_to_number(word, &count) || count == 0)) {
        mon_out_line("e-[Inference iterations must be >0]");
        return;
    }
    word = mon_next_word(&rest);
    if (word && !mon_to_number(word, &warmups)) {
        mon_out_line("e-[Inference warmup must be >=0]");
        return;
    }
    if (!mon_model_ready()) {
        mon_engine_failed();
        return;
    }
    if (db_position != db_size || db_size != mon_db_needed()) {
        mon_out_number_line("e-[An inference needs 'db load ", mon_db_needed(),
                            "' and as many bytes]");
        return;
    }
    static uint32_t loaded_crc;
    const bool in_place = MONITOR_DB_BYTES == 0;
    if (in_place && results_valid && mon_input_crc() != loaded_crc) {
        mon_out_line("e-[The last inference overwrote the input: load it again]");
        return;
    }
    mon_current_forget();
    results_valid = false;
    mon_db_to_input();
    loaded_crc = mon_input_crc();
    engine_reset();
    if (!timed_run(count, warmups)) {
        return;
    }
    /* An engine may overwrite its input, so only the first of several inferences counts. */
    results_valid = count + warmups == 1u || mon_input_crc() == loaded_crc;
    if (!results_valid && !in_place) {
        mon_db_to_input();
        engine_reset();
        results_valid = run(1);
    }
    if (results_valid) {
        mon_benchmark_results();
    } else {
        db_size = db_position = 0;
        mon_out_line("e-[No results: the first inference overwrote the input of the others]");
    }
}
