/* SPDX-License-Identifier: MIT */
/*
 * URLs, percent-decoding and query strings.
 */
#include "http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

struct row {
	const char *text;
	const char *scheme;
	const char *host;
	unsigned port;
	bool given;
	const char *target;
};

static void check_row(const struct row *r, int rc, struct rp_url *u, const struct rp_err *err)
{
	if (rc != 0) {
		fail_msg("%s: %s", r->text, err->msg);
	}
	assert_string_equal(u->scheme, r->scheme);
	assert_string_equal(u->host, r->host);
	assert_int_equal(u->port, r->port);
	assert_int_equal(u->port_given, r->given);
	assert_string_equal(u->target, r->target);
	rp_url_fini(u);
	assert_null(u->host);
}

static void test_parse(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"http://a", "http", "a", 80, false, "/"},
	    {"HTTPS://Example.COM/", "https", "Example.COM", 443, false, "/"},
	    {"http://a:8080", "http", "a", 8080, true, "/"},
	    {"http://a:8080/x/y?z=1#frag", "http", "a", 8080, true, "/x/y?z=1"},
	    {"http://a?q", "http", "a", 80, false, "/?q"},
	    {"http://a#f", "http", "a", 80, false, "/"},
	    {"ws://[2001:db8::1]:1/", "ws", "2001:db8::1", 1, true, "/"},
	    {"wss://[::1]", "wss", "::1", 443, false, "/"},
	    {"http://[fe80::1%25eth0]:65535", "http", "fe80::1%eth0", 65535, true, "/"},
	    {"tcp://h:22", "tcp", "h", 22, true, "/"},
	    {"socks5h://h", "socks5h", "h", 1080, false, "/"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_url u;
		struct rp_err err = {0};
		int rc = rp_url_parse(rows[i].text, &u, &err);
		check_row(&rows[i], rc, &u, &err);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "http",
	    "http:",
	    "http:/a",
	    "://a",
	    "1http://a",
	    "ht tp://a",
	    "http://",
	    "http:///x",
	    "http://:80",
	    "http://a:",
	    "http://a:0",
	    "http://a:65536",
	    "http://a:-1",
	    "http://a:80x",
	    "http://a:80:90",
	    "http://[::1",
	    "http://[::1]x",
	    "http://[::1]80",
	    "http://[]",
	    "http://[a]",
	    "http://::1",
	    "http://a b",
	    "http://a\n",
	    "http://a/\x7f",
	    "http://a/\xc3\xa4",
	    "http://a%41",
	    "http://a,b",
	    "http://u%zz@a",
	    "http://u%00@a",
	    "http://u:%4@a",
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		struct rp_url u;
		struct rp_err err = {0};
		int rc = rp_url_parse(bad[i], &u, &err);
		if (rc != RP_EINVAL || err.msg[0] == '\0' || u.host != NULL) {
			fail_msg("taken: '%s' (%d)", bad[i], rc);
		}
	}
	char *longer = malloc(10000);
	assert_non_null(longer);
	memset(longer, 'a', 9999);
	memcpy(longer, "http://", 7);
	longer[9999] = '\0';
	struct rp_url u;
	assert_int_equal(rp_url_parse(longer, &u, NULL), RP_ELIMIT);
	free(longer);
}

static void test_userinfo(void **state)
{
	(void)state;
	struct rp_url u;
	assert_int_equal(rp_url_parse("http://us%20er:p%40ss:w@h:1", &u, NULL), 0);
	assert_string_equal(u.user, "us er");
	assert_string_equal(u.password, "p@ss:w");
	rp_url_fini(&u);
	assert_int_equal(rp_url_parse("http://user@h", &u, NULL), 0);
	assert_string_equal(u.user, "user");
	assert_null(u.password);
	rp_url_fini(&u);
	assert_int_equal(rp_url_parse("http://:@h", &u, NULL), 0);
	assert_string_equal(u.user, "");
	assert_string_equal(u.password, "");
	rp_url_fini(&u);
	assert_int_equal(rp_url_parse("http://a@b@h", &u, NULL), 0);
	assert_string_equal(u.user, "a@b");
	assert_string_equal(u.host, "h");
	rp_url_fini(&u);
	/* No error repeats what may be secret. */
	struct rp_err err;
	assert_int_equal(rp_url_parse("http://u:secret@h:99999", &u, &err), RP_EINVAL);
	assert_null(strstr(err.msg, "secret"));
}

static void test_server(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"example.com", "ws", "example.com", 80, false, "/"},
	    {"localhost:8080", "ws", "localhost", 8080, true, "/"},
	    {"http://h/p", "ws", "h", 80, false, "/p"},
	    {"https://h", "wss", "h", 443, false, "/"},
	    {"ws://h", "ws", "h", 80, false, "/"},
	    {"wss://h:9", "wss", "h", 9, true, "/"},
	    {"[::1]:8080", "ws", "::1", 8080, true, "/"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_url u;
		struct rp_err err = {0};
		int rc = rp_url_parse_server(rows[i].text, &u, &err);
		check_row(&rows[i], rc, &u, &err);
	}
	static const char *const bad[] = {
	    "", "user@h", "http://u:p@h", "ftp://h", "socks5://h", "a b"};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		struct rp_url u;
		assert_int_equal(rp_url_parse_server(bad[i], &u, NULL), RP_EINVAL);
	}
}

static void test_proxy(void **state)
{
	(void)state;
	static const struct row rows[] = {
	    {"http://u:p@proxy:3128", "http", "proxy", 3128, true, "/"},
	    {"socks://p", "socks", "p", 1080, false, "/"},
	    {"socks5://p:1", "socks5", "p", 1, true, "/"},
	    {"socks5h://p:1", "socks5h", "p", 1, true, "/"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_url u;
		struct rp_err err = {0};
		int rc = rp_url_parse_proxy(rows[i].text, &u, &err);
		check_row(&rows[i], rc, &u, &err);
	}
	struct rp_url u;
	struct rp_err err;
	assert_int_equal(rp_url_parse_proxy("https://p:1", &u, &err), RP_EINVAL);
	assert_string_equal(err.msg, "https proxies not (yet) supported");
	assert_int_equal(rp_url_parse_proxy("socks4://p:1", &u, &err), RP_EINVAL);
	assert_int_equal(rp_url_parse_proxy("10.0.0.1:3128", &u, &err), RP_EINVAL);
}

static void test_authority(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
	    {"http://h", "h:80"},
	    {"https://h:1/x", "h:1"},
	    {"http://[::1]", "[::1]:80"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_url u;
		assert_int_equal(rp_url_parse(rows[i][0], &u, NULL), 0);
		char *text = rp_url_authority(&u);
		assert_string_equal(text, rows[i][1]);
		rp_free(text);
		rp_url_fini(&u);
	}
}

static void test_decode(void **state)
{
	(void)state;
	char *out;
	assert_int_equal(rp_url_decode(rp_str_c("a%20b+c%C3%a4"), false, &out), 0);
	assert_string_equal(out, "a b+c\xc3\xa4");
	rp_free(out);
	assert_int_equal(rp_url_decode(rp_str_c("a+b"), true, &out), 0);
	assert_string_equal(out, "a b");
	rp_free(out);
	assert_int_equal(rp_url_decode(rp_str_n(NULL, 0), true, &out), 0);
	assert_string_equal(out, "");
	rp_free(out);
	static const char *const bad[] = {"%", "%1", "%g0", "%0g", "%00", "a%", "%%20"};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_url_decode(rp_str_c(bad[i]), false, &out), RP_EINVAL);
		assert_null(out);
	}
	assert_int_equal(rp_url_decode(rp_str_n("a\0b", 3), false, &out), RP_EINVAL);
}

static void test_query(void **state)
{
	(void)state;
	struct rp_query q;
	assert_int_equal(rp_query_parse(rp_str_c("a=1&b=x%26y&&a=2&c&=v&filter[x]=%3Cz+z"), &q), 0);
	assert_int_equal(q.n, 6);
	assert_string_equal(rp_query_get(&q, "a"), "1");
	assert_string_equal(rp_query_get(&q, "b"), "x&y");
	assert_string_equal(q.v[2].v, "2");
	assert_string_equal(rp_query_get(&q, "c"), "");
	assert_string_equal(rp_query_get(&q, ""), "v");
	assert_string_equal(rp_query_get(&q, "filter[x]"), "<z z");
	assert_null(rp_query_get(&q, "d"));
	rp_query_fini(&q);
	assert_int_equal(rp_query_parse(rp_str_c(""), &q), 0);
	assert_int_equal(q.n, 0);
	rp_query_fini(&q);
	assert_int_equal(rp_query_parse(rp_str_c("a=%"), &q), RP_EINVAL);
	assert_int_equal(rp_query_parse(rp_str_c("%zz=1"), &q), RP_EINVAL);

	char many[2 * RP_QUERY_PAIRS_MAX + 3];
	for (size_t i = 0; i <= RP_QUERY_PAIRS_MAX; i++) {
		many[2 * i] = 'a';
		many[2 * i + 1] = '&';
	}
	assert_int_equal(rp_query_parse(rp_str_n(many, 2 * RP_QUERY_PAIRS_MAX - 1), &q), 0);
	assert_int_equal(q.n, RP_QUERY_PAIRS_MAX);
	rp_query_fini(&q);
	assert_int_equal(rp_query_parse(rp_str_n(many, 2 * RP_QUERY_PAIRS_MAX + 1), &q), RP_ELIMIT);
}

/* Whatever is taken can be written and parsed again with the same result. */
static void test_random(void **state)
{
	(void)state;
	static const char alphabet[] = "ahtp:/[]@%25.?#&=+ \x01\x80";
	for (size_t round = rp_slow_fewer(20000); round > 0; round--) {
		char text[40] = "http://";
		size_t n = 7 + rp_prng_below(sizeof(text) - 8);
		for (size_t i = 7; i < n; i++) {
			text[i] = alphabet[rp_prng_below(sizeof(alphabet) - 1)];
		}
		text[n] = '\0';
		struct rp_url u;
		if (rp_url_parse(text, &u, NULL) != 0) {
			continue;
		}
		struct rp_url again;
		char *authority = rp_url_authority(&u);
		char full[160];
		char *zone = strchr(u.host, '%');
		if (zone == NULL) {
			(void)snprintf(
			    full, sizeof(full), "%s://%s%s", u.scheme, authority, u.target);
			assert_int_equal(rp_url_parse(full, &again, NULL), 0);
			assert_string_equal(again.host, u.host);
			assert_string_equal(again.target, u.target);
			assert_int_equal(again.port, u.port);
			rp_url_fini(&again);
		}
		rp_free(authority);
		rp_url_fini(&u);
	}
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_url u;
	int rc = rp_url_parse_server("https://h:1/x", &u, NULL);
	if (rc != 0) {
		return rc;
	}
	rp_url_fini(&u);
	rc = rp_url_parse_proxy("http://u:p@h:1/x", &u, NULL);
	if (rc != 0) {
		return rc;
	}
	char *authority = rp_url_authority(&u);
	rp_url_fini(&u);
	if (authority == NULL) {
		return RP_ENOMEM;
	}
	rp_free(authority);
	struct rp_query q;
	rc = rp_query_parse(rp_str_c("a=1&b=2"), &q);
	if (rc == 0) {
		rp_query_fini(&q);
	}
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

static void test_encode(void **state)
{
	char all[256];
	char *back;
	(void)state;
	for (unsigned i = 0; i < 255; i++) {
		all[i] = (char)(i + 1);
	}
	all[255] = '\0';
	char *text = rp_url_encode(all);
	assert_int_equal(strspn(text,
	                     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	                     "-._~%"),
	    strlen(text));
	assert_int_equal(rp_url_decode(rp_str_c(text), true, &back), 0);
	assert_string_equal(back, all);
	rp_free(back);
	rp_free(text);
	text = rp_url_encode("a b&c=d+\xc3\xa4");
	assert_string_equal(text, "a%20b%26c%3Dd%2B%C3%A4");
	rp_free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_userinfo),
	    cmocka_unit_test(test_server),
	    cmocka_unit_test(test_proxy),
	    cmocka_unit_test(test_authority),
	    cmocka_unit_test(test_decode),
	    cmocka_unit_test(test_query),
	    cmocka_unit_test(test_encode),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_oom),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
