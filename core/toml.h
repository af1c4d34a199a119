/* SPDX-License-Identifier: MIT */
/*
 * TOML 1.0 into a tree in which every key and value knows its line. Not supported: dates and times.
 * Errors read `file:line: key: what is wrong, what is expected` and never show a value.
 */
#ifndef RP_CORE_TOML_H
#define RP_CORE_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"

#define RP_TOML_FILE_MAX ((size_t)1024 * 1024)
/* Parts of a dotted key, and arrays or inline tables inside each other. */
#define RP_TOML_DEPTH_MAX 32
#define RP_TOML_NODES_MAX 16384

enum rp_toml_type {
	RP_TOML_STRING,
	RP_TOML_INT,
	RP_TOML_FLOAT,
	RP_TOML_BOOL,
	RP_TOML_ARRAY,
	RP_TOML_TABLE
};

/* One value. Children of a table have a key, in the order of the file. */
struct rp_toml {
	enum rp_toml_type type;
	unsigned line;
	unsigned flags; /* the parser's own */
	char *key;      /* NULL for the root and in arrays */
	char *text; /* STRING: the text, without NUL bytes; INT, FLOAT, BOOL: as it is written */
	int64_t i;  /* INT */
	double f;   /* FLOAT */
	bool b;     /* BOOL */
	struct rp_toml *first;
	struct rp_toml *last;
	struct rp_toml *next;
};

/* name stands in messages for the file. *out is owned by the caller. RP_EINVAL, RP_ELIMIT
 * (size, depth, number of values), RP_ENOMEM. */
RP_NODISCARD int rp_toml_parse(
    const char *name, const void *p, size_t n, struct rp_toml **out, struct rp_err *err);
/* Reads the file first. Also RP_ENOENT (only if there is no such file), RP_EIO. */
RP_NODISCARD int rp_toml_read(const char *path, struct rp_toml **out, struct rp_err *err);
/* Wipes the texts: they may be secrets. NULL is fine. */
void rp_toml_free(struct rp_toml *t);
/* A value with all that is below it, owned. RP_ENOMEM. */
RP_NODISCARD int rp_toml_copy(const struct rp_toml *t, struct rp_toml **out);
/* Exact key of a table, else NULL. */
struct rp_toml *rp_toml_get(const struct rp_toml *table, const char *key);
/* "text", "number", "list" …, for messages. */
const char *rp_toml_type_name(enum rp_toml_type type);

#endif
