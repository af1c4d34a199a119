/* SPDX-License-Identifier: MIT */
/*
 * Jobs: orders and results through a registry; results come late, forged, as garbage, never.
 */
#include "server/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/fake_workers.h"
#include "test/lib/jobs_short.h"
#include "test/lib/store_rig.h"

static const struct rp_conn_ref ref1 = {.worker = 0, .id = 1};

static void connect_client(const char *id, struct rp_conn_ref ref)
{
	const struct rp_conn_events *ev = rp_registry_events();
	struct rp_new_connection hello = {
	    .id = rp_strdup(id), .name = rp_strdup("first"), .version = rp_strdup("1.0.0")};
	ev->on_register(registry, ref, "192.0.2.1", "auth", &hello);
	rp_json_release(&rp_new_connection_table, &hello);
	ev->on_up(registry, ref, NULL, 0);
	rp_fake_clear(workers);
	assert_true(rp_client_connected(rp_registry_get(registry, id)));
}

static struct {
	bool done;
	int code;
	char jid[40];
	char text[256];
} started;

static void on_started(void *ctx, const char *jid, int code, const struct rp_err *err)
{
	(void)ctx;
	assert_false(started.done);
	started.done = true;
	started.code = code;
	assert_true((jid != NULL) == (code == 0));
	(void)snprintf(started.jid, sizeof(started.jid), "%s", jid != NULL ? jid : "");
	(void)snprintf(started.text, sizeof(started.text), "%s", code != 0 ? err->msg : "");
}

static struct rp_fake_order *order_job(int64_t timeout)
{
	struct rp_job job = make_job("ignored", "ignored");
	job.timeout_sec = timeout;
	memset(&started, 0, sizeof(started));
	size_t before = rp_fake_count(workers);
	assert_int_equal(rp_jobs_start(jobs, "c1", &job, on_started, NULL), 0);
	/* Not sent before it is stored. */
	assert_int_equal(rp_fake_count(workers), before);
	rp_store_rig_sync(&rig);
	return rp_fake_order(workers, before);
}

static void test_start(void **state)
{
	char want[512];
	struct rp_job sent;
	(void)state;
	connect_client("c1", ref1);
	struct rp_fake_order *o = order_job(10);
	assert_int_equal(o->kind, RP_FAKE_CALL);
	assert_string_equal(o->name, "run_cmd");
	assert_int_equal(o->ref.id, 1);
	assert_int_equal(rp_job_decode(o->text, strlen(o->text), &sent, NULL), 0);
	/* Byte for byte the vector A.3 of the wire protocol. */
	(void)snprintf(want, sizeof(want),
	    "{\"jid\":\"%s\",\"status\":\"\",\"finished_at\":null,\"client_id\":\"c1\","
	    "\"client_name\":\"first\",\"command\":\"id -un\",\"cwd\":\"\",\"interpreter\":\"\","
	    "\"pid\":null,\"started_at\":\"0001-01-01T00:00:00Z\",\"created_by\":\"admin\","
	    "\"timeout_sec\":10,\"multi_job_id\":null,\"schedule_id\":null,\"error\":\"\","
	    "\"result\":null,\"is_sudo\":false,\"is_script\":false,\"stream_result\":false}",
	    sent.jid);
	assert_string_equal(o->text, want);
	assert_false(started.done);
	assert_true(read_one("c1", sent.jid));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_false(got.pid.set);
	rp_fake_answer(o, 0, "{\"Pid\":4101,\"StartedAt\":\"2026-11-22T18:08:42.064428862Z\"}");
	/* Not acknowledged before it is stored. */
	assert_false(started.done);
	rp_store_rig_wait(&rig, &started.done);
	assert_int_equal(started.code, 0);
	assert_string_equal(started.jid, sent.jid);
	assert_true(read_one("c1", sent.jid));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_int_equal(got.pid.v, 4101);
	assert_string_equal(got.client_name, "first");
	rp_job_fini(&sent);
}

static void test_start_fails(void **state)
{
	static const struct {
		int answer;
		const char *payload;
		int code;
		const char *text;
	} cases[] = {
	    {RP_EDENIED, "command is not allowed: x", RP_EDENIED, "command is not allowed: x"},
	    {RP_ECLOSED, "", RP_ECLOSED, "closed"},
	    {RP_ETIMEOUT, "", RP_ETIMEOUT, "timed out"},
	    {0, "", RP_EPROTO, "invalid client response format"},
	    {0, "null", RP_EPROTO, "invalid client response format"},
	    {0, "[]", RP_EPROTO, "invalid client response format"},
	    {0, "{\"Pid\":\"x\"}", RP_EPROTO, "invalid client response format"},
	    {0, "{\"Pid\":1,\"StartedAt\":\"soon\"}", RP_EPROTO, "invalid client response format"},
	};
	(void)state;
	struct rp_job job = make_job("x", "x");
	assert_int_equal(rp_jobs_start(jobs, "c1", &job, on_started, NULL), RP_ECLOSED);
	connect_client("c1", ref1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_fake_order *o = order_job(10);
		rp_fake_answer(o, cases[i].answer, cases[i].payload);
		rp_store_rig_wait(&rig, &started.done);
		if (cases[i].code != started.code) {
			fail_msg("%zu: %s", i, started.text);
		}
		assert_string_equal(started.text, cases[i].text);
	}
	/* Nothing is kept of a job that did not start. */
	read_list("c1", "");
	assert_int_equal(got_total, 0);
	/* Gone: known, but not connected. */
	rp_registry_events()->on_down(registry, ref1, "test");
	assert_int_equal(rp_jobs_start(jobs, "c1", &job, on_started, NULL), RP_ECLOSED);
}

static void test_default_timeout(void **state)
{
	static const struct {
		int64_t asked;
		const char *sent;
	} cases[] = {
	    {0, "\"timeout_sec\":60,"}, {-5, "\"timeout_sec\":60,"}, {1, "\"timeout_sec\":1,"}};
	(void)state;
	connect_client("c1", ref1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_fake_order *o = order_job(cases[i].asked);
		assert_non_null(strstr(o->text, cases[i].sent));
		rp_fake_answer(o, RP_ETIMEOUT, "");
		rp_store_rig_wait(&rig, &started.done);
	}
}

static void send_result(const char *client_id, const char *text)
{
	rp_jobs_result(jobs, client_id, text, strlen(text));
	rp_store_rig_sync(&rig);
}

/* The vector of A.3, from one who lies about who it is. */
static void test_result(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	assert_int_equal(save(&job, 0), 0);
	send_result("c1",
	    "{\"jid\":\"" JID "\",\"status\":\"successful\",\"finished_at\":"
	    "\"2026-11-22T18:08:43.080085096Z\",\"client_id\":\"c9\",\"client_name\":\"cname\","
	    "\"command\":\"rm -rf /\",\"pid\":4102,\"started_at\":\"2026-11-22T18:08:42.064428862Z\","
	    "\"created_by\":\"root\",\"error\":\"\",\"result\":{\"stdout\":\"root\\n\",\"stderr\":\"\","
	    "\"summary\":\"\"},\"is_sudo\":true}");
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_SUCCESSFUL);
	assert_string_equal(got.command, "id -un");
	assert_string_equal(got.created_by, "admin");
	assert_string_equal(got.result.out, "root\n");
	assert_int_equal(got.pid.v, 4102);
	assert_false(got.is_sudo);
	assert_false(read_one("c9", JID));
}

static void test_result_of_another(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	assert_int_equal(save(&job, 0), 0);
	send_result("c2", "{\"jid\":\"" JID "\",\"status\":\"successful\",\"client_id\":\"c1\"}");
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_false(read_one("c2", JID));
}

/* A result is an end, with one of the known words. */
static void test_result_status(void **state)
{
	static const struct {
		const char *sent, *kept;
	} cases[] = {
	    {"\"successful\"", RP_JOB_SUCCESSFUL},
	    {"\"failed\"", RP_JOB_FAILED},
	    {"\"unknown\"", RP_JOB_UNKNOWN},
	    {"\"running\"", RP_JOB_UNKNOWN},
	    {"\"\"", RP_JOB_UNKNOWN},
	    {"null", RP_JOB_UNKNOWN},
	    {"\"<script>\"", RP_JOB_UNKNOWN},
	};
	char text[256];
	char jid[40];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		jid_of((int)i, jid);
		struct rp_job job = make_job(jid, "c1");
		assert_int_equal(save(&job, 0), 0);
		int64_t before = rp_time_now();
		(void)snprintf(
		    text, sizeof(text), "{\"jid\":\"%s\",\"status\":%s}", jid, cases[i].sent);
		send_result("c1", text);
		assert_true(read_one("c1", jid));
		assert_string_equal(got.status, cases[i].kept);
		assert_true(got.finished_at >= before);
	}
	send_result(
	    "c1", "{\"jid\":\"77fd385a-0000-4000-8000-00000000abcd\",\"status\":\"failed\"}");
	read_list(NULL, "");
	assert_int_equal(got_total, (int64_t)RP_ARRAY_LEN(cases));
}

/* The whole way: ordered, started, never heard of again, heard of after all. */
static void test_no_result(void **state)
{
	char text[256];
	(void)state;
	connect_client("c1", ref1);
	struct rp_fake_order *o = order_job(1);
	rp_fake_answer(o, 0, "{\"Pid\":4101,\"StartedAt\":\"2199-11-22T18:08:42Z\"}");
	rp_store_rig_wait(&rig, &started.done);
	/* Its time is counted by our clock, not by the client's. */
	assert_int_equal(expire(rp_time_now() + 5 * RP_NS_PER_S), 0);
	assert_true(read_one("c1", started.jid));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_int_equal(expire(rp_time_now() + 20 * RP_NS_PER_S), 0);
	assert_true(read_one("c1", started.jid));
	assert_string_equal(got.status, RP_JOB_UNKNOWN);
	(void)snprintf(
	    text, sizeof(text), "{\"jid\":\"%s\",\"status\":\"successful\"}", started.jid);
	send_result("c1", text);
	assert_true(read_one("c1", started.jid));
	assert_string_equal(got.status, RP_JOB_SUCCESSFUL);
}

/* No sum of times overflows. */
static void test_endless_timeout(void **state)
{
	(void)state;
	connect_client("c1", ref1);
	struct rp_fake_order *o = order_job(INT64_MAX);
	assert_non_null(strstr(o->text, "\"timeout_sec\":3153600000,"));
	rp_fake_answer(o, 0, "{\"Pid\":1,\"StartedAt\":\"2026-11-22T18:08:42Z\"}");
	rp_store_rig_wait(&rig, &started.done);
	assert_int_equal(expire(rp_time_now() + 3600 * RP_NS_PER_S), 0);
	assert_true(read_one("c1", started.jid));
	assert_string_equal(got.status, RP_JOB_RUNNING);
}

static void test_result_garbage(void **state)
{
	static const char *const texts[] = {"", "null", "[]", "{}", "{", "{\"jid\":7}",
	    "{\"jid\":\"\"}", "{\"jid\":null,\"status\":\"failed\"}", "{\"jid\":\"a b\"}",
	    "{\"jid\":\"a\\nb\"}", "{\"jid\":\"../x\"}",
	    "{\"jid\":\"0123456789012345678901234567890123456\"}",
	    "{\"jid\":\"a\",\"finished_at\":\"x\"}", "{\"jid\":\"a\",\"result\":[]}",
	    "{\"jid\":\"a\",\"result\":{\"stdout\":1}}"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		send_result("c1", texts[i]);
	}
	read_list(NULL, "");
	assert_int_equal(got_total, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_start, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_start_fails, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_default_timeout, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result_of_another, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result_status, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result_garbage, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_no_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_endless_timeout, setup, drop_got),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
