#include "text.h"

#include <stdbool.h>
#include <string.h>

#include "benchmark.h"
#include "current.h"
#include "engine.h"
#include "frame.h"
#include "info.h"
#include "model.h"
#include "out.h"
#include "port.h"
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
    mon_current_forget();
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
    mon_out(PROFILE
            "\r\n"
            "\r\n"
            "help         : Print this\r\n"
            "name         : Print the name of the device\r\n"
            "profile      : Print the benchmark's and the model's id\r\n"
            "timestamp    : Print or signal the time\r\n"
            "db load N    : Expect N bytes of input\r\n"
            "db HH[HH]*   : The next bytes in hex, until there are N\r\n"
            "db print [N] [OFFSET] : Print bytes of the buffer\r\n"
            "infer N [W=10] : N inferences after W warm-ups\r\n"
            "results      : Print the result vector\r\n"
            "info         : Print model, tensors, clock and memory\r\n"
            "layers       : Run one inference layer by layer, print the ticks of each\r\n"
            "reset        : Restart the chip\r\n"
            "Frames between zero bytes (COBS, CRC-32) carry input and output in binary.\r\n");
}

static void profile(void)
{
    mon_out_line("m-profile-[" PROFILE "]");
    mon_out("m-model-[");
    mon_out_rom(mon_model_id());
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
    } else if (mon_word_is(command, "name")) {
        mon_out_line("m-name-dut-[" MONITOR_NAME "]");
    } else if (mon_word_is(command, "timestamp")) {
        mon_timestamp(port_ticks());
    } else if (mon_word_is(command, "profile")) {
        profile();
    } else if (mon_word_is(command, "help")) {
        help();
    } else if (mon_word_is(command, "db")) {
        mon_benchmark_db(rest);
    } else if (mon_word_is(command, "infer")) {
        mon_benchmark_infer(rest);
    } else if (mon_word_is(command, "results")) {
        mon_benchmark_results();
    } else if (mon_word_is(command, "info")) {
        mon_info("m-info-[", "]\r\n");
    } else if (mon_word_is(command, "layers")) {
        layers();
    } else if (mon_word_is(command, "reset")) {
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
