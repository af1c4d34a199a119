/* SPDX-License-Identifier: MIT */
/*
 * From a JSON document to structs described by tables. A struct is decoded by walking the members
 * of the document once, so the last duplicate wins and unknown keys show, as in Go.
 */
#include "core/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/jsontable.h"

#include "core/banned.h"

#define PATH_MAX_BYTES 128
#define TEXT_MAX       160
/* Of a key that comes from the document. */
#define KEY_SHOWN_MAX 64

/* Where in the document decoding is, for the texts of errors: a chain from the value to the
 * root. */
struct place {
	const struct place *up;
	const char *key; /* NULL for an element */
	size_t index;
	bool strict;
	struct rp_err *err;
};

/* Decodes j, which is not null, to the zeroed field at. */
typedef int decode_fn(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at);

/* Writes "Remotes[2].lport" and returns its length. */
static size_t put_path(const struct place *pl, char *out, size_t size)
{
	size_t n = pl->up == NULL ? 0 : put_path(pl->up, out, size);
	int more = 0;
	if (pl->up == NULL) {
		out[0] = '\0'; /* the document itself has no name */
	} else if (pl->key == NULL) {
		more = snprintf(out + n, size - n, "[%zu]", pl->index);
	} else {
		more = snprintf(
		    out + n, size - n, "%s%.*s", n > 0 ? "." : "", KEY_SHOWN_MAX, pl->key);
	}
	return RP_MIN(n + (size_t)more, size - 1);
}

RP_PRINTF(3, 4)
static int fail(const struct place *pl, int code, const char *fmt, ...)
{
	char path[PATH_MAX_BYTES];
	char text[TEXT_MAX];
	size_t n = put_path(pl, path, sizeof(path));
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return rp_err_set(pl->err, code, "%s%s%s", path, n > 0 ? ": " : "", text);
}

static int no_memory(const struct place *pl)
{
	return rp_err_no_memory(pl->err);
}

static int wrong_type(const struct place *pl, const char *expected, const struct rp_json *j)
{
	static const char *const names[] = {
	    [RP_JSON_NULL] = "null",
	    [RP_JSON_BOOL] = "a boolean",
	    [RP_JSON_NUMBER] = "a number",
	    [RP_JSON_STRING] = "a string",
	    [RP_JSON_ARRAY] = "an array",
	    [RP_JSON_OBJECT] = "an object",
	};
	return fail(pl, RP_EINVAL, "expected %s, found %s", expected, names[rp_json_type(j)]);
}

static bool is_null(const struct rp_json *j)
{
	return rp_json_type(j) == RP_JSON_NULL;
}

static struct place below(const struct place *pl, const char *key, size_t index)
{
	return (struct place){
	    .up = pl, .key = key, .index = index, .strict = pl->strict, .err = pl->err};
}

static int decode_str(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	char **s = at;
	(void)f;
	if (rp_json_type(j) != RP_JSON_STRING) {
		return wrong_type(pl, "a string", j);
	}
	*s = rp_strdup(rp_json_string(j));
	return *s == NULL ? no_memory(pl) : 0;
}

static int decode_raw(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	struct rp_buf text;
	(void)f;
	rp_buf_init(&text, SIZE_MAX);
	int rc = rp_json_print(j, &text);
	rc = rc != 0 ? rc : rp_buf_take_string(&text, at);
	rp_buf_fini(&text);
	return rc == 0 ? 0 : no_memory(pl);
}

static int decode_bool(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	(void)f;
	if (rp_json_type(j) != RP_JSON_BOOL) {
		return wrong_type(pl, "true or false", j);
	}
	*(bool *)at = rp_json_true(j);
	return 0;
}

static int decode_int(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	(void)f;
	if (rp_json_type(j) != RP_JSON_NUMBER) {
		return wrong_type(pl, "a whole number", j);
	}
	if (rp_json_i64(j, at) != 0) {
		return fail(pl, RP_EINVAL, "expected a whole number of 64 bits, found %g",
		    rp_json_number(j));
	}
	return 0;
}

static int decode_int_opt(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	struct rp_opt_i64 *o = at;
	int rc = decode_int(pl, f, j, &o->v);
	o->set = rc == 0;
	return rc;
}

static int decode_uint(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	(void)f;
	if (rp_json_type(j) != RP_JSON_NUMBER) {
		return wrong_type(pl, "a whole number", j);
	}
	if (rp_json_u64(j, at) != 0) {
		return fail(pl, RP_EINVAL, "expected a whole number of 64 bits from 0 up, found %g",
		    rp_json_number(j));
	}
	return 0;
}

static int decode_double(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	(void)f;
	if (rp_json_type(j) != RP_JSON_NUMBER) {
		return wrong_type(pl, "a number", j);
	}
	*(double *)at = rp_json_number(j);
	return 0;
}

static int decode_time(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	(void)f;
	if (rp_json_type(j) != RP_JSON_STRING) {
		return wrong_type(pl, "a time (RFC 3339)", j);
	}
	if (rp_time_parse(rp_str_c(rp_json_string(j)), at) != 0) {
		return fail(pl, RP_EINVAL, "expected a time (RFC 3339), found another text");
	}
	return 0;
}

/* null counts as "", as in Go. */
static int element_text(const struct place *pl, const struct rp_json *j, struct rp_str *s)
{
	*s = rp_str_c("");
	if (is_null(j)) {
		return 0;
	}
	if (rp_json_type(j) != RP_JSON_STRING) {
		return wrong_type(pl, "a string", j);
	}
	*s = rp_str_c(rp_json_string(j));
	return 0;
}

static int decode_strlist(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	struct rp_strlist *l = at;
	size_t i = 0;
	(void)f;
	if (rp_json_type(j) != RP_JSON_ARRAY) {
		return wrong_type(pl, "an array of strings", j);
	}
	for (const struct rp_json *e = rp_json_first(j); e != NULL; e = rp_json_next(e), i++) {
		struct place here = below(pl, NULL, i);
		struct rp_str s;
		int rc = element_text(&here, e, &s);
		if (rc != 0) {
			return rc;
		}
		if (rp_strlist_add(l, s) != 0) {
			return no_memory(pl);
		}
	}
	return 0;
}

static int decode_strmap(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	(void)f;
	if (rp_json_type(j) != RP_JSON_OBJECT) {
		return wrong_type(pl, "an object of strings", j);
	}
	if (rp_json_count(j) > RP_JSON_MAP_MAX) {
		return fail(pl, RP_ELIMIT, "more than %d entries", RP_JSON_MAP_MAX);
	}
	for (const struct rp_json *e = rp_json_first(j); e != NULL; e = rp_json_next(e)) {
		struct place here = below(pl, rp_json_key(e), 0);
		struct rp_str s;
		int rc = element_text(&here, e, &s);
		if (rc != 0) {
			return rc;
		}
		if (rp_strmap_set(at, rp_str_c(rp_json_key(e)), s) != 0) {
			return no_memory(pl);
		}
	}
	return 0;
}

static int decode_struct(
    const struct place *pl, const struct rp_json_table *t, const struct rp_json *obj, void *dst);

static int decode_obj(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	return decode_struct(pl, f->sub, j, at);
}

static int decode_list(
    const struct place *pl, const struct rp_json_field *f, const struct rp_json *j, void *at)
{
	struct rp_json_vec *vec = at;
	if (rp_json_type(j) != RP_JSON_ARRAY) {
		return wrong_type(pl, "an array", j);
	}
	size_t count = rp_json_count(j);
	if (count == 0) {
		return 0;
	}
	if (count > RP_JSON_LIST_MAX) {
		return fail(pl, RP_ELIMIT, "more than %d elements", RP_JSON_LIST_MAX);
	}
	vec->v = rp_calloc(count, f->sub->size);
	if (vec->v == NULL) {
		return no_memory(pl);
	}
	for (const struct rp_json *e = rp_json_first(j); e != NULL; e = rp_json_next(e)) {
		struct place here = below(pl, NULL, vec->n);
		void *dst = rp_jsontable_element(f->sub, vec, vec->n);
		rp_json_defaults(f->sub, dst);
		vec->n++;
		int rc = is_null(e) ? 0 : decode_struct(&here, f->sub, e, dst);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static decode_fn *const decoders[] = {
    [RP_FIELD_STR] = decode_str,
    [RP_FIELD_STR_OPT] = decode_str,
    [RP_FIELD_BOOL] = decode_bool,
    [RP_FIELD_INT] = decode_int,
    [RP_FIELD_INT_OPT] = decode_int_opt,
    [RP_FIELD_UINT] = decode_uint,
    [RP_FIELD_DOUBLE] = decode_double,
    [RP_FIELD_TIME] = decode_time,
    [RP_FIELD_TIME_OPT] = decode_time,
    [RP_FIELD_STRLIST] = decode_strlist,
    [RP_FIELD_STRLIST_NULL] = decode_strlist,
    [RP_FIELD_STRMAP] = decode_strmap,
    [RP_FIELD_RAW] = decode_raw,
    [RP_FIELD_OBJ] = decode_obj,
    [RP_FIELD_LIST] = decode_list,
};

/* As Go: the exact name first, else one that differs in case. */
static const struct rp_json_field *find_field(const struct rp_json_table *t, const char *key)
{
	const struct rp_json_field *found = NULL;
	for (size_t i = 0; i < t->n; i++) {
		const struct rp_json_field *f = &t->fields[i];
		if (strcmp(f->key, key) == 0) {
			return f;
		}
		if (found == NULL && rp_ascii_ieq(f->key, key)) {
			found = f;
		}
	}
	return found;
}

static int decode_member(
    const struct place *pl, const struct rp_json_table *t, const struct rp_json *j, void *dst)
{
	const struct rp_json_field *f = find_field(t, rp_json_key(j));
	if (f == NULL) {
		return pl->strict
		    ? rp_err_set(pl->err, RP_EINVAL, "json: unknown field \"%s\"", rp_json_key(j))
		    : 0;
	}
	if (is_null(j)) {
		return 0;
	}
	struct place here = below(pl, f->key, 0);
	/* A duplicate replaces what came before. */
	rp_jsontable_reset_field(f, dst);
	return decoders[f->kind](&here, f, j, rp_jsontable_field(f, dst));
}

static int check_required(
    const struct place *pl, const struct rp_json_table *t, const struct rp_json *obj)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct rp_json_field *f = &t->fields[i];
		if ((f->flags & RP_FIELD_F_REQUIRED) != 0 && is_null(rp_json_get(obj, f->key))) {
			struct place here = below(pl, f->key, 0);
			return fail(&here, RP_EINVAL, "missing");
		}
	}
	return 0;
}

/* What has been decoded before a failure stays in dst, for rp_json_release. */
static int decode_struct(
    const struct place *pl, const struct rp_json_table *t, const struct rp_json *obj, void *dst)
{
	if (rp_json_type(obj) != RP_JSON_OBJECT) {
		return wrong_type(pl, "an object", obj);
	}
	for (const struct rp_json *j = rp_json_first(obj); j != NULL; j = rp_json_next(j)) {
		int rc = decode_member(pl, t, j, dst);
		if (rc != 0) {
			return rc;
		}
	}
	return check_required(pl, t, obj);
}

int rp_json_decode(const struct rp_json *obj, const struct rp_json_table *t, bool strict, void *dst,
    struct rp_err *err)
{
	struct place root = {.strict = strict, .err = err};
	rp_json_defaults(t, dst);
	int rc = decode_struct(&root, t, obj, dst);
	if (rc != 0) {
		rp_json_release(t, dst);
	}
	return rc;
}

int rp_json_decode_text(const void *p, size_t n, const struct rp_json_table *t, bool strict,
    void *dst, struct rp_err *err)
{
	struct rp_json *j;
	int rc = rp_json_parse(p, n, &j, err);
	if (rc != 0) {
		return rc;
	}
	rc = rp_json_decode(j, t, strict, dst, err);
	rp_json_free(j);
	return rc;
}

int rp_json_raw_strlist(const char *raw, struct rp_strlist *out)
{
	const struct place root = {0};
	struct rp_json *j;
	if (raw == NULL) {
		return 0;
	}
	int rc = rp_json_parse(raw, strlen(raw), &j, NULL);
	if (rc != 0) {
		return rc;
	}
	rc = decode_strlist(&root, NULL, j, out);
	rp_json_free(j);
	if (rc != 0) {
		rp_strlist_fini(out);
	}
	return rc;
}
