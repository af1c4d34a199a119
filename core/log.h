/* SPDX-License-Identifier: MIT */
/*
 * Log lines in RPort's form, which tools wait for (spec rport-config, section 1): "YYYY/MM/DD
 * HH:MM:SS level: component: text", local time, one write(2) per line, safe from every thread.
 * Control bytes in the text are replaced by '?', so that hostile input cannot forge lines.
 */
#ifndef RP_CORE_LOG_H
#define RP_CORE_LOG_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/err.h"

enum rp_log_level {
	RP_LOG_ERROR,
	RP_LOG_INFO,
	RP_LOG_DEBUG
};

/* path NULL or "" = stdout. Opened for appending, 0640. Until then rp_log does nothing. From
 * then on SIGPIPE and SIGXFSZ are ignored, unless a handler is set: a line that cannot be
 * written is lost and counted. RP_EIO with a text in err; the sink is then as before. */
RP_NODISCARD int rp_log_open(const char *path, enum rp_log_level level, struct rp_err *err);
/* Closes and opens the same path again (log rotation). RP_EIO: goes on with the old file. */
int rp_log_reopen(void);
void rp_log_close(void);
/* "error", "info", "debug" (any case); else RP_EINVAL. */
RP_NODISCARD int rp_log_level_parse(const char *text, enum rp_log_level *level);
bool rp_log_enabled(enum rp_log_level level);
/* component: short lower-case word ("server", "client", "api"). Lines over 4 KiB are cut. */
void rp_log(enum rp_log_level level, const char *component, const char *fmt, ...) RP_PRINTF(3, 4);

#define rp_log_error(component, ...) rp_log(RP_LOG_ERROR, component, __VA_ARGS__)
#define rp_log_info(component, ...)  rp_log(RP_LOG_INFO, component, __VA_ARGS__)
#define rp_log_debug(component, ...) \
	(rp_log_enabled(RP_LOG_DEBUG) ? rp_log(RP_LOG_DEBUG, component, __VA_ARGS__) : (void)0)

#endif
