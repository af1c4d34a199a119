/* SPDX-License-Identifier: MIT */
/*
 * Control payloads: the documents of the wire protocol (3.2, 4.2, A.3) and the version texts of
 * clients.
 */
#include "tunnel/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/oom.h"

/* Reads with the table and writes again. */
static void round_trip(const struct rp_json_table *t, const char *text, const char *want)
{
	struct rp_err err = {0};
	void *dst = rp_calloc(1, t->size);
	if (rp_json_decode_text(text, strlen(text), t, false, dst, &err) != 0) {
		fail_msg("%s: %s", text, err.msg);
	}
	char *again = rp_json_text(t, dst);
	assert_string_equal(again, want);
	rp_free(again);
	rp_json_release(t, dst);
	rp_free(dst);
}

static void same(const struct rp_json_table *t, const char *text)
{
	round_trip(t, text, text);
}

#define NEW                                                                                            \
	"{\"ID\":\"cid\",\"Name\":\"n\",\"SessionID\":\"s\",\"OS\":\"Linux\",\"OSFullName\":\"Debian " \
	"12.11\",\"OSVersion\":\"12.11\",\"OSVirtualizationSystem\":\"KVM\","                          \
	"\"OSVirtualizationRole\":\"guest\",\"OSArch\":\"amd64\",\"OSFamily\":\"debian\","             \
	"\"OSKernel\":\"linux\",\"Version\":\"1.0.0\",\"Hostname\":\"h\",\"CPUFamily\":\"6\","         \
	"\"CPUModel\":\"85\",\"CPUModelName\":\"x\",\"CPUVendor\":\"y\",\"NumCPUs\":2,"                \
	"\"MemoryTotal\":8318418944,\"Timezone\":\"UTC (UTC+00:00)\",\"IPv4\":[\"10.0.0.1\"],"         \
	"\"IPv6\":null,\"Tags\":null,\"Labels\":{\"k\":\"v\"},\"Remotes\":["                           \
	"{\"name\":\"\",\"protocol\":\"tcp\",\"lhost\":\"0.0.0.0\",\"lport\":\"25001\","               \
	"\"lport_random\":false,\"owner\":\"\",\"rhost\":\"127.0.0.1\",\"rport\":\"19000\","           \
	"\"scheme\":null,\"acl\":null,\"idle_timeout_minutes\":0,\"auto_close\":0,"                    \
	"\"http_proxy\":false,\"host_header\":\"\",\"auth_user\":\"\",\"auth_password\":\"\","         \
	"\"tunnel_url\":\"\"}],\"ClientConfiguration\":{\"client\":{\"server\":\"x\"}}"

static void test_new_connection(void **state)
{
	(void)state;
	struct rp_new_connection c = {0};
	same(&rp_new_connection_table, NEW "}");
	same(&rp_new_connection_table, NEW ",\"Features\":[\"half-close\"]}");
	/* The smallest one that a server has to take. */
	static const char small[] =
	    "{\"ID\":\"cid\",\"Version\":\"1.0.0\",\"SessionID\":\"x\","
	    "\"Remotes\":null,\"Labels\":null,\"ClientConfiguration\":null}";
	assert_int_equal(rp_json_decode_text(
	                     small, sizeof(small) - 1, &rp_new_connection_table, false, &c, NULL),
	    0);
	assert_string_equal(c.id, "cid");
	assert_null(c.client_configuration);
	assert_int_equal(c.remotes.n, 0);
	rp_json_release(&rp_new_connection_table, &c);
	static const char *const bad[] = {"[]", "{\"ID\":1}", "{\"NumCPUs\":\"2\"}",
	    "{\"MemoryTotal\":-1}", "{\"IPv4\":\"x\"}", "{\"IPv4\":[1]}", "{\"Labels\":[]}",
	    "{\"Remotes\":{}}", "{\"Remotes\":[{\"lport\":1}]}", "{\"Remotes\":[1]}"};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		if (rp_json_decode_text(
		        bad[i], strlen(bad[i]), &rp_new_connection_table, false, &c, NULL) == 0) {
			fail_msg("taken: %s", bad[i]);
		}
	}
}

static void test_small_payloads(void **state)
{
	(void)state;
	same(&rp_capabilities_table,
	    "{\"ServerVersion\":\"0.0.0-src\",\"MonitoringVersion\":1,\"IPAddressesVersion\":1}");
	same(&rp_capabilities_table,
	    "{\"ServerVersion\":\"1\",\"MonitoringVersion\":0,"
	    "\"IPAddressesVersion\":1,\"Features\":[\"half-close\"]}");
	same(&rp_check_port_table, "{\"HostPort\":\"127.0.0.1:19000\",\"Timeout\":2000000000}");
	same(&rp_check_port_answer_table, "{\"Open\":true,\"ErrMsg\":\"\"}");
	same(&rp_check_tunnel_table, "{\"Remote\":\"127.0.0.1:19000\"}");
	same(&rp_check_tunnel_answer_table, "{\"IsAllowed\":true}");
	same(&rp_run_answer_table,
	    "{\"Pid\":4101,\"StartedAt\":\"2026-11-22T18:08:42.064428862Z\"}");
	same(&rp_attributes_table, "{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"}}");
	round_trip(&rp_attributes_table, "{\"tags\":null}", "{\"tags\":[],\"labels\":{}}");
	round_trip(
	    &rp_check_port_table, "{\"hostport\":\"a:1\"}", "{\"HostPort\":\"a:1\",\"Timeout\":0}");
}

static void test_versions(void **state)
{
	(void)state;
	static const char *const good[] = {"1", "1.0", "1.2.3", "v1.2.3", "0.0.0-src", "1.0.0-rc.1",
	    "1.0.0+build.5", "1.0.0-rc1+b", "1.0rc1", "0.9.12-6-gabcdef", "1.2.3.4", "10.20.30"};
	static const char *const bad[] = {"", "v", "x", "1.", ".1", "1..2", "1.0.0-", "1.0.0+",
	    "V1", "1.0 ", " 1", "1.0.0-rc_1", "1.0.0\n", "99999999999999999999", "-1", "1.0.0+a+b",
	    "11111111111111111111111111111111111111111111111111111111111111111"};
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		if (!rp_version_valid(good[i])) {
			fail_msg("refused: %s", good[i]);
		}
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		if (rp_version_valid(bad[i])) {
			fail_msg("taken: %s", bad[i]);
		}
	}
	assert_false(rp_version_valid(NULL));
}

static void test_at_least(void **state)
{
	(void)state;
	assert_true(rp_version_at_least("0.6.4", 0, 6, 4));
	assert_true(rp_version_at_least("0.6.10", 0, 6, 4));
	assert_true(rp_version_at_least("0.7", 0, 6, 4));
	assert_true(rp_version_at_least("1", 0, 6, 4));
	assert_true(rp_version_at_least("v1.0.0", 1, 0, 0));
	assert_true(rp_version_at_least("1.0.1-rc1", 1, 0, 0));
	assert_true(rp_version_at_least("1.0.0+b", 1, 0, 0));
	assert_false(rp_version_at_least("0.6.3", 0, 6, 4));
	assert_false(rp_version_at_least("0.6", 0, 6, 4));
	assert_false(rp_version_at_least("0.6.4-rc1", 0, 6, 4));
	assert_false(rp_version_at_least("0.0.0-src", 0, 6, 4));
	assert_false(rp_version_at_least("", 0, 0, 0));
	assert_false(rp_version_at_least(NULL, 0, 0, 0));
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_new_connection c = {0};
	int rc = rp_json_decode_text(
	    NEW "}", strlen(NEW "}"), &rp_new_connection_table, false, &c, NULL);
	if (rc == 0) {
		char *text = rp_json_text(&rp_new_connection_table, &c);
		rc = text == NULL ? RP_ENOMEM : 0;
		rp_free(text);
	}
	rp_json_release(&rp_new_connection_table, &c);
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
	    cmocka_unit_test(test_new_connection),
	    cmocka_unit_test(test_small_payloads),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_at_least),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
