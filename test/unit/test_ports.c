/* SPDX-License-Identifier: MIT */
/*
 * The pool of ports: parsing, taking and releasing by protocol, and random ports that are really
 * free.
 */
#include "tunnel/ports.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "test/lib/oom.h"

#define LIST(...)                                                                     \
	(&(struct rp_strlist){.v = (char **)(uintptr_t)(const char *[]){__VA_ARGS__}, \
	    .n = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)})

static const struct rp_strlist nothing;

static void test_parse(void **state)
{
	(void)state;
	struct rp_ports *p;
	struct rp_err err;
	assert_int_equal(
	    rp_ports_new(LIST("20000-30000", "8", " 9 "), LIST("1-1024", "25000"), &p, &err), 0);
	assert_true(rp_ports_allowed(p, 20000));
	assert_true(rp_ports_allowed(p, 30000));
	assert_false(rp_ports_allowed(p, 19999));
	assert_false(rp_ports_allowed(p, 30001));
	assert_false(rp_ports_allowed(p, 25000));
	assert_false(rp_ports_allowed(p, 8));
	assert_false(rp_ports_allowed(p, 0));
	rp_ports_free(p);
	assert_int_equal(rp_ports_new(LIST("0-65535"), &nothing, &p, &err), 0);
	assert_false(rp_ports_allowed(p, 0));
	assert_true(rp_ports_allowed(p, 1));
	assert_true(rp_ports_allowed(p, 65535));
	rp_ports_free(p);
	rp_ports_free(NULL);
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "x", "-", "1-", "-5", "5-4", "65536", "1-65536",
	    "1-2-3", "1,2", "0x10", "+1", "1 2"};
	struct rp_ports *p;
	struct rp_err err;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		if (rp_ports_new(LIST("1", bad[i]), &nothing, &p, &err) != RP_EINVAL) {
			fail_msg("taken: %s", bad[i]);
		}
		assert_non_null(strstr(err.msg, "can't parse 'used_ports': "));
		assert_int_equal(rp_ports_new(LIST("1"), LIST(bad[i]), &p, &err), RP_EINVAL);
		assert_non_null(strstr(err.msg, "can't parse 'excluded_ports': "));
	}
	const char *none = "invalid 'used_ports', 'excluded_ports': at least one port should be "
	                   "available for port assignment";
	assert_int_equal(rp_ports_new(LIST("10-20"), LIST("1-1024"), &p, &err), RP_EINVAL);
	assert_string_equal(err.msg, none);
	assert_int_equal(rp_ports_new(LIST("0"), &nothing, &p, &err), RP_EINVAL);
	assert_string_equal(err.msg, none);
	assert_int_equal(rp_ports_new(&nothing, &nothing, &p, &err), RP_EINVAL);
}

static void test_take(void **state)
{
	(void)state;
	struct rp_ports *p;
	assert_int_equal(rp_ports_new(LIST("25000-25010"), &nothing, &p, NULL), 0);
	assert_int_equal(rp_ports_take(p, 80, RP_PROTO_TCP), RP_EDENIED);
	assert_int_equal(rp_ports_take(p, 25000, RP_PROTO_TCP), 0);
	assert_int_equal(rp_ports_take(p, 25000, RP_PROTO_TCP), RP_EEXIST);
	assert_int_equal(rp_ports_take(p, 25000, RP_PROTO_TCP_UDP), RP_EEXIST);
	assert_int_equal(rp_ports_take(p, 25000, RP_PROTO_UDP), 0);
	assert_int_equal(rp_ports_take(p, 25001, RP_PROTO_TCP_UDP), 0);
	assert_int_equal(rp_ports_take(p, 25001, RP_PROTO_UDP), RP_EEXIST);
	rp_ports_release(p, 25000, RP_PROTO_TCP);
	assert_int_equal(rp_ports_take(p, 25000, RP_PROTO_UDP), RP_EEXIST);
	assert_int_equal(rp_ports_take(p, 25000, RP_PROTO_TCP), 0);
	rp_ports_release(p, 25001, RP_PROTO_TCP_UDP);
	assert_int_equal(rp_ports_take(p, 25001, RP_PROTO_TCP_UDP), 0);
	rp_ports_free(p);
}

/* Every port of a small range comes once, then none; each protocol has its own. */
static void test_take_any(void **state)
{
	(void)state;
	struct rp_ports *p;
	uint64_t seen = 0;
	uint16_t port;
	size_t n = 0;
	assert_int_equal(rp_ports_new(LIST("26000-26031"), &nothing, &p, NULL), 0);
	while (rp_ports_take_any(p, RP_PROTO_TCP, &port) == 0) {
		assert_in_range(port, 26000, 26031);
		assert_int_equal(seen >> (port - 26000) & 1, 0);
		seen |= UINT64_C(1) << (port - 26000);
		n++;
	}
	/* Other programs of this machine may have one or another. */
	assert_in_range(n, 16, 32);
	assert_int_equal(rp_ports_take_any(p, RP_PROTO_TCP_UDP, &port), RP_ENOENT);
	assert_int_equal(rp_ports_take_any(p, RP_PROTO_UDP, &port), 0);
	rp_ports_release(p, port, RP_PROTO_UDP);
	rp_ports_free(p);
}

static int bound(int type, const char *host, uint16_t *port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, type, 0);
	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, host, &sin.sin_addr), 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sin, sizeof(sin)), 0);
	if (type == SOCK_STREAM) {
		assert_int_equal(listen(fd, 1), 0);
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static void test_busy_is_not_given(void **state)
{
	(void)state;
	static const struct {
		int type;
		enum rp_proto proto;
	} kinds[] = {{SOCK_STREAM, RP_PROTO_TCP}, {SOCK_DGRAM, RP_PROTO_UDP}};
	for (size_t i = 0; i < RP_ARRAY_LEN(kinds); i++) {
		struct rp_ports *p;
		uint16_t port;
		uint16_t got;
		char text[8];
		int fd = bound(kinds[i].type, "127.0.0.1", &port);
		(void)snprintf(text, sizeof(text), "%u", port);
		assert_int_equal(rp_ports_new(LIST(text), &nothing, &p, NULL), 0);
		assert_int_equal(rp_ports_take_any(p, kinds[i].proto, &got), RP_ENOENT);
		assert_int_equal(rp_ports_take_any(p, RP_PROTO_TCP_UDP, &got), RP_ENOENT);
		(void)close(fd);
		assert_int_equal(rp_ports_take_any(p, kinds[i].proto, &got), 0);
		assert_int_equal(got, port);
		rp_ports_free(p);
	}
}

static void *taker(void *arg)
{
	struct rp_ports *p = arg;
	uint16_t port;
	intptr_t n = 0;
	while (rp_ports_take_any(p, RP_PROTO_TCP, &port) == 0) {
		n++;
	}
	return (void *)n;
}

static void test_threads(void **state)
{
	(void)state;
	struct rp_ports *p;
	pthread_t threads[4];
	intptr_t sum = 0;
	assert_int_equal(rp_ports_new(LIST("27000-27199"), &nothing, &p, NULL), 0);
	for (size_t i = 0; i < RP_ARRAY_LEN(threads); i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, taker, p), 0);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(threads); i++) {
		void *n;
		assert_int_equal(pthread_join(threads[i], &n), 0);
		sum += (intptr_t)n;
	}
	assert_in_range(sum, 150, 200);
	rp_ports_free(p);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_ports *p;
	int rc = rp_ports_new(LIST("27000-27199"), &nothing, &p, NULL);
	if (rc == 0) {
		rp_ports_free(p);
	}
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
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_take),
	    cmocka_unit_test(test_take_any),
	    cmocka_unit_test(test_busy_is_not_given),
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
