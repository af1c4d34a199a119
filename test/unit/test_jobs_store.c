/* SPDX-License-Identifier: MIT */
/*
 * The store of jobs: what was ordered stays as it was ordered, whatever a client says about it, and
 * however early, late or often.
 */
#include "server/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/lib/jobs_short.h"
#include "test/lib/store_rig.h"

static void test_save_and_load(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	assert_int_equal(save(&job, 0), 0);
	restart();
	assert_true(read_one("c1", JID));
	assert_string_equal(got.jid, JID);
	assert_string_equal(got.command, "id -un");
	assert_int_equal(got.started_at, T0);
	assert_int_equal(got.finished_at, RP_TIME_ZERO);
	assert_int_equal(got.pid.v, 4101);
	assert_false(got.has_result);
	assert_true(read_one(NULL, JID));
	/* Another client's job is not found by its id. */
	assert_false(read_one("c2", JID));
	assert_false(read_one("c1", "nope"));
}

static void test_result_changes_outcome_only(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job bad = hostile(JID, "c1");
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(save_result(&bad), 0);
	assert_true(read_one("c1", JID));
	assert_merged();
	/* The columns that lists look at say the same. */
	read_list("c1", "filter[created_by]=admin&filter[multi_job_id]=&filter[status]=failed");
	assert_int_equal(got_total, 1);
	read_list("c1", "filter[created_by|multi_job_id|schedule_id]=evil");
	assert_int_equal(got_total, 0);
}

/* The result may be faster than the answer: the job is stored by then, and the answer changes
 * nothing any more. */
static void test_early_result(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job bad = hostile(JID, "c1");
	job.pid.set = false;
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(save_result(&bad), 0);
	job.pid.set = true;
	assert_int_equal(save(&job, 0), 0);
	assert_true(read_one("c1", JID));
	assert_merged();
	read_list("c1", "filter[created_by]=admin&filter[multi_job_id]=&filter[status]=failed");
	assert_int_equal(got_total, 1);
}

/* What was never ordered has no result. */
static void test_forged_result(void **state)
{
	(void)state;
	struct rp_job bad = hostile(JID, "c1");
	assert_int_equal(save_result(&bad), RP_ENOENT);
	read_list(NULL, "");
	assert_int_equal(got_total, 0);
	/* Nor has what is forgotten. */
	struct rp_job job = make_job(JID, "c1");
	struct stored s = {0};
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(rp_jobs_store_delete(rig.store, JID, on_done, &s), 0);
	rp_store_rig_wait(&rig, &s.done);
	assert_int_equal(s.code, 0);
	assert_int_equal(save_result(&bad), RP_ENOENT);
	assert_false(read_one("c1", JID));
}

static void test_second_result(void **state)
{
	char unknown[] = RP_JOB_UNKNOWN;
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job first = hostile(JID, "c1");
	struct rp_job second = hostile(JID, "c1");
	first.status = unknown;
	second.finished_at = T0 + 99;
	assert_int_equal(save(&job, 0), 0);
	/* Not known what became of it: what is learnt later counts. */
	assert_int_equal(save_result(&first), 0);
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_UNKNOWN);
	assert_int_equal(save_result(&first), RP_EEXIST);
	assert_int_equal(save_result(&second), 0);
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_FAILED);
	assert_int_equal(got.finished_at, T0 + 99);
	/* The end of a job does not change any more. */
	second.finished_at = T0 + 100;
	assert_int_equal(save_result(&second), RP_EEXIST);
	assert_int_equal(save(&job, 0), 0);
	assert_true(read_one("c1", JID));
	assert_int_equal(got.finished_at, T0 + 99);
	assert_string_equal(got.status, RP_JOB_FAILED);
}

static void test_other_clients_job(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job bad = hostile(JID, "c2");
	struct rp_job theirs = make_job(JID, "c2");
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(save_result(&bad), RP_EDENIED);
	assert_int_equal(save(&theirs, 0), RP_EDENIED);
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_false(read_one("c2", JID));
}

static void test_bare_result(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	struct rp_job bare = {.started_at = RP_TIME_ZERO, .finished_at = T0};
	bare.jid = (char *)(uintptr_t)JID;
	bare.client_id = (char *)(uintptr_t) "c1";
	assert_int_equal(save(&job, 0), 0);
	assert_int_equal(save_result(&bare), 0);
	assert_true(read_one("c1", JID));
	assert_int_equal(got.finished_at, T0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_save_and_load, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_result_changes_outcome_only, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_early_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_forged_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_second_result, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_other_clients_job, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_bare_result, setup, drop_got),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
