/* SPDX-License-Identifier: MIT */
/*
 * Jobs as JSON: the messages of the wire protocol's appendix A.3 and what is null, absent or of a
 * wrong type.
 */
#include "cmdpolicy/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "test/lib/oom.h"

#define HEAD "{\"jid\":\"77fd385a-0000-4000-8000-000000000000\",\"status\":"
#define RUN                                                                                        \
	HEAD                                                                                       \
	    "\"\",\"finished_at\":null,\"client_id\":\"cid-1\",\"client_name\":\"cname\","         \
	    "\"command\":\"id -un\",\"cwd\":\"\",\"interpreter\":\"\",\"pid\":null,"               \
	    "\"started_at\":\"0001-01-01T00:00:00Z\",\"created_by\":\"admin\",\"timeout_sec\":10," \
	    "\"multi_job_id\":null,\"schedule_id\":null,\"error\":\"\",\"result\":null,"           \
	    "\"is_sudo\":false,\"is_script\":false,\"stream_result\":false}"
#define RESULT                                                                                      \
	HEAD                                                                                        \
	    "\"successful\",\"finished_at\":\"2026-11-22T18:08:43.080085096Z\","                    \
	    "\"client_id\":\"cid-1\",\"client_name\":\"cname\",\"command\":\"a \\u0026\\u0026 b\"," \
	    "\"cwd\":\"/tmp\",\"interpreter\":\"\",\"pid\":4101,"                                   \
	    "\"started_at\":\"2026-11-22T18:08:42.064428862Z\",\"created_by\":\"admin\","           \
	    "\"timeout_sec\":10,\"multi_job_id\":\"m\",\"schedule_id\":\"s\",\"error\":\"\","       \
	    "\"result\":{\"stdout\":\"root\\n\",\"stderr\":\"\",\"summary\":\"\"},"                 \
	    "\"is_sudo\":true,\"is_script\":true,\"stream_result\":true}"

static char *encode(const struct rp_job *job)
{
	struct rp_buf out;
	char *text;
	rp_buf_init(&out, 65536);
	assert_int_equal(rp_job_encode(job, &out), 0);
	assert_int_equal(rp_buf_take_string(&out, &text), 0);
	return text;
}

static void round_trip(const char *text)
{
	struct rp_job job;
	struct rp_job copy;
	struct rp_err err = {0};
	if (rp_job_decode(text, strlen(text), &job, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	assert_int_equal(rp_job_copy(&copy, &job), 0);
	rp_job_fini(&job);
	assert_null(job.jid);
	char *again = encode(&copy);
	assert_string_equal(again, text);
	rp_free(again);
	rp_job_fini(&copy);
}

static void test_vectors(void **state)
{
	(void)state;
	struct rp_job job;
	round_trip(RUN);
	round_trip(RESULT);
	assert_int_equal(rp_job_decode(RUN, strlen(RUN), &job, NULL), 0);
	assert_false(job.pid.set);
	assert_false(job.has_result);
	assert_null(job.multi_job_id);
	assert_true(job.started_at == RP_TIME_ZERO);
	assert_true(job.finished_at == RP_TIME_ZERO);
	assert_int_equal(job.timeout_sec, 10);
	rp_job_fini(&job);
	assert_int_equal(rp_job_decode(RESULT, strlen(RESULT), &job, NULL), 0);
	assert_int_equal(job.pid.v, 4101);
	assert_string_equal(job.command, "a && b");
	assert_string_equal(job.result.out, "root\n");
	assert_true(job.is_sudo && job.is_script && job.stream_result && job.has_result);
	rp_job_fini(&job);
}

/* Older peers leave keys out; a zeroed job is written in full. */
static void test_partial(void **state)
{
	(void)state;
	static const char *const texts[] = {"{}", "{\"result\":{}}",
	    "{\"RESULT\":{\"STDOUT\":\"x\"}}", "{\"jid\":null,\"pid\":null,\"result\":null}",
	    "{\"unknown\":[1,2]}"};
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		struct rp_job job;
		assert_int_equal(rp_job_decode(texts[i], strlen(texts[i]), &job, NULL), 0);
		char *text = encode(&job);
		assert_non_null(strstr(text, "\"stream_result\":false}"));
		assert_true((strstr(text, "\"result\":null") == NULL) == job.has_result);
		rp_free(text);
		rp_job_fini(&job);
	}
}

static void test_wrong_types(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "null", "[]", "\"x\"", "{", "{\"jid\":1}",
	    "{\"pid\":\"1\"}", "{\"pid\":1.5}", "{\"finished_at\":\"yesterday\"}",
	    "{\"started_at\":1}", "{\"timeout_sec\":\"10\"}", "{\"timeout_sec\":1e30}",
	    "{\"is_sudo\":1}", "{\"result\":[]}", "{\"result\":\"x\"}",
	    "{\"result\":{\"stdout\":1}}", "{\"jid\":\"a\",\"result\":{\"summary\":{}}}",
	    "{\"command\":[]}", "{} {}"};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		struct rp_job job;
		struct rp_err err = {0};
		int rc = rp_job_decode(bad[i], strlen(bad[i]), &job, &err);
		if (rc == 0 && strcmp(bad[i], "null") != 0) {
			fail_msg("taken: %s", bad[i]);
		}
		assert_null(job.jid);
		rp_job_fini(&job);
	}
}

static void test_full_buffer(void **state)
{
	(void)state;
	struct rp_job job = {0};
	struct rp_buf out;
	rp_buf_init(&out, 100);
	assert_int_equal(rp_job_encode(&job, &out), RP_ELIMIT);
	rp_buf_fini(&out);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_job job;
	struct rp_job copy = {0};
	struct rp_buf out;
	rp_buf_init(&out, 65536);
	int rc = rp_job_decode(RESULT, strlen(RESULT), &job, NULL);
	if (rc == 0) {
		rc = rp_job_copy(&copy, &job);
	}
	if (rc == 0) {
		rc = rp_job_encode(&copy, &out);
	}
	rp_job_fini(&job);
	rp_job_fini(&copy);
	rp_buf_fini(&out);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_partial),
	    cmocka_unit_test(test_wrong_types),
	    cmocka_unit_test(test_full_buffer),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
