#include "text.h"

#include <stdbool.h>
#include <string.h>

#include "benchmark.h"
#include "engine.h"
#include "frame.h"
#include "info.h"
#include "model.h"
#include "out.h"
#include "port.h"
#include "request.h"
#include "words.h"

/* What MLPerf Tiny's firmware answers to `profile`; its runners show it. */
#define PROFILE "ULPMark for tinyML Firmware V0.0.1"

static char *const line = (char *)mon_buffer;
static size_t length;
static bool overlong;

static void layers(void)
{
    if (!mon_model_ready()) {
        mon_engine_failed();
        return;
    }
    mon_benchmark_forget();
    mon_request_forget();
    for (uint32_t i = 0; i < engine_info()->layers; i++) {
        uint64_t ticks;
        if (mon_layer(i, &ticks) != 0) {
            mon_engine_failed();
            return;
        }
        mon_out("m-layer-");
        mon_out_u64(i);
        mon_out_number_line("-", ticks, "");
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
    char *command = mon_next_word(&rest);
    if (!command) {
        mon_out_line("e-[Empty command]");
    } else if (strcmp(command, "name") == 0) {
        mon_out_line("m-name-dut-[" MONITOR_NAME "]");
    } else if (strcmp(command, "timestamp") == 0) {
        mon_timestamp(port_ticks());
    } else if (strcmp(command, "profile") == 0) {
        profile();
    } else if (strcmp(command, "help") == 0) {
        help();
    } else if (strcmp(command, "db") == 0) {
        mon_benchmark_db(rest);
    } else if (strcmp(command, "infer") == 0) {
        mon_benchmark_infer(rest);
    } else if (strcmp(command, "results") == 0) {
        mon_benchmark_results();
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
    mon_timestamp(port_ticks());
    if (!mon_model_ready()) {
        mon_engine_failed();
    }
    mon_out_line("m-init-done");
    mon_out_line("m-ready");
}

void mon_text_clear(void)
{
    length = 0;
    overlong = false;
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
