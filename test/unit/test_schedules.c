/* SPDX-License-Identifier: MIT */
/*
 * Schedules over the API (rport-api 4.8): answers and errors, runs by a clock of the test that also
 * jumps, overlaps, what survives a restart.
 */
#include "server/schedules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/lib/api_short.h"

#define FAIL2(t, d) "{\"errors\":[{\"code\":\"\",\"title\":\"" t "\",\"detail\":\"" d "\"}]}"
#define COMMAND(cron)                                                                          \
	"{\"name\":\"n\",\"schedule\":\"" cron "\",\"type\":\"command\",\"command\":\"date\"," \
	"\"client_ids\":[\"c1\"]}"

static void clock_at(const char *text)
{
	int64_t t;
	assert_int_equal(rp_time_parse(rp_str_c(text), &t), 0);
	rp_api_rig_clock(t);
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
	clock_at("2026-11-28T12:00:30Z");
	rig = rp_api_rig_open(NULL);
	rp_api_rig_client(rig, "c1", "staff");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_api_rig_close(rig);
	rp_api_rig_clock(0);
	return 0;
}

static void make(const char *body, char path[static 64])
{
	char id[48];
	unsigned status = ask(ADMIN, "POST", "/schedules", body);
	if (status != 201) {
		fail_msg("%u %s", status, rig->body);
	}
	rp_api_rig_text(rig, "id", id, sizeof(id));
	(void)snprintf(path, 64, "/schedules/%s", id);
}

/* --- answers --- */

static void test_form(void **state)
{
	char path[64];
	char want[1024];
	char id[48];
	char at[64];
	(void)state;
	assert_reply(200, "{\"data\":{\"data\":[],\"meta\":{\"count\":0}}}",
	    ask(ADMIN, "GET", "/schedules", NULL));
	make(COMMAND("0 3 * * *"), path);
	rp_api_rig_text(rig, "id", id, sizeof(id));
	rp_api_rig_text(rig, "created_at", at, sizeof(at));
	(void)snprintf(want, sizeof(want),
	    "{\"id\":\"%s\",\"created_at\":\"%s\",\"created_by\":\"admin\",\"name\":\"n\","
	    "\"schedule\":\"0 3 * * *\",\"type\":\"command\",\"client_ids\":[\"c1\"],"
	    "\"group_ids\":null,\"tags\":null,\"command\":\"date\",\"interpreter\":\"\",\"cwd\":\"\","
	    "\"is_sudo\":false,\"timeout_sec\":0,\"execute_concurrently\":false,"
	    "\"abort_on_error\":null,\"overlaps\":false,\"last_execution\":null}",
	    id, at);
	char whole[1200];
	(void)snprintf(whole, sizeof(whole), "{\"data\":%s}", want);
	assert_string_equal(rig->body, whole);
	assert_reply(200, whole, ask(BOB, "GET", path, NULL));
	(void)snprintf(
	    whole, sizeof(whole), "{\"data\":{\"data\":[%s],\"meta\":{\"count\":1}}}", want);
	assert_reply(200, whole, ask(ADMIN, "GET", "/schedules", NULL));

	/* What was read may be sent back, with changes; the creator stays. */
	(void)snprintf(whole, sizeof(whole),
	    "{\"id\":\"x\",\"created_at\":\"2020-01-01T00:00:00Z\",\"created_by\":\"y\",\"name\":\"m\","
	    "\"schedule\":\"CRON_TZ=UTC @hourly\",\"type\":\"script\",\"script\":\"cHdk\","
	    "\"client_ids\":[],\"group_ids\":null,\"tags\":null,\"interpreter\":\"bash\","
	    "\"cwd\":\"/tmp\",\"is_sudo\":true,\"timeout_sec\":7,\"execute_concurrently\":true,"
	    "\"abort_on_error\":false,\"overlaps\":true,\"last_execution\":{\"started_at\":\"z\"}}");
	assert_int_equal(ask(BOB, "PUT", path, whole), 400);
	assert_part("at least 1 client should be specified");
	char *list = strstr(whole, "[]");
	memmove(list + strlen("[\"c1\"]"), list + 2, strlen(list + 2) + 1);
	memcpy(list, "[\"c1\"]", strlen("[\"c1\"]"));
	assert_int_equal(ask(BOB, "PUT", path, whole), 200);
	(void)snprintf(want, sizeof(want),
	    "{\"data\":{\"id\":\"%s\",\"created_at\":\"%s\",\"created_by\":\"admin\",\"name\":\"m\","
	    "\"schedule\":\"CRON_TZ=UTC @hourly\",\"type\":\"script\",\"client_ids\":[\"c1\"],"
	    "\"group_ids\":null,\"tags\":null,\"script\":\"cHdk\",\"interpreter\":\"bash\","
	    "\"cwd\":\"/tmp\",\"is_sudo\":true,\"timeout_sec\":7,\"execute_concurrently\":true,"
	    "\"abort_on_error\":false,\"overlaps\":true,\"last_execution\":null}}",
	    id, at);
	assert_string_equal(rig->body, want);
	assert_reply(204, "", ask(BOB, "DELETE", path, NULL));
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 404);
	assert_part("Cannot find a schedule by the provided id: ");
	assert_int_equal(ask(ADMIN, "DELETE", path, NULL), 404);
	assert_int_equal(ask(ADMIN, "PUT", path, whole), 404);
}

static const struct {
	const char *body;
	unsigned status;
	const char *want;
} mistakes[] = {
    {NULL, 400, FAIL("Missing body with json data.")},
    {"{\"cron\":1}", 400, FAIL2("Invalid JSON data.", "json: unknown field \\\"cron\\\"")},
    {"{}", 400, FAIL2("Invalid type.", "type must be 'command' or 'script'")},
    {"{\"type\":\"job\"}", 400, FAIL2("Invalid type.", "type must be 'command' or 'script'")},
    {"{\"type\":\"command\"}", 400, FAIL2("Empty command.", "command cannot be empty")},
    {"{\"type\":\"script\",\"script\":\"\"}", 400,
        FAIL2("Empty script.", "script cannot be empty")},
    {"{\"type\":\"command\",\"command\":\"c\"}", 400, FAIL2("Invalid schedule.", "it is empty")},
    {COMMAND("61 * * * *"), 400,
        FAIL2("Invalid schedule.", "minute: \\\"61\\\" is not within 0-59")},
    {COMMAND("0 0 30 2 *"), 400, FAIL2("Invalid schedule.", "there is no such day")},
    {COMMAND("TZ=No/Where @daily"), 400,
        FAIL2("Invalid schedule.", "the time zone No/Where is unknown on this server")},
    {COMMAND("TZ=../../etc/passwd @daily"), 400,
        FAIL2("Invalid schedule.", "this is no name of a time zone")},
    {"{\"type\":\"command\",\"command\":\"c\",\"schedule\":\"@daily\"}", 400,
        FAIL2("Missing targeting parameters.", "")},
    {"{\"type\":\"command\",\"command\":\"c\",\"schedule\":\"@daily\",\"client_ids\":[\"c1\"],"
     "\"timeout_sec\":-1}",
        400, FAIL2("Invalid timeout_sec.", "it cannot be negative")},
};

static void test_errors(void **state)
{
	char path[64];
	(void)state;
	make(COMMAND("@daily"), path);
	for (size_t i = 0; i < RP_ARRAY_LEN(mistakes); i++) {
		unsigned status = ask(ADMIN, "POST", "/schedules", mistakes[i].body);
		/* The words about targets are those of POST /commands. */
		size_t n = strcspn(mistakes[i].want, ".");
		if (status != mistakes[i].status ||
		    (strstr(mistakes[i].want, "argeting") == NULL
		            ? strcmp(rig->body, mistakes[i].want)
		            : strncmp(rig->body, mistakes[i].want, n)) != 0) {
			fail_msg("%s: %u %s\nwanted %s", mistakes[i].body, status, rig->body,
			    mistakes[i].want);
		}
		assert_int_equal(ask(ADMIN, "PUT", path, mistakes[i].body), 400);
	}
}

/* Those of which a part is enough. */
static void test_error_parts(void **state)
{
	char path[64];
	(void)state;
	make(COMMAND("@daily"), path);
	assert_int_equal(ask(ADMIN, "POST", "/schedules",
	                     "{\"type\":\"script\",\"script\":\"%\",\"schedule\":\"@daily\","
	                     "\"client_ids\":[\"c1\"]}"),
	    400);
	assert_part("base64");
	assert_int_equal(ask(ADMIN, "POST", "/schedules",
	                     "{\"type\":\"command\",\"command\":\"c\",\"schedule\":\"@daily\","
	                     "\"client_ids\":[\"c1\"],\"interpreter\":\"perl\"}"),
	    400);
	assert_part("Invalid interpreter.");
	assert_int_equal(ask(ADMIN, "POST", "/schedules",
	                     "{\"type\":\"command\",\"command\":\"c\",\"schedule\":\"@daily\","
	                     "\"client_ids\":[\"c9\"]}"),
	    404);
	assert_part("c9");
	assert_int_equal(ask(ADMIN, "POST", "/schedules",
	                     "{\"type\":\"command\",\"command\":\"c\",\"schedule\":\"@daily\","
	                     "\"client_ids\":\"c1\"}"),
	    400);
	assert_part("client_ids is not an array of strings");
	rp_api_rig_client(rig, "c2", "others");
	assert_int_equal(ask(BOB, "POST", "/schedules",
	                     "{\"type\":\"command\",\"command\":\"c\",\"schedule\":\"@daily\","
	                     "\"client_ids\":[\"c1\",\"c2\"]}"),
	    403);
	assert_part("Access denied to client(s) with ID(s): c2");
	assert_int_equal(ask(BOB, "PUT", path,
	                     "{\"type\":\"command\",\"command\":\"c\",\"schedule\":\"@daily\","
	                     "\"client_ids\":[\"c2\"]}"),
	    403);
	assert_int_equal(
	    ask(ADMIN, "GET", "/schedules?sort=schedule&filter[tags]=x&page[limit]=101", NULL),
	    400);
	assert_part("unsupported sort field 'schedule'");
	assert_part("unsupported filter field 'filter[tags]'");
	assert_part("pagination limit too big (101) maximum is 100");
}

static void test_filters(void **state)
{
	char path[64];
	(void)state;
	rp_api_rig_client(rig, "c2", NULL);
	make(COMMAND("@daily"), path);
	make("{\"name\":\"two\",\"schedule\":\"@weekly\",\"type\":\"script\",\"script\":\"cHdk\","
	     "\"client_ids\":[\"c1\",\"c2\"]}",
	    path);
	assert_int_equal(ask(ADMIN, "GET", "/schedules?filter[client_ids]=C2", NULL), 200);
	assert_part("\"name\":\"two\"");
	assert_part("\"meta\":{\"count\":1}");
	assert_int_equal(
	    ask(ADMIN, "GET", "/schedules?filter[client_ids]=c1&filter[type]=command", NULL), 200);
	assert_part("\"name\":\"n\"");
	assert_part("\"meta\":{\"count\":1}");
	assert_int_equal(
	    ask(ADMIN, "GET", "/schedules?filter[client_ids]=c1&sort=-name&page[limit]=1", NULL),
	    200);
	assert_part("\"data\":[{\"id\"");
	assert_part("\"name\":\"two\"");
	assert_part("\"meta\":{\"count\":2}");
	assert_int_equal(ask(ADMIN, "GET", "/schedules?filter[group_ids]=g", NULL), 200);
	assert_part("\"meta\":{\"count\":0}");
	rp_api_rig_restart(rig);
	assert_int_equal(ask(ADMIN, "GET", "/schedules?filter[name]=T*", NULL), 200);
	assert_part("\"client_ids\":[\"c1\",\"c2\"]");
	assert_part("\"meta\":{\"count\":1}");
}

/* --- runs --- */

/* Everything that is under way gets where it is going: to the database and on. */
static void settle(void)
{
	for (int i = 0; i < 10; i++) {
		rp_store_rig_sync(&rig->store);
	}
}

/* The orders to clients that came with the clock at that time; they wait for their answers. */
static size_t orders_at(const char *time)
{
	clock_at(time);
	rp_schedules_look(rig->schedules);
	settle();
	return rp_fake_count(rig->workers);
}

/* Answers the orders; their processes run. jid is the last one's. */
static void start_all(char jid[static 48])
{
	size_t n = rp_fake_count(rig->workers);
	for (size_t i = 0; i < n; i++) {
		struct rp_fake_order *o = rp_fake_order(rig->workers, i);
		const char *at = strstr(o->text, "\"jid\":\"");
		assert_non_null(at);
		(void)snprintf(jid, 48, "%.36s", at + 7);
		rp_fake_answer(o, 0, "{\"pid\":5,\"started_at\":\"2026-11-28T12:00:00Z\"}");
	}
	rp_fake_clear(rig->workers);
	settle();
}

static void finish(const char *jid, const char *status)
{
	char text[512];
	(void)snprintf(text, sizeof(text),
	    "{\"jid\":\"%s\",\"status\":\"%s\",\"finished_at\":\"2026-11-28T12:00:09Z\","
	    "\"result\":{\"stdout\":\"o\",\"stderr\":\"\",\"summary\":\"fine\"}}",
	    jid, status);
	rp_jobs_result(rig->jobs, "c1", text, strlen(text));
	settle();
}

static void run_to_the_end(void)
{
	char jid[48];
	start_all(jid);
	finish(jid, "successful");
}

static void test_run(void **state)
{
	char path[64];
	char jid[48];
	char query[128];
	(void)state;
	make("{\"name\":\"n\",\"schedule\":\"* * * * *\",\"type\":\"command\",\"command\":\"date\","
	     "\"client_ids\":[\"c1\"],\"cwd\":\"/tmp\",\"timeout_sec\":33}",
	    path);
	assert_int_equal(orders_at("2026-11-28T12:00:59Z"), 0);
	assert_int_equal(orders_at("2026-11-28T12:01:00Z"), 1);
	const char *text = rp_fake_order(rig->workers, 0)->text;
	assert_string_equal(rp_fake_order(rig->workers, 0)->name, "run_cmd");
	assert_non_null(strstr(text, "\"command\":\"date\",\"cwd\":\"/tmp\""));
	assert_non_null(strstr(text, "\"created_by\":\"admin\",\"timeout_sec\":33"));
	assert_non_null(strstr(text, path + strlen("/schedules/")));
	start_all(jid);
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 200);
	assert_part(
	    "\"last_execution\":{\"started_at\":\"2026-11-28T12:01:00Z\",\"client_count\":1,"
	    "\"success_count\":0,\"status\":\"running\",\"summary\":null}");
	finish(jid, "successful");
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 200);
	assert_part("\"client_count\":1,\"success_count\":1,\"status\":\"successful\","
	            "\"summary\":\"fine\"}");
	/* Jobs say what made them. */
	(void)snprintf(
	    query, sizeof(query), "/clients/c1/commands?filter[schedule_id]=%s", path + 11);
	assert_int_equal(ask(ADMIN, "GET", query, NULL), 200);
	assert_part("\"meta\":{\"count\":1}");
	(void)snprintf(query, sizeof(query), "/commands?filter[schedule_id]=%s", path + 11);
	assert_int_equal(ask(ADMIN, "GET", query, NULL), 200);
	assert_part("\"meta\":{\"count\":1}");
	/* They go with it. */
	assert_int_equal(ask(ADMIN, "DELETE", path, NULL), 204);
	assert_int_equal(orders_at("2026-11-28T12:02:00Z"), 0);
	assert_int_equal(ask(ADMIN, "GET", "/commands", NULL), 200);
	assert_part("\"meta\":{\"count\":0}");
	assert_int_equal(ask(ADMIN, "GET", "/clients/c1/commands", NULL), 200);
	assert_part("\"meta\":{\"count\":0}");
}

static void test_script(void **state)
{
	char path[64];
	(void)state;
	rp_api_rig_client(rig, "c2", NULL);
	make(
	    "{\"schedule\":\"@every 10s\",\"type\":\"script\",\"script\":\"ZWNobyBoaQ==\","
	    "\"client_ids\":[\"c1\",\"c2\"],\"execute_concurrently\":true,\"interpreter\":\"bash\"}",
	    path);
	assert_int_equal(orders_at("2026-11-28T12:00:39Z"), 0);
	assert_int_equal(orders_at("2026-11-28T12:00:40Z"), 2);
	const char *text = rp_fake_order(rig->workers, 0)->text;
	assert_non_null(strstr(text, "\"command\":\"echo hi\""));
	assert_non_null(strstr(text, "\"interpreter\":\"bash\""));
	assert_non_null(strstr(text, "\"is_script\":true"));
	char jid[48];
	start_all(jid);
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 200);
	assert_part("\"client_count\":2,\"success_count\":0,\"status\":null,\"summary\":null}");
}

/* A client that is gone does not keep the others from their run; nobody left is no run. */
static void test_gone_client(void **state)
{
	char path[64];
	(void)state;
	rp_api_rig_client(rig, "c2", NULL);
	make("{\"schedule\":\"* * * * *\",\"type\":\"command\",\"command\":\"d\",\"overlaps\":true,"
	     "\"client_ids\":[\"c2\",\"c1\"]}",
	    path);
	make("{\"schedule\":\"* * * * *\",\"type\":\"command\",\"command\":\"d\","
	     "\"client_ids\":[\"c2\"]}",
	    path);
	rp_api_rig_restart(rig); /* nobody is connected any more */
	assert_int_equal(ask(ADMIN, "DELETE", "/clients/c2", NULL), 204);
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(orders_at("2026-11-28T12:01:00Z"), 1);
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 200);
	assert_part("\"last_execution\":null");
}

static void test_overlaps(void **state)
{
	char path[64];
	char jid[48];
	(void)state;
	make(COMMAND("* * * * *"), path);
	assert_int_equal(orders_at("2026-11-28T12:01:00Z"), 1);
	/* Not even answered yet. */
	rp_schedules_look(rig->schedules);
	clock_at("2026-11-28T12:02:00Z");
	rp_schedules_look(rig->schedules);
	settle();
	assert_int_equal(rp_fake_count(rig->workers), 1);
	start_all(jid);
	assert_int_equal(orders_at("2026-11-28T12:03:00Z"), 0);
	/* What the last server started counts too. */
	rp_api_rig_restart(rig);
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(orders_at("2026-11-28T12:04:00Z"), 0);
	finish(jid, "failed");
	assert_int_equal(orders_at("2026-11-28T12:05:00Z"), 1);
	run_to_the_end();
	assert_int_equal(ask(ADMIN, "DELETE", path, NULL), 204);

	make("{\"schedule\":\"* * * * *\",\"type\":\"command\",\"command\":\"d\",\"overlaps\":true,"
	     "\"client_ids\":[\"c1\"]}",
	    path);
	assert_int_equal(orders_at("2026-11-28T12:06:00Z"), 1);
	start_all(jid);
	assert_int_equal(orders_at("2026-11-28T12:07:00Z"), 1);
}

static void test_change(void **state)
{
	char path[64];
	(void)state;
	make(COMMAND("* * * * *"), path);
	assert_int_equal(ask(ADMIN, "PUT", path, COMMAND("30 12 * * *")), 200);
	assert_int_equal(orders_at("2026-11-28T12:29:59Z"), 0);
	assert_int_equal(orders_at("2026-11-28T12:30:00Z"), 1);
}

/* --- clocks that jump --- */

static void test_forward(void **state)
{
	char path[64];
	(void)state;
	make(COMMAND("*/5 * * * *"), path);
	/* Ten times of it are jumped over: one run. */
	assert_int_equal(orders_at("2026-11-28T12:52:10Z"), 1);
	run_to_the_end();
	assert_int_equal(orders_at("2026-11-28T12:52:20Z"), 0);
	assert_int_equal(orders_at("2026-11-28T12:55:00Z"), 1);
	run_to_the_end();
	/* Too late. */
	assert_int_equal(orders_at("2026-11-30T07:01:00Z"), 0);
	assert_int_equal(orders_at("2026-11-30T07:05:00Z"), 1);
}

static void test_back(void **state)
{
	char daily[64];
	char minutely[64];
	(void)state;
	make(COMMAND("30 12 * * *"), daily);
	assert_int_equal(orders_at("2026-11-28T12:30:00Z"), 1);
	run_to_the_end();
	/* Two hours back: the time of day was used. */
	assert_int_equal(orders_at("2026-11-28T10:30:00Z"), 0);
	assert_int_equal(orders_at("2026-11-28T12:30:00Z"), 0);
	assert_int_equal(orders_at("2026-11-29T12:30:00Z"), 1);
	run_to_the_end();
	/* Days back: that clock was wrong. */
	assert_int_equal(orders_at("2026-11-20T10:00:00Z"), 0);
	assert_int_equal(orders_at("2026-11-20T12:30:00Z"), 1);
	run_to_the_end();
	assert_int_equal(ask(ADMIN, "DELETE", daily, NULL), 204);

	make(COMMAND("* * * * *"), minutely);
	assert_int_equal(orders_at("2026-11-20T12:31:00Z"), 1);
	run_to_the_end();
	/* A second back: not the same minute again; an hour back: every minute still has its run. */
	assert_int_equal(orders_at("2026-11-20T12:30:59Z"), 0);
	assert_int_equal(orders_at("2026-11-20T12:31:00Z"), 0);
	assert_int_equal(orders_at("2026-11-20T12:32:00Z"), 1);
	run_to_the_end();
	assert_int_equal(orders_at("2026-11-20T11:32:10Z"), 0);
	assert_int_equal(orders_at("2026-11-20T11:33:00Z"), 1);
}

/* --- restarts --- */

static void test_restart(void **state)
{
	char path[64];
	(void)state;
	make(COMMAND("@every 1h"), path); /* at 13:00:30 */
	clock_at("2026-11-28T12:50:00Z");
	rp_api_rig_restart(rig);
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(orders_at("2026-11-28T13:00:29Z"), 0);
	assert_int_equal(orders_at("2026-11-28T13:00:30Z"), 1);
	run_to_the_end();
	/* Missed while the server was down: a minute after its start, once. */
	clock_at("2026-11-28T14:10:00Z");
	rp_api_rig_restart(rig);
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(orders_at("2026-11-28T14:10:59Z"), 0);
	assert_int_equal(orders_at("2026-11-28T14:11:00Z"), 1);
	run_to_the_end();
	assert_int_equal(orders_at("2026-11-28T15:10:59Z"), 0);
	assert_int_equal(orders_at("2026-11-28T15:11:00Z"), 1);
	run_to_the_end();
	/* Down for too long. */
	clock_at("2026-11-29T09:00:00Z");
	rp_api_rig_restart(rig);
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(orders_at("2026-11-29T09:01:00Z"), 0);
	assert_int_equal(orders_at("2026-11-29T10:01:00Z"), 1);
	run_to_the_end();
	/* The last run was by a clock that was a year ahead. */
	clock_at("2025-11-29T09:00:00Z");
	rp_api_rig_restart(rig);
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(orders_at("2025-11-29T10:00:00Z"), 1);
}

/* A time of the day that was used before the restart stays used when the clock is put back. */
static void test_restart_back(void **state)
{
	char path[64];
	(void)state;
	make(COMMAND("30 12 * * *"), path);
	assert_int_equal(orders_at("2026-11-28T12:30:00Z"), 1);
	run_to_the_end();
	clock_at("2026-11-28T12:10:00Z");
	rp_api_rig_restart(rig);
	rp_api_rig_client(rig, "c1", NULL);
	assert_int_equal(orders_at("2026-11-28T12:30:00Z"), 0);
	assert_int_equal(orders_at("2026-11-29T12:30:00Z"), 1);
}

/* The timer itself, with the real clock. */
static void test_timer(void **state)
{
	char path[64];
	uint64_t end = rp_clock_ms() + 10000;
	(void)state;
	rp_api_rig_clock(0);
	make(COMMAND("@every 1s"), path);
	while (rp_fake_count(rig->workers) == 0 && rp_clock_ms() < end) {
		settle();
		(void)uv_run(rp_loop_uv(rig->store.loop), UV_RUN_ONCE);
	}
	assert_int_equal(rp_fake_count(rig->workers), 1);
}

static int fill_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	(void)arg;
	return rp_db_exec(db,
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
	    " INSERT INTO schedules (id, created_at, created_by, name, schedule, type, details)"
	    " SELECT i, '', '', '', CASE WHEN i < 3 THEN '@fortnightly' ELSE '@daily' END,"
	    " 'command', 'x' FROM n",
	    err);
}

static void test_full(void **state)
{
	const struct rp_store_job job = {.work = fill_work};
	(void)state;
	assert_int_equal(rp_store_submit(rig->store.store, &job), 0);
	settle();
	assert_int_equal(RP_SCHEDULES_MAX, 1000);
	assert_reply(400, FAIL("there are at most 1000 schedules"),
	    ask(ADMIN, "POST", "/schedules", COMMAND("@daily")));
	/* Rows that nobody here has written do not keep the server from starting. */
	rp_api_rig_restart(rig);
	assert_int_equal(ask(ADMIN, "GET", "/schedules/1", NULL), 200);
	assert_part("\"schedule\":\"@fortnightly\"");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_form),
	    T(test_errors),
	    T(test_error_parts),
	    T(test_filters),
	    T(test_run),
	    T(test_script),
	    T(test_gone_client),
	    T(test_overlaps),
	    T(test_change),
	    T(test_forward),
	    T(test_back),
	    T(test_restart),
	    T(test_restart_back),
	    T(test_timer),
	    T(test_full),
	};
	return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
