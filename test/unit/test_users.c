/* SPDX-License-Identifier: MIT */
/*
 * The API's users: the static one, the file of RPort in good and bad forms, and bcrypt against
 * published vectors.
 */
#include "api/users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/password.h"
#include "core/alloc.h"
#include "test/lib/conf_file.h"
#include "test/lib/oom.h"
#include "test/lib/slow.h"

/* Password "tops3cret", made with crypt(3) of libxcrypt at cost 5. */
#define HASH "$2y$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoG"

static char path[RP_CONF_PATH_MAX];
static char none[] = "";
static struct rp_users *users;
static struct rp_err err;

static int load(const char *auth, const char *file)
{
	const struct rp_server_config cfg = {
	    .api =
	        {
	            .auth = auth != NULL ? (char *)(uintptr_t)auth : none,
	            .auth_file = file != NULL ? (char *)(uintptr_t)file : none,
	            .auth_group_details_table = none,
	        },
	    .database = {.db_type = none},
	};
	memset(&err, 0, sizeof(err));
	users = NULL;
	return rp_users_new(NULL, &cfg, &users, &err);
}

static int load_text(const char *text)
{
	rp_conf_file_make(path, text);
	int rc = load(NULL, path);
	assert_int_equal(unlink(path), 0);
	return rc;
}

static int teardown(void **state)
{
	(void)state;
	rp_users_free(users);
	users = NULL;
	return 0;
}

static void test_static(void **state)
{
	(void)state;
	assert_int_equal(load("admin:foo:bar", NULL), 0);
	assert_true(rp_users_static(users));
	assert_string_equal(rp_users_source(users), "Static Credentials");
	const struct rp_user *u = rp_users_find(users, "admin");
	assert_non_null(u);
	assert_string_equal(u->password, "foo:bar");
	assert_true(rp_strlist_has(&u->groups, RP_ADMIN_GROUP));
	assert_false(u->password_expired);
	assert_string_equal(u->two_fa_send_to, "");
	assert_null(rp_users_find(users, "Admin"));
	assert_null(rp_users_find(users, ""));
}

static void test_static_bad(void **state)
{
	static const char *const texts[] = {"admin", ":", "admin:", ":foo"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		assert_int_equal(load(texts[i], NULL), RP_EINVAL);
		assert_null(users);
		assert_string_equal(err.msg, "API: api.auth: expected '<user>:<password>'");
	}
	assert_int_equal(load(NULL, NULL), RP_EUNSUPPORTED);
}

static void test_file(void **state)
{
	(void)state;
	assert_int_equal(
	    load_text(
	        "[{\"username\":\"admin\",\"password\":\"" HASH "\",\"groups\":[\"Administrators\""
	        ",\"x\"],\"two_fa_send_to\":\"a@b.c\",\"totp_secret\":\"s\"},"
	        "{\"username\":\"Bob\",\"password\":\"" HASH "\",\"groups\":null,"
	        "\"password_expired\":true},"
	        /* As the original leaves it when it takes a secret away. */
	        "{\"username\":\"carl\",\"password\":\"" HASH "\",\"totp_secret\":\" \"}]"),
	    0);
	assert_string_equal(rp_users_find(users, "carl")->totp_secret, "");
	assert_false(rp_users_static(users));
	assert_string_equal(rp_users_source(users), "File");
	const struct rp_user *u = rp_users_find(users, "admin");
	assert_string_equal(u->password, HASH);
	assert_int_equal(u->groups.n, 2);
	assert_string_equal(u->two_fa_send_to, "a@b.c");
	assert_false(u->password_expired);
	u = rp_users_find(users, "Bob");
	assert_int_equal(u->groups.n, 0);
	assert_true(u->password_expired);
	assert_null(rp_users_find(users, "bob"));
	assert_string_equal(rp_users_decoy(users), HASH);
}

static void test_file_forms(void **state)
{
	(void)state;
	assert_int_equal(load_text("[]"), 0);
	assert_null(rp_users_find(users, ""));
	assert_null(rp_users_decoy(users));
	rp_users_free(users);
	/* The other two names of the same algorithm. */
	assert_int_equal(
	    load_text("[{\"username\":\"a\",\"password\":\"$2a$05$abcdefghijklmnopqrstuuE5W"
	              "kAp8h9bPInfaYqF3ipikxrOjQLoG\"},\n {\"username\":\"b\",\"password\":"
	              "\"$2b$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoG\"}]"),
	    0);
	assert_non_null(rp_users_find(users, "b"));
}

static void test_file_bad(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
	    {"", ""},
	    {"[", ""},
	    {"{}", "expected a list of users"},
	    {"null", "expected a list of users"},
	    {"{\"username\":\"a\",\"password\":\"" HASH "\"}", "expected a list of users"},
	    {"[1]", ""},
	    {"[null]", ""},
	    {"[{}]", "username"},
	    {"[{\"username\":\"a\"}]", "password"},
	    {"[{\"password\":\"" HASH "\"}]", "username"},
	    {"[{\"username\":\"\",\"password\":\"" HASH "\"}]", "user 1: username is empty"},
	    {"[{\"username\":1,\"password\":\"" HASH "\"}]", "username"},
	    {"[{\"username\":\"a\",\"password\":\"plain\"}]",
	        "user \"a\": password is not a bcrypt hash"},
	    {"[{\"username\":\"a\",\"password\":\"\"}]",
	        "user \"a\": password is not a bcrypt hash"},
	    {"[{\"username\":\"a\",\"password\":\"$2x$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxr"
	     "OjQLoG\"}]",
	        "not a bcrypt hash"},
	    {"[{\"username\":\"a\",\"password\":\"" HASH "x\"}]", "not a bcrypt hash"},
	    {"[{\"username\":\"a\",\"password\":\"$apr1$x$y\"}]", "not a bcrypt hash"},
	    {"[{\"username\":\"a\",\"password\":\"" HASH
	     "\"},{\"username\":\"a\",\"password\":\"" HASH "\"}]",
	        "user \"a\" stands there twice"},
	    {"[{\"username\":\"a\",\"password\":\"" HASH "\",\"groups\":\"x\"}]", "groups"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		if (load_text(cases[i].text) == 0 || strstr(err.msg, cases[i].msg) == NULL ||
		    strncmp(err.msg, "API: api.auth_file /", 20) != 0) {
			fail_msg("%s: %s", cases[i].text, err.msg);
		}
		assert_null(users);
		/* No hash gets into a message. */
		assert_null(strstr(err.msg, "abcdefgh"));
	}
}

static void test_no_file(void **state)
{
	(void)state;
	assert_int_equal(load(NULL, "/nonexistent/users.json"), RP_EIO);
	assert_string_equal(
	    err.msg, "API: api.auth_file /nonexistent/users.json: no such file or directory");
	assert_int_equal(load(NULL, "/dev/zero"), RP_EIO);
	assert_int_equal(load(NULL, "/"), RP_EIO);
}

/* The first four are published test vectors of the algorithm. */
static void test_bcrypt(void **state)
{
	static const struct {
		const char *hash, *password;
		bool equal;
	} cases[] = {
	    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
	    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*", true},
	    {"$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U", true},
	    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", "", true},
	    {HASH, "tops3cret", true},
	    {HASH, "tops3cre", false},
	    {HASH, "tops3cret ", false},
	    {HASH, "", false},
	    {"$2b$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoG", "tops3cret", true},
	    {"$2y$05$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoH", "tops3cret", false},
	    {"$2y$99$abcdefghijklmnopqrstuuE5WkAp8h9bPInfaYqF3ipikxrOjQLoG", "tops3cret", false},
	    {"$2y$05$!!!!!!!!!!!!!!!!!!!!!!E5WkAp8h9bPInfaYqF3ipikxrOjQLoG", "tops3cret", false},
	    {"*0", "tops3cret", false},
	    {"*", "tops3cret", false},
	    {"", "tops3cret", false},
	    {NULL, "tops3cret", false},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		const char *hash = cases[i].hash;
		/* What is none takes as long as a dear one; test_no_hash_costs has one of them. */
		if (rp_slow() && (hash == NULL || !rp_password_is_hash(hash))) {
			continue;
		}
		if (rp_password_check(hash, cases[i].password) != cases[i].equal) {
			fail_msg("%zu", i);
		}
	}
}

static uint64_t cpu_ns(void)
{
	struct timespec t;
	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Without a hash the time of one is spent: far more than a hash at cost 5, which is 32 times
 * cheaper. */
static void test_no_hash_costs(void **state)
{
	(void)state;
	uint64_t start = cpu_ns();
	assert_false(rp_password_check(HASH, "x"));
	uint64_t cheap = cpu_ns() - start;
	start = cpu_ns();
	assert_false(rp_password_check(NULL, "x"));
	assert_true(cpu_ns() - start > cheap * 4);
}

static int oom_body(void *state)
{
	const struct rp_server_config cfg = {.api = {.auth = none, .auth_file = state}};
	struct rp_users *u = NULL;
	struct rp_err e = {0};
	int rc = rp_users_new(NULL, &cfg, &u, &e);
	rp_users_free(u);
	return rc;
}

static int oom_static_body(void *state)
{
	const struct rp_server_config cfg = {.api = {.auth = state, .auth_file = none}};
	struct rp_users *u = NULL;
	struct rp_err e = {0};
	int rc = rp_users_new(NULL, &cfg, &u, &e);
	rp_users_free(u);
	return rc;
}

static void test_oom(void **state)
{
	char pair[] = "admin:foobaz";
	(void)state;
	rp_conf_file_make(path,
	    "[{\"username\":\"a\",\"password\":\"" HASH "\",\"groups\":[\"x\"]},"
	    "{\"username\":\"b\",\"password\":\"" HASH "\"}]");
	assert_int_equal(rp_oom_run(oom_body, path), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rp_oom_run(oom_static_body, pair), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_static, teardown),
	    cmocka_unit_test_teardown(test_static_bad, teardown),
	    cmocka_unit_test_teardown(test_file, teardown),
	    cmocka_unit_test_teardown(test_file_forms, teardown),
	    cmocka_unit_test_teardown(test_file_bad, teardown),
	    cmocka_unit_test_teardown(test_no_file, teardown),
	    cmocka_unit_test(test_bcrypt),
	    cmocka_unit_test(test_no_hash_costs),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
