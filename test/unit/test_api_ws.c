/* SPDX-License-Identifier: MIT */
/*
 * The API's WebSockets: who gets one, limits, and commands with live output over them, for readers
 * that keep up and readers that do not.
 */
#include "api/ws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/output_cut.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "test/lib/api_short.h"
#include "test/lib/job_client.h"
#include "test/lib/ws_user.h"

#define ONE "{\"command\":\"id\",\"client_ids\":[\"c1\"]}"

static struct rp_ws_user user;
static char admin[256];
static char bob[256];

static void basic(const char *pair, char out[static 256])
{
	char *b64 = rp_base64(pair, strlen(pair));
	(void)snprintf(out, 256, "Authorization: Basic %s\r\n", b64);
	rp_free(b64);
}

static int setup(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	rp_job_client_open(rig);
	rp_api_rig_client(rig, "c2", "staff");
	rp_api_rig_client(rig, "c1", NULL);
	basic(ADMIN, admin);
	basic(BOB, bob);
	return 0;
}

static unsigned open_as(const char *path, const char *headers)
{
	return rp_ws_user_open(&user, rig, path, headers);
}

static void open_ws(void)
{
	assert_int_equal(open_as("/ws/commands", admin), 101);
}

static void assert_next(const char *text)
{
	const char *got = rp_ws_user_next(&user);
	if (got == NULL || strstr(got, text) == NULL) {
		fail_msg("no %s in %s", text, got == NULL ? "nothing" : got);
	}
}

/* Nothing more comes but the close frame. */
static void assert_closed(unsigned status)
{
	const char *got = rp_ws_user_next(&user);
	if (got != NULL) {
		fail_msg("%s", got);
	}
	assert_int_equal(user.closed, status);
	rp_ws_user_close(&user);
	rp_store_rig_sync(&rig->store);
}

static size_t sockets(void)
{
	return ((struct rp_api *)rig->api)->sockets.n;
}

/* Who gets one */

static void test_credentials(void **state)
{
	char path[2048];
	char token[1024];
	char header[1200];
	(void)state;
	assert_int_equal(open_as("/ws/commands", ""), 401);
	assert_non_null(strstr(rig->body, "\"title\":\"token required\""));
	assert_int_equal(open_as("/ws/commands", "Authorization: Basic YTpi\r\n"), 401);
	assert_non_null(strstr(rig->body, "\"title\":\"unauthorized\""));
	assert_int_equal(open_as("/ws/commands?access_token=nonsense", ""), 401);
	assert_int_equal(open_as("/ws/commands?access_token=", ""), 401);

	assert_int_equal(rp_api_rig_get(rig, "admin", "/login"), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(path, sizeof(path), "/ws/scripts?access_token=%s", token);
	assert_int_equal(open_as(path, ""), 101);
	rp_ws_user_close(&user);
	(void)snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", token);
	assert_int_equal(open_as("/ws/commands", header), 101);
	rp_ws_user_close(&user);
	/* Nowhere else. */
	(void)snprintf(path, sizeof(path), "/me?access_token=%s", token);
	assert_int_equal(ask(NULL, "GET", path, NULL), 401);
}

static void test_origin(void **state)
{
	char headers[512];
	(void)state;
	(void)snprintf(headers, sizeof(headers), "%sOrigin: https://evil.example\r\n", admin);
	assert_int_equal(open_as("/ws/commands", headers), 403);
	(void)snprintf(headers, sizeof(headers), "%sOrigin: null\r\n", admin);
	assert_int_equal(open_as("/ws/commands", headers), 403);
	(void)snprintf(headers, sizeof(headers), "%sOrigin: http://RPORT.test\r\n", admin);
	assert_int_equal(open_as("/ws/commands", headers), 101);
	rp_ws_user_close(&user);
	rp_api_rig_close(rig);
	rig = rp_api_rig_open("cors = ['https://dash.example']");
	(void)snprintf(headers, sizeof(headers), "%sOrigin: https://dash.example\r\n", admin);
	assert_int_equal(open_as("/ws/commands", headers), 101);
	rp_ws_user_close(&user);
	(void)snprintf(headers, sizeof(headers), "%sOrigin: https://evil.example\r\n", admin);
	assert_int_equal(open_as("/ws/commands", headers), 403);
}

static void test_no_handshake(void **state)
{
	(void)state;
	assert_int_equal(rp_api_rig_get(rig, "admin", "/ws/commands"), 400);
	assert_int_equal(sockets(), 0);
}

static void test_number(void **state)
{
	struct rp_ws_user many[RP_API_WS_PER_USER];
	(void)state;
	for (size_t i = 0; i < RP_API_WS_PER_USER; i++) {
		assert_int_equal(rp_ws_user_open(&many[i], rig, "/ws/commands", admin), 101);
	}
	assert_int_equal(open_as("/ws/commands", admin), 429);
	assert_int_equal(open_as("/ws/commands", bob), 101);
	rp_ws_user_close(&user);
	for (size_t i = 0; i < RP_API_WS_PER_USER; i++) {
		rp_ws_user_close(&many[i]);
	}
	open_ws();
	rp_ws_user_settle(&user);
	assert_int_equal(sockets(), 1);
	rp_ws_user_close(&user);
}

/* Messages */

static void test_wrong_messages(void **state)
{
	char *text = rp_malloc(RP_API_WS_MESSAGE_MAX + 1);
	(void)state;
	open_ws();
	rp_ws_user_frame(&user, RP_WS_BINARY, "{}", 2);
	assert_closed(1003);
	open_ws();
	rp_ws_user_frame(&user, RP_WS_TEXT, "\xc3(", 2);
	assert_closed(1007);
	open_ws();
	memset(text, ' ', RP_API_WS_MESSAGE_MAX + 1);
	rp_ws_user_frame(&user, RP_WS_TEXT, text, RP_API_WS_MESSAGE_MAX + 1);
	assert_closed(1009);
	open_ws();
	rp_ws_user_frame(&user, RP_WS_TEXT, text, RP_API_WS_MESSAGE_MAX);
	assert_next("{\"errors\":[{\"code\":\"\",\"title\":\"Missing body with json data.\"");
	assert_closed(1000);
	rp_free(text);
	rp_ws_user_settle(&user);
	assert_int_equal(sockets(), 0);
}

static void refused(const char *body, const char *text)
{
	open_ws();
	rp_ws_user_send(&user, body);
	assert_next(text);
	assert_closed(1000);
	assert_int_equal(rp_fake_count(rig->workers), 0);
}

static void test_request_errors(void **state)
{
	(void)state;
	refused("{", "Invalid JSON data.");
	refused("{\"command\":\"id\"}", "Missing targeting parameters.");
	refused(
	    "{\"command\":\"id\",\"client_ids\":[\"c9\"]}", "Client with id=\\\"c9\\\" not found.");
	refused("{\"script\":\"aWQ=\",\"client_ids\":[\"c1\"]}", "Command cannot be empty.");
	assert_int_equal(open_as("/ws/commands", bob), 101);
	rp_ws_user_send(&user, ONE);
	assert_next("Access denied to client(s) with ID(s): c1");
	assert_closed(1000);
	assert_int_equal(open_as("/ws/scripts", bob), 101);
	rp_ws_user_send(&user, "{\"script\":\"\",\"client_ids\":[\"c2\"]}");
	assert_next("Missing script body");
	assert_closed(1000);
}

/* As the original takes a message: of any reasonable length, and with keys that it does not know. */
static void test_lenient(void **state)
{
	static const char head[] =
	    "{\"command\":\"id\",\"script\":\"\",\"client_ids\":[\"c1\"],\"x\":\"";
	size_t n = strlen(head);
	char *text = rp_malloc(n + 100000 + 3);
	(void)state;
	memcpy(text, head, n);
	memset(text + n, '/', 100000);
	memcpy(text + n + 100000, "\"}", 3);
	open_ws();
	rp_ws_user_send(&user, text);
	rp_ws_user_settle(&user);
	assert_non_null(strstr(rp_job_client_order(rig, 0)->text, "\"command\":\"id\""));
	rp_ws_user_close(&user);
	rp_free(text);
}

/* Live output */

static void test_live(void **state)
{
	(void)state;
	open_ws();
	rp_ws_user_send(&user, ONE);
	rp_ws_user_settle(&user);
	assert_non_null(strstr(rp_job_client_order(rig, 0)->text, "\"stream_result\":true"));
	/* Output may be faster than the answer. */
	rp_job_client_print(rig, 0, 1, rp_str_c("one\n"));
	assert_next("\"client_id\":\"c1\",\"client_name\":\"name of\",\"result\":"
	            "{\"stdout\":\"one\\n\",\"stderr\":\"\",\"summary\":\"\"}}");
	rp_job_client_start(rig, 0);
	rp_job_client_print(rig, 0, 2, rp_str_c("<two>"));
	assert_next("{\"stdout\":\"\",\"stderr\":\"\\u003ctwo\\u003e\",\"summary\":\"\"}}");
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, "one\\n");
	assert_next("\"status\":\"successful\"");
	assert_non_null(strstr((char *)rp_buf_head(&user.message),
	    "\"result\":{\"stdout\":\"one\\n\",\"stderr\":\"\",\"summary\":\"\"},"
	    "\"is_sudo\":false,\"is_script\":false,\"stream_result\":true}"));
	assert_closed(1000);
	/* What comes behind the end goes nowhere, but the client has its credit. */
	size_t taken = rp_fake_taken(rig->workers);
	rp_job_client_print(rig, 0, 1, rp_str_c("late"));
	assert_int_equal(rp_fake_taken(rig->workers), taken + 4);
}

/* Ours: who asks for it learns first which job it is. */
static void test_announce(void **state)
{
	(void)state;
	assert_int_equal(open_as("/ws/commands?announce=true", admin), 101);
	rp_ws_user_send(&user, ONE);
	assert_next("{\"multi_job_id\":\"");
	rp_job_client_start(rig, 0);
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, "");
	assert_next("\"status\":\"successful\"");
	assert_closed(1000);
	assert_int_equal(open_as("/ws/commands?announce=true", admin), 101);
	rp_ws_user_send(&user, "{\"command\":\"id\",\"client_ids\":[\"c9\"]}");
	assert_next("Client with id=\\\"c9\\\" not found.");
	assert_closed(1000);
}

/* Characters stay whole, whatever the pieces are; what is none is replaced. */
static void test_characters(void **state)
{
	(void)state;
	open_ws();
	rp_ws_user_send(&user, ONE);
	rp_ws_user_settle(&user);
	rp_job_client_start(rig, 0);
	rp_job_client_print(rig, 0, 1, rp_str_c("a\xe2\x82"));
	assert_next("\"stdout\":\"a\"");
	rp_job_client_print(rig, 0, 2, rp_str_c("\xf0\x9f"));
	rp_job_client_print(rig, 0, 1, rp_str_c("\xac"));
	assert_next("\"stdout\":\"\xe2\x82\xac\"");
	rp_job_client_print(rig, 0, 1, rp_str_c("\xff-"));
	assert_next("\"stdout\":\"\\ufffd-\"");
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, NULL);
	assert_next("\"stderr\":\"\\ufffd\\ufffd\"");
	assert_next("\"status\":\"successful\"");
	assert_closed(1000);
}

/* Only the client that was sent the job is heard. */
static void test_foreign_output(void **state)
{
	(void)state;
	open_ws();
	rp_ws_user_send(&user, "{\"command\":\"id\",\"client_ids\":[\"c2\"]}");
	rp_ws_user_settle(&user);
	rp_job_client_start(rig, 0);
	rp_job_client_print(rig, 0, 1, rp_str_c("of c1"));
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, NULL);
	assert_next("\"status\":\"successful\"");
	assert_closed(1000);
}

static void test_ends(void **state)
{
	(void)state;
	rp_registry_events()->on_down(rig->registry, rig->last, "gone");
	open_ws();
	rp_ws_user_send(&user,
	    "{\"command\":\"id\",\"client_ids\":[\"c1\",\"c2\"],\"execute_concurrently\":true}");
	assert_next("\"error\":\"client is not connected\",\"result\":null");
	rp_fake_answer(rp_job_client_order(rig, 0), RP_EDENIED, "no");
	assert_next("\"pid\":null");
	assert_non_null(
	    strstr((char *)rp_buf_head(&user.message), "\"error\":\"client error: no\""));
	assert_closed(1000);
}

/* A second message ends the connection; the job goes on. */
static void test_second_message(void **state)
{
	(void)state;
	open_ws();
	rp_ws_user_send(&user, ONE);
	rp_ws_user_settle(&user);
	rp_job_client_start(rig, 0);
	rp_ws_user_send(&user, "stop");
	assert_closed(1000);
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, "x");
	assert_int_equal(rp_api_rig_get(rig, "admin", "/clients/c1/commands"), 200);
	assert_non_null(strstr(rig->body, "\"status\":\"successful\""));
	/* Begin and end are audited, as with any other way to start a command. */
	assert_int_equal(rp_api_rig_get(rig, "admin",
	                     "/auditlog?filter[username]=admin&filter[client_id]=c1"
	                     "&filter[application]=client.command"),
	    200);
	assert_non_null(strstr(rig->body, "\"action\":\"execute.start\""));
	assert_non_null(strstr(rig->body, "\"action\":\"execute.done\""));
	assert_non_null(strstr(rig->body, "\"meta\":{\"count\":2}"));
}

static void test_reader_goes(void **state)
{
	(void)state;
	open_ws();
	rp_ws_user_send(&user, ONE);
	rp_ws_user_settle(&user);
	rp_job_client_start(rig, 0);
	rp_ws_user_settle(&user);
	rp_ws_user_close(&user);
	open_ws();
	rp_ws_user_settle(&user);
	rp_job_client_print(rig, 0, 1, rp_str_c("for nobody"));
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, NULL);
	rp_ws_user_close(&user);
	assert_int_equal(rp_api_rig_get(rig, "admin", "/commands"), 200);
	assert_non_null(strstr(rig->body, "\"meta\":{\"count\":1}"));
}

/* With a reader that does not read nothing piles up: output is left out with a note, ends come from
 * the database when there is room. */
static void test_slow_reader(void **state)
{
	char *block = rp_malloc(30000);
	size_t pieces = 0;
	size_t ends = 0;
	bool noted = false;
	const char *got;
	(void)state;
	memset(block, 'x', 30000);
	open_ws();
	rp_ws_user_send(&user,
	    "{\"command\":\"id\",\"client_ids\":[\"c1\",\"c2\"],\"execute_concurrently\":true}");
	rp_ws_user_settle(&user);
	rp_job_client_start(rig, 0);
	rp_job_client_start(rig, 1);
	for (int i = 0; i < 2000; i++) {
		rp_job_client_print(rig, 0, 1, rp_str_n(block, 30000));
		(void)uv_run(rp_loop_uv(rig->store.loop), UV_RUN_NOWAIT);
	}
	assert_int_equal(rp_fake_taken(rig->workers), 2000 * 30000);
	rp_job_client_end(rig, 1, RP_JOB_SUCCESSFUL, "two");
	/* It reads again. */
	while (!noted) {
		rp_job_client_print(rig, 0, 2, rp_str_c("."));
		got = rp_ws_user_next(&user);
		assert_non_null(got);
		noted = strstr(got, "were left out") != NULL;
	}
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, "all of it");
	while ((got = rp_ws_user_next(&user)) != NULL) {
		bool end = strstr(got, "\"status\":\"successful\"") != NULL;
		pieces += !end;
		ends += end;
	}
	assert_int_equal(user.closed, 1000);
	assert_int_equal(ends, 2);
	assert_true(pieces < 2000 * 30000 / RP_OUTPUT_PIECE_MAX);
	rp_free(block);
	rp_ws_user_close(&user);
}

/* A login that ends takes its sockets along. */
static void test_logout(void **state)
{
	char path[2048];
	char token[1024];
	char bearer[1100];
	(void)state;
	assert_int_equal(rp_api_rig_get(rig, "admin", "/login"), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(path, sizeof(path), "/ws/scripts?access_token=%s", token);
	(void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	assert_int_equal(open_as(path, ""), 101);
	rp_api_ws_check_all(rig->api);
	rp_ws_user_settle(&user);
	assert_int_equal(sockets(), 1);
	assert_int_equal(ask(bearer, "DELETE", "/logout", NULL), 204);
	rp_api_ws_check_all(rig->api);
	assert_closed(1008);
	assert_int_equal(user.pings, 1);
}

/* The server stops: sockets are closed, in whatever state they are. */
static void test_stop(void **state)
{
	struct rp_ws_user idle;
	(void)state;
	assert_int_equal(rp_ws_user_open(&idle, rig, "/ws/commands", admin), 101);
	open_ws();
	rp_ws_user_send(&user, ONE);
	rp_ws_user_settle(&user);
	rp_job_client_start(rig, 0);
	rp_api_rig_restart(rig);
	rp_job_client_open(rig);
	assert_closed(1001);
	rp_ws_user_close(&idle);
}

/* Pages to try it with */

static void test_pages(void **state)
{
	static const char *const paths[] = {
	    "/test/commands/ui", "/test/scripts/ui", "/test/uploads/ui"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		assert_int_equal(ask(NULL, "GET", paths[i], NULL), 404);
	}
	rp_api_rig_close(rig);
	rig = rp_api_rig_open("enable_ws_test_endpoints = true");
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		assert_int_equal(ask(NULL, "GET", paths[i], NULL), 200);
		assert_non_null(strstr(
		    rig->reply, "Content-Security-Policy: default-src 'none'; script-src 'nonce-"));
		assert_non_null(strstr(rig->body, paths[i]));
		assert_non_null(strstr(rig->body, "</html>\n"));
	}
}

/* Where output is cut */

static void test_cut(void **state)
{
	uint8_t long_text[RP_OUTPUT_PIECE_MAX + 8];
	(void)state;
#define CUT(text) rp_output_cut((const uint8_t *)(text), sizeof(text) - 1)
	assert_int_equal(CUT(""), 0);
	assert_int_equal(CUT("abc"), 3);
	assert_int_equal(CUT("\xc3"), 0);
	assert_int_equal(CUT("a\xc3"), 1);
	assert_int_equal(CUT("\xc3\xa4"), 2);
	assert_int_equal(CUT("a\xe2\x82"), 1);
	assert_int_equal(CUT("\xe2\x82\xac"), 3);
	assert_int_equal(CUT("a\xf0\x9f\x98"), 1);
	assert_int_equal(CUT("\xf0\x9f\x98\x80"), 4);
	/* No UTF-8: never kept back for long. */
	assert_int_equal(CUT("\x80\x80\x80\x80"), 4);
	assert_int_equal(CUT("\xff\x80\x80\x80"), 4);
	memset(long_text, 'a', sizeof(long_text));
	assert_int_equal(rp_output_cut(long_text, sizeof(long_text)), RP_OUTPUT_PIECE_MAX);
	memcpy(long_text + RP_OUTPUT_PIECE_MAX - 1, "\xc3\xa4", 2);
	assert_int_equal(rp_output_cut(long_text, sizeof(long_text)), RP_OUTPUT_PIECE_MAX - 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, close_rig)
	const struct CMUnitTest tests[] = {
	    T(test_credentials),
	    T(test_origin),
	    T(test_no_handshake),
	    T(test_number),
	    T(test_wrong_messages),
	    T(test_request_errors),
	    T(test_lenient),
	    T(test_live),
	    T(test_announce),
	    T(test_characters),
	    T(test_foreign_output),
	    T(test_ends),
	    T(test_second_message),
	    T(test_reader_goes),
	    T(test_slow_reader),
	    T(test_logout),
	    T(test_stop),
	    T(test_pages),
	    cmocka_unit_test(test_cut),
	};
	return cmocka_run_group_tests_name("api_ws", tests, NULL, NULL);
}
