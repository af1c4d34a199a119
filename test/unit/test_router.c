/* SPDX-License-Identifier: MIT */
/*
 * Which route a request takes: exact paths, decoded parameters, HEAD as GET, and the difference
 * between an unknown path and a wrong method.
 */
#include "api/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"
#include "test/lib/oom.h"

static void drop_params(struct rp_api_call *c)
{
	for (size_t i = 0; i < RP_API_PARAMS_MAX; i++) {
		rp_free(c->params[i]);
		c->params[i] = NULL;
	}
}

static void test_found(void **state)
{
	static const struct {
		const char *method, *path, *pattern;
		enum rp_route_auth auth;
		const char *p0, *p1;
	} cases[] = {
	    {"GET", "/login", "/login", RP_ROUTE_OPEN, NULL, NULL},
	    {"HEAD", "/login", "/login", RP_ROUTE_OPEN, NULL, NULL},
	    {"POST", "/login", "/login", RP_ROUTE_OPEN, NULL, NULL},
	    {"DELETE", "/logout", "/logout", RP_ROUTE_OPEN, NULL, NULL},
	    {"GET", "/auth/provider", "/auth/provider", RP_ROUTE_OPEN, NULL, NULL},
	    {"GET", "/status", "/status", RP_ROUTE_USER, NULL, NULL},
	    {"GET", "/me", "/me", RP_ROUTE_USER, NULL, NULL},
	    {"GET", "/me/ip", "/me/ip", RP_ROUTE_USER, NULL, NULL},
	    {"GET", "/tunnels", "/tunnels", RP_ROUTE_USER, NULL, NULL},
	    {"GET", "/clients", "/clients", RP_ROUTE_USER, NULL, NULL},
	    {"GET", "/clients/c1", "/clients/{}", RP_ROUTE_CLIENT, "c1", NULL},
	    {"HEAD", "/clients/c1", "/clients/{}", RP_ROUTE_CLIENT, "c1", NULL},
	    {"DELETE", "/clients/c1", "/clients/{}", RP_ROUTE_CLIENT, "c1", NULL},
	    {"GET", "/clients/a%2Fb%20%c3%a4", "/clients/{}", RP_ROUTE_CLIENT, "a/b \xc3\xa4",
	        NULL},
	    {"GET", "/clients/a+b", "/clients/{}", RP_ROUTE_CLIENT, "a+b", NULL},
	    {"GET", "/clients/..", "/clients/{}", RP_ROUTE_CLIENT, "..", NULL},
	    {"GET", "/clients/{}", "/clients/{}", RP_ROUTE_CLIENT, "{}", NULL},
	    {"GET", "/clients/c1/attributes", "/clients/{}/attributes", RP_ROUTE_CLIENT, "c1",
	        NULL},
	    {"PUT", "/clients/c1/attributes", "/clients/{}/attributes", RP_ROUTE_CLIENT, "c1",
	        NULL},
	    {"PUT", "/clients/c1/tunnels", "/clients/{}/tunnels", RP_ROUTE_CLIENT, "c1", NULL},
	    {"DELETE", "/clients/c1/tunnels/2", "/clients/{}/tunnels/{}", RP_ROUTE_CLIENT, "c1",
	        "2"},
	    {"PUT", "/clients/c1/tunnels/2/acl", "/clients/{}/tunnels/{}/acl", RP_ROUTE_CLIENT,
	        "c1", "2"},
	    {"POST", "/clients/c1/commands", "/clients/{}/commands", RP_ROUTE_CLIENT, "c1", NULL},
	    {"GET", "/clients/c1/commands", "/clients/{}/commands", RP_ROUTE_CLIENT, "c1", NULL},
	    {"GET", "/clients/c1/commands/j", "/clients/{}/commands/{}", RP_ROUTE_CLIENT, "c1",
	        "j"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_api_call c = {0};
		if (rp_router_find(cases[i].method, cases[i].path, &c) != 0) {
			fail_msg("%s %s", cases[i].method, cases[i].path);
		}
		assert_string_equal(c.route->path, cases[i].pattern);
		assert_int_equal(c.route->auth, cases[i].auth);
		assert_non_null(c.route->handler);
		if (strcmp(cases[i].method, "HEAD") != 0) {
			assert_string_equal(c.route->method, cases[i].method);
		}
		assert_true(cases[i].p0 == NULL ? c.params[0] == NULL
		                                : strcmp(c.params[0], cases[i].p0) == 0);
		assert_true(cases[i].p1 == NULL ? c.params[1] == NULL
		                                : strcmp(c.params[1], cases[i].p1) == 0);
		drop_params(&c);
	}
}

static void test_not_found(void **state)
{
	static const struct {
		const char *method, *path;
		int err;
	} cases[] = {
	    {"GET", "", RP_ENOENT},
	    {"GET", "/", RP_ENOENT},
	    {"GET", "//", RP_ENOENT},
	    {"GET", "login", RP_ENOENT},
	    {"GET", "/Login", RP_ENOENT},
	    {"GET", "/login/", RP_ENOENT},
	    {"GET", "//login", RP_ENOENT},
	    {"GET", "/login/x", RP_ENOENT},
	    {"GET", "/logi", RP_ENOENT},
	    {"GET", "/loginx", RP_ENOENT},
	    {"GET", "/log%69n", RP_ENOENT},
	    {"GET", "/clients/", RP_ENOENT},
	    {"GET", "/clients//", RP_ENOENT},
	    {"GET", "/clients//commands", RP_ENOENT},
	    {"GET", "/clients/c1/", RP_ENOENT},
	    {"GET", "/clients/c1/commands/", RP_ENOENT},
	    {"GET", "/clients/c1/commands/j/x", RP_ENOENT},
	    {"GET", "/clients/a/b/c/d/e/f", RP_ENOENT},
	    {"POST", "/nope", RP_ENOENT},
	    {"POST", "/status", RP_EUNSUPPORTED},
	    {"get", "/status", RP_EUNSUPPORTED},
	    {"OPTIONS", "/status", RP_EUNSUPPORTED},
	    {"", "/status", RP_EUNSUPPORTED},
	    {"HEAD", "/logout", RP_EUNSUPPORTED},
	    {"GET", "/logout", RP_EUNSUPPORTED},
	    {"POST", "/clients/c1", RP_EUNSUPPORTED},
	    {"GET", "/clients/c1/tunnels/1", RP_EUNSUPPORTED},
	    {"GET", "/clients/%", RP_EINVAL},
	    {"GET", "/clients/%zz", RP_EINVAL},
	    {"GET", "/clients/a%00b", RP_EINVAL},
	    {"GET", "/clients/c1/commands/%0", RP_EINVAL},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_api_call c = {0};
		int err = rp_router_find(cases[i].method, cases[i].path, &c);
		if (err != cases[i].err) {
			fail_msg("%s %s: %s", cases[i].method, cases[i].path, rp_err_text(err));
		}
		drop_params(&c);
	}
}

static int oom_body(void *state)
{
	struct rp_api_call c = {0};
	(void)state;
	int err = rp_router_find("GET", "/clients/c1/commands/j", &c);
	drop_params(&c);
	return err;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_not_found),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
