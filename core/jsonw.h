/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON straight into a buffer, in the escapes of Go's encoder ('<', '>', '&', U+2028/9 as
 * \u...., invalid UTF-8 as U+FFFD), no white space. The first failure (memory, limit) sticks and is
 * reported by rp_jsonw_end, so callers check once.
 */
#ifndef RP_CORE_JSONW_H
#define RP_CORE_JSONW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/json.h"

struct rp_jsonw {
	struct rp_buf *out;
	int err;
	bool comma;
};

/* Borrows out until rp_jsonw_end. */
void rp_jsonw_init(struct rp_jsonw *w, struct rp_buf *out);
/* 0 or the first error. */
RP_NODISCARD int rp_jsonw_end(struct rp_jsonw *w);
/* The same, and the text is given away, owned; out's memory is freed. NULL after an error. */
RP_NODISCARD char *rp_jsonw_take(struct rp_jsonw *w);
void rp_jsonw_obj(struct rp_jsonw *w);     /* { */
void rp_jsonw_obj_end(struct rp_jsonw *w); /* } */
void rp_jsonw_arr(struct rp_jsonw *w);     /* [ */
void rp_jsonw_arr_end(struct rp_jsonw *w); /* ] */
void rp_jsonw_key(struct rp_jsonw *w, const char *key);
/* Values; s NULL writes null in _str_opt and "" in _str. */
void rp_jsonw_str(struct rp_jsonw *w, const char *s);
void rp_jsonw_str_opt(struct rp_jsonw *w, const char *s);
void rp_jsonw_strn(struct rp_jsonw *w, struct rp_str s);
void rp_jsonw_int(struct rp_jsonw *w, int64_t v);
void rp_jsonw_uint(struct rp_jsonw *w, uint64_t v);
void rp_jsonw_double(struct rp_jsonw *w, double v);
void rp_jsonw_bool(struct rp_jsonw *w, bool v);
void rp_jsonw_null(struct rp_jsonw *w);
void rp_jsonw_time(struct rp_jsonw *w, int64_t t);     /* zero time as zero time */
void rp_jsonw_time_opt(struct rp_jsonw *w, int64_t t); /* zero time as null */
void rp_jsonw_strlist(struct rp_jsonw *w, const struct rp_strlist *l);
void rp_jsonw_strmap(struct rp_jsonw *w, const struct rp_strmap *m);
void rp_jsonw_raw(struct rp_jsonw *w, const char *json); /* NULL = null; must be valid JSON */
/* A key and its value in one. */
void rp_jsonw_put_str(struct rp_jsonw *w, const char *key, const char *s);
void rp_jsonw_put_bool(struct rp_jsonw *w, const char *key, bool v);
void rp_jsonw_put_int(struct rp_jsonw *w, const char *key, int64_t v);
void rp_jsonw_put_uint(struct rp_jsonw *w, const char *key, uint64_t v);
void rp_jsonw_put_time(struct rp_jsonw *w, const char *key, int64_t t);
void rp_jsonw_put_null(struct rp_jsonw *w, const char *key);
void rp_jsonw_put_strlist(struct rp_jsonw *w, const char *key, const struct rp_strlist *l);
/* One field of a struct by its table row, or all of them as an object. */
void rp_jsonw_field(struct rp_jsonw *w, const struct rp_json_field *f, const void *src);
void rp_jsonw_struct(struct rp_jsonw *w, const struct rp_json_table *t, const void *src);
/* n of them, one behind the other, as an array. */
void rp_jsonw_structs(struct rp_jsonw *w, const struct rp_json_table *t, const void *v, size_t n);

#endif
