/* SPDX-License-Identifier: MIT */
/*
 * The query language of lists (rport-api section 2): what is accepted, every complaint and its
 * text, matching and order in memory.
 */
#include "server/listq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/oom.h"

struct thing {
	char *id;
	char *name;
	char *note; /* may be NULL */
	int64_t num;
	uint64_t big;
	bool flag;
	int64_t seen;
	int64_t gone;
	struct rp_strlist tags;
	struct rp_strlist groups;
	struct rp_strmap labels;
	char *raw;
};

#define F(key, kind)                                                        \
	{                                                                   \
#key, RP_FIELD_##kind, 0, offsetof(struct thing, key), NULL \
	}
static const struct rp_json_field thing_fields[] = {
    F(id, STR),
    F(name, STR),
    F(note, STR_OPT),
    F(num, INT),
    F(big, UINT),
    F(flag, BOOL),
    F(seen, TIME),
    F(gone, TIME_OPT),
    F(tags, STRLIST),
    F(groups, STRLIST_NULL),
    F(labels, STRMAP),
    F(raw, RAW),
};
static const struct rp_json_table thing_table = RP_JSON_TABLE(thing_fields, struct thing);

static const char *const filters[] = {"id", "name", "note", "num", "big", "flag", "tags", "groups",
    "labels", "seen", "raw", "seen[gt]", "seen[lt]", "seen[since]", "seen[until]", "gone[gt]",
    NULL};
static const char *const sorts[] = {"id", "name", "note", NULL};
static const char *const fields[] = {"id", "name", "note", NULL};
static const char *const defaults[] = {"id", "name", NULL};
static const char *const sub_fields[] = {"a", "b", NULL};
static const char *const sub_defaults[] = {"a", NULL};
static const struct rp_listq_resource resources[] = {
    {"things", fields, defaults},
    {"sub", sub_fields, sub_defaults},
    {NULL, NULL, NULL},
};
static const struct rp_listq_spec spec = {
    .filters = filters,
    .sorts = sorts,
    .default_sort = "-name,id",
    .resources = resources,
    .limit_default = 50,
    .limit_max = 500,
};
static const struct rp_listq_spec one_sort = {
    .sorts = sorts, .one_sort = true, .default_sort = "id", .limit_default = 5, .limit_max = 5};
static const struct rp_listq_spec nothing = {0};

static struct rp_listq q;
static struct rp_listq_errors errs;

static int parse_with(const char *text, const struct rp_listq_spec *s)
{
	struct rp_query in;
	assert_int_equal(rp_query_parse(rp_str_c(text), &in), 0);
	int err = rp_listq_parse(&in, s, &q, &errs);
	rp_query_fini(&in);
	return err;
}

static void parse_ok(const char *text)
{
	int err = parse_with(text, &spec);
	if (err != 0) {
		fail_msg("%s: %s, %s", text, rp_err_text(err), errs.n > 0 ? errs.text[0] : "");
	}
	assert_int_equal(errs.n, 0);
}

static int teardown(void **state)
{
	(void)state;
	rp_listq_fini(&q);
	return 0;
}

/* Complaints */

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

/* What is understood */

static void assert_list(const struct rp_strlist *l, const char *joined)
{
	char text[1024] = "";
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) {
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "%s<%s>", i > 0 ? " " : "", l->v[i]);
	}
	assert_string_equal(text, joined);
}

static void test_values(void **state)
{
	static const struct {
		const char *query, *columns, *values;
		enum rp_listq_op op;
		bool all;
	} cases[] = {
	    {"filter[id]=a", "<id>", "<a>", RP_LISTQ_EQ, false},
	    {"filter[id][eq]=a", "<id>", "<a>", RP_LISTQ_EQ, false},
	    {"filter%5bid%5d=a", "<id>", "<a>", RP_LISTQ_EQ, false},
	    {"filter[id]=", "<id>", "<>", RP_LISTQ_EQ, false},
	    {"filter[id]=%20a%20b%20", "<id>", "<a b>", RP_LISTQ_EQ, false},
	    {"filter[id]=a,%20b%20,,c", "<id>", "<a> <b> <> <c>", RP_LISTQ_EQ, false},
	    {"filter[id|name]=a", "<id> <name>", "<a>", RP_LISTQ_EQ, false},
	    {"filter[id]=and(a,b)", "<id>", "<a> <b>", RP_LISTQ_EQ, true},
	    {"filter[id]=%20and(%20a%20,%20b%20)%20", "<id>", "<a> <b>", RP_LISTQ_EQ, true},
	    {"filter[id]=or(a,b)", "<id>", "<a> <b>", RP_LISTQ_EQ, false},
	    {"filter[id]=and()", "<id>", "<>", RP_LISTQ_EQ, true},
	    {"filter[id]=and(a,b)c", "<id>", "<and(a> <b)c>", RP_LISTQ_EQ, false},
	    {"filter[id]=xand(a)", "<id>", "<xand(a)>", RP_LISTQ_EQ, false},
	    {"filter[id]=AND(a)", "<id>", "<AND(a)>", RP_LISTQ_EQ, false},
	    {"filter[id]=and(", "<id>", "<and(>", RP_LISTQ_EQ, false},
	    {"filter[id]=and", "<id>", "<and>", RP_LISTQ_EQ, false},
	    {"filter[seen][gt]=2026", "<seen>", "<2026>", RP_LISTQ_GT, false},
	    {"filter[seen][lt]=2026", "<seen>", "<2026>", RP_LISTQ_LT, false},
	    {"filter[seen][since]=2026", "<seen>", "<2026>", RP_LISTQ_SINCE, false},
	    {"filter[seen][until]=2026", "<seen>", "<2026>", RP_LISTQ_UNTIL, false},
	    {"filter[*]=a",
	        "<id> <name> <note> <num> <big> <flag> <tags> <groups> <labels> <seen> <raw>",
	        "<a>", RP_LISTQ_EQ, false},
	    /* Only the columns that take the operator. */
	    {"filter[*][gt]=2026", "<seen> <gone>", "<2026>", RP_LISTQ_GT, false},
	    {"filter[*][lt]=2026", "<seen>", "<2026>", RP_LISTQ_LT, false},
	    /* The same parameter again. */
	    {"filter[id]=a&filter[id]=b,c", "<id>", "<a> <b> <c>", RP_LISTQ_EQ, false},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		parse_ok(cases[i].query);
		assert_int_equal(q.n_filters, 1);
		assert_list(&q.filters[0].columns, cases[i].columns);
		assert_list(&q.filters[0].values, cases[i].values);
		assert_int_equal(q.filters[0].op, cases[i].op);
		assert_int_equal(q.filters[0].all, cases[i].all);
		rp_listq_fini(&q);
	}
}

static void test_several_filters(void **state)
{
	(void)state;
	parse_ok("filter[id]=a&filter[name]=b&filter[seen][gt]=2026&filter[seen][lt]=2027");
	assert_int_equal(q.n_filters, 4);
	rp_listq_fini(&q);
	/* "All of" stays by itself. */
	parse_ok("filter[tags]=and(a,b)&filter[tags]=c&filter[tags]=d");
	assert_int_equal(q.n_filters, 2);
	assert_list(&q.filters[1].values, "<c> <d>");
}

static void test_sorts(void **state)
{
	(void)state;
	parse_ok("");
	assert_int_equal(q.n_sorts, 2);
	assert_string_equal(q.sorts[0].field, "name");
	assert_true(q.sorts[0].desc);
	assert_string_equal(q.sorts[1].field, "id");
	assert_false(q.sorts[1].desc);
	rp_listq_fini(&q);
	/* Any sort replaces the default. */
	parse_ok("sort=note&sort=-id");
	assert_int_equal(q.n_sorts, 2);
	assert_string_equal(q.sorts[0].field, "note");
	assert_false(q.sorts[0].desc);
	assert_string_equal(q.sorts[1].field, "id");
	assert_true(q.sorts[1].desc);
}

static void test_fields(void **state)
{
	(void)state;
	parse_ok("");
	assert_true(rp_listq_wants(&q, &spec, "things", "id"));
	assert_true(rp_listq_wants(&q, &spec, "things", "name"));
	assert_false(rp_listq_wants(&q, &spec, "things", "note"));
	assert_true(rp_listq_wants(&q, &spec, "sub", "a"));
	assert_false(rp_listq_wants(&q, &spec, "sub", "b"));
	assert_false(rp_listq_wants(&q, &spec, "other", "id"));
	rp_listq_fini(&q);
	/* Any fields parameter drops all defaults. */
	parse_ok("fields[things]=note");
	assert_true(rp_listq_wants(&q, &spec, "things", "note"));
	assert_false(rp_listq_wants(&q, &spec, "things", "id"));
	assert_false(rp_listq_wants(&q, &spec, "sub", "a"));
	rp_listq_fini(&q);
	parse_ok("fields[things]=%20note%20,id&fields[sub]=b&fields[things]=name");
	assert_true(rp_listq_wants(&q, &spec, "things", "note"));
	assert_true(rp_listq_wants(&q, &spec, "things", "id"));
	assert_true(rp_listq_wants(&q, &spec, "things", "name"));
	assert_true(rp_listq_wants(&q, &spec, "sub", "b"));
	assert_false(rp_listq_wants(&q, &spec, "sub", "a"));
}

static void test_page(void **state)
{
	(void)state;
	parse_ok("");
	assert_int_equal(q.limit, 50);
	assert_int_equal(q.offset, 0);
	rp_listq_fini(&q);
	parse_ok("page[limit]=1&page[offset]=7");
	assert_int_equal(q.limit, 1);
	assert_int_equal(q.offset, 7);
	rp_listq_fini(&q);
	parse_ok("page[limit]=500&page[offset]=2147483647");
	assert_int_equal(q.limit, 500);
	assert_int_equal(q.offset, 2147483647);
}

/* Matching */

static char id1[] = "Id-1";
static char name1[] = "first thing";
static char raw1[] = "{\"a\":1}";
static char tag_a[] = "Alpha";
static char tag_b[] = "beta";
static char *tags1[] = {tag_a, tag_b};
static char key_city[] = "city";
static char city[] = "Cologne";
static char key_os[] = "os";
static char os[] = "a: b";
static char *label_k[] = {key_city, key_os};
static char *label_v[] = {city, os};

static struct thing thing(void)
{
	struct thing t = {
	    .id = id1,
	    .name = name1,
	    .num = -5,
	    .big = UINT64_MAX,
	    .flag = true,
	    .gone = RP_TIME_ZERO,
	    .tags = {.v = tags1, .n = 2},
	    .labels = {.k = label_k, .v = label_v, .n = 2},
	    .raw = raw1,
	};
	assert_int_equal(rp_time_parse(rp_str_c("2026-03-04T05:06:07.5Z"), &t.seen), 0);
	return t;
}

static void test_match(void **state)
{
	static const struct {
		const char *query;
		bool match;
	} cases[] = {
	    {"", true},
	    {"filter[id]=id-1", true},
	    {"filter[id]=ID-1", true},
	    {"filter[id]=id-", false},
	    {"filter[id]=d-1", false},
	    {"filter[id]=", false},
	    {"filter[note]=", true},
	    {"filter[note]=x", false},
	    {"filter[note]=*", true},
	    {"filter[groups]=", true},
	    {"filter[groups]=x", false},
	    {"filter[tags]=", false},
	    /* Any text; nothing else is special. */
	    {"filter[id]=*", true},
	    {"filter[id]=**", true},
	    {"filter[id]=*1", true},
	    {"filter[id]=i*1", true},
	    {"filter[id]=I*D*-*1*", true},
	    {"filter[id]=*2", false},
	    {"filter[id]=d*", false},
	    {"filter[id]=.*", false},
	    {"filter[id]=id.1", false},
	    {"filter[name]=f*t*g", true},
	    {"filter[name]=f*x*g", false},
	    {"filter[name]=*thing", true},
	    {"filter[name]=*first", false},
	    /* Lists: any element. */
	    {"filter[tags]=alpha", true},
	    {"filter[tags]=BETA", true},
	    {"filter[tags]=gamma", false},
	    {"filter[tags]=*eta", true},
	    {"filter[tags]=gamma,beta", true},
	    {"filter[tags]=or(gamma,beta)", true},
	    {"filter[tags]=and(alpha,beta)", true},
	    {"filter[tags]=and(alpha,gamma)", false},
	    {"filter[tags]=and(gamma,alpha)", false},
	    {"filter[tags]=and(alpha,beta)&filter[tags]=gamma", false},
	    /* Labels are "key: value". */
	    {"filter[labels]=city:%20Cologne", true},
	    {"filter[labels]=CITY:%20cologne", true},
	    {"filter[labels]=city:Cologne", false},
	    {"filter[labels]=city", false},
	    {"filter[labels]=city:*", true},
	    {"filter[labels]=*Cologne", true},
	    {"filter[labels]=os:%20a:%20b", true},
	    {"filter[labels]=", false},
	    /* Numbers and the rest as text. */
	    {"filter[num]=-5", true},
	    {"filter[num]=-5.0", false},
	    {"filter[num]=-*", true},
	    {"filter[big]=18446744073709551615", true},
	    {"filter[flag]=true", true},
	    {"filter[flag]=TRUE", true},
	    {"filter[flag]=1", false},
	    {"filter[seen]=2026-03-04T05:06:07.5Z", true},
	    {"filter[seen]=2026-03-04*", true},
	    {"filter[raw]=*", false},
	    /* Dates. */
	    {"filter[seen][gt]=2026-03-04", true},
	    {"filter[seen][gt]=2026-03-05", false},
	    {"filter[seen][lt]=2026-03-05", true},
	    {"filter[seen][gt]=2026-03-04T05:06:07.5Z", false},
	    {"filter[seen][since]=2026-03-04T05:06:07.5Z", true},
	    {"filter[seen][lt]=2026-03-04T05:06:07.5Z", false},
	    {"filter[seen][until]=2026-03-04T05:06:07.5Z", true},
	    {"filter[seen][since]=2026-03-04T07:06:07.5%2B02:00", true},
	    {"filter[seen][until]=2026-03-04T07:06:07.4%2B02:00", false},
	    {"filter[seen][gt]=yesterday", false},
	    {"filter[seen][lt]=yesterday", false},
	    {"filter[seen][gt]=2026-03", false},
	    {"filter[seen][gt]=2026-03-04x", false},
	    {"filter[seen][gt]=", false},
	    {"filter[seen][gt]=2020-01-01&filter[seen][lt]=2027-01-01", true},
	    {"filter[seen][gt]=2020-01-01&filter[seen][lt]=2021-01-01", false},
	    /* Several columns, several filters. */
	    {"filter[id|name]=first%20thing", true},
	    {"filter[name|id]=first%20thing", true},
	    {"filter[note|num]=first%20thing", false},
	    {"filter[*]=beta", true},
	    {"filter[*]=nowhere", false},
	    {"filter[*]=*cologne", true},
	    {"filter[id]=id-1&filter[name]=x", false},
	    {"filter[id]=x&filter[id]=id-1", true},
	    {"filter[id|name]=and(id-1,first%20thing)", true},
	};
	(void)state;
	struct thing t = thing();
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		parse_ok(cases[i].query);
		if (rp_listq_match(&q, &thing_table, &t) != cases[i].match) {
			fail_msg("%s", cases[i].query);
		}
		rp_listq_fini(&q);
	}
}

static void test_long_label(void **state)
{
	char value[2001];
	char text[2100];
	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	struct thing t = thing();
	t.labels.v[0] = value;
	(void)snprintf(text, sizeof(text), "filter[labels]=city:%%20%s", value);
	parse_ok(text);
	assert_true(rp_listq_match(&q, &thing_table, &t));
	rp_listq_fini(&q);
	text[strlen(text) - 1] = '\0';
	parse_ok(text);
	assert_false(rp_listq_match(&q, &thing_table, &t));
	t.labels.v[0] = city;
}

/* A pattern of many stars takes no time that matters. */
static void test_stars(void **state)
{
	char text[700] = "filter[name]=";
	char name[5001];
	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < 300; i++) {
		memcpy(text + 13 + i * 2, "a*", 3);
	}
	memcpy(text + 613, "b", 2);
	struct thing t = thing();
	t.name = name;
	parse_ok(text);
	assert_false(rp_listq_match(&q, &thing_table, &t));
}

/* Whatever people write their names in. */
static void test_case(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} cases[] = {
	    {"STRASSE", "strasse", true},
	    {"*\u00dcber*", "Das \u00fcberhaupt", true},
	    {"\u00f6l", "\u00d6L", true},
	    {"\u00d7", "\u00f7", false}, /* no letters */
	    {"\u0160koda \u0179\u0141", "\u0161KODA \u017a\u0142", true},
	    {"\u0391\u0398\u0397\u039d\u0391", "\u03b1\u03b8\u03b7\u03bd\u03b1", true},
	    {"\u0421\u0435\u0440\u0412\u0401\u0420", "\u0441\u0435\u0440\u0432\u0451\u0440", true},
	    {"\u1ea0", "\u1ea1", true},
	    {"\U0001f600*", "\U0001f600x", true},
	    {"\U0001f600", "\U0001f601", false},
	    /* Half a character is neither, nor does a star end in the middle of one. */
	    {"a\xc3", "A\xc3", true},
	    {"\xc3", "\xe3", false},
	    {"*\xa4", "\u00e4", false},
	    {"\u00e4*", "\xc3", false},
	    {"", "\u00e4", false},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		if (rp_listq_wildcard(cases[i].pattern, cases[i].text) != cases[i].match) {
			fail_msg("%s, %s", cases[i].pattern, cases[i].text);
		}
	}
}

/* Order */

static int sign_of(const char *query, struct thing *a, struct thing *b)
{
	parse_ok(query);
	int d = rp_listq_compare(&q, &thing_table, a, b);
	assert_int_equal(rp_listq_compare(&q, &thing_table, b, a), -d);
	rp_listq_fini(&q);
	return d;
}

static void test_compare(void **state)
{
	char a[] = "a";
	char upper_b[] = "B";
	char ab[] = "ab";
	char uml[] = "\xc3\xa4";
	char upper_uml[] = "\xc3\x84";
	struct thing x = {.id = a, .name = upper_b};
	struct thing y = {.id = upper_b, .name = upper_b};
	(void)state;
	assert_int_equal(sign_of("sort=id", &x, &y), -1);
	assert_int_equal(sign_of("sort=-id", &x, &y), 1);
	/* Ties by the first field, upwards. */
	assert_int_equal(sign_of("sort=name", &x, &y), -1);
	assert_int_equal(sign_of("sort=-name", &x, &y), -1);
	assert_int_equal(sign_of("sort=note", &x, &y), -1);
	assert_int_equal(sign_of("sort=id", &x, &x), 0);
	y.id = ab;
	assert_int_equal(sign_of("sort=id", &x, &y), -1);
	y.id = uml;
	assert_int_equal(sign_of("sort=id", &x, &y), -1);
	x.id = upper_uml;
	assert_int_equal(sign_of("sort=id", &x, &y), 0);
	x.id = a;
	y.note = a;
	assert_int_equal(sign_of("sort=note", &x, &y), -1);
	assert_int_equal(sign_of("sort=-note", &x, &y), 1);
	assert_int_equal(sign_of("sort=note&sort=-id", &x, &y), -1);
	y.note = NULL;
	assert_int_equal(sign_of("sort=note&sort=-id", &x, &y), 1);
}

static void test_date(void **state)
{
	int64_t t;
	(void)state;
	assert_true(rp_listq_date("2026-01-02", &t));
	assert_int_equal(t, INT64_C(1767312000) * RP_NS_PER_S);
	assert_true(rp_listq_date("2026-01-02T00:00:00Z", &t));
	assert_int_equal(t, INT64_C(1767312000) * RP_NS_PER_S);
	assert_false(rp_listq_date("", &t));
	assert_false(rp_listq_date("2026-13-02", &t));
	assert_false(rp_listq_date("2026-01-02T", &t));
	assert_false(rp_listq_date("2026-01-2", &t));
}

static int oom_body(void *state)
{
	struct rp_query in = {0};
	struct rp_listq out;
	struct rp_listq_errors e;
	struct thing *t = state;
	int err = rp_query_parse(
	    rp_str_c("sort=name&filter[id|name]=a,b&filter[id|name]=c&filter[*]=*"
	             "&fields[things]=id,name&fields[sub]=a"),
	    &in);
	if (err != 0) {
		return err;
	}
	err = rp_listq_parse(&in, &spec, &out, &e);
	if (err == 0) {
		(void)rp_listq_match(&out, &thing_table, t);
	}
	rp_listq_fini(&out);
	rp_query_fini(&in);
	return err;
}

static void test_oom(void **state)
{
	(void)state;
	struct thing t = thing();
	assert_int_equal(rp_oom_run(oom_body, &t), 0);
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
	    cmocka_unit_test_teardown(test_values, teardown),
	    cmocka_unit_test_teardown(test_several_filters, teardown),
	    cmocka_unit_test_teardown(test_sorts, teardown),
	    cmocka_unit_test_teardown(test_fields, teardown),
	    cmocka_unit_test_teardown(test_page, teardown),
	    cmocka_unit_test_teardown(test_match, teardown),
	    cmocka_unit_test_teardown(test_long_label, teardown),
	    cmocka_unit_test_teardown(test_stars, teardown),
	    cmocka_unit_test(test_case),
	    cmocka_unit_test_teardown(test_compare, teardown),
	    cmocka_unit_test(test_date),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
