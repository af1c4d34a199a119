/* SPDX-License-Identifier: MIT */
/*
 * Borrowed slices of text, lists and maps of owned strings, and number parsing without surprises.
 */
#ifndef RP_CORE_STR_H
#define RP_CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"

/* Not NUL-terminated, borrowed. */
struct rp_str {
	const char *p;
	size_t len;
};

struct rp_str rp_str_c(const char *s); /* NULL gives an empty slice */
struct rp_str rp_str_n(const void *p, size_t n);
bool rp_str_eq(struct rp_str a, const char *b);
bool rp_str_ieq(struct rp_str a, const char *b); /* ASCII case-insensitive */
bool rp_str_starts(struct rp_str a, const char *prefix);
struct rp_str rp_str_trim(struct rp_str s); /* blanks, tabs, CR, LF */
/* Takes the text up to sep (excluded) off *rest into *part; false when *rest is exhausted. An empty
 * *rest gives exactly one empty part on the first call if it started non-NULL. */
bool rp_str_split(struct rp_str *rest, char sep, struct rp_str *part);
/* Owned NUL-terminated copy. A NUL byte inside is kept as it is: check before, where it matters. */
RP_NODISCARD char *rp_str_dup(struct rp_str s);

/* Whole text must be a decimal number in [min, max]: 0, else RP_EINVAL. */
RP_NODISCARD int rp_str_u64(struct rp_str s, uint64_t max, uint64_t *v);
RP_NODISCARD int rp_str_i64(struct rp_str s, int64_t min, int64_t max, int64_t *v);
RP_NODISCARD int rp_str_port(struct rp_str s, uint16_t *port); /* 0..65535 */

bool rp_str_is_digits(struct rp_str s); /* and not empty */

/* ASCII-only, locale-free. */
bool rp_ascii_is_letter(char c);
int rp_ascii_hex(int c); /* 0 to 15, or -1 */
/* No control byte in it (RFC 20: 0 to 31 and 127). */
bool rp_ascii_no_control(const char *s);
bool rp_ascii_ieq(const char *a, const char *b);
void rp_ascii_lower(char *s);
/* Length of the well-formed UTF-8 character at p, 0 if there is none in the n bytes. */
size_t rp_utf8_len(const void *p, size_t n);
/* True for well-formed UTF-8 without surrogates. */
bool rp_utf8_valid(const void *p, size_t n);
/* Edit distance of two short names, for "did you mean". SIZE_MAX for texts over 64 bytes. */
size_t rp_str_distance(const char *a, const char *b);

/* List of owned strings. Zero-initialised is empty. */
struct rp_strlist {
	char **v;
	size_t n;
};
/* RP_ENOMEM leaves the list as it was; so with the other three. A copy replaces what dst had. */
RP_NODISCARD int rp_strlist_add(struct rp_strlist *l, struct rp_str s);
RP_NODISCARD int rp_strlist_copy(struct rp_strlist *dst, const struct rp_strlist *src);
bool rp_strlist_has(const struct rp_strlist *l, const char *s);
void rp_strlist_fini(struct rp_strlist *l);

/* Map of owned strings in order of insertion, searched from the front: for at most some hundred
 * entries. Zero-initialised is empty. */
struct rp_strmap {
	char **k;
	char **v;
	size_t n;
};
/* Adds, or replaces the value in place. */
RP_NODISCARD int rp_strmap_set(struct rp_strmap *m, struct rp_str k, struct rp_str v);
const char *rp_strmap_get(const struct rp_strmap *m, const char *k);
RP_NODISCARD int rp_strmap_copy(struct rp_strmap *dst, const struct rp_strmap *src);
void rp_strmap_fini(struct rp_strmap *m);

#endif
