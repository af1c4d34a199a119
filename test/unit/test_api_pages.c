/* SPDX-License-Identifier: MIT */
/*
 * Calls that the dashboard's pages need beyond the original's: preview of schedules, settings, sessions,
 * jobs of all clients and stopping one on many.
 */
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
#include "test/lib/job_client.h"

#define TOKEN_MAX 1024

static int setup(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	rp_job_client_open(rig);
	rp_api_rig_client(rig, "one", "staff");
	rp_api_rig_client(rig, "two", "staff");
	return 0;
}

static void answers(unsigned status, const char *path, const char *text)
{
	unsigned got = ask(ADMIN, "GET", path, NULL);
	if (got != status || strstr(rig->body, text) == NULL) {
		fail_msg("%s: %u %s", path, got, rig->body);
	}
}

static size_t count(const char *text)
{
	size_t n = 0;
	for (const char *at = rig->body; (at = strstr(at, text)) != NULL; at++) {
		n++;
	}
	return n;
}

/* --- schedules --- */

static void test_preview(void **state)
{
	(void)state;
	answers(200, "/schedules/preview?schedule=0+3+*+*+*&tz=Asia/Tokyo", "T03:00:00+09:00\"}");
	assert_int_equal(count("\"time\":\""), 5);
	assert_int_equal(count("T18:00:00Z\""), 5);
	answers(200, "/schedules/preview?schedule=CRON_TZ=America/St_Johns+30+12+1+1+*&count=2",
	    "-01-01T12:30:00-03:30\"}");
	assert_int_equal(count("\"time\":\""), 2);
	answers(200, "/schedules/preview?schedule=@every+90s&count=20&tz=UTC", "+00:00\"}");
	assert_int_equal(count("\"time\":\""), 20);
	/* In the server's zone, whatever that is. */
	answers(200, "/schedules/preview?schedule=@hourly", "{\"data\":{\"next\":[{\"time\":\"");
}

static void test_no_preview(void **state)
{
	static const struct {
		const char *query;
		const char *text;
	} cases[] = {
	    {"", "it is empty"},
	    {"schedule=0+25+*+*+*", "Invalid schedule."},
	    {"schedule=0+0+30+2+*", "there is no such day"},
	    {"schedule=@hourly&tz=Nowhere/City", "Invalid schedule."},
	    {"schedule=@hourly&tz=../../etc/passwd", "Invalid schedule."},
	    {"schedule=*+*+*+*&tz=UTC+*", "tz is the name of a time zone"},
	    {"schedule=@hourly&count=0", "from 1 to 20"},
	    {"schedule=@hourly&count=21", "from 1 to 20"},
	    {"schedule=@hourly&count=x", "from 1 to 20"},
	};
	char path[128];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		(void)snprintf(path, sizeof(path), "/schedules/preview?%s", cases[i].query);
		answers(400, path, cases[i].text);
	}
}

/* --- settings, sessions --- */

static void test_settings(void **state)
{
	(void)state;
	answers(200, "/settings", "\"max_filepush_size\":10485760,");
	assert_non_null(strstr(rig->body, "\"users_writable\":true,\"group_permissions\":false"));
	assert_non_null(strstr(rig->body, "\"password_min_length\":14,"));
}

static void log_in(const char *name, char bearer[static TOKEN_MAX + 8])
{
	char token[TOKEN_MAX];
	assert_int_equal(rp_api_rig_get(rig, name, "/login"), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	(void)snprintf(bearer, TOKEN_MAX + 8, "Bearer %s", token);
}

/* The id of the only session that is (not) the caller's own. */
static unsigned long long session_id(bool current)
{
	const char *at = strstr(rig->body, current ? "\"current\":true" : "\"current\":false");
	assert_non_null(at);
	while (strncmp(at, "\"session_id\":", 13) != 0) {
		assert_true(at > rig->body);
		at--;
	}
	return strtoull(at + 13, NULL, 10);
}

static void test_my_sessions(void **state)
{
	char first[TOKEN_MAX + 8];
	char second[TOKEN_MAX + 8];
	char other[TOKEN_MAX + 8];
	char path[64];
	(void)state;
	log_in("bob", first);
	log_in("bob", second);
	log_in("admin", other);
	assert_int_equal(ask(first, "GET", "/me/sessions", NULL), 200);
	assert_int_equal(count("\"username\":\"bob\""), 2);
	assert_int_equal(count("\"current\":true"), 1);
	unsigned long long id = session_id(false);
	(void)snprintf(path, sizeof(path), "/me/sessions/%llu", id);
	/* Somebody else's is none of mine. */
	assert_int_equal(ask(other, "DELETE", path, NULL), 404);
	assert_int_equal(ask(second, "GET", "/me", NULL), 200);
	assert_int_equal(ask(first, "DELETE", path, NULL), 204);
	assert_int_equal(ask(second, "GET", "/me", NULL), 401);
	assert_int_equal(ask(first, "DELETE", path, NULL), 404);
	assert_int_equal(ask(first, "DELETE", "/me/sessions/x", NULL), 400);
	/* One's own: signed out. */
	assert_int_equal(ask(first, "GET", "/me/sessions", NULL), 200);
	(void)snprintf(path, sizeof(path), "/me/sessions/%llu", session_id(true));
	assert_int_equal(ask(first, "DELETE", path, NULL), 204);
	assert_int_equal(ask(first, "GET", "/me", NULL), 401);
	/* Without a login none is the current one. */
	assert_int_equal(ask(ADMIN, "GET", "/me/sessions", NULL), 200);
	assert_int_equal(count("\"current\":true"), 0);
}

static void test_sessions(void **state)
{
	char bearer[TOKEN_MAX + 8];
	(void)state;
	log_in("bob", bearer);
	log_in("admin", bearer);
	answers(200, "/sessions", "\"username\":\"bob\"");
	assert_int_equal(count("\"username\":\"admin\""), 1);
	assert_int_equal(ask(BOB, "GET", "/sessions", NULL), 403);
}

/* --- jobs --- */

static void test_jobs(void **state)
{
	(void)state;
	assert_int_equal(ask(BOB, "POST", "/commands",
	                     "{\"command\":\"id\",\"client_ids\":[\"one\",\"two\"],"
	                     "\"execute_concurrently\":true}"),
	    200);
	rp_job_client_run(rig, 0, RP_JOB_SUCCESSFUL);
	rp_job_client_start(rig, 1);
	assert_int_equal(
	    ask(BOB, "GET", "/jobs?fields[jobs]=client_id,status,multi_job_id", NULL), 200);
	assert_int_equal(count("\"client_id\":\"one\""), 1);
	assert_int_equal(count("\"client_id\":\"two\""), 1);
	assert_non_null(strstr(rig->body, "\"meta\":{\"count\":2}"));
	answers(200, "/jobs?filter[status]=running", "\"meta\":{\"count\":1}");
	answers(200, "/jobs?filter[client_id]=one", "\"meta\":{\"count\":1}");
	answers(200, "/jobs?filter[created_by]=admin", "{\"data\":[],\"meta\":{\"count\":0}}");
	answers(400, "/jobs?sort=nothing", "unsupported sort field");
	rp_job_client_end(rig, 1, RP_JOB_SUCCESSFUL, NULL);
}

/* Others do not see what the administrator has started. */
static void test_jobs_of_others(void **state)
{
	(void)state;
	assert_int_equal(
	    ask(ADMIN, "POST", "/commands", "{\"command\":\"id\",\"client_ids\":[\"one\"]}"), 200);
	rp_job_client_run(rig, 0, RP_JOB_SUCCESSFUL);
	assert_int_equal(ask(BOB, "GET", "/jobs", NULL), 200);
	assert_string_equal(rig->body, "{\"data\":[],\"meta\":{\"count\":0}}");
}

static void test_stop(void **state)
{
	char id[64];
	char path[128];
	char stop[128];
	(void)state;
	assert_int_equal(
	    ask(ADMIN, "POST", "/commands",
	        "{\"command\":\"id\",\"client_ids\":[\"one\",\"two\"],\"abort_on_error\":false}"),
	    200);
	rp_api_rig_text(rig, "jid", id, sizeof(id));
	(void)snprintf(path, sizeof(path), "/commands/%s", id);
	(void)snprintf(stop, sizeof(stop), "/commands/%s/stop", id);
	rp_job_client_start(rig, 0);
	assert_int_equal(ask(BOB, "POST", stop, NULL), 403);
	assert_int_equal(ask(ADMIN, "POST", stop, NULL), 204);
	answers(200, path, "\"finished_at\":null");
	/* That there are two does not count any more. */
	answers(200, "/commands?fields[commands]=targets", "\"targets\":1}");
	/* The first goes on to its end; the second never starts. */
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, NULL);
	for (uint64_t end = rp_clock_ms() + 20000; ask(ADMIN, "POST", stop, NULL) != 409;) {
		assert_true(rp_clock_ms() < end);
	}
	assert_non_null(strstr(rig->body, "has ended already."));
	answers(200, path, "\"client_id\":\"one\"");
	assert_null(strstr(rig->body, "\"client_id\":\"two\""));
	assert_int_equal(rp_fake_count(rig->workers), 1);
	assert_int_equal(ask(ADMIN, "POST", "/commands/none/stop", NULL), 404);
	answers(200, "/auditlog?filter[action]=execute.stop", id);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, close_rig)
	const struct CMUnitTest tests[] = {
	    T(test_preview),
	    T(test_no_preview),
	    T(test_settings),
	    T(test_my_sessions),
	    T(test_sessions),
	    T(test_jobs),
	    T(test_jobs_of_others),
	    T(test_stop),
	};
	return cmocka_run_group_tests_name("api_pages", tests, NULL, NULL);
}
