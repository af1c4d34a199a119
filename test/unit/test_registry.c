/* SPDX-License-Identifier: MIT */
/*
 * The registry: who may register as what (wire protocol 3.5), taking over from an old connection,
 * keep-alive, what clients report, and what of it is there after a restart.
 */
#include "server/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/fake_workers.h"
#include "test/lib/store_rig.h"

#define HOUR (3600 * RP_NS_PER_S)

static struct rp_store_rig rig;
static struct rp_server_config cfg;
static struct rp_workers *workers;
static struct rp_registry *registry;

static char notified[256];

static void on_notify(void *ctx, const char *client_id, const char *name, const char *p, size_t n)
{
	(void)ctx;
	(void)snprintf(notified, sizeof(notified), "%s %s %.*s", client_id, name, (int)n, p);
}

static void open_registry(void)
{
	struct rp_err err = {0};
	const struct rp_registry_options opt = {.loop = rig.loop, .cfg = &cfg, .store = rig.store};
	if (rp_registry_new(&opt, &registry, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	rp_registry_set_workers(registry, workers);
	rp_registry_on_notify(registry, on_notify, NULL);
}

static int setup(void **state)
{
	(void)state;
	memset(&cfg, 0, sizeof(cfg));
	cfg.server.check_clients_connection_interval = HOUR;
	cfg.server.check_clients_connection_timeout = 30 * RP_NS_PER_S;
	cfg.server.purge_disconnected_clients_interval = HOUR;
	cfg.server.keep_disconnected_clients = HOUR;
	cfg.server.check_port_timeout = 2 * RP_NS_PER_S;
	cfg.server.auth_multiuse_creds = true;
	rp_store_rig_open(&rig);
	workers = rp_fake_workers_new();
	open_registry();
	return 0;
}

static void close_registry(void)
{
	rp_registry_close(registry);
	rp_fake_clear(workers);
	rp_store_rig_sync(&rig);
	rp_registry_free(registry);
}

static int teardown(void **state)
{
	(void)state;
	close_registry();
	rp_fake_workers_free(workers);
	rp_store_rig_close(&rig);
	return 0;
}

static void restart(void)
{
	close_registry();
	rp_store_rig_restart(&rig);
	open_registry();
}

/* Events as the workers send them */

static struct rp_conn_ref ref(uint64_t id)
{
	return (struct rp_conn_ref){.worker = (unsigned)(id % 2), .id = id};
}

/* A client "id" with the session id and auth id; further keys of the request may follow. */
static void send_hello(
    uint64_t conn, const char *id, const char *session, const char *auth_id, const char *more)
{
	struct rp_new_connection hello = {0};
	char text[2048];
	(void)snprintf(text, sizeof(text),
	    "{\"ID\":\"%s\",\"SessionID\":\"%s\",\"Name\":\"n-%s\",\"Version\":\"1.0.0\"%s}", id,
	    session, id, more);
	assert_int_equal(
	    rp_json_decode_text(text, strlen(text), &rp_new_connection_table, true, &hello, NULL),
	    0);
	rp_registry_events()->on_register(registry, ref(conn), "192.0.2.1", auth_id, &hello);
	rp_json_release(&rp_new_connection_table, &hello);
}

static void up(uint64_t conn)
{
	rp_registry_events()->on_up(registry, ref(conn), NULL, 0);
}

static void down(uint64_t conn)
{
	rp_registry_events()->on_down(registry, ref(conn), "test");
}

static void assert_order(enum rp_fake_kind kind, uint64_t conn, const char *text)
{
	assert_int_equal(rp_fake_count(workers), 1);
	struct rp_fake_order *o = rp_fake_order(workers, 0);
	assert_int_equal(o->kind, kind);
	assert_true(o->ref.id == conn && o->ref.worker == conn % 2);
	if (text != NULL) {
		assert_string_equal(o->text != NULL ? o->text : o->name, text);
	}
}

static void join(uint64_t conn, const char *id, const char *session)
{
	send_hello(conn, id, session, "auth", "");
	assert_order(RP_FAKE_ACCEPT, conn, id);
	rp_fake_clear(workers);
	up(conn);
	assert_int_equal(rp_fake_count(workers), 0);
	assert_true(rp_client_connected(rp_registry_get(registry, id)));
}

/* Registration */

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

/* Reports */

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

/* Keep-alive */

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

/* Forgetting */

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
	    cmocka_unit_test_setup_teardown(test_first, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damaged_row, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_auth_id_in_use, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_same_session, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_empty_session, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_other_session, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_old_gone_while_asked, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_new_gone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_two_at_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_old_tunnels, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_many_connections, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reports, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pings, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_late_answers, setup, teardown),
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
