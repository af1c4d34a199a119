/* SPDX-License-Identifier: MIT */
/*
 * Commands on one client and their results.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/api_raw.h"

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
	assert_int_equal(rp_fake_count(rig->workers), 0);
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
		rp_fake_answer(rp_api_rig_wait_order(rig, i + 1), cases[i].code, cases[i].text);
		(void)snprintf(want, sizeof(want), FAIL("%s"), cases[i].title);
		assert_reply(cases[i].status, want, rp_api_rig_finish(rig));
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
	    "{\"command\":\"/usr/bin/date\",\"script\":\"\",\"cwd\":\"/\",\"timeout_sec\":5}");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0,
	    "{\"Pid\":2672,\"StartedAt\":\"2026-01-02T03:04:05Z\"}");
	assert_int_equal(rp_api_rig_finish(rig), 200);
	assert_int_equal(strlen(rig->body), strlen("{\"data\":{\"jid\":\"\"}}") + 36);
	(void)snprintf(jid, sizeof(jid), "%.36s", rig->body + strlen("{\"data\":{\"jid\":\""));
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
	rp_jobs_result(rig->jobs, "c1", result, strlen(result));
	rp_store_rig_sync(&rig->store);
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
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0,
	    "{\"Pid\":2672,\"StartedAt\":\"2026-01-02T03:04:05Z\"}");
	assert_int_equal(rp_api_rig_finish(rig), 200);
	(void)snprintf(path, sizeof(path), "/clients/c1/commands/%.36s",
	    rig->body + strlen("{\"data\":{\"jid\":\""));
	size_t n = 200000;
	char *out = rp_malloc(n + 1);
	memset(out, 'x', n);
	out[n] = '\0';
	char *result = rp_asprintf(
	    "{\"jid\":\"%s\",\"status\":\"failed\",\"result\":{\"stdout\":\"%s\\u0001<\xff\"}}",
	    path + strlen("/clients/c1/commands/"), out);
	rp_jobs_result(rig->jobs, "c1", result, strlen(result));
	rp_store_rig_sync(&rig->store);
	assert_int_equal(get(path), 200);
	assert_true(strlen(rig->body) > n);
	assert_non_null(strstr(rig->body, "\\u0001\\u003c\xef\xbf\xbd\""));
	assert_true(rp_utf8_valid(rig->body, strlen(rig->body)));
	rp_free(result);
	rp_free(out);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_command_errors),
	    T(test_command_refused),
	    T(test_command),
	    T(test_large_result),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
