/* SPDX-License-Identifier: MIT */
/*
 * Credentials of clients: the static pair, the file in good and bad forms, and the file read again
 * while the server runs.
 */
#include "server/clientauth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/conf_file.h"
#include "test/lib/oom.h"

static struct rp_clientauth *auth;
static struct rp_err err;
static char path[RP_CONF_PATH_MAX];

static int setup(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	auth = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_clientauth_free(auth);
	return 0;
}

static int load(const char *text)
{
	rp_conf_file_make(path, text);
	int rc = rp_clientauth_file(path, &auth, &err);
	assert_int_equal(unlink(path), 0);
	return rc;
}

static void test_static(void **state)
{
	(void)state;
	assert_int_equal(rp_clientauth_static("one:a:b", &auth, &err), 0);
	assert_string_equal(rp_clientauth_source(auth), "Static Credentials");
	assert_true(rp_clientauth_check(auth, "one", "a:b"));
	assert_false(rp_clientauth_check(auth, "one", "a"));
	assert_false(rp_clientauth_check(auth, "one", "a:b "));
	assert_false(rp_clientauth_check(auth, "one", ""));
	assert_false(rp_clientauth_check(auth, "One", "a:b"));
	assert_false(rp_clientauth_check(auth, "", "a:b"));
	assert_false(rp_clientauth_check(auth, "", ""));
}

static void test_static_bad(void **state)
{
	static const char *const texts[] = {"", "one", ":", "one:", ":secret", "sekret"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		assert_int_equal(rp_clientauth_static(texts[i], &auth, &err), RP_EINVAL);
		assert_string_equal(
		    err.msg, "invalid client auth credentials, expected '<client-id>:<password>'");
	}
	auth = NULL;
}

static void test_file(void **state)
{
	(void)state;
	assert_int_equal(load("{\n\t\"one\": \"p1\",\n\t\"two\": \"p:2\",\n\t\"one\": \"p3\",\n"
	                      "\t\"\xc3\xa4\": \"\\u00e4\"\n}\n"),
	    0);
	assert_string_equal(rp_clientauth_source(auth), "File");
	assert_true(rp_clientauth_check(auth, "two", "p:2"));
	/* Of two the last one counts. */
	assert_true(rp_clientauth_check(auth, "one", "p3"));
	assert_false(rp_clientauth_check(auth, "one", "p1"));
	assert_true(rp_clientauth_check(auth, "\xc3\xa4", "\xc3\xa4"));
	assert_false(rp_clientauth_check(auth, "three", "p1"));
}

static void test_empty_object(void **state)
{
	(void)state;
	assert_int_equal(load("{}"), 0);
	assert_false(rp_clientauth_check(auth, "", ""));
	assert_false(rp_clientauth_check(auth, "one", "p"));
}

static void test_file_bad(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
	    {"", ""},
	    {"{", ""},
	    {"[]", "expected an object"},
	    {"null", "expected an object"},
	    {"\"one:p\"", "expected an object"},
	    {"{\"one\":1}", "the password of an id is not a string"},
	    {"{\"one\":null}", "the password of an id is not a string"},
	    {"{\"one\":{\"password\":\"sekret\"}}", "the password of an id is not a string"},
	    {"{\"one\":\"sekret\",\"\":\"p\"}", "empty client auth ID or password is not allowed"},
	    {"{\"one\":\"\"}", "empty client auth ID or password is not allowed"},
	    {"{\"one\":\"sekret\"} x", ""},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char want[96];
		if (load(cases[i].text) == 0 || strstr(err.msg, cases[i].msg) == NULL) {
			fail_msg("%s: %s", cases[i].text, err.msg);
		}
		(void)snprintf(want, sizeof(want), "auth_file %s: ", path);
		assert_memory_equal(err.msg, want, strlen(want));
		assert_null(strstr(err.msg, "sekret"));
	}
	auth = NULL;
	assert_int_equal(rp_clientauth_file("/nonexistent", &auth, &err), RP_EIO);
	assert_int_equal(rp_clientauth_file("/dev/zero", &auth, &err), RP_ELIMIT);
	assert_int_equal(rp_clientauth_file("/", &auth, &err), RP_ELIMIT);
	auth = NULL;
}

static void write_file(const char *text)
{
	char tmp[RP_CONF_PATH_MAX + 4];
	(void)snprintf(tmp, sizeof(tmp), "%s.new", path);
	FILE *f = fopen(tmp, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(tmp, path), 0);
}

/* A new version is taken at once, a broken one is not, and the next good one is again. */
static void test_reload(void **state)
{
	(void)state;
	rp_conf_file_make(path, "{\"one\":\"p1\"}");
	assert_int_equal(rp_clientauth_file(path, &auth, &err), 0);
	assert_false(rp_clientauth_check(auth, "two", "p2"));
	write_file("{\"two\":\"p2\"}");
	assert_true(rp_clientauth_check(auth, "two", "p2"));
	assert_false(rp_clientauth_check(auth, "one", "p1"));
	write_file("{\"two\":\"p3\"}");
	assert_true(rp_clientauth_check(auth, "two", "p3"));
	write_file("{\"three\":");
	assert_false(rp_clientauth_check(auth, "three", ""));
	assert_true(rp_clientauth_check(auth, "two", "p3"));
	assert_int_equal(unlink(path), 0);
	assert_true(rp_clientauth_check(auth, "two", "p3"));
	write_file("{\"four\":\"p4\"}");
	assert_true(rp_clientauth_check(auth, "four", "p4"));
	assert_false(rp_clientauth_check(auth, "two", "p3"));
	assert_int_equal(unlink(path), 0);
}

/* The same size in the same clock tick: written in place, as an editor may. */
static void test_in_place(void **state)
{
	(void)state;
	rp_conf_file_make(path, "{\"one\":\"p0\"}");
	assert_int_equal(rp_clientauth_file(path, &auth, &err), 0);
	for (int i = 1; i < 10; i++) {
		char text[32];
		FILE *f = fopen(path, "r+");
		assert_non_null(f);
		assert_true(fprintf(f, "{\"one\":\"p%d\"}", i) > 0);
		assert_int_equal(fclose(f), 0);
		(void)snprintf(text, sizeof(text), "p%d", i);
		assert_true(rp_clientauth_check(auth, "one", text));
	}
	assert_int_equal(unlink(path), 0);
}

static int oom_static(void *state)
{
	struct rp_clientauth *a = NULL;
	struct rp_err e = {0};
	(void)state;
	int rc = rp_clientauth_static("one:p", &a, &e);
	if (rc == 0 && !rp_clientauth_check(a, "one", "p")) {
		rc = RP_EINVAL;
	}
	rp_clientauth_free(a);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_static, NULL), 0);
}

static int oom_file(void *state)
{
	struct rp_clientauth *a = NULL;
	struct rp_err e = {0};
	int rc = rp_clientauth_file(state, &a, &e);
	if (rc == 0 && !rp_clientauth_check(a, "one", "p1")) {
		rc = RP_EINVAL;
	}
	rp_clientauth_free(rc == 0 || rc == RP_EINVAL ? a : NULL);
	return rc;
}

static void test_oom_file(void **state)
{
	(void)state;
	rp_conf_file_make(path, "{\"one\":\"p1\",\"two\":\"p2\",\"one\":\"p1\"}");
	assert_int_equal(rp_oom_run(oom_file, path), 0);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_static, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_static_bad, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_empty_object, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_file_bad, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_in_place, setup, teardown),
	    cmocka_unit_test(test_oom),
	    cmocka_unit_test(test_oom_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
