/* SPDX-License-Identifier: MIT */
/*
 * Parsing of list queries against what an endpoint accepts; all complaints are collected.
 */
#include "server/listq.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

/* What a database still takes: filters, values of one, and columns times values of all of them. */
#define FILTERS_MAX 32
#define VALUES_MAX  256
#define TERMS_MAX   4096

static void complain(struct rp_listq_errors *errs, const char *fmt, ...) RP_PRINTF(2, 3);
static void complain(struct rp_listq_errors *errs, const char *fmt, ...)
{
	va_list ap;
	if (errs->n >= RP_LISTQ_ERRORS_MAX) {
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(errs->text[errs->n++], sizeof(errs->text[0]), fmt, ap);
	va_end(ap);
}

static bool in_list(const char *const *list, struct rp_str s)
{
	for (; list != NULL && *list != NULL; list++) {
		if (rp_str_eq(s, *list)) {
			return true;
		}
	}
	return false;
}

/* "name[rest" -> rest and what follows the first ']' (an operator in brackets, or nothing). */
static bool brackets(const char *key, const char *name, struct rp_str *inner, struct rp_str *after)
{
	size_t n = strlen(name);
	if (strncmp(key, name, n) != 0 || key[n] != '[') {
		return false;
	}
	const char *start = key + n + 1;
	const char *end = strchr(start, ']');
	if (end == NULL) {
		return false;
	}
	*inner = rp_str_n(start, (size_t)(end - start));
	*after = rp_str_c(end + 1);
	return true;
}

/* Sorting */

static int add_sort(struct rp_listq *q, struct rp_str field, bool desc)
{
	struct rp_listq_sort *v = rp_reallocarray(q->sorts, q->n_sorts + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	q->sorts = v;
	v[q->n_sorts].field = rp_str_dup(field);
	v[q->n_sorts].desc = desc;
	v[q->n_sorts].row = NULL;
	if (v[q->n_sorts].field == NULL) {
		return RP_ENOMEM;
	}
	q->n_sorts++;
	return 0;
}

static int sort_text(struct rp_listq *q, struct rp_str s)
{
	bool desc = s.len > 0 && s.p[0] == '-';
	return add_sort(q, desc ? rp_str_n(s.p + 1, s.len - 1) : s, desc);
}

static int parse_sorts(const struct rp_query *in, const struct rp_listq_spec *spec,
    struct rp_listq *q, struct rp_listq_errors *errs)
{
	size_t given = 0;
	for (size_t i = 0; i < in->n; i++) {
		if (strcmp(in->v[i].k, "sort") != 0) {
			continue;
		}
		struct rp_str s = rp_str_trim(rp_str_c(in->v[i].v));
		if (s.len == 0) {
			continue; /* what a script has no value for counts as not said */
		}
		struct rp_str field = s.len > 0 && s.p[0] == '-' ? rp_str_n(s.p + 1, s.len - 1) : s;
		given++;
		if (!in_list(spec->sorts, field)) {
			complain(errs, "unsupported sort field '%.*s'", (int)RP_MIN(field.len, 100),
			    field.p);
		} else if (sort_text(q, s) != 0) {
			return RP_ENOMEM;
		}
	}
	if (spec->one_sort && given > 1) {
		complain(errs, "Only one sort field is supported for clients.");
	}
	struct rp_str rest = rp_str_c(spec->default_sort);
	struct rp_str part;
	while (given == 0 && spec->default_sort != NULL && rp_str_split(&rest, ',', &part)) {
		if (sort_text(q, part) != 0) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

/* Filters */

static bool parse_op(struct rp_str s, enum rp_listq_op *op)
{
	static const struct {
		const char *text;
		enum rp_listq_op op;
	} ops[] = {
	    {"", RP_LISTQ_EQ},
	    {"[eq]", RP_LISTQ_EQ},
	    {"[gt]", RP_LISTQ_GT},
	    {"[lt]", RP_LISTQ_LT},
	    {"[since]", RP_LISTQ_SINCE},
	    {"[until]", RP_LISTQ_UNTIL},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(ops); i++) {
		if (rp_str_eq(s, ops[i].text)) {
			*op = ops[i].op;
			return true;
		}
	}
	return false;
}

static bool column_chars(struct rp_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '_' || c == '|' || c == '*';
		if (!ok) {
			return false;
		}
	}
	return s.len > 0;
}

/* Accepted columns stand in the spec as "name" or, with an operator, as "name[gt]". */
static bool column_allowed(const struct rp_listq_spec *spec, struct rp_str name, struct rp_str op)
{
	char text[96];
	if (op.len == 0 || rp_str_eq(op, "[eq]")) {
		return in_list(spec->filters, name);
	}
	int n = snprintf(
	    text, sizeof(text), "%.*s%.*s", (int)RP_MIN(name.len, 64), name.p, (int)op.len, op.p);
	return n > 0 && (size_t)n < sizeof(text) && in_list(spec->filters, rp_str_c(text));
}

/* `*`: every column of the endpoint that takes this operator. */
static int all_columns(
    const struct rp_listq_spec *spec, struct rp_str op, struct rp_listq_filter *f)
{
	struct rp_str want = rp_str_eq(op, "[eq]") ? rp_str_n("", 0) : op;
	for (const char *const *c = spec->filters; c != NULL && *c != NULL; c++) {
		size_t n = strcspn(*c, "[");
		if (rp_str_eq(want, *c + n) && rp_strlist_add(&f->columns, rp_str_n(*c, n)) != 0) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

static int parse_columns(const struct rp_listq_spec *spec, struct rp_str inner, struct rp_str op,
    struct rp_listq_filter *f, bool *ok)
{
	struct rp_str rest = inner;
	struct rp_str part;
	*ok = true;
	while (rp_str_split(&rest, '|', &part)) {
		int err = 0;
		if (rp_str_eq(part, "*")) {
			size_t n = f->columns.n;
			err = all_columns(spec, op, f);
			*ok = *ok && f->columns.n > n;
		} else if (!column_allowed(spec, part, op)) {
			*ok = false;
		} else {
			err = rp_strlist_add(&f->columns, part);
		}
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

static bool unwrap(struct rp_str *v, const char *word)
{
	size_t n = strlen(word);
	if (v->len < n + 2 || strncmp(v->p, word, n) != 0 || v->p[n] != '(' ||
	    v->p[v->len - 1] != ')') {
		return false;
	}
	*v = rp_str_n(v->p + n + 1, v->len - n - 2);
	return true;
}

static int parse_values(const char *text, struct rp_listq_filter *f)
{
	struct rp_str v = rp_str_trim(rp_str_c(text));
	struct rp_str part;
	f->all = unwrap(&v, "and");
	if (!f->all) {
		(void)unwrap(&v, "or");
	}
	while (rp_str_split(&v, ',', &part)) {
		if (f->values.n >= VALUES_MAX) {
			return RP_ELIMIT;
		}
		if (rp_strlist_add(&f->values, rp_str_trim(part)) != 0) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

static void filter_fini(struct rp_listq_filter *f)
{
	rp_strlist_fini(&f->columns);
	rp_strlist_fini(&f->values);
	rp_free(f->fields);
}

static bool lists_eq(const struct rp_strlist *a, const struct rp_strlist *b)
{
	bool eq = a->n == b->n;
	for (size_t i = 0; eq && i < a->n; i++) {
		eq = strcmp(a->v[i], b->v[i]) == 0;
	}
	return eq;
}

/* The same parameter again: its values are further alternatives. */
static int add_filter(struct rp_listq *q, struct rp_listq_filter *f)
{
	for (size_t i = 0; i < q->n_filters; i++) {
		struct rp_listq_filter *old = &q->filters[i];
		if (old->op != f->op || old->all || f->all ||
		    !lists_eq(&old->columns, &f->columns)) {
			continue;
		}
		if (old->values.n + f->values.n > VALUES_MAX) {
			return RP_ELIMIT;
		}
		for (size_t k = 0; k < f->values.n; k++) {
			if (rp_strlist_add(&old->values, rp_str_c(f->values.v[k])) != 0) {
				return RP_ENOMEM;
			}
		}
		filter_fini(f);
		return 0;
	}
	struct rp_listq_filter *v = rp_reallocarray(q->filters, q->n_filters + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	q->filters = v;
	v[q->n_filters++] = *f;
	return 0;
}

static int parse_filter(const struct rp_query_pair *p, const struct rp_listq_spec *spec,
    struct rp_listq *q, struct rp_listq_errors *errs)
{
	struct rp_str inner;
	struct rp_str after;
	struct rp_listq_filter f = {0};
	bool ok;
	/* A key that is no filter at all is ignored (2.1). */
	if (!brackets(p->k, "filter", &inner, &after) || !column_chars(inner)) {
		return 0;
	}
	if (!parse_op(after, &f.op)) {
		complain(errs, "unsupported filter field '%.100s'", p->k);
		return 0;
	}
	int err = parse_columns(spec, inner, after, &f, &ok);
	if (err == 0 && !ok) {
		complain(errs, "unsupported filter field '%.100s'", p->k);
		filter_fini(&f);
		return 0;
	}
	err = err != 0 ? err : parse_values(p->v, &f);
	err = err != 0 ? err : add_filter(q, &f);
	if (err != 0) {
		filter_fini(&f);
	}
	if (err == RP_ELIMIT) {
		complain(errs, "too many values in '%.100s'", p->k);
		return 0;
	}
	return err;
}

static void check_terms(const struct rp_listq *q, struct rp_listq_errors *errs)
{
	size_t terms = 0;
	for (size_t i = 0; i < q->n_filters; i++) {
		terms += q->filters[i].columns.n * q->filters[i].values.n;
	}
	if (q->n_filters > FILTERS_MAX || terms > TERMS_MAX) {
		complain(errs, "too many filters");
	}
}

/* Fields */

static const struct rp_listq_resource *find_resource(
    const struct rp_listq_spec *spec, struct rp_str name)
{
	for (const struct rp_listq_resource *r = spec->resources; r != NULL && r->name != NULL;
	     r++) {
		if (rp_str_eq(name, r->name)) {
			return r;
		}
	}
	return NULL;
}

static struct rp_listq_fields *fields_of(struct rp_listq *q, const char *resource)
{
	for (size_t i = 0; i < q->n_fields; i++) {
		if (strcmp(q->fields[i].resource, resource) == 0) {
			return &q->fields[i];
		}
	}
	struct rp_listq_fields *v = rp_reallocarray(q->fields, q->n_fields + 1, sizeof(*v));
	if (v == NULL) {
		return NULL;
	}
	q->fields = v;
	v = &v[q->n_fields];
	memset(v, 0, sizeof(*v));
	v->resource = rp_strdup(resource);
	if (v->resource == NULL) {
		return NULL;
	}
	q->n_fields++;
	return v;
}

static int parse_fields(const struct rp_query_pair *p, const struct rp_listq_spec *spec,
    struct rp_listq *q, struct rp_listq_errors *errs)
{
	struct rp_str name;
	struct rp_str after;
	if (spec->resources == NULL || !brackets(p->k, "fields", &name, &after)) {
		return 0;
	}
	const struct rp_listq_resource *r = find_resource(spec, name);
	struct rp_listq_fields *f = r == NULL ? NULL : fields_of(q, r->name);
	if (r != NULL && f == NULL) {
		return RP_ENOMEM;
	}
	struct rp_str rest = rp_str_c(p->v);
	struct rp_str part;
	while (rp_str_split(&rest, ',', &part)) {
		part = rp_str_trim(part);
		if (r == NULL || !in_list(r->fields, part)) {
			complain(errs, "unsupported field \"%.*s\" for resource \"%.*s\"",
			    (int)RP_MIN(part.len, 60), part.p, (int)RP_MIN(name.len, 60), name.p);
		} else if (rp_strlist_add(&f->fields, part) != 0) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

/* Paging */

static void parse_page(const struct rp_query *in, const struct rp_listq_spec *spec,
    struct rp_listq *q, struct rp_listq_errors *errs)
{
	const char *limit = rp_query_get(in, "page[limit]");
	const char *offset = rp_query_get(in, "page[offset]");
	int64_t v;
	q->limit = spec->limit_default;
	if (spec->limit_max == 0) {
		return;
	}
	if (limit != NULL && limit[0] != '\0') {
		if (rp_str_i64(rp_str_c(limit), INT32_MIN, INT32_MAX, &v) != 0) {
			complain(errs, "pagination limit must be a number");
		} else if (v <= 0) {
			complain(errs, "pagination limit must be positive");
		} else if (v > spec->limit_max) {
			complain(errs, "pagination limit too big (%ld) maximum is %ld", (long)v,
			    spec->limit_max);
		} else {
			q->limit = (long)v;
		}
	}
	if (offset != NULL) {
		if (rp_str_i64(rp_str_c(offset), INT32_MIN, INT32_MAX, &v) != 0) {
			complain(errs, "pagination offset must be a number");
		} else if (v < 0) {
			complain(errs, "pagination offset must not be negative");
		} else {
			q->offset = (long)v;
		}
	}
}

void rp_listq_complain(struct rp_listq_errors *errs, bool bad, const char *text)
{
	if (bad) {
		complain(errs, "%s", text);
	}
}

int rp_listq_parse(const struct rp_query *in, const struct rp_listq_spec *spec, struct rp_listq *q,
    struct rp_listq_errors *errs)
{
	memset(q, 0, sizeof(*q));
	memset(errs, 0, sizeof(*errs));
	int err = parse_sorts(in, spec, q, errs);
	for (size_t i = 0; err == 0 && i < in->n; i++) {
		err = parse_filter(&in->v[i], spec, q, errs);
	}
	check_terms(q, errs);
	for (size_t i = 0; err == 0 && i < in->n; i++) {
		err = parse_fields(&in->v[i], spec, q, errs);
	}
	parse_page(in, spec, q, errs);
	if (err == 0 && errs->n > 0) {
		err = RP_EINVAL;
	}
	if (err != 0) {
		rp_listq_fini(q);
	}
	return err;
}

void rp_listq_fini(struct rp_listq *q)
{
	for (size_t i = 0; i < q->n_filters; i++) {
		filter_fini(&q->filters[i]);
	}
	for (size_t i = 0; i < q->n_sorts; i++) {
		rp_free(q->sorts[i].field);
	}
	for (size_t i = 0; i < q->n_fields; i++) {
		rp_free(q->fields[i].resource);
		rp_strlist_fini(&q->fields[i].fields);
	}
	rp_free(q->filters);
	rp_free(q->sorts);
	rp_free(q->fields);
	memset(q, 0, sizeof(*q));
}

static bool names_any(const struct rp_listq_filter *f, const char *const *columns)
{
	for (size_t i = 0; i < f->columns.n; i++) {
		if (in_list(columns, rp_str_c(f->columns.v[i]))) {
			return true;
		}
	}
	return false;
}

size_t rp_listq_split(struct rp_listq *q, const char *const *columns)
{
	size_t n = 0;
	for (size_t i = 0; i < q->n_filters; i++) {
		if (!names_any(&q->filters[i], columns)) {
			struct rp_listq_filter f = q->filters[n];
			q->filters[n++] = q->filters[i];
			q->filters[i] = f;
		}
	}
	return n;
}

bool rp_listq_wants(const struct rp_listq *q, const struct rp_listq_spec *spec,
    const char *resource, const char *field)
{
	for (size_t i = 0; i < q->n_fields; i++) {
		if (strcmp(q->fields[i].resource, resource) == 0) {
			return rp_strlist_has(&q->fields[i].fields, field);
		}
	}
	/* Any fields parameter drops all defaults (2.3). */
	const struct rp_listq_resource *r = find_resource(spec, rp_str_c(resource));
	return q->n_fields == 0 && r != NULL && in_list(r->defaults, rp_str_c(field));
}
