/* What the firmware says of itself. */
#ifndef MON_INFO_H
#define MON_INFO_H

#include "rom.h"

#ifndef MONITOR_NAME
#define MONITOR_NAME "mcu-pipeline"
#endif

/* The id that `profile` answers: MLPerf Tiny's, or the model's own name. */
MCU_ROM char *mon_model_id(void);

/* Writes every `key=value` through mon_out, each preceded and followed by these literals. */
#define mon_info(before, after) mon_info_between(MCU_TEXT(before), MCU_TEXT(after))
void mon_info_between(MCU_ROM char *before, MCU_ROM char *after);

#endif
