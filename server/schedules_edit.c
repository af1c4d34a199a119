/* SPDX-License-Identifier: MIT */
/*
 * Schedules that users make, change and delete: the database first, then the memory.
 */
#include "server/schedules.h"

#include "core/alloc.h"
#include "server/schedules_int.h"

#include "core/banned.h"

struct write {
	struct rp_schedules *owner;
	bool create;
	struct rp_schedule s; /* then as it is stored */
	struct rp_schedule_entry *entry;
	int64_t now;
	rp_schedule_cb cb;
	void *ctx;
};

static void write_free(void *arg)
{
	struct write *w = arg;
	rp_schedules_entry_free(w->entry);
	rp_json_release(&rp_schedule_table, &w->s);
	rp_free(w);
}

static int write_rows(struct rp_db *db, struct write *w, struct rp_err *err)
{
	int64_t next = w->entry->times.next;
	if (w->create) {
		return rp_schedule_insert(db, &w->s, next, err);
	}
	int code = rp_schedule_update(db, &w->s, next, err);
	if (code != 0) {
		return code;
	}
	rp_json_release(&rp_schedule_table, &w->s);
	return rp_schedule_read(db, w->entry->id, &w->s, err);
}

static int write_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct write *w = arg;
	int code = rp_schedules_entry_new(w->s.id, w->s.schedule, &w->entry, err);
	if (code != 0) {
		return code == RP_ENOMEM ? code : RP_EINVAL;
	}
	w->entry->times.next = rp_schedules_next(w->owner, w->entry, w->now);
	if (w->entry->times.next == RP_CRON_NEVER) {
		return rp_err_set(err, RP_EINVAL, "there is no such day");
	}
	return write_rows(db, w, err);
}

static void take_entry(struct write *w)
{
	struct rp_schedules *ss = w->owner;
	struct rp_schedule_entry *old = rp_schedules_find(ss, w->entry->id);
	if (old != NULL) {
		w->entry->running = old->running;
		rp_schedules_entry_free(old);
	} else if (!w->create) {
		return; /* deleted meanwhile */
	}
	rp_list_append(&ss->entries, &w->entry->node);
	w->entry = NULL;
	rp_schedules_arm(ss);
}

static void on_written(void *ctx, int code, const struct rp_err *err)
{
	struct write *w = ctx;
	if (code == 0) {
		take_entry(w);
	}
	w->cb(w->ctx, code, code == 0 ? &w->s : NULL, err);
}

static int submit_write(
    struct rp_schedules *ss, const struct rp_schedule *s, bool create, rp_schedule_cb cb, void *ctx)
{
	struct write *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		return RP_ENOMEM;
	}
	*w = (struct write){
	    .owner = ss, .create = create, .now = rp_schedules_now(ss), .cb = cb, .ctx = ctx};
	if (rp_json_clone(&rp_schedule_table, s, &w->s) != 0) {
		rp_free(w);
		return RP_ENOMEM;
	}
	const struct rp_store_job job = {
	    .work = write_work,
	    .arg = w,
	    .free_arg = write_free,
	    .done = on_written,
	    .ctx = w,
	};
	return rp_store_submit(ss->opt.store, &job);
}

int rp_schedules_add(
    struct rp_schedules *ss, const struct rp_schedule *s, rp_schedule_cb cb, void *ctx)
{
	return submit_write(ss, s, true, cb, ctx);
}

int rp_schedules_change(
    struct rp_schedules *ss, const struct rp_schedule *s, rp_schedule_cb cb, void *ctx)
{
	return submit_write(ss, s, false, cb, ctx);
}

struct removal {
	struct rp_schedules *owner;
	char *id;
	rp_store_done_cb done;
	void *ctx;
};

static void removal_free(void *arg)
{
	struct removal *d = arg;
	rp_free(d->id);
	rp_free(d);
}

static int remove_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	const struct removal *d = arg;
	return rp_schedule_remove(db, d->id, err);
}

static void on_removed(void *ctx, int code, const struct rp_err *err)
{
	struct removal *d = ctx;
	if (code == 0) {
		rp_schedules_entry_free(rp_schedules_find(d->owner, d->id));
	}
	d->done(d->ctx, code, err);
}

int rp_schedules_remove(struct rp_schedules *ss, const char *id, rp_store_done_cb done, void *ctx)
{
	struct removal *d = rp_calloc(1, sizeof(*d));
	if (d == NULL) {
		return RP_ENOMEM;
	}
	*d = (struct removal){.owner = ss, .id = rp_strdup(id), .done = done, .ctx = ctx};
	const struct rp_store_job job = {
	    .work = remove_work,
	    .arg = d,
	    .free_arg = removal_free,
	    .done = on_removed,
	    .ctx = d,
	};
	if (d->id == NULL) {
		rp_free(d);
		return RP_ENOMEM;
	}
	return rp_store_submit(ss->opt.store, &job);
}
