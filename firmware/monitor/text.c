#include "text.h"

#include <stdbool.h>
#include <string.h>

#include "db.h"
#include "engine.h"
#include "frame.h"
#include "info.h"
#include "model.h"
#include "out.h"
#include "port.h"
#include "request.h"

#ifndef MONITOR_ENERGY
#define MONITOR_ENERGY 0
#endif

/* What MLPerf Tiny's firmware answers to `profile`; its runners show it. */
#define PROFILE "ULPMark for tinyML Firmware V0.0.1"

static char *const line = (char *)mon_buffer;
static size_t length;
static bool overlong;

static uint32_t db_size;
static uint32_t db_position;
static bool results_valid;

static void timestamp(uint64_t ticks)
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

static void number_line(const char *before, uint64_t value, const char *after)
{
    mon_out(before);
    mon_out_u64(value);
    mon_out_line(after);
}

static void engine_failed(void)
{
    mon_out("e-[Engine: ");
    mon_out(engine_error());
    mon_out_line("]");
}

/* Cuts the next word off; NULL where there is none. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ");
    if (*word == '\0') {
        return NULL;
    }
    char *end = word + strcspn(word, " ");
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

/* Digits only, below 10^9. */
static bool to_number(const char *word, uint32_t *value)
{
    const size_t digits = strspn(word, "0123456789");
    if (digits == 0 || digits > 9 || word[digits] != '\0') {
        return false;
    }
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        *value = *value * 10u + (uint32_t)(word[i] - '0');
    }
    return true;
}

/* The value of a hexadecimal digit, or -1. */
static int nibble(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void db_load(char *rest)
{
    const char *word = next_word(&rest);
    uint32_t size;
    if (!word || !to_number(word, &size)) {
        mon_out_line("e-[Command 'db load' requires the number of bytes]");
    } else if (size == 0) {
        mon_out_line("e-[Command 'db load' must be >0 bytes]");
    } else if (size > mon_db_limit()) {
        number_line("e-[Command 'db load' takes at most ", mon_db_limit(), " bytes]");
    } else {
        db_size = size;
        db_position = 0;
        mon_text_forget();
        mon_request_forget();
        number_line("m-[Expecting ", size, " bytes]");
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
        if (nibble(digits[i]) < 0) {
            mon_out_line("e-[Not a hex digit]");
            return; /* nothing of a wrong line is taken */
        }
    }
    if (db_position == db_size) {
        mon_out_line(db_size ? "e-[The buffer is full]" : "e-[Command 'db' needs 'db load' first]");
        return;
    }
    for (size_t i = 0; i < count && db_position < db_size; i += 2) {
        const int byte = nibble(digits[i]) << 4 | nibble(digits[i + 1]);
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
    const char *word = next_word(&rest);
    if (word && !to_number(word, &count)) {
        mon_out_line("e-[Command 'db print' takes numbers]");
        return;
    }
    word = next_word(&rest);
    if (word && !to_number(word, &offset)) {
        mon_out_line("e-[Command 'db print' takes numbers]");
        return;
    }
    const uint32_t end = offset + count < db_position ? offset + count : db_position;
    for (uint32_t i = offset; i < end; i++) {
        mon_out((i - offset) % 8u == 0 ? "m-buffer-" : "-");
        mon_out_hex8(mon_db_read(i));
        if ((i - offset) % 8u == 7u || i + 1u == end) {
            mon_out("\r\n");
        }
    }
}

static void db(char *rest)
{
    char *word = next_word(&rest);
    if (!word) {
        mon_out_line("e-[Command 'db' requires a subcommand]");
    } else if (!mon_model_ready()) {
        engine_failed();
    } else if (strcmp(word, "load") == 0) {
        db_load(rest);
    } else if (strcmp(word, "print") == 0) {
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
            engine_failed();
            return false;
        }
    }
    return true;
}

static void results(void)
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
    number_line("m-warmup-start-", warmups, "");
    if (!run(warmups)) {
        return false;
    }
    mon_out_line("m-warmup-done");
    number_line("m-infer-start-", count, "");
#if MONITOR_ENERGY
    timestamp(0);
#endif
    const uint64_t start = port_ticks();
    if (!run(count)) {
        return false;
    }
    const uint64_t end = port_ticks();
#if !MONITOR_ENERGY
    timestamp(start);
#endif
    timestamp(end);
    mon_expect((end - start) / count);
    mon_out_line("m-infer-done");
    return true;
}

static void infer(char *rest)
{
    uint32_t count = 1;
    uint32_t warmups = 10; /* MLPerf Tiny's default */
    const char *word = next_word(&rest);
    if (word && (!to_number(word, &count) || count == 0)) {
        mon_out_line("e-[Inference iterations must be >0]");
        return;
    }
    word = next_word(&rest);
    if (word && !to_number(word, &warmups)) {
        mon_out_line("e-[Inference warmup must be >=0]");
        return;
    }
    if (!mon_model_ready()) {
        engine_failed();
        return;
    }
    if (db_position != db_size || db_size != mon_db_needed()) {
        number_line("e-[An inference needs 'db load ", mon_db_needed(), "' and as many bytes]");
        return;
    }
    static uint32_t loaded_crc;
    const bool in_place = MONITOR_DB_BYTES == 0;
    if (in_place && results_valid && mon_input_crc() != loaded_crc) {
        mon_out_line("e-[The last inference overwrote the input: load it again]");
        return;
    }
    mon_request_forget();
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
        results();
    } else {
        db_size = db_position = 0;
        mon_out_line("e-[No results: the first inference overwrote the input of the others]");
    }
}

static void layers(void)
{
    if (!mon_model_ready()) {
        engine_failed();
        return;
    }
    mon_text_forget();
    mon_request_forget();
    for (uint32_t i = 0; i < engine_info()->layers; i++) {
        uint64_t ticks;
        if (mon_layer(i, &ticks) != 0) {
            engine_failed();
            return;
        }
        mon_out("m-layer-");
        mon_out_u64(i);
        number_line("-", ticks, "");
    }
}

static void help(void)
{
    static const char *const lines[] = {
        PROFILE,
        "",
        "help         : Print this",
        "name         : Print the name of the device",
        "profile      : Print the benchmark's and the model's id",
        "timestamp    : Print or signal the time",
        "db load N    : Expect N bytes of input",
        "db HH[HH]*   : The next bytes in hex, until there are N",
        "db print [N] [OFFSET] : Print bytes of the buffer",
        "infer N [W=10] : N inferences after W warm-ups",
        "results      : Print the result vector",
        "info         : Print model, tensors, clock and memory",
        "layers       : Run one inference layer by layer, print the ticks of each",
        "reset        : Restart the chip",
        "Frames between zero bytes (COBS, CRC-32) carry input and output in binary.",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        mon_out_line(lines[i]);
    }
}

static void profile(void)
{
    mon_out_line("m-profile-[" PROFILE "]");
    mon_out("m-model-[");
    mon_out(mon_model_id());
    mon_out_line("]");
}

static void unknown(char *command)
{
    const size_t shown = strlen(command);
    mon_out("e-[Unknown command: ");
    mon_out_n(command, shown < 32u ? shown : 32u);
    mon_out_line("]");
}

static void execute(char *rest)
{
    char *command = next_word(&rest);
    if (!command) {
        mon_out_line("e-[Empty command]");
    } else if (strcmp(command, "name") == 0) {
        mon_out_line("m-name-dut-[" MONITOR_NAME "]");
    } else if (strcmp(command, "timestamp") == 0) {
        timestamp(port_ticks());
    } else if (strcmp(command, "profile") == 0) {
        profile();
    } else if (strcmp(command, "help") == 0) {
        help();
    } else if (strcmp(command, "db") == 0) {
        db(rest);
    } else if (strcmp(command, "infer") == 0) {
        infer(rest);
    } else if (strcmp(command, "results") == 0) {
        results();
    } else if (strcmp(command, "info") == 0) {
        mon_info("m-info-[", "]\r\n");
    } else if (strcmp(command, "layers") == 0) {
        layers();
    } else if (strcmp(command, "reset") == 0) {
        port_reset();
    } else {
        unknown(command);
    }
}

void mon_text_greet(void)
{
#if MONITOR_ENERGY
    port_set_baud(9600); /* what the benchmark's interface board speaks */
    mon_out_line("m-timestamp-mode-energy");
#else
    mon_out_line("m-timestamp-mode-performance");
#endif
    timestamp(port_ticks());
    if (!mon_model_ready()) {
        engine_failed();
    }
    mon_out_line("m-init-done");
    mon_out_line("m-ready");
}

void mon_text_clear(void)
{
    length = 0;
    overlong = false;
}

void mon_text_forget(void)
{
    results_valid = false;
}

void mon_text_byte(uint8_t byte)
{
    if (byte == '%') {
        line[length] = '\0';
        if (overlong) {
            mon_out_line("e-[Command too long]");
        } else {
            execute(line);
        }
        mon_out_line("m-ready");
        mon_text_clear();
    } else if (byte == '\r' || byte == '\n') {
        return; /* a person's terminal sends them */
    } else if (byte < ' ' || byte > '~') {
        mon_text_clear(); /* noise: the command begins after it */
    } else if (length + 1u < sizeof mon_buffer) {
        line[length++] = (char)byte;
    } else {
        overlong = true;
    }
}
