/* SPDX-License-Identifier: MIT */
/*
 * The server's answers by path, and the clients (test/lib/http_rig.h).
 */
#include "test/lib/http_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/alloc.h"
#include "http/accept.h"
#include "http/server.h"
#include "http/ws.h"
#include "test/lib/net.h"

/* Answer that comes later. */
struct late {
	struct rp_http_rig *f;
	struct rp_http_req *req;
	uv_timer_t timer;
	bool upgrade;
};

static void serve_ws(struct rp_http_rig *f, struct rp_http_req *req);

static void on_late_closed(uv_handle_t *h)
{
	rp_free(h->data);
}

static void on_late(uv_timer_t *t)
{
	struct late *l = t->data;
	l->f->late--;
	if (l->upgrade) {
		serve_ws(l->f, l->req);
	} else {
		rp_http_reply(l->req, 200, "text/plain", "later", 5);
	}
	uv_close((uv_handle_t *)t, on_late_closed);
}

static void answer_later(struct rp_http_rig *f, struct rp_http_req *req, bool upgrade)
{
	struct late *l = rp_calloc(1, sizeof(*l));
	assert_non_null(l);
	l->f = f;
	l->req = req;
	l->upgrade = upgrade;
	l->timer.data = l;
	f->late++;
	assert_int_equal(uv_timer_init(rp_loop_uv(f->loop), &l->timer), 0);
	assert_int_equal(uv_timer_start(&l->timer, on_late, 60, 0), 0);
}

/* WebSocket that sends every message back, in one frame however it arrived. */
struct echo {
	struct rp_http_rig *f;
	struct rp_ws *w;
	uint8_t text[64];
	size_t n;
};

static void echo_data(
    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n)
{
	struct echo *e = ctx;
	e->n = first ? 0 : e->n;
	assert_true(e->n + n <= sizeof(e->text));
	memcpy(e->text + e->n, p, n);
	e->n += n;
	if (last) {
		struct iovec iov = {.iov_base = e->text, .iov_len = e->n};
		assert_true(rp_ws_send(e->w, opcode, &iov, 1) >= 0);
	}
}

static void echo_end(void *ctx, int code, const char *why)
{
	struct echo *e = ctx;
	(void)code;
	(void)why;
	rp_ws_close(e->w, 0);
}

static void echo_closed(void *ctx)
{
	struct echo *e = ctx;
	e->f->closed++;
	rp_free(e);
}

static const struct rp_ws_ops echo_ops = {
    .on_data = echo_data,
    .on_end = echo_end,
    .on_closed = echo_closed,
};

static void serve_ws(struct rp_http_rig *f, struct rp_http_req *req)
{
	struct rp_stream *s;
	uint8_t *early;
	size_t early_n;
	unsigned status = rp_http_ws_check(req);
	if (status != 0) {
		assert_int_equal(rp_http_req_add_header(req, "Sec-Websocket-Version", "13"), 0);
		rp_http_reply(req, status, "text/plain; charset=utf-8", "bad\n", 4);
		return;
	}
	if (rp_http_upgrade(req, NULL, &s, &early, &early_n) != 0) {
		assert_null(s);
		return;
	}
	struct echo *e = rp_calloc(1, sizeof(*e));
	assert_non_null(e);
	e->f = f;
	assert_int_equal(rp_ws_new(s, false, early, early_n, &echo_ops, e, &e->w), 0);
	rp_free(early);
}

static void route(struct rp_http_rig *f, struct rp_http_req *req, const char *path)
{
	struct rp_str body = rp_http_req_body(req);
	if (strcmp(path, "/echo") == 0) {
		rp_http_reply(req, 200, "application/octet-stream", body.p, body.len);
	} else if (strcmp(path, "/empty") == 0) {
		rp_http_reply(req, 204, NULL, NULL, 0);
	} else if (strcmp(path, "/header") == 0) {
		assert_int_equal(rp_http_req_add_header(req, "X-One", "1\r\nX-Evil: 2"), RP_EINVAL);
		assert_int_equal(rp_http_req_add_header(req, "X One", "1"), RP_EINVAL);
		assert_int_equal(rp_http_req_add_header(req, "X-One", "1"), 0);
		assert_int_equal(rp_http_req_add_header(req, "X-Two", rp_http_req_query(req)), 0);
		rp_http_reply(req, 201, NULL, NULL, 0);
	} else if (strcmp(path, "/later") == 0 || strcmp(path, "/later-ws") == 0) {
		answer_later(f, req, path[6] != '\0');
	} else if (strcmp(path, "/big") == 0) {
		rp_http_reply(req, 200, "text/plain", f->big, RP_HTTP_RIG_BIG);
	} else if (strcmp(path, "/close") == 0) {
		rp_http_req_close_after(req);
		rp_http_reply(req, 200, "text/plain", "bye", 3);
	} else if (strcmp(path, "/kill") == 0) {
		rp_http_conn_close(rp_http_req_conn(req));
		rp_http_reply(req, 200, "text/plain", "lost", 4);
	} else if (strcmp(path, "/ws") == 0) {
		serve_ws(f, req);
	} else {
		rp_http_reply(req, 404, NULL, NULL, 0);
	}
}

static void on_request(void *ctx, struct rp_http_req *req)
{
	struct rp_http_rig *f = ctx;
	f->requests++;
	/* A peer that has gone already has no address any more. */
	const char *peer = rp_http_req_peer(req);
	assert_true(strcmp(peer, "127.0.0.1") == 0 || (peer[0] == '\0' && f->rough));
	assert_int_equal(rp_http_req_is_tls(req), f->opt.tls != NULL);
	assert_non_null(rp_http_req_head(req)->method);
	route(f, req, rp_http_req_path(req));
}

static bool on_bad_request(void *ctx, struct rp_http_req *req, unsigned status, const char *text)
{
	struct rp_http_rig *f = ctx;
	f->bad++;
	f->last_status = status;
	assert_non_null(rp_http_req_head(req)->method);
	assert_non_null(rp_http_req_path(req));
	if (f->own_bad_body) {
		rp_http_reply(req, status, "application/json", text, strlen(text));
	}
	return f->own_bad_body;
}

static void on_head(void *ctx, struct rp_http_req *req)
{
	(void)ctx;
	if (strcmp(rp_http_req_query(req), "large") == 0) {
		rp_http_req_set_body_max(req, 3000000);
	}
}

static void on_conn_closed(void *ctx, struct rp_http_conn *conn)
{
	struct rp_http_rig *f = ctx;
	assert_non_null(conn);
	f->closed++;
}

static void on_accept(void *ctx, int fd, const struct sockaddr *peer)
{
	struct rp_http_rig *f = ctx;
	struct rp_http_conn *conn;
	assert_int_equal(peer->sa_family, AF_INET);
	f->accepted++;
	assert_int_equal(rp_http_conn_new(f->loop, fd, &f->opt, &f->ops, f, &conn), 0);
}

static const struct rp_acceptor_ops acceptor_ops = {.on_accept = on_accept};

static void on_done(struct rp_msg *m)
{
	struct rp_http_rig *f = RP_CONTAINER_OF(m, struct rp_http_rig, done);
	rp_acceptor_close(f->acceptor);
	rp_loop_stop(f->loop);
}

static void thread_main(void *arg)
{
	struct rp_http_rig *f = arg;
	uint64_t start = uv_hrtime();
	f->client(f);
	f->took_ms = (uv_hrtime() - start) / 1000000;
	f->done.run = on_done;
	(void)!rp_loop_post(f->loop, &f->done);
}

/* Client: sends f->in, reads until the server closes. */
void rp_http_rig_raw(struct rp_http_rig *f)
{
	int fd = rp_net_connect(f->port);
	while (f->sent < f->in_n) {
		size_t left = f->in_n - f->sent;
		size_t n = f->piece == 0 ? left : RP_MIN(f->piece, left);
		ssize_t sent = send(fd, f->in + f->sent, n, MSG_NOSIGNAL);
		if (sent < 0) {
			break;
		}
		f->sent += (size_t)sent;
		if (f->gap_ms > 0) {
			(void)usleep(f->gap_ms * 1000);
		}
	}
	if (f->half_close) {
		(void)shutdown(fd, SHUT_WR);
	}
	ssize_t got = 1;
	while (got > 0 && f->out_n < RP_HTTP_RIG_OUT_MAX - 1) {
		got = recv(fd, f->out + f->out_n, RP_HTTP_RIG_OUT_MAX - 1 - f->out_n, 0);
		f->out_n += got > 0 ? (size_t)got : 0;
	}
	f->out[f->out_n] = '\0';
	close(fd);
}

/* Client: a command whose %u is the port. */
void rp_http_rig_command(struct rp_http_rig *f)
{
	char command[2048];
	size_t at = 0;
	for (const char *p = f->command; *p != '\0' && at < sizeof(command) - 8; p++) {
		if (p[0] == '%' && p[1] == 'u') {
			at += (size_t)snprintf(command + at, 8, "%u", f->port);
			p++;
		} else {
			command[at++] = *p;
		}
	}
	command[at] = '\0';
	FILE *pipe = popen(command, "r");
	if (pipe != NULL) {
		f->out_n = fread(f->out, 1, RP_HTTP_RIG_OUT_MAX - 1, pipe);
		f->out[f->out_n] = '\0';
		(void)pclose(pipe);
	}
}

void rp_http_rig_init(struct rp_http_rig *f)
{
	*f = (struct rp_http_rig){
	    .opt = {.body_max = 100,
	        .head_max = 8192,
	        .header_ms = 400,
	        .body_ms = 400,
	        .idle_ms = 400},
	    .ops =
	        {
	            .on_request = on_request,
	            .on_bad_request = on_bad_request,
	            .on_conn_closed = on_conn_closed,
	            .on_head = on_head,
	        },
	};
	f->out = malloc(RP_HTTP_RIG_OUT_MAX);
	assert_non_null(f->out);
}

/* Runs the client to its end; every connection must be gone then. */
void rp_http_rig_run(struct rp_http_rig *f, void (*client)(struct rp_http_rig *f))
{
	struct rp_err err = {0};
	f->client = client;
	assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
	int rc = rp_acceptor_new(f->loop, "127.0.0.1:0", &acceptor_ops, f, &f->acceptor, &err);
	if (rc != 0) {
		fail_msg("%s", err.msg);
	}
	f->port = rp_acceptor_port(f->acceptor);
	assert_int_equal(uv_thread_create(&f->thread, thread_main, f), 0);
	rp_loop_run(f->loop);
	assert_int_equal(uv_thread_join(&f->thread), 0);
	rp_loop_free(f->loop);
	assert_int_equal(f->closed, f->accepted);
	assert_int_equal(f->late, 0);
}

void rp_http_rig_fini(struct rp_http_rig *f)
{
	free(f->out);
	f->out = NULL;
}

void rp_http_rig_talk_n(struct rp_http_rig *f, const char *in, size_t n)
{
	rp_http_rig_init(f);
	f->in = in;
	f->in_n = n;
	f->half_close = true;
	rp_http_rig_run(f, rp_http_rig_raw);
}

void rp_http_rig_talk(struct rp_http_rig *f, const char *in)
{
	rp_http_rig_talk_n(f, in, strlen(in));
}

unsigned rp_http_rig_count(const char *text, const char *part)
{
	unsigned n = 0;
	for (const char *p = strstr(text, part); p != NULL; p = strstr(p + 1, part)) {
		n++;
	}
	return n;
}
