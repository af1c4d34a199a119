/* SPDX-License-Identifier: MIT */
/*
 * What the log says of refused handshakes, with the time given by the test.
 */
#include "server/refusals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/log.h"

#define FIRST  ": too many handshakes under way: connection refused, further ones are counted\n"
#define MINUTE 60000u

static struct rp_refusals refusals;
static char path[] = "/tmp/rport-refusals-XXXXXX";
static char text[16384];
static int log_fd;

static int setup(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/rport-refusals-XXXXXX");
	log_fd = mkstemp(path);
	rp_refusals_init(&refusals, "client-listener", "too many handshakes under way");
	return log_fd < 0 ? -1 : rp_log_open(path, RP_LOG_INFO, NULL);
}

static int teardown(void **state)
{
	(void)state;
	rp_log_close();
	rp_refusals_fini(&refusals);
	(void)close(log_fd);
	return unlink(path);
}

/* Lines since the last call, left in text without the time. */
static size_t lines(void)
{
	static char raw[sizeof(text)];
	size_t count = 0;
	ssize_t n = read(log_fd, raw, sizeof(raw) - 1);
	assert_true(n >= 0 && (size_t)n < sizeof(raw) - 1);
	raw[n] = '\0';
	text[0] = '\0';
	size_t used = 0;
	for (char *at = raw; *at != '\0'; count++) {
		char *end = strchr(at, '\n');
		char *from = strstr(at, " info: client-listener: ");
		assert_non_null(end);
		assert_true(from != NULL && from < end);
		from += strlen(" info: client-listener: ");
		used += (size_t)snprintf(
		    text + used, sizeof(text) - used, "%.*s", (int)(end + 1 - from), from);
		at = end + 1;
	}
	return count;
}

static void add(const char *addr, unsigned times, uint64_t now_ms)
{
	for (unsigned i = 0; i < times; i++) {
		rp_refusals_add(&refusals, addr, now_ms);
	}
}

static void test_first_at_once(void **state)
{
	(void)state;
	rp_refusals_tick(&refusals, 5);
	assert_int_equal(lines(), 0);
	add("192.0.2.1", 1, 10);
	assert_int_equal(lines(), 1);
	assert_string_equal(text, "192.0.2.1" FIRST);
	add("192.0.2.1", 41, 20);
	rp_refusals_tick(&refusals, 10 + MINUTE - 1);
	assert_int_equal(lines(), 0);
	rp_refusals_tick(&refusals, 10 + MINUTE);
	assert_int_equal(lines(), 1);
	assert_string_equal(
	    text, "192.0.2.1: too many handshakes under way: refused=41 more connections\n");
}

/* The next minute begins with the line; one without refusals ends it all. */
static void test_minutes(void **state)
{
	(void)state;
	add("192.0.2.1", 2, 0);
	rp_refusals_tick(&refusals, MINUTE + 500);
	assert_int_equal(lines(), 2);
	add("192.0.2.1", 3, MINUTE + 600);
	rp_refusals_tick(&refusals, 2 * MINUTE + 499);
	assert_int_equal(lines(), 0);
	rp_refusals_tick(&refusals, 2 * MINUTE + 500);
	assert_int_equal(lines(), 1);
	assert_non_null(strstr(text, "refused=3 more"));
	rp_refusals_tick(&refusals, 3 * MINUTE + 500);
	assert_int_equal(lines(), 0);
	assert_int_equal(refusals.n, 0);
	add("192.0.2.1", 1, 3 * MINUTE + 501);
	assert_int_equal(lines(), 1);
	assert_string_equal(text, "192.0.2.1" FIRST);
}

static void test_sources(void **state)
{
	(void)state;
	add("192.0.2.1", 2, 0);
	add("192.0.2.2", 3, 1);
	add("2001:db8::1", 1, 2);
	add("2001:db8::2", 3, 2);
	add("::ffff:192.0.2.2", 1, 2);
	assert_int_equal(lines(), 3);
	assert_string_equal(text, "192.0.2.1" FIRST "192.0.2.2" FIRST "2001:db8::/64" FIRST);
	rp_refusals_tick(&refusals, UINT64_MAX);
	assert_int_equal(lines(), 3);
	assert_non_null(strstr(text, "192.0.2.1: too many handshakes under way: refused=1 more"));
	assert_non_null(strstr(text, "192.0.2.2: too many handshakes under way: refused=3 more"));
	assert_non_null(
	    strstr(text, "2001:db8::/64: too many handshakes under way: refused=3 more"));
}

/* However many sources there are: so many lines a minute and no more. */
static void test_full(void **state)
{
	(void)state;
	char addr[32];
	for (unsigned i = 0; i < 2000; i++) {
		(void)snprintf(addr, sizeof(addr), "10.0.%u.%u", i / 256, i % 256);
		add(addr, 2, i);
	}
	assert_int_equal(lines(), RP_REFUSALS_SOURCES + 1);
	assert_non_null(strstr(text, "\nother addresses" FIRST));
	assert_int_equal(refusals.n, RP_REFUSALS_SOURCES + 1);
	rp_refusals_tick(&refusals, UINT64_MAX);
	assert_int_equal(lines(), RP_REFUSALS_SOURCES + 1);
	assert_non_null(strstr(text, "\nother addresses: too many handshakes under way: refused="));
	(void)snprintf(addr, sizeof(addr), "refused=%u more", 2 * (2000 - RP_REFUSALS_SOURCES) - 1);
	assert_non_null(strstr(text, addr));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_first_at_once),
	    T(test_minutes),
	    T(test_sources),
	    T(test_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
