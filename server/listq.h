/* SPDX-License-Identifier: MIT */
/*
 * The query language of list endpoints (rport-api section 2): filter, sort, fields, page. Parsed
 * once and checked against what the endpoint accepts; then
 * applied to objects in memory (by their JSON tables) or turned into SQL by the store that owns
 * the list.
 */
#ifndef RP_SERVER_LISTQ_H
#define RP_SERVER_LISTQ_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"
#include "core/str.h"
#include "http/url.h"

#define RP_LISTQ_ERRORS_MAX 16

enum rp_listq_op {
	RP_LISTQ_EQ,
	RP_LISTQ_GT,
	RP_LISTQ_LT,
	RP_LISTQ_SINCE,
	RP_LISTQ_UNTIL
};

struct rp_listq_filter {
	struct rp_strlist columns; /* any of them */
	enum rp_listq_op op;
	struct rp_strlist values;
	bool all;                            /* and(...): every value has to match; else any */
	const struct rp_json_field **fields; /* of the columns, NULL for none: rp_listq_bind */
};

struct rp_listq_sort {
	char *field;
	bool desc;
	const struct rp_json_field *row; /* rp_listq_bind */
};

struct rp_listq_fields {
	char *resource;
	struct rp_strlist fields;
};

/* What an endpoint accepts (2.6). Lists end with NULL. */
struct rp_listq_spec {
	const char *const *filters; /* "jid", or "started_at[gt]" for a column with operator */
	const char *const *sorts;
	bool one_sort;            /* /clients: `Only one sort field is supported for clients.` */
	const char *default_sort; /* "-finished_at,jid" */
	const struct rp_listq_resource {
		const char *name;          /* "clients" */
		const char *const *fields; /* all that may be asked for */
		const char *const *defaults;
	} * resources;                 /* ends with name NULL; NULL = no fields parameter */
	long limit_default, limit_max; /* 0 = no paging */
};

struct rp_listq {
	struct rp_listq_filter *filters;
	size_t n_filters;
	struct rp_listq_sort *sorts;
	size_t n_sorts;
	struct rp_listq_fields *fields;
	size_t n_fields;
	long limit, offset;
};

/* All complaints at once, in the order sorts, filters, fields, pagination (2.5). 0, or RP_EINVAL
 * with n_errs texts. */
struct rp_listq_errors {
	char text[RP_LISTQ_ERRORS_MAX][192];
	size_t n;
};
/* For other complaints that are answered like those: one more if that is bad. */
void rp_listq_complain(struct rp_listq_errors *errs, bool bad, const char *text);
RP_NODISCARD int rp_listq_parse(const struct rp_query *in, const struct rp_listq_spec *spec,
    struct rp_listq *q, struct rp_listq_errors *errs);
void rp_listq_fini(struct rp_listq *q);
/* Was this field of this resource asked for (or is it a default)? */
bool rp_listq_wants(const struct rp_listq *q, const struct rp_listq_spec *spec,
    const char *resource, const char *field);

/* Puts the filters that name one of the columns (ends with NULL; NULL = none) behind the others and
 * returns how many others there are: what SQL cannot answer is matched in memory. */
size_t rp_listq_split(struct rp_listq *q, const char *const *columns);

/* Looks up the columns and sorts in the table that is used from now on, so that matching and
 * comparing many objects does not. RP_ENOMEM. */
RP_NODISCARD int rp_listq_bind(struct rp_listq *q, const struct rp_json_table *t);
/* In memory (2.1): an object described by its table; `labels` as "key: value"; list columns
 * match any element, raw ones as lists of strings; `*` is any text; case-insensitive; dates for the
 * operators. */
bool rp_listq_match(const struct rp_listq *q, const struct rp_json_table *t, const void *obj);
/* -1, 0, 1 by the sorts, case-insensitive; ties by the table's first field. */
int rp_listq_compare(
    const struct rp_listq *q, const struct rp_json_table *t, const void *a, const void *b);

/* -1, 0, 1: two texts in that order. */
int rp_listq_compare_text(const char *a, const char *b);

/* One value of a filter: `*` is any text, letters match in both cases. */
bool rp_listq_wildcard(const char *pattern, const char *text);
/* The dates that filters take: RFC 3339 or YYYY-MM-DD. */
bool rp_listq_date(const char *s, int64_t *t);

/* SQL (2.1, right column): " AND … ORDER BY … LIMIT ? OFFSET ?", built from checked column names
 * only; the values stand in
 * binds in the order of the placeholders (LIMIT and OFFSET are bound by the caller behind them).
 * A date behind an operator is
 * bound in the form of rp_store_time. */
struct rp_listq_sql {
	struct rp_buf text; /* terminated; empty when there is nothing to say */
	struct rp_strlist binds;
};
/* with_page: also the order and the paging. */
RP_NODISCARD int rp_listq_sql(const struct rp_listq *q, bool with_page, struct rp_listq_sql *out);
/* Appends " ORDER BY …" alone. */
RP_NODISCARD int rp_listq_sql_order(const struct rp_listq *q, struct rp_buf *out);
void rp_listq_sql_fini(struct rp_listq_sql *s);

#endif
