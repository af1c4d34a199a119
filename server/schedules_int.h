/* SPDX-License-Identifier: MIT */
/*
 * The schedules in memory, shared by server/schedules.c (the clock) and server/schedules_edit.c (who
 * changes them) only.
 */
#ifndef RP_SERVER_SCHEDULES_INT_H
#define RP_SERVER_SCHEDULES_INT_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "core/list.h"
#include "server/cron.h"
#include "server/schedules.h"

struct rp_schedule_entry {
	struct rp_list node;
	char *id;
	struct rp_cron cron;
	struct rp_zone *zone; /* NULL: the server's */
	struct rp_schedule_times times;
	unsigned running; /* from the claim to the end of the job */
};

struct rp_schedules {
	struct rp_schedules_options opt;
	struct rp_zone *local;
	struct rp_list entries;
	struct rp_list runs;
	uv_timer_t timer;
	int64_t looked_at; /* seconds */
	bool closing;
};

/* Blocking: reads the zone. Anything but 0 has a text for the user. */
RP_NODISCARD int rp_schedules_entry_new(
    const char *id, const char *text, struct rp_schedule_entry **out, struct rp_err *err);
void rp_schedules_entry_free(struct rp_schedule_entry *e);
/* NULL if there is none. */
struct rp_schedule_entry *rp_schedules_find(struct rp_schedules *ss, const char *id);
/* Of the clock that counts, seconds since 1970. */
int64_t rp_schedules_now(const struct rp_schedules *ss);
/* The first time after now; one that has been used is not used again. May be called on a pool
 * thread: the server's zone never changes. */
int64_t rp_schedules_next(
    const struct rp_schedules *ss, const struct rp_schedule_entry *e, int64_t now);
/* Sets the timer anew. */
void rp_schedules_arm(struct rp_schedules *ss);

#endif
