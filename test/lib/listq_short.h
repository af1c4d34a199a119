/* SPDX-License-Identifier: MIT */
/*
 * A made-up table and what its list takes, for tests of the query language; to be included by the
 * only file of a test program.
 */
#ifndef RP_TEST_LIB_LISTQ_SHORT_H
#define RP_TEST_LIB_LISTQ_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/listq.h"

struct thing {
	char *id;
	char *name;
	char *note; /* may be NULL */
	int64_t num;
	uint64_t big;
	struct rp_opt_i64 port;
	struct rp_opt_i64 unset;
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
    F(port, INT_OPT),
    F(unset, INT_OPT),
    F(flag, BOOL),
    F(seen, TIME),
    F(gone, TIME_OPT),
    F(tags, STRLIST),
    F(groups, STRLIST_NULL),
    F(labels, STRMAP),
    F(raw, RAW),
};
static const struct rp_json_table thing_table = RP_JSON_TABLE(thing_fields, struct thing);

static const char *const filters[] = {"id", "name", "note", "num", "big", "port", "unset", "flag",
    "tags", "groups", "labels", "seen", "raw", "seen[gt]", "seen[lt]", "seen[since]", "seen[until]",
    "gone[gt]", NULL};
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

static struct rp_listq q;
static struct rp_listq_errors errs;

static inline int parse_with(const char *text, const struct rp_listq_spec *s)
{
	struct rp_query in;
	assert_int_equal(rp_query_parse(rp_str_c(text), &in), 0);
	int err = rp_listq_parse(&in, s, &q, &errs);
	rp_query_fini(&in);
	return err;
}

static inline void parse_ok(const char *text)
{
	int err = parse_with(text, &spec);
	if (err != 0) {
		fail_msg("%s: %s, %s", text, rp_err_text(err), errs.n > 0 ? errs.text[0] : "");
	}
	assert_int_equal(errs.n, 0);
}

static inline int teardown(void **state)
{
	(void)state;
	rp_listq_fini(&q);
	return 0;
}

#endif
