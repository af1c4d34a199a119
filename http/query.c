/* SPDX-License-Identifier: MIT */
/*
 * Percent-decoding and query strings (http/url.h).
 */
#include <string.h>

#include "core/alloc.h"
#include "http/url.h"

#include "core/banned.h"

/* Takes one character, encoded or not, off *s; -1 for a bad escape or NUL. */
static int take_char(struct rp_str *s, bool plus)
{
	char c = s->p[0];
	size_t used = 1;
	int v = (unsigned char)c;
	if (c == '+' && plus) {
		v = ' ';
	} else if (c == '%') {
		int high = s->len >= 3 ? rp_ascii_hex(s->p[1]) : -1;
		int low = s->len >= 3 ? rp_ascii_hex(s->p[2]) : -1;
		if (high < 0 || low < 0) {
			return -1;
		}
		v = high * 16 + low;
		used = 3;
	}
	*s = rp_str_n(s->p + used, s->len - used);
	return v == 0 ? -1 : v;
}

static bool is_unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c != '\0' && strchr("-._~", c) != NULL);
}

char *rp_url_encode(const char *s)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = strlen(s);
	char *out = n > SIZE_MAX / 4 ? NULL : rp_malloc(n * 3 + 1);
	size_t at = 0;
	for (size_t i = 0; out != NULL && i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (is_unreserved(s[i])) {
			out[at++] = s[i];
			continue;
		}
		out[at++] = '%';
		out[at++] = digits[c >> 4];
		out[at++] = digits[c & 15];
	}
	if (out != NULL) {
		out[at] = '\0';
	}
	return out;
}

int rp_url_decode(struct rp_str s, bool plus, char **out)
{
	*out = NULL;
	char *text = rp_malloc(s.len + 1);
	if (text == NULL) {
		return RP_ENOMEM;
	}
	size_t n = 0;
	while (s.len > 0) {
		int c = take_char(&s, plus);
		if (c < 0) {
			rp_free(text);
			return RP_EINVAL;
		}
		text[n++] = (char)c;
	}
	text[n] = '\0';
	*out = text;
	return 0;
}

/* Upper bound of the number of pairs. */
static size_t count_pairs(struct rp_str s)
{
	size_t n = s.len > 0;
	for (size_t i = 0; i < s.len; i++) {
		n += s.p[i] == '&';
	}
	return n;
}

static int add_pair(struct rp_query *q, struct rp_str pair)
{
	struct rp_query_pair *slot = &q->v[q->n];
	struct rp_str key = pair;
	(void)rp_str_split(&pair, '=', &key);
	int rc = rp_url_decode(key, true, &slot->k);
	if (rc != 0) {
		return rc;
	}
	rc = rp_url_decode(pair, true, &slot->v);
	if (rc != 0) {
		rp_free(slot->k);
		return rc;
	}
	q->n++;
	return 0;
}

int rp_query_parse(struct rp_str s, struct rp_query *q)
{
	*q = (struct rp_query){0};
	size_t most = count_pairs(s);
	if (most > RP_QUERY_PAIRS_MAX) {
		return RP_ELIMIT;
	}
	if (most == 0) {
		return 0;
	}
	q->v = rp_calloc(most, sizeof(*q->v));
	if (q->v == NULL) {
		return RP_ENOMEM;
	}
	struct rp_str pair;
	while (rp_str_split(&s, '&', &pair)) {
		int rc = pair.len == 0 ? 0 : add_pair(q, pair);
		if (rc != 0) {
			rp_query_fini(q);
			return rc;
		}
	}
	return 0;
}

const char *rp_query_get(const struct rp_query *q, const char *k)
{
	for (size_t i = 0; i < q->n; i++) {
		if (strcmp(q->v[i].k, k) == 0) {
			return q->v[i].v;
		}
	}
	return NULL;
}

void rp_query_fini(struct rp_query *q)
{
	for (size_t i = 0; i < q->n; i++) {
		rp_free(q->v[i].k);
		rp_free(q->v[i].v);
	}
	rp_free(q->v);
	*q = (struct rp_query){0};
}
