/* SPDX-License-Identifier: MIT */
/*
 * Sessions of the API: who has one, the end that moves with each request, and what of it is there
 * after a restart.
 */
#include "api/sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/store_rig.h"

static struct rp_store_rig rig;
static struct rp_sessions *sessions;

static char bob[] = "bob";
static char agent[] = "agent'";

static void open_sessions(void)
{
	struct rp_err err = {0};
	assert_int_equal(rp_sessions_new(rig.store, &sessions, &err), 0);
}

static int setup(void **state)
{
	(void)state;
	rp_store_rig_open(&rig);
	open_sessions();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_sessions_free(sessions);
	rp_store_rig_close(&rig);
	return 0;
}

static void restart(void)
{
	rp_sessions_free(sessions);
	rp_store_rig_restart(&rig);
	open_sessions();
}

struct done {
	bool done;
	int code;
};

static void on_done(void *ctx, int code, const struct rp_err *err)
{
	struct done *d = ctx;
	(void)err;
	d->done = true;
	d->code = code;
}

/* Ends in that many seconds; last seen then many seconds ago. */
static uint64_t add(int64_t ends_s, int64_t seen_s)
{
	struct done d = {0};
	int64_t now = rp_time_now();
	struct rp_session s = {
	    .username = bob,
	    .expires_at = now + ends_s * RP_NS_PER_S,
	    .last_access_at = now - seen_s * RP_NS_PER_S,
	    .user_agent = agent,
	};
	assert_int_equal(rp_sessions_add(sessions, &s, on_done, &d), 0);
	rp_store_rig_wait(&rig, &d.done);
	assert_int_equal(d.code, 0);
	return s.id;
}

static int64_t stored_end(uint64_t id)
{
	struct rp_stmt *stmt;
	struct rp_err err = {0};
	int64_t end = -1;
	rp_store_rig_sync(&rig);
	assert_int_equal(rp_db_stmt(rp_store_db(rig.store),
	                     "SELECT expires_at FROM api_sessions WHERE id = ?", &stmt, &err),
	    0);
	rp_stmt_bind_i64(stmt, 1, (int64_t)id);
	if (rp_stmt_step(stmt, &err) == 1) {
		end = rp_stmt_i64(stmt, 0);
	}
	rp_stmt_reset(stmt);
	return end;
}

static void test_life(void **state)
{
	struct done d = {0};
	(void)state;
	uint64_t id = add(100, 0);
	uint64_t other = add(100, 0);
	assert_true(id != 0 && other != 0 && id != other);
	/* A number that JSON readers keep. */
	assert_true(id < UINT64_C(1) << 53);
	assert_true(rp_sessions_touch(sessions, id, "bob"));
	assert_false(rp_sessions_touch(sessions, id, "Bob"));
	assert_false(rp_sessions_touch(sessions, id + 2, "bob"));
	assert_false(rp_sessions_touch(sessions, 0, "bob"));
	assert_int_equal(rp_sessions_end(sessions, id, on_done, &d), 0);
	assert_false(rp_sessions_touch(sessions, id, "bob"));
	rp_store_rig_wait(&rig, &d.done);
	assert_int_equal(rp_sessions_end(sessions, id, on_done, &d), RP_ENOENT);
	assert_true(rp_sessions_touch(sessions, other, "bob"));
	restart();
	assert_false(rp_sessions_touch(sessions, id, "bob"));
	assert_true(rp_sessions_touch(sessions, other, "bob"));
}

static void test_expired(void **state)
{
	(void)state;
	uint64_t id = add(-1, 0);
	uint64_t alive = add(100, 0);
	assert_int_not_equal(stored_end(id), -1);
	assert_false(rp_sessions_touch(sessions, id, "bob"));
	assert_int_equal(stored_end(id), -1);
	assert_false(rp_sessions_touch(sessions, id, "bob"));
	id = add(-1, 0);
	restart();
	assert_int_equal(stored_end(id), -1);
	assert_false(rp_sessions_touch(sessions, id, "bob"));
	assert_true(rp_sessions_touch(sessions, alive, "bob"));
}

/* Each use moves the end to ten minutes from now at least; it is written once a minute. */
static void test_sliding(void **state)
{
	(void)state;
	int64_t now = rp_time_now();
	uint64_t fresh = add(100, 0);
	uint64_t seen = add(100, 61);
	uint64_t far = add(7200, 61);
	assert_true(rp_sessions_touch(sessions, fresh, "bob"));
	assert_true(rp_sessions_touch(sessions, seen, "bob"));
	assert_true(rp_sessions_touch(sessions, far, "bob"));
	assert_true(stored_end(fresh) < now + 200 * RP_NS_PER_S);
	assert_true(stored_end(seen) >= now + 600 * RP_NS_PER_S);
	assert_true(stored_end(seen) <= rp_time_now() + 600 * RP_NS_PER_S);
	/* A longer life is not cut. */
	assert_true(stored_end(far) >= now + 7200 * RP_NS_PER_S);
}

static void test_texts(void **state)
{
	struct rp_stmt *stmt;
	struct rp_err err = {0};
	(void)state;
	(void)add(100, 0);
	rp_store_rig_sync(&rig);
	assert_int_equal(
	    rp_db_stmt(rp_store_db(rig.store),
	        "SELECT username, user_agent, ip_address FROM api_sessions", &stmt, &err),
	    0);
	assert_int_equal(rp_stmt_step(stmt, &err), 1);
	assert_string_equal(rp_stmt_text(stmt, 0), "bob");
	assert_string_equal(rp_stmt_text(stmt, 1), "agent'");
	assert_string_equal(rp_stmt_text(stmt, 2), "");
	rp_stmt_reset(stmt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_life, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_expired, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sliding, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
