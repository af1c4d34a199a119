/* SPDX-License-Identifier: MIT */
/*
 * The schedules in memory: only what the clock is compared with. The rest is read when one is due,
 * in the same piece of work that stores its times.
 */
#include "server/schedules.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/schedules_int.h"
#include "server/schedules_run.h"

#include "core/banned.h"

#define COMPONENT "schedules"
/* The wall clock may have changed meanwhile. */
#define LOOK_MS 60000
/* How late a run may be made up for. */
#define CATCH_UP_S INT64_C(3600)
/* A clock that is put back by more was wrong: for times of the day, and for the others. */
#define PUT_BACK_S        (INT64_C(3) * 3600)
#define PUT_BACK_OTHERS_S INT64_C(60)
/* After the server's start, until its clients are back. */
#define CLIENTS_BACK_S INT64_C(60)

void rp_schedules_entry_free(struct rp_schedule_entry *e)
{
	if (e != NULL) {
		rp_list_remove(&e->node);
		rp_cron_fini(&e->cron);
		rp_zone_free(e->zone);
		rp_free(e->id);
		rp_free(e);
	}
}

int rp_schedules_entry_new(
    const char *id, const char *text, struct rp_schedule_entry **out, struct rp_err *err)
{
	struct rp_schedule_entry *e = rp_calloc(1, sizeof(*e));
	if (e == NULL) {
		return rp_err_no_memory(err);
	}
	rp_list_init(&e->node);
	e->times = (struct rp_schedule_times){.next = RP_CRON_NEVER, .last = INT64_MIN};
	e->id = rp_strdup(id);
	int code = e->id == NULL ? rp_err_no_memory(err) : rp_cron_parse(text, &e->cron, err);
	if (code == 0 && e->cron.zone != NULL) {
		code = rp_zone_load(e->cron.zone, &e->zone, err);
	}
	if (code != 0) {
		rp_schedules_entry_free(e);
		return code;
	}
	*out = e;
	return 0;
}

struct rp_schedule_entry *rp_schedules_find(struct rp_schedules *ss, const char *id)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &ss->entries) {
		struct rp_schedule_entry *e = RP_LIST_ENTRY(it, struct rp_schedule_entry, node);
		if (strcmp(e->id, id) == 0) {
			return e;
		}
	}
	return NULL;
}

static int64_t now_ns(const struct rp_schedules *ss)
{
	return ss->opt.now != NULL ? ss->opt.now() : rp_time_now();
}

int64_t rp_schedules_now(const struct rp_schedules *ss)
{
	return now_ns(ss) / RP_NS_PER_S;
}

int64_t rp_schedules_next(
    const struct rp_schedules *ss, const struct rp_schedule_entry *e, int64_t now)
{
	int64_t back = rp_cron_fixed(&e->cron) ? PUT_BACK_S : PUT_BACK_OTHERS_S;
	bool used = e->times.last > now && e->times.last - now <= back;
	return rp_cron_next(
	    &e->cron, e->zone != NULL ? e->zone : ss->local, used ? e->times.last : now);
}

/* The clock */

static void on_timer(uv_timer_t *timer)
{
	rp_schedules_look(timer->data);
}

void rp_schedules_arm(struct rp_schedules *ss)
{
	int64_t now = now_ns(ss);
	int64_t wait = LOOK_MS;
	struct rp_list *it;
	struct rp_list *tmp;
	if (ss->closing) {
		return;
	}
	RP_LIST_FOREACH(it, tmp, &ss->entries) {
		const struct rp_schedule_entry *e = RP_LIST_ENTRY(
		    it, struct rp_schedule_entry, node);
		if (e->times.next != RP_CRON_NEVER) {
			/* Rounded up: too early would be in vain. */
			int64_t ms = (e->times.next * 1000) - now / RP_NS_PER_MS;
			wait = RP_MIN(wait, ms > 0 ? ms : 1);
		}
	}
	RP_VERIFY(uv_timer_start(&ss->timer, on_timer, (uint64_t)wait, 0) == 0);
}

/* Runs */

struct run {
	struct rp_list node;
	struct rp_schedules *owner;
	char *id;
	struct rp_schedule_times times;
	int64_t started_at;
	bool counted; /* the entry's `running` has this one */
	/* What the database says. */
	struct rp_schedule s;
	bool busy;
};

static void run_free(struct run *r)
{
	struct rp_schedule_entry *e = r->counted ? rp_schedules_find(r->owner, r->id) : NULL;
	if (e != NULL && e->running > 0) {
		e->running--;
	}
	rp_list_remove(&r->node);
	rp_json_release(&rp_schedule_table, &r->s);
	rp_free(r->id);
	rp_free(r);
}

static struct run *run_new(struct rp_schedules *ss, const char *id)
{
	struct run *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return NULL;
	}
	r->owner = ss;
	r->id = rp_strdup(id);
	if (r->id == NULL) {
		rp_free(r);
		return NULL;
	}
	rp_list_append(&ss->runs, &r->node);
	return r;
}

struct started {
	char *id;
	char *jid;
	int64_t at;
};

static void started_free(void *arg)
{
	struct started *st = arg;
	rp_free(st->id);
	rp_free(st->jid);
	rp_free(st);
}

static int started_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct started *st = arg;
	return rp_schedule_started(db, st->id, st->jid, st->at, err);
}

static int store_started(const struct run *r, const char *jid)
{
	struct started *st = rp_calloc(1, sizeof(*st));
	if (st == NULL) {
		return RP_ENOMEM;
	}
	*st = (struct started){.id = rp_strdup(r->id), .jid = rp_strdup(jid), .at = r->started_at};
	if (st->id == NULL || st->jid == NULL) {
		started_free(st);
		return RP_ENOMEM;
	}
	const struct rp_store_job job = {.work = started_work, .arg = st, .free_arg = started_free};
	return rp_store_submit(r->owner->opt.store, &job);
}

static void on_stored(void *ctx, const char *jid, int code, const struct rp_err *err)
{
	struct run *r = ctx;
	if (code == 0 && !r->owner->closing) {
		code = store_started(r, jid);
		if (code != 0) {
			rp_log_error(COMPONENT, "schedule %s: its last execution is not stored: %s",
			    r->id, rp_err_text(code));
		}
		return;
	}
	if (code != 0) {
		rp_log_error(COMPONENT, "schedule %s is not run: %s", r->id, err->msg);
		run_free(r);
	}
}

static void on_end(void *ctx, const struct rp_multi_end *end)
{
	(void)end;
	run_free(ctx);
}

static const struct rp_multi_ops multi_ops = {.on_stored = on_stored, .on_end = on_end};

static bool may_run(const struct run *r, const struct rp_schedule_entry *e)
{
	if (r->s.overlaps || (!r->busy && e->running <= 1)) {
		return true;
	}
	rp_log_info(COMPONENT, "schedule %s is left out: its last run is not over", r->id);
	return false;
}

static void on_claimed(void *ctx, int code, const struct rp_err *err)
{
	struct run *r = ctx;
	const struct rp_schedules_options *opt = &r->owner->opt;
	const struct rp_schedule_entry *e = rp_schedules_find(r->owner, r->id);
	struct rp_err why = {0};
	if (code != 0) {
		rp_log_error(COMPONENT, "schedule %s is not run: %s", r->id, err->msg);
		run_free(r);
		return;
	}
	if (r->owner->closing || e == NULL || !may_run(r, e)) {
		run_free(r);
		return;
	}
	r->started_at = now_ns(r->owner);
	code = rp_schedule_start(&r->s, opt->registry, opt->multis, &multi_ops, r, &why);
	if (code != 0) {
		rp_log_error(COMPONENT, "schedule %s is not run: %s", r->id, why.msg);
		run_free(r);
		return;
	}
	rp_log_info(COMPONENT, "schedule %s runs", r->id);
	rp_json_release(&rp_schedule_table, &r->s);
}

static int claim_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct run *r = arg;
	int code = rp_schedule_set_times(db, r->id, &r->times, err);
	code = code != 0 ? code : rp_schedule_read(db, r->id, &r->s, err);
	return code != 0 ? code : rp_schedule_busy(db, r->id, &r->busy, err);
}

static void on_skipped(void *ctx, int code, const struct rp_err *err)
{
	struct run *r = ctx;
	if (code != 0) {
		rp_log_error(
		    COMPONENT, "schedule %s: its next run is not stored: %s", r->id, err->msg);
	}
	run_free(r);
}

static int skip_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct run *r = arg;
	return rp_schedule_set_times(db, r->id, &r->times, err);
}

/* On failure the entry stays due, for the next look. */
static int claim(struct rp_schedules *ss, struct rp_schedule_entry *e, int64_t now)
{
	struct run *r = run_new(ss, e->id);
	if (r == NULL) {
		return RP_ENOMEM;
	}
	bool late = now - e->times.next > CATCH_UP_S;
	const struct rp_schedule_times before = e->times;
	e->times.last = late ? e->times.last : e->times.next;
	e->times.next = rp_schedules_next(ss, e, now);
	r->times = e->times;
	r->counted = !late;
	e->running += late ? 0 : 1;
	const struct rp_store_job job = {
	    .work = late ? skip_work : claim_work,
	    .arg = r,
	    .done = late ? on_skipped : on_claimed,
	    .ctx = r,
	};
	int err = rp_store_submit(ss->opt.store, &job);
	if (err != 0) {
		run_free(r);
		e->times = before;
		return err;
	}
	if (late) {
		rp_log_info(COMPONENT,
		    "schedule %s: a run is left out: it is more than %lld s late", e->id,
		    (long long)CATCH_UP_S);
	}
	return 0;
}

static void look_at(struct rp_schedules *ss, struct rp_schedule_entry *e, int64_t now)
{
	if (now < ss->looked_at) {
		/* The clock was put back. What the database has is seen through at the next start. */
		int64_t next = rp_schedules_next(ss, e, now);
		e->times.next = RP_MIN(e->times.next, next);
	}
	if (e->times.next <= now) {
		int err = claim(ss, e, now);
		if (err != 0) {
			rp_log_error(
			    COMPONENT, "schedule %s does not run now: %s", e->id, rp_err_text(err));
		}
	}
}

void rp_schedules_look(struct rp_schedules *ss)
{
	int64_t now = rp_schedules_now(ss);
	struct rp_list *it;
	struct rp_list *tmp;
	if (ss->closing) {
		return;
	}
	RP_LIST_FOREACH(it, tmp, &ss->entries) {
		look_at(ss, RP_LIST_ENTRY(it, struct rp_schedule_entry, node), now);
	}
	ss->looked_at = now;
	rp_schedules_arm(ss);
}

/* Life */

/* A next time that is later than it can be was stored by a clock that was ahead; one that is over was
 * missed. */
static int64_t next_at_start(
    const struct rp_schedules *ss, const struct rp_schedule_entry *e, int64_t stored, int64_t now)
{
	int64_t next = rp_schedules_next(ss, e, now);
	if (stored <= now && now - stored <= CATCH_UP_S) {
		stored = now + CLIENTS_BACK_S;
	}
	return RP_MIN(stored, next);
}

static int on_row(
    void *ctx, const char *id, const char *text, const struct rp_schedule_times *times)
{
	struct rp_schedules *ss = ctx;
	struct rp_schedule_entry *e = NULL;
	struct rp_err err = {0};
	int code = rp_schedules_entry_new(id, text, &e, &err);
	if (code == RP_ENOMEM) {
		return code;
	}
	if (e == NULL) {
		rp_log_error(COMPONENT, "schedule %s never runs: %s", id, err.msg);
		return 0;
	}
	e->times.last = times->last;
	e->times.next = next_at_start(ss, e, times->next, rp_schedules_now(ss));
	rp_list_append(&ss->entries, &e->node);
	return 0;
}

int rp_schedules_new(
    const struct rp_schedules_options *opt, struct rp_schedules **out, struct rp_err *err)
{
	struct rp_schedules *ss = rp_calloc(1, sizeof(*ss));
	if (ss == NULL) {
		return rp_err_no_memory(err);
	}
	ss->opt = *opt;
	rp_list_init(&ss->entries);
	rp_list_init(&ss->runs);
	int code = rp_zone_local(&ss->local) == 0 ? 0 : rp_err_no_memory(err);
	code = code != 0 ? code : rp_schedule_each(rp_store_db(opt->store), on_row, ss, err);
	if (code != 0) {
		rp_schedules_free(ss);
		return code;
	}
	RP_VERIFY(uv_timer_init(rp_loop_uv(opt->loop), &ss->timer) == 0);
	ss->timer.data = ss;
	ss->looked_at = rp_schedules_now(ss);
	rp_schedules_arm(ss);
	*out = ss;
	return 0;
}

void rp_schedules_close(struct rp_schedules *ss)
{
	if (!ss->closing) {
		ss->closing = true;
		uv_close((uv_handle_t *)&ss->timer, NULL);
	}
}

void rp_schedules_free(struct rp_schedules *ss)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (ss == NULL) {
		return;
	}
	RP_LIST_FOREACH(it, tmp, &ss->runs) {
		run_free(RP_LIST_ENTRY(it, struct run, node));
	}
	RP_LIST_FOREACH(it, tmp, &ss->entries) {
		rp_schedules_entry_free(RP_LIST_ENTRY(it, struct rp_schedule_entry, node));
	}
	rp_zone_free(ss->local);
	rp_free(ss);
}
