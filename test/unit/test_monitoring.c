/* SPDX-License-Identifier: MIT */
/*
 * Measurements over the API (rport-api 4.10): lists, graphs, what goes when it is old, and the
 * order to look for updates.
 */
#include "server/monitoring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/db.h"
#include "test/lib/api_short.h"

#define EMPTY "{\"data\":[],\"meta\":{\"count\":0}}"
/* 2026-11-20T00:00:00Z */
#define DAY_S INT64_C(1795132800)

static int setup(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	rp_api_rig_client(rig, "one", NULL);
	return 0;
}

static unsigned get(const char *path)
{
	return rp_api_rig_get(rig, "admin", path);
}

static void save(const char *id, const char *text)
{
	rp_monitoring_save(rig->monitoring, id, text, strlen(text));
}

/* Until the answer has that part: what clients send is shown when it is written. */
static void await(const char *path, const char *part)
{
	uint64_t end = rp_clock_ms() + 20000;
	do {
		assert_int_equal(get(path), 200);
		if (rp_clock_ms() > end) {
			fail_msg("no %s in %s", part, rig->body);
		}
		(void)usleep(20000);
	} while (strstr(rig->body, part) == NULL);
}

static void test_lists(void **state)
{
	(void)state;
	assert_reply(200, EMPTY, get("/clients/one/metrics"));
	assert_reply(200, EMPTY, get("/clients/one/processes"));
	assert_reply(200, EMPTY, get("/clients/one/mountpoints"));
	save("one",
	    "{\"client_id\":\"two\",\"timestamp\":\"2001-01-01T00:00:00Z\","
	    "\"cpu_usage_percent\":12.5,\"memory_usage_percent\":50,\"io_usage_percent\":0.25,"
	    "\"processes\":\"[{\\\"pid\\\":1,\\\"name\\\":\\\"init\\\"}]\","
	    "\"mountpoints\":\"{\\\"free_b./\\\":79645835264}\",\"net_lan\":null,"
	    "\"net_wan\":{\"in\":1,\"out\":2}}");
	await("/clients/one/metrics", "\"count\":1}");
	assert_part("{\"data\":[{\"timestamp\":\"20");
	assert_part("Z\",\"cpu_usage_percent\":12.5,\"memory_usage_percent\":50,"
	            "\"io_usage_percent\":0.25}],\"meta\":{\"count\":1}}");
	/* The server's clock counts, and the connection that it came by. */
	assert_null(strstr(rig->body, "2001-01-01"));
	assert_int_equal(get("/clients/one/processes"), 200);
	assert_part("Z\",\"processes\":[{\"pid\":1,\"name\":\"init\"}]}],\"meta\":{\"count\":1}}");
	assert_int_equal(get("/clients/one/mountpoints"), 200);
	assert_part("Z\",\"mountpoints\":{\"free_b./\":79645835264}}],\"meta\":{\"count\":1}}");
	assert_reply(200, "{\"data\":[{\"io_usage_percent\":0.25}],\"meta\":{\"count\":1}}",
	    get("/clients/one/metrics?fields[metrics]=io_usage_percent"));
}

/* What cannot be read is left out, and what is no JSON inside is null. */
static void test_bad(void **state)
{
	(void)state;
	rp_api_rig_client(rig, "two", NULL);
	rp_api_rig_client(rig, "three", NULL);
	save("one", "{\"cpu_usage_percent\":\"x\"}");
	save("two", "nonsense");
	save("three", "{\"cpu_usage_percent\":1,\"processes\":\"]\",\"mountpoints\":\"\"}");
	await("/clients/three/processes", "\"count\":1}");
	assert_reply(200, EMPTY, get("/clients/one/metrics"));
	assert_reply(200, EMPTY, get("/clients/two/metrics"));
	assert_int_equal(get("/clients/three/processes"), 200);
	assert_part("\"processes\":null}]");
	assert_int_equal(get("/clients/three/mountpoints"), 200);
	assert_part("\"mountpoints\":null}]");
}

/* A client that sends without a pause is not kept up with, and nobody else suffers. */
static void test_flood(void **state)
{
	(void)state;
	rp_api_rig_client(rig, "two", NULL);
	for (int i = 0; i < 5000; i++) {
		save("one", "{\"cpu_usage_percent\":1}");
	}
	save("two", "{\"cpu_usage_percent\":2}");
	await("/clients/two/metrics", "\"meta\":{\"count\":1}}");
	assert_int_equal(get("/clients/one/metrics"), 200);
	assert_null(strstr(rig->body, "\"meta\":{\"count\":5000}}"));
}

/* Writes rows as they would be after some time: runs of SQL between a stop and a start. */
static void write_rows(const char *sql)
{
	char path[128];
	struct rp_db *db;
	struct rp_err err = {0};
	rp_api_rig_stop(rig);
	(void)snprintf(path, sizeof(path), "%s/monitoring.db", rig->store.dir);
	assert_int_equal(rp_db_open(&db, path, true, &err), 0);
	if (rp_db_exec(db, sql, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	rp_db_close(db);
	rp_api_rig_start(rig);
	rp_api_rig_client(rig, "one", NULL);
}

/* n rows from DAY_S on, step seconds apart: cpu 1, 2 … */
static void write_series(int n, int step)
{
	char *sql = rp_asprintf("WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c"
	                        " WHERE i + 1 < %d) INSERT INTO measurements SELECT 'one',"
	                        " (%lld + i * %d) * 1000000000, i + 1, 50, 0.25,"
	                        " 125000 * (i + 1), 250000, NULL, NULL, '[]', '{}' FROM c",
	    n, (long long)DAY_S, step);
	write_rows(sql);
	rp_free(sql);
}

static void test_query(void **state)
{
	(void)state;
	write_series(5, 60);
	/* The newest one. */
	assert_reply(200,
	    "{\"data\":[{\"timestamp\":\"2026-11-20T00:04:00Z\",\"cpu_usage_percent\":5,"
	    "\"memory_usage_percent\":50,\"io_usage_percent\":0.25}],\"meta\":{\"count\":5}}",
	    get("/clients/one/metrics"));
	assert_reply(200,
	    "{\"data\":[{\"cpu_usage_percent\":2},{\"cpu_usage_percent\":3}],"
	    "\"meta\":{\"count\":5}}",
	    get("/clients/one/metrics?fields[metrics]=cpu_usage_percent&sort=timestamp"
	        "&page[limit]=2&page[offset]=1"));
	assert_reply(200, "{\"data\":[{\"cpu_usage_percent\":4}],\"meta\":{\"count\":2}}",
	    get("/clients/one/metrics?fields[metrics]=cpu_usage_percent"
	        "&filter[timestamp][gt]=1795132920&filter[timestamp][since]="
	        "2026-11-20T01:02:30%2B01:00&filter[timestamp][until]=2026-11-20T00:04:00Z"
	        "&page[offset]=1"));
	assert_reply(200, "{\"data\":[{\"cpu_usage_percent\":1}],\"meta\":{\"count\":1}}",
	    get("/clients/one/metrics?fields[metrics]=cpu_usage_percent"
	        "&filter[timestamp][lt]=1795132860"));
	assert_reply(400,
	    FAIL("Illegal timestamp value: expected one number of seconds since 1970"),
	    get("/clients/one/metrics?filter[timestamp][gt]=x"));
	assert_reply(400, FAIL("Illegal time value: expected one RFC 3339 time"),
	    get("/clients/one/metrics?filter[timestamp][since]=1795132800"));
	assert_int_equal(get("/clients/one/metrics?page[limit]=121"), 400);
	assert_int_equal(get("/clients/one/mountpoints?page[limit]=101"), 400);
	assert_int_equal(get("/clients/one/processes?page[limit]=11"), 400);
	assert_part("maximum is 10");
	assert_int_equal(get("/clients/one/metrics?sort=cpu_usage_percent"), 400);
	assert_int_equal(get("/clients/one/metrics?filter[cpu_usage_percent]=1"), 400);
	assert_int_equal(get("/clients/one/metrics?fields[metrics]=processes"), 400);
}

#define SPAN(hours)                                                     \
	"?sort=timestamp&filter[timestamp][since]=2026-11-20T00:00:00Z" \
	"&filter[timestamp][until]=2026-11-2" hours

static void set_configuration(const char *json)
{
	struct rp_client *c = (struct rp_client *)(uintptr_t)rp_registry_get(rig->registry, "one");
	rp_free(c->client_configuration);
	c->client_configuration = rp_strdup(json);
}

static void test_graph(void **state)
{
	(void)state;
	/* Three hours of one a minute: 87 s wide each. */
	write_series(180, 60);
	assert_int_equal(get("/clients/one/graph-metrics" SPAN("0T03:00:00Z")), 200);
	assert_part(
	    "{\"data\":[{\"timestamp\":\"2026-11-20T00:00:00Z\",\"cpu_usage_percent\":"
	    "{\"avg\":1,\"min\":1,\"max\":1},\"memory_usage_percent\":{\"avg\":50,\"min\":50,"
	    "\"max\":50},\"io_usage_percent\":{\"avg\":0.25,\"min\":0.25,\"max\":0.25}},");
	assert_part("\"cpu_usage_percent\":{\"avg\":3.5,\"min\":3,\"max\":4}");
	assert_part(
	    "],\"links\":{\"cpu_usage_percent\":\"http://x/api/v1/clients/one/graph-metrics/"
	    "cpu_usage_percent\",\"mem_usage_percent\":\"http://x/api/v1/clients/one/"
	    "graph-metrics/mem_usage_percent\",\"io_usage_percent\":\"http://x/api/v1/clients/"
	    "one/graph-metrics/io_usage_percent\"}}");
	size_t points = 0;
	for (const char *p = rig->body; (p = strstr(p, "\"timestamp\"")) != NULL; p++) {
		points++;
	}
	assert_in_range(points, 120, 126);
	/* The newest comes first unless asked otherwise. */
	assert_int_equal(get("/clients/one/graph-metrics?filter[timestamp][gt]=1795132799"
	                     "&filter[timestamp][lt]=1795143600"),
	    200);
	assert_part("{\"data\":[{\"timestamp\":\"2026-11-20T02:5");
	assert_int_equal(
	    get("/clients/one/graph-metrics/mem_usage_percent" SPAN("0T03:00:00Z")), 200);
	assert_part("{\"data\":[{\"timestamp\":\"2026-11-20T00:00:00Z\",\"memory_usage_percent\":"
	            "{\"avg\":50,\"min\":50,\"max\":50}},{");
	assert_null(strstr(rig->body, "links"));
}

static void test_network(void **state)
{
	(void)state;
	write_series(180, 60);
	assert_reply(404, FAIL("graph data net_usage_bps_lan not available for client with id one"),
	    get("/clients/one/graph-metrics/net_usage_bps_lan" SPAN("0T03:00:00Z")));
	assert_reply(404, FAIL("unknown graph: nonsense"),
	    get("/clients/one/graph-metrics/nonsense" SPAN("0T03:00:00Z")));
	set_configuration("{\"monitoring\":{\"lan_card\":{\"name\":\"eth0\",\"max_speed\":1000},"
	                  "\"wan_card\":{\"name\":\"eth1\",\"max_speed\":0}}}");
	assert_int_equal(
	    get("/clients/one/graph-metrics/net_usage_percent_lan" SPAN("0T03:00:00Z")), 200);
	assert_part("{\"data\":[{\"timestamp\":\"2026-11-20T00:00:00Z\",\"net_usage_percent_lan\":"
	            "{\"in_avg\":0.1,\"in_min\":0.1,\"in_max\":0.1,\"out_avg\":0.2,\"out_min\":0.2,"
	            "\"out_max\":0.2}},");
	assert_int_equal(
	    get("/clients/one/graph-metrics/net_usage_bps_lan" SPAN("0T03:00:00Z")), 200);
	assert_part("\"net_usage_bps_lan\":{\"in_avg\":125000,\"in_min\":125000,\"in_max\":125000,"
	            "\"out_avg\":250000,");
	/* Nothing was measured; and of an unknown speed there is no percentage. */
	assert_int_equal(
	    get("/clients/one/graph-metrics/net_usage_bps_wan" SPAN("0T03:00:00Z")), 200);
	assert_part("\"net_usage_bps_wan\":{}}");
	assert_int_equal(
	    get("/clients/one/graph-metrics/net_usage_percent_wan" SPAN("0T03:00:00Z")), 200);
	assert_part("\"net_usage_percent_wan\":{}}");
	assert_int_equal(get("/clients/one/graph-metrics" SPAN("0T03:00:00Z")), 200);
	assert_part("\"net_usage_bps_lan\":\"http://x/api/v1/clients/one/graph-metrics/"
	            "net_usage_bps_lan\"");
	assert_part("net_usage_percent_wan");
}

static void test_spans(void **state)
{
	static const char pair[] = FAIL(
	    "Illegal filter pair: expected gt and lt, or since and until");
	static const char period[] = FAIL("Illegal period (min,max allowed: 2,48 hours)");
	(void)state;
	assert_int_equal(get("/clients/one/graph-metrics"), 400);
	assert_part("Illegal number of filter options");
	assert_int_equal(get("/clients/one/graph-metrics?filter[timestamp][gt]=1"), 400);
	assert_reply(400, pair,
	    get("/clients/one/graph-metrics?filter[timestamp][gt]=1795132800"
	        "&filter[timestamp][until]=2026-11-20T03:00:00Z"));
	assert_reply(400, period, get("/clients/one/graph-metrics" SPAN("0T01:59:59Z")));
	assert_int_equal(get("/clients/one/graph-metrics" SPAN("0T02:00:00Z")), 200);
	assert_part("{\"data\":[],\"links\":{");
	assert_int_equal(get("/clients/one/graph-metrics" SPAN("2T00:00:00Z")), 200);
	assert_reply(400, period, get("/clients/one/graph-metrics" SPAN("2T00:00:01Z")));
	assert_int_equal(get("/clients/one/graph-metrics?filter[timestamp][gt]=1795132800"
	                     "&filter[timestamp][lt]=1795140000"),
	    200);
	assert_reply(400, FAIL("Illegal time value (upper before lower)"),
	    get("/clients/one/graph-metrics?filter[timestamp][gt]=1795143600"
	        "&filter[timestamp][lt]=1795132800"));
	rp_api_rig_down(rig);
	assert_reply(404, FAIL("client with id one not found"),
	    get("/clients/one/graph-metrics" SPAN("0T03:00:00Z")));
}

static void test_retention(void **state)
{
	char sql[256];
	(void)state;
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO measurements (client_id, timestamp, cpu_usage_percent,"
	    " memory_usage_percent, io_usage_percent) VALUES ('one', %lld, 1, 1, 1)",
	    (long long)(rp_time_now() - INT64_C(8) * 86400 * RP_NS_PER_S));
	write_rows(sql);
	save("one", "{\"cpu_usage_percent\":7}");
	/* The old one goes, the new one comes, in either order. */
	await("/clients/one/metrics", "\"cpu_usage_percent\":7,");
	await("/clients/one/metrics", "\"meta\":{\"count\":1}}");
	assert_part("\"cpu_usage_percent\":7,");
}

static void test_restart(void **state)
{
	(void)state;
	save("one", "{\"cpu_usage_percent\":7}");
	rp_api_rig_restart(rig);
	assert_int_equal(get("/clients/one/metrics"), 200);
	assert_part("\"cpu_usage_percent\":7,");
}

static void test_off(void **state)
{
	static const char *const paths[] = {"metrics", "processes", "mountpoints", "graph-metrics",
	    "graph-metrics/cpu_usage_percent"};
	(void)state;
	struct rp_api_rig *r = rp_api_rig_open("[monitoring]\nenabled = false\n");
	rig = r;
	rp_api_rig_client(r, "one", NULL);
	save("one", "{\"cpu_usage_percent\":7}");
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/clients/one/%s", paths[i]);
		assert_reply(404,
		    FAIL("monitoring disabled. re-enable to view monitoring statistics."),
		    get(path));
	}
	assert_int_equal(get("/status"), 200);
	assert_part("\"monitoring_enabled\":false");
	rp_api_rig_close(r);
}

/* What the client says to refresh_updates_status. */
static int answer_code;
static const char *answer_text;

static void answer_refresh(struct rp_workers *w)
{
	struct rp_fake_order *o = rp_fake_order(w, 0);
	assert_string_equal(o->name, "refresh_updates_status");
	assert_string_equal(o->text, "null");
	rp_fake_answer(o, answer_code, answer_text);
	rp_fake_clear(w);
}

static unsigned refresh(int code, const char *text)
{
	const struct rp_api_ask a = {
	    .method = "POST", .path = "/clients/one/updates-status", .user = ADMIN};
	answer_code = code;
	answer_text = text;
	rig->on_orders = answer_refresh;
	return rp_api_rig_ask(rig, &a);
}

static void test_updates(void **state)
{
	static const char sent[] = "{\"refreshed\":\"2026-11-20T00:00:00Z\","
	                           "\"updates_available\":3}";
	(void)state;
	assert_reply(204, "", refresh(0, "null"));
	assert_reply(409, FAIL("client error: no package manager"),
	    refresh(RP_EDENIED, "no package manager"));
	assert_int_equal(refresh(RP_ETIMEOUT, ""), 409);
	assert_reply(404, FAIL("client with id one not found"), refresh(RP_ECLOSED, ""));
	rp_registry_events()->on_notify(
	    rig->registry, rig->last, "updates_status", sent, strlen(sent));
	assert_int_equal(get("/clients/one?fields[clients]=updates_status"), 200);
	assert_part("{\"data\":{\"updates_status\":{\"refreshed\":\"2026-11-20T00:00:00Z\","
	            "\"updates_available\":3}}}");
	rp_api_rig_down(rig);
	assert_reply(404, FAIL("client with id one not found"), refresh(0, "null"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_lists),
	    T(test_bad),
	    T(test_flood),
	    T(test_query),
	    T(test_graph),
	    T(test_network),
	    T(test_spans),
	    T(test_retention),
	    T(test_restart),
	    T(test_updates),
	    cmocka_unit_test(test_off),
	};
	return cmocka_run_group_tests_name("monitoring", tests, NULL, NULL);
}
