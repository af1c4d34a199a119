/* SPDX-License-Identifier: MIT */
/*
 * The REST API over real sockets, with a real registry, job store and database, and a stand-in for
 * the workers: envelopes byte for byte, logins, bans, lists, and every 400 text.
 */
#include "api/api.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/context.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "test/lib/conf_file.h"
#include "test/lib/fake_workers.h"
#include "test/lib/net.h"
#include "test/lib/store_rig.h"

#define CONFIG                                   \
	"[server]\nauth = 'one:tops3cret'\n"     \
	"used_ports = ['20000-30000', '8080']\n" \
	"excluded_ports = ['22']\n"              \
	"url = ['http://rport.example:8080']\n"  \
	"[api]\naddress = '127.0.0.1:0'\njwt_secret = 'a secret of the test'\n"
#define STATIC    CONFIG "auth = 'admin:sesam7'\n"
#define CALM      STATIC "user_login_wait = 0\nmax_failed_login = 0\n"
#define ADMIN     "Authorization: Basic YWRtaW46c2VzYW03\r\n" /* admin:sesam7 */
#define WRONG     "Authorization: Basic YWRtaW46eA==\r\n"     /* admin:x */
#define JSON      "Content-Type: application/json; charset=UTF-8\r\n"
#define REPLY_MAX (4 * 1024 * 1024)

static struct rp_store_rig rig;
static struct rp_server_config cfg;
static struct rp_workers *workers;
static struct rp_registry *registry;
static struct rp_jobs *jobs;
static struct rp_clientauth *auth;
static struct rp_hostkey *hostkey;
static void *api_state;

static void open_api(void)
{
	struct rp_err err = {0};
	const struct rp_registry_options opt = {.loop = rig.loop, .cfg = &cfg, .store = rig.store};
	assert_int_equal(rp_registry_new(&opt, &registry, &err), 0);
	rp_registry_set_workers(registry, workers);
	const struct rp_jobs_options orders = {
	    .loop = rig.loop, .cfg = &cfg, .registry = registry, .store = rig.store};
	assert_int_equal(rp_jobs_new(&orders, &jobs), 0);
	assert_int_equal(rp_clientauth_static("one:tops3cret", &auth, &err), 0);
	const struct rp_server_parts parts = {
	    .loop = rig.loop,
	    .cfg = &cfg,
	    .store = rig.store,
	    .registry = registry,
	    .jobs = jobs,
	    .hostkey = hostkey,
	    .auth = auth,
	};
	api_state = NULL;
	if (rp_api_hooks()->start(&api_state, &parts, &err) != 0) {
		fail_msg("%s", err.msg);
	}
}

static void stop_api(void)
{
	rp_api_hooks()->stop(api_state);
	rp_fake_clear(workers);
	rp_registry_close(registry);
	rp_jobs_close(jobs);
}

static void free_api(void)
{
	rp_api_hooks()->free(api_state);
	rp_clientauth_free(auth);
	rp_jobs_free(jobs);
	rp_registry_free(registry);
}

/* The server frees the API when its loop has nothing left to do, a password check neither. */
static void settle(void)
{
	const struct rp_api *api = api_state;
	uint64_t end = rp_clock_ms() + 20000;
	while (api != NULL && !rp_list_empty(&api->calls)) {
		(void)uv_run(rp_loop_uv(rig.loop), UV_RUN_ONCE);
		assert_true(rp_clock_ms() < end);
	}
}

static void restart(void)
{
	stop_api();
	settle();
	rp_store_rig_restart(&rig);
	free_api();
	open_api();
}

static void load_config(const char *text)
{
	char path[RP_CONF_PATH_MAX];
	char c[] = "-c";
	char *argv[] = {c, path};
	struct rp_err err = {0};
	rp_conf_file_make(path, text);
	if (rp_server_config_load(&cfg, 2, argv, &err) != RP_CONF_RUN ||
	    rp_server_config_validate(&cfg, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	assert_int_equal(unlink(path), 0);
	rp_free(cfg.server.data_dir);
	cfg.server.data_dir = rp_strdup(rig.dir);
}

/* *state is the configuration. */
static int setup(void **state)
{
	struct rp_err err = {0};
	rp_store_rig_open(&rig);
	load_config(*state != NULL ? *state : CALM);
	assert_int_equal(rp_hostkey_from_seed("test", &hostkey, &err), 0);
	workers = rp_fake_workers_new();
	open_api();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stop_api();
	rp_fake_workers_free(workers);
	rp_store_rig_close(&rig);
	free_api();
	rp_hostkey_free(hostkey);
	rp_server_config_fini(&cfg);
	return 0;
}

/* A client on the same thread */

static int fd;
static char reply[REPLY_MAX];
static size_t reply_n;
static const char *body;

static void turn(void)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	(void)uv_run(rp_loop_uv(rig.loop), UV_RUN_NOWAIT);
	(void)poll(&p, 1, 1);
}

/* True at the end of the connection. */
static bool receive(void)
{
	ssize_t n = recv(fd, reply + reply_n, sizeof(reply) - 1 - reply_n, MSG_DONTWAIT);
	if (n > 0) {
		reply_n += (size_t)n;
	}
	reply[reply_n] = '\0';
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void send_raw(const char *text, size_t n)
{
	uint16_t port = rp_acceptor_port(((struct rp_api *)api_state)->acceptor);
	fd = rp_net_connect(port);
	assert_true(fd >= 0);
	reply_n = 0;
	while (n > 0) {
		ssize_t sent = send(fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0) {
			text += sent;
			n -= (size_t)sent;
		} else if (errno != EAGAIN) {
			break;
		}
		turn();
	}
}

/* Status of the answer; 0: none. */
static unsigned finish(void)
{
	uint64_t end = rp_clock_ms() + 20000;
	while (!receive()) {
		turn();
		assert_true(rp_clock_ms() < end);
	}
	assert_int_equal(close(fd), 0);
	body = strstr(reply, "\r\n\r\n");
	body = body == NULL ? "" : body + 4;
	return reply_n > 12 ? (unsigned)strtoul(reply + 9, NULL, 10) : 0;
}

static void begin(const char *method, const char *path, const char *headers, const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);
	char *request = rp_asprintf("%s %s%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-"
	                            "Length: %zu\r\n\r\n%s",
	    method, path[0] == '/' && path[1] == '!' ? "" : "/api/v1",
	    path + (path[1] == '!' ? 2 : 0), headers, n, text != NULL ? text : "");
	send_raw(request, strlen(request));
	rp_free(request);
}

static unsigned ask(const char *method, const char *path, const char *headers, const char *text)
{
	begin(method, path, headers, text);
	return finish();
}

static unsigned get(const char *path)
{
	return ask("GET", path, ADMIN, NULL);
}

#define assert_reply(status_, want, call)                                                        \
	do {                                                                                     \
		unsigned status = (call);                                                        \
		if (status != (status_) || strcmp(body, want) != 0) {                            \
			fail_msg("%s:%d: %u %s\nwanted %u %s", __FILE__, __LINE__, status, body, \
			    (unsigned)(status_), want);                                          \
		}                                                                                \
	} while (0)

#define ERR(code, title, detail) \
	"{\"errors\":[{\"code\":\"" code "\",\"title\":\"" title "\",\"detail\":\"" detail "\"}]}"
#define FAIL(title)  ERR("", title, "")
#define UNAUTHORIZED FAIL("unauthorized")

static void assert_header(const char *line)
{
	char want[256];
	(void)snprintf(want, sizeof(want), "\r\n%s\r\n", line);
	const char *at = strcasestr(reply, want);
	if (at == NULL || at >= body) {
		fail_msg("no %s in %s", line, reply);
	}
}

static void assert_no_header(const char *name)
{
	char want[64];
	(void)snprintf(want, sizeof(want), "\r\n%s:", name);
	const char *at = strcasestr(reply, want);
	assert_true(at == NULL || at >= body);
}

/* Turns the loop until the workers have so many orders. */
static struct rp_fake_order *wait_order(size_t n)
{
	uint64_t end = rp_clock_ms() + 20000;
	while (rp_fake_count(workers) < n && !receive()) {
		turn();
		assert_true(rp_clock_ms() < end);
	}
	return rp_fake_order(workers, n - 1);
}

static void connect_client(const char *id, uint64_t ref_id)
{
	static const char text[] =
	    "{\"Name\":\"name of\",\"Version\":\"1.0.0\",\"Hostname\":\"host\",\"OS\":\"Linux\","
	    "\"NumCPUs\":2,\"Tags\":[\"a\",\"B\"],\"Labels\":{\"city\":\"Cologne\"},"
	    "\"ClientConfiguration\":{\"client\":{\"auth\":\"id:hidden\"}}}";
	const struct rp_conn_events *ev = rp_registry_events();
	const struct rp_conn_ref ref = {.worker = 0, .id = ref_id};
	struct rp_new_connection hello = {0};
	assert_int_equal(
	    rp_json_decode_text(text, strlen(text), &rp_new_connection_table, true, &hello, NULL),
	    0);
	rp_free(hello.id);
	hello.id = rp_strdup(id);
	ev->on_register(registry, ref, "192.0.2.1", "auth", &hello);
	rp_json_release(&rp_new_connection_table, &hello);
	ev->on_up(registry, ref, NULL, 0);
	rp_fake_clear(workers);
}

static void disconnect_client(uint64_t ref_id)
{
	const struct rp_conn_ref ref = {.worker = 0, .id = ref_id};
	rp_registry_events()->on_down(registry, ref, "test");
}

/* Paths, methods, heads */

static void test_not_found(void **state)
{
	static const char *const paths[] = {"/nope", "/", "/status/", "/Status", "/!/nope",
	    "/!/api/v1", "/!/api/v2/status", "/!/api/v1status", "/clients/", "/clients/c1/nope"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		assert_reply(404, "404 page not found\n", ask("GET", paths[i], "", NULL));
		assert_header("Content-Type: text/plain; charset=utf-8");
	}
}

static void test_wrong_method(void **state)
{
	(void)state;
	assert_reply(405, "", ask("POST", "/status", ADMIN, "{}"));
	assert_no_header("Allow");
	assert_no_header("Content-Type");
	assert_reply(405, "", ask("OPTIONS", "/clients", "", NULL));
	assert_reply(405, "", ask("DELETE", "/login", "", NULL));
}

static void test_head(void **state)
{
	(void)state;
	assert_int_equal(get("/status"), 200);
	char line[64];
	(void)snprintf(line, sizeof(line), "Content-Length: %zu", strlen(body));
	assert_header(line);
	assert_reply(200, "", ask("HEAD", "/status", ADMIN, NULL));
	assert_header(line);
	assert_header("Content-Type: application/json; charset=UTF-8");
	assert_reply(401, "", ask("HEAD", "/status", "", NULL));
	assert_reply(404, "", ask("HEAD", "/nope", "", NULL));
	assert_reply(405, "", ask("HEAD", "/logout", "", NULL));
}

static void test_unreadable(void **state)
{
	(void)state;
	assert_reply(400, FAIL("The path or the query is not readable."), get("/clients/%zz"));
	assert_reply(400, FAIL("The path or the query is not readable."), get("/clients?a=%"));
	assert_reply(400, FAIL("The path or the query is not readable."), get("/clients/a%00b"));
	/* No HTTP at all. */
	send_raw("what?\r\n\r\n", 9);
	assert_int_equal(finish(), 400);
}

static void test_large(void **state)
{
	(void)state;
	char *text = rp_malloc(10242);
	memset(text, ' ', 10241);
	text[10241] = '\0';
	assert_reply(400, ERR("", "Invalid JSON data.", "http: request body too large"),
	    ask("POST", "/login", JSON, text));
	assert_header(JSON[0] == 'C' ? "Content-Type: application/json; charset=UTF-8" : "");
	/* One less is a body. */
	text[10240] = '\0';
	connect_client("c1", 1);
	assert_reply(400, FAIL("Missing body with json data."),
	    ask("POST", "/clients/c1/commands", ADMIN, text));
	rp_free(text);
}

static void test_keep_alive(void **state)
{
	static const char text[] =
	    "GET /api/v1/auth/provider HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /api/v1/nope HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /api/v1/me/ip HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" ADMIN "\r\n";
	(void)state;
	send_raw(text, strlen(text));
	assert_int_equal(finish(), 200);
	const char *second = strstr(reply, "HTTP/1.1 404");
	const char *third = strstr(reply, "{\"data\":{\"ip\":\"127.0.0.1\"}}");
	assert_true(second != NULL && third != NULL && second < third);
	assert_string_equal(third, "{\"data\":{\"ip\":\"127.0.0.1\"}}");
}

/* Who am I */

static void test_provider(void **state)
{
	(void)state;
	assert_reply(200,
	    "{\"data\":{\"auth_provider\":\"built-in\",\"settings_uri\":\"\",\"device_settings_uri\":\"\","
	    "\"max_token_lifetime\":0}}",
	    ask("GET", "/auth/provider", "", NULL));
	assert_header("Content-Type: application/json; charset=UTF-8");
}

static void test_me(void **state)
{
	(void)state;
	assert_reply(200,
	    "{\"data\":{\"username\":\"admin\",\"password_expired\":false,\"groups\":"
	    "[\"Administrators\"],\"two_fa_send_to\":\"\",\"effective_user_permissions\":{\"auditlog\":"
	    "true,\"commands\":true,\"monitoring\":true,\"scheduler\":true,\"scripts\":true,"
	    "\"tunnels\":true,\"uploads\":true,\"vault\":true},\"effective_extended_permissions\":"
	    "{\"tunnels_restricted\":null,\"commands_restricted\":null},"
	    "\"group_permissions_enabled\":false}}",
	    get("/me"));
	assert_reply(200, "{\"data\":{\"ip\":\"127.0.0.1\"}}", get("/me/ip"));
}

static void test_status(void **state)
{
	static const char *const parts[] = {"{\"data\":{\"version\":\"" RP_VERSION "\",",
	    "\"clients_connected\":1,\"clients_disconnected\":1,", "\"fingerprint\":\"",
	    "\"connect_url\":[\"http://rport.example:8080\"],\"pairing_url\":\"",
	    "\"clients_auth_source\":\"Static Credentials\",\"clients_auth_mode\":\"Read Only\",",
	    "\"users_auth_source\":\"Static Credentials\",", "\"two_fa_enabled\":false",
	    "\"two_fa_delivery_method\":\"\"", "\"group_permissions_enabled\":false",
	    "\"auth_header\":false", "\"tunnel_proxy_enabled\":false",
	    "\"caddy_integration_enabled\":false",
	    "\"monitoring_enabled\":", "\"auditlog\":{\"enabled\":", "\"rotation\":\"monthly\"}",
	    "\"tunnel_host\":\"",
	    "\"excluded_ports\":[\"22\"],\"used_ports\":[\"20000-30000\",\"8080\"]",
	    "\"password_min_length\":14}}"};
	(void)state;
	connect_client("c1", 1);
	connect_client("c2", 2);
	disconnect_client(2);
	assert_int_equal(get("/status"), 200);
	for (size_t i = 0; i < RP_ARRAY_LEN(parts); i++) {
		if (strstr(body, parts[i]) == NULL) {
			fail_msg("no %s in %s", parts[i], body);
		}
	}
	assert_non_null(strstr(body, rp_hostkey_md5(hostkey)));
}

/* Credentials */

static void test_refused(void **state)
{
	static const char *const headers[] = {"", WRONG, "Authorization: Basic\r\n",
	    "Authorization: Basic !\r\n", "Authorization: Basic YWRtaW4=\r\n", /* admin */
	    "Authorization: Basic bm9ib2R5OnNlc2FtNw==\r\n",                   /* nobody:sesam7 */
	    "Authorization: Basic YWRtaW46c2VzYW03AA==\r\n", /* admin:sesam7 and a NUL */
	    "Authorization: Basic YWRtaW46\r\n", "Authorization: Bearer\r\n",
	    "Authorization: Bearer x\r\n", "Authorization: Bearer a.b.c\r\n",
	    "Authorization: Digest x\r\n", "Authorization: YWRtaW46c2VzYW03\r\n",
	    "X-Authorization: Basic YWRtaW46c2VzYW03\r\n"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(headers); i++) {
		assert_reply(401, UNAUTHORIZED, ask("GET", "/me", headers[i], NULL));
		assert_no_header("WWW-Authenticate");
	}
	assert_int_equal(ask("GET", "/me", "authorization: bAsIc YWRtaW46c2VzYW03\r\n", NULL), 200);
}

static void test_long_password(void **state)
{
	(void)state;
	char *text = rp_malloc(3000);
	memset(text, 'x', 2999);
	text[2999] = '\0';
	memcpy(text, "admin:", 6);
	char *b64 = rp_base64(text, strlen(text));
	char *header = rp_asprintf("Authorization: Basic %s\r\n", b64);
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", header, NULL));
	rp_free(header);
	rp_free(b64);
	rp_free(text);
}

static void test_wait(void **state)
{
	(void)state;
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", WRONG, NULL));
	/* The right password does not help now; other names may go on. */
	assert_reply(429, FAIL("too many requests, please try later"), get("/me"));
	assert_reply(
	    429, FAIL("too many requests, please try later"), ask("GET", "/login", ADMIN, NULL));
	assert_reply(401, UNAUTHORIZED,
	    ask("GET", "/me", "Authorization: Basic bm9ib2R5OnNlc2FtNw==\r\n", NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", "", NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", "", NULL));
	uint64_t end = rp_clock_ms() + 400;
	while (rp_clock_ms() < end) {
		(void)usleep(10000);
	}
	assert_int_equal(get("/me"), 200);
}

static void test_ban(void **state)
{
	(void)state;
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", WRONG, NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", WRONG, NULL));
	assert_int_equal(get("/me"), 200);
	/* Counted from the start again. */
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", WRONG, NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", "", NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", "Authorization: Bearer x\r\n", NULL));
	assert_reply(423, "Too many bad attempts. Please try later.\n", get("/me"));
	assert_header("Content-Type: text/plain; charset=utf-8");
	assert_reply(
	    423, "Too many bad attempts. Please try later.\n", ask("GET", "/me", "", NULL));
	assert_reply(
	    423, "Too many bad attempts. Please try later.\n", ask("GET", "/login", ADMIN, NULL));
	assert_reply(423, "Too many bad attempts. Please try later.\n",
	    ask("POST", "/login", "Content-Type: application/json\r\n",
	        "{\"username\":\"admin\",\"password\":\"sesam7\"}"));
	/* What needs no login stays open. */
	assert_int_equal(ask("GET", "/auth/provider", "", NULL), 200);
}

/* Bearer tokens */

static char bearer[1024];

static void take_token(void)
{
	static const char start[] = "{\"data\":{\"token\":\"";
	static const char end[] = "\",\"two_fa\":null}}";
	assert_memory_equal(body, start, strlen(start));
	const char *token = body + strlen(start);
	size_t n = strcspn(token, "\"");
	assert_string_equal(token + n, end);
	(void)snprintf(bearer, sizeof(bearer), "Authorization: Bearer %.*s\r\n", (int)n, token);
}

static void login(const char *query)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "/login%s", query);
	assert_int_equal(get(path), 200);
	take_token();
}

static void test_login(void **state)
{
	(void)state;
	login("");
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	/* Case of the word, and a second login beside the first. */
	char first[1024];
	memcpy(first, bearer, sizeof(first));
	memcpy(strstr(first, "Bearer"), "bEARER", 6);
	login("?token-lifetime=0");
	assert_int_equal(ask("GET", "/me", first, NULL), 200);
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	/* Out with one of them. */
	assert_reply(204, "", ask("DELETE", "/logout", first, NULL));
	assert_no_header("Content-Type");
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", first, NULL));
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	assert_reply(204, "", ask("DELETE", "/logout", first, NULL));
}

static void test_logout_without(void **state)
{
	static const char *const headers[] = {"", ADMIN, "Authorization: Bearer x\r\n"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(headers); i++) {
		assert_reply(400,
		    FAIL("authorization Bearer header with valid auth token required"),
		    ask("DELETE", "/logout", headers[i], NULL));
	}
}

static void test_tampered_token(void **state)
{
	(void)state;
	login("");
	char *at = strrchr(bearer, '.') + 1;
	*at = *at == 'A' ? 'B' : 'A';
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", bearer, NULL));
	assert_reply(400, FAIL("authorization Bearer header with valid auth token required"),
	    ask("DELETE", "/logout", bearer, NULL));
}

static void test_login_get_errors(void **state)
{
	(void)state;
	assert_reply(401, FAIL("auth is required"), ask("GET", "/login", "", NULL));
	assert_reply(401, FAIL("auth is required"),
	    ask("GET", "/login", "Authorization: Bearer x\r\n", NULL));
	assert_reply(401, UNAUTHORIZED, ask("GET", "/login", WRONG, NULL));
	assert_reply(400, FAIL("invalid token-lifetime: expected a number of seconds"),
	    get("/login?token-lifetime=x"));
	assert_reply(400, FAIL("requested token lifetime exceeds max allowed 7776000"),
	    get("/login?token-lifetime=7776001"));
	assert_int_equal(get("/login?token-lifetime=7776000"), 200);
	assert_int_equal(get("/login?token-lifetime=-1"), 200);
}

static void test_login_post(void **state)
{
	static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";
	static const char json[] = "Content-Type: application/json\r\n";
	(void)state;
	assert_int_equal(
	    ask("POST", "/login", json, "{\"username\":\"admin\",\"password\":\"sesam7\"}"), 200);
	take_token();
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	assert_int_equal(ask("POST", "/login", form, "username=admin&password=ses%61m7"), 200);
	take_token();
	/* Keys in any case, as the original's reader takes them. */
	assert_int_equal(
	    ask("POST", "/login", json, "{\"Username\":\"admin\",\"PASSWORD\":\"sesam7\"}"), 200);
	assert_reply(401, UNAUTHORIZED,
	    ask("POST", "/login", json, "{\"username\":\"admin\",\"password\":\"x\"}"));
	assert_reply(401, UNAUTHORIZED, ask("POST", "/login", json, "{}"));
	assert_reply(401, UNAUTHORIZED, ask("POST", "/login", form, "username=admin"));
	assert_reply(400, FAIL("Missing body with json data."), ask("POST", "/login", json, ""));
	assert_reply(400, ERR("", "Invalid JSON data.", "json: unknown field \\\"user\\\""),
	    ask("POST", "/login", json, "{\"user\":\"admin\"}"));
	assert_int_equal(ask("POST", "/login", json, "{"), 400);
	assert_reply(400, FAIL("The form is not readable."), ask("POST", "/login", form, "a=%"));
	assert_reply(400, FAIL("content type text/plain is not supported"),
	    ask("POST", "/login", "Content-Type: text/plain\r\n", "x"));
	assert_int_equal(ask("POST", "/login", "", "x"), 400);
}

static void test_login_survives_restart(void **state)
{
	(void)state;
	login("?token-lifetime=3600");
	restart();
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
	assert_reply(204, "", ask("DELETE", "/logout", bearer, NULL));
	restart();
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", bearer, NULL));
}

/* The secret of the configuration left out: one is made and kept. */
static void test_own_secret(void **state)
{
	(void)state;
	login("");
	restart();
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
}

static int end_sessions(struct rp_db *db, void *arg, struct rp_err *err)
{
	(void)arg;
	return rp_db_exec(db, "UPDATE api_sessions SET expires_at = 1", err);
}

static void test_expired(void **state)
{
	const struct rp_store_job job = {.work = end_sessions};
	(void)state;
	login("");
	assert_int_equal(rp_store_submit(rig.store, &job), 0);
	rp_store_rig_sync(&rig);
	restart();
	assert_reply(401, UNAUTHORIZED, ask("GET", "/me", bearer, NULL));
}

/* With one static user there is nothing to administrate. */
static void test_static_user(void **state)
{
	static const char *const calls[][3] = {
	    {"GET", "/users", NULL},
	    {"POST", "/users", "{\"username\":\"a\",\"password\":\"a long pass phrase\"}"},
	    {"PUT", "/users/admin", "{\"groups\":[]}"},
	    {"DELETE", "/users/admin", NULL},
	    {"GET", "/users/admin/sessions", NULL},
	    {"DELETE", "/users/admin/sessions", NULL},
	    {"GET", "/user-groups", NULL},
	    {"PUT", "/user-groups/x", "{\"permissions\":{}}"},
	    {"DELETE", "/user-groups/x", NULL},
	    {"PUT", "/me", "{\"password\":\"a long pass phrase\",\"old_password\":\"sesam7\"}"},
	    {"POST", "/login",
	        "{\"username\":\"admin\",\"password\":\"sesam7\",\"new_password\":"
	        "\"a long pass phrase\"}"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(calls); i++) {
		assert_reply(400,
		    FAIL("server runs on a static user-password pair, please use JSON file or "
		         "database for user data"),
		    ask(calls[i][0], calls[i][1], ADMIN "Content-Type: application/json\r\n",
		        calls[i][2]));
	}
	assert_int_equal(ask("GET", "/me", ADMIN, NULL), 200);
	assert_non_null(strstr(body, "\"groups\":[\"Administrators\"]"));
}

/* Users of a file */

#define HASH "$2y$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoG" /* tops3cret */

static int setup_file(void **state)
{
	char path[128];
	char *text;
	*state = NULL;
	rp_store_rig_open(&rig);
	(void)snprintf(path, sizeof(path), "%s/users.json", rig.dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(
	    fputs("[{\"username\":\"admin\",\"password\":\"" HASH
	          "\",\"groups\":[\"Administrators\"]},"
	          "{\"username\":\"bob\",\"password\":\"" HASH "\",\"groups\":[\"staff\"]},"
	          "{\"username\":\"old\",\"password\":\"" HASH "\",\"password_expired\":true}]",
	        f) >= 0);
	assert_int_equal(fclose(f), 0);
	text = rp_asprintf(
	    CONFIG "user_login_wait = 0\nmax_failed_login = 0\nauth_file = '%s'\n", path);
	load_config(text);
	rp_free(text);
	struct rp_err err = {0};
	assert_int_equal(rp_hostkey_from_seed("test", &hostkey, &err), 0);
	workers = rp_fake_workers_new();
	open_api();
	return 0;
}

static unsigned as(const char *pair, const char *method, const char *path)
{
	char *b64 = rp_base64(pair, strlen(pair));
	char *header = rp_asprintf("Authorization: Basic %s\r\n", b64);
	unsigned status = ask(method, path, header, NULL);
	rp_free(header);
	rp_free(b64);
	return status;
}

static void test_file_users(void **state)
{
	(void)state;
	assert_int_equal(as("bob:tops3cret", "GET", "/me"), 200);
	assert_non_null(strstr(body, "\"username\":\"bob\""));
	assert_non_null(strstr(body, "\"groups\":[\"staff\"]"));
	assert_reply(401, UNAUTHORIZED, as("bob:wrong", "GET", "/me"));
	/* The password of another user does not open an unknown name. */
	assert_reply(401, UNAUTHORIZED, as("nobody:tops3cret", "GET", "/me"));
	assert_reply(401, FAIL("password has expired, please change your password"),
	    as("old:tops3cret", "GET", "/me"));
	assert_reply(401, FAIL("password has expired, please change your password"),
	    as("old:tops3cret", "GET", "/login"));
	assert_reply(401, UNAUTHORIZED, as("old:wrong", "GET", "/login"));
	assert_int_equal(as("bob:tops3cret", "GET", "/login"), 200);
	take_token();
	assert_int_equal(ask("GET", "/me", bearer, NULL), 200);
}

static void test_access(void **state)
{
	(void)state;
	connect_client("c1", 1);
	assert_int_equal(as("admin:tops3cret", "GET", "/clients/c1?fields[clients]=id"), 200);
	assert_reply(403, FAIL("Access denied to client(s) with ID(s): c1"),
	    as("bob:tops3cret", "GET", "/clients/c1"));
	assert_reply(403, FAIL("Access denied to client(s) with ID(s): c1"),
	    as("bob:tops3cret", "PUT", "/clients/c1/tunnels?remote=22"));
	assert_reply(403, FAIL("Access denied to client(s) with ID(s): c1"),
	    as("bob:tops3cret", "GET", "/clients/c1/commands/x"));
	assert_reply(404, FAIL("Client with id=\\\"c9\\\" not found."),
	    as("bob:tops3cret", "GET", "/clients/c9"));
	assert_reply(
	    200, "{\"data\":[],\"meta\":{\"count\":0}}", as("bob:tops3cret", "GET", "/clients"));
	assert_reply(200, "{\"data\":[]}", as("bob:tops3cret", "GET", "/tunnels"));
	assert_reply(200,
	    "{\"data\":[{\"id\":\"c1\",\"name\":\"name of\",\"hostname\":\"host\"}],"
	    "\"meta\":{\"count\":1}}",
	    as("admin:tops3cret", "GET", "/clients"));
}

/* The answer comes back to a peer that has gone. */
static void test_gone_while_checking(void **state)
{
	(void)state;
	char *b64 = rp_base64("bob:tops3cret", 13);
	char *header = rp_asprintf("Authorization: Basic %s\r\n", b64);
	for (int i = 0; i < 5; i++) {
		begin("GET", "/me", header, NULL);
		turn();
		assert_int_equal(close(fd), 0);
	}
	assert_int_equal(as("bob:tops3cret", "GET", "/me"), 200);
	/* And the API is stopped in the middle of a check, of a password that was not checked yet. */
	begin("GET", "/me", ADMIN, NULL);
	turn();
	turn();
	restart();
	assert_int_equal(finish(), 0);
	rp_free(header);
	rp_free(b64);
}

/* Clients */

static void test_clients_list(void **state)
{
	static const struct {
		const char *query, *body;
	} cases[] = {
	    {"",
	        "{\"data\":[{\"id\":\"B1\",\"name\":\"name of\",\"hostname\":\"host\"},{\"id\":\"c1\","
	        "\"name\":\"name of\",\"hostname\":\"host\"},{\"id\":\"c2\",\"name\":\"name of\","
	        "\"hostname\":\"host\"}],\"meta\":{\"count\":3}}"},
	    {"?fields[clients]=id",
	        "{\"data\":[{\"id\":\"B1\"},{\"id\":\"c1\"},{\"id\":\"c2\"}],"
	        "\"meta\":{\"count\":3}}"},
	    {"?fields%5Bclients%5D=id&sort=-id",
	        "{\"data\":[{\"id\":\"c2\"},{\"id\":\"c1\"},"
	        "{\"id\":\"B1\"}],\"meta\":{\"count\":3}}"},
	    {"?fields[clients]=id&sort=name&page[limit]=1&page[offset]=1",
	        "{\"data\":[{\"id\":\"c1\"}],\"meta\":{\"count\":3}}"},
	    {"?page[offset]=3", "{\"data\":[],\"meta\":{\"count\":3}}"},
	    {"?page[offset]=2147483647&page[limit]=500", "{\"data\":[],\"meta\":{\"count\":3}}"},
	    {"?fields[clients]=id&filter[id]=b1",
	        "{\"data\":[{\"id\":\"B1\"}],\"meta\":{\"count\":1}}"},
	    {"?fields[clients]=id,connection_state&filter[connection_state]=disconnected",
	        "{\"data\":[{\"id\":\"c2\",\"connection_state\":\"disconnected\"}],\"meta\":{\"count\":1}}"},
	    {"?fields[clients]=id&filter[tags]=and(a,b)&filter[id]=c*",
	        "{\"data\":[{\"id\":\"c1\"},{\"id\":\"c2\"}],\"meta\":{\"count\":2}}"},
	    {"?fields[clients]=id&filter[labels]=city:%20cologne&page[limit]=1",
	        "{\"data\":[{\"id\":\"B1\"}],\"meta\":{\"count\":3}}"},
	    {"?filter[*]=nothing", "{\"data\":[],\"meta\":{\"count\":0}}"},
	    {"?fields[clients]=id,ip_addresses,updates_status,tunnels,allowed_user_groups,groups,"
	     "client_configuration,tags,labels,num_cpus,mem_total&filter[id]=c1",
	        "{\"data\":[{\"id\":\"c1\",\"num_cpus\":2,\"mem_total\":0,\"tags\":[\"a\",\"B\"],"
	        "\"allowed_user_groups\":null,\"tunnels\":[],\"updates_status\":null,"
	        "\"ext_ip_addresses\":null,\"client_configuration\":{\"client\":{\"auth\":\"***\"}},"
	        "\"groups\":[],\"labels\":{\"city\":\"Cologne\"}}],\"meta\":{\"count\":1}}"},
	};
	(void)state;
	assert_reply(200, "{\"data\":[],\"meta\":{\"count\":0}}", get("/clients"));
	connect_client("c2", 2);
	connect_client("c1", 1);
	connect_client("B1", 3);
	disconnect_client(2);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char path[256];
		(void)snprintf(path, sizeof(path), "/clients%s", cases[i].query);
		assert_reply(200, cases[i].body, get(path));
	}
}

static void test_clients_list_errors(void **state)
{
	(void)state;
	assert_reply(400, FAIL("unsupported sort field 'x'"), get("/clients?sort=x"));
	assert_reply(400, FAIL("Only one sort field is supported for clients."),
	    get("/clients?sort=id&sort=name"));
	assert_reply(
	    400, FAIL("unsupported filter field 'filter[x]'"), get("/clients?filter[x]=1"));
	assert_reply(400, FAIL("unsupported filter field 'filter[id][gt]'"),
	    get("/clients?filter[id][gt]=1"));
	assert_reply(400, FAIL("unsupported field \\\"foo\\\" for resource \\\"clients\\\""),
	    get("/clients?fields[clients]=foo"));
	assert_reply(400,
	    FAIL("unsupported field \\\"ext_ip_addresses\\\" for resource \\\"clients\\\""),
	    get("/clients?fields[clients]=ext_ip_addresses"));
	assert_reply(400, FAIL("pagination limit must be positive"), get("/clients?page[limit]=0"));
	assert_reply(400, FAIL("pagination limit too big (501) maximum is 500"),
	    get("/clients?page[limit]=501"));
	assert_reply(400,
	    "{\"errors\":[{\"code\":\"\",\"title\":\"unsupported sort field 'x'\",\"detail\":\"\"},"
	    "{\"code\":\"\",\"title\":\"unsupported filter field 'filter[y]'\",\"detail\":\"\"},"
	    "{\"code\":\"\",\"title\":\"unsupported field \\\"z\\\" for resource \\\"clients\\\"\","
	    "\"detail\":\"\"},{\"code\":\"\",\"title\":\"pagination offset must not be negative\","
	    "\"detail\":\"\"}]}",
	    get("/clients?page[offset]=-1&fields[clients]=z&filter[y]=1&sort=x"));
}

static void test_client(void **state)
{
	(void)state;
	assert_reply(404, FAIL("Client with id=\\\"c1\\\" not found."), get("/clients/c1"));
	connect_client("c1", 1);
	connect_client("a/b", 2);
	assert_int_equal(get("/clients/c1"), 200);
	static const char start[] =
	    "{\"data\":{\"id\":\"c1\",\"name\":\"name of\",\"address\":\"192.0.2.1\",";
	assert_memory_equal(body, start, strlen(start));
	assert_non_null(strstr(body, "\"disconnected_at\":null,"));
	assert_null(strstr(body, "hidden"));
	assert_reply(200, "{\"data\":{\"id\":\"a/b\"}}", get("/clients/a%2Fb?fields[clients]=id"));
	assert_reply(400, FAIL("Client is active, should be disconnected"),
	    ask("DELETE", "/clients/c1", ADMIN, NULL));
	disconnect_client(1);
	assert_reply(204, "", ask("DELETE", "/clients/c1", ADMIN, NULL));
	assert_reply(404, FAIL("Client with id=\\\"c1\\\" not found."),
	    ask("DELETE", "/clients/c1", ADMIN, NULL));
	restart();
	assert_reply(200, "{\"data\":[{\"id\":\"a/b\"}],\"meta\":{\"count\":1}}",
	    get("/clients?fields[clients]=id"));
}

/* An id that needs escapes in JSON and is longer than a title. */
static void test_strange_ids(void **state)
{
	(void)state;
	assert_reply(404, FAIL("Client with id=\\\"\\u003c\\\"\\\\\\\" not found."),
	    get("/clients/%3C%22%5C"));
	char *path = rp_malloc(2100);
	memset(path, 'x', 2099);
	memcpy(path, "/clients/", 9);
	path[2099] = '\0';
	assert_int_equal(get(path), 404);
	/* Cut off in the middle of a character or not: valid text. */
	for (size_t i = 0; i < 696; i++) {
		memcpy(path + 9 + i * 3, "%c3", 3);
	}
	path[9 + 690 * 3] = '\0';
	assert_int_equal(get(path), 404);
	assert_true(rp_utf8_valid(body, strlen(body)));
	rp_free(path);
}

/* Attributes */

static void test_attributes(void **state)
{
	(void)state;
	connect_client("c1", 1);
	assert_reply(200, "{\"data\":{\"tags\":[\"a\",\"B\"],\"labels\":{\"city\":\"Cologne\"}}}",
	    get("/clients/c1/attributes"));
	assert_reply(400, FAIL("Missing body with json data."),
	    ask("PUT", "/clients/c1/attributes", ADMIN, ""));
	assert_int_equal(ask("PUT", "/clients/c1/attributes", ADMIN, "{"), 400);
	assert_int_equal(ask("PUT", "/clients/c1/attributes", ADMIN, "{\"tags\":\"x\"}"), 400);
	/* Unknown keys are fine here. */
	begin("PUT", "/clients/c1/attributes", ADMIN,
	    "{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"},\"more\":1}");
	struct rp_fake_order *o = wait_order(1);
	assert_string_equal(o->name, "update_client_metadata");
	assert_string_equal(o->text, "{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"}}");
	rp_fake_answer(o, 0, "{\"status\":\"OK\"}");
	assert_reply(200, "{\"data\":\"ok\"}", finish());
	assert_reply(200, "{\"data\":{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"}}}",
	    get("/clients/c1/attributes"));
	begin("PUT", "/clients/c1/attributes", ADMIN, "{}");
	rp_fake_answer(wait_order(2), RP_EDENIED, "attributes file path not set");
	assert_reply(409, FAIL("client error: attributes file path not set"), finish());
	begin("PUT", "/clients/c1/attributes", ADMIN, "{}");
	rp_fake_answer(wait_order(3), RP_ECLOSED, "");
	assert_reply(404, FAIL("client with id c1 not found"), finish());
	begin("PUT", "/clients/c1/attributes", ADMIN, "{}");
	rp_fake_answer(wait_order(4), RP_ETIMEOUT, "");
	assert_reply(409, FAIL("client error: timed out"), finish());
	disconnect_client(1);
	assert_reply(404, FAIL("client with id c1 not found"), get("/clients/c1/attributes"));
	assert_reply(404, FAIL("client with id c1 not found"),
	    ask("PUT", "/clients/c1/attributes", ADMIN, "{}"));
}

/* Tunnels */

static unsigned put_tunnel(const char *query)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "/clients/c1/tunnels?%s", query);
	return ask("PUT", path, ADMIN, NULL);
}

#define ACL_HINT                                                                                       \
	"acl: expected addresses and networks with commas and no blanks between them, like 192.0.2.1," \
	"10.0.0.0/8,2001:db8::/32"

/* Each says which field is wrong and what would be right. */
static void test_tunnel_errors(void **state)
{
	static const char remote[] = "remote: expected PORT or HOST:PORT, like ";
	static const char local[] = "local: expected PORT or ADDRESS:PORT, like ";
	static const char scheme[] = "scheme: expected ";
	static const char name[] = "name: expected at most 255 bytes";
	static const char minutes[] = "idle-timeout-minutes: expected ";
	static const char close_[] = "auto-close: expected a duration from 0s to 744h, like 1h30m";
	static const char acl[] = ACL_HINT;
	static const char idle_code[] = "ERR_CODE_INVALID_IDLE_TIMEOUT";
	static const char acl_code[] = "ERR_CODE_INVALID_ACL";
	static const struct {
		const char *query, *code, *title, *detail;
	} cases[] = {
	    {"", "", "failed to decode \\\"\\\": Invalid remote", remote},
	    {"remote=", "", "failed to decode \\\"\\\": Invalid remote", remote},
	    {"remote=abc", "", "failed to decode \\\"abc\\\": Missing ports", remote},
	    {"remote=0", "", "failed to decode \\\"0\\\": port is not in 1-65535", remote},
	    {"remote=65536", "", "failed to decode \\\"65536\\\": port is not in 1-65535", remote},
	    {"remote=1:h:22", "", "failed to decode \\\"1:h:22\\\": more than one ", remote},
	    {"remote=22:23", "", "failed to decode \\\"22:23\\\": more than one ", remote},
	    {"remote=h:22:x", "", "failed to decode \\\"h:22:x\\\": Missing ports", remote},
	    {"remote=53/udp", "", "failed to decode \\\"53/udp\\\": the protocol ", remote},
	    {"remote=::1:22", "", "failed to decode \\\"::1:22\\\": Invalid remote: IPv6 ", remote},
	    {"remote=[::1:22", "", "failed to decode ", remote},
	    {"remote=a%20b:22", "", "failed to decode \\\"a b:22\\\": Invalid host", remote},
	    {"remote=22&local=x", "", "failed to decode \\\"x\\\": Missing ports", local},
	    {"remote=22&local=0", "", "failed to decode \\\"0\\\": port is not ", local},
	    {"remote=22&local=70000", "", "failed to decode \\\"70000\\\": port is not ", local},
	    {"remote=22&local=1:h:2", "", "failed to decode \\\"1:h:2\\\": more than one ", local},
	    {"remote=22&local=2222:22", "", "failed to decode \\\"2222:22\\\": more than ", local},
	    {"remote=22&local=h:2222", "", "failed to decode \\\"h:2222\\\": the host is not an IP",
	        local},
	    {"remote=22&protocol=icmp", "", "invalid protocol: expected tcp, udp or tcp+udp",
	        "icmp"},
	    {"remote=22&protocol=TCP", "", "invalid protocol: expected tcp, udp or tcp+udp", "TCP"},
	    {"remote=22&scheme=1234567890123456", "ERR_CODE_URI_SCHEME_LENGTH_EXCEED",
	        "Invalid URI scheme. Exceeds the max length.", scheme},
	    {"remote=22&scheme=a%7fb", "", "Invalid URI scheme. It has control characters.",
	        scheme},
	    {"remote=22&name=a%0ab", "", "Invalid name.", name},
	    {"remote=22&http_proxy=1", "", "tunnel proxy not enabled", ""},
	    {"remote=22&http_proxy=TRUE", "", "tunnel proxy not enabled", ""},
	    {"remote=22&host_header=x", "", "host_header requires http_proxy to be activated", ""},
	    {"remote=22&auth_user=x", "", "auth_user requires http_proxy to be activated", ""},
	    {"remote=22&auth_password=x", "", "auth_password requires http_proxy to be activated",
	        ""},
	    {"remote=22&idle-timeout-minutes=x", idle_code, "Invalid idle timeout.", minutes},
	    {"remote=22&idle-timeout-minutes=-1", idle_code, "Invalid idle timeout.", minutes},
	    {"remote=22&idle-timeout-minutes=10081", idle_code, "Invalid idle timeout.", minutes},
	    {"remote=22&skip-idle-timeout=1&idle-timeout-minutes=5", idle_code,
	        "skip-idle-timeout and idle-timeout-minutes exclude each other", minutes},
	    {"remote=22&auto-close=x", "", "Invalid auto-close.", close_},
	    {"remote=22&auto-close=-1s", "", "Invalid auto-close.", close_},
	    {"remote=22&auto-close=745h", "", "Invalid auto-close.", close_},
	    {"remote=22&auto-close=60", "", "Invalid auto-close.", close_},
	    {"remote=22&acl=0.0.0.0", acl_code,
	        "0.0.0.0 would allow access to everyone. If that's what you want, do not set the ACL",
	        acl},
	    {"remote=22&acl=0.0.0.0/0", acl_code,
	        "0.0.0.0 would allow access to everyone. If that's what you want, do not set the ACL",
	        acl},
	    {"remote=22&acl=::", acl_code,
	        ":: would allow access to everyone. If that's what you want, do not set the ACL",
	        acl},
	    {"remote=22&acl=1.2.3.4,x", acl_code, "invalid IP addr: x", acl},
	    {"remote=22&acl=1.2.3", acl_code, "invalid IP addr: 1.2.3", acl},
	    {"remote=22&acl=1.2.3.4,%2010.0.0.0/8", acl_code, "invalid IP addr:  10.0.0.0/8", acl},
	    {"remote=22&acl=1.2.3.4/33", acl_code, "invalid IP addr: 1.2.3.4/33", acl},
	    {"remote=22&acl=2001:db8::/129", acl_code, "invalid IP addr: 2001:db8::/129", acl},
	    {"remote=22&acl=1.2.3.4,", acl_code, "invalid IP addr: ", acl},
	    /* The order of the checks: the first that is wrong is told. */
	    {"remote=x&scheme=1234567890123456", "", "failed to decode", remote},
	    {"remote=22&acl=x&auto-close=x", "", "Invalid auto-close.", close_},
	};
	(void)state;
	assert_reply(404, FAIL("Client with id=\\\"c1\\\" not found."), put_tunnel("remote=22"));
	connect_client("c1", 1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char want[300];
		char detail[300];
		(void)snprintf(want, sizeof(want), "{\"errors\":[{\"code\":\"%s\",\"title\":\"%s",
		    cases[i].code, cases[i].title);
		(void)snprintf(detail, sizeof(detail), "\",\"detail\":\"%s", cases[i].detail);
		unsigned status = put_tunnel(cases[i].query);
		if (status != 400 || strncmp(body, want, strlen(want)) != 0 ||
		    strstr(body, detail) == NULL) {
			fail_msg("%s: %u %s", cases[i].query, status, body);
		}
	}
	assert_int_equal(rp_fake_count(workers), 0);
	disconnect_client(1);
	assert_reply(404, FAIL("client with id c1 not found"), put_tunnel("remote=22"));
}

static void begin_tunnel(const char *query)
{
	char path[512];
	rp_fake_clear(workers);
	(void)snprintf(path, sizeof(path), "/clients/c1/tunnels?%s", query);
	begin("PUT", path, ADMIN, NULL);
}

/* What is right arrives as it was meant; the requester is the ACL unless there is one. */
static void test_tunnel_options(void **state)
{
	static const struct {
		const char *query, *text, *acl;
		int64_t idle_minutes, auto_close_s;
	} cases[] = {
	    {"remote=22", "::127.0.0.1:22", "127.0.0.1", 5, 0},
	    {"remote=h.lan:65535&local=1", "0.0.0.0:1:h.lan:65535", "127.0.0.1", 5, 0},
	    {"remote=[2001:db8::1]:22&local=[::1]:2222", "::1:2222:[2001:db8::1]:22", "127.0.0.1",
	        5, 0},
	    {"remote=1.2.3.4:22&local=localhost:2222&protocol=tcp", "localhost:2222:1.2.3.4:22",
	        "127.0.0.1", 5, 0},
	    {"remote=53&protocol=udp&acl=", "::127.0.0.1:53/udp", NULL, 5, 0},
	    {"remote=53&protocol=tcp%2Budp&acl=", "::127.0.0.1:53/tcp+udp", NULL, 5, 0},
	    {"remote=53&acl=10.0.0.0/8,::1,2001:db8::/32,1.2.3.4", "::127.0.0.1:53",
	        "10.0.0.0/8,::1,2001:db8::/32,1.2.3.4", 5, 0},
	    {"remote=22&idle-timeout-minutes=0", "::127.0.0.1:22", "127.0.0.1", 0, 0},
	    {"remote=22&idle-timeout-minutes=10080", "::127.0.0.1:22", "127.0.0.1", 10080, 0},
	    {"remote=22&skip-idle-timeout=1", "::127.0.0.1:22", "127.0.0.1", 0, 0},
	    {"remote=22&skip-idle-timeout=true&idle-timeout-minutes=0", "::127.0.0.1:22",
	        "127.0.0.1", 0, 0},
	    {"remote=22&skip-idle-timeout=maybe", "::127.0.0.1:22", "127.0.0.1", 5, 0},
	    {"remote=22&auto-close=744h", "::127.0.0.1:22", "127.0.0.1", 5, 744 * 3600},
	    {"remote=22&auto-close=1m30s", "::127.0.0.1:22", "127.0.0.1", 5, 90},
	    {"remote=22&auto-close=0s", "::127.0.0.1:22", "127.0.0.1", 5, 0},
	};
	(void)state;
	connect_client("c1", 1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char query[300];
		(void)snprintf(query, sizeof(query), "%s&check_port=0&name=%%C3%%A4&scheme=rdp",
		    cases[i].query);
		begin_tunnel(query);
		rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
		const struct rp_remote *r = &wait_order(2)->remote;
		struct rp_remote plain = *r;
		plain.acl = NULL;
		char *text = rp_remote_text(&plain);
		if (strcmp(text, cases[i].text) != 0 ||
		    strcmp(r->acl != NULL ? r->acl : "",
		        cases[i].acl != NULL ? cases[i].acl : "") != 0 ||
		    r->idle_timeout_minutes != cases[i].idle_minutes ||
		    r->auto_close != cases[i].auto_close_s * RP_NS_PER_S) {
			fail_msg("%s: %s %s", cases[i].query, text, r->acl);
		}
		assert_string_equal(r->name, "\xc3\xa4");
		assert_string_equal(r->scheme, "rdp");
		assert_string_equal(r->owner, "admin");
		rp_free(text);
		rp_fake_answer_tunnel(wait_order(2), RP_ENOMEM, NULL, "no");
		assert_int_equal(finish(), 409);
	}
}

/* A server with a certificate for proxies; the API does not read it. */
static void test_tunnel_proxy(void **state)
{
	static const struct {
		const char *query;
		unsigned status;
		const char *title;
	} cases[] = {
	    {"http_proxy=x&scheme=http", 500, "invalid http_proxy: expected true or false"},
	    {"http_proxy=1", 400, "http_proxy requires the scheme http or https"},
	    {"http_proxy=t&scheme=ssh", 400, "http_proxy requires the scheme http or https"},
	    {"http_proxy=1&scheme=rdp", 400,
	        "http_proxy with the scheme rdp is not supported by this server"},
	    {"http_proxy=1&scheme=http&protocol=udp", 400, "http_proxy requires the protocol tcp"},
	    {"http_proxy=1&scheme=http&auth_user=a", 400,
	        "auth_user and auth_password are needed together"},
	    {"http_proxy=0&host_header=x", 400, "host_header requires http_proxy to be activated"},
	    {"http_proxy=1&scheme=http&host_header=a%0d%0ab", 400,
	        "host_header is too long or has control characters"},
	};
	(void)state;
	connect_client("c1", 1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char query[200];
		(void)snprintf(query, sizeof(query), "remote=80&%s", cases[i].query);
		unsigned status = put_tunnel(query);
		if (status != cases[i].status || strstr(body, cases[i].title) == NULL) {
			fail_msg("%s: %u %s", cases[i].query, status, body);
		}
	}
	begin_tunnel("remote=80&check_port=0&http_proxy=true&scheme=https&host_header=in.example&"
	             "auth_user=me&auth_password=a%3Ab");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
	const struct rp_remote *r = &wait_order(2)->remote;
	assert_true(r->http_proxy);
	assert_string_equal(r->scheme, "https");
	assert_string_equal(r->host_header, "in.example");
	assert_string_equal(r->auth_user, "me");
	assert_string_equal(r->auth_password, "a:b");
	rp_fake_answer_tunnel(wait_order(2), RP_ENOMEM, NULL, "no");
	assert_int_equal(finish(), 409);
	assert_int_equal(get("/status"), 200);
	assert_non_null(strstr(body, "\"tunnel_proxy_enabled\":true"));
}

#define TUNNEL                                                                                         \
	"{\"id\":\"1\",\"name\":\"n\",\"protocol\":\"tcp\",\"lhost\":\"0.0.0.0\",\"lport\":\"20001\"," \
	"\"lport_random\":true,\"owner\":\"admin\",\"rhost\":\"127.0.0.1\",\"rport\":\"22\","          \
	"\"scheme\":\"ssh\",\"acl\":\"127.0.0.1\",\"idle_timeout_minutes\":5,\"auto_close\":"          \
	"5400000000000,\"http_proxy\":false,\"host_header\":\"\",\"auth_user\":\"\","                  \
	"\"auth_password\":\"\",\"tunnel_url\":\"\",\"created_at\":\"2026-01-02T03:04:05.5Z\""

static void open_tunnel(void)
{
	begin_tunnel("remote=22&name=n&scheme=ssh&auto-close=1h30m");
	struct rp_fake_order *o = wait_order(1);
	assert_string_equal(o->name, "check_tunnel_allowed");
	assert_string_equal(o->text, "{\"Remote\":\"127.0.0.1:22\"}");
	rp_fake_answer(o, 0, "{\"IsAllowed\":true}");
	o = wait_order(2);
	assert_string_equal(o->name, "check_port");
	assert_string_equal(o->text, "{\"HostPort\":\"127.0.0.1:22\",\"Timeout\":2000000000}");
	rp_fake_answer(o, 0, "{\"Open\":true,\"ErrMsg\":\"\"}");
	o = wait_order(3);
	assert_int_equal(o->kind, RP_FAKE_START);
	rp_fake_answer_tunnel(o, 0, "1", NULL);
	assert_reply(200, "{\"data\":" TUNNEL "}}", finish());
}

static void test_tunnel(void **state)
{
	(void)state;
	assert_reply(200, "{\"data\":[]}", get("/tunnels"));
	connect_client("c1", 1);
	open_tunnel();
	assert_reply(200, "{\"data\":[" TUNNEL ",\"client_id\":\"c1\"}]}", get("/tunnels"));
	assert_reply(200, "{\"data\":{\"tunnels\":[" TUNNEL "}]}}",
	    get("/clients/c1?fields[clients]=tunnels"));
	/* Twice the same. */
	begin_tunnel("remote=22");
	rp_fake_answer(wait_order(1), RP_EDENIED, "unknown request");
	assert_reply(400,
	    ERR("ERR_CODE_TUNNEL_TO_PORT_EXIST", "Tunnel to port 22 already exists.", ""),
	    finish());
	begin_tunnel("remote=22&local=20001");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
	assert_reply(400, ERR("ERR_CODE_TUNNEL_EXIST", "Tunnel already exists.", ""), finish());
	/* Its ACL. */
	rp_fake_clear(workers);
	begin("PUT", "/clients/c1/tunnels/1/acl", ADMIN, "{\"acl\":\"1.2.3.4,10.0.0.0/8\"}");
	struct rp_fake_order *o = wait_order(1);
	assert_string_equal(o->text, "1.2.3.4,10.0.0.0/8");
	rp_fake_answer_tunnel(o, 0, NULL, NULL);
	assert_reply(204, "", finish());
	assert_int_equal(get("/tunnels"), 200);
	assert_non_null(strstr(body, "\"acl\":\"1.2.3.4,10.0.0.0/8\""));
	begin("PUT", "/clients/c1/tunnels/1/acl", ADMIN, "{\"acl\":null}");
	assert_null(wait_order(2)->text);
	rp_fake_answer_tunnel(wait_order(2), 0, NULL, NULL);
	assert_reply(204, "", finish());
	assert_int_equal(get("/tunnels"), 200);
	assert_non_null(strstr(body, "\"acl\":null"));
	/* And its end. */
	begin("DELETE", "/clients/c1/tunnels/1", ADMIN, NULL);
	assert_false(wait_order(3)->flag);
	rp_fake_answer_tunnel(wait_order(3), RP_EBUSY, NULL, "tunnel has 2 active connection(s)");
	assert_reply(409, FAIL("tunnel has 2 active connection(s)"), finish());
	begin("DELETE", "/clients/c1/tunnels/1?force=true", ADMIN, NULL);
	assert_true(wait_order(4)->flag);
	rp_fake_answer_tunnel(wait_order(4), 0, NULL, NULL);
	assert_reply(204, "", finish());
	assert_reply(200, "{\"data\":[]}", get("/tunnels"));
}

static void test_tunnel_refused(void **state)
{
	(void)state;
	connect_client("c1", 1);
	begin_tunnel("remote=22");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":false}");
	assert_reply(
	    400, FAIL("Tunnel destination is not allowed by client configuration."), finish());
	begin_tunnel("remote=22");
	rp_fake_answer(wait_order(1), RP_EDENIED, "no such host");
	assert_reply(400,
	    ERR("", "The client could not check the tunnel destination.", "no such host"),
	    finish());
	begin_tunnel("remote=22");
	rp_fake_answer(wait_order(1), RP_ECLOSED, "");
	assert_reply(404, FAIL("client with id c1 not found"), finish());
	begin_tunnel("remote=22");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
	rp_fake_answer(wait_order(2), 0,
	    "{\"Open\":false,\"ErrMsg\":\"dial tcp 127.0.0.1:22: connect: connection refused\"}");
	assert_reply(400,
	    ERR("ERR_CODE_REMOTE_PORT_NOT_OPEN", "Port 22 is not in listening state.",
	        "dial tcp 127.0.0.1:22: connect: connection refused"),
	    finish());
	begin_tunnel("remote=22");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
	rp_fake_answer(wait_order(2), RP_EDENIED, "");
	assert_int_equal(finish(), 409);
	/* Without the check of the port; then the port itself. */
	begin_tunnel("remote=22&local=80&check_port=0");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
	assert_string_equal(wait_order(2)->remote.lport, "80");
	assert_string_equal(wait_order(2)->remote.lhost, "0.0.0.0");
	rp_fake_answer_tunnel(
	    wait_order(2), RP_EDENIED, NULL, "Local port 80 is not among allowed ports.");
	assert_reply(400, FAIL("Local port 80 is not among allowed ports."), finish());
	begin_tunnel("remote=h:22&local=127.0.0.1:2222&protocol=udp&acl=&skip-idle-timeout=true");
	assert_string_equal(wait_order(1)->text, "{\"Remote\":\"h:22\"}");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
	struct rp_fake_order *o = wait_order(2);
	assert_string_equal(o->remote.lhost, "127.0.0.1");
	assert_string_equal(o->remote.rhost, "h");
	assert_string_equal(o->remote.protocol, "udp");
	assert_null(o->remote.acl);
	assert_int_equal(o->remote.idle_timeout_minutes, 0);
	rp_fake_answer_tunnel(o, RP_EEXIST, NULL, "in use");
	assert_reply(
	    400, ERR("ERR_CODE_LOCAL_PORT_IN_USE", "Port 2222 already in use.", ""), finish());
	/* By another program. */
	begin_tunnel("remote=22&check_port=0&local=2222");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
	rp_fake_answer_tunnel(wait_order(2), UV_EADDRINUSE, NULL, "in use");
	assert_reply(
	    400, ERR("ERR_CODE_LOCAL_PORT_IN_USE", "Port 2222 already in use.", ""), finish());
	begin_tunnel("remote=22&check_port=0");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
	rp_fake_answer_tunnel(wait_order(2), RP_ENOMEM, NULL, "unable to start tunnel: x");
	assert_reply(409, FAIL("unable to start tunnel: x"), finish());
}

/* The client goes away between two steps. */
static void test_tunnel_gone(void **state)
{
	(void)state;
	connect_client("c1", 1);
	begin_tunnel("remote=22");
	struct rp_fake_order *o = wait_order(1);
	disconnect_client(1);
	rp_fake_answer(o, 0, "{\"IsAllowed\":true}");
	assert_reply(404, FAIL("client with id c1 not found"), finish());
	connect_client("c1", 2);
	begin_tunnel("remote=22&check_port=0");
	rp_fake_answer(wait_order(1), 0, "{\"IsAllowed\":true}");
	o = wait_order(2);
	disconnect_client(2);
	rp_fake_answer_tunnel(o, 0, "1", NULL);
	assert_reply(404, FAIL("client with id c1 not found"), finish());
	assert_reply(200, "{\"data\":[]}", get("/tunnels"));
}

static void test_tunnel_other_errors(void **state)
{
	(void)state;
	connect_client("c1", 1);
	assert_reply(400, FAIL("Invalid force param: expected true or false"),
	    ask("DELETE", "/clients/c1/tunnels/1?force=maybe", ADMIN, NULL));
	begin("DELETE", "/clients/c1/tunnels/7?force=0", ADMIN, NULL);
	rp_fake_answer_tunnel(wait_order(1), RP_ENOENT, NULL, "");
	assert_reply(404, FAIL("tunnel not found"), finish());
	assert_reply(400, FAIL("Missing body with json data."),
	    ask("PUT", "/clients/c1/tunnels/1/acl", ADMIN, NULL));
	assert_reply(400, ERR("", "Invalid JSON data.", "json: unknown field \\\"x\\\""),
	    ask("PUT", "/clients/c1/tunnels/1/acl", ADMIN, "{\"x\":1}"));
	assert_reply(400, ERR("ERR_CODE_INVALID_ACL", "invalid IP addr: x", ACL_HINT),
	    ask("PUT", "/clients/c1/tunnels/1/acl", ADMIN, "{\"acl\":\"x\"}"));
	begin("PUT", "/clients/c1/tunnels/7/acl", ADMIN, "{\"acl\":null}");
	rp_fake_answer_tunnel(wait_order(2), RP_ENOENT, NULL, "");
	assert_reply(404, FAIL("tunnel not found"), finish());
}

/* Commands */

static void test_command_errors(void **state)
{
	(void)state;
	connect_client("c1", 1);
	assert_reply(400, FAIL("Missing body with json data."),
	    ask("POST", "/clients/c1/commands", ADMIN, NULL));
	assert_reply(400, FAIL("Command cannot be empty."),
	    ask("POST", "/clients/c1/commands", ADMIN, "{}"));
	assert_reply(400, FAIL("Command cannot be empty."),
	    ask("POST", "/clients/c1/commands", ADMIN, "{\"command\":\"\"}"));
	assert_reply(400,
	    ERR("", "Invalid interpreter.",
	        "of a command: cmd, powershell or nothing for the platform's shell"),
	    ask("POST", "/clients/c1/commands", ADMIN,
	        "{\"command\":\"x\",\"interpreter\":\"sh\"}"));
	assert_reply(400, ERR("", "Invalid JSON data.", "json: unknown field \\\"comand\\\""),
	    ask("POST", "/clients/c1/commands", ADMIN, "{\"comand\":\"x\"}"));
	assert_int_equal(ask("POST", "/clients/c1/commands", ADMIN, "{\"command\":1}"), 400);
	assert_int_equal(ask("POST", "/clients/c1/commands", ADMIN, "[]"), 400);
	assert_int_equal(rp_fake_count(workers), 0);
	disconnect_client(1);
	assert_reply(404, FAIL("Active client with id=\\\"c1\\\" not found."),
	    ask("POST", "/clients/c1/commands", ADMIN, "{\"command\":\"x\"}"));
}

static void test_command_refused(void **state)
{
	static const struct {
		int code;
		const char *text;
		unsigned status;
		const char *title;
	} cases[] = {
	    {RP_EDENIED, "command is not allowed: x", 409,
	        "client error: command is not allowed: x"},
	    {0, "what", 409, "client error: invalid client response format"},
	    {RP_ETIMEOUT, "", 409, "client error: the client did not answer in time"},
	    {RP_ECLOSED, "", 404, "Active client with id=\\\"c1\\\" not found."},
	};
	(void)state;
	connect_client("c1", 1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char want[256];
		begin("POST", "/clients/c1/commands", ADMIN, "{\"command\":\"x\"}");
		rp_fake_answer(wait_order(i + 1), cases[i].code, cases[i].text);
		(void)snprintf(want, sizeof(want), FAIL("%s"), cases[i].title);
		assert_reply(cases[i].status, want, finish());
	}
	assert_reply(200, "{\"data\":[],\"meta\":{\"count\":0}}", get("/clients/c1/commands"));
}

static void test_command(void **state)
{
	char path[128];
	char want[1024];
	char jid[40];
	char result[512];
	(void)state;
	connect_client("c1", 1);
	begin("POST", "/clients/c1/commands", ADMIN,
	    "{\"command\":\"/usr/bin/date\",\"cwd\":\"/\",\"timeout_sec\":5}");
	rp_fake_answer(wait_order(1), 0, "{\"Pid\":2672,\"StartedAt\":\"2026-01-02T03:04:05Z\"}");
	assert_int_equal(finish(), 200);
	assert_int_equal(strlen(body), strlen("{\"data\":{\"jid\":\"\"}}") + 36);
	(void)snprintf(jid, sizeof(jid), "%.36s", body + strlen("{\"data\":{\"jid\":\""));
	(void)snprintf(path, sizeof(path), "/clients/c1/commands/%s", jid);
	(void)snprintf(want, sizeof(want),
	    "{\"data\":{\"jid\":\"%s\",\"status\":\"running\",\"finished_at\":null,\"client_id\":\"c1\","
	    "\"client_name\":\"name of\",\"command\":\"/usr/bin/date\",\"cwd\":\"/\",\"interpreter\":"
	    "\"\",\"pid\":2672,\"started_at\":\"2026-01-02T03:04:05Z\",\"created_by\":\"admin\","
	    "\"timeout_sec\":5,\"multi_job_id\":null,\"schedule_id\":null,\"error\":\"\",\"result\":"
	    "null,\"is_sudo\":false,\"is_script\":false,\"stream_result\":false}}",
	    jid);
	assert_reply(200, want, get(path));
	(void)snprintf(result, sizeof(result),
	    "{\"jid\":\"%s\",\"status\":\"successful\",\"finished_at\":\"2026-01-02T03:04:06.5Z\","
	    "\"started_at\":\"2026-01-02T03:04:05Z\",\"pid\":2672,\"result\":{\"stdout\":\"out\","
	    "\"stderr\":\"\",\"summary\":\"sum\"}}",
	    jid);
	rp_jobs_result(jobs, "c1", result, strlen(result));
	rp_store_rig_sync(&rig);
	(void)snprintf(want, sizeof(want),
	    "{\"data\":[{\"jid\":\"%s\",\"status\":\"successful\",\"finished_at\":"
	    "\"2026-01-02T03:04:06.5Z\",\"result\":{\"summary\":\"sum\"}}],\"meta\":{\"count\":1}}",
	    jid);
	assert_reply(200, want, get("/clients/c1/commands"));
	(void)snprintf(
	    want, sizeof(want), "{\"data\":[{\"jid\":\"%s\"}],\"meta\":{\"count\":1}}", jid);
	assert_reply(200, want, get("/clients/c1/commands?fields[jobs]=jid"));
	assert_reply(200, want, get("/clients/c1/commands?fields[commands]=jid"));
	assert_reply(200, "{\"data\":[{\"result\":{\"stdout\":\"out\"}}],\"meta\":{\"count\":1}}",
	    get("/clients/c1/commands?fields[result]=stdout"));
	assert_reply(200, "{\"data\":[],\"meta\":{\"count\":0}}",
	    get("/clients/c1/commands?filter[status]=running"));
	assert_reply(200, "{\"data\":[],\"meta\":{\"count\":0}}",
	    get("/clients/c1/commands?filter[started_at][gt]=2026-01-02T03:04:05Z"));
	assert_reply(200, want,
	    get("/clients/c1/commands?fields[jobs]=jid&filter[started_at][since]=2026-01-02T03:04:05Z"));
	assert_reply(400, FAIL("unsupported filter field 'filter[started_at]'"),
	    get("/clients/c1/commands?filter[started_at]=x"));
	assert_reply(400, FAIL("unsupported sort field 'command'"),
	    get("/clients/c1/commands?sort=command"));
	assert_reply(400, FAIL("pagination limit too big (1001) maximum is 1000"),
	    get("/clients/c1/commands?page[limit]=1001"));
	assert_reply(
	    404, FAIL("Job[id=\\\"nope\\\"] not found."), get("/clients/c1/commands/nope"));
	/* A job is found under its own client only. */
	connect_client("c2", 2);
	(void)snprintf(path, sizeof(path), "/clients/c2/commands/%s", jid);
	assert_int_equal(get(path), 404);
}

/* Output of any bytes comes out as valid JSON, and large output as a whole. */
static void test_large_result(void **state)
{
	char path[128];
	(void)state;
	connect_client("c1", 1);
	begin("POST", "/clients/c1/commands", ADMIN, "{\"command\":\"/usr/bin/date\"}");
	rp_fake_answer(wait_order(1), 0, "{\"Pid\":2672,\"StartedAt\":\"2026-01-02T03:04:05Z\"}");
	assert_int_equal(finish(), 200);
	(void)snprintf(path, sizeof(path), "/clients/c1/commands/%.36s",
	    body + strlen("{\"data\":{\"jid\":\""));
	size_t n = 200000;
	char *out = rp_malloc(n + 1);
	memset(out, 'x', n);
	out[n] = '\0';
	char *result = rp_asprintf(
	    "{\"jid\":\"%s\",\"status\":\"failed\",\"result\":{\"stdout\":\"%s\\u0001<\xff\"}}",
	    path + strlen("/clients/c1/commands/"), out);
	rp_jobs_result(jobs, "c1", result, strlen(result));
	rp_store_rig_sync(&rig);
	assert_int_equal(get(path), 200);
	assert_true(strlen(body) > n);
	assert_non_null(strstr(body, "\\u0001\\u003c\xef\xbf\xbd\""));
	assert_true(rp_utf8_valid(body, strlen(body)));
	rp_free(result);
	rp_free(out);
}

/* Access log */

static void test_access_log(void **state)
{
	char path[128];
	char line[1024];
	(void)state;
	(void)snprintf(path, sizeof(path), "%s/access.log", rig.dir);
	rp_free(cfg.api.access_log_file);
	cfg.api.access_log_file = rp_strdup(path);
	restart();
	assert_int_equal(ask("GET", "/me/ip", ADMIN "User-Agent: a\"b\\c\r\n", NULL), 200);
	assert_int_equal(ask("GET", "/nope?access_token=hidden", "", NULL), 404);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_memory_equal(line, "127.0.0.1 - admin [", 19);
	assert_non_null(strstr(line, "] \"GET /api/v1/me/ip HTTP/1.1\" 200 27 \"-\" \"a"));
	/* A quote does not end the field. */
	assert_null(strstr(line, "a\"b"));
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, "127.0.0.1 - - ["));
	assert_null(strstr(line, "hidden"));
	assert_int_equal(fclose(f), 0);
}

static void test_off(void **state)
{
	struct rp_err err = {0};
	void *other = NULL;
	struct rp_server_parts parts = ((struct rp_api *)api_state)->parts;
	struct rp_server_config off = cfg;
	char none[] = "";
	(void)state;
	off.api.address = none;
	parts.cfg = &off;
	assert_int_equal(rp_api_hooks()->start(&other, &parts, &err), 0);
	assert_null(other);
	/* What fails to start can be taken down. */
	char taken[64];
	(void)snprintf(taken, sizeof(taken), "127.0.0.1:%u",
	    rp_acceptor_port(((struct rp_api *)api_state)->acceptor));
	off.api.address = taken;
	assert_int_not_equal(rp_api_hooks()->start(&other, &parts, &err), 0);
	assert_non_null(strstr(err.msg, "[api] address, --api-addr: listen "));
	rp_api_hooks()->stop(other);
	/* Its handles are closed by the loop. */
	for (int i = 0; i < 3; i++) {
		(void)uv_run(rp_loop_uv(parts.loop), UV_RUN_NOWAIT);
	}
	rp_api_hooks()->free(other);
}

#define T(name)            cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T_CONF(name, text) cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, text)
#define T_FILE(name)       cmocka_unit_test_setup_teardown(name, setup_file, teardown)

int main(void)
{
	static char waits[] = STATIC "user_login_wait = 0.3\nmax_failed_login = 0\n";
	static char bans[] = STATIC "user_login_wait = 0\nmax_failed_login = 3\nban_time = 600\n";
	static char own_secret[] =
	    "[server]\nauth = 'one:tops3cret'\n[api]\naddress = '127.0.0.1:0'\n"
	    "auth = 'admin:sesam7'\n";
	static char proxied[] = "[server]\nauth = 'one:tops3cret'\ntunnel_proxy_cert_file = '/c'\n"
	                        "tunnel_proxy_key_file = '/k'\n[api]\naddress = '127.0.0.1:0'\n"
	                        "auth = 'admin:sesam7'\nuser_login_wait = 0\n";
	const struct CMUnitTest tests[] = {
	    T(test_not_found),
	    T(test_wrong_method),
	    T(test_head),
	    T(test_unreadable),
	    T(test_large),
	    T(test_keep_alive),
	    T(test_provider),
	    T(test_me),
	    T(test_status),
	    T(test_refused),
	    T(test_long_password),
	    T_CONF(test_wait, waits),
	    T_CONF(test_ban, bans),
	    T(test_login),
	    T(test_logout_without),
	    T(test_tampered_token),
	    T(test_login_get_errors),
	    T(test_login_post),
	    T(test_login_survives_restart),
	    T_CONF(test_own_secret, own_secret),
	    T(test_expired),
	    T(test_static_user),
	    T_FILE(test_file_users),
	    T_FILE(test_access),
	    T_FILE(test_gone_while_checking),
	    T(test_clients_list),
	    T(test_clients_list_errors),
	    T(test_client),
	    T(test_strange_ids),
	    T(test_attributes),
	    T(test_tunnel_errors),
	    T(test_tunnel_options),
	    T_CONF(test_tunnel_proxy, proxied),
	    T(test_tunnel),
	    T(test_tunnel_refused),
	    T(test_tunnel_gone),
	    T(test_tunnel_other_errors),
	    T(test_command_errors),
	    T(test_command_refused),
	    T(test_command),
	    T(test_large_result),
	    T(test_access_log),
	    T(test_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
