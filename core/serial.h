/* SPDX-License-Identifier: MIT */
/*
 * Jobs that block (SQLite, files, password hashes), one after another on libuv's thread pool,
 * in the order of submission; the answer comes back on the loop. One serial queue = one writer
 * of a database.
 */
#ifndef RP_CORE_SERIAL_H
#define RP_CORE_SERIAL_H

#include "core/defs.h"
#include "core/loop.h"

struct rp_serial;

/* Embed in the job's own struct. work() runs on a pool thread and touches only the job and the
 * queue's ctx; done() runs on the loop, exactly once, and owns the job; it may submit and
 * close. status: what work() returned, or UV_ECANCELED when the job did not run. */
struct rp_serial_job {
	struct rp_list node;
	int (*work)(struct rp_serial_job *job, void *ctx);
	void (*done)(struct rp_serial_job *job, int status);
	int status;
};

/* ctx is handed to every work(). At most max_queued jobs wait. */
RP_NODISCARD int rp_serial_new(
    struct rp_serial **out, struct rp_loop *loop, size_t max_queued, void *ctx);
/* On the loop's thread; no work() begins before the loop's next turn. RP_EBUSY when full,
 * RP_ECLOSED after close; then done() is not called. */
RP_NODISCARD int rp_serial_submit(struct rp_serial *s, struct rp_serial_job *job);
/* Runs what is queued (nothing acknowledged gets lost), then calls on_closed (NULL is fine) on
 * the loop, never from inside this call, and frees s. A second call does nothing. */
void rp_serial_close(struct rp_serial *s, void (*on_closed)(void *arg), void *arg);

#endif
