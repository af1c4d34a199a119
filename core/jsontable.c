/* SPDX-License-Identifier: MIT */
/*
 * Structs described by tables: defaults, freeing, copying and writing. Reading is
 * core/jsondecode.c.
 */
#include "core/jsontable.h"

#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/jsonw.h"

#include "core/banned.h"

#define TEXT_MAX ((size_t)4 * 1024 * 1024)

void *rp_jsontable_field(const struct rp_json_field *f, void *base)
{
	return (char *)base + f->offset;
}

static const void *const_field(const struct rp_json_field *f, const void *base)
{
	return (const char *)base + f->offset;
}

void *rp_jsontable_element(const struct rp_json_table *t, const struct rp_json_vec *vec, size_t i)
{
	return (char *)vec->v + i * t->size;
}

static bool is_time(const struct rp_json_field *f)
{
	return f->kind == RP_FIELD_TIME || f->kind == RP_FIELD_TIME_OPT;
}

static void default_field(const struct rp_json_field *f, void *base)
{
	void *at = rp_jsontable_field(f, base);
	if (is_time(f)) {
		*(int64_t *)at = RP_TIME_ZERO;
	} else if (f->kind == RP_FIELD_OBJ) {
		rp_json_defaults(f->sub, at);
	}
}

void rp_json_defaults(const struct rp_json_table *t, void *dst)
{
	for (size_t i = 0; i < t->n; i++) {
		default_field(&t->fields[i], dst);
	}
}

static size_t field_size(const struct rp_json_field *f)
{
	static const size_t sizes[] = {
	    [RP_FIELD_STR] = sizeof(char *),
	    [RP_FIELD_STR_OPT] = sizeof(char *),
	    [RP_FIELD_BOOL] = sizeof(bool),
	    [RP_FIELD_INT] = sizeof(int64_t),
	    [RP_FIELD_INT_OPT] = sizeof(struct rp_opt_i64),
	    [RP_FIELD_UINT] = sizeof(uint64_t),
	    [RP_FIELD_DOUBLE] = sizeof(double),
	    [RP_FIELD_TIME] = sizeof(int64_t),
	    [RP_FIELD_TIME_OPT] = sizeof(int64_t),
	    [RP_FIELD_STRLIST] = sizeof(struct rp_strlist),
	    [RP_FIELD_STRLIST_NULL] = sizeof(struct rp_strlist),
	    [RP_FIELD_STRMAP] = sizeof(struct rp_strmap),
	    [RP_FIELD_RAW] = sizeof(char *),
	    [RP_FIELD_LIST] = sizeof(struct rp_json_vec),
	};
	return f->kind == RP_FIELD_OBJ ? f->sub->size : sizes[f->kind];
}

static void release_list(const struct rp_json_table *t, struct rp_json_vec *vec)
{
	for (size_t i = 0; i < vec->n; i++) {
		rp_json_release(t, rp_jsontable_element(t, vec, i));
	}
	rp_free(vec->v);
}

static void release_field(const struct rp_json_field *f, void *base)
{
	void *at = rp_jsontable_field(f, base);
	switch (f->kind) {
	case RP_FIELD_STR:
	case RP_FIELD_STR_OPT:
	case RP_FIELD_RAW:
		rp_free(*(char **)at);
		break;
	case RP_FIELD_STRLIST:
	case RP_FIELD_STRLIST_NULL:
		rp_strlist_fini(at);
		break;
	case RP_FIELD_STRMAP:
		rp_strmap_fini(at);
		break;
	case RP_FIELD_OBJ:
		rp_json_release(f->sub, at);
		break;
	case RP_FIELD_LIST:
		release_list(f->sub, at);
		break;
	default:
		break; /* owns nothing */
	}
}

void rp_jsontable_reset_field(const struct rp_json_field *f, void *base)
{
	release_field(f, base);
	memset(rp_jsontable_field(f, base), 0, field_size(f));
	default_field(f, base);
}

void rp_json_release(const struct rp_json_table *t, void *dst)
{
	for (size_t i = 0; i < t->n; i++) {
		release_field(&t->fields[i], dst);
	}
	memset(dst, 0, t->size);
}

static int clone_str(char *const *src, char **dst)
{
	if (*src == NULL) {
		return 0;
	}
	*dst = rp_strdup(*src);
	return *dst == NULL ? RP_ENOMEM : 0;
}

static int clone_list(
    const struct rp_json_table *t, const struct rp_json_vec *src, struct rp_json_vec *dst)
{
	if (src->n == 0) {
		return 0;
	}
	dst->v = rp_calloc(src->n, t->size);
	if (dst->v == NULL) {
		return RP_ENOMEM;
	}
	/* An element that fails has freed itself; dst->n counts the complete ones. */
	for (; dst->n < src->n; dst->n++) {
		int rc = rp_json_clone(
		    t, rp_jsontable_element(t, src, dst->n), rp_jsontable_element(t, dst, dst->n));
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int clone_field(const struct rp_json_field *f, const void *src, void *dst)
{
	const void *from = const_field(f, src);
	void *to = rp_jsontable_field(f, dst);
	switch (f->kind) {
	case RP_FIELD_STR:
	case RP_FIELD_STR_OPT:
	case RP_FIELD_RAW:
		return clone_str(from, to);
	case RP_FIELD_STRLIST:
	case RP_FIELD_STRLIST_NULL:
		return rp_strlist_copy(to, from);
	case RP_FIELD_STRMAP:
		return rp_strmap_copy(to, from);
	case RP_FIELD_OBJ:
		return rp_json_clone(f->sub, from, to);
	case RP_FIELD_LIST:
		return clone_list(f->sub, from, to);
	default:
		memcpy(to, from, field_size(f));
		return 0;
	}
}

int rp_json_clone(const struct rp_json_table *t, const void *src, void *dst)
{
	for (size_t i = 0; i < t->n; i++) {
		int rc = clone_field(&t->fields[i], src, dst);
		if (rc != 0) {
			rp_json_release(t, dst);
			return rc;
		}
	}
	return 0;
}

/* What Go's omitempty leaves out; a struct never. */
static bool is_empty(const struct rp_json_field *f, const void *at)
{
	switch (f->kind) {
	case RP_FIELD_STR:
		return *(char *const *)at == NULL || **(char *const *)at == '\0';
	case RP_FIELD_STR_OPT:
	case RP_FIELD_RAW:
		return *(char *const *)at == NULL;
	case RP_FIELD_BOOL:
		return !*(const bool *)at;
	case RP_FIELD_INT:
		return *(const int64_t *)at == 0;
	case RP_FIELD_INT_OPT:
		return !((const struct rp_opt_i64 *)at)->set;
	case RP_FIELD_UINT:
		return *(const uint64_t *)at == 0;
	case RP_FIELD_DOUBLE:
		return !(*(const double *)at < 0 || *(const double *)at > 0);
	case RP_FIELD_TIME:
	case RP_FIELD_TIME_OPT:
		return *(const int64_t *)at == RP_TIME_ZERO;
	case RP_FIELD_STRLIST:
	case RP_FIELD_STRLIST_NULL:
		return ((const struct rp_strlist *)at)->n == 0;
	case RP_FIELD_STRMAP:
		return ((const struct rp_strmap *)at)->n == 0;
	case RP_FIELD_LIST:
		return ((const struct rp_json_vec *)at)->n == 0;
	case RP_FIELD_OBJ:
		break;
	}
	return false;
}

static void write_strlist_null(struct rp_jsonw *w, const struct rp_strlist *l)
{
	if (l->n == 0) {
		rp_jsonw_null(w);
		return;
	}
	rp_jsonw_strlist(w, l);
}

static void write_int_opt(struct rp_jsonw *w, const struct rp_opt_i64 *o)
{
	if (!o->set) {
		rp_jsonw_null(w);
		return;
	}
	rp_jsonw_int(w, o->v);
}

static void write_value(struct rp_jsonw *w, const struct rp_json_field *f, const void *at)
{
	switch (f->kind) {
	case RP_FIELD_STR:
		rp_jsonw_str(w, *(char *const *)at);
		break;
	case RP_FIELD_STR_OPT:
		rp_jsonw_str_opt(w, *(char *const *)at);
		break;
	case RP_FIELD_BOOL:
		rp_jsonw_bool(w, *(const bool *)at);
		break;
	case RP_FIELD_INT:
		rp_jsonw_int(w, *(const int64_t *)at);
		break;
	case RP_FIELD_INT_OPT:
		write_int_opt(w, at);
		break;
	case RP_FIELD_UINT:
		rp_jsonw_uint(w, *(const uint64_t *)at);
		break;
	case RP_FIELD_DOUBLE:
		rp_jsonw_double(w, *(const double *)at);
		break;
	case RP_FIELD_TIME:
		rp_jsonw_time(w, *(const int64_t *)at);
		break;
	case RP_FIELD_TIME_OPT:
		rp_jsonw_time_opt(w, *(const int64_t *)at);
		break;
	case RP_FIELD_STRLIST:
		rp_jsonw_strlist(w, at);
		break;
	case RP_FIELD_STRLIST_NULL:
		write_strlist_null(w, at);
		break;
	case RP_FIELD_STRMAP:
		rp_jsonw_strmap(w, at);
		break;
	case RP_FIELD_RAW:
		rp_jsonw_raw(w, *(char *const *)at);
		break;
	case RP_FIELD_OBJ:
		rp_jsonw_struct(w, f->sub, at);
		break;
	case RP_FIELD_LIST: {
		const struct rp_json_vec *vec = at;
		rp_jsonw_structs(w, f->sub, vec->v, vec->n);
		break;
	}
	}
}

void rp_jsonw_field(struct rp_jsonw *w, const struct rp_json_field *f, const void *src)
{
	const void *at = const_field(f, src);
	if ((f->flags & RP_FIELD_F_OMITEMPTY) != 0 && is_empty(f, at)) {
		return;
	}
	rp_jsonw_key(w, f->key);
	write_value(w, f, at);
}

void rp_jsonw_struct(struct rp_jsonw *w, const struct rp_json_table *t, const void *src)
{
	rp_jsonw_obj(w);
	for (size_t i = 0; i < t->n; i++) {
		rp_jsonw_field(w, &t->fields[i], src);
	}
	rp_jsonw_obj_end(w);
}

void rp_jsonw_structs(struct rp_jsonw *w, const struct rp_json_table *t, const void *v, size_t n)
{
	rp_jsonw_arr(w);
	for (size_t i = 0; i < n; i++) {
		rp_jsonw_struct(w, t, (const char *)v + i * t->size);
	}
	rp_jsonw_arr_end(w);
}

char *rp_json_text(const struct rp_json_table *t, const void *src)
{
	struct rp_buf text;
	struct rp_jsonw w;
	rp_buf_init(&text, TEXT_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_struct(&w, t, src);
	return rp_jsonw_take(&w);
}
