/* SPDX-License-Identifier: MIT */
/*
 * Slices, numbers, and the small owned containers. All of it is ASCII and free of the locale; what
 * is not ASCII passes through unchanged.
 */
#include "core/str.h"

#include <string.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

#define DISTANCE_TEXT_MAX 64

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

struct rp_str rp_str_c(const char *s)
{
	return (struct rp_str){.p = s, .len = s == NULL ? 0 : strlen(s)};
}

struct rp_str rp_str_n(const void *p, size_t n)
{
	return (struct rp_str){.p = p, .len = n};
}

bool rp_str_eq(struct rp_str a, const char *b)
{
	return strlen(b) == a.len && (a.len == 0 || memcmp(a.p, b, a.len) == 0);
}

bool rp_str_ieq(struct rp_str a, const char *b)
{
	for (size_t i = 0; i < a.len; i++) {
		if (b[i] == '\0' || lower(a.p[i]) != lower(b[i])) {
			return false;
		}
	}
	return b[a.len] == '\0';
}

bool rp_str_starts(struct rp_str a, const char *prefix)
{
	size_t n = strlen(prefix);
	return n <= a.len && (n == 0 || memcmp(a.p, prefix, n) == 0);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct rp_str rp_str_trim(struct rp_str s)
{
	while (s.len > 0 && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.p[s.len - 1])) {
		s.len--;
	}
	return s;
}

bool rp_str_split(struct rp_str *rest, char sep, struct rp_str *part)
{
	if (rest->p == NULL) {
		return false;
	}
	const char *at = rest->len == 0 ? NULL : memchr(rest->p, sep, rest->len);
	if (at == NULL) {
		*part = *rest;
		*rest = rp_str_n(NULL, 0);
		return true;
	}
	size_t n = (size_t)(at - rest->p);
	*part = rp_str_n(rest->p, n);
	*rest = rp_str_n(at + 1, rest->len - n - 1);
	return true;
}

char *rp_str_dup(struct rp_str s)
{
	if (s.len == SIZE_MAX) {
		return NULL;
	}
	char *copy = rp_malloc(s.len + 1);
	if (copy == NULL) {
		return NULL;
	}
	if (s.len > 0) {
		memcpy(copy, s.p, s.len);
	}
	copy[s.len] = '\0';
	return copy;
}

int rp_str_u64(struct rp_str s, uint64_t max, uint64_t *v)
{
	uint64_t n = 0;
	if (s.len == 0) {
		return RP_EINVAL;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') {
			return RP_EINVAL;
		}
		uint64_t digit = (uint64_t)(s.p[i] - '0');
		if (__builtin_mul_overflow(n, UINT64_C(10), &n) ||
		    __builtin_add_overflow(n, digit, &n)) {
			return RP_EINVAL;
		}
	}
	if (n > max) {
		return RP_EINVAL;
	}
	*v = n;
	return 0;
}

int rp_str_i64(struct rp_str s, int64_t min, int64_t max, int64_t *v)
{
	bool negative = s.len > 0 && s.p[0] == '-';
	if (negative) {
		s.p++;
		s.len--;
	}
	uint64_t n;
	uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	if (rp_str_u64(s, most, &n) != 0) {
		return RP_EINVAL;
	}
	/* Two's complement, so that INT64_MIN needs no case of its own. */
	int64_t value = (int64_t)(negative ? 0 - n : n);
	if (value < min || value > max) {
		return RP_EINVAL;
	}
	*v = value;
	return 0;
}

int rp_str_port(struct rp_str s, uint16_t *port)
{
	uint64_t n;
	if (rp_str_u64(s, UINT16_MAX, &n) != 0) {
		return RP_EINVAL;
	}
	*port = (uint16_t)n;
	return 0;
}

bool rp_str_is_digits(struct rp_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') {
			return false;
		}
	}
	return s.len > 0;
}

bool rp_ascii_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int rp_ascii_hex(int c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool rp_ascii_no_control(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f) {
			return false;
		}
	}
	return true;
}

bool rp_ascii_ieq(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return *a == '\0' && *b == '\0';
}

void rp_ascii_lower(char *s)
{
	for (; *s != '\0'; s++) {
		*s = (char)lower(*s);
	}
}

size_t rp_utf8_len(const void *p, size_t n)
{
	const unsigned char *s = p;
	/* Lowest allowed second byte: it excludes overlong forms (RFC 3629, section 4). */
	unsigned lo = 0x80;
	unsigned hi = 0xbf;
	size_t len;
	if (n == 0) {
		return 0;
	}
	if (s[0] < 0x80) {
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		len = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		len = 3;
		lo = s[0] == 0xe0 ? 0xa0 : lo;
		hi = s[0] == 0xed ? 0x9f : hi; /* no surrogates */
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		len = 4;
		lo = s[0] == 0xf0 ? 0x90 : lo;
		hi = s[0] == 0xf4 ? 0x8f : hi; /* nothing over U+10FFFF */
	} else {
		return 0;
	}
	if (n < len || s[1] < lo || s[1] > hi) {
		return 0;
	}
	for (size_t i = 2; i < len; i++) {
		if ((s[i] & 0xc0u) != 0x80) {
			return 0;
		}
	}
	return len;
}

bool rp_utf8_valid(const void *p, size_t n)
{
	const unsigned char *s = p;
	for (size_t i = 0; i < n;) {
		size_t len = s[i] < 0x80 ? 1 : rp_utf8_len(s + i, n - i);
		if (len == 0) {
			return false;
		}
		i += len;
	}
	return true;
}

size_t rp_str_distance(const char *a, const char *b)
{
	size_t alen = strnlen(a, DISTANCE_TEXT_MAX + 1);
	size_t blen = strnlen(b, DISTANCE_TEXT_MAX + 1);
	if (alen > DISTANCE_TEXT_MAX || blen > DISTANCE_TEXT_MAX) {
		return SIZE_MAX;
	}
	/* Levenshtein with one row: row[j] = distance of a[0..i) and b[0..j). */
	size_t row[DISTANCE_TEXT_MAX + 1];
	for (size_t j = 0; j <= blen; j++) {
		row[j] = j;
	}
	for (size_t i = 0; i < alen; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < blen; j++) {
			size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
			size_t shifted = RP_MIN(row[j], row[j + 1]) + 1;
			diagonal = row[j + 1];
			row[j + 1] = RP_MIN(substituted, shifted);
		}
	}
	return row[blen];
}

int rp_strlist_add(struct rp_strlist *l, struct rp_str s)
{
	char **v = rp_reallocarray(l->v, l->n + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	l->v = v;
	l->v[l->n] = rp_str_dup(s);
	if (l->v[l->n] == NULL) {
		return RP_ENOMEM;
	}
	l->n++;
	return 0;
}

int rp_strlist_copy(struct rp_strlist *dst, const struct rp_strlist *src)
{
	struct rp_strlist copy = {0};
	if (src->n > 0) {
		copy.v = rp_calloc(src->n, sizeof(*copy.v));
		if (copy.v == NULL) {
			return RP_ENOMEM;
		}
	}
	for (; copy.n < src->n; copy.n++) {
		copy.v[copy.n] = rp_strdup(src->v[copy.n]);
		if (copy.v[copy.n] == NULL) {
			rp_strlist_fini(&copy);
			return RP_ENOMEM;
		}
	}
	rp_strlist_fini(dst);
	*dst = copy;
	return 0;
}

bool rp_strlist_has(const struct rp_strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i], s) == 0) {
			return true;
		}
	}
	return false;
}

void rp_strlist_fini(struct rp_strlist *l)
{
	for (size_t i = 0; i < l->n; i++) {
		rp_free(l->v[i]);
	}
	rp_free(l->v);
	*l = (struct rp_strlist){0};
}

/* Room for one more pair; the count stays. */
static int map_grow(struct rp_strmap *m)
{
	char **k = rp_reallocarray(m->k, m->n + 1, sizeof(*k));
	if (k == NULL) {
		return RP_ENOMEM;
	}
	m->k = k;
	char **v = rp_reallocarray(m->v, m->n + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	m->v = v;
	return 0;
}

int rp_strmap_set(struct rp_strmap *m, struct rp_str k, struct rp_str v)
{
	char *value = rp_str_dup(v);
	if (value == NULL) {
		return RP_ENOMEM;
	}
	for (size_t i = 0; i < m->n; i++) {
		if (rp_str_eq(k, m->k[i])) {
			rp_free(m->v[i]);
			m->v[i] = value;
			return 0;
		}
	}
	char *key = rp_str_dup(k);
	if (key == NULL || map_grow(m) != 0) {
		rp_free(key);
		rp_free(value);
		return RP_ENOMEM;
	}
	m->k[m->n] = key;
	m->v[m->n] = value;
	m->n++;
	return 0;
}

const char *rp_strmap_get(const struct rp_strmap *m, const char *k)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->k[i], k) == 0) {
			return m->v[i];
		}
	}
	return NULL;
}

int rp_strmap_copy(struct rp_strmap *dst, const struct rp_strmap *src)
{
	struct rp_strmap copy = {0};
	for (size_t i = 0; i < src->n; i++) {
		int rc = rp_strmap_set(&copy, rp_str_c(src->k[i]), rp_str_c(src->v[i]));
		if (rc != 0) {
			rp_strmap_fini(&copy);
			return rc;
		}
	}
	rp_strmap_fini(dst);
	*dst = copy;
	return 0;
}

void rp_strmap_fini(struct rp_strmap *m)
{
	for (size_t i = 0; i < m->n; i++) {
		rp_free(m->k[i]);
		rp_free(m->v[i]);
	}
	rp_free(m->k);
	rp_free(m->v);
	*m = (struct rp_strmap){0};
}
