/* SPDX-License-Identifier: MIT */
/*
 * Which tunnels a client gets: the rules of wire protocol 5.8, and what a tunnel that goes on
 * keeps.
 */
#include "server/tunnel_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/oom.h"

#define LIST_MAX 4

/* A trailing '*' is a random port, '+' an ACL, '!' an owner, in that order. */
static int make(const char *text, struct rp_remote *r)
{
	char buf[64];
	(void)snprintf(buf, sizeof(buf), "%s", text);
	size_t len = strcspn(buf, "*+!");
	bool random = strchr(buf, '*') != NULL;
	bool acl = strchr(buf, '+') != NULL;
	bool owner = strchr(buf, '!') != NULL;
	buf[len] = '\0';
	int rc = rp_remote_parse(buf, r, NULL);
	if (rc == 0) {
		r->lport_random = random;
		r->acl = acl ? rp_strdup("1.2.3.4") : NULL;
		rp_free(r->owner);
		r->owner = rp_strdup(owner ? "admin" : "");
		rc = (acl && r->acl == NULL) || r->owner == NULL ? RP_ENOMEM : 0;
	}
	return rc;
}

struct scene {
	struct rp_tunnel_info old[LIST_MAX];
	struct rp_json_vec vec;
	struct rp_remote wanted[LIST_MAX];
	size_t n_wanted;
	struct rp_tunnel_plan plan;
};

static int scene_open(struct scene *s, const char *const *old, const char *const *wanted)
{
	int rc = 0;
	memset(s, 0, sizeof(*s));
	s->vec.v = s->old;
	for (size_t i = 0; rc == 0 && i < LIST_MAX && old[i] != NULL; i++) {
		s->vec.n++;
		s->old[i].id = rp_asprintf("%zu", i + 7);
		s->old[i].created_at = (int64_t)i + 1000;
		rc = s->old[i].id == NULL ? RP_ENOMEM : make(old[i], &s->old[i].remote);
	}
	for (size_t i = 0; rc == 0 && i < LIST_MAX && wanted[i] != NULL; i++) {
		s->n_wanted++;
		rc = make(wanted[i], &s->wanted[i]);
	}
	return rc != 0 ? rc : rp_tunnel_plan_make(&s->plan, &s->vec, s->wanted, s->n_wanted);
}

static void scene_close(struct scene *s)
{
	for (size_t i = 0; i < s->vec.n; i++) {
		rp_tunnel_info_fini(&s->old[i]);
	}
	for (size_t i = 0; i < s->n_wanted; i++) {
		rp_remote_fini(&s->wanted[i]);
	}
	rp_tunnel_plan_fini(&s->plan);
}

/* "id text[*]" of a planned tunnel. */
static char *describe(const struct rp_tunnel_info *t)
{
	char *text = rp_remote_text(&t->remote);
	char *all = rp_asprintf("%s %s%s", t->id, text, t->remote.lport_random ? "*" : "");
	rp_free(text);
	return all;
}

static void test_rules(void **state)
{
	(void)state;
	static const struct {
		const char *old[LIST_MAX];
		const char *wanted[LIST_MAX];
		const char *plan[LIST_MAX];
	} rows[] = {
	    {{NULL}, {NULL}, {NULL}},
	    {{NULL}, {"80"}, {" ::127.0.0.1:80"}},
	    {{"3000:80"}, {NULL}, {"7 0.0.0.0:3000:127.0.0.1:80"}},
	    {{"3000:80", "4000:81"}, {"3000:80"},
	        {"7 0.0.0.0:3000:127.0.0.1:80", "8 0.0.0.0:4000:127.0.0.1:81"}},
	    {{"3000:80"}, {"3000:80"}, {"7 0.0.0.0:3000:127.0.0.1:80"}},
	    /* More than before, or another one: nothing comes back beside them. */
	    {{"3000:80"}, {"3000:80", "4000:81"},
	        {"7 0.0.0.0:3000:127.0.0.1:80", " 0.0.0.0:4000:127.0.0.1:81"}},
	    {{"3000:80", "4000:81"}, {"5000:80"}, {" 0.0.0.0:5000:127.0.0.1:80"}},
	    {{"3000:80", "4000:81"}, {"80"}, {" ::127.0.0.1:80"}},
	    {{"3000:80/udp", "4000:81"}, {"3000:80"}, {" 0.0.0.0:3000:127.0.0.1:80"}},
	    /* A port that was picked is asked for again. */
	    {{"3000:80*", "4000:81"}, {"80"},
	        {"7 0.0.0.0:3000:127.0.0.1:80*", "8 0.0.0.0:4000:127.0.0.1:81"}},
	    {{"3000:80", "4000:81*"}, {"3000:80"},
	        {"7 0.0.0.0:3000:127.0.0.1:80", "8 0.0.0.0:4000:127.0.0.1:81*"}},
	    {{"3000:80*", "3001:80*"}, {"80", "80"},
	        {"7 0.0.0.0:3000:127.0.0.1:80*", "8 0.0.0.0:3001:127.0.0.1:80*"}},
	    {{"3000:80*"}, {"80", "81"}, {"7 0.0.0.0:3000:127.0.0.1:80*", " ::127.0.0.1:81"}},
	    /* The fixed one chooses first, though it stands behind. */
	    {{"3000:80*", "3001:80*", "9:9"}, {"80", "3000:80"},
	        {"8 0.0.0.0:3001:127.0.0.1:80*", "7 0.0.0.0:3000:127.0.0.1:80",
	            "9 0.0.0.0:9:127.0.0.1:9"}},
	    /* An ACL that was changed stays with the client's own tunnel, not with others. */
	    {{"3000:80+", "4000:81!"}, {"3000:80"},
	        {"7 0.0.0.0:3000:127.0.0.1:80(acl:1.2.3.4)", "8 0.0.0.0:4000:127.0.0.1:81"}},
	    {{"3000:80+!", "4000:81"}, {"3000:80"}, {" 0.0.0.0:3000:127.0.0.1:80"}},
	    {{"3000:80+!", "4000:81+"}, {"3000:80+"},
	        {"7 0.0.0.0:3000:127.0.0.1:80(acl:1.2.3.4)",
	            "8 0.0.0.0:4000:127.0.0.1:81(acl:1.2.3.4)"}},
	    /* Of two that fit, the client's own. */
	    {{"3000:80*!", "3001:80*+"}, {"80"},
	        {"8 0.0.0.0:3001:127.0.0.1:80(acl:1.2.3.4)*", "7 0.0.0.0:3000:127.0.0.1:80*"}},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct scene s;
		assert_int_equal(scene_open(&s, rows[i].old, rows[i].wanted), 0);
		assert_int_equal(s.plan.n_wanted, s.n_wanted);
		size_t k = 0;
		for (; k < s.plan.n; k++) {
			char *text = describe(&s.plan.v[k]);
			if (rows[i].plan[k] == NULL || strcmp(text, rows[i].plan[k]) != 0) {
				fail_msg("row %zu, %zu: %s", i, k, text);
			}
			assert_int_equal(
			    s.plan.v[k].created_at, *text == ' ' ? 0 : 1000 + *text - '7');
			rp_free(text);
		}
		if (rows[i].plan[k] != NULL) {
			fail_msg("row %zu: %s is missing", i, rows[i].plan[k]);
		}
		scene_close(&s);
	}
}

static void test_changed(void **state)
{
	(void)state;
	static const char *const old[] = {"3000:80", "3001:81*!", NULL};
	static const char *const none[] = {NULL};
	static const char *const other[] = {"82", NULL};
	static const char *const more[] = {"3000:80", "82", "83", NULL};
	struct scene s;
	assert_int_equal(scene_open(&s, old, none), 0);
	assert_false(s.plan.changed);
	scene_close(&s);
	assert_int_equal(scene_open(&s, none, other), 0);
	assert_false(s.plan.changed);
	scene_close(&s);
	assert_int_equal(scene_open(&s, old, other), 0);
	assert_true(s.plan.changed);
	scene_close(&s);
	assert_int_equal(scene_open(&s, old, more), 0);
	assert_true(s.plan.changed);
	scene_close(&s);
}

/* A client cannot say that a user opened its tunnel, nor that its port was random. */
static void test_claims(void **state)
{
	(void)state;
	static const char *const none[] = {NULL};
	static const char *const wanted[] = {"3000:80*!", NULL};
	struct scene s;
	assert_int_equal(scene_open(&s, none, wanted), 0);
	assert_string_equal(s.plan.v[0].remote.owner, "");
	assert_false(s.plan.v[0].remote.lport_random);
	scene_close(&s);
}

static void test_drop_and_copy(void **state)
{
	(void)state;
	static const char *const old[] = {"3000:80", "3001:81", "3002:82", NULL};
	static const char *const wanted[] = {"3002:82", NULL};
	struct scene s;
	struct rp_tunnel_plan copy;
	assert_int_equal(scene_open(&s, old, wanted), 0);
	rp_tunnel_plan_drop(&s.plan, 1);
	assert_int_equal(s.plan.n, 2);
	assert_int_equal(s.plan.n_wanted, 1);
	assert_string_equal(s.plan.v[1].id, "8");
	assert_int_equal(rp_tunnel_plan_copy(&copy, &s.plan), 0);
	rp_tunnel_plan_drop(&copy, 0);
	assert_int_equal(copy.n, 1);
	assert_int_equal(copy.n_wanted, 0);
	assert_string_equal(copy.v[0].remote.lport, "3001");
	assert_string_equal(s.plan.v[0].remote.lport, "3002");
	rp_tunnel_plan_fini(&copy);
	scene_close(&s);
}

static int oom_body(void *state)
{
	(void)state;
	static const char *const old[] = {"3000:80*+", "3001:81!", NULL};
	static const char *const wanted[] = {"80", NULL};
	struct rp_tunnel_plan copy = {0};
	struct scene s;
	int rc = scene_open(&s, old, wanted);
	if (rc == 0) {
		rc = rp_tunnel_plan_copy(&copy, &s.plan);
	}
	rp_tunnel_plan_fini(&copy);
	scene_close(&s);
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
	    cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_changed),
	    cmocka_unit_test(test_claims),
	    cmocka_unit_test(test_drop_and_copy),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
