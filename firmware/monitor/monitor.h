/* The command monitor: what the chip says and does on its serial line.
 *
 * It speaks MLPerf Tiny's text protocol and, on the same line without a mode, framed binary
 * requests (protocol.h). It needs port.h and engine.h, no heap, no stdio, no interrupts.
 *
 * Build macros:
 *   MONITOR_NAME          what `name` answers; the board's id
 *   MONITOR_MODEL_ID      MLPerf Tiny's model id ("kws01"): input and results as that benchmark
 *                         has them; left out, the model's own name and its raw tensors
 *   MONITOR_DB_BYTES      size of the buffer behind `db`; 0: straight into the input tensor
 *   MONITOR_CHUNK_BYTES   input bytes in a frame
 *   MONITOR_WINDOW_CHUNKS chunks remembered beyond the first missing one
 *   MONITOR_BAUD_HOLD_MS  how long a new baud rate may stay without a frame that arrives
 *   MONITOR_ENERGY        1: energy mode, 9600 baud and a pulse on a pin for every timestamp */
#ifndef MONITOR_H
#define MONITOR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Prepares the engine, greets the host and serves it for ever. Call port_init() first. */
void monitor_run(void);

/* The same in two parts: monitor_start() once, then monitor_poll() again and again. */
void monitor_start(void);
void monitor_poll(void);

#ifdef __cplusplus
}
#endif

#endif
