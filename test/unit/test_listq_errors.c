/* SPDX-License-Identifier: MIT */
/*
 * The query language of lists (rport-api section 2): every complaint and its text, limits.
 */
#include "server/listq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/listq_short.h"

static const struct rp_listq_spec one_sort = {
    .sorts = sorts, .one_sort = true, .default_sort = "id", .limit_default = 5, .limit_max = 5};
static const struct rp_listq_spec nothing = {0};

static void test_errors(void **state)
{
	static const struct {
		const char *query;
		const char *texts[4];
	} cases[] = {
	    {"sort=foo", {"unsupported sort field 'foo'"}},
	    {"sort=-foo", {"unsupported sort field 'foo'"}},
	    {"sort=-", {"unsupported sort field ''"}},
	    {"sort=--id", {"unsupported sort field '-id'"}},
	    {"sort=id,name", {"unsupported sort field 'id,name'"}},
	    {"sort=ID", {"unsupported sort field 'ID'"}},
	    {"filter[x]=1", {"unsupported filter field 'filter[x]'"}},
	    {"filter%5Bx%5D=1", {"unsupported filter field 'filter[x]'"}},
	    {"filter[x][gt]=1", {"unsupported filter field 'filter[x][gt]'"}},
	    {"filter[id][gt]=1", {"unsupported filter field 'filter[id][gt]'"}},
	    {"filter[gone]=1", {"unsupported filter field 'filter[gone]'"}},
	    {"filter[gone][lt]=1", {"unsupported filter field 'filter[gone][lt]'"}},
	    {"filter[seen][ge]=1", {"unsupported filter field 'filter[seen][ge]'"}},
	    {"filter[seen][gt]x=1", {"unsupported filter field 'filter[seen][gt]x'"}},
	    {"filter[id]x=1", {"unsupported filter field 'filter[id]x'"}},
	    {"filter[id|x]=1", {"unsupported filter field 'filter[id|x]'"}},
	    {"filter[id|]=1", {"unsupported filter field 'filter[id|]'"}},
	    {"filter[|]=1", {"unsupported filter field 'filter[|]'"}},
	    {"filter[ID]=1", {"unsupported filter field 'filter[ID]'"}},
	    {"filter[i*]=1", {"unsupported filter field 'filter[i*]'"}},
	    {"fields[things]=foo", {"unsupported field \"foo\" for resource \"things\""}},
	    {"fields[clients]=id", {"unsupported field \"id\" for resource \"clients\""}},
	    {"fields[things]=", {"unsupported field \"\" for resource \"things\""}},
	    {"fields[]=id", {"unsupported field \"id\" for resource \"\""}},
	    {"fields[things]=id,,name", {"unsupported field \"\" for resource \"things\""}},
	    {"fields[things]=x,y",
	        {"unsupported field \"x\" for resource \"things\"",
	            "unsupported field \"y\" for resource \"things\""}},
	    {"page[limit]=0", {"pagination limit must be positive"}},
	    {"page[limit]=-1", {"pagination limit must be positive"}},
	    {"page[limit]=501", {"pagination limit too big (501) maximum is 500"}},
	    {"page[limit]=abc", {"pagination limit must be a number"}},
	    {"page[offset]=", {"pagination offset must be a number"}},
	    {"page[limit]=1.5", {"pagination limit must be a number"}},
	    {"page[limit]=99999999999999999999", {"pagination limit must be a number"}},
	    {"page[offset]=-1", {"pagination offset must not be negative"}},
	    {"page[offset]=x", {"pagination offset must be a number"}},
	    /* All at once, in the order of 2.5, wherever they stand. */
	    {"page[limit]=x&fields[things]=y&filter[z]=1&sort=w",
	        {"unsupported sort field 'w'", "unsupported filter field 'filter[z]'",
	            "unsupported field \"y\" for resource \"things\"",
	            "pagination limit must be a number"}},
	    {"sort=a&sort=b", {"unsupported sort field 'a'", "unsupported sort field 'b'"}},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		int err = parse_with(cases[i].query, &spec);
		if (err != RP_EINVAL) {
			fail_msg("%s: %s", cases[i].query, rp_err_text(err));
		}
		size_t n = 0;
		for (; n < 4 && cases[i].texts[n] != NULL; n++) {
			assert_true(n < errs.n);
			assert_string_equal(errs.text[n], cases[i].texts[n]);
		}
		assert_int_equal(errs.n, n);
		/* Nothing is left to free. */
		assert_null(q.filters);
		assert_null(q.sorts);
		assert_null(q.fields);
	}
}

static void test_one_sort(void **state)
{
	(void)state;
	assert_int_equal(parse_with("sort=id&sort=name", &one_sort), RP_EINVAL);
	assert_int_equal(errs.n, 1);
	assert_string_equal(errs.text[0], "Only one sort field is supported for clients.");
	assert_int_equal(parse_with("sort=-name", &one_sort), 0);
	assert_int_equal(q.n_sorts, 1);
}

/* As the original takes them: what a script has no value for counts as not said. */
static void test_empty(void **state)
{
	(void)state;
	parse_ok("sort=&page[limit]=");
	assert_int_equal(q.n_sorts, 2);
	assert_string_equal(q.sorts[0].field, "name");
	assert_int_equal(q.limit, 50);
	rp_listq_fini(&q);
	parse_ok("sort=%20&sort=%20-id%20");
	assert_int_equal(q.n_sorts, 1);
	assert_string_equal(q.sorts[0].field, "id");
	assert_true(q.sorts[0].desc);
	rp_listq_fini(&q);
	assert_int_equal(parse_with("sort=&sort=-name", &one_sort), 0);
}

static void test_nothing_accepted(void **state)
{
	(void)state;
	assert_int_equal(parse_with("", &nothing), 0);
	assert_int_equal(q.n_sorts + q.n_filters + q.n_fields, 0);
	/* An endpoint without fields or pages does not look at them. */
	assert_int_equal(parse_with("fields[x]=y&page[limit]=z", &nothing), 0);
	assert_int_equal(parse_with("filter[x]=1&sort=x", &nothing), RP_EINVAL);
	assert_int_equal(errs.n, 2);
	assert_int_equal(parse_with("filter[*]=1", &nothing), RP_EINVAL);
	assert_string_equal(errs.text[0], "unsupported filter field 'filter[*]'");
}

/* Keys that are no filters are no mistakes. */
static void test_ignored(void **state)
{
	static const char *const texts[] = {"filter=1", "filter[a-b]=1", "filter[]=1",
	    "filter[id=1", "filter[i d]=1", "filterx[id]=1", "Filter[id]=1", "xfilter[id]=1",
	    "sorts=id", "foo=bar", "page=1", "page[x]=1", "fields=x", "fields[things=x",
	    "filter%5B%5D=1"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		parse_ok(texts[i]);
		assert_int_equal(q.n_filters, 0);
		assert_int_equal(q.n_fields, 0);
		rp_listq_fini(&q);
	}
}

/* More complaints than there is room for, and long names. */
static void test_many_errors(void **state)
{
	char text[8192] = "";
	size_t n = 0;
	(void)state;
	for (int i = 0; i < 200; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "sort=x%d&", i);
	}
	assert_int_equal(parse_with(text, &spec), RP_EINVAL);
	assert_int_equal(errs.n, RP_LISTQ_ERRORS_MAX);
	memset(text, 'y', 5000);
	memcpy(text, "filter[", 7);
	memcpy(text + 5000, "]=1", 4);
	assert_int_equal(parse_with(text, &spec), RP_EINVAL);
	memcpy(text, "fields[", 7);
	assert_int_equal(parse_with(text, &spec), RP_EINVAL);
}

static void test_too_many_values(void **state)
{
	char text[4096] = "filter[id]=";
	size_t n = strlen(text);
	(void)state;
	for (int i = 0; i < 255; i++) {
		text[n++] = ',';
	}
	text[n] = '\0';
	parse_ok(text);
	assert_int_equal(q.filters[0].values.n, 256);
	rp_listq_fini(&q);
	(void)snprintf(text + n, sizeof(text) - n, ",");
	assert_int_equal(parse_with(text, &spec), RP_EINVAL);
	assert_string_equal(errs.text[0], "too many values in 'filter[id]'");
	/* The same in two pieces. */
	(void)snprintf(text + n, sizeof(text) - n, "&filter[id]=x");
	assert_int_equal(parse_with(text, &spec), RP_EINVAL);
	assert_string_equal(errs.text[0], "too many values in 'filter[id]'");
	/* Eleven columns with all these values in two filters. */
	text[7] = '*';
	memmove(text + 8, text + 9, strlen(text + 9) + 1);
	text[n - 1] = '\0';
	parse_ok(text);
	rp_listq_fini(&q);
	size_t len = strlen(text);
	char twice[8192];
	memcpy(twice, text, len);
	twice[len] = '&';
	memcpy(twice + len + 1, text, len + 1);
	memcpy(twice + len + 1, "filter[*|id]", 12);
	memcpy(twice + len + 13, text + 9, strlen(text + 9) + 1);
	assert_int_equal(parse_with(twice, &spec), RP_EINVAL);
	assert_string_equal(errs.text[errs.n - 1], "too many filters");
}

static void test_too_many_filters(void **state)
{
	char text[2048] = "";
	size_t n = 0;
	(void)state;
	for (unsigned i = 1; i <= 33; i++) {
		/* Each another set of columns. */
		n += (size_t)snprintf(text + n, sizeof(text) - n, "&filter[id");
		for (unsigned bit = 0; bit < 6; bit++) {
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "%s", i >> bit & 1 ? "|name" : "|note");
		}
		n += (size_t)snprintf(text + n, sizeof(text) - n, "]=x");
	}
	assert_int_equal(parse_with(text, &spec), RP_EINVAL);
	assert_string_equal(errs.text[0], "too many filters");
	*strrchr(text, '&') = '\0';
	parse_ok(text);
	assert_int_equal(q.n_filters, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_errors, teardown),
	    cmocka_unit_test_teardown(test_one_sort, teardown),
	    cmocka_unit_test_teardown(test_empty, teardown),
	    cmocka_unit_test_teardown(test_nothing_accepted, teardown),
	    cmocka_unit_test_teardown(test_ignored, teardown),
	    cmocka_unit_test_teardown(test_many_errors, teardown),
	    cmocka_unit_test_teardown(test_too_many_values, teardown),
	    cmocka_unit_test_teardown(test_too_many_filters, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
