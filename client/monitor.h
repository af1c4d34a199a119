/* SPDX-License-Identifier: MIT */
/*
 * Measures the machine (wire protocol 4.6) while a server wants it: once at the start, then at the
 * interval. A measurement is handed over as the payload of save_measurement. Lists that hang are left
 * out of it, and not asked for again before they have answered.
 */
#ifndef RP_CLIENT_MONITOR_H
#define RP_CLIENT_MONITOR_H

#include <stddef.h>

#include "client/config.h"
#include "core/defs.h"
#include "core/loop.h"

/* Closer together no two measurements are, however often the connection comes and goes. */
#define RP_MONITOR_DISTANCE_MS 10000u
/* So long a measurement waits for its lists. */
#define RP_MONITOR_LISTS_MS 10000u

struct rp_monitor;

/* All borrowed until the end. */
struct rp_monitor_options {
	struct rp_loop *loop;
	const struct rp_conf_client_monitoring *cfg; /* not enabled: nothing is ever measured */
	const char *root;                            /* of /proc; "" is the real one */
	/* The first measurement tells of so much time at least: the kernel counts in hundredths of a
	 * second, and the start of a program is no measure of a machine. */
	unsigned first_ms;
	void (*on_measured)(void *ctx, const char *payload, size_t n);
	void *ctx;
};

RP_NODISCARD int rp_monitor_new(const struct rp_monitor_options *opt, struct rp_monitor **out);
/* A server wants measurements; no harm if it did before. */
void rp_monitor_start(struct rp_monitor *m);
/* It does not any more; on_measured does not come until the next start. */
void rp_monitor_stop(struct rp_monitor *m);
/* On the loop, for good: frees m when its handles are closed. NULL is fine. */
void rp_monitor_close(struct rp_monitor *m);

#endif
