/* SPDX-License-Identifier: MIT */
/*
 * A server's view of a request, and answers (http/server.h). An answer is put together from pieces
 * straight into the stream's queue: nothing is allocated for it.
 */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "http/server_int.h"

#include "core/banned.h"

#define EXTRA_MAX    ((size_t)64 * 1024)
#define LINE_MAX_LEN 192
#define PIECES_MAX   8

struct rp_http_conn *rp_http_conn_of(struct rp_http_req *r)
{
	return RP_CONTAINER_OF(r, struct rp_http_conn, req);
}

static const struct rp_http_conn *const_conn_of(const struct rp_http_req *r)
{
	return RP_CONTAINER_OF(r, struct rp_http_conn, req);
}

/* The head, with something in every field also if the request could not be parsed. */
static struct rp_http_head *head_of(struct rp_http_parser *p)
{
	struct rp_http_head *h = rp_http_parser_head(p);
	if (h->method == NULL) {
		h->method = (char *)(uintptr_t) "";
		h->target = (char *)(uintptr_t) "/";
		h->path = (char *)(uintptr_t) "/";
		h->query = (char *)(uintptr_t) "";
	}
	return h;
}

struct rp_http_head *rp_http_req_head(struct rp_http_req *r)
{
	return head_of(rp_http_conn_of(r)->parser);
}

struct rp_http_conn *rp_http_req_conn(struct rp_http_req *r)
{
	return rp_http_conn_of(r);
}

const char *rp_http_req_path(const struct rp_http_req *r)
{
	return head_of(const_conn_of(r)->parser)->path;
}

const char *rp_http_req_query(const struct rp_http_req *r)
{
	return head_of(const_conn_of(r)->parser)->query;
}

struct rp_str rp_http_req_body(const struct rp_http_req *r)
{
	const struct rp_buf *body = rp_http_parser_body(const_conn_of(r)->parser);
	return rp_str_n(rp_buf_head(body), body->len);
}

const char *rp_http_req_peer(const struct rp_http_req *r)
{
	return const_conn_of(r)->peer;
}

bool rp_http_req_is_tls(const struct rp_http_req *r)
{
	return const_conn_of(r)->opt.tls != NULL;
}

void rp_http_req_set_body_max(struct rp_http_req *r, size_t body_max)
{
	rp_http_parser_set_body_max(rp_http_conn_of(r)->parser, body_max);
}

void rp_http_req_hold_body(struct rp_http_req *r)
{
	r->held = true;
	rp_http_parser_hold_body(rp_http_conn_of(r)->parser);
}

void rp_http_req_read_body(struct rp_http_req *r, const struct rp_http_body_ops *ops, void *ctx)
{
	RP_VERIFY(r->open && r->held);
	r->body = ops;
	r->body_ctx = ctx;
	rp_http_conn_read_body(rp_http_conn_of(r));
}

void rp_http_req_pause_body(struct rp_http_req *r, bool pause)
{
	rp_http_conn_pause_body(rp_http_conn_of(r), pause);
}

void rp_http_req_close_after(struct rp_http_req *r)
{
	r->close_after = true;
}

/* No control bytes but tab: nothing can end the line early. */
static bool value_ok(const char *v)
{
	for (; *v != '\0'; v++) {
		unsigned char c = (unsigned char)*v;
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return false;
		}
	}
	return true;
}

static bool name_ok(const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];
		if (c <= 0x20 || c >= 0x7f || c == ':') {
			return false;
		}
	}
	return n > 0;
}

int rp_http_req_add_header(struct rp_http_req *r, const char *name, const char *value)
{
	if (!name_ok(name) || !value_ok(value)) {
		return RP_EINVAL;
	}
	r->extra.max = EXTRA_MAX;
	return rp_buf_printf(&r->extra, "%s: %s\r\n", name, value);
}

/* Made once per second and connection. */
static const char *date_of(struct rp_http_conn *c)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	struct tm tm;
	if (now != c->date_at && gmtime_r(&now, &tm) != NULL) {
		c->date_at = now;
		(void)snprintf(c->date, sizeof(c->date), "%s, %02d %s %04d %02d:%02d:%02d GMT",
		    days[tm.tm_wday % 7], tm.tm_mday % 100, months[tm.tm_mon % 12],
		    (tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100,
		    tm.tm_sec % 100);
	}
	return c->date;
}

struct pieces {
	struct iovec iov[PIECES_MAX];
	int n;
};

static void add(struct pieces *p, const void *data, size_t n)
{
	RP_VERIFY(p->n < PIECES_MAX);
	p->iov[p->n++] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = n};
}

static void add_str(struct pieces *p, const char *s)
{
	add(p, s, strlen(s));
}

/* Keep-alive is the default of HTTP/1.1 and must be said in 1.0. */
static const char *connection_line(const struct rp_http_req *r, const struct rp_http_head *h)
{
	if (r->close_after) {
		return "Connection: close\r\n\r\n";
	}
	return h->minor == 0 ? "Connection: keep-alive\r\n\r\n" : "\r\n";
}

static bool has_no_body(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

static int send_answer(
    struct rp_http_req *r, unsigned status, const char *content_type, const void *body, size_t n)
{
	struct rp_http_conn *c = rp_http_conn_of(r);
	const struct rp_http_head *h = head_of(c->parser);
	bool empty = has_no_body(status);
	char line[LINE_MAX_LEN];
	char length[48];
	int line_n = snprintf(line, sizeof(line), "HTTP/1.1 %03u %s\r\nDate: %s\r\n", status % 1000,
	    rp_http_status_text(status), date_of(c));
	int length_n = snprintf(length, sizeof(length), "Content-Length: %zu\r\n", n);
	struct pieces p = {.n = 0};
	add(&p, line, (size_t)line_n);
	if (content_type != NULL) {
		add_str(&p, "Content-Type: ");
		add_str(&p, content_type);
		add_str(&p, "\r\n");
	}
	if (!empty) {
		add(&p, length, (size_t)length_n);
	}
	add(&p, rp_buf_head(&r->extra), r->extra.len);
	add_str(&p, connection_line(r, h));
	if (!empty && n > 0 && strcmp(h->method, "HEAD") != 0) {
		add(&p, body, n);
	}
	return rp_stream_write(c->stream, p.iov, p.n);
}

void rp_http_reply(
    struct rp_http_req *r, unsigned status, const char *content_type, const void *body, size_t n)
{
	struct rp_http_conn *c = rp_http_conn_of(r);
	RP_VERIFY(r->open);
	bool unread = r->body != NULL || (r->held && !rp_http_parser_complete(c->parser));
	r->close_after = r->close_after || unread;
	bool type_ok = content_type == NULL || value_ok(content_type);
	if (c->phase != RP_HTTP_ENDING &&
	    (!type_ok || send_answer(r, status, content_type, body, n) < 0)) {
		rp_http_conn_close(c);
	}
	rp_http_conn_answered(c);
}
