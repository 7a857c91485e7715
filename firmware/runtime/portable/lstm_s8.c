/* UNIDIRECTIONAL_SEQUENCE_LSTM. */
#include <string.h>

#include "dot_s8.h"
#include "kernels.h"
#include "requantize.h"
#include "sigmoid_s16.h"

static int32_t clamp16(int32_t x)
{
    return clamp(x, INT16_MIN, INT16_MAX);
}

static int32_t scaled(int32_t a, int32_t b, MCU_ROM scale_t *scale)
{
    return requantize(a * b, scale->multiplier, scale->shift);
}

/* What enters a gate's function; Q3.12. */
static int32_t entering(MCU_ROM lstm_gate_t *g, int32_t fresh, int32_t old)
{
    return clamp16(clamp16(requantize(fresh, g->multiplier, g->shift)) +
                   clamp16(requantize(old, g->recurrent_multiplier, g->recurrent_shift)));
}

/* What enters two gates' functions for one unit. */
static void gates(MCU_ROM lstm_s8_t *p, MCU_ROM lstm_gate_t *a, MCU_ROM lstm_gate_t *b,
                  const int8_t *x, const int8_t *h, int32_t unit, int32_t result[2])
{
    int32_t fresh[2] = {a->bias[unit], b->bias[unit]};
    int32_t old[2] = {a->recurrent_bias[unit], b->recurrent_bias[unit]};
    const int32_t row = unit * p->inputs;
    const int32_t recurrent_row = unit * p->units;
    dot_s8_pair(x, a->weights + row, b->weights + row, p->inputs, fresh);
    dot_s8_pair(h, a->recurrent + recurrent_row, b->recurrent + recurrent_row, p->units, old);
    result[0] = entering(a, fresh[0], old[0]);
    result[1] = entering(b, fresh[1], old[1]);
}

/* One time step; the hidden state is read only, the new one goes to `output`. */
static void step(MCU_ROM lstm_s8_t *p, const int8_t *x, const int8_t *h, int16_t *cell,
                 int8_t *output)
{
    for (int32_t u = 0; u < p->units; u++) {
        int32_t kept[2];
        int32_t shown[2];
        gates(p, &p->forget_gate, &p->input_gate, x, h, u, kept);
        gates(p, &p->cell_gate, &p->output_gate, x, h, u, shown);
        const int32_t f = sigmoid_s16(p->sigmoid, kept[0]);
        const int32_t i = sigmoid_s16(p->sigmoid, kept[1]);
        const int32_t g = tanh_s16(p->sigmoid, shown[0], -12);
        const int32_t o = sigmoid_s16(p->sigmoid, shown[1]);
        int32_t c = clamp16(scaled(f, cell[u], &p->forget_scale));
        c = clamp16(c + clamp16(scaled(i, g, &p->input_scale)));
        if (p->cell_clip > 0) {
            c = clamp(c, -p->cell_clip, p->cell_clip);
        }
        cell[u] = (int16_t)c;
        const int32_t y = scaled(tanh_s16(p->sigmoid, c, p->cell_power), o, &p->output_scale);
        output[u] = (int8_t)clamp(y + p->output_zero, INT8_MIN, INT8_MAX);
    }
}

void lstm_s8(MCU_ROM lstm_s8_t *p, const int8_t *input, int8_t *hidden, int16_t *cell,
             int8_t *output)
{
    for (int32_t b = 0; b < p->batches; b++) {
        int8_t *h = hidden + b * p->units;
        for (int32_t t = 0; t < p->steps; t++) {
            const int32_t at = p->time_major != 0 ? t * p->batches + b : b * p->steps + t;
            int8_t *y = output + at * p->units;
            step(p, input + at * p->inputs, h, cell + b * p->units, y);
            memcpy(h, y, (size_t)p->units);
        }
    }
}
