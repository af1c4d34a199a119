/* SPDX-License-Identifier: MIT */
/*
 * Commands and scripts on many clients: who is meant, what is refused and how, in a row and all at
 * once, what is stored, who may see it, and what a restart of the server leaves.
 */
#include "server/multi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/api_short.h"
#include "test/lib/job_client.h"

static char jid[64];

static int setup(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	rp_job_client_open(rig);
	rp_api_rig_client(rig, "c1", "staff");
	rp_api_rig_client(rig, "c2", "staff");
	rp_api_rig_client(rig, "c3", NULL);
	return 0;
}

static void refused(unsigned status, const char *path, const char *body, const char *text)
{
	unsigned got = ask(ADMIN, "POST", path, body);
	if (got != status) {
		fail_msg("%s %s: %u %s", path, body, got, rig->body);
	}
	assert_part(text);
	rp_store_rig_sync(&rig->store);
	assert_int_equal(rp_fake_count(rig->workers), 0);
}

/* Starts it as user; its id is in jid. */
static void start_as(const char *user, const char *path, const char *body)
{
	if (ask(user, "POST", path, body) != 200) {
		fail_msg("%s: %s", body, rig->body);
	}
	rp_api_rig_text(rig, "jid", jid, sizeof(jid));
}

static void start(const char *body)
{
	start_as(ADMIN, "/commands", body);
}

static void get(const char *tail)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "/commands/%s%s", jid, tail);
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 200);
}

static void assert_client(size_t order, const char *id)
{
	char client[64];
	rp_job_client_text(rp_job_client_order(rig, order), "client_id", client, sizeof(client));
	assert_string_equal(client, id);
}

static void assert_orders(size_t n)
{
	rp_store_rig_sync(&rig->store);
	rp_store_rig_sync(&rig->store);
	assert_int_equal(rp_fake_count(rig->workers), n);
}

static void disconnect(void)
{
	rp_registry_events()->on_down(rig->registry, rig->last, "gone");
}

/* Errors */

static void test_bad_bodies(void **state)
{
	(void)state;
	refused(400, "/commands", NULL, "Missing body with json data.");
	refused(400, "/commands", "{", "Invalid JSON data.");
	refused(400, "/commands", "{\"client_ids\":[\"c1\"]}", "Command cannot be empty.");
	refused(400, "/commands", "{\"command\":\"\",\"client_ids\":[\"c1\"]}",
	    "Command cannot be empty.");
	refused(400, "/commands", "{\"script\":\"aWQ=\",\"client_ids\":[\"c1\"]}",
	    "Command cannot be empty.");
	refused(
	    400, "/scripts", "{\"command\":\"id\",\"client_ids\":[\"c1\"]}", "Missing script body");
	refused(400, "/commands", "{\"command\":\"id\",\"client_ids\":[\"c1\"],\"x\":1}",
	    "unknown field");
	refused(400, "/commands",
	    "{\"command\":\"id\",\"interpreter\":\"sh\",\"client_ids\":[\"c1\"]}",
	    "Invalid interpreter.");
	refused(400, "/commands", "{\"command\":\"id\",\"client_ids\":\"c1\"}",
	    "client_ids is not an array of strings");
	refused(400, "/commands", "{\"command\":\"id\",\"client_ids\":[1]}",
	    "client_ids is not an array of strings");
	refused(400, "/commands", "{\"command\":\"id\",\"group_ids\":{}}",
	    "group_ids is not an array of strings");
	refused(
	    400, "/commands", "{\"command\":\"id\",\"tags\":{\"tag\":[\"a\"]}}", "unknown field");
	refused(400, "/commands",
	    "{\"command\":\"id\",\"client_ids\":[\"c1\"],\"abort_on_error\":1}",
	    "abort_on_error is not a bool");
	refused(400, "/scripts", "{\"client_ids\":[\"c1\"]}", "Missing script body");
	refused(400, "/scripts", "{\"script\":\"$$\",\"client_ids\":[\"c1\"]}",
	    "failed to decode script payload from base64");
	refused(400, "/scripts", "{\"script\":\"aQBk\",\"client_ids\":[\"c1\"]}", "NUL");
}

static void test_bad_targets(void **state)
{
	(void)state;
	refused(400, "/commands", "{\"command\":\"id\"}", "Missing targeting parameters.");
	refused(400, "/commands", "{\"command\":\"id\",\"client_ids\":null}",
	    "Missing targeting parameters.");
	refused(400, "/commands",
	    "{\"command\":\"id\",\"client_ids\":[\"c1\"],\"tags\":{\"tags\":[\"a\"]}}",
	    "Multiple targeting parameters.");
	refused(400, "/commands",
	    "{\"command\":\"id\",\"group_ids\":[],\"tags\":{\"tags\":[\"a\"]}}",
	    "Multiple targeting parameters.");
	refused(
	    400, "/commands", "{\"command\":\"id\",\"tags\":{\"tags\":[]}}", "No tags specified.");
	refused(400, "/commands", "{\"command\":\"id\",\"tags\":{\"tags\":[\"none\"]}}",
	    "\"detail\":\"at least 1 client should be specified\"");
	refused(400, "/commands", "{\"command\":\"id\",\"client_ids\":[]}",
	    "\"detail\":\"at least 1 client should be specified\"");
	refused(400, "/commands", "{\"command\":\"id\",\"group_ids\":[\"g\"]}",
	    "Unknown group with id=\\\"g\\\".");
	refused(404, "/commands", "{\"command\":\"id\",\"client_ids\":[\"c1\",\"c9\"]}",
	    "Client with id=\\\"c9\\\" not found.");
}

static void test_access(void **state)
{
	(void)state;
	assert_int_equal(
	    ask(BOB, "POST", "/commands", "{\"command\":\"id\",\"client_ids\":[\"c1\",\"c3\"]}"),
	    403);
	assert_part("Access denied to client(s) with ID(s): c3\"");
	assert_orders(0);
	start_as(BOB, "/commands", "{\"command\":\"id\",\"client_ids\":[\"c1\",\"c2\"]}");
	rp_job_client_run(rig, 0, RP_JOB_SUCCESSFUL);
	rp_job_client_run(rig, 1, RP_JOB_SUCCESSFUL);
	assert_orders(2);
}

/* In a row */

static void test_row(void **state)
{
	(void)state;
	start("{\"command\":\"id\",\"client_ids\":[\"c2\",\"c1\",\"c2\",\"c3\"],\"cwd\":\"/tmp\","
	      "\"script\":\"$$\",\"is_sudo\":true,\"timeout_sec\":7}");
	assert_client(0, "c2");
	assert_non_null(strstr(rp_job_client_order(rig, 0)->text, jid));
	assert_non_null(strstr(rp_job_client_order(rig, 0)->text, "\"stream_result\":false"));
	rp_job_client_start(rig, 0);
	assert_orders(1);
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, "one");
	assert_client(1, "c1");
	/* The result may be faster than the answer. */
	rp_job_client_end(rig, 1, RP_JOB_SUCCESSFUL, "two");
	assert_client(2, "c3");
	rp_fake_answer(
	    rp_job_client_order(rig, 1), 0, "{\"Pid\":1,\"StartedAt\":\"2026-01-02T03:04:05Z\"}");
	assert_orders(3);
	rp_job_client_run(rig, 2, RP_JOB_SUCCESSFUL);
	assert_orders(3);
	get("");
	assert_part("\"client_ids\":[\"c2\",\"c1\",\"c2\",\"c3\"],\"group_ids\":[],\"tags\":null,"
	            "\"command\":\"id\",\"cwd\":\"/tmp\",\"interpreter\":\"\",\"timeout_sec\":7,"
	            "\"concurrent\":false,\"abort_on_err\":true,\"jobs\":[{");
	assert_part("}],\"is_sudo\":true,\"is_script\":false}}");
	get("/jobs?fields[jobs]=client_id,status&fields[result]=stdout&sort=started_at");
	assert_part("\"meta\":{\"count\":3}");
	assert_part(
	    "{\"status\":\"successful\",\"client_id\":\"c2\",\"result\":{\"stdout\":\"one\"}}");
	assert_part("\"client_id\":\"c1\",\"result\":{\"stdout\":\"two\"}");
}

static void test_failure_ends_row(void **state)
{
	(void)state;
	start("{\"command\":\"id\",\"client_ids\":[\"c1\",\"c2\"]}");
	rp_job_client_run(rig, 0, RP_JOB_FAILED);
	assert_orders(1);
	get("/jobs");
	assert_part("\"meta\":{\"count\":1}");
	/* A refusal is a failure too. */
	start("{\"command\":\"id\",\"client_ids\":[\"c2\",\"c1\"],\"abort_on_error\":true}");
	assert_client(1, "c2");
	rp_fake_answer(rp_job_client_order(rig, 1), RP_EDENIED, "command is not allowed: id");
	assert_orders(2);
	get("");
	assert_part("\"status\":\"failed\"");
	assert_part("\"pid\":null");
	assert_part("\"error\":\"client error: command is not allowed: id\",\"result\":null");
}

static void test_row_goes_on(void **state)
{
	(void)state;
	start("{\"command\":\"id\",\"client_ids\":[\"c1\",\"c2\"],\"abort_on_error\":false}");
	rp_job_client_run(rig, 0, RP_JOB_FAILED);
	rp_job_client_run(rig, 1, RP_JOB_SUCCESSFUL);
	/* What is unknown and who is not there do not end a row either. */
	disconnect();
	start("{\"command\":\"id\",\"client_ids\":[\"c1\",\"c3\",\"c2\"]}");
	rp_job_client_run(rig, 2, RP_JOB_UNKNOWN);
	assert_client(3, "c2");
	rp_job_client_run(rig, 3, RP_JOB_SUCCESSFUL);
	get("/jobs?fields[jobs]=client_id,status,error&filter[client_id]=c3");
	assert_part(
	    "{\"status\":\"failed\",\"client_id\":\"c3\",\"error\":\"client is not connected\"}");
	get("/jobs");
	assert_part("\"meta\":{\"count\":3}");
}

/* The connection ends while the order is under way: nobody knows whether it runs. */
static void test_lost_order(void **state)
{
	(void)state;
	start("{\"command\":\"id\",\"client_ids\":[\"c1\",\"c2\"]}");
	rp_fake_answer(rp_job_client_order(rig, 0), RP_ECLOSED, "");
	assert_client(1, "c2");
	get("/jobs?fields[jobs]=status,error&filter[client_id]=c1");
	assert_part("{\"status\":\"unknown\",\"error\":\"the connection to the client was lost\"}");
	/* It did run. */
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, "late");
	get("/jobs?fields[jobs]=status&fields[result]=stdout&filter[client_id]=c1");
	assert_part("{\"status\":\"successful\",\"result\":{\"stdout\":\"late\"}}");
	assert_orders(2);
	rp_fake_answer(rp_job_client_order(rig, 1), RP_ETIMEOUT, "");
	rp_store_rig_sync(&rig->store);
	get("/jobs?fields[jobs]=status,error&filter[client_id]=c2");
	assert_part("{\"status\":\"unknown\",\"error\":\"the client did not answer in time\"}");
}

/* All at once */

static void test_concurrent(void **state)
{
	(void)state;
	disconnect();
	start("{\"command\":\"id\",\"client_ids\":[\"c1\",\"c2\",\"c3\"],"
	      "\"execute_concurrently\":true}");
	rp_job_client_start(rig, 1);
	rp_job_client_start(rig, 0);
	assert_orders(2);
	rp_job_client_end(rig, 1, RP_JOB_FAILED, NULL);
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, NULL);
	get("");
	assert_part("\"concurrent\":true");
	get("/jobs?fields[jobs]=client_id,status,error&sort=status");
	assert_part("\"meta\":{\"count\":3}");
	assert_part("{\"status\":\"failed\",\"client_id\":\"c2\",\"error\":\"exit status 3\"}");
	assert_part(
	    "{\"status\":\"failed\",\"client_id\":\"c3\",\"error\":\"client is not connected\"}");
	assert_part("{\"status\":\"successful\",\"client_id\":\"c1\",\"error\":\"\"}");
}

/* Not more than some orders are under way, whatever the number of clients. */
static void test_many(void **state)
{
	char body[2048] = "{\"command\":\"id\",\"execute_concurrently\":true,\"client_ids\":[";
	size_t n = strlen(body);
	(void)state;
	for (int i = 0; i < 40; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "many%d", i);
		rp_api_rig_client(rig, id, NULL);
		n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\"%s\"", i > 0 ? "," : "", id);
	}
	(void)snprintf(body + n, sizeof(body) - n, "]}");
	start(body);
	(void)rp_job_client_order(rig, 31);
	assert_orders(32);
	for (size_t i = 0; i < 40; i++) {
		rp_job_client_start(rig, i);
	}
	assert_orders(40);
	for (size_t i = 0; i < 40; i++) {
		rp_job_client_end(rig, i, RP_JOB_SUCCESSFUL, NULL);
	}
	get("/jobs?filter[status]=successful");
	assert_part("\"meta\":{\"count\":40}");
	get("");
	assert_part("\"jobs\":[{");
}

/* Who is meant */

static void set_tags(const char *id, const char *a, const char *b)
{
	struct rp_attributes attrs = {0};
	assert_int_equal(rp_strlist_add(&attrs.tags, rp_str_c(a)), 0);
	assert_int_equal(b == NULL ? 0 : rp_strlist_add(&attrs.tags, rp_str_c(b)), 0);
	rp_registry_attributes_set(rig->registry, id, &attrs);
	rp_strlist_fini(&attrs.tags);
}

static void test_tags(void **state)
{
	(void)state;
	set_tags("c1", "web", "linux");
	set_tags("c2", "linux", NULL);
	set_tags("c3", "linuxx", "web");
	start("{\"command\":\"id\",\"tags\":{\"tags\":[\"web\",\"linux\"],\"operator\":\"AND\"}}");
	assert_client(0, "c1");
	rp_job_client_run(rig, 0, RP_JOB_SUCCESSFUL);
	assert_orders(1);
	get("");
	assert_part("\"tags\":{\"tags\":[\"web\",\"linux\"],\"operator\":\"AND\"}");
	start("{\"command\":\"id\",\"execute_concurrently\":true,"
	      "\"tags\":{\"tags\":[\"linux\"],\"operator\":\"XOR\"}}");
	assert_client(1, "c1");
	assert_client(2, "c2");
	assert_orders(3);
}

static void test_groups(void **state)
{
	(void)state;
	assert_int_equal(
	    ask(ADMIN, "POST", "/client-groups",
	        "{\"id\":\"g\",\"description\":\"\",\"params\":{\"client_id\":[\"c[23]\",\"c2\",\"c3\"]}}"),
	    201);
	start("{\"command\":\"id\",\"group_ids\":[\"g\"],\"client_ids\":[\"c3\"],"
	      "\"execute_concurrently\":true}");
	assert_client(0, "c3");
	assert_client(1, "c2");
	assert_orders(2);
	assert_int_equal(
	    ask(ADMIN, "POST", "/client-groups",
	        "{\"id\":\"none\",\"description\":\"\",\"params\":{\"client_id\":[\"x\"]}}"),
	    201);
	assert_int_equal(
	    ask(ADMIN, "POST", "/commands", "{\"command\":\"id\",\"group_ids\":[\"none\"]}"), 400);
	assert_part("no active clients belong to the selected group(s)");
}

static void test_scripts(void **state)
{
	(void)state;
	start_as(ADMIN, "/scripts",
	    "{\"script\":\"ZWNobyDDpAo=\",\"interpreter\":\"python3\",\"client_ids\":[\"c1\"]}");
	const char *text = rp_job_client_order(rig, 0)->text;
	assert_non_null(strstr(text, "\"command\":\"echo \xc3\xa4\\n\""));
	assert_non_null(strstr(text, "\"interpreter\":\"python3\""));
	assert_non_null(strstr(text, "\"is_script\":true"));
	rp_job_client_run(rig, 0, RP_JOB_SUCCESSFUL);
	get("");
	assert_part("\"is_script\":true");
	/* On one client. */
	rig->refuse_orders = true;
	assert_int_equal(ask(ADMIN, "POST", "/clients/c1/scripts", "{\"script\":\"\"}"), 400);
	assert_part("Missing script body");
	assert_int_equal(ask(ADMIN, "POST", "/clients/c1/scripts", "{\"script\":\"a\"}"), 400);
	assert_int_equal(ask(ADMIN, "POST", "/clients/c1/scripts", "{\"command\":\"id\"}"), 400);
	assert_part("Missing script body");
	assert_int_equal(ask(ADMIN, "POST", "/clients/c9/scripts", "{\"script\":\"aWQ=\"}"), 404);
	assert_int_equal(
	    ask(ADMIN, "POST", "/clients/c1/scripts", "{\"command\":\"id\",\"script\":\"aWQ=\"}"),
	    404);
	assert_part("Active client with id=\\\"c1\\\" not found.");
}

/* Who may see it */

static void test_owner(void **state)
{
	char path[128];
	char child[64];
	(void)state;
	start("{\"command\":\"id\",\"client_ids\":[\"c1\"]}");
	rp_job_client_text(rp_job_client_order(rig, 0), "jid", child, sizeof(child));
	rp_job_client_run(rig, 0, RP_JOB_SUCCESSFUL);
	(void)snprintf(path, sizeof(path), "/commands/%s", jid);
	assert_int_equal(ask(BOB, "GET", path, NULL), 403);
	assert_part("\"title\":\"forbidden\"");
	(void)snprintf(path, sizeof(path), "/commands/%s/jobs", jid);
	assert_int_equal(ask(BOB, "GET", path, NULL), 403);
	(void)snprintf(path, sizeof(path), "/clients/c1/commands/%s", child);
	assert_int_equal(ask(BOB, "GET", path, NULL), 403);
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 200);
	assert_int_equal(ask(BOB, "GET", "/clients/c1/commands", NULL), 200);
	assert_part("\"meta\":{\"count\":0}");
	assert_int_equal(
	    ask(BOB, "GET", "/clients/c1/commands?filter[created_by]=admin", NULL), 200);
	assert_part("\"meta\":{\"count\":0}");
	assert_int_equal(ask(BOB, "GET", "/commands", NULL), 200);
	assert_part("{\"data\":[],\"meta\":{\"count\":0}}");

	start_as(BOB, "/commands", "{\"command\":\"id\",\"client_ids\":[\"c1\"]}");
	rp_job_client_run(rig, 1, RP_JOB_SUCCESSFUL);
	(void)snprintf(path, sizeof(path), "/commands/%s", jid);
	assert_int_equal(ask(BOB, "GET", path, NULL), 200);
	assert_int_equal(ask(ADMIN, "GET", path, NULL), 200);
	assert_int_equal(ask(BOB, "GET", "/commands", NULL), 200);
	assert_part("\"meta\":{\"count\":1}");
	assert_int_equal(ask(BOB, "GET", "/clients/c1/commands", NULL), 200);
	assert_part("\"meta\":{\"count\":1}");
	assert_int_equal(ask(ADMIN, "GET", "/commands", NULL), 200);
	assert_part("\"meta\":{\"count\":2}");
}

static void test_list(void **state)
{
	(void)state;
	start("{\"command\":\"id\",\"client_ids\":[\"c1\"]}");
	start_as(BOB, "/commands", "{\"command\":\"id\",\"client_ids\":[\"c2\"]}");
	assert_int_equal(ask(ADMIN, "GET", "/commands?page[limit]=1", NULL), 200);
	assert_part("{\"data\":[{\"jid\":\"");
	assert_part("\"created_by\":\"bob\",\"schedule_id\":null}],\"meta\":{\"count\":2}}");
	assert_int_equal(ask(ADMIN, "GET", "/commands?sort=started_at&page[limit]=1", NULL), 200);
	assert_part("\"created_by\":\"admin\"");
	assert_int_equal(ask(ADMIN, "GET", "/commands?filter[created_by]=bob", NULL), 200);
	assert_part("\"meta\":{\"count\":1}");
	assert_int_equal(
	    ask(ADMIN, "GET", "/commands?filter[started_at][gt]=2020-01-01", NULL), 200);
	assert_part("\"meta\":{\"count\":2}");
	assert_int_equal(ask(ADMIN, "GET", "/commands?filter[command]=id", NULL), 400);
	assert_part("unsupported filter field");
	assert_int_equal(
	    ask(ADMIN, "GET", "/commands?fields[commands]=command,is_script&page[limit]=1", NULL),
	    200);
	assert_part("\"schedule_id\":null,\"command\":\"id\",\"is_script\":false}],");
	assert_int_equal(ask(ADMIN, "GET", "/commands?fields[commands]=cwd", NULL), 400);
	assert_int_equal(ask(ADMIN, "GET", "/commands?sort=command", NULL), 400);
	assert_int_equal(ask(ADMIN, "GET", "/commands?page[limit]=1001", NULL), 400);
	assert_int_equal(ask(ADMIN, "GET", "/commands/missing", NULL), 404);
	assert_part("Multi-client Job[id=\\\"missing\\\"] not found.");
	assert_int_equal(ask(ADMIN, "GET", "/commands/missing/jobs", NULL), 404);
}

/* Ours: for how many clients as long as it runs. */
static void test_list_targets(void **state)
{
	(void)state;
	start("{\"command\":\"id\",\"client_ids\":[\"c1\",\"c2\"]}");
	assert_int_equal(ask(ADMIN, "GET", "/commands?fields[commands]=targets", NULL), 200);
	assert_part("\"schedule_id\":null,\"targets\":2}],");
	rp_job_client_start(rig, 0);
	rp_job_client_end(rig, 0, RP_JOB_SUCCESSFUL, "");
	rp_job_client_start(rig, 1);
	assert_int_equal(ask(ADMIN, "GET", "/commands?fields[commands]=targets", NULL), 200);
	assert_part("\"schedule_id\":null,\"targets\":2}],");
	rp_job_client_end(rig, 1, RP_JOB_SUCCESSFUL, "");
	rp_store_rig_sync(&rig->store);
	assert_int_equal(ask(ADMIN, "GET", "/commands?fields[commands]=targets", NULL), 200);
	assert_part("\"schedule_id\":null,\"targets\":null}],");
}

/* Restart */

static void test_restart_ends_row(void **state)
{
	(void)state;
	start("{\"command\":\"id\",\"client_ids\":[\"c1\",\"c2\",\"c3\"]}");
	rp_job_client_start(rig, 0);
	rp_api_rig_restart(rig);
	rp_job_client_open(rig);
	rp_store_rig_sync(&rig->store);
	get("/jobs?fields[jobs]=client_id,status,error&sort=status");
	assert_part("\"meta\":{\"count\":3}");
	assert_part("{\"status\":\"failed\",\"client_id\":\"c2\",\"error\":"
	            "\"the server stopped before the command was sent to the client\"}");
	assert_part("{\"status\":\"failed\",\"client_id\":\"c3\",\"error\":");
	assert_part("{\"status\":\"running\",\"client_id\":\"c1\",\"error\":\"\"}");
	/* The next start finds nothing more to do. */
	rp_api_rig_restart(rig);
	rp_store_rig_sync(&rig->store);
	get("/jobs");
	assert_part("\"meta\":{\"count\":3}");
	/* Its clients are not asked again when they are back. */
	rp_api_rig_client(rig, "c2", NULL);
	assert_orders(0);
}

/* As schedules use it: a callback at the end, the id in every child. */

struct ends {
	size_t stored, jobs, ends;
	struct rp_multi_end end;
};

static void on_stored(void *ctx, const char *id, int code, const struct rp_err *err)
{
	struct ends *e = ctx;
	(void)err;
	assert_int_equal(code, 0);
	(void)snprintf(jid, sizeof(jid), "%s", id);
	e->stored++;
}

static void on_job(void *ctx, const struct rp_job *job)
{
	struct ends *e = ctx;
	assert_string_equal(job->schedule_id, "s1");
	assert_string_equal(job->multi_job_id, jid);
	e->jobs++;
}

static void on_end(void *ctx, const struct rp_multi_end *end)
{
	struct ends *e = ctx;
	e->end = *end;
	e->ends++;
}

static const struct rp_multi_ops ops = {
    .on_stored = on_stored,
    .on_job = on_job,
    .on_end = on_end,
};

static void order(const struct rp_strlist *ids, struct ends *e)
{
	char command[] = "id";
	char by[] = "admin";
	char schedule[] = "s1";
	char empty[] = "";
	const struct rp_multi_job job = {
	    .created_by = by,
	    .schedule_id = schedule,
	    .command = command,
	    .cwd = empty,
	    .interpreter = empty,
	    .abort_on_err = true,
	};
	const struct rp_multi_order o = {.job = &job, .targets = ids, .ops = &ops, .ctx = e};
	assert_int_equal(rp_multi_start(rig->multis, &o), 0);
}

static void test_callbacks(void **state)
{
	char c1[] = "c1";
	char c2[] = "c2";
	char *v[] = {c1, c2};
	const struct rp_strlist ids = {.v = v, .n = 2};
	struct ends e = {0};
	(void)state;
	order(&ids, &e);
	assert_int_equal(e.stored, 0);
	rp_job_client_run(rig, 0, RP_JOB_SUCCESSFUL);
	assert_int_equal(e.stored, 1);
	assert_int_equal(e.jobs, 1);
	assert_int_equal(e.ends, 0);
	rp_job_client_run(rig, 1, RP_JOB_FAILED);
	rp_store_rig_sync(&rig->store);
	assert_int_equal(e.ends, 1);
	assert_int_equal(e.end.clients, 2);
	assert_int_equal(e.end.ended, 2);
	assert_int_equal(e.end.successful, 1);
	get("");
	assert_part("\"schedule_id\":\"s1\"");
	assert_part("\"timeout_sec\":60");

	/* Who goes hears nothing more. */
	order(&ids, &e);
	rp_job_client_start(rig, 2);
	rp_multi_detach(rig->multis, &e);
	rp_job_client_end(rig, 2, RP_JOB_SUCCESSFUL, NULL);
	rp_job_client_run(rig, 3, RP_JOB_SUCCESSFUL);
	assert_orders(4);
	assert_int_equal(e.jobs, 2);
	assert_int_equal(e.ends, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, close_rig)
	const struct CMUnitTest tests[] = {
	    T(test_bad_bodies),
	    T(test_bad_targets),
	    T(test_access),
	    T(test_row),
	    T(test_failure_ends_row),
	    T(test_row_goes_on),
	    T(test_lost_order),
	    T(test_concurrent),
	    T(test_many),
	    T(test_tags),
	    T(test_groups),
	    T(test_scripts),
	    T(test_owner),
	    T(test_list),
	    T(test_list_targets),
	    T(test_restart_ends_row),
	    T(test_callbacks),
	};
	return cmocka_run_group_tests_name("api_multi", tests, NULL, NULL);
}
