/* SPDX-License-Identifier: MIT */
/*
 * The query language of lists (rport-api section 2): matching and order in memory.
 */
#include "server/listq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/lib/listq_short.h"
#include "test/lib/oom.h"

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
	    .port = {.set = true, .v = 22},
	    .flag = true,
	    .gone = RP_TIME_ZERO,
	    .tags = {.v = tags1, .n = 2},
	    .labels = {.k = label_k, .v = label_v, .n = 2},
	    .raw = raw1,
	};
	assert_int_equal(rp_time_parse(rp_str_c("2026-03-04T05:06:07.5Z"), &t.seen), 0);
	return t;
}

static const struct {
	const char *query;
	bool match;
} matches[] = {
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

static void test_match(void **state)
{
	(void)state;
	struct thing t = thing();
	for (size_t i = 0; i < RP_ARRAY_LEN(matches); i++) {
		parse_ok(matches[i].query);
		if (rp_listq_match(&q, &thing_table, &t) != matches[i].match) {
			fail_msg("%s", matches[i].query);
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
