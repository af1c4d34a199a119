/* SPDX-License-Identifier: MIT */
/* The loop is run turn by turn; a timer keeps a turn from blocking for ever. */
#include "test/lib/store_rig.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"

#define WAIT_MS 10000
#define TURN_MS 20
/* Folders open at once while the rig's is removed. */
#define OPEN_MAX 8

static void open_store(struct rp_store_rig *r)
{
	struct rp_err err = {0};
	if (rp_store_open(r->loop, r->dir, true, &r->store, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	r->closed = false;
}

void rp_store_rig_open(struct rp_store_rig *r)
{
	memset(r, 0, sizeof(*r));
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/rport-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(rp_loop_new(&r->loop, "test"), 0);
	open_store(r);
}

static void on_turn(uv_timer_t *t)
{
	(void)t;
}

void rp_store_rig_wait(struct rp_store_rig *r, const bool *flag)
{
	uv_timer_t timer;
	uint64_t end = rp_clock_ms() + WAIT_MS;
	assert_int_equal(uv_timer_init(rp_loop_uv(r->loop), &timer), 0);
	assert_int_equal(uv_timer_start(&timer, on_turn, TURN_MS, TURN_MS), 0);
	while (!*flag && rp_clock_ms() < end) {
		(void)uv_run(rp_loop_uv(r->loop), UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(rp_loop_uv(r->loop), UV_RUN_NOWAIT);
	if (!*flag) {
		fail_msg("what was waited for did not come");
	}
}

static int no_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	(void)db;
	(void)arg;
	(void)err;
	return 0;
}

static void on_synced(void *ctx, int code, const struct rp_err *err)
{
	bool *flag = ctx;
	(void)err;
	assert_int_equal(code, 0);
	*flag = true;
}

void rp_store_rig_sync(struct rp_store_rig *r)
{
	bool flag = false;
	const struct rp_store_job job = {.work = no_work, .done = on_synced, .ctx = &flag};
	assert_int_equal(rp_store_submit(r->store, &job), 0);
	rp_store_rig_wait(r, &flag);
}

static void on_closed(void *ctx)
{
	struct rp_store_rig *r = ctx;
	r->closed = true;
	r->store = NULL;
}

static void close_store(struct rp_store_rig *r)
{
	rp_store_close(r->store, on_closed, r);
	rp_store_rig_wait(r, &r->closed);
}

void rp_store_rig_restart(struct rp_store_rig *r)
{
	close_store(r);
	open_store(r);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void rp_store_rig_close(struct rp_store_rig *r)
{
	if (r->store != NULL) {
		close_store(r);
	}
	rp_loop_stop(r->loop);
	assert_int_equal(rp_loop_run(r->loop), 0);
	rp_loop_free(r->loop);
	assert_int_equal(nftw(r->dir, remove_one, OPEN_MAX, FTW_DEPTH | FTW_PHYS), 0);
}
