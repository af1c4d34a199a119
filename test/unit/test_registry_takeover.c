/* SPDX-License-Identifier: MIT */
/*
 * The registry: a client that comes back while its old connection stands.
 */
#include "server/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/fake_workers.h"
#include "test/lib/registry_short.h"

/* The same process again while its old connection still stands: that is closed first. */
static void test_same_session(void **state)
{
	(void)state;
	join(1, "c1", "s1");
	send_hello(2, "c1", "s1", "auth", "");
	assert_order(RP_FAKE_CLOSE, 1, NULL);
	rp_fake_clear(workers);
	down(1);
	assert_order(RP_FAKE_ACCEPT, 2, "c1");
	rp_fake_clear(workers);
	up(2);
	assert_true(rp_client_connected(rp_registry_get(registry, "c1")));
	assert_int_equal(rp_registry_count(registry, true), 1);
	/* What comes late from the old connection changes nothing. */
	down(1);
	rp_registry_events()->on_notify(registry, ref(1), "cmd_result", "{}", 2);
	assert_true(rp_client_connected(rp_registry_get(registry, "c1")));
	assert_int_equal(rp_registry_count(registry, true), 1);
}

/* An empty session id is no session. */
static void test_empty_session(void **state)
{
	(void)state;
	join(1, "c1", "");
	send_hello(2, "c1", "", "auth", "");
	assert_order(RP_FAKE_CALL, 1, NULL);
}

/* Another process with the same id: the old one is asked. */
static void test_other_session(void **state)
{
	static const struct {
		int code;
		const char *text;
		bool alive;
	} cases[] = {
	    {0, "", true},
	    {RP_EDENIED, "unknown request", true},
	    {RP_ETIMEOUT, "", false},
	    {RP_ECLOSED, "", false},
	};
	uint64_t conn = 1;
	(void)state;
	join(conn, "c1", "s1");
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		send_hello(conn + 1, "c1", "s2", "auth", "");
		assert_order(RP_FAKE_CALL, conn, NULL);
		struct rp_fake_order *ping = rp_fake_order(workers, 0);
		assert_string_equal(ping->name, "ping");
		assert_true(ping->timeout_ms <= 20000);
		rp_fake_answer(ping, cases[i].code, cases[i].text);
		assert_int_equal(rp_fake_count(workers), 2);
		struct rp_fake_order *o = rp_fake_order(workers, 1);
		if (cases[i].alive) {
			assert_int_equal(o->kind, RP_FAKE_REFUSE);
			assert_int_equal(o->ref.id, conn + 1);
			assert_string_equal(o->text, "client is already connected: n-c1 [c1]");
			rp_fake_clear(workers);
			down(conn + 1);
			assert_true(rp_client_connected(rp_registry_get(registry, "c1")));
			continue;
		}
		assert_int_equal(o->kind, RP_FAKE_CLOSE);
		assert_int_equal(o->ref.id, conn);
		rp_fake_clear(workers);
		down(conn);
		assert_order(RP_FAKE_ACCEPT, conn + 1, "c1");
		rp_fake_clear(workers);
		up(conn + 1);
		conn++;
		/* The next round meets another session. */
		down(conn);
		join(++conn, "c1", "s1");
	}
}

/* The old connection ends by itself while it is being asked. */
static void test_old_gone_while_asked(void **state)
{
	(void)state;
	join(1, "c1", "s1");
	send_hello(2, "c1", "s2", "auth", "");
	struct rp_fake_order *ping = rp_fake_order(workers, 0);
	down(1);
	rp_fake_answer(ping, RP_ECLOSED, "");
	assert_int_equal(rp_fake_count(workers), 2);
	assert_int_equal(rp_fake_order(workers, 1)->kind, RP_FAKE_ACCEPT);
	rp_fake_clear(workers);
	up(2);
	assert_true(rp_client_connected(rp_registry_get(registry, "c1")));
}

/* The new one ends while the old one is asked, or is to be closed. */
static void test_new_gone(void **state)
{
	(void)state;
	join(1, "c1", "s1");
	send_hello(2, "c1", "s2", "auth", "");
	struct rp_fake_order *ping = rp_fake_order(workers, 0);
	down(2);
	rp_fake_answer(ping, RP_ETIMEOUT, "");
	assert_int_equal(rp_fake_count(workers), 1);
	assert_true(rp_client_connected(rp_registry_get(registry, "c1")));
	rp_fake_clear(workers);
	send_hello(3, "c1", "s1", "auth", "");
	assert_order(RP_FAKE_CLOSE, 1, NULL);
	rp_fake_clear(workers);
	down(3);
	down(1);
	assert_int_equal(rp_fake_count(workers), 0);
	assert_false(rp_client_connected(rp_registry_get(registry, "c1")));
	join(4, "c1", "s3");
}

/* Two at once: the second has to wait for another time. */
static void test_two_at_once(void **state)
{
	(void)state;
	send_hello(1, "c1", "s1", "auth", "");
	assert_order(RP_FAKE_ACCEPT, 1, "c1");
	rp_fake_clear(workers);
	send_hello(2, "c1", "s2", "auth", "");
	assert_order(RP_FAKE_REFUSE, 2, "client is already connected: n-c1 [c1]");
	rp_fake_clear(workers);
	up(1);
	down(2);
	assert_true(rp_client_connected(rp_registry_get(registry, "c1")));
	/* An up that nobody waits for. */
	up(77);
	assert_order(RP_FAKE_CLOSE, 77, NULL);
}

static void give_tunnels(uint64_t conn)
{
	struct rp_tunnel_info v[2] = {0};
	struct rp_err err = {0};
	assert_int_equal(rp_remote_parse("0.0.0.0:2222:127.0.0.1:22", &v[0].remote, &err), 0);
	assert_int_equal(rp_remote_parse("0.0.0.0:20001:127.0.0.1:80", &v[1].remote, &err), 0);
	v[1].remote.lport_random = true;
	v[0].id = rp_strdup("1");
	v[1].id = rp_strdup("2");
	rp_registry_events()->on_up(registry, ref(conn), v, 2);
	rp_tunnel_info_fini(&v[0]);
	rp_tunnel_info_fini(&v[1]);
}

/* Tunnels come back with the client (5.8), also after a restart. */
static void test_old_tunnels(void **state)
{
	(void)state;
	send_hello(1, "c1", "s1", "auth", "");
	give_tunnels(1);
	assert_int_equal(rp_registry_get(registry, "c1")->tunnels.n, 2);
	rp_registry_events()->on_tunnel_gone(registry, ref(1), "9", "no such");
	assert_int_equal(rp_registry_get(registry, "c1")->tunnels.n, 2);
	down(1);
	restart();
	send_hello(2, "c1", "s1", "auth", "");
	assert_order(RP_FAKE_ACCEPT, 2, "c1");
	struct rp_fake_order *o = rp_fake_order(workers, 0);
	assert_int_equal(o->old.n, 2);
	assert_non_null(strstr(o->old.v[0], "2222:127.0.0.1:22"));
	/* Asked first whether it allows them: since 0.6.4. */
	assert_true(o->flag);
	rp_fake_clear(workers);
	give_tunnels(2);
	rp_registry_events()->on_tunnel_gone(registry, ref(2), "1", "idle");
	assert_int_equal(rp_registry_get(registry, "c1")->tunnels.n, 1);
	down(2);
	send_hello(3, "c1", "s1", "auth", ",\"Version\":\"0.6.3\"");
	o = rp_fake_order(workers, 0);
	assert_int_equal(o->old.n, 1);
	assert_false(o->flag);
	down(3);
	/* Our own kind knows the question in every version. */
	send_hello(4, "c1", "s1", "auth", ",\"Version\":\"0.1.0\",\"Features\":[\"half-close\"]");
	assert_true(rp_fake_order(workers, rp_fake_count(workers) - 1)->flag);
	down(4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_same_session, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_empty_session, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_other_session, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_old_gone_while_asked, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_new_gone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_two_at_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_old_tunnels, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
