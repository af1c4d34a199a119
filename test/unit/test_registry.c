/* SPDX-License-Identifier: MIT */
/*
 * The registry: registration (wire protocol 3.5), and what of it is there after a restart.
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

static void test_first(void **state)
{
	(void)state;
	send_hello(1, "c1", "s1", "auth",
	    ",\"Hostname\":\"h\",\"OS\":\"Linux\",\"OSArch\":\"amd64\",\"NumCPUs\":4,"
	    "\"MemoryTotal\":18446744073709551615,\"IPv4\":[\"192.0.2.7\"],\"IPv6\":null,"
	    "\"Tags\":[\"t\"],\"Labels\":{\"k\":\"v\"},"
	    "\"ClientConfiguration\":{\"client\":{\"auth\":\"id:hidden\"}}");
	assert_order(RP_FAKE_ACCEPT, 1, "c1");
	/* Not there before the worker says so. */
	assert_null(rp_registry_get(registry, "c1"));
	int64_t before = rp_time_now();
	up(1);
	const struct rp_client *c = rp_registry_get(registry, "c1");
	assert_non_null(c);
	assert_string_equal(c->name, "n-c1");
	assert_string_equal(c->hostname, "h");
	assert_string_equal(c->os_arch, "amd64");
	assert_string_equal(c->address, "192.0.2.1");
	assert_string_equal(c->client_auth_id, "auth");
	assert_string_equal(c->version, "1.0.0");
	assert_string_equal(c->connection_state, "connected");
	assert_int_equal(c->num_cpus, 4);
	assert_true(c->mem_total == UINT64_MAX);
	assert_int_equal(c->disconnected_at, RP_TIME_ZERO);
	assert_true(c->last_heartbeat_at >= before);
	assert_string_equal(c->ipv4.v[0], "192.0.2.7");
	assert_int_equal(c->ipv6.n, 0);
	assert_string_equal(rp_strmap_get(&c->labels, "k"), "v");
	assert_null(strstr(c->client_configuration, "hidden"));
	assert_int_equal(rp_registry_count(registry, true), 1);
	assert_int_equal(rp_registry_count(registry, false), 0);
	down(1);
	assert_int_equal(rp_registry_count(registry, true), 0);
	assert_int_equal(rp_registry_count(registry, false), 1);
	assert_string_equal(c->connection_state, "disconnected");
	assert_true(c->disconnected_at >= before);
}

static void test_restart(void **state)
{
	(void)state;
	send_hello(1, "c1", "s1", "auth", ",\"Tags\":[\"t\"],\"MemoryTotal\":18446744073709551615");
	up(1);
	rp_fake_clear(workers);
	join(2, "c2", "s2");
	down(2);
	restart();
	/* The first was never said to have gone. */
	const struct rp_client *c = rp_registry_get(registry, "c1");
	assert_non_null(c);
	assert_false(rp_client_connected(c));
	assert_string_equal(c->connection_state, "disconnected");
	assert_string_equal(c->tags.v[0], "t");
	assert_true(c->mem_total == UINT64_MAX);
	assert_int_equal(rp_registry_count(registry, false), 2);
	assert_int_equal(rp_registry_count(registry, true), 0);
	/* Sessions live in memory only: the same one is a new connection now. */
	join(3, "c1", "s1");
	assert_int_equal(rp_registry_count(registry, true), 1);
}

static int damage(struct rp_db *db, void *arg, struct rp_err *err)
{
	(void)arg;
	return rp_db_exec(db, "UPDATE clients SET details = '{\"id\":' WHERE id = 'c1'", err);
}

static void test_damaged_row(void **state)
{
	const struct rp_store_job job = {.work = damage};
	(void)state;
	join(1, "c1", "s1");
	join(2, "c2", "s2");
	down(1);
	down(2);
	assert_int_equal(rp_store_submit(rig.store, &job), 0);
	restart();
	assert_null(rp_registry_get(registry, "c1"));
	assert_non_null(rp_registry_get(registry, "c2"));
	join(3, "c1", "s1");
}

static void test_ids(void **state)
{
	char long_id[300];
	(void)state;
	/* No id: a new one each time. */
	send_hello(1, "", "s1", "auth", "");
	struct rp_fake_order *o = rp_fake_order(workers, 0);
	assert_int_equal(o->kind, RP_FAKE_ACCEPT);
	assert_int_equal(strlen(o->name), 36);
	rp_fake_clear(workers);
	/* Or that of the credentials. */
	cfg.server.auth_multiuse_creds = false;
	cfg.server.equate_clientauthid_clientid = true;
	/* One credential is one client, also while neither is there yet. */
	send_hello(9, "", "s9", "auth", "");
	assert_order(RP_FAKE_REFUSE, 9, "client auth ID is already in use: \"auth\"");
	rp_fake_clear(workers);
	down(1);
	down(9);
	send_hello(2, "", "s2", "auth", "");
	assert_order(RP_FAKE_ACCEPT, 2, "auth");
	rp_fake_clear(workers);
	cfg.server.auth_multiuse_creds = true;
	send_hello(3, "a\\nb", "s3", "auth", "");
	assert_order(
	    RP_FAKE_REFUSE, 3, "invalid client id: at most 256 characters, no control characters");
	rp_fake_clear(workers);
	memset(long_id, 'x', 257);
	long_id[257] = '\0';
	send_hello(4, long_id, "s4", "auth", "");
	assert_order(
	    RP_FAKE_REFUSE, 4, "invalid client id: at most 256 characters, no control characters");
	rp_fake_clear(workers);
	long_id[256] = '\0';
	send_hello(5, long_id, "s5", "auth", "");
	assert_order(RP_FAKE_ACCEPT, 5, long_id);
	for (uint64_t i = 2; i <= 5; i++) {
		down(i);
	}
}

static void test_versions(void **state)
{
	static const char *const bad[] = {"", "x", "1.x", "-1"};
	(void)state;
	/* The first time any version will do (3.5). */
	struct rp_new_connection hello = {.id = rp_strdup("c1")};
	rp_registry_events()->on_register(registry, ref(1), "192.0.2.1", "auth", &hello);
	assert_order(RP_FAKE_ACCEPT, 1, "c1");
	up(1);
	down(1);
	rp_fake_clear(workers);
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		char want[80];
		struct rp_new_connection again = {
		    .id = rp_strdup("c1"), .version = rp_strdup(bad[i])};
		rp_registry_events()->on_register(
		    registry, ref(2 + i), "192.0.2.1", "auth", &again);
		(void)snprintf(want, sizeof(want),
		    "failed to determine client version: Malformed version: %s", bad[i]);
		assert_order(RP_FAKE_REFUSE, 2 + i, want);
		rp_fake_clear(workers);
		down(2 + i);
	}
	/* None at all. */
	struct rp_new_connection none = {.id = rp_strdup("c1")};
	rp_registry_events()->on_register(registry, ref(9), "192.0.2.1", "auth", &none);
	assert_order(RP_FAKE_REFUSE, 9, "failed to determine client version: Malformed version: ");
	rp_fake_clear(workers);
	down(9);
	join(10, "c1", "s1");
}

static void test_auth_id_in_use(void **state)
{
	(void)state;
	join(1, "c1", "s1");
	down(1);
	/* Many clients may share credentials, unless forbidden. */
	send_hello(2, "c2", "s2", "auth", "");
	assert_order(RP_FAKE_ACCEPT, 2, "c2");
	down(2);
	rp_fake_clear(workers);
	cfg.server.auth_multiuse_creds = false;
	send_hello(3, "c2", "s2", "auth", "");
	assert_order(RP_FAKE_REFUSE, 3, "client auth ID is already in use: \"auth\"");
	down(3);
	rp_fake_clear(workers);
	send_hello(4, "c2", "s2", "other", "");
	assert_order(RP_FAKE_ACCEPT, 4, "c2");
	rp_fake_clear(workers);
	/* The owner itself may come again. */
	join(5, "c1", "s9");
	down(4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_first, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damaged_row, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_auth_id_in_use, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
