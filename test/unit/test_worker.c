/* SPDX-License-Identifier: MIT */
/*
 * A worker loop that is told that a notification is dealt with, with and without memory for the
 * message. The connection is only as much of one as the worker looks at.
 */
#include "server/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"

static _Thread_local bool no_memory;

static void *no_malloc(size_t n)
{
	return no_memory ? NULL : malloc(n);
}

static void *no_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : calloc(n, size);
}

static void *no_realloc(void *p, size_t n)
{
	return no_memory ? NULL : realloc(p, n);
}

/* The library of the tests, which is linked first, has workers of its own. */
#include "server/worker.c"

#define WAIT_MS 20000
#define POLL_US 10000

static struct rp_server_config cfg;
static struct rp_loop *control;
static struct rp_workers *workers;
static struct rp_conn conn;

/* Something to do on the worker's loop. */
struct visit {
	struct rp_msg msg;
	void (*act)(struct visit *v);
	unsigned notifications;
	atomic_bool done;
};

static void on_visit(struct rp_msg *m)
{
	struct visit *v = RP_CONTAINER_OF(m, struct visit, msg);
	v->act(v);
	atomic_store(&v->done, true);
}

static unsigned visit(void (*act)(struct visit *v))
{
	struct visit v = {.act = act, .msg.run = on_visit};
	uint64_t end = rp_clock_ms() + WAIT_MS;
	assert_int_equal(rp_loop_post(workers->v[0].loop, &v.msg), 0);
	while (!atomic_load(&v.done)) {
		assert_true(rp_clock_ms() < end);
		(void)usleep(POLL_US);
	}
	return v.notifications;
}

static void add_conn(struct visit *v)
{
	(void)v;
	rp_list_init(&conn.orders);
	conn.worker = &workers->v[0];
	conn.id = 7;
	conn.state = RP_CONN_UP;
	conn.notifications = 5;
	rp_list_append(&workers->v[0].conns, &conn.node);
}

static void remove_conn(struct visit *v)
{
	(void)v;
	rp_list_remove(&conn.node);
}

static void look(struct visit *v)
{
	v->notifications = conn.notifications;
}

static void wait_for(unsigned notifications)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (visit(look) != notifications) {
		assert_true(rp_clock_ms() < end);
		(void)usleep(POLL_US);
	}
}

static int setup(void **state)
{
	struct rp_err err = {0};
	(void)state;
	assert_int_equal(rp_loop_new(&control, "control"), 0);
	const struct rp_workers_options opt = {.n = 1, .cfg = &cfg, .control = control};
	assert_int_equal(rp_workers_start(&opt, &workers, &err), 0);
	(void)visit(add_conn);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)visit(remove_conn);
	rp_workers_stop(workers);
	rp_loop_stop(control);
	assert_int_equal(rp_loop_run(control), 0);
	rp_workers_free(workers);
	rp_loop_free(control);
	return 0;
}

static void test_notified(void **state)
{
	const struct rp_conn_ref ref = {.worker = 0, .id = 7};
	const struct rp_conn_ref other = {.worker = 0, .id = 8};
	(void)state;
	rp_workers_notified(workers, other);
	rp_workers_notified(workers, ref);
	wait_for(4);
}

/* The connection is not left with what nobody takes off it any more. */
static void test_notified_without_memory(void **state)
{
	const struct rp_conn_ref ref = {.worker = 0, .id = 7};
	(void)state;
	no_memory = true;
	rp_workers_notified(workers, ref);
	no_memory = false;
	wait_for(0);
	/* One that was under way meanwhile does no harm. */
	rp_workers_notified(workers, ref);
	assert_int_equal(visit(look), 0);
}

int main(void)
{
	static const struct rp_alloc_hooks hooks = {no_malloc, no_calloc, no_realloc, free};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_notified, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_notified_without_memory, setup, teardown),
	};
	rp_alloc_set_hooks(&hooks);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
