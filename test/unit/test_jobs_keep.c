/* SPDX-License-Identifier: MIT */
/*
 * The store of jobs: those whose time is over, the limit per client, and lists.
 */
#include "server/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/lib/jobs_short.h"
#include "test/lib/store_rig.h"

static void test_expire(void **state)
{
	char expired[] = "00000000-0000-4000-8000-000000000001";
	char finished[] = "00000000-0000-4000-8000-000000000002";
	char running[] = "00000000-0000-4000-8000-000000000003";
	/* Later than what the timer of the jobs looks for. */
	int64_t now = rp_time_now() + 3600 * RP_NS_PER_S;
	(void)state;
	struct rp_job job = make_job(expired, "c1");
	assert_int_equal(save_until(&job, 0, now), 0);
	job = make_job(finished, "c1");
	assert_int_equal(save_until(&job, 0, now), 0);
	struct rp_job result = hostile(finished, "c1");
	assert_int_equal(save_result(&result), 0);
	job = make_job(running, "c1");
	assert_int_equal(save_until(&job, 0, now + 3600 * RP_NS_PER_S), 0);
	assert_int_equal(expire(now), 0);
	assert_true(read_one("c1", expired));
	assert_string_equal(got.status, RP_JOB_UNKNOWN);
	assert_string_equal(got.error, "no result came from the client in time");
	assert_int_equal(got.finished_at, now);
	assert_string_equal(got.command, "id -un");
	assert_true(read_one("c1", finished));
	assert_string_equal(got.status, RP_JOB_FAILED);
	assert_true(read_one("c1", running));
	assert_string_equal(got.status, RP_JOB_RUNNING);
	assert_int_equal(got.finished_at, RP_TIME_ZERO);
	/* Another time it is left as it is, and a late result counts. */
	assert_int_equal(expire(now + 1), 0);
	assert_true(read_one("c1", expired));
	assert_int_equal(got.finished_at, now);
	result = hostile(expired, "c1");
	assert_int_equal(save_result(&result), 0);
	assert_true(read_one("c1", expired));
	assert_merged();
}

static void exec_sql(const char *sql)
{
	struct rp_err err = {0};
	if (rp_db_exec(rp_store_db(rig.store), sql, &err) != 0) {
		fail_msg("%s", err.msg);
	}
}

/* An unreadable row does not keep the others from their end. */
static void test_expire_unreadable(void **state)
{
	int64_t now = rp_time_now();
	(void)state;
	struct rp_job job = make_job("bad", "c1");
	assert_int_equal(save_until(&job, 0, now - 1), 0);
	job = make_job(JID, "c1");
	assert_int_equal(save_until(&job, 0, now), 0);
	exec_sql("UPDATE jobs SET details = '{' WHERE jid = 'bad'");
	assert_int_equal(expire(now), 0);
	assert_true(read_one("c1", JID));
	assert_string_equal(got.status, RP_JOB_UNKNOWN);
}

static void wait_status(const char *status)
{
	uint64_t end = rp_clock_ms() + 20000;
	do {
		assert_true(rp_clock_ms() < end);
		rp_store_rig_sync(&rig);
		assert_true(read_one("c1", JID));
	} while (strcmp(got.status, status) != 0);
}

/* The server was away when the time was over. */
static void test_expire_at_start(void **state)
{
	(void)state;
	struct rp_job job = make_job(JID, "c1");
	assert_int_equal(save_until(&job, 0, rp_time_now() - RP_NS_PER_S), 0);
	restart();
	wait_status(RP_JOB_UNKNOWN);
	assert_true(got.finished_at != RP_TIME_ZERO);
}

static void test_prune(void **state)
{
	char jid[40];
	(void)state;
	for (int i = 0; i < 10; i++) {
		jid_of(i, jid);
		struct rp_job job = make_job(jid, "c1");
		job.started_at = T0 + i;
		assert_int_equal(save(&job, 4), 0);
	}
	jid_of(50, jid);
	struct rp_job other = make_job(jid, "c2");
	assert_int_equal(save(&other, 4), 0);
	read_list("c1", "sort=jid&fields[jobs]=jid");
	assert_int_equal(got_total, 4);
	jid_of(6, jid);
	assert_memory_equal(got_jids, jid, strlen(jid));
	read_list("c2", "");
	assert_int_equal(got_total, 1);
	/* A clock that is behind: the job that was just acknowledged stays. */
	jid_of(60, jid);
	struct rp_job late = make_job(jid, "c1");
	late.started_at = 1;
	assert_int_equal(save(&late, 4), 0);
	assert_true(read_one("c1", jid));
	jid_of(9, jid);
	assert_true(read_one("c1", jid));
}

static void test_list(void **state)
{
	char jid[40];
	(void)state;
	for (int i = 0; i < 5; i++) {
		jid_of(i, jid);
		struct rp_job job = make_job(jid, "c1");
		job.started_at = T0 + i * RP_NS_PER_S;
		job.finished_at = i < 3 ? T0 + (10 - i) * RP_NS_PER_S : RP_TIME_ZERO;
		assert_int_equal(save(&job, 0), 0);
	}
	read_list("c1", "");
	assert_int_equal(got_total, 5);
	assert_int_equal(got_n, 5);
	/* Newest finished first, those that run last. */
	assert_string_equal(got_jids,
	    "00000000-0000-4000-8000-000000000000 00000000-0000-4000-8000-000000000001 "
	    "00000000-0000-4000-8000-000000000002 00000000-0000-4000-8000-000000000003 "
	    "00000000-0000-4000-8000-000000000004 ");
	read_list("c1", "sort=-jid&page[limit]=2&page[offset]=1");
	assert_int_equal(got_total, 5);
	assert_string_equal(
	    got_jids, "00000000-0000-4000-8000-000000000003 00000000-0000-4000-8000-000000000002 ");
	read_list("c1", "page[offset]=9");
	assert_int_equal(got_total, 5);
	assert_int_equal(got_n, 0);
	read_list("c1", "filter[started_at][gt]=2026-01-02T03:04:07.5Z");
	assert_int_equal(got_total, 2);
	read_list("c1",
	    "filter[started_at][since]=2026-01-02T03:04:07.5Z&filter[started_at][lt]=2027-01-01");
	assert_int_equal(got_total, 3);
	read_list("c2", "");
	assert_int_equal(got_total, 0);
	read_list(NULL, "");
	assert_int_equal(got_total, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_expire, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_expire_unreadable, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_expire_at_start, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_prune, setup, drop_got),
	    cmocka_unit_test_setup_teardown(test_list, setup, drop_got),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
