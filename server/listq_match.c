/* SPDX-License-Identifier: MIT */
/*
 * A list query applied to objects in memory, by their JSON tables. Of patterns only `*` is
 * implemented (quirk 20).
 */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/fold.h"
#include "server/listq.h"

#include "core/banned.h"

/* Takes one character off both. */
static bool same_next(const char **a, const char **b)
{
	return rp_fold_next(a) == rp_fold_next(b);
}

/* Linear: on a mismatch only the last star is tried again. */
bool rp_listq_wildcard(const char *pattern, const char *text)
{
	const char *star = NULL;
	const char *retry = NULL;
	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			retry = text;
		} else if (*pattern != '\0' && same_next(&pattern, &text)) {
			continue;
		} else if (star != NULL) {
			pattern = star + 1;
			(void)rp_fold_next(&retry);
			text = retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*') {
		pattern++;
	}
	return *pattern == '\0';
}

bool rp_listq_date(const char *s, int64_t *t)
{
	char text[32];
	if (rp_time_parse(rp_str_c(s), t) == 0) {
		return true;
	}
	int n = snprintf(text, sizeof(text), "%.10sT00:00:00Z", s);
	return strlen(s) == 10 && n > 0 && rp_time_parse(rp_str_c(text), t) == 0;
}

static bool compare_op(enum rp_listq_op op, int64_t a, int64_t b)
{
	switch (op) {
	case RP_LISTQ_GT:
		return a > b;
	case RP_LISTQ_LT:
		return a < b;
	case RP_LISTQ_SINCE:
		return a >= b;
	case RP_LISTQ_UNTIL:
		return a <= b;
	case RP_LISTQ_EQ:
		break;
	}
	return a == b;
}

static bool text_matches(enum rp_listq_op op, const char *value, const char *text)
{
	int64_t want;
	int64_t have;
	if (op == RP_LISTQ_EQ) {
		return rp_listq_wildcard(value, text);
	}
	return rp_listq_date(value, &want) && rp_listq_date(text, &have) &&
	    compare_op(op, have, want);
}

static const void *at(const void *obj, const struct rp_json_field *f)
{
	return (const char *)obj + f->offset;
}

static bool list_matches(const struct rp_strlist *l, enum rp_listq_op op, const char *value)
{
	if (l->n == 0) {
		return value[0] == '\0';
	}
	for (size_t i = 0; i < l->n; i++) {
		if (text_matches(op, value, l->v[i])) {
			return true;
		}
	}
	return false;
}

static bool map_matches(const struct rp_strmap *m, enum rp_listq_op op, const char *value)
{
	if (m->n == 0) {
		return value[0] == '\0';
	}
	for (size_t i = 0; i < m->n; i++) {
		/* Without memory a label does not match: a list may miss a client, not show one
		 * too many. */
		char *text = rp_asprintf("%s: %s", m->k[i], m->v[i]);
		bool matched = text != NULL && text_matches(op, value, text);
		rp_free(text);
		if (matched) {
			return true;
		}
	}
	return false;
}

/* JSON that stands for a list of strings. What is none, or without memory, does not match. */
static bool raw_matches(const char *raw, enum rp_listq_op op, const char *value)
{
	struct rp_strlist l = {0};
	bool matched = rp_json_raw_strlist(raw, &l) == 0 && list_matches(&l, op, value);
	rp_strlist_fini(&l);
	return matched;
}

/* Numbers are compared as text, as the original does. */
static bool field_matches(
    const struct rp_json_field *f, const void *obj, enum rp_listq_op op, const char *value)
{
	char text[RP_TIME_TEXT_MAX] = "";
	const void *p = at(obj, f);
	switch (f->kind) {
	case RP_FIELD_STR:
	case RP_FIELD_STR_OPT: {
		const char *s = *(char *const *)p;
		return text_matches(op, value, s != NULL ? s : "");
	}
	case RP_FIELD_STRLIST:
	case RP_FIELD_STRLIST_NULL:
		return list_matches(p, op, value);
	case RP_FIELD_STRMAP:
		return map_matches(p, op, value);
	case RP_FIELD_RAW:
		return raw_matches(*(char *const *)p, op, value);
	case RP_FIELD_INT:
		(void)snprintf(text, sizeof(text), "%lld", (long long)*(const int64_t *)p);
		break;
	case RP_FIELD_INT_OPT: {
		const struct rp_opt_i64 *v = p;
		if (v->set) {
			(void)snprintf(text, sizeof(text), "%lld", (long long)v->v);
		}
		break;
	}
	case RP_FIELD_UINT:
		(void)snprintf(
		    text, sizeof(text), "%llu", (unsigned long long)*(const uint64_t *)p);
		break;
	case RP_FIELD_BOOL:
		(void)snprintf(text, sizeof(text), "%s", *(const bool *)p ? "true" : "false");
		break;
	case RP_FIELD_TIME:
	case RP_FIELD_TIME_OPT:
		rp_time_format(*(const int64_t *)p, text);
		break;
	default:
		return false;
	}
	return text_matches(op, value, text);
}

static const struct rp_json_field *find_field(const struct rp_json_table *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->fields[i].key, key) == 0) {
			return &t->fields[i];
		}
	}
	return NULL;
}

int rp_listq_bind(struct rp_listq *q, const struct rp_json_table *t)
{
	for (size_t i = 0; i < q->n_sorts; i++) {
		q->sorts[i].row = find_field(t, q->sorts[i].field);
	}
	for (size_t i = 0; i < q->n_filters; i++) {
		struct rp_listq_filter *f = &q->filters[i];
		rp_free(f->fields);
		f->fields = rp_calloc(f->columns.n + 1, sizeof(*f->fields));
		if (f->fields == NULL) {
			return RP_ENOMEM;
		}
		for (size_t k = 0; k < f->columns.n; k++) {
			f->fields[k] = find_field(t, f->columns.v[k]);
		}
	}
	return 0;
}

static bool any_column(const struct rp_listq_filter *f, const char *value,
    const struct rp_json_table *t, const void *obj)
{
	for (size_t i = 0; i < f->columns.n; i++) {
		const struct rp_json_field *field = f->fields != NULL
		    ? f->fields[i]
		    : find_field(t, f->columns.v[i]);
		if (field != NULL && field_matches(field, obj, f->op, value)) {
			return true;
		}
	}
	return false;
}

static bool filter_matches(
    const struct rp_listq_filter *f, const struct rp_json_table *t, const void *obj)
{
	bool matched = false;
	for (size_t i = 0; i < f->values.n; i++) {
		matched = any_column(f, f->values.v[i], t, obj);
		if (matched != f->all) {
			return matched;
		}
	}
	return matched;
}

bool rp_listq_match(const struct rp_listq *q, const struct rp_json_table *t, const void *obj)
{
	for (size_t i = 0; i < q->n_filters; i++) {
		if (!filter_matches(&q->filters[i], t, obj)) {
			return false;
		}
	}
	return true;
}

static const char *text_of(const struct rp_json_field *f, const void *obj)
{
	if (f == NULL || (f->kind != RP_FIELD_STR && f->kind != RP_FIELD_STR_OPT)) {
		return "";
	}
	const char *s = *(char *const *)at(obj, f);
	return s != NULL ? s : "";
}

int rp_listq_compare_text(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0') {
		uint32_t x = rp_fold_next(&a);
		uint32_t y = rp_fold_next(&b);
		if (x != y) {
			return x < y ? -1 : 1;
		}
	}
	return (*a != '\0') - (*b != '\0');
}

int rp_listq_compare(
    const struct rp_listq *q, const struct rp_json_table *t, const void *a, const void *b)
{
	for (size_t i = 0; i < q->n_sorts; i++) {
		const struct rp_json_field *f = q->sorts[i].row != NULL
		    ? q->sorts[i].row
		    : find_field(t, q->sorts[i].field);
		int d = rp_listq_compare_text(text_of(f, a), text_of(f, b));
		if (d != 0) {
			return q->sorts[i].desc ? -d : d;
		}
	}
	return rp_listq_compare_text(text_of(&t->fields[0], a), text_of(&t->fields[0], b));
}
