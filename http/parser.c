/* SPDX-License-Identifier: MIT */
/*
 * HTTP messages on top of http-parser. The head is first collected whole and checked byte by byte
 * (ends of lines, folding, control bytes, size), then handed to http-parser in one piece, so that
 * every string is contiguous and lives in one block per message. The body goes through http-parser
 * as it arrives.
 *
 * Request smuggling: whatever two readers could understand differently is refused, see http/http.h.
 */
#include "http/http.h"

#include <http_parser.h>
#include <pthread.h>
#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

/* http-parser's own limit is per process; it must lie above every head_max. */
#define LIBRARY_HEAD_MAX ((uint32_t)16 * 1024 * 1024)
/* Empty lines that may stand before a request (RFC 9112 2.2), in bytes. */
#define BLANK_MAX 4
/* What an idle connection may keep. */
#define KEEP_BLOCK_MAX ((size_t)2048)
#define KEEP_BODY_MAX  ((size_t)4096)
/* First piece of memory for a body; what its head announces is not believed before it arrives. */
#define BODY_FIRST_MAX ((size_t)64 * 1024)

struct rp_http_parser {
	http_parser hp;
	bool response;
	bool head_only;
	bool head_done;
	bool complete;
	bool too_large;
	int failed;            /* 0 or the code that feed keeps returning */
	unsigned error_status; /* 0 = as failed says */
	size_t head_max;
	size_t body_max;
	size_t body_default;
	void (*on_head)(void *ctx);
	void *on_head_ctx;
	void (*on_body)(void *ctx, const uint8_t *p, size_t n); /* NULL: collected in body */
	void *on_body_ctx;
	size_t body_seen; /* bytes handed to on_body */
	bool hold;        /* stop behind the head */
	bool stream;      /* on_body is for this message only */
	/* Scanner of the head. */
	struct rp_buf raw; /* a head that came in pieces */
	size_t line_len;
	size_t first_len; /* of the first line */
	unsigned lines;
	unsigned blanks;
	uint8_t last;
	/* The finished head. */
	struct rp_http_head head;
	size_t block_cap;
	size_t headers_cap;
	size_t target_len;
	size_t reason_len;
	bool value_next; /* a header name waits for its value */
	struct rp_buf body;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void init_library(void)
{
	http_parser_set_max_header_size(LIBRARY_HEAD_MAX);
}

/* RFC 9110 5.6.2 */
static bool is_token(const char *p, size_t n)
{
	static const char special[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z');
		if (!alnum && (c == '\0' || strchr(special, c) == NULL)) {
			return false;
		}
	}
	return n > 0;
}

static int on_url(http_parser *hp, const char *at, size_t n)
{
	struct rp_http_parser *p = hp->data;
	p->head.target = (char *)(uintptr_t)at;
	p->target_len = n;
	return 0;
}

static int on_status(http_parser *hp, const char *at, size_t n)
{
	struct rp_http_parser *p = hp->data;
	p->head.reason = (char *)(uintptr_t)at;
	p->reason_len = n;
	return 0;
}

/* Names and values are cut into strings at once: http-parser has passed the byte behind them. */
static int on_field(http_parser *hp, const char *at, size_t n)
{
	struct rp_http_parser *p = hp->data;
	if (p->head_done) {
		return 0; /* a trailer: skipped */
	}
	if (p->value_next || p->head.n_headers == p->headers_cap || !is_token(at, n)) {
		return -1;
	}
	struct rp_http_header *h = &p->head.headers[p->head.n_headers];
	h->name = (char *)(uintptr_t)at;
	h->name[n] = '\0';
	p->value_next = true;
	return 0;
}

static int on_value(http_parser *hp, const char *at, size_t n)
{
	struct rp_http_parser *p = hp->data;
	if (p->head_done) {
		return 0;
	}
	if (!p->value_next) {
		return -1;
	}
	while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t')) {
		n--;
	}
	struct rp_http_header *h = &p->head.headers[p->head.n_headers++];
	p->value_next = false;
	if (n == 0) {
		/* For an empty value at is the next line's first byte, which must stay. */
		h->value = h->name + strlen(h->name);
		return 0;
	}
	h->value = (char *)(uintptr_t)at;
	h->value[n] = '\0';
	return 0;
}

static int on_headers_complete(http_parser *hp)
{
	struct rp_http_parser *p = hp->data;
	unsigned status = hp->status_code;
	/* http-parser would wait for the length that these may announce (RFC 9112 6.3). */
	bool bodiless = p->response && (status < 200 || status == 204 || status == 304);
	return p->head_only || bodiless ? 1 : 0;
}

static int on_body(http_parser *hp, const char *at, size_t n)
{
	struct rp_http_parser *p = hp->data;
	if (n > p->body_max - p->body.len - p->body_seen) {
		p->too_large = true;
		p->failed = RP_ELIMIT;
		return -1;
	}
	if (p->on_body != NULL) {
		p->body_seen += p->body_max == SIZE_MAX ? 0 : n;
		p->on_body(p->on_body_ctx, (const uint8_t *)at, n);
		return 0;
	}
	p->failed = rp_buf_add(&p->body, at, n);
	return p->failed == 0 ? 0 : -1;
}

static int on_message_complete(http_parser *hp)
{
	struct rp_http_parser *p = hp->data;
	p->complete = true;
	http_parser_pause(hp, 1); /* what follows belongs to the next message */
	return 0;
}

static const http_parser_settings settings = {
    .on_url = on_url,
    .on_status = on_status,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static void start_message(struct rp_http_parser *p)
{
	http_parser_init(&p->hp, p->response ? HTTP_RESPONSE : HTTP_REQUEST);
	p->hp.data = p;
	p->head_done = false;
	p->complete = false;
	p->too_large = false;
	p->failed = 0;
	p->error_status = 0;
	p->line_len = 0;
	p->lines = 0;
	p->blanks = 0;
	p->last = 0;
	p->value_next = false;
	p->body_seen = 0;
	p->hold = false;
	if (p->stream) {
		p->stream = false;
		p->on_body = NULL;
	}
}

int rp_http_parser_new(struct rp_http_parser **out, bool response, size_t head_max, size_t body_max)
{
	*out = NULL;
	(void)pthread_once(&library_once, init_library);
	struct rp_http_parser *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		return RP_ENOMEM;
	}
	p->response = response;
	p->head_max = RP_MIN(head_max, (size_t)LIBRARY_HEAD_MAX);
	p->body_max = body_max;
	p->body_default = body_max;
	rp_buf_init(&p->raw, p->head_max);
	rp_buf_init(&p->body, body_max);
	start_message(p);
	*out = p;
	return 0;
}

void rp_http_parser_free(struct rp_http_parser *p)
{
	if (p == NULL) {
		return;
	}
	rp_http_head_fini(&p->head);
	rp_buf_fini(&p->raw);
	rp_buf_fini(&p->body);
	rp_free(p);
}

void rp_http_parser_head_only(struct rp_http_parser *p)
{
	p->head_only = true;
}

void rp_http_parser_on_head(struct rp_http_parser *p, void (*cb)(void *ctx), void *ctx)
{
	p->on_head = cb;
	p->on_head_ctx = ctx;
}

void rp_http_parser_set_body_max(struct rp_http_parser *p, size_t body_max)
{
	p->body_max = body_max;
	p->body.max = body_max;
}

void rp_http_parser_on_body(
    struct rp_http_parser *p, void (*cb)(void *ctx, const uint8_t *p, size_t n), void *ctx)
{
	p->on_body = cb;
	p->on_body_ctx = ctx;
	p->body_default = SIZE_MAX;
	rp_http_parser_set_body_max(p, SIZE_MAX);
}

void rp_http_parser_hold_body(struct rp_http_parser *p)
{
	p->hold = true;
}

void rp_http_parser_stream_body(
    struct rp_http_parser *p, void (*cb)(void *ctx, const uint8_t *p, size_t n), void *ctx)
{
	p->hold = false;
	p->stream = true;
	p->on_body = cb;
	p->on_body_ctx = ctx;
}

bool rp_http_parser_complete(const struct rp_http_parser *p)
{
	return p->complete;
}

static int fail(struct rp_http_parser *p, int code, unsigned status)
{
	p->failed = code;
	p->error_status = status;
	return code;
}

/* Looks at the head byte by byte. 1: it ends with data[*end - 1]; 0: goes on; RP_EPROTO,
 * RP_ELIMIT. */
static int scan(struct rp_http_parser *p, const uint8_t *data, size_t n, size_t *end)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = data[i];
		if (c == '\n') {
			if (p->last != '\r' && !p->response) {
				return RP_EPROTO;
			}
			if (p->line_len == 0) {
				*end = i + 1;
				return 1;
			}
			if (++p->lines > RP_HTTP_HEADERS_MAX + 1) {
				return RP_ELIMIT;
			}
			if (p->lines == 1) {
				p->first_len = p->line_len;
			}
			p->line_len = 0;
		} else if (p->last == '\r') {
			return RP_EPROTO;
		} else if (c != '\r') {
			bool blank = c == ' ' || c == '\t';
			bool folded = p->line_len == 0 && blank;
			if (folded || (c < 0x20 && !blank) || c == 0x7f) {
				return RP_EPROTO;
			}
			p->line_len++;
		}
		p->last = c;
	}
	return 0;
}

/* Skips what may stand before a request. */
static int skip_blank(struct rp_http_parser *p, const uint8_t *data, size_t n, size_t *skipped)
{
	*skipped = 0;
	if (p->raw.len > 0) {
		return 0;
	}
	while (*skipped < n && (data[*skipped] == '\r' || data[*skipped] == '\n')) {
		if (++p->blanks > BLANK_MAX) {
			return RP_EPROTO;
		}
		++*skipped;
	}
	return 0;
}

/* One block for the array of headers, the text behind it, and the path behind that. */
static int make_block(struct rp_http_parser *p, size_t text_len, char **text)
{
	size_t n_headers = p->lines == 0 ? 0 : p->lines - 1;
	size_t array = n_headers * sizeof(struct rp_http_header);
	size_t size = array + text_len + 1 + p->first_len + 1;
	void *block = p->head.block;
	if (size > p->block_cap) {
		rp_free(block);
		block = rp_malloc(size);
		p->block_cap = block == NULL ? 0 : size;
	}
	p->head = (struct rp_http_head){.block = block, .headers = block};
	p->headers_cap = n_headers;
	*text = block == NULL ? NULL : (char *)block + array;
	return block == NULL ? RP_ENOMEM : 0;
}

/* One pass over the headers that decide where the message ends and for whom it is. */
static int check_framing(struct rp_http_parser *p)
{
	unsigned hosts = 0;
	unsigned encodings = 0;
	bool length = false;
	for (size_t i = 0; i < p->head.n_headers; i++) {
		const struct rp_http_header *h = &p->head.headers[i];
		if (rp_ascii_ieq(h->name, "Host")) {
			hosts++;
		} else if (rp_ascii_ieq(h->name, "Content-Length")) {
			length = true;
		} else if (rp_ascii_ieq(h->name, "Transfer-Encoding")) {
			encodings++;
			if (!rp_ascii_ieq(h->value, "chunked")) {
				return fail(p, RP_EPROTO, 501);
			}
		}
	}
	bool minor0 = p->head.minor == 0;
	if (encodings > 1 || (encodings == 1 && (length || minor0))) {
		return fail(p, RP_EPROTO, 400);
	}
	if (!p->response && (hosts > 1 || (hosts == 0 && !minor0))) {
		return fail(p, RP_EPROTO, 400);
	}
	return 0;
}

/* Path and query of the target; an absolute URI as target is what proxies get (RFC 9112 3.2.2). */
static void split_target(struct rp_http_head *h, char *room)
{
	char *from = h->target;
	char *authority = strstr(from, "://");
	size_t path_len = strcspn(from, "?");
	h->query = from + path_len + (from[path_len] == '?' ? 1 : 0);
	if (from[0] != '/' && authority != NULL && authority < from + path_len) {
		authority += 3;
		size_t skip = (size_t)(authority - from) + strcspn(authority, "/?");
		from += skip;
		path_len -= skip;
	}
	h->path = room;
	memcpy(room, path_len == 0 ? "/" : from, RP_MAX(path_len, (size_t)1));
	room[RP_MAX(path_len, (size_t)1)] = '\0';
}

/* Method and target; text is the start of the first line, room has space for the path. */
static int finish_request_line(struct rp_http_parser *p, char *text, char *room)
{
	struct rp_http_head *h = &p->head;
	char *blank = strchr(text, ' ');
	if (blank == NULL || h->target == NULL || h->target <= blank) {
		return fail(p, RP_EPROTO, 400);
	}
	h->method = text;
	*blank = '\0';
	h->target[p->target_len] = '\0';
	split_target(h, room);
	return 0;
}

/* Fills in what is not a header; text is the start of the first line, len the length of the
 * whole head. */
static int finish_head(struct rp_http_parser *p, char *text, size_t len)
{
	struct rp_http_head *h = &p->head;
	h->major = p->hp.http_major;
	h->minor = p->hp.http_minor;
	if (p->response) {
		h->status = p->hp.status_code;
		/* The NUL behind the head serves as empty reason. */
		if (h->reason == NULL) {
			h->reason = text + len;
			p->reason_len = 0;
		}
		h->reason[p->reason_len] = '\0';
	} else {
		int rc = finish_request_line(p, text, text + len + 1);
		if (rc != 0) {
			return rc;
		}
	}
	if (h->major != 1 || h->minor > 1) {
		return fail(p, RP_EPROTO, 505);
	}
	h->keep_alive = http_should_keep_alive(&p->hp) != 0;
	h->upgrade = p->hp.upgrade != 0;
	return check_framing(p);
}

/* The length that the head announces is refused before a byte of it is read. */
static int check_body(struct rp_http_parser *p)
{
	if (p->on_head != NULL) {
		p->on_head(p->on_head_ctx);
	}
	if (p->complete || p->hp.content_length == UINT64_MAX) {
		return 0;
	}
	if (p->hp.content_length > p->body_max) {
		p->too_large = true;
		return fail(p, RP_ELIMIT, 413);
	}
	if (p->on_body != NULL || p->hold) {
		return 0;
	}
	uint8_t *tail;
	size_t first = RP_MIN((size_t)p->hp.content_length, BODY_FIRST_MAX);
	int rc = rp_buf_reserve(&p->body, first, &tail);
	return rc == 0 ? 0 : fail(p, rc, 0);
}

/* A whole head: raw and the n bytes behind it. */
static int parse_head(struct rp_http_parser *p, const uint8_t *data, size_t n)
{
	char *text;
	size_t raw_len = p->raw.len;
	size_t len = raw_len + n;
	if (make_block(p, len, &text) != 0) {
		return fail(p, RP_ENOMEM, 0);
	}
	if (raw_len > 0) {
		memcpy(text, rp_buf_head(&p->raw), raw_len);
		rp_buf_fini(&p->raw);
	}
	memcpy(text + raw_len, data, n);
	text[len] = '\0';
	(void)http_parser_execute(&p->hp, &settings, text, len);
	enum http_errno code = HTTP_PARSER_ERRNO(&p->hp);
	bool paused = code == HPE_PAUSED && p->complete;
	if ((code != HPE_OK && !paused) || p->value_next) {
		return fail(p, RP_EPROTO, 400);
	}
	int rc = finish_head(p, text, len);
	if (rc != 0) {
		return rc;
	}
	p->head_done = true;
	if (p->head_only) {
		p->complete = true;
	}
	return check_body(p);
}

static int feed_head(struct rp_http_parser *p, const uint8_t *data, size_t n, size_t *used)
{
	size_t skipped;
	if (skip_blank(p, data, n, &skipped) != 0) {
		return fail(p, RP_EPROTO, 400);
	}
	data += skipped;
	n -= skipped;
	size_t room = p->head_max - p->raw.len;
	size_t look = RP_MIN(n, room);
	size_t end = 0;
	int rc = scan(p, data, look, &end);
	if (rc < 0 || (rc == 0 && look == room)) {
		bool limit = rc == 0 || rc == RP_ELIMIT;
		return fail(p, limit ? RP_ELIMIT : RP_EPROTO, limit ? 431 : 400);
	}
	if (rc == 0) {
		rc = rp_buf_add(&p->raw, data, look);
		*used = skipped + look;
		return rc == 0 ? 0 : fail(p, rc, 0);
	}
	*used = skipped + end;
	return parse_head(p, data, end);
}

static int feed_body(struct rp_http_parser *p, const uint8_t *data, size_t n, size_t *used)
{
	size_t done = http_parser_execute(&p->hp, &settings, (const char *)data, n);
	*used += done;
	if (p->failed != 0) {
		return fail(p, p->failed, p->too_large ? 413 : 0);
	}
	enum http_errno code = HTTP_PARSER_ERRNO(&p->hp);
	if (code == HPE_OK || (code == HPE_PAUSED && p->complete)) {
		return p->complete ? 1 : 0;
	}
	return fail(p, RP_EPROTO, 400);
}

int rp_http_parser_feed(struct rp_http_parser *p, const void *data, size_t n, size_t *used)
{
	*used = 0;
	if (p->failed != 0) {
		return p->failed;
	}
	if (!p->head_done && n > 0) {
		int rc = feed_head(p, data, n, used);
		if (rc != 0) {
			return rc;
		}
	}
	if (p->complete) {
		return 1;
	}
	/* n == 0 would mean the end of the connection to http-parser. */
	if (!p->head_done || p->hold || *used == n) {
		return 0;
	}
	return feed_body(p, (const uint8_t *)data + *used, n - *used, used);
}

bool rp_http_parser_idle(const struct rp_http_parser *p)
{
	return !p->head_done && p->raw.len == 0 && p->failed == 0;
}

bool rp_http_parser_head_done(const struct rp_http_parser *p)
{
	return p->head_done;
}

bool rp_http_parser_body_too_large(const struct rp_http_parser *p)
{
	return p->too_large;
}

unsigned rp_http_parser_error_status(const struct rp_http_parser *p)
{
	return p->error_status != 0 ? p->error_status : 500;
}

struct rp_http_head *rp_http_parser_head(struct rp_http_parser *p)
{
	return &p->head;
}

struct rp_buf *rp_http_parser_body(struct rp_http_parser *p)
{
	return &p->body;
}

/* The head's strings are gone; the block may stay if it is small. */
static void drop_head(struct rp_http_parser *p)
{
	void *block = p->head.block;
	if (p->block_cap > KEEP_BLOCK_MAX) {
		rp_free(block);
		block = NULL;
		p->block_cap = 0;
	}
	p->head = (struct rp_http_head){.block = block};
}

void rp_http_parser_reset(struct rp_http_parser *p)
{
	drop_head(p);
	rp_buf_fini(&p->raw);
	if (p->body.cap > KEEP_BODY_MAX) {
		rp_buf_fini(&p->body);
	}
	rp_buf_clear(&p->body);
	rp_http_parser_set_body_max(p, p->body_default);
	start_message(p);
}
