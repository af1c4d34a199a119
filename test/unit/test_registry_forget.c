/* SPDX-License-Identifier: MIT */
/*
 * The registry: clients that are deleted, sent away or forgotten.
 */
#include "server/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/lib/fake_workers.h"
#include "test/lib/registry_short.h"
#include "test/lib/store_rig.h"

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

static void test_delete(void **state)
{
	struct done d = {0};
	(void)state;
	assert_int_equal(rp_registry_delete(registry, "c1", on_done, &d), RP_ENOENT);
	join(1, "c1", "s1");
	assert_int_equal(rp_registry_delete(registry, "c1", on_done, &d), RP_EBUSY);
	down(1);
	assert_int_equal(rp_registry_delete(registry, "c1", on_done, &d), 0);
	assert_null(rp_registry_get(registry, "c1"));
	rp_store_rig_wait(&rig, &d.done);
	assert_int_equal(d.code, 0);
	restart();
	assert_null(rp_registry_get(registry, "c1"));
}

static void test_forget_at_once(void **state)
{
	(void)state;
	cfg.server.purge_disconnected_clients = true;
	cfg.server.keep_disconnected_clients = 0;
	join(1, "c1", "s1");
	down(1);
	assert_null(rp_registry_get(registry, "c1"));
	/* Also when the next connection waits for it. */
	join(2, "c1", "s1");
	send_hello(3, "c1", "s1", "auth", "");
	rp_fake_clear(workers);
	down(2);
	assert_order(RP_FAKE_ACCEPT, 3, "c1");
	rp_fake_clear(workers);
	up(3);
	assert_true(rp_client_connected(rp_registry_get(registry, "c1")));
	assert_int_equal(rp_registry_count(registry, true), 1);
}

/* Who was away for too long counts as unknown even before the purge comes by. */
static void test_obsolete(void **state)
{
	(void)state;
	cfg.server.purge_disconnected_clients = true;
	cfg.server.keep_disconnected_clients = RP_NS_PER_MS;
	cfg.server.auth_multiuse_creds = false;
	join(1, "c1", "s1");
	down(1);
	(void)usleep(3000);
	join(2, "c2", "s2");
	assert_non_null(rp_registry_get(registry, "c1"));
	/* A version that only known clients must not have is no matter for a new one. */
	down(2);
	(void)usleep(3000);
	send_hello(3, "c1", "s3", "auth", ",\"Version\":\"x\"");
	assert_order(RP_FAKE_ACCEPT, 3, "c1");
	assert_null(rp_registry_get(registry, "c1"));
	down(3);
	cfg.server.auth_multiuse_creds = true;
}

static void on_ended(void *ctx, int code, const struct rp_err *err)
{
	(void)err;
	assert_int_equal(code, 0);
	*(bool *)ctx = true;
}

/* With the credentials go the clients that are there, were there or are on their way. */
static void test_end_auth(void **state)
{
	bool ended = false;
	(void)state;
	join(1, "c1", "s1");
	join(2, "c2", "s2");
	down(2);
	send_hello(3, "c3", "s3", "auth", "");
	rp_fake_clear(workers);
	send_hello(4, "c4", "s4", "other", "");
	up(4);
	rp_fake_clear(workers);
	assert_int_equal(rp_registry_count_auth(registry, "auth"), 2);
	assert_int_equal(rp_registry_end_auth(registry, "auth", on_ended, &ended), 0);
	assert_int_equal(rp_fake_count(workers), 2);
	assert_int_equal(rp_fake_order(workers, 0)->kind, RP_FAKE_REFUSE);
	assert_int_equal(rp_fake_order(workers, 0)->ref.id, 3);
	assert_int_equal(rp_fake_order(workers, 1)->kind, RP_FAKE_CLOSE);
	assert_int_equal(rp_fake_order(workers, 1)->ref.id, 1);
	rp_fake_clear(workers);
	up(3); /* it crossed the refusal */
	assert_order(RP_FAKE_CLOSE, 3, "no such registration");
	rp_fake_clear(workers);
	down(3);
	down(1);
	assert_int_equal(rp_registry_count(registry, true), 1);
	assert_int_equal(rp_registry_count(registry, false), 0);
	rp_store_rig_wait(&rig, &ended);
	assert_null(rp_registry_get(registry, "c1"));
	assert_int_equal(rp_registry_count_auth(registry, "other"), 1);
	close_registry();
	open_registry();
	assert_int_equal(rp_registry_count(registry, false), 1);
}

static void test_purge(void **state)
{
	(void)state;
	join(1, "c1", "s1");
	join(2, "c2", "s2");
	down(1);
	close_registry();
	cfg.server.purge_disconnected_clients = true;
	cfg.server.keep_disconnected_clients = 50 * RP_NS_PER_MS;
	cfg.server.purge_disconnected_clients_interval = 5 * RP_NS_PER_MS;
	open_registry();
	join(3, "c2", "s2");
	uint64_t end = rp_clock_ms() + 10000;
	while (rp_registry_get(registry, "c1") != NULL && rp_clock_ms() < end) {
		(void)uv_run(rp_loop_uv(rig.loop), UV_RUN_ONCE);
	}
	assert_null(rp_registry_get(registry, "c1"));
	assert_non_null(rp_registry_get(registry, "c2"));
}

static bool count_two(const struct rp_client *c, void *ctx)
{
	(void)c;
	return ++*(int *)ctx < 2;
}

static void test_each(void **state)
{
	int n = 0;
	(void)state;
	join(1, "c1", "s1");
	join(2, "c2", "s2");
	join(3, "c3", "s3");
	rp_registry_each(registry, count_two, &n);
	assert_int_equal(n, 2);
}

/* Requests that are still pending when the server stops. */
static void test_stop_in_between(void **state)
{
	(void)state;
	join(1, "c1", "s1");
	send_hello(2, "c1", "s2", "auth", "");
	send_hello(3, "c3", "s3", "auth", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_delete, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_forget_at_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_purge, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_obsolete, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_end_auth, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_each, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stop_in_between, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
