/* SPDX-License-Identifier: MIT */
/*
 * Collecting output and making it fit.
 */
#include "client/output.h"

#include <string.h>

#include "core/alloc.h"
#include "core/err.h"
#include "core/str.h"

#include "core/banned.h"

#define REPLACEMENT     "\xef\xbf\xbd"
#define REPLACEMENT_LEN 3
#define CHUNK_BYTES     4096
#define JSON_MAX        (16 * RP_RESULT_JSON_MAX)

static const char cut_text[] = "output cut: the result would be too large for one message";

void rp_summary_init(struct rp_summary *s)
{
	*s = (struct rp_summary){0};
	rp_buf_init(&s->text, RP_SUMMARY_MAX);
}

void rp_summary_fini(struct rp_summary *s)
{
	rp_buf_fini(&s->text);
}

/* A full buffer ends the summary; that is what its limit is for. */
static void summary_add(struct rp_summary *s, const char *p, size_t n)
{
	if (rp_buf_add(&s->text, p, n) != 0) {
		s->cr = false;
	}
}

static char ascii_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static void summary_byte(struct rp_summary *s, char c)
{
	if (s->cr) {
		s->cr = false;
		if (c != '\n') {
			summary_add(s, "\r", 1);
		}
	}
	if (c == '\r') {
		s->cr = true; /* line ends are '\n' in a summary */
		return;
	}
	summary_add(s, &c, 1);
}

void rp_summary_feed(struct rp_summary *s, const void *p, size_t n)
{
	static const char open_tag[] = "<summary>";
	static const char close_tag[] = "</summary>";
	const char *bytes = p;
	for (size_t i = 0; i < n; i++) {
		const char *tag = s->inside ? close_tag : open_tag;
		size_t len = s->inside ? sizeof(close_tag) - 1 : sizeof(open_tag) - 1;
		char c = bytes[i];
		if (ascii_lower(c) == tag[s->tag]) {
			if (++s->tag == len) {
				s->inside = !s->inside;
				s->tag = 0;
				s->cr = false;
			}
			continue;
		}
		/* A tag begins with its only '<', so a failed one can only restart at this byte. */
		for (size_t k = 0; s->inside && k < s->tag; k++) {
			summary_byte(s, tag[k]);
		}
		s->tag = c == '<' ? 1 : 0;
		if (s->inside && s->tag == 0) {
			summary_byte(s, c);
		}
	}
}

void rp_output_init(struct rp_output *o, uint64_t limit, size_t keep_max)
{
	*o = (struct rp_output){.limit = limit};
	rp_buf_init(&o->text, keep_max);
}

void rp_output_fini(struct rp_output *o)
{
	rp_buf_fini(&o->text);
}

/* Valid text on its way to the buffer and the sink. */
struct chunk {
	struct rp_output *o;
	rp_output_sink sink;
	void *ctx;
	size_t n;
	uint8_t bytes[CHUNK_BYTES];
};

static void flush(struct chunk *c)
{
	if (c->n == 0) {
		return;
	}
	/* Once something is missing, what comes behind it is not wanted either. */
	if (!c->o->cut && rp_buf_add(&c->o->text, c->bytes, c->n) != 0) {
		c->o->cut = true;
		size_t room = c->o->text.max - RP_MIN(c->o->text.max, c->o->text.len);
		size_t n = RP_MIN(room, c->n);
		while (n > 0 && !rp_utf8_valid(c->bytes, n)) {
			n--;
		}
		(void)!rp_buf_add(&c->o->text, c->bytes, n); /* or nothing of it */
	}
	if (c->sink != NULL) {
		c->sink(c->ctx, c->bytes, c->n);
	}
	c->n = 0;
}

static void put(struct chunk *c, const void *p, size_t n)
{
	if (c->n + n > sizeof(c->bytes)) {
		flush(c);
	}
	memcpy(c->bytes + c->n, p, n);
	c->n += n;
}

/* Whether n < 4 bytes could begin a well-formed character (the completions tried are in every
 * range). */
static bool is_prefix(const uint8_t *p, size_t n)
{
	static const uint8_t ends[] = {0x80, 0x90, 0xa0, 0xbf};
	uint8_t full[4];
	for (size_t len = n + 1; len <= sizeof(full); len++) {
		for (size_t i = 0; i < sizeof(ends); i++) {
			memset(full, 0x80, sizeof(full));
			memcpy(full, p, n);
			full[n] = ends[i];
			if (rp_utf8_len(full, len) == len) {
				return true;
			}
		}
	}
	return false;
}

/* One byte through the unfinished character. */
static void sanitise(struct chunk *c, uint8_t byte)
{
	struct rp_output *o = c->o;
	if (o->n_tail == 0 && byte < 0x80) {
		put(c, byte == 0 ? (const void *)REPLACEMENT : &byte,
		    byte == 0 ? REPLACEMENT_LEN : 1);
		return;
	}
	o->tail[o->n_tail] = byte;
	size_t n = o->n_tail + 1;
	if (rp_utf8_len(o->tail, n) == n) {
		put(c, o->tail, n);
		o->n_tail = 0;
		return;
	}
	if (n < sizeof(o->tail) && is_prefix(o->tail, n)) {
		o->n_tail = n;
		return;
	}
	/* What was there so far is no character; the byte may begin one. */
	put(c, REPLACEMENT, REPLACEMENT_LEN);
	bool had = o->n_tail > 0;
	o->n_tail = 0;
	if (had) {
		sanitise(c, byte);
	}
}

void rp_output_feed(struct rp_output *o, const void *p, size_t n, rp_output_sink sink, void *ctx)
{
	struct chunk c;
	const uint8_t *bytes = p;
	c.o = o;
	c.sink = sink;
	c.ctx = ctx;
	c.n = 0;
	uint64_t room = o->limit - o->taken;
	if (n > room) {
		n = (size_t)room;
		o->overflow = true;
	}
	o->taken += n;
	for (size_t i = 0; i < n; i++) {
		sanitise(&c, bytes[i]);
	}
	if (o->overflow) {
		o->n_tail = 0; /* cut by the limit, not broken */
	}
	flush(&c);
}

void rp_output_end(struct rp_output *o, rp_output_sink sink, void *ctx)
{
	struct chunk c;
	if (o->n_tail == 0) {
		return;
	}
	c.o = o;
	c.sink = sink;
	c.ctx = ctx;
	c.n = 0;
	o->n_tail = 0;
	put(&c, REPLACEMENT, REPLACEMENT_LEN);
	flush(&c);
}

/* At least what the JSON writer makes of the character at p (n bytes long). */
static size_t escaped_size(const char *p, size_t n)
{
	unsigned char c = (unsigned char)*p;
	if (n == 3 && memcmp(p, "\xe2\x80", 2) == 0) {
		return 6; /* U+2028 and U+2029 are escaped */
	}
	if (n > 1) {
		return n;
	}
	if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t') {
		return 2;
	}
	return c < 0x20 || c == '<' || c == '>' || c == '&' || c >= 0x7f ? 6 : 1;
}

static size_t char_len(const char *p, size_t left)
{
	size_t n = rp_utf8_len(p, left);
	return n == 0 ? 1 : n;
}

/* Size of s as JSON text, without quotes. */
static size_t json_size(const char *s)
{
	size_t left = s == NULL ? 0 : strlen(s);
	size_t size = 0;
	for (size_t n; left > 0; s += n, left -= n) {
		n = char_len(s, left);
		size += escaped_size(s, n);
	}
	return size;
}

/* Shortens s to at most budget bytes of JSON; true if something went. */
static bool shorten(char *s, size_t budget)
{
	size_t left = s == NULL ? 0 : strlen(s);
	size_t at = 0;
	size_t size = 0;
	while (left > 0) {
		size_t n = char_len(s + at, left);
		size += escaped_size(s + at, n);
		if (size > budget) {
			s[at] = '\0';
			return true;
		}
		at += n;
		left -= n;
	}
	return false;
}

static int append_error(struct rp_job *job, const char *text)
{
	bool empty = job->error == NULL || *job->error == '\0';
	char *joined = empty ? rp_strdup(text) : rp_asprintf("%s, %s", job->error, text);
	if (joined == NULL) {
		return RP_ENOMEM;
	}
	rp_free(job->error);
	job->error = joined;
	return 0;
}

/* Size of the job's JSON if its texts were empty. */
static int bare_size(const struct rp_job *job, size_t *size)
{
	struct rp_job bare = *job;
	struct rp_buf out;
	bare.command = NULL;
	bare.result = (struct rp_job_result){0};
	rp_buf_init(&out, JSON_MAX);
	int rc = rp_job_encode(&bare, &out);
	*size = out.len;
	rp_buf_fini(&out);
	return rc;
}

/* The small texts first; a long stderr gets half of what is left, or all that stdout does not
 * need. */
static bool share_out(struct rp_job *job, size_t budget)
{
	bool cut = shorten(job->command, budget);
	budget -= json_size(job->command);
	cut |= shorten(job->result.summary, budget / 4);
	budget -= json_size(job->result.summary);
	size_t out = json_size(job->result.out);
	size_t for_err = RP_MAX(budget / 2, budget - RP_MIN(budget, out));
	cut |= shorten(job->result.err, for_err);
	budget -= json_size(job->result.err);
	cut |= shorten(job->result.out, budget);
	return cut;
}

int rp_job_fit(struct rp_job *job, size_t max)
{
	size_t bare;
	int rc = bare_size(job, &bare);
	if (rc != 0) {
		return rc;
	}
	size_t texts = json_size(job->command) + json_size(job->result.out) +
	    json_size(job->result.err) + json_size(job->result.summary);
	if (bare + texts <= max) {
		return 0;
	}
	size_t used = bare + sizeof(cut_text) + 2;
	if (!share_out(job, max - RP_MIN(max, used))) {
		return 0;
	}
	return append_error(job, cut_text);
}
