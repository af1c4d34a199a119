/* SPDX-License-Identifier: MIT */
/*
 * A list query as SQL. Only column names that the endpoint's spec accepted get into the text;
 * every value is bound.
 */
#include <string.h>

#include "core/alloc.h"
#include "server/listq.h"
#include "server/store.h"

#include "core/banned.h"

#define SQL_MAX (512u * 1024)
/* Alternatives in one pair of parentheses: SQLite is built to take expressions 200 levels deep,
 * and a
 * chain of ORs is as deep as it is long. */
#define GROUP 64

static const char *operator_text(enum rp_listq_op op)
{
	switch (op) {
	case RP_LISTQ_GT:
		return ">";
	case RP_LISTQ_LT:
		return "<";
	case RP_LISTQ_SINCE:
		return ">=";
	case RP_LISTQ_UNTIL:
		return "<=";
	case RP_LISTQ_EQ:
		break;
	}
	return "=";
}

/* `*` becomes %, a literal % is escaped; `_` keeps matching one character, as with the original. */
static int bind_pattern(struct rp_strlist *binds, const char *value)
{
	struct rp_buf b;
	int err = 0;
	rp_buf_init(&b, SQL_MAX);
	for (; err == 0 && *value != '\0'; value++) {
		if (*value == '*') {
			err = rp_buf_add_u8(&b, '%');
		} else if (*value == '%' || *value == '\\') {
			err = rp_buf_add_u8(&b, '\\');
			err = err != 0 ? err : rp_buf_add_u8(&b, (uint8_t)*value);
		} else {
			err = rp_buf_add_u8(&b, (uint8_t)*value);
		}
	}
	err = err != 0 ? err : rp_strlist_add(binds, rp_str_n(rp_buf_head(&b), b.len));
	rp_buf_fini(&b);
	return err;
}

/* Stored times have nine digits and Z: another spelling of the same time would compare wrongly. */
static int bind_value(struct rp_strlist *binds, enum rp_listq_op op, const char *value)
{
	char text[RP_STORE_TIME_MAX];
	int64_t t;
	if (op == RP_LISTQ_EQ || !rp_listq_date(value, &t)) {
		return rp_strlist_add(binds, rp_str_c(value));
	}
	rp_store_time(t, text);
	return rp_strlist_add(binds, rp_str_c(text));
}

static int add_term(
    struct rp_listq_sql *out, const char *column, enum rp_listq_op op, const char *value)
{
	int err;
	if (op == RP_LISTQ_EQ && value[0] == '\0') {
		return rp_buf_printf(&out->text, "(%s = '' OR %s IS NULL)", column, column);
	}
	if (op == RP_LISTQ_EQ && strchr(value, '*') != NULL) {
		err = rp_buf_printf(&out->text, "LOWER(%s) LIKE LOWER(?) ESCAPE '\\'", column);
		return err != 0 ? err : bind_pattern(&out->binds, value);
	}
	err = rp_buf_printf(&out->text, "%s %s ?", column, operator_text(op));
	return err != 0 ? err : bind_value(&out->binds, op, value);
}

/* What stands before the nth alternative. */
static const char *separator(size_t n)
{
	if (n == 0) {
		return " AND ((";
	}
	return n % GROUP == 0 ? ") OR (" : " OR ";
}

/* and() is not honoured here, as with the original's SQL lists (2.1). */
static int add_filter(struct rp_listq_sql *out, const struct rp_listq_filter *f)
{
	int err = 0;
	size_t n = 0;
	for (size_t v = 0; err == 0 && v < f->values.n; v++) {
		for (size_t c = 0; err == 0 && c < f->columns.n; c++) {
			err = rp_buf_add_str(&out->text, separator(n++));
			err = err != 0 ? err
			               : add_term(out, f->columns.v[c], f->op, f->values.v[v]);
		}
	}
	return err != 0 ? err : rp_buf_add_str(&out->text, "))");
}

int rp_listq_sql_order(const struct rp_listq *q, struct rp_buf *out)
{
	int err = 0;
	for (size_t i = 0; err == 0 && i < q->n_sorts; i++) {
		err = rp_buf_printf(out, "%s%s %s", i == 0 ? " ORDER BY " : ", ", q->sorts[i].field,
		    q->sorts[i].desc ? "DESC" : "ASC");
	}
	return err;
}

int rp_listq_sql(const struct rp_listq *q, bool with_page, struct rp_listq_sql *out)
{
	int err = 0;
	memset(out, 0, sizeof(*out));
	rp_buf_init(&out->text, SQL_MAX);
	for (size_t i = 0; err == 0 && i < q->n_filters; i++) {
		err = add_filter(out, &q->filters[i]);
	}
	if (err == 0 && with_page) {
		err = rp_listq_sql_order(q, &out->text);
		err = err != 0 ? err : rp_buf_add_str(&out->text, " LIMIT ? OFFSET ?");
	}
	err = err != 0 ? err : rp_buf_terminate(&out->text);
	if (err != 0) {
		rp_listq_sql_fini(out);
	}
	return err;
}

void rp_listq_sql_fini(struct rp_listq_sql *s)
{
	rp_buf_fini(&s->text);
	rp_strlist_fini(&s->binds);
}
