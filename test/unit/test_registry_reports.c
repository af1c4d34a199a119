/* SPDX-License-Identifier: MIT */
/*
 * The registry: what clients report, and keep-alive.
 */
#include "server/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/fake_workers.h"
#include "test/lib/registry_short.h"

static void notify(uint64_t conn, const char *name, const char *text)
{
	notified[0] = '\0';
	rp_registry_events()->on_notify(registry, ref(conn), name, text, strlen(text));
}

/* Events find their client by its connection, also among many that come and go. */
static void test_many_connections(void **state)
{
	enum {
		N = 150
	};
	char id[16];
	(void)state;
	cfg.server.auth_multiuse_creds = true;
	for (uint64_t i = 1; i <= N; i++) {
		(void)snprintf(id, sizeof(id), "m%u", (unsigned)i);
		send_hello(i, id, "", "a", "");
		up(i);
		rp_fake_clear(workers);
	}
	for (uint64_t i = 1; i <= N; i += 2) {
		down(i);
	}
	assert_int_equal(rp_registry_count(registry, true), N / 2);
	for (uint64_t i = 1; i <= N; i++) {
		char want[64] = "";
		(void)snprintf(id, sizeof(id), "m%u", (unsigned)i);
		assert_int_equal(rp_client_connected(rp_registry_get(registry, id)), i % 2 == 0);
		notify(i, "cmd_result", "{}");
		if (i % 2 == 0) {
			(void)snprintf(want, sizeof(want), "%s cmd_result {}", id);
		}
		assert_string_equal(notified, want);
	}
	/* The same number on another worker is another connection. */
	const struct rp_conn_ref other = {.worker = 1, .id = 2};
	notified[0] = '\0';
	rp_registry_events()->on_notify(registry, other, "cmd_result", "{}", 2);
	assert_string_equal(notified, "");
	rp_registry_events()->on_down(registry, other, "test");
	assert_true(rp_client_connected(rp_registry_get(registry, "m2")));
}

static void test_reports(void **state)
{
	static const char *const bad[] = {"", "x", "[]", "null", "7", "\"x\"", "{", "{}x"};
	(void)state;
	join(1, "c1", "s1");
	const struct rp_client *c = rp_registry_get(registry, "c1");
	notify(1, "updates_status", "{ \"updates_available\" : 3, \"x\":\"<\" }");
	assert_string_equal(c->updates_status, "{\"updates_available\":3,\"x\":\"\\u003c\"}");
	notify(
	    1, "ip_addresses", "{\"ipv4\":\"192.0.2.9\",\"updated_at\":\"1999-01-01T00:00:00Z\"}");
	/* When it came says the server's clock. */
	assert_non_null(strstr(
	    c->ext_ip_addresses, "{\"ipv4\":\"192.0.2.9\",\"ipv6\":\"\",\"updated_at\":\"20"));
	assert_non_null(strstr(c->ext_ip_addresses, "Z\",\"error\":\"\"}"));
	char *kept = rp_strdup(c->ext_ip_addresses);
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		notify(1, "updates_status", bad[i]);
		notify(1, "ip_addresses", bad[i]);
	}
	assert_string_equal(c->updates_status, "{\"updates_available\":3,\"x\":\"\\u003c\"}");
	assert_string_equal(c->ext_ip_addresses, kept);
	assert_string_equal(notified, "");
	notify(1, "cmd_result", "{}");
	assert_string_equal(notified, "c1 cmd_result {}");
	notify(1, "save_measurement", "x");
	assert_string_equal(notified, "c1 save_measurement x");
	notify(5, "cmd_result", "{}");
	assert_string_equal(notified, "");
	restart();
	c = rp_registry_get(registry, "c1");
	assert_string_equal(c->ext_ip_addresses, kept);
	rp_free(kept);
}

static void test_attributes(void **state)
{
	struct rp_attributes a = {0};
	(void)state;
	join(1, "c1", "s1");
	assert_int_equal(rp_strlist_add(&a.tags, rp_str_c("x")), 0);
	assert_int_equal(rp_strmap_set(&a.labels, rp_str_c("k"), rp_str_c("v")), 0);
	rp_registry_attributes_set(registry, "c1", &a);
	rp_registry_attributes_set(registry, "nobody", &a);
	rp_json_release(&rp_attributes_table, &a);
	restart();
	const struct rp_client *c = rp_registry_get(registry, "c1");
	assert_string_equal(c->tags.v[0], "x");
	assert_string_equal(rp_strmap_get(&c->labels, "k"), "v");
}

static void short_checks(void)
{
	close_registry();
	cfg.server.check_clients_connection_interval = 2 * RP_NS_PER_MS;
	open_registry();
}

static struct rp_fake_order *wait_ping(void)
{
	uint64_t end = rp_clock_ms() + 10000;
	while (rp_fake_count(workers) == 0 && rp_clock_ms() < end) {
		(void)uv_run(rp_loop_uv(rig.loop), UV_RUN_ONCE);
	}
	struct rp_fake_order *o = rp_fake_order(workers, 0);
	assert_int_equal(o->kind, RP_FAKE_CALL);
	assert_string_equal(o->name, "ping");
	assert_int_equal(o->timeout_ms, 30000);
	return o;
}

static void turn_some(void)
{
	uint64_t end = rp_clock_ms() + 20;
	while (rp_clock_ms() < end) {
		(void)uv_run(rp_loop_uv(rig.loop), UV_RUN_ONCE);
	}
}

static void test_pings(void **state)
{
	static const struct {
		int code;
		const char *text;
		bool alive;
	} cases[] = {
	    {0, "", true},
	    {0, "null", true},
	    {RP_EDENIED, "unknown request", true},
	    {0, "{}", false},
	    {RP_EDENIED, "no", false},
	    {RP_EDENIED, "", false},
	    {RP_ETIMEOUT, "", false},
	};
	(void)state;
	short_checks();
	join(1, "c1", "s1");
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_fake_order *o = wait_ping();
		int64_t before = rp_registry_get(registry, "c1")->last_heartbeat_at;
		/* One at a time. */
		turn_some();
		assert_int_equal(rp_fake_count(workers), 1);
		rp_fake_answer(o, cases[i].code, cases[i].text);
		bool closed = rp_fake_count(workers) == 2 &&
		    rp_fake_order(workers, 1)->kind == RP_FAKE_CLOSE;
		int64_t after = rp_registry_get(registry, "c1")->last_heartbeat_at;
		if (closed == cases[i].alive || (after > before) != cases[i].alive) {
			fail_msg("%zu", i);
		}
		rp_fake_clear(workers);
	}
	/* The client's own ping. */
	int64_t before = rp_registry_get(registry, "c1")->last_heartbeat_at;
	rp_registry_events()->on_ping(registry, ref(1));
	assert_true(rp_registry_get(registry, "c1")->last_heartbeat_at > before);
	rp_registry_events()->on_ping(registry, ref(99));
	/* Nobody asks those who have gone. */
	rp_fake_clear(workers);
	down(1);
	turn_some();
	assert_int_equal(rp_fake_count(workers), 0);
}

/* The answer comes when the client, or the whole registry, has gone. */
static void test_late_answers(void **state)
{
	(void)state;
	short_checks();
	join(1, "c1", "s1");
	struct rp_fake_order *o = wait_ping();
	down(1);
	rp_fake_answer(o, RP_ETIMEOUT, "");
	rp_fake_clear(workers);
	join(2, "c1", "s1");
	(void)wait_ping();
	/* The teardown closes the registry and then answers. */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_many_connections, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reports, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pings, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_late_answers, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
