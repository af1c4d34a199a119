/* SPDX-License-Identifier: MIT */
/*
 * Schedules (rport-api 4.8) on the control loop: commands and scripts that start by themselves on
 * many clients. Each has the time of its next run, kept in the database, and the wall clock is
 * looked at when the earliest one is due, at least every minute.
 *
 * due -> the next time and the last are stored -> unless runs may not overlap and one is not over:
 * a multi-client job (server/multi.h) starts.
 *
 * A run that was missed (the server was down, the machine slept, the clock was put forward) is made
 * up for once, if it is at most an hour late; later ones are left out. When the clock is put back, a
 * time of the day (server/cron.h) that has been used is not used again, unless the clock was wrong
 * by more than three hours; what runs every hour or @every some time goes on from the new time.
 */
#ifndef RP_SERVER_SCHEDULES_H
#define RP_SERVER_SCHEDULES_H

#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "server/multi.h"
#include "server/registry.h"
#include "server/schedules_store.h"
#include "server/store.h"

struct rp_schedules;

struct rp_schedules_options {
	struct rp_loop *loop;
	struct rp_store *store;
	struct rp_registry *registry;
	struct rp_multis *multis;
	int64_t (*now)(void); /* nanoseconds since 1970; NULL = rp_time_now */
};
/* Loads all (blocking, at start). */
RP_NODISCARD int rp_schedules_new(
    const struct rp_schedules_options *opt, struct rp_schedules **out, struct rp_err *err);
/* Nothing starts any more; before rp_multis_close. rp_schedules_free when the loop has ended. */
void rp_schedules_close(struct rp_schedules *ss);
void rp_schedules_free(struct rp_schedules *ss);
/* Looks at the clock now, as its timer does. */
void rp_schedules_look(struct rp_schedules *ss);

/* s: as it is stored, borrowed; NULL on failure. Once, on the control loop. */
typedef void (*rp_schedule_cb)(
    void *ctx, int code, const struct rp_schedule *s, const struct rp_err *err);
/* Stores s (copied): a new one with its id, created_at and created_by, or the others' new values. The
 * callback comes when it is in force. RP_EINVAL: the expression, its time zone included, is not
 * right, err says why; by the callback also RP_ELIMIT, RP_ENOENT. */
RP_NODISCARD int rp_schedules_add(
    struct rp_schedules *ss, const struct rp_schedule *s, rp_schedule_cb cb, void *ctx);
RP_NODISCARD int rp_schedules_change(
    struct rp_schedules *ss, const struct rp_schedule *s, rp_schedule_cb cb, void *ctx);
/* With its jobs. RP_ENOENT by done. */
RP_NODISCARD int rp_schedules_remove(
    struct rp_schedules *ss, const char *id, rp_store_done_cb done, void *ctx);

#endif
