/* SPDX-License-Identifier: MIT */
/*
 * Output of commands: valid UTF-8 whatever comes and however it is cut, limits, summaries, and
 * results that fit.
 */
#include "client/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/str.h"
#include "test/lib/oom.h"

#define FFFD "\xef\xbf\xbd"

struct sink {
	struct rp_buf all;
	unsigned calls;
};

static void on_sink(void *ctx, const uint8_t *p, size_t n)
{
	struct sink *s = ctx;
	s->calls++;
	assert_true(n > 0);
	assert_true(rp_utf8_valid(p, n));
	assert_int_equal(rp_buf_add(&s->all, p, n), 0);
}

/* Feeds in pieces of the size and compares buffer and sink with what is wanted. */
static void collect(const char *in, size_t n, size_t piece, const char *want)
{
	struct rp_output o;
	struct sink s = {0};
	rp_output_init(&o, 1000000, 100000);
	rp_buf_init(&s.all, 100000);
	for (size_t at = 0; at < n; at += piece) {
		rp_output_feed(&o, in + at, RP_MIN(piece, n - at), on_sink, &s);
	}
	rp_output_end(&o, on_sink, &s);
	assert_int_equal(o.text.len, strlen(want));
	assert_memory_equal(rp_buf_head(&o.text), want, strlen(want));
	assert_int_equal(s.all.len, strlen(want));
	assert_memory_equal(rp_buf_head(&s.all), want, strlen(want));
	assert_false(o.overflow);
	assert_false(o.cut);
	rp_buf_fini(&s.all);
	rp_output_fini(&o);
}

static void test_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		const char *want;
	} rows[] = {
	    {"abc\n", "abc\n"},
	    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	    {"a\xff"
	     "b",
	        "a" FFFD "b"},
	    {"\xc3", FFFD},
	    {"\xe2\x82", FFFD},
	    {"\xf0\x9f\x98", FFFD},
	    {"\xc3"
	     "a",
	        FFFD "a"},
	    {"\xe2\x82"
	     "a",
	        FFFD "a"},
	    {"\xe2\xc3\xa4", FFFD "\xc3\xa4"},
	    {"\xc0\xaf", FFFD FFFD},
	    {"\xed\xa0\x80", FFFD FFFD FFFD},
	    {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD},
	    {"\xe0\x80\x80", FFFD FFFD FFFD},
	    {"\xe0\xa0\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf",
	        "\xe0\xa0\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf"},
	    {"\x80\xbf", FFFD FFFD},
	    {"\x1b[0m\x01\x7f", "\x1b[0m\x01\x7f"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		for (size_t piece = 1; piece < 5; piece++) {
			collect(rows[i].in, strlen(rows[i].in), piece, rows[i].want);
		}
	}
	collect("a\0b", 3, 3, "a" FFFD "b");
}

/* Every two and three bytes: valid, and the same however cut. */
static void test_all_short(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 0x1000000; i += 4099) {
		char in[4] = {(char)(i & 0xff), (char)(i >> 8 & 0xff), (char)(i >> 16 & 0xff), 'x'};
		struct rp_output o[2];
		for (size_t k = 0; k < 2; k++) {
			rp_output_init(&o[k], 100, 100);
			for (size_t at = 0; at < 4; at += k == 0 ? 4 : 1) {
				rp_output_feed(&o[k], in + at, k == 0 ? 4 : 1, NULL, NULL);
			}
			rp_output_end(&o[k], NULL, NULL);
			assert_true(rp_utf8_valid(rp_buf_head(&o[k].text), o[k].text.len));
		}
		assert_int_equal(o[0].text.len, o[1].text.len);
		assert_memory_equal(
		    rp_buf_head(&o[0].text), rp_buf_head(&o[1].text), o[0].text.len);
		rp_output_fini(&o[0]);
		rp_output_fini(&o[1]);
	}
}

static void test_limit(void **state)
{
	(void)state;
	struct rp_output o;
	rp_output_init(&o, 5, 100);
	rp_output_feed(&o, "abcde", 5, NULL, NULL);
	assert_false(o.overflow);
	rp_output_feed(&o, "f", 1, NULL, NULL);
	assert_true(o.overflow);
	assert_false(o.cut);
	assert_int_equal(o.text.len, 5);
	rp_output_fini(&o);
	/* A character at the border goes as a whole. */
	rp_output_init(&o, 5, 100);
	rp_output_feed(&o, "abc\xe2\x82\xac", 6, NULL, NULL);
	rp_output_end(&o, NULL, NULL);
	assert_true(o.overflow);
	assert_int_equal(o.text.len, 3);
	rp_output_fini(&o);
	rp_output_init(&o, 0, 100);
	rp_output_feed(&o, "a", 1, NULL, NULL);
	assert_true(o.overflow);
	assert_int_equal(o.text.len, 0);
	rp_output_fini(&o);
}

static void test_keep(void **state)
{
	(void)state;
	static char big[20000];
	struct rp_output o;
	struct sink s = {0};
	memset(big, 'a', sizeof(big));
	rp_buf_init(&s.all, 100000);
	rp_output_init(&o, 1000000, 10000);
	rp_output_feed(&o, big, sizeof(big), on_sink, &s);
	assert_true(o.cut);
	assert_false(o.overflow);
	assert_int_equal(o.text.len, 10000);
	assert_int_equal(s.all.len, 20000); /* live output goes on */
	rp_output_fini(&o);
	rp_buf_fini(&s.all);
	/* Exactly full is not cut; a character is not split. */
	rp_output_init(&o, 1000, 4);
	rp_output_feed(&o, "abcd", 4, NULL, NULL);
	assert_false(o.cut);
	rp_output_fini(&o);
	rp_output_init(&o, 1000, 4);
	rp_output_feed(&o,
	    "abc\xc3\xa4"
	    "de",
	    7, NULL, NULL);
	assert_true(o.cut);
	assert_int_equal(o.text.len, 3);
	rp_output_feed(&o, "x", 1, NULL, NULL);
	assert_int_equal(o.text.len, 3);
	rp_output_fini(&o);
}

static void test_summary(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		const char *want;
	} rows[] = {
	    {"no tags", ""},
	    {"a<summary>b</summary>c", "b"},
	    {"<SUMMARY>x</Summary>", "x"},
	    {"<summary>\nab\n</summary>\n", "\nab\n"},
	    {"<summary>a\r\nb\r\n</summary>", "a\nb\n"},
	    {"<summary>a\rb</summary>", "a\rb"},
	    {"<summary>a</summary> - <summary>b</summary>", "ab"},
	    {"<summary>open", "open"},
	    {"<<summary>a</summary>", "a"},
	    {"<sum<summary>a</summary>", "a"},
	    {"<summary>a<b</summary>", "a<b"},
	    {"<summary>a</sum</summary>", "a</sum"},
	    {"<summary><<</</summary>", "<<</"},
	    {"<summary></summary>", ""},
	    {"</summary>a", ""},
	    {"<summary >a</summary>", ""},
	    {"<summary>\xc3\xa4</summary>", "\xc3\xa4"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		for (size_t piece = 1; piece < 20; piece += 3) {
			struct rp_summary s;
			size_t n = strlen(rows[i].in);
			rp_summary_init(&s);
			for (size_t at = 0; at < n; at += piece) {
				rp_summary_feed(&s, rows[i].in + at, RP_MIN(piece, n - at));
			}
			if (s.text.len != strlen(rows[i].want) ||
			    (s.text.len > 0 &&
			        memcmp(rp_buf_head(&s.text), rows[i].want, s.text.len) != 0)) {
				fail_msg("row %zu: %.*s", i, (int)s.text.len,
				    (char *)rp_buf_head(&s.text));
			}
			rp_summary_fini(&s);
		}
	}
}

static void test_summary_limit(void **state)
{
	(void)state;
	struct rp_summary s;
	static char big[RP_SUMMARY_MAX + 1000];
	memset(big, 'x', sizeof(big));
	rp_summary_init(&s);
	rp_summary_feed(&s, "<summary>", 9);
	rp_summary_feed(&s, big, sizeof(big));
	assert_int_equal(s.text.len, RP_SUMMARY_MAX);
	rp_summary_fini(&s);
}

static char *text_of(char c, size_t n)
{
	char *s = rp_malloc(n + 1);
	assert_non_null(s);
	memset(s, c, n);
	s[n] = '\0';
	return s;
}

static size_t encoded(const struct rp_job *job)
{
	struct rp_buf out;
	rp_buf_init(&out, 64 * 1024 * 1024);
	assert_int_equal(rp_job_encode(job, &out), 0);
	size_t n = out.len;
	rp_buf_fini(&out);
	return n;
}

static struct rp_job job_of(size_t command, size_t out, size_t err, size_t summary, char fill)
{
	struct rp_job job = {.has_result = true, .finished_at = rp_time_now()};
	job.jid = rp_strdup("77fd385a-0000-4000-8000-000000000000");
	job.error = rp_strdup("exit status 1");
	job.command = text_of(fill, command);
	job.result.out = text_of(fill, out);
	job.result.err = text_of(fill, err);
	job.result.summary = text_of(fill, summary);
	return job;
}

#define CUT "exit status 1, output cut: the result would be too large for one message"

static void test_fit(void **state)
{
	(void)state;
	static const struct {
		size_t command;
		size_t out;
		size_t err;
		size_t summary;
	} rows[] = {
	    {10, 300000, 0, 0},
	    {10, 0, 300000, 0},
	    {10, 300000, 300000, 0},
	    {10, 300000, 300000, 100000},
	    {10, 1000, 300000, 10},
	    {200000, 300000, 300000, 100000},
	    {400000, 0, 0, 0},
	};
	static const char fills[] = {'a', '<', '"', '\n', '\x01', '\x7f'};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		for (size_t f = 0; f < sizeof(fills); f++) {
			struct rp_job job = job_of(
			    rows[i].command, rows[i].out, rows[i].err, rows[i].summary, fills[f]);
			assert_int_equal(rp_job_fit(&job, RP_RESULT_JSON_MAX), 0);
			size_t n = encoded(&job);
			assert_true(n <= RP_RESULT_JSON_MAX);
			if (fills[f] == 'a') {
				assert_true(
				    n > RP_RESULT_JSON_MAX - 100); /* nothing is given away */
			}
			assert_string_equal(job.error, CUT);
			rp_job_fini(&job);
		}
	}
}

static void test_fit_unchanged(void **state)
{
	(void)state;
	struct rp_job job = job_of(100, 100000, 100000, 1000, 'a');
	size_t before = encoded(&job);
	assert_int_equal(rp_job_fit(&job, RP_RESULT_JSON_MAX), 0);
	assert_int_equal(encoded(&job), before);
	assert_string_equal(job.error, "exit status 1");
	/* Just as large as allowed, then one byte less. */
	assert_int_equal(rp_job_fit(&job, before), 0);
	assert_int_equal(encoded(&job), before);
	assert_int_equal(rp_job_fit(&job, before - 1), 0);
	assert_true(encoded(&job) < before);
	assert_string_equal(job.error, CUT);
	rp_job_fini(&job);
	/* Characters are not split. */
	job = job_of(0, 0, 0, 0, 'a');
	rp_free(job.result.out);
	job.result.out = rp_malloc(300001);
	for (size_t i = 0; i < 300000; i += 3) {
		memcpy(job.result.out + i, "\xe2\x82\xac", 4);
	}
	assert_int_equal(rp_job_fit(&job, RP_RESULT_JSON_MAX), 0);
	assert_true(rp_utf8_valid(job.result.out, strlen(job.result.out)));
	assert_true(encoded(&job) <= RP_RESULT_JSON_MAX);
	rp_job_fini(&job);
	/* Nothing in it at all. */
	job = (struct rp_job){.has_result = true};
	assert_int_equal(rp_job_fit(&job, RP_RESULT_JSON_MAX), 0);
	assert_int_equal(rp_job_fit(&job, 0), 0);
	rp_job_fini(&job);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_output o;
	struct rp_job job = {.has_result = true};
	rp_output_init(&o, 1000, 1000);
	rp_output_feed(&o, "abc\xc3", 4, NULL, NULL);
	rp_output_end(&o, NULL, NULL);
	rp_output_fini(&o);
	job.result.out = rp_strdup("some output that does not fit");
	int rc = job.result.out == NULL ? RP_ENOMEM : rp_job_fit(&job, 500);
	rp_job_fini(&job);
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
	    cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_all_short),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_keep),
	    cmocka_unit_test(test_summary),
	    cmocka_unit_test(test_summary_limit),
	    cmocka_unit_test(test_fit),
	    cmocka_unit_test(test_fit_unchanged),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
