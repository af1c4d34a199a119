/* SPDX-License-Identifier: MIT */
/*
 * One request is one connection; the loop is turned by hand until the answer is there.
 */
#include "test/lib/api_rig.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/users.h"
#include "api/vault.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "test/lib/conf_file.h"
#include "test/lib/net.h"
#include "test/lib/slow.h"

#define REPLY_MAX (4u * 1024 * 1024)
#define WAIT_MS   20000
/* Keys and hashes out of passwords take long by intention. */
#define VAULT_ROUNDS  1000u
#define PASSWORD_COST 4u
/* tops3cret */
#define HASH "$2y$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoG"

/* All takes longer under valgrind. */
static uint64_t wait_ms(void)
{
	return rp_slow() ? (uint64_t)10 * WAIT_MS : WAIT_MS;
}

static const char users[] = "[{\"username\":\"admin\",\"password\":\"" HASH
                            "\",\"groups\":[\"Administrators\"]},"
                            "{\"username\":\"bob\",\"password\":\"" HASH
                            "\",\"groups\":[\"staff\"]},"
                            "{\"username\":\"old\",\"password\":\"" HASH
                            "\",\"password_expired\":true}]";

static int64_t fake_time;

void rp_api_rig_clock(int64_t t)
{
	fake_time = t;
}

static int64_t now(void)
{
	return fake_time != 0 ? fake_time : rp_time_now();
}

static void open_api(struct rp_api_rig *r)
{
	struct rp_err err = {0};
	const struct rp_registry_options opt = {
	    .loop = r->store.loop, .cfg = &r->cfg, .store = r->store.store, .events = &r->events};
	rp_events_init(&r->events);
	assert_int_equal(rp_registry_new(&opt, &r->registry, &err), 0);
	rp_registry_set_workers(r->registry, r->workers);
	assert_int_equal(rp_audit_open(r->store.loop, &r->cfg, &r->audit, &err), 0);
	const struct rp_jobs_options orders = {.loop = r->store.loop,
	    .cfg = &r->cfg,
	    .registry = r->registry,
	    .store = r->store.store,
	    .audit = r->audit,
	    .events = &r->events};
	assert_int_equal(rp_jobs_new(&orders, &r->jobs), 0);
	const struct rp_multis_options multis = {.loop = r->store.loop,
	    .cfg = &r->cfg,
	    .registry = r->registry,
	    .store = r->store.store,
	    .jobs = r->jobs,
	    .events = &r->events};
	assert_int_equal(rp_multis_new(&multis, &r->multis), 0);
	const struct rp_schedules_options schedules = {.loop = r->store.loop,
	    .store = r->store.store,
	    .registry = r->registry,
	    .multis = r->multis,
	    .now = now};
	assert_int_equal(rp_schedules_new(&schedules, &r->schedules, &err), 0);
	assert_int_equal(rp_monitoring_open(r->store.loop, &r->cfg, &r->monitoring, &err), 0);
	if (rp_clientauth_open(&r->cfg, &r->auth, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	const struct rp_server_parts parts = {
	    .loop = r->store.loop,
	    .cfg = &r->cfg,
	    .store = r->store.store,
	    .registry = r->registry,
	    .jobs = r->jobs,
	    .multis = r->multis,
	    .schedules = r->schedules,
	    .audit = r->audit,
	    .monitoring = r->monitoring,
	    .hostkey = r->hostkey,
	    .auth = r->auth,
	    .events = &r->events,
	};
	r->api = NULL;
	if (rp_api_hooks()->start(&r->api, &parts, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	const struct rp_api *api = r->api;
	rp_vault_set_rounds(api->vault, VAULT_ROUNDS);
	rp_users_set_cost(api->users, PASSWORD_COST);
}

static void stop_api(struct rp_api_rig *r)
{
	rp_api_hooks()->stop(r->api);
	rp_fake_clear(r->workers);
	rp_registry_close(r->registry);
	rp_schedules_close(r->schedules);
	rp_multis_close(r->multis);
	rp_jobs_close(r->jobs);
}

static void free_api(struct rp_api_rig *r)
{
	rp_api_hooks()->free(r->api);
	rp_audit_free(r->audit);
	rp_monitoring_free(r->monitoring);
	rp_schedules_free(r->schedules);
	rp_multis_free(r->multis);
	rp_jobs_free(r->jobs);
	rp_clientauth_free(r->auth);
	rp_registry_free(r->registry);
}

static void load_config(struct rp_api_rig *r, const char *text)
{
	char path[RP_CONF_PATH_MAX];
	char c[] = "-c";
	char *argv[] = {c, path};
	struct rp_err err = {0};
	rp_conf_file_make(path, text);
	if (rp_server_config_load(&r->cfg, 2, argv, &err) != RP_CONF_RUN ||
	    rp_server_config_validate(&r->cfg, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	assert_int_equal(unlink(path), 0);
	rp_free(r->cfg.server.data_dir);
	r->cfg.server.data_dir = rp_strdup(r->store.dir);
}

#define PAIR "auth = 'one:tops3cret'"
/* With the lines of [server]. */
#define CONFIG                                                           \
	"[server]\n%s\n[api]\n"                                          \
	"address = '127.0.0.1:0'\njwt_secret = 'a secret of the test'\n" \
	"user_login_wait = 0\nmax_failed_login = 0\n"

static void write_config(struct rp_api_rig *r, const char *server, const char *extra)
{
	char path[sizeof(r->store.dir) + 16];
	(void)snprintf(path, sizeof(path), "%s/users.json", r->store.dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(users, f) >= 0);
	assert_int_equal(fclose(f), 0);
	char *text = rp_asprintf(
	    CONFIG "auth_file = '%s'\n%s", server, path, extra != NULL ? extra : "");
	load_config(r, text);
	rp_free(text);
}

static void write_tables_config(struct rp_api_rig *r, const char *server, const char *extra)
{
	static const char sql[] =
	    "CREATE TABLE users (username TEXT NOT NULL UNIQUE, password TEXT NOT NULL,"
	    " password_expired BOOLEAN NOT NULL DEFAULT 0, two_fa_send_to TEXT, totp_secret TEXT);"
	    "CREATE TABLE groups (username TEXT NOT NULL, \"group\" TEXT NOT NULL);"
	    "CREATE TABLE details (name TEXT, permissions TEXT);"
	    "INSERT INTO users (username, password, password_expired) VALUES"
	    " ('admin', '" HASH "', 0), ('bob', '" HASH "', 0), ('old', '" HASH "', 1);"
	    "INSERT INTO groups VALUES ('admin', 'Administrators'), ('bob', 'staff');"
	    "INSERT INTO details VALUES ('staff', '{\"tunnels\":true}');";
	char path[sizeof(r->store.dir) + 16];
	struct rp_db *db;
	struct rp_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/users.db", r->store.dir);
	if (rp_db_open(&db, path, false, &err) != 0 || rp_db_exec(db, sql, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	rp_db_close(db);
	char *text = rp_asprintf(CONFIG "auth_user_table = 'users'\nauth_group_table = 'groups'\n"
	                                "auth_group_details_table = 'details'\n%s[database]\n"
	                                "db_type = 'sqlite'\ndb_name = '%s'\n",
	    server, extra != NULL ? extra : "", path);
	load_config(r, text);
	rp_free(text);
}

static struct rp_api_rig *open_rig(
    void (*configure)(struct rp_api_rig *r, const char *server, const char *extra),
    const char *server, const char *extra)
{
	struct rp_err err = {0};
	struct rp_api_rig *r = rp_calloc(1, sizeof(*r));
	assert_non_null(r);
	r->prefix = "/api/v1";
	r->reply = rp_malloc(REPLY_MAX);
	assert_non_null(r->reply);
	rp_store_rig_open(&r->store);
	configure(r, server, extra);
	assert_int_equal(rp_hostkey_from_seed("test", &r->hostkey, &err), 0);
	r->workers = rp_fake_workers_new();
	open_api(r);
	return r;
}

struct rp_api_rig *rp_api_rig_open(const char *extra)
{
	return open_rig(write_config, PAIR, extra);
}

struct rp_api_rig *rp_api_rig_open_tables(const char *extra)
{
	return open_rig(write_tables_config, PAIR, extra);
}

struct rp_api_rig *rp_api_rig_open_with(const char *server, const char *extra)
{
	return open_rig(write_config, server, extra);
}

static void take_config(struct rp_api_rig *r, const char *text, const char *extra)
{
	(void)extra;
	load_config(r, text);
}

struct rp_api_rig *rp_api_rig_open_config(const char *text)
{
	return open_rig(take_config, text, NULL);
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

/* The server frees the API when its loop has nothing left to do, a password check neither. */
static void settle(struct rp_api_rig *r)
{
	const struct rp_api *api = r->api;
	uint64_t end = rp_clock_ms() + wait_ms();
	while (!rp_list_empty(&api->calls) || api->sockets.n > 0) {
		(void)uv_run(rp_loop_uv(r->store.loop), UV_RUN_ONCE);
		assert_true(rp_clock_ms() < end);
	}
	bool closed = false;
	rp_audit_close(r->audit, on_closed, &closed);
	rp_store_rig_wait(&r->store, &closed);
	closed = false;
	rp_monitoring_close(r->monitoring, on_closed, &closed);
	rp_store_rig_wait(&r->store, &closed);
}

void rp_api_rig_stop(struct rp_api_rig *r)
{
	stop_api(r);
	settle(r);
	rp_store_rig_restart(&r->store);
	free_api(r);
}

void rp_api_rig_start(struct rp_api_rig *r)
{
	open_api(r);
}

void rp_api_rig_restart(struct rp_api_rig *r)
{
	rp_api_rig_stop(r);
	rp_api_rig_start(r);
}

void rp_api_rig_close(struct rp_api_rig *r)
{
	stop_api(r);
	settle(r);
	rp_fake_workers_free(r->workers);
	rp_store_rig_close(&r->store);
	free_api(r);
	rp_hostkey_free(r->hostkey);
	rp_server_config_fini(&r->cfg);
	rp_free(r->reply);
	rp_free(r);
}

/* --- requests --- */

void rp_api_rig_turn(struct rp_api_rig *r)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	(void)uv_run(rp_loop_uv(r->store.loop), UV_RUN_NOWAIT);
	(void)poll(&p, 1, 1);
}

struct rp_fake_order *rp_api_rig_wait_order(struct rp_api_rig *r, size_t n)
{
	uint64_t end = rp_clock_ms() + wait_ms();
	while (rp_fake_count(r->workers) < n) {
		rp_api_rig_turn(r);
		assert_true(rp_clock_ms() < end);
	}
	return rp_fake_order(r->workers, n - 1);
}

/* True at the end of the connection. */
static bool receive(struct rp_api_rig *r)
{
	rp_api_rig_turn(r);
	if (rp_fake_count(r->workers) > 0) {
		if (r->refuse_orders) {
			rp_fake_clear(r->workers);
		} else if (r->on_orders != NULL) {
			r->on_orders(r->workers);
		}
	}
	ssize_t n = recv(r->fd, r->reply + r->reply_n, REPLY_MAX - 1 - r->reply_n, MSG_DONTWAIT);
	if (n > 0) {
		r->reply_n += (size_t)n;
	}
	r->reply[r->reply_n] = '\0';
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* For test/endpoints: which test saw what. */
static void note(const char *request, unsigned status)
{
	const char *path = getenv("RP_API_TRACE");
	FILE *f = path == NULL ? NULL : fopen(path, "a");
	if (f == NULL) {
		return;
	}
	const char *at = strstr(request, "/api/v1");
	int method = (int)strcspn(request, " ");
	at = at == NULL ? "" : at + strlen("/api/v1");
	(void)fprintf(f, "unit/%s.c\t%.*s\t%.*s\t%u\n", program_invocation_short_name, method,
	    request, (int)strcspn(at, " ?"), at, status);
	(void)fclose(f);
}

/* Many short connections use up the ports for a minute: then it waits for one (the fuzzer). */
static int dial(const struct rp_api_rig *r)
{
	const struct rp_api *api = r->api;
	uint64_t end = rp_clock_ms() + wait_ms();
	int fd = rp_net_connect(rp_acceptor_port(api->acceptor));
	while (fd < 0 && rp_clock_ms() < end) {
		(void)poll(NULL, 0, 50);
		fd = rp_net_connect(rp_acceptor_port(api->acceptor));
	}
	return fd;
}

void rp_api_rig_begin(struct rp_api_rig *r, const char *request, size_t n)
{
	r->fd = dial(r);
	assert_true(r->fd >= 0);
	r->reply_n = 0;
	(void)snprintf(r->asked, sizeof(r->asked), "%s", request);
	while (n > 0) {
		ssize_t sent = send(r->fd, request, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN) {
			return; /* the answer came before the end of the request */
		}
		request += sent > 0 ? sent : 0;
		n -= sent > 0 ? (size_t)sent : 0;
		if (n > 0) {
			rp_api_rig_turn(r);
		}
	}
}

unsigned rp_api_rig_finish(struct rp_api_rig *r)
{
	bool said = false;
	uint64_t end = rp_clock_ms() + wait_ms();
	while (!receive(r)) {
		if (rp_clock_ms() >= end) {
			fail_msg("no answer to %.200s", r->asked);
		}
		if (r->reply_n > 0 && !said) {
			said = true;
			(void)shutdown(r->fd, SHUT_WR);
		}
	}
	assert_int_equal(close(r->fd), 0);
	r->body = strstr(r->reply, "\r\n\r\n");
	r->body = r->body == NULL ? "" : r->body + 4;
	unsigned status = r->reply_n > 12 ? (unsigned)strtoul(r->reply + 9, NULL, 10) : 0;
	note(r->asked, status);
	return status;
}

unsigned rp_api_rig_raw(struct rp_api_rig *r, const char *request, size_t n)
{
	rp_api_rig_begin(r, request, n);
	return rp_api_rig_finish(r);
}

static char *credentials(const char *user)
{
	if (user == NULL) {
		return rp_strdup("");
	}
	if (strncmp(user, "Bearer ", 7) == 0) {
		return rp_asprintf("Authorization: %s\r\n", user);
	}
	char *b64 = rp_base64(user, strlen(user));
	char *line = rp_asprintf("Authorization: Basic %s\r\n", b64);
	rp_free(b64);
	return line;
}

unsigned rp_api_rig_ask(struct rp_api_rig *r, const struct rp_api_ask *ask)
{
	const char *text = ask->body != NULL ? ask->body : "";
	char *line = credentials(ask->user);
	char *request = rp_asprintf("%s %s%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%s"
	                            "Content-Length: %zu\r\n\r\n%s",
	    ask->method, r->prefix, ask->path, line, ask->headers != NULL ? ask->headers : "",
	    ask->body != NULL ? "Content-Type: application/json\r\n" : "", strlen(text), text);
	unsigned status = rp_api_rig_raw(r, request, strlen(request));
	rp_free(request);
	rp_free(line);
	return status;
}

unsigned rp_api_rig_get(struct rp_api_rig *r, const char *name, const char *path)
{
	char user[64];
	(void)snprintf(user, sizeof(user), "%s:%s", name, RP_API_RIG_PASSWORD);
	const struct rp_api_ask ask = {.method = "GET", .path = path, .user = user};
	return rp_api_rig_ask(r, &ask);
}

void rp_api_rig_hello(struct rp_api_rig *r, const char *id, const char *text)
{
	static uint64_t refs;
	const struct rp_conn_events *ev = rp_registry_events();
	const struct rp_conn_ref ref = {.worker = 0, .id = ++refs};
	struct rp_new_connection hello = {0};
	assert_int_equal(
	    rp_json_decode_text(text, strlen(text), &rp_new_connection_table, true, &hello, NULL),
	    0);
	rp_free(hello.id);
	hello.id = rp_strdup(id);
	r->last = ref;
	ev->on_register(r->registry, ref, "192.0.2.1", "auth", &hello);
	rp_json_release(&rp_new_connection_table, &hello);
	ev->on_up(r->registry, ref, NULL, 0);
	rp_fake_clear(r->workers);
}

void rp_api_rig_client(struct rp_api_rig *r, const char *id, const char *allowed)
{
	rp_api_rig_hello(r, id, "{\"Name\":\"name of\",\"Version\":\"1.0.0\"}");
	if (allowed != NULL) {
		/* There is no call for it yet: the registry's own struct. */
		struct rp_client *client = (struct rp_client *)(uintptr_t)rp_registry_get(
		    r->registry, id);
		assert_int_equal(
		    rp_strlist_add(&client->allowed_user_groups, rp_str_c(allowed)), 0);
	}
}

void rp_api_rig_down(struct rp_api_rig *r)
{
	rp_registry_events()->on_down(r->registry, r->last, "test");
}

void rp_api_rig_text(const struct rp_api_rig *r, const char *key, char *out, size_t size)
{
	char want[64];
	(void)snprintf(want, sizeof(want), "\"%s\":\"", key);
	const char *at = strstr(r->body, want);
	if (at == NULL) {
		fail_msg("no %s in %s", want, r->body);
		return;
	}
	at += strlen(want);
	size_t n = strcspn(at, "\"");
	assert_true(n < size);
	(void)snprintf(out, size, "%.*s", (int)n, at);
}
