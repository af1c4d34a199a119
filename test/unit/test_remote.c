/* SPDX-License-Identifier: MIT */
/*
 * Remotes: the text form (wire protocol 5.3), the JSON object (5.2), the check of what peers
 * send, targets, and which tunnels come back after a reconnect (5.8).
 */
#include "tunnel/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/jsonw.h"
#include "test/lib/oom.h"

static void test_proto(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "TCP", "tcp ", "sctp", "udp+tcp", "tcp+udp+tcp"};
	static const char *const good[] = {"tcp", "udp", "tcp+udp"};
	enum rp_proto p;
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		assert_int_equal(rp_proto_parse(good[i], &p), 0);
		assert_int_equal(p, (int)i + 1);
		assert_string_equal(rp_proto_text(p), good[i]);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_proto_parse(bad[i], &p), RP_EINVAL);
	}
	assert_int_equal(rp_proto_parse(NULL, &p), RP_EINVAL);
}

static const struct {
	const char *text;
	const char *lhost;
	const char *lport;
	const char *rhost;
	const char *rport;
	const char *protocol;
	const char *full;
} forms[] = {
    {"3000", "", "", "127.0.0.1", "3000", "tcp", "::127.0.0.1:3000"},
    {"foobar.com:3000", "", "", "foobar.com", "3000", "tcp", "::foobar.com:3000"},
    {"3000:80", "0.0.0.0", "3000", "127.0.0.1", "80", "tcp", "0.0.0.0:3000:127.0.0.1:80"},
    {"3000:google.com:80", "0.0.0.0", "3000", "google.com", "80", "tcp",
        "0.0.0.0:3000:google.com:80"},
    {"192.168.0.1:3000:google.com:80/udp", "192.168.0.1", "3000", "google.com", "80", "udp",
        "192.168.0.1:3000:google.com:80/udp"},
    {"53/tcp+udp", "", "", "127.0.0.1", "53", "tcp+udp", "::127.0.0.1:53/tcp+udp"},
    {"53/tcp", "", "", "127.0.0.1", "53", "tcp", "::127.0.0.1:53"},
    {"65535", "", "", "127.0.0.1", "65535", "tcp", "::127.0.0.1:65535"},
    {"1", "", "", "127.0.0.1", "1", "tcp", "::127.0.0.1:1"},
    {":80", "", "", "127.0.0.1", "80", "tcp", "::127.0.0.1:80"},
    {"0.0.0.0:3000:80", "0.0.0.0", "3000", "0.0.0.0", "80", "tcp", "0.0.0.0:3000:0.0.0.0:80"},
    {"a:b:80", "a", "", "b", "80", "tcp", "a::b:80"},
    {"[::1]:80", "", "", "::1", "80", "tcp", "::[::1]:80"},
    {"3000:[::1]:80", "0.0.0.0", "3000", "::1", "80", "tcp", "0.0.0.0:3000:[::1]:80"},
    {"[::]:3000:[fe80::1%eth0]:80/udp", "::", "3000", "fe80::1%eth0", "80", "udp",
        ":::3000:[fe80::1%eth0]:80/udp"},
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(forms); i++) {
		struct rp_remote r = {0};
		struct rp_err err = {0};
		if (rp_remote_parse(forms[i].text, &r, &err) != 0) {
			fail_msg("%s: %s", forms[i].text, err.msg);
		}
		assert_string_equal(r.lhost, forms[i].lhost);
		assert_string_equal(r.lport, forms[i].lport);
		assert_string_equal(r.rhost, forms[i].rhost);
		assert_string_equal(r.rport, forms[i].rport);
		assert_string_equal(r.protocol, forms[i].protocol);
		assert_null(r.scheme);
		assert_null(r.acl);
		assert_string_equal(r.name, "");
		assert_string_equal(r.tunnel_url, "");
		assert_int_equal(rp_remote_check(&r, &err), 0);
		char *full = rp_remote_text(&r);
		assert_string_equal(full, forms[i].full);
		rp_free(full);
		rp_remote_fini(&r);
		assert_null(r.rhost);
	}
}

static void refuse(const char *text, const char *want)
{
	struct rp_remote r = {0};
	struct rp_err err = {0};
	if (rp_remote_parse(text, &r, &err) != RP_EINVAL) {
		fail_msg("taken: %s", text);
	}
	if (strstr(err.msg, want) == NULL ||
	    strstr(err.msg, "failed to decode remote \"") != err.msg) {
		fail_msg("%s: %s", text, err.msg);
	}
	assert_null(r.rhost);
}

static void test_parse_refused(void **state)
{
	(void)state;
	refuse("", "\"\": Invalid remote");
	refuse("a:1:2:3:4", "Invalid remote");
	refuse("google.com", "Missing ports");
	refuse("80:google.com", "Missing ports");
	refuse("1:2:3", "more than two ports");
	refuse("a:b:c:80", "more than two hosts");
	refuse("0", "port is not in 1-65535");
	refuse("65536", "port is not in 1-65535");
	refuse("99999999999999999999", "port is not in 1-65535");
	refuse("0:80", "port is not in 1-65535");
	refuse("80/sctp", "protocol is not");
	refuse("80/", "protocol is not");
	refuse("80/tcp/udp", "protocol is not");
	refuse("::1", "IPv6 addresses need brackets");
	refuse("::", "IPv6 addresses need brackets");
	refuse("fe80::1:80", "IPv6 addresses need brackets");
	refuse("[::1]", "Missing ports");
	refuse("[::1]80", "Invalid remote");
	refuse("[::1:80", "Invalid remote");
	refuse("[1.2.3.4]:80", "Invalid remote");
	refuse("[]:80", "Invalid remote");
	refuse("[fe80::1%]:80", "Invalid remote");
	refuse("a b:80", "Invalid host");
	refuse("a\nb:80", "Invalid host");
	refuse("\xc3\xa4:80", "Invalid host");
	refuse("user@host:80", "Invalid host");
	char longer[1100];
	memset(longer, 'a', sizeof(longer));
	memcpy(longer + sizeof(longer) - 4, ":80", 4);
	refuse(longer, "too long");
	refuse(longer + 700, "Invalid host");
}

static void test_parse_side(void **state)
{
	(void)state;
	static const struct {
		const char *text, *host, *port;
	} good[] = {{"22", NULL, "22"}, {":22", NULL, "22"}, {"h:22", "h", "22"},
	    {"[::1]:22", "::1", "22"}};
	static const char *const bad[] = {
	    "", "h", "22:23", "a:22:23", "a:b:22", "h:22:", "22/tcp", "h/x:22", "0", "::1"};
	char *host;
	char *port;
	struct rp_err err;
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		assert_int_equal(rp_remote_parse_side(good[i].text, &host, &port, &err), 0);
		assert_string_equal(port, good[i].port);
		assert_string_equal(
		    host != NULL ? host : "", good[i].host != NULL ? good[i].host : "");
		rp_free(host);
		rp_free(port);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		if (rp_remote_parse_side(bad[i], &host, &port, &err) != RP_EINVAL) {
			fail_msg("taken: %s", bad[i]);
		}
		assert_true(host == NULL && port == NULL && err.msg[0] != '\0');
	}
}

static int oom_side(void *state)
{
	char *host;
	char *port;
	(void)state;
	int rc = rp_remote_parse_side("h:22", &host, &port, NULL);
	rp_free(host);
	rp_free(port);
	return rc;
}

#define WIRE                                                                                   \
	"{\"name\":\"\",\"protocol\":\"tcp\",\"lhost\":\"0.0.0.0\",\"lport\":\"25001\","       \
	"\"lport_random\":false,\"owner\":\"\",\"rhost\":\"127.0.0.1\",\"rport\":\"19000\","   \
	"\"scheme\":null,\"acl\":null,\"idle_timeout_minutes\":0,\"auto_close\":0,"            \
	"\"http_proxy\":false,\"host_header\":\"\",\"auth_user\":\"\",\"auth_password\":\"\"," \
	"\"tunnel_url\":\"\"}"

/* The Remote of appendix A.3, byte for byte both ways. */
static void test_json(void **state)
{
	(void)state;
	struct rp_remote r = {0};
	struct rp_remote copy = {0};
	struct rp_buf out;
	struct rp_jsonw w;
	char *text;
	assert_int_equal(
	    rp_json_decode_text(WIRE, strlen(WIRE), &rp_remote_table, true, &r, NULL), 0);
	assert_int_equal(rp_remote_check(&r, NULL), 0);
	assert_true(rp_remote_local_given(&r));
	assert_int_equal(rp_remote_copy(&copy, &r), 0);
	rp_buf_init(&out, 4096);
	rp_jsonw_init(&w, &out);
	rp_jsonw_struct(&w, &rp_remote_table, &copy);
	assert_int_equal(rp_jsonw_end(&w), 0);
	assert_int_equal(rp_buf_take_string(&out, &text), 0);
	assert_string_equal(text, WIRE);
	rp_free(text);
	rp_remote_fini(&r);
	rp_remote_fini(&copy);
}

static void test_json_types(void **state)
{
	(void)state;
	static const char *const bad[] = {"{\"lport\":80}", "{\"rport\":80}",
	    "{\"lport_random\":\"x\"}", "{\"auto_close\":\"1h\"}", "{\"idle_timeout_minutes\":1.5}",
	    "{\"http_proxy\":1}", "{\"name\":[]}", "[]", "\"80\"", "{\"unknown\":1}"};
	struct rp_remote r = {0};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_not_equal(
		    rp_json_decode_text(bad[i], strlen(bad[i]), &rp_remote_table, true, &r, NULL),
		    0);
	}
}

/* A valid Remote with one value replaced. */
static int check_with(const char *key, const char *value, char msg[256])
{
	struct rp_remote r = {.protocol = (char *)(uintptr_t) "tcp",
	    .rhost = (char *)(uintptr_t) "h",
	    .rport = (char *)(uintptr_t) "80"};
	struct rp_err err = {0};
	for (size_t i = 0; i < rp_remote_table.n; i++) {
		const struct rp_json_field *f = &rp_remote_table.fields[i];
		if (strcmp(f->key, key) == 0) {
			memcpy((char *)&r + f->offset, &value, sizeof(value));
		}
	}
	int rc = rp_remote_check(&r, &err);
	memcpy(msg, err.msg, 256);
	return rc;
}

static void test_check(void **state)
{
	(void)state;
	char big[400];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	const struct {
		const char *key;
		const char *value;
		const char *text; /* NULL: fine */
	} rows[] = {
	    {"name", NULL, NULL},
	    {"name", "b\xc3\xbcro", NULL},
	    {"lport", "", NULL},
	    {"lport", "1", NULL},
	    {"lhost", "::", NULL},
	    {"rhost", "fe80::1%eth0", NULL},
	    {"protocol", NULL, "invalid kind, "},
	    {"protocol", "", "invalid kind, "},
	    {"protocol", "sctp", "invalid kind, sctp"},
	    {"lport", "0", "Invalid local port: 0."},
	    {"lport", "x", "Invalid local port: x."},
	    {"lport", "70000", "Invalid local port: 70000."},
	    {"lport", "+1", "Invalid local port: +1."},
	    {"rport", NULL, "Invalid remote port: ."},
	    {"rport", "-1", "Invalid remote port: -1."},
	    {"rport", "80 ", "Invalid remote port: 80 ."},
	    {"lhost", "a b", "Invalid local host."},
	    {"lhost", "a:b", "Invalid local host."},
	    {"rhost", "", "Invalid remote host."},
	    {"rhost", NULL, "Invalid remote host."},
	    {"rhost", "h\r\n", "Invalid remote host."},
	    {"rhost", "[::1]", "Invalid remote host."},
	    {"rhost", big, "Invalid remote host."},
	    {"name", "a\tb", "invalid name: over 255 bytes or with unprintable characters"},
	    {"name", big, "invalid name: over 255"},
	    {"owner", "\x7f", "invalid owner: "},
	    {"scheme", "http\n", "invalid scheme: "},
	    {"scheme", big, "invalid scheme: over 64"},
	    {"host_header", "a\r\nX: y", "invalid host_header: "},
	    {"auth_user", "\xff", "invalid auth_user: "},
	    {"auth_password", "\x01", "invalid auth_password: "},
	    {"acl", "1.2.3.4\n", "invalid acl: "},
	    {"tunnel_url", "\xc3", "invalid tunnel_url: "},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		char msg[256];
		int rc = check_with(rows[i].key, rows[i].value, msg);
		if (rc != (rows[i].text == NULL ? 0 : RP_EINVAL) ||
		    (rows[i].text != NULL && strstr(msg, rows[i].text) != msg)) {
			fail_msg("row %zu, %s: %d %s", i, rows[i].key, rc, msg);
		}
	}
}

static void test_check_numbers(void **state)
{
	(void)state;
	struct rp_remote r = {0};
	assert_int_equal(rp_remote_parse("80", &r, NULL), 0);
	r.idle_timeout_minutes = 10080;
	r.auto_close = INT64_C(31) * 24 * 3600 * 1000000000;
	assert_int_equal(rp_remote_check(&r, NULL), 0);
	r.idle_timeout_minutes++;
	assert_int_equal(rp_remote_check(&r, NULL), RP_EINVAL);
	r.idle_timeout_minutes = -1;
	assert_int_equal(rp_remote_check(&r, NULL), RP_EINVAL);
	r.idle_timeout_minutes = 0;
	r.auto_close++;
	assert_int_equal(rp_remote_check(&r, NULL), RP_EINVAL);
	r.auto_close = -1;
	assert_int_equal(rp_remote_check(&r, NULL), RP_EINVAL);
	rp_remote_fini(&r);
}

static void test_target(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *host;
		uint16_t port;
		const char *proto;
	} good[] = {
	    {"127.0.0.1:19000", "127.0.0.1", 19000, "tcp"},
	    {"127.0.0.1:19000/udp", "127.0.0.1", 19000, "udp"},
	    {"[::1]:1", "::1", 1, "tcp"},
	    {"[fe80::1%2]:65535/x/y", "fe80::1%2", 65535, "x/y"},
	    {"a-b_c.example:80/", "a-b_c.example", 80, ""},
	};
	static const char *const bad[] = {"", ":80", "host", "host:", "host:0", "host:65536",
	    "host:80x", "::1:80", "[::1]", "[::1]:", "[::1]80", "[h]:80", "a:b:80", "h\n:80",
	    "/udp", "host/udp"};
	char *host;
	uint16_t port;
	struct rp_str proto;
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		assert_int_equal(rp_target_parse(rp_str_c(good[i].text), &host, &port, &proto), 0);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
		assert_true(rp_str_eq(proto, good[i].proto));
		rp_free(host);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		if (rp_target_parse(rp_str_c(bad[i]), &host, &port, &proto) != RP_EINVAL) {
			fail_msg("taken: %s", bad[i]);
		}
	}
	assert_int_equal(rp_target_parse(rp_str_n("h\0:80", 5), &host, &port, &proto), RP_EINVAL);
	assert_int_equal(rp_target_parse(rp_str_n(NULL, 0), &host, &port, &proto), RP_EINVAL);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_remote a = {0};
	struct rp_remote b = {0};
	char *text = NULL;
	int rc = rp_remote_parse("3000:[::1]:80/udp", &a, NULL);
	if (rc == 0) {
		rc = rp_remote_copy(&b, &a);
	}
	if (rc == 0) {
		text = rp_remote_text(&b);
		rc = text == NULL ? RP_ENOMEM : 0;
	}
	rp_free(text);
	rp_remote_fini(&a);
	rp_remote_fini(&b);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
	assert_int_equal(rp_oom_run(oom_side, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_proto),
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_parse_refused),
	    cmocka_unit_test(test_parse_side),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_json_types),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_check_numbers),
	    cmocka_unit_test(test_target),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
