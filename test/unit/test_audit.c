/* SPDX-License-Identifier: MIT */
/*
 * The audit log: its entries over the API (rport-api 4.7), who sees which, what they leave out, its
 * file and rotation.
 */
#include "server/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/audit.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/db.h"
#include "server/audit_store.h"
#include "test/lib/api_short.h"
#include "test/lib/oom.h"

#define EMPTY "{\"data\":[],\"meta\":{\"count\":0}}"

static void assert_log(const char *user, const char *query, unsigned count)
{
	char path[256];
	char want[64];
	(void)snprintf(path, sizeof(path), "/auditlog%s", query);
	(void)snprintf(want, sizeof(want), "\"meta\":{\"count\":%u}}", count);
	unsigned status = ask(user, "GET", path, NULL);
	if (status != 200 || strstr(rig->body, want) == NULL) {
		fail_msg("%s: %u %s", path, status, rig->body);
	}
}

static void test_entry(void **state)
{
	char token[64];
	char prefix[16];
	char want[320];
	(void)state;
	assert_log(ADMIN, "", 0);
	assert_string_equal(rig->body, EMPTY);
	assert_int_equal(
	    ask(BOB, "POST", "/me/tokens", "{\"name\":\"n\",\"scope\":\"read\"}"), 200);
	rp_api_rig_text(rig, "token", token, sizeof(token));
	rp_api_rig_text(rig, "prefix", prefix, sizeof(prefix));
	assert_log(ADMIN, "", 1);
	(void)snprintf(want, sizeof(want),
	    "\"username\":\"bob\",\"remote_ip\":\"127.0.0.1\",\"application\":"
	    "\"auth.user.me.token\",\"action\":\"create\",\"affected_id\":\"[bob,%s]\","
	    "\"client_id\":\"\",\"client_hostname\":\"\",\"request\":\"{\\\"name\\\":\\\"n\\\","
	    "\\\"scope\\\":\\\"read\\\"}\",\"response\":\"{\\\"prefix\\\":\\\"%s\\\"",
	    prefix, prefix);
	assert_part(want);
	assert_part("\\\"token\\\":\\\"***\\\"}\"}],");
	assert_null(strstr(rig->body, token));
	/* What was refused leaves nothing. */
	assert_int_equal(ask(BOB, "POST", "/me/tokens", "{\"name\":\"n\"}"), 400);
	assert_log(ADMIN, "", 1);
}

/* Of a client that is gone afterwards the entry has the name. */
static void test_client(void **state)
{
	(void)state;
	rp_api_rig_client(rig, "one", "staff");
	struct rp_client *c = (struct rp_client *)(uintptr_t)rp_registry_get(rig->registry, "one");
	rp_free(c->hostname);
	c->hostname = rp_strdup("host-1");
	rp_api_rig_down(rig);
	assert_int_equal(ask(ADMIN, "DELETE", "/clients/one", NULL), 204);
	assert_log(ADMIN, "?filter[client_id]=one", 1);
	assert_part("\"application\":\"client\",\"action\":\"delete\",\"affected_id\":\"one\","
	            "\"client_id\":\"one\",\"client_hostname\":\"host-1\",\"request\":\"\","
	            "\"response\":\"\"}");
}

static void make_entries(void)
{
	static const struct {
		const char *user;
		const char *name;
	} all[] = {{BOB, "one"}, {ADMIN, "two"}, {BOB, "three"}};
	for (size_t i = 0; i < RP_ARRAY_LEN(all); i++) {
		char body[64];
		(void)snprintf(
		    body, sizeof(body), "{\"name\":\"%s\",\"scope\":\"read\"}", all[i].name);
		assert_int_equal(ask(all[i].user, "POST", "/me/tokens", body), 200);
	}
}

static void test_owner(void **state)
{
	(void)state;
	make_entries();
	assert_log(ADMIN, "", 3);
	assert_log(ADMIN, "?filter[username]=bob", 2);
	assert_log(BOB, "", 2);
	assert_null(strstr(rig->body, "\"username\":\"admin\""));
	assert_log(BOB, "?filter[*]=admin", 0);
	assert_int_equal(ask(BOB, "GET", "/auditlog?filter[username]=bob", NULL), 403);
	assert_string_equal(rig->body,
	    "{\"errors\":[{\"code\":\"\",\"title\":\"filter forbidden\",\"detail\":"
	    "\"only members of group Administrators can filter by usernames\"}]}");
	assert_int_equal(ask(BOB, "GET", "/auditlog?filter[action%7Cusername]=x", NULL), 403);
}

static void test_query(void **state)
{
	(void)state;
	make_entries();
	assert_log(ADMIN, "?page[limit]=1&page[offset]=1", 3);
	assert_part("{\"data\":[{\"timestamp\":\"");
	assert_part("\"username\":\"admin\"");
	assert_null(strstr(rig->body, "\"username\":\"bob\""));
	assert_log(ADMIN, "?sort=-username&page[limit]=1", 3);
	assert_part("\"username\":\"bob\"");
	assert_log(ADMIN, "?filter[timestamp][gt]=2020-01-01T00:00:00Z", 3);
	assert_log(ADMIN, "?filter[timestamp][lt]=2020-01-01T00:00:00Z", 0);
	assert_log(ADMIN, "?filter[action]=create&filter[application]=auth.*", 3);
	assert_log(ADMIN, "?filter[action]=delete", 0);
	assert_int_equal(
	    ask(ADMIN, "GET", "/auditlog?sort=x&filter[request]=a&page[limit]=101", NULL), 400);
	assert_part("unsupported sort field 'x'");
	assert_part("unsupported filter field 'filter[request]'");
	assert_part("maximum is 100");
}

static void test_restart(void **state)
{
	(void)state;
	make_entries();
	rp_api_rig_restart(rig);
	assert_log(ADMIN, "", 3);
	assert_int_equal(
	    ask(BOB, "POST", "/me/tokens", "{\"name\":\"four\",\"scope\":\"read\"}"), 200);
	assert_log(ADMIN, "?page[offset]=3", 4);
	assert_part("\\\"four\\\"");
}

static void test_off(void **state)
{
	(void)state;
	struct rp_api_rig *r = rp_api_rig_open("enable_audit_log = false\n");
	rig = r;
	make_entries();
	assert_log(ADMIN, "", 0);
	assert_string_equal(rig->body, EMPTY);
	assert_int_equal(rp_api_rig_get(r, "admin", "/status"), 200);
	assert_part("\"auditlog\":{\"enabled\":false,\"rotation\":\"monthly\"}");
	rp_api_rig_close(r);
}

static void test_obscured(void **state)
{
	(void)state;
	struct rp_api_rig *r = rp_api_rig_open("use_ip_obfuscation = true\n");
	rig = r;
	make_entries();
	assert_log(ADMIN, "", 3);
	assert_part("\"remote_ip\":\"127.0.0.x\"");
	assert_null(strstr(rig->body, "127.0.0.1"));
	rp_api_rig_close(r);
}

static void test_obscure_ip(void **state)
{
	static const struct {
		const char *ip;
		const char *want;
	} cases[] = {
	    {"192.0.2.17", "192.0.2.x"},
	    {"::ffff:192.0.2.17", "192.0.2.x"},
	    {"2001:db8:1:2:3:4:5:6", "2001:db8:1::x"},
	    {"::1", "::x"},
	    {"", ""},
	    {"nonsense", "nonsense"},
	};
	char out[RP_AUDIT_IP_MAX];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		rp_audit_obscure_ip(cases[i].ip, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_period(void **state)
{
	static const struct {
		const char *rotation;
		const char *time;
		const char *want;
	} cases[] = {
	    {"daily", "2026-11-28T23:59:59.9Z", "2026-11-28"},
	    {"weekly", "2026-11-28T00:00:00Z", "2026-W48"},
	    {"weekly", "2027-01-01T00:00:00Z", "2026-W53"},
	    {"monthly", "2026-11-30T23:59:59Z", "2026-11"},
	    {"yearly", "2027-01-01T00:00:00Z", "2027"},
	};
	char out[RP_AUDIT_PERIOD_MAX];
	int64_t t;
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		assert_int_equal(rp_time_parse(rp_str_c(cases[i].time), &t), 0);
		rp_audit_period(cases[i].rotation, t, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void count_rows(const char *path, int64_t want)
{
	struct rp_db *db;
	struct rp_stmt *stmt;
	struct rp_err err = {0};
	assert_int_equal(rp_db_open(&db, path, true, &err), 0);
	assert_int_equal(rp_db_stmt(db, "SELECT COUNT(*) FROM auditlog", &stmt, &err), 0);
	assert_int_equal(rp_stmt_step(stmt, &err), 1);
	assert_int_equal(rp_stmt_i64(stmt, 0), want);
	rp_stmt_reset(stmt);
	rp_db_close(db);
}

/* The entries of an earlier period go to a file of their own with the first of the next one. */
static void rotate_once(const char *old, const char *file, int64_t rows)
{
	char path[128];
	char sql[96];
	struct rp_db *db;
	struct rp_err err = {0};
	rp_api_rig_stop(rig);
	(void)snprintf(path, sizeof(path), "%s/auditlog.db", rig->store.dir);
	(void)snprintf(sql, sizeof(sql), "UPDATE auditlog SET timestamp = '%s'", old);
	assert_int_equal(rp_db_open(&db, path, true, &err), 0);
	assert_int_equal(rp_db_exec(db, sql, &err), 0);
	rp_db_close(db);
	rp_api_rig_start(rig);
	/* Nothing happened since: it is still there. */
	assert_log(ADMIN, "", (unsigned)rows);
	assert_int_equal(ask(BOB, "DELETE", "/me/tokens/nonesuch", NULL), 404);
	assert_log(ADMIN, "", (unsigned)rows);
	assert_int_equal(ask(ADMIN, "DELETE", "/users/bob/sessions", NULL), 204);
	assert_log(ADMIN, "", 1);
	assert_part("auth.api.sessions");
	(void)snprintf(path, sizeof(path), "%s/%s", rig->store.dir, file);
	count_rows(path, rows);
	assert_int_equal(unlink(path), 0);
}

static void test_rotation(void **state)
{
	char path[128];
	(void)state;
	make_entries();
	rotate_once("2020-03-04T05:06:07.000000000Z", "auditlog.2020-03.db", 3);
	/* A name that is taken gets a number. */
	(void)snprintf(path, sizeof(path), "%s/auditlog.2020-04.db", rig->store.dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	rotate_once("2020-04-04T05:06:07.000000000Z", "auditlog.2020-04.db.1", 1);
	assert_int_equal(unlink(path), 0);
}

/* More than may wait: the rest is lost, not the requests. */
static void test_many(void **state)
{
	const struct rp_audit_entry e = {.application = (char *)(uintptr_t) "a"};
	(void)state;
	for (int i = 0; i < 10100; i++) {
		rp_audit_add(rig->audit, &e);
	}
	assert_log(ADMIN, "", 10001);
	make_entries();
	assert_log(ADMIN, "", 10004);
}

/* Whatever the spelling and the place. */
static void test_secrets(void **state)
{
	const struct rp_audit_actor bob = {.api = rig->api, .username = "bob", .peer = "192.0.2.1"};
	const struct rp_audit_note note = {
	    .application = "vault",
	    .action = "create",
	    .request = "{\"PassWord\":\"s3cret\",\"a\":[{\"token\":\"s3cret\",\"n\":1.5}],"
	               "\"value\":{\"x\":\"s3cret\"},\"key\":\"k\",\"old_password\":\"\"}",
	    .response = "{\"secret\":\"s3cret\",\"qr\":\"s3cret\",\"id\":7}",
	};
	const struct rp_audit_note bad = {
	    .application = "vault", .action = "update", .request = "no JSON s3cret"};
	(void)state;
	rp_api_audit_as(&bob, &note);
	rp_api_audit_as(&bob, &bad);
	assert_log(ADMIN, "", 2);
	assert_null(strstr(rig->body, "s3cret"));
	assert_part("\"request\":\"{\\\"PassWord\\\":\\\"***\\\",\\\"a\\\":[{\\\"token\\\":"
	            "\\\"***\\\",\\\"n\\\":1.5}],\\\"value\\\":null,\\\"key\\\":\\\"k\\\","
	            "\\\"old_password\\\":\\\"\\\"}\"");
	assert_part(
	    "\"response\":\"{\\\"secret\\\":\\\"***\\\",\\\"qr\\\":\\\"***\\\",\\\"id\\\":7}\"");
	assert_part("\"action\":\"update\",\"affected_id\":\"\",\"client_id\":\"\","
	            "\"client_hostname\":\"\",\"request\":\"\",\"response\":\"\"}");
}

/* A request that is too long for the log is left out, and said so. */
static void test_long(void **state)
{
	const struct rp_audit_actor bob = {.api = rig->api, .username = "bob", .peer = "192.0.2.1"};
	char *text = rp_asprintf("{\"a\":\"%070000d\"}", 0);
	const struct rp_audit_note note = {
	    .application = "schedule", .action = "create", .request = text, .response = "{}"};
	(void)state;
	rp_api_audit_as(&bob, &note);
	rp_free(text);
	assert_log(ADMIN, "", 1);
	assert_part("\"request\":\"{\\\"left_out\\\":\\\"too long for the audit log\\\"}\","
	            "\"response\":\"{}\"}");
}

static int make_row(void *state)
{
	struct rp_audit_row *row = rp_audit_row_new(state);
	if (row == NULL) {
		return RP_ENOMEM;
	}
	rp_audit_row_free(row);
	return 0;
}

static void test_no_memory(void **state)
{
	char text[] = "text";
	struct rp_audit_entry e = {
	    .username = text, .application = text, .action = text, .request = text};
	(void)state;
	assert_int_equal(rp_oom_run(make_row, &e), 0);
}

/* Jobs */

static void start_job(struct rp_workers *w)
{
	struct rp_fake_order *o = rp_fake_order(w, 0);
	assert_string_equal(o->name, "run_cmd");
	rp_fake_answer(o, 0, "{\"Pid\":7,\"StartedAt\":\"2026-11-20T00:00:00Z\"}");
	rp_fake_clear(w);
}

static void end_job(const char *jid, const char *status, size_t output)
{
	char *out = rp_calloc(1, output + 1);
	assert_non_null(out);
	memset(out, 'x', output);
	char *text = rp_asprintf("{\"jid\":\"%s\",\"status\":\"%s\",\"started_at\":"
	                         "\"2026-11-20T00:00:00Z\",\"result\":{\"stdout\":\"%s\"}}",
	    jid, status, out);
	rp_jobs_result(rig->jobs, "one", text, strlen(text));
	rp_store_rig_sync(&rig->store);
	rp_free(text);
	rp_free(out);
}

static void test_job(void **state)
{
	char jid[64];
	char want[200];
	(void)state;
	rp_api_rig_client(rig, "one", "staff");
	rig->on_orders = start_job;
	for (size_t output = 3; output < 200000; output += 100000) {
		assert_int_equal(
		    ask(BOB, "POST", "/clients/one/commands", "{\"command\":\"/bin/id\"}"), 200);
		rp_api_rig_text(rig, "jid", jid, sizeof(jid));
		assert_log(ADMIN, "?filter[action]=execute.done", output == 3 ? 0 : 1);
		end_job(jid, "successful", output);
		/* Once more is nothing new. */
		end_job(jid, "failed", output);
		assert_log(BOB, "?filter[action]=execute.done&page[limit]=1&sort=-timestamp",
		    output == 3 ? 1 : 2);
		(void)snprintf(want, sizeof(want),
		    "\"username\":\"bob\",\"remote_ip\":\"\",\"application\":\"client.command\","
		    "\"action\":\"execute.done\",\"affected_id\":\"%.40s\"",
		    jid);
		assert_part(want);
		assert_part("\"client_id\":\"one\"");
		assert_part(output == 3 ? "\\\"stdout\\\":\\\"xxx\\\"" : "\\\"result\\\":null");
	}
	assert_log(ADMIN, "?filter[action]=execute.start", 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_entry),
	    T(test_client),
	    T(test_owner),
	    T(test_job),
	    T(test_secrets),
	    T(test_long),
	    cmocka_unit_test(test_no_memory),
	    T(test_query),
	    T(test_restart),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_obscured),
	    cmocka_unit_test(test_obscure_ip),
	    cmocka_unit_test(test_period),
	    T(test_rotation),
	    T(test_many),
	};
	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
