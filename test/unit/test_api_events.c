/* SPDX-License-Identifier: MIT */
/*
 * /ws/events over the API rig: what each change tells, who hears of it as rights change, and what
 * happens to those who do not read.
 */
#include "server/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/ws.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "test/lib/api_short.h"
#include "test/lib/job_client.h"
#include "test/lib/ws_user.h"

#define WAIT_MS 20000
#define LONG    "Trombone-swimming-43-octagon"

static struct rp_ws_user admin;
static struct rp_ws_user bob;

static void listen_as(struct rp_ws_user *u, const char *user)
{
	char line[256];
	char *b64 = rp_base64(user, strlen(user));
	(void)snprintf(line, sizeof(line), "Authorization: Basic %s\r\n", b64);
	rp_free(b64);
	assert_int_equal(rp_ws_user_open(u, rig, "/ws/events", line), 101);
}

static void start(struct rp_api_rig *r)
{
	rig = r;
	rp_job_client_open(rig);
	rp_api_rig_client(rig, "theirs", "others");
	rp_api_rig_client(rig, "ours", "staff");
	listen_as(&admin, ADMIN);
	listen_as(&bob, BOB);
}

static void stop(void)
{
	rp_ws_user_close(&admin);
	rp_ws_user_close(&bob);
	rp_api_rig_close(rig);
}

/* Something that works. */
static void act(const char *user, const char *method, const char *path, const char *body)
{
	unsigned status = ask(user, method, path, body);
	if (status / 100 != 2) {
		fail_msg("%s %s: %u %s", method, path, status, rig->body);
	}
}

/* The next that comes, whole. */
static void hears(struct rp_ws_user *u, const char *text)
{
	const char *got = rp_ws_user_next(u);
	if (got == NULL || strcmp(got, text) != 0) {
		fail_msg("wanted %s, not %s", text, got == NULL ? "the end" : got);
	}
}

/* The next that comes begins so and has this in it. */
static void hears_of(struct rp_ws_user *u, const char *begin, const char *part)
{
	const char *got = rp_ws_user_next(u);
	if (got == NULL || strncmp(got, begin, strlen(begin)) != 0 || strstr(got, part) == NULL) {
		fail_msg("wanted %s…%s, not %s", begin, part, got == NULL ? "the end" : got);
	}
}

/* Something that everybody hears of: nothing came before. */
static void heard_nothing(struct rp_ws_user *u)
{
	rp_events_client(&rig->events, "mark", NULL);
	hears(u, "{\"type\":\"client\",\"action\":\"mark\"}");
}

/* --- clients --- */

#define OF_CLIENT(action, id) \
	"{\"type\":\"client\",\"action\":\"" action "\",\"id\":\"" id "\",\"client_id\":\"" id "\"}"
#define CHANGED "{\"type\":\"client\",\"action\":\"changed\"}"

static void notify(const char *name, const char *text)
{
	rp_registry_events()->on_notify(rig->registry, rig->last, name, text, strlen(text));
}

static void test_clients(void **state)
{
	(void)state;
	start(rp_api_rig_open(NULL));
	notify("updates_status", "{\"UpdatesAvailable\":3}");
	hears(&bob, OF_CLIENT("updated", "ours"));
	notify("ip_addresses", "{\"ipv4\":\"192.0.2.1\"}");
	hears(&bob, OF_CLIENT("updated", "ours"));
	rig->on_orders = rp_fake_answer_all;
	act(BOB, "PUT", "/clients/ours/attributes", "{\"tags\":[\"x\"],\"labels\":{}}");
	hears(&bob, OF_CLIENT("updated", "ours"));
	rp_api_rig_down(rig);
	hears(&bob, OF_CLIENT("disconnected", "ours"));
	act(ADMIN, "DELETE", "/clients/ours", NULL);
	hears(&bob, OF_CLIENT("deleted", "ours"));
	for (int i = 0; i < 3; i++) {
		hears(&admin, OF_CLIENT("updated", "ours"));
	}
	hears(&admin, OF_CLIENT("disconnected", "ours"));
	hears(&admin, OF_CLIENT("deleted", "ours"));
	/* A new one is nobody's at first. */
	rp_api_rig_client(rig, "new", NULL);
	hears(&admin, OF_CLIENT("connected", "new"));
	heard_nothing(&bob);
	stop();
}

/* Who may not see a client is not told what it is, but that there is something. */
static void test_access(void **state)
{
	(void)state;
	start(rp_api_rig_open(NULL));
	act(ADMIN, "POST", "/clients/theirs/acl", "{\"allowed_user_groups\":[\"staff\"]}");
	hears(&bob, OF_CLIENT("updated", "theirs"));
	hears(&bob, CHANGED);
	act(ADMIN, "POST", "/clients/theirs/acl", "{\"allowed_user_groups\":[]}");
	hears(&bob, CHANGED);
	/* A group of clients that his group may use. */
	act(ADMIN, "PUT", "/client-groups/all",
	    "{\"id\":\"all\",\"description\":\"\",\"params\":{\"client_id\":[\"*\"]},"
	    "\"allowed_user_groups\":[\"staff\"]}");
	hears(&bob, CHANGED);
	hears(&bob, "{\"type\":\"client_group\",\"action\":\"updated\",\"id\":\"all\"}");
	rp_api_rig_client(rig, "new", NULL);
	hears(&bob, OF_CLIENT("connected", "new"));
	stop();
}

/* Rights that the user gets or loses count for a socket that is open. */
static void test_rights(void **state)
{
	(void)state;
	start(rp_api_rig_open_tables(NULL));
	act(ADMIN, "POST", "/library/scripts", "{\"name\":\"n\",\"script\":\"aWQ=\"}");
	heard_nothing(&bob);
	act(ADMIN, "PUT", "/user-groups/staff", "{\"permissions\":{\"scripts\":true}}");
	hears(&bob, "{\"type\":\"me\",\"action\":\"updated\"}");
	act(ADMIN, "POST", "/library/scripts", "{\"name\":\"m\",\"script\":\"aWQ=\"}");
	hears(&bob, "{\"type\":\"library_script\",\"action\":\"created\"}");
	act(ADMIN, "PUT", "/users/bob", "{\"groups\":[\"Administrators\"]}");
	hears(&bob, "{\"type\":\"user\",\"action\":\"updated\",\"id\":\"bob\"}");
	hears(&bob, "{\"type\":\"me\",\"action\":\"updated\"}");
	rp_api_rig_client(rig, "new", NULL);
	hears(&bob, OF_CLIENT("connected", "new"));
	act(ADMIN, "PUT", "/users/bob", "{\"groups\":[\"others\"]}");
	hears(&bob, "{\"type\":\"me\",\"action\":\"updated\"}");
	rp_api_rig_down(rig);
	heard_nothing(&bob);
	/* The last thing that he hears. */
	act(ADMIN, "DELETE", "/users/bob", NULL);
	hears(&bob, "{\"type\":\"me\",\"action\":\"updated\"}");
	assert_null(rp_ws_user_next(&bob));
	assert_int_equal(bob.closed, RP_API_WS_POLICY);
	stop();
}

/* --- tunnels, jobs, files --- */

static void test_tunnels(void **state)
{
#define OF_TUNNEL(action) \
	"{\"type\":\"tunnel\",\"action\":\"" action "\",\"id\":\"1\",\"client_id\":\"ours\"}"
	(void)state;
	start(rp_api_rig_open(NULL));
	rig->on_orders = rp_fake_answer_all;
	act(BOB, "PUT", "/clients/ours/tunnels?remote=22&check_port=0", NULL);
	hears(&bob, OF_TUNNEL("opened"));
	act(BOB, "PUT", "/clients/ours/tunnels/1/acl", "{\"acl\":\"192.0.2.1\"}");
	hears(&bob, OF_TUNNEL("changed"));
	act(BOB, "DELETE", "/clients/ours/tunnels/1", NULL);
	hears(&bob, OF_TUNNEL("closed"));
	act(BOB, "PUT", "/clients/ours/tunnels?remote=22&check_port=0", NULL);
	hears(&bob, OF_TUNNEL("opened"));
	rp_registry_events()->on_tunnel_gone(rig->registry, rig->last, "1", "idle");
	hears(&bob, OF_TUNNEL("closed"));
	act(ADMIN, "PUT", "/clients/theirs/tunnels?remote=22&check_port=0", NULL);
	heard_nothing(&bob);
	act(BOB, "POST", "/clients/ours/stored-tunnels",
	    "{\"name\":\"n\",\"scheme\":\"ssh\",\"remote_ip\":\"127.0.0.1\",\"remote_port\":22}");
	hears(&bob, "{\"type\":\"stored_tunnel\",\"action\":\"created\",\"client_id\":\"ours\"}");
	stop();
}

/* A job is its creator's and the administrators' affair. */
static void test_jobs(void **state)
{
	(void)state;
	start(rp_api_rig_open(NULL));
	act(BOB, "POST", "/commands",
	    "{\"command\":\"id\",\"client_ids\":[\"ours\"],\"execute_concurrently\":true}");
	hears_of(&bob, "{\"type\":\"job\",\"action\":\"started\",\"id\":\"", "\"}");
	rp_job_client_run(rig, 0, RP_JOB_SUCCESSFUL);
	hears_of(&bob, "{\"type\":\"command\",\"action\":\"started\",\"id\":\"",
	    "\"client_id\":\"ours\",\"job_id\":\"");
	hears_of(&bob, "{\"type\":\"command\",\"action\":\"finished\",\"id\":\"",
	    "\"client_id\":\"ours\",\"job_id\":\"");
	hears_of(&bob, "{\"type\":\"job\",\"action\":\"finished\",\"id\":\"", "\"}");
	rp_fake_clear(rig->workers);
	rig->on_orders = rp_fake_answer_all;
	act(ADMIN, "POST", "/clients/ours/commands", "{\"command\":\"id\"}");
	heard_nothing(&bob);
	act(BOB, "POST", "/clients/ours/commands", "{\"command\":\"id\"}");
	hears_of(&bob, "{\"type\":\"command\",\"action\":\"started\"", "\"client_id\":\"ours\"}");
	hears_of(&admin, "{\"type\":\"job\",\"action\":\"started\"", "");
	stop();
}

/* One that never got to its client has an end as well. */
static void test_job_without_client(void **state)
{
	(void)state;
	start(rp_api_rig_open(NULL));
	rp_api_rig_down(rig);
	hears(&bob, OF_CLIENT("disconnected", "ours"));
	act(BOB, "POST", "/commands", "{\"command\":\"id\",\"client_ids\":[\"ours\"]}");
	hears_of(&bob, "{\"type\":\"job\",\"action\":\"started\"", "");
	hears_of(&bob, "{\"type\":\"command\",\"action\":\"finished\"", "\"client_id\":\"ours\"");
	hears_of(&bob, "{\"type\":\"job\",\"action\":\"finished\"", "");
	stop();
}

static void test_upload(void **state)
{
	static const char body[] =
	    "--b\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"f\"\r\n\r\nhello\r\n"
	    "--b\r\nContent-Disposition: form-data; name=\"dest\"\r\n\r\n/tmp/x\r\n"
	    "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\nu\r\n"
	    "--b\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\ntheirs\r\n"
	    "--b\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\nours\r\n--b--\r\n";
	const struct rp_api_ask post = {.method = "POST",
	    .path = "/files",
	    .user = ADMIN,
	    .body = body,
	    .headers = "Content-Type: multipart/form-data; boundary=b\r\n"};
	(void)state;
	start(rp_api_rig_open(NULL));
	assert_int_equal(rp_api_rig_ask(rig, &post), 200);
	for (uint64_t end = rp_clock_ms() + WAIT_MS; rp_fake_count(rig->workers) < 2;) {
		assert_true(rp_clock_ms() < end);
		rp_store_rig_sync(&rig->store);
	}
	rp_fake_answer_all(rig->workers);
	hears(&bob,
	    "{\"type\":\"upload\",\"action\":\"finished\",\"id\":\"u\",\"client_id\":\"ours\"}");
	stop();
}

/* --- what is done through the API --- */

static const struct {
	const char *method;
	const char *path;
	const char *body;
	const char *want; /* by administrators */
	bool all;         /* others too */
} steps[] = {
    {"POST", "/me/tokens", "{\"name\":\"n\",\"scope\":\"read\"}", "token\",\"action\":\"created\"",
        false},
    {"PUT", "/me", "{\"two_fa_send_to\":\"a@example.com\"}", "me\",\"action\":\"updated\"", false},
    {"POST", "/users", "{\"username\":\"carl\",\"password\":\"" LONG "\"}",
        "user\",\"action\":\"created\"", false},
    {"DELETE", "/users/carl/sessions", NULL, "user\",\"action\":\"updated\",\"id\":\"carl\"",
        false},
    {"DELETE", "/users/carl", NULL, "user\",\"action\":\"deleted\",\"id\":\"carl\"", false},
    {"POST", "/library/commands", "{\"name\":\"n\",\"cmd\":\"id\"}",
        "library_command\",\"action\":\"created\"", true},
    {"POST", "/schedules",
        "{\"name\":\"n\",\"schedule\":\"0 3 * * *\",\"type\":\"command\",\"command\":\"id\","
        "\"client_ids\":[\"ours\"]}",
        "schedule\",\"action\":\"created\"", true},
    {"POST", "/vault-admin/init", "{\"password\":\"" LONG "\"}", "vault\",\"action\":\"updated\"",
        true},
    {"POST", "/vault", "{\"client_id\":\"ours\",\"key\":\"k\",\"value\":\"v\",\"type\":\"secret\"}",
        "vault\",\"action\":\"created\"", true},
    {"DELETE", "/vault/1", NULL, "vault\",\"action\":\"deleted\"", true},
};

static void test_routes(void **state)
{
	char want[128];
	(void)state;
	start(rp_api_rig_open(NULL));
	for (size_t i = 0; i < RP_ARRAY_LEN(steps); i++) {
		act(ADMIN, steps[i].method, steps[i].path, steps[i].body);
		(void)snprintf(want, sizeof(want), "{\"type\":\"%s}", steps[i].want);
		hears(&admin, want);
		if (steps[i].all) {
			hears(&bob, want);
		}
	}
	/* Nothing changed. */
	act(ADMIN, "GET", "/library/commands", NULL);
	heard_nothing(&bob);
	heard_nothing(&admin);
	stop();
}

/* --- sockets --- */

static void test_slow_reader(void **state)
{
	size_t got = 0;
	size_t lost = 0;
	(void)state;
	start(rp_api_rig_open(NULL));
	for (int i = 0; i < 400000; i++) {
		rp_events_client(&rig->events, "updated", "ours");
		if (i % 1000 == 0) {
			(void)uv_run(rp_loop_uv(rig->store.loop), UV_RUN_NOWAIT);
		}
	}
	/* Until he has all, as the mark shows. */
	for (const char *text = rp_ws_user_next(&bob); lost == 0 || strstr(text, "mark") == NULL;
	     text = rp_ws_user_next(&bob)) {
		assert_non_null(text);
		if (strcmp(text, "{\"type\":\"lost\"}") == 0) {
			lost++;
			rp_events_client(&rig->events, "mark", NULL);
		} else {
			got++;
		}
	}
	assert_int_equal(lost, 1);
	assert_true(got > 1000 && got < 400000);
	stop();
}

static void test_nobody(void **state)
{
	(void)state;
	start(rp_api_rig_open(NULL));
	assert_true(rp_events_heard(&rig->events));
	rp_ws_user_close(&admin);
	rp_ws_user_close(&bob);
	for (int i = 0; i < 100 && rp_events_heard(&rig->events); i++) {
		rp_store_rig_sync(&rig->store);
	}
	assert_false(rp_events_heard(&rig->events));
	rp_api_rig_client(rig, "new", NULL);
	/* And again. */
	listen_as(&admin, ADMIN);
	listen_as(&bob, BOB);
	rp_ws_user_send(&bob, "whatever");
	rp_api_rig_down(rig);
	hears(&admin, OF_CLIENT("disconnected", "new"));
	stop();
}

/* The end of a login is that of its sockets, at once. */
static void test_logout(void **state)
{
	char token[1024];
	char bearer[1100];
	char path[1200];
	struct rp_ws_user u;
	(void)state;
	start(rp_api_rig_open(NULL));
	assert_int_equal(rp_api_rig_get(rig, "bob", "/login"), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(path, sizeof(path), "/ws/events?access_token=%s", token);
	assert_int_equal(rp_ws_user_open(&u, rig, path, ""), 101);
	(void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	act(bearer, "DELETE", "/logout", NULL);
	assert_null(rp_ws_user_next(&u));
	assert_int_equal(u.closed, RP_API_WS_POLICY);
	rp_ws_user_close(&u);
	heard_nothing(&bob);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clients),
	    cmocka_unit_test(test_access),
	    cmocka_unit_test(test_rights),
	    cmocka_unit_test(test_tunnels),
	    cmocka_unit_test(test_jobs),
	    cmocka_unit_test(test_job_without_client),
	    cmocka_unit_test(test_upload),
	    cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_slow_reader),
	    cmocka_unit_test(test_nobody),
	    cmocka_unit_test(test_logout),
	};
	return cmocka_run_group_tests_name("api_events", tests, NULL, NULL);
}
