/* SPDX-License-Identifier: MIT */
/*
 * Tells others how the client is: systemd by its socket (core/supervisor.h), and with
 * watchdog_integration whoever looks at <data_dir>/state.json (wire protocol 7.4), which is
 * written anew at every event. As long as last_update grows, the client works.
 */
#ifndef RP_CLIENT_WATCHDOG_H
#define RP_CLIENT_WATCHDOG_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/serial.h"
#include "core/supervisor.h"

enum rp_watchdog_state {
	RP_WATCHDOG_INITIALIZED,
	RP_WATCHDOG_CONNECTED,
	RP_WATCHDOG_RECONNECTING
};

struct rp_watchdog {
	struct rp_supervisor supervisor;
	struct rp_serial *files; /* writes the state file */
	char *path;              /* NULL: watchdog_integration is off */
	bool failed;             /* the last write; told once */
};

/* While there is one thread: reads the environment. */
void rp_watchdog_init(struct rp_watchdog *w);
/* Turns the state file on and writes the first one. files is borrowed until rp_watchdog_stop. */
RP_NODISCARD int rp_watchdog_open(
    struct rp_watchdog *w, struct rp_serial *files, const char *data_dir, struct rp_err *err);
/* message without control bytes. */
void rp_watchdog_tell(struct rp_watchdog *w, enum rp_watchdog_state state, const char *fmt, ...)
    RP_PRINTF(3, 4);
void rp_watchdog_stop(struct rp_watchdog *w);
/* After the loop has ended. */
void rp_watchdog_fini(struct rp_watchdog *w);

#endif
