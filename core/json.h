/* SPDX-License-Identifier: MIT */
/*
 * Reading JSON (cJSON behind one file) with the rules of RPort's peers: keys match
 * case-insensitively, unknown keys are ignored unless asked otherwise, null leaves the zero value,
 * and a value of the wrong type anywhere makes the document fail with a text that names the key.
 * Tables of fields describe a struct once, for reading and for writing (core/jsonw.h).
 */
#ifndef RP_CORE_JSON_H
#define RP_CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

#define RP_JSON_DEPTH_MAX 64
/* Values of a document, entries of a string map, structs of a list. */
#define RP_JSON_VALUES_MAX 1048576
#define RP_JSON_MAP_MAX    4096
#define RP_JSON_LIST_MAX   65536

struct rp_json; /* one value; a cJSON underneath */

enum rp_json_type {
	RP_JSON_NULL,
	RP_JSON_BOOL,
	RP_JSON_NUMBER,
	RP_JSON_STRING,
	RP_JSON_ARRAY,
	RP_JSON_OBJECT
};

/* The whole text must be one value (white space around it allowed). *out is owned by the caller.
 * Invalid UTF-8, lone surrogates and NUL in strings become U+FFFD, so every string is a C string.
 * RP_EINVAL with a text, RP_ELIMIT for depth and count, RP_ENOMEM. */
RP_NODISCARD int rp_json_parse(const void *p, size_t n, struct rp_json **out, struct rp_err *err);
void rp_json_free(struct rp_json *j);

/* All of these accept NULL (an absent value) and answer as for null; they borrow. */
enum rp_json_type rp_json_type(const struct rp_json *j);
/* Case-insensitive; the last one if there are several. */
const struct rp_json *rp_json_get(const struct rp_json *obj, const char *key);
size_t rp_json_count(const struct rp_json *j);
const struct rp_json *rp_json_first(const struct rp_json *j); /* first member or element */
const struct rp_json *rp_json_next(const struct rp_json *j);
const char *rp_json_key(const struct rp_json *j);    /* name of a member, else NULL */
const char *rp_json_string(const struct rp_json *j); /* NULL unless a string */
bool rp_json_true(const struct rp_json *j);
RP_NODISCARD int rp_json_i64(const struct rp_json *j, int64_t *v); /* whole numbers only */
RP_NODISCARD int rp_json_u64(const struct rp_json *j, uint64_t *v);
double rp_json_number(const struct rp_json *j);
/* Compact text of a value, appended. Go's escapes. */
RP_NODISCARD int rp_json_print(const struct rp_json *j, struct rp_buf *out);

enum rp_json_kind {
	RP_FIELD_STR,      /* char *, owned; null = NULL, written as "" */
	RP_FIELD_STR_OPT,  /* char *, owned; NULL = null in both directions */
	RP_FIELD_BOOL,     /* bool */
	RP_FIELD_INT,      /* int64_t */
	RP_FIELD_INT_OPT,  /* struct rp_opt_i64: null when not set */
	RP_FIELD_UINT,     /* uint64_t */
	RP_FIELD_DOUBLE,   /* double */
	RP_FIELD_TIME,     /* int64_t, core/clock.h; null = RP_TIME_ZERO, written as zero time */
	RP_FIELD_TIME_OPT, /* int64_t; RP_TIME_ZERO is written as null */
	RP_FIELD_STRLIST,  /* struct rp_strlist; null = empty; empty written as [] */
	RP_FIELD_STRLIST_NULL, /* same; empty written as null */
	RP_FIELD_STRMAP,       /* struct rp_strmap; empty written as {} */
	RP_FIELD_RAW,          /* char *: the value's own JSON text, owned; NULL = null */
	RP_FIELD_OBJ,          /* embedded struct described by sub */
	RP_FIELD_LIST /* struct rp_json_vec of structs described by sub; empty written as [] */
};

#define RP_FIELD_F_REQUIRED  1u /* reading: absent or null is an error */
#define RP_FIELD_F_OMITEMPTY 2u /* writing: left out when zero */

struct rp_opt_i64 {
	bool set;
	int64_t v;
};

/* Array of structs; elements are size bytes apart. */
struct rp_json_vec {
	void *v;
	size_t n;
};

struct rp_json_table;
struct rp_json_field {
	const char *key;
	enum rp_json_kind kind;
	unsigned flags;
	size_t offset;
	const struct rp_json_table *sub;
};

struct rp_json_table {
	const struct rp_json_field *fields;
	size_t n;
	size_t size; /* sizeof the struct */
};

#define RP_JSON_TABLE(fields_, type_)                                                  \
	{                                                                              \
		.fields = (fields_), .n = RP_ARRAY_LEN(fields_), .size = sizeof(type_) \
	}

/* Gives the times of a zeroed struct their zero, RP_TIME_ZERO; for structs that are not decoded. */
void rp_json_defaults(const struct rp_json_table *t, void *dst);
/* Fills the zeroed struct dst; times that are absent get RP_TIME_ZERO. With strict, an unknown
 * key is RP_EINVAL `json: unknown field "x"`. On failure nothing is left to free. */
RP_NODISCARD int rp_json_decode(const struct rp_json *obj, const struct rp_json_table *t,
    bool strict, void *dst, struct rp_err *err);
/* Parses and decodes in one. */
RP_NODISCARD int rp_json_decode_text(const void *p, size_t n, const struct rp_json_table *t,
    bool strict, void *dst, struct rp_err *err);
/* The strings of the array that a raw field holds (NULL: none), into the zeroed list. null counts as
 * "". RP_EINVAL for anything else, RP_ENOMEM; then the list is empty. */
RP_NODISCARD int rp_json_raw_strlist(const char *raw, struct rp_strlist *out);
/* Frees what a table's struct owns and zeroes it. */
void rp_json_release(const struct rp_json_table *t, void *dst);
/* Deep copy into the zeroed dst. */
RP_NODISCARD int rp_json_clone(const struct rp_json_table *t, const void *src, void *dst);
/* A struct as owned JSON text; NULL: no memory, or more than 4 MiB. */
RP_NODISCARD char *rp_json_text(const struct rp_json_table *t, const void *src);

#endif
