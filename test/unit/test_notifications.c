/* SPDX-License-Identifier: MIT */
/*
 * The log of notifications (rport-api 5), which only the original's closed extension fills, and what
 * else that has and we have not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/api_short.h"

static void assert_get(unsigned status, const char *path, const char *want)
{
	unsigned got = rp_api_rig_get(rig, "admin", path);
	if (got != status || strcmp(rig->body, want) != 0) {
		fail_msg("%s: %u %s\nwanted %u %s", path, got, rig->body, status, want);
	}
}

static int insert_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	return rp_db_exec(db, arg, err);
}

static void on_inserted(void *ctx, int code, const struct rp_err *err)
{
	(void)ctx;
	if (code != 0) {
		fail_msg("%s", err->msg);
	}
}

static void insert(void)
{
	static char sql[] =
	    "INSERT INTO notifications_log VALUES ('n1', '2026-11-20T00:00:00.000000000Z',"
	    " 'text/plain', 'problem:::p1', 'smtp', 'a@example.org@|@b@example.org', 'done', 'disk',"
	    " 'full', 'sent', ''), ('n2', '2026-11-21T00:00:00.500000000Z', 'text/html',"
	    " 'problem:::p2', 'pager.sh', '', 'error', 'cpu', 'hot', '', 'exit status 1')";
	const struct rp_store_job job = {.work = insert_work, .arg = sql, .done = on_inserted};
	assert_int_equal(rp_store_submit(rig->store.store, &job), 0);
	rp_store_rig_sync(&rig->store);
}

#define ONE                                                                     \
	"{\"State\":\"done\",\"NotificationID\":\"n1\",\"Transport\":\"smtp\"," \
	"\"Timestamp\":\"2026-11-20T00:00:00Z\",\"Out\":\"sent\",\"Err\":\"\"}"
#define TWO                                                                          \
	"{\"State\":\"error\",\"NotificationID\":\"n2\",\"Transport\":\"pager.sh\"," \
	"\"Timestamp\":\"2026-11-21T00:00:00.5Z\",\"Out\":\"\",\"Err\":\"exit status 1\"}"
#define LIST(rows, count) "{\"data\":[" rows "],\"meta\":{\"count\":" count "}}"

static void test_list(void **state)
{
	(void)state;
	assert_get(200, "/notification-logs", LIST("", "0"));
	insert();
	assert_get(200, "/notification-logs", LIST(TWO "," ONE, "2"));
	assert_get(200, "/notification-logs?sort=state&page[limit]=1", LIST(ONE, "2"));
	assert_get(200, "/notification-logs?page[offset]=1", LIST(ONE, "2"));
	assert_get(200, "/notification-logs?filter[state]=error", LIST(TWO, "1"));
	assert_get(200, "/notification-logs?filter[subject]=d*", LIST(ONE, "1"));
	assert_get(200, "/notification-logs?filter[reference_id]=problem:::p2", LIST(TWO, "1"));
	assert_get(200, "/notification-logs?filter[timestamp][since]=2026-11-21", LIST(TWO, "1"));
	assert_get(
	    400, "/notification-logs?sort=subject", FAIL("unsupported sort field 'subject'"));
	assert_int_equal(rp_api_rig_get(rig, "admin", "/notification-logs?page[limit]=101"), 400);
}

static void test_one(void **state)
{
	(void)state;
	insert();
	assert_get(200, "/notification-logs/n1",
	    "{\"RefID\":\"problem:::p1\",\"Data\":{\"target\":\"smtp\",\"recipients\":"
	    "[\"a@example.org\",\"b@example.org\"],\"subject\":\"disk\",\"content\":\"full\","
	    "\"content_type\":\"text/plain\"},\"State\":\"done\",\"ID\":\"notification:::n1\","
	    "\"Out\":\"sent\",\"Target\":\"smtp\",\"Err\":\"\"}");
	assert_get(200, "/notification-logs/n2",
	    "{\"RefID\":\"problem:::p2\",\"Data\":{\"target\":\"pager.sh\",\"recipients\":[],"
	    "\"subject\":\"cpu\",\"content\":\"hot\",\"content_type\":\"text/html\"},\"State\":"
	    "\"error\",\"ID\":\"notification:::n2\",\"Out\":\"\",\"Target\":\"script\",\"Err\":"
	    "\"exit status 1\"}");
	assert_get(
	    404, "/notification-logs/n3", FAIL("Notification with id=\\\"n3\\\" not found."));
}

static void test_extension(void **state)
{
	static const char *const gone[] = {"/monitoring/rules", "/monitoring/problems",
	    "/monitoring/notification-templates", "/oauth/login"};
	(void)state;
	assert_get(500, "/plus/status", "");
	assert_get(403, "/auth/ext/settings", FAIL("rport-plus not enabled/available"));
	assert_get(403, "/auth/ext/settings/device", FAIL("rport-plus not enabled/available"));
	for (size_t i = 0; i < RP_ARRAY_LEN(gone); i++) {
		assert_get(404, gone[i], "404 page not found\n");
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_list), T(test_one), T(test_extension)};
	return cmocka_run_group_tests_name("notifications", tests, NULL, NULL);
}
