/* What the firmware says of itself. */
#ifndef MON_INFO_H
#define MON_INFO_H

#ifndef MONITOR_NAME
#define MONITOR_NAME "mcu-pipeline"
#endif

/* The id that `profile` answers: MLPerf Tiny's, or the model's own name. */
const char *mon_model_id(void);

/* Writes every `key=value` through mon_out, each preceded and followed by these. */
void mon_info(const char *before, const char *after);

#endif
