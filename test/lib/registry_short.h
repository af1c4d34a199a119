/* SPDX-License-Identifier: MIT */
/*
 * A registry over a database of its own, with a stand-in for the workers, and the events of
 * connections as workers send them; to be included by the only file of a test program.
 */
#ifndef RP_TEST_LIB_REGISTRY_SHORT_H
#define RP_TEST_LIB_REGISTRY_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "server/registry.h"
#include "test/lib/fake_workers.h"
#include "test/lib/store_rig.h"

#define HOUR (3600 * RP_NS_PER_S)

static struct rp_store_rig rig;
static struct rp_server_config cfg;
static struct rp_workers *workers;
static struct rp_registry *registry;

static char notified[256];

static inline void on_notify(
    void *ctx, const char *client_id, const char *name, const char *p, size_t n)
{
	(void)ctx;
	(void)snprintf(notified, sizeof(notified), "%s %s %.*s", client_id, name, (int)n, p);
}

static inline void open_registry(void)
{
	struct rp_err err = {0};
	const struct rp_registry_options opt = {.loop = rig.loop, .cfg = &cfg, .store = rig.store};
	if (rp_registry_new(&opt, &registry, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	rp_registry_set_workers(registry, workers);
	rp_registry_on_notify(registry, on_notify, NULL);
}

static inline int setup(void **state)
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

static inline void close_registry(void)
{
	rp_registry_close(registry);
	rp_fake_clear(workers);
	rp_store_rig_sync(&rig);
	rp_registry_free(registry);
}

static inline int teardown(void **state)
{
	(void)state;
	close_registry();
	rp_fake_workers_free(workers);
	rp_store_rig_close(&rig);
	return 0;
}

static inline void restart(void)
{
	close_registry();
	rp_store_rig_restart(&rig);
	open_registry();
}

/* Events as the workers send them */

static inline struct rp_conn_ref ref(uint64_t id)
{
	return (struct rp_conn_ref){.worker = (unsigned)(id % 2), .id = id};
}

/* A client "id" with the session id and auth id; further keys of the request may follow. */
static inline void send_hello(
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

static inline void up(uint64_t conn)
{
	rp_registry_events()->on_up(registry, ref(conn), NULL, 0);
}

static inline void down(uint64_t conn)
{
	rp_registry_events()->on_down(registry, ref(conn), "test");
}

static inline void assert_order(enum rp_fake_kind kind, uint64_t conn, const char *text)
{
	assert_int_equal(rp_fake_count(workers), 1);
	struct rp_fake_order *o = rp_fake_order(workers, 0);
	assert_int_equal(o->kind, kind);
	assert_true(o->ref.id == conn && o->ref.worker == conn % 2);
	if (text != NULL) {
		assert_string_equal(o->text != NULL ? o->text : o->name, text);
	}
}

static inline void join(uint64_t conn, const char *id, const char *session)
{
	send_hello(conn, id, session, "auth", "");
	assert_order(RP_FAKE_ACCEPT, conn, id);
	rp_fake_clear(workers);
	up(conn);
	assert_int_equal(rp_fake_count(workers), 0);
	assert_true(rp_client_connected(rp_registry_get(registry, id)));
}

#endif
