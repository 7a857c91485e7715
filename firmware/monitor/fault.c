#include "fault.h"

#include <stddef.h>

#include "out.h"
#include "port.h"

typedef struct {
    const char *name;
    uint32_t value;
} reg_t;

/* Says it once, and again whenever the host has ended a command or a frame: a host that
 * connects late, or lost the line, still learns what happened. */
static void report(const reg_t *regs, size_t count)
{
    mon_out_to(NULL);
    for (;;) {
        mon_out("\r\ne-[fault");
        for (size_t i = 0; i < count; i++) {
            mon_out_text(regs[i].name);
            mon_out_hex32(regs[i].value);
        }
        mon_out("]\r\n");
        int c;
        do {
            c = port_getc();
        } while (c != '%' && c != 0);
    }
}

void monitor_fault(const uint32_t *stacked, uint32_t cfsr, uint32_t hfsr, uint32_t bfar,
                   uint32_t mmfar)
{
    const reg_t regs[] = {
        {" pc=", stacked ? stacked[6] : 0},
        {" lr=", stacked ? stacked[5] : 0},
        {" cfsr=", cfsr},
        {" hfsr=", hfsr},
        {" bfar=", bfar},
        {" mmfar=", mmfar},
    };
    report(regs, sizeof regs / sizeof regs[0]);
}

void monitor_trap(uint32_t mepc, uint32_t mcause, uint32_t mtval, uint32_t ra)
{
    const reg_t regs[] = {{" pc=", mepc}, {" lr=", ra}, {" mcause=", mcause}, {" mtval=", mtval}};
    report(regs, sizeof regs / sizeof regs[0]);
}
