/* SPDX-License-Identifier: MIT */
/*
 * HTTP server connections over real sockets: keep-alive, pipelining, late answers, limits,
 * deadlines, upgrade; raw bytes and curl as clients. The server's loop runs in the main thread, the
 * client in another one.
 */
#include "http/server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/alloc.h"
#include "http/accept.h"
#include "http/tls.h"
#include "http/ws.h"
#include "test/lib/net.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"

#define OUT_MAX  ((size_t)256 * 1024)
#define BIG_SIZE ((size_t)5 * 1000 * 1000)

/* A server for one test. */
struct fixture {
	struct rp_loop *loop;
	struct rp_acceptor *acceptor;
	struct rp_http_server_options opt;
	struct rp_http_server_ops ops;
	uint16_t port;
	unsigned accepted;
	unsigned closed;
	unsigned requests;
	unsigned bad;
	unsigned last_status; /* of on_bad_request */
	unsigned late;        /* answers that wait for their timer */
	bool own_bad_body;
	bool rough; /* clients go suddenly */
	char *big;
	/* Client thread. */
	uv_thread_t thread;
	void (*client)(struct fixture *f);
	struct rp_msg done;
	const char *in;
	size_t in_n;
	size_t piece;    /* bytes per send, 0 = all */
	unsigned gap_ms; /* between pieces */
	bool half_close;
	const char *command;
	char *out;
	size_t out_n;
	uint64_t took_ms;
};

/* Answer that comes later. */
struct late {
	struct fixture *f;
	struct rp_http_req *req;
	uv_timer_t timer;
	bool upgrade;
};

static void serve_ws(struct fixture *f, struct rp_http_req *req);

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

static void answer_later(struct fixture *f, struct rp_http_req *req, bool upgrade)
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
	struct fixture *f;
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

static void serve_ws(struct fixture *f, struct rp_http_req *req)
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

static void route(struct fixture *f, struct rp_http_req *req, const char *path)
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
		rp_http_reply(req, 200, "text/plain", f->big, BIG_SIZE);
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
	struct fixture *f = ctx;
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
	struct fixture *f = ctx;
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
	struct fixture *f = ctx;
	assert_non_null(conn);
	f->closed++;
}

static void on_accept(void *ctx, int fd, const struct sockaddr *peer)
{
	struct fixture *f = ctx;
	struct rp_http_conn *conn;
	assert_int_equal(peer->sa_family, AF_INET);
	f->accepted++;
	assert_int_equal(rp_http_conn_new(f->loop, fd, &f->opt, &f->ops, f, &conn), 0);
}

static const struct rp_acceptor_ops acceptor_ops = {.on_accept = on_accept};

static void on_done(struct rp_msg *m)
{
	struct fixture *f = RP_CONTAINER_OF(m, struct fixture, done);
	rp_acceptor_close(f->acceptor);
	rp_loop_stop(f->loop);
}

static void thread_main(void *arg)
{
	struct fixture *f = arg;
	uint64_t start = uv_hrtime();
	f->client(f);
	f->took_ms = (uv_hrtime() - start) / 1000000;
	f->done.run = on_done;
	(void)!rp_loop_post(f->loop, &f->done);
}

/* Client: sends f->in, reads until the server closes. */
static void raw_client(struct fixture *f)
{
	int fd = rp_net_connect(f->port);
	for (size_t at = 0; at < f->in_n;) {
		size_t n = f->piece == 0 ? f->in_n - at : RP_MIN(f->piece, f->in_n - at);
		ssize_t sent = send(fd, f->in + at, n, MSG_NOSIGNAL);
		if (sent < 0) {
			break;
		}
		at += (size_t)sent;
		if (f->gap_ms > 0) {
			(void)usleep(f->gap_ms * 1000);
		}
	}
	if (f->half_close) {
		(void)shutdown(fd, SHUT_WR);
	}
	ssize_t got = 1;
	while (got > 0 && f->out_n < OUT_MAX - 1) {
		got = recv(fd, f->out + f->out_n, OUT_MAX - 1 - f->out_n, 0);
		f->out_n += got > 0 ? (size_t)got : 0;
	}
	f->out[f->out_n] = '\0';
	close(fd);
}

/* Client: a command whose %u is the port. */
static void command_client(struct fixture *f)
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
		f->out_n = fread(f->out, 1, OUT_MAX - 1, pipe);
		f->out[f->out_n] = '\0';
		(void)pclose(pipe);
	}
}

static void init(struct fixture *f)
{
	*f = (struct fixture){
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
	f->out = malloc(OUT_MAX);
	assert_non_null(f->out);
}

/* Runs the client to its end; every connection must be gone then. */
static void run_client(struct fixture *f, void (*client)(struct fixture *f))
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

static void fini(struct fixture *f)
{
	free(f->out);
	f->out = NULL;
}

static void talk_n(struct fixture *f, const char *in, size_t n)
{
	init(f);
	f->in = in;
	f->in_n = n;
	f->half_close = true;
	run_client(f, raw_client);
}

static void talk(struct fixture *f, const char *in)
{
	talk_n(f, in, strlen(in));
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;
	for (const char *p = strstr(text, part); p != NULL; p = strstr(p + 1, part)) {
		n++;
	}
	return n;
}

/* Replaces the date, which differs. */
static void cut_date(char *text)
{
	for (char *p = strstr(text, "Date: "); p != NULL; p = strstr(text, "Date: ")) {
		char *end = strstr(p, "GMT\r\n");
		assert_non_null(end);
		assert_int_equal(end - p, 6 + 26);
		memmove(p, end + 5, strlen(end + 5) + 1);
	}
}

static void test_answers(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
	    {"GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
	        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc"},
	    {"HEAD /close HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
	        "Connection: close\r\n\r\n"},
	    {"GET /empty HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"},
	    {"GET /header?q HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nX-One: 1\r\nX-Two: q\r\n\r\n"},
	    {"GET / HTTP/1.0\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
	    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"},
	    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
	    {"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
	    {"GET /later HTTP/1.1\r\nHost: h\r\n\r\n",
	        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nlater"},
	    {"GET /kill HTTP/1.1\r\nHost: h\r\n\r\n", ""},
	    {"", ""},
	    {"GET / HTT", ""},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct fixture f;
		talk(&f, rows[i][0]);
		cut_date(f.out);
		assert_string_equal(f.out, rows[i][1]);
		assert_int_equal(f.bad, 0);
		assert_true(f.took_ms < 1500);
		fini(&f);
	}
}

/* Answers come in the order of the requests, also when some come late, however the bytes arrive. */
static void test_pipelining(void **state)
{
	(void)state;
	char text[8192] = "";
	char expected[8192] = "";
	size_t at = 0;
	size_t ex = 0;
	for (int i = 0; i < 40; i++) {
		if (i % 10 == 3) {
			at += (size_t)snprintf(
			    text + at, sizeof(text) - at, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
			ex += (size_t)snprintf(expected + ex, sizeof(expected) - ex, "later");
		} else {
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n<%02d>", i);
			ex += (size_t)snprintf(expected + ex, sizeof(expected) - ex, "<%02d>", i);
		}
	}
	static const size_t pieces[] = {0, 7, 1000};
	for (size_t k = 0; k < RP_ARRAY_LEN(pieces); k++) {
		struct fixture f;
		init(&f);
		f.in = text;
		f.in_n = at;
		f.piece = pieces[k];
		f.half_close = true;
		run_client(&f, raw_client);
		assert_int_equal(f.requests, 40);
		assert_int_equal(f.accepted, 1);
		/* Only the bodies. */
		char bodies[1024] = "";
		size_t n = 0;
		for (char *p = strstr(f.out, "\r\n\r\n"); p != NULL;
		     p = strstr(p + 4, "\r\n\r\n")) {
			char *end = strstr(p, "HTTP/1.1");
			size_t len = end == NULL ? strlen(p + 4) : (size_t)(end - p - 4);
			memcpy(bodies + n, p + 4, len);
			n += len;
		}
		assert_string_equal(bodies, expected);
		fini(&f);
	}
}

/* Many requests at once, whose answers the client reads only afterwards: the server waits for
 * it. */
static void test_answers_back_up(void **state)
{
	(void)state;
	static const char request[] = "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";
	char text[sizeof(request) * 30] = "";
	for (size_t i = 0; i < 30; i++) {
		memcpy(text + i * (sizeof(request) - 1), request, sizeof(request));
	}
	struct fixture f;
	init(&f);
	f.big = calloc(1, BIG_SIZE);
	f.opt.stream.write_max = 2 * BIG_SIZE;
	f.command = "exec 3<>/dev/tcp/127.0.0.1/%u";
	f.in = text;
	f.in_n = strlen(text);
	f.gap_ms = 200;
	/* OUT_MAX bytes are read, then the client goes. */
	run_client(&f, raw_client);
	assert_int_equal(f.out_n, OUT_MAX - 1);
	assert_true(f.requests < 5);
	free(f.big);
	fini(&f);
}

static void test_bad_requests(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned status;
	} rows[] = {
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	        400},
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", 413},
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
	    {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
	    {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
	    {"\x16\x03\x01", 400},
	};
	for (size_t i = 0; i < 2 * RP_ARRAY_LEN(rows); i++) {
		struct fixture f;
		char text[1024];
		init(&f);
		/* What follows a refused message is never looked at. */
		(void)snprintf(
		    text, sizeof(text), "%sGET /x HTTP/1.1\r\nHost: h\r\n\r\n", rows[i / 2].text);
		f.own_bad_body = i % 2 == 1;
		f.in = text;
		f.in_n = strlen(text);
		run_client(&f, raw_client);
		char status[16];
		(void)snprintf(status, sizeof(status), "HTTP/1.1 %u ", rows[i / 2].status);
		assert_int_equal(strncmp(f.out, status, strlen(status)), 0);
		assert_int_equal(count(f.out, "HTTP/1.1"), 1);
		assert_non_null(strstr(f.out, "Connection: close\r\n"));
		assert_non_null(strstr(f.out, f.own_bad_body ? "application/json" : "text/plain"));
		assert_int_equal(f.bad, 1);
		assert_int_equal(f.requests, 0);
		assert_int_equal(f.last_status, rows[i / 2].status);
		fini(&f);
	}
}

/* A head without end: 431, and the client sees it although it goes on sending. */
static void test_endless_head(void **state)
{
	(void)state;
	size_t n = (size_t)20 * 1024 * 1024;
	char *text = malloc(n);
	assert_non_null(text);
	memset(text, 'a', n);
	memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
	struct fixture f;
	rp_oom_count_start();
	talk_n(&f, text, n);
	assert_int_equal(rp_oom_live(), 0);
	rp_oom_count_stop();
	assert_int_equal(strncmp(f.out, "HTTP/1.1 431 Request Header Fields Too Large\r\n", 46), 0);
	assert_non_null(strstr(f.out, "Connection: close\r\n"));
	fini(&f);
	free(text);
}

static void test_body_limit_of_request(void **state)
{
	(void)state;
	size_t n = 2000000;
	char *text = malloc(n + 200);
	assert_non_null(text);
	int head = snprintf(
	    text, 200, "POST /x?large HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", n);
	memset(text + head, 'b', n);
	struct fixture f;
	talk_n(&f, text, n + (size_t)head);
	assert_int_equal(strncmp(f.out, "HTTP/1.1 404", 12), 0);
	fini(&f);
	free(text);
}

static void test_deadlines(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t piece;
		const char *begins;
	} rows[] = {
	    {"", 0, ""},                                  /* silence */
	    {"GET / HTTP/1.1\r\nHost: h\r\nX: y", 0, ""}, /* half a head */
	    {"GET / HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1,
	        ""}, /* drops */
	    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", 0,
	        "HTTP/1.1 408 Request Timeout\r\n"},
	    {"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 0, "HTTP/1.1 404"}, /* then idle */
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct fixture f;
		init(&f);
		f.in = rows[i].text;
		f.in_n = strlen(rows[i].text);
		f.piece = rows[i].piece;
		f.gap_ms = rows[i].piece > 0 ? 15 : 0;
		run_client(&f, raw_client);
		assert_int_equal(strncmp(f.out, rows[i].begins, strlen(rows[i].begins)), 0);
		assert_true(rows[i].begins[0] != '\0' || f.out_n == 0);
		assert_in_range(f.took_ms, 300, 3000);
		fini(&f);
	}
}

/* Takes a big answer slowly, but steadily. */
static void slow_reader(struct fixture *f)
{
	int fd = rp_net_connect(f->port);
	int small = 16384;
	static char block[120000];
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	(void)!write(fd, f->in, f->in_n);
	ssize_t got = 1;
	while (got > 0) {
		(void)usleep(50000);
		got = recv(fd, block, sizeof(block), MSG_WAITALL);
		f->out_n += got > 0 ? (size_t)got : 0;
		if (f->half_close && f->out_n >= BIG_SIZE) {
			break;
		}
	}
	close(fd);
}

/* Neither the last answer of a connection nor the idle time cuts it off. */
static void test_slow_reader(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fixture f;
		init(&f);
		f.big = calloc(1, BIG_SIZE);
		f.in = i == 0 ? "GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
		              : "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";
		f.in_n = strlen(f.in);
		f.half_close = i == 1;
		run_client(&f, slow_reader);
		assert_true(f.out_n > BIG_SIZE);
		assert_true(f.took_ms > 2000);
		free(f.big);
		fini(&f);
	}
}

static void quick_leave(struct fixture *f)
{
	int fd = rp_net_connect(f->port);
	static const char text[] = "GET /later HTTP/1.1\r\nHost: h\r\n\r\n";
	(void)!write(fd, text, sizeof(text) - 1);
	(void)usleep(20000);
	struct linger hard = {.l_onoff = 1};
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	(void)usleep(20000);
}

/* The peer is gone when the answer comes. */
static void test_peer_gone(void **state)
{
	(void)state;
	struct fixture f;
	init(&f);
	run_client(&f, quick_leave);
	assert_int_equal(f.requests, 1);
	fini(&f);
}

#define WS_HEAD(path, key)                                                                  \
	"GET " path                                                                         \
	" HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" \
	"Sec-WebSocket-Key: " key "\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ANSWER                                                                              \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

static void test_upgrade(void **state)
{
	(void)state;
	/* Early bytes: a masked "Hello", then a close. */
	static const char frames[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x80\0\0\0\0";
	static const char *const paths[] = {WS_HEAD("/ws", KEY), WS_HEAD("/later-ws", KEY)};
	for (size_t i = 0; i < 6; i++) {
		char text[512];
		size_t n = strlen(paths[i % 2]);
		memcpy(text, paths[i % 2], n);
		memcpy(text + n, frames, sizeof(frames) - 1);
		struct fixture f;
		init(&f);
		f.in = text;
		f.in_n = n + sizeof(frames) - 1;
		f.piece = i < 2 ? 0 : i < 4 ? n : 3;
		f.gap_ms = i < 2 ? 0 : i < 4 ? 100 : 1;
		run_client(&f, raw_client);
		assert_int_equal(f.out_n, strlen(ANSWER) + 7 + 2);
		assert_memory_equal(f.out, ANSWER, strlen(ANSWER));
		assert_memory_equal(f.out + strlen(ANSWER), "\x81\x05Hello\x88\x00", 9);
		fini(&f);
	}
}

static void test_upgrade_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *begins;
	} rows[] = {
	    {WS_HEAD("/ws", ""), "HTTP/1.1 400 Bad Request\r\n"},
	    {WS_HEAD("/ws", "AAAA"), "HTTP/1.1 400 Bad Request\r\n"},
	    {"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	     "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 12\r\n\r\n",
	        "HTTP/1.1 400 Bad Request\r\n"},
	    {"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
	     "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
	        "HTTP/1.1 400 Bad Request\r\n"},
	    {"POST /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	     "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
	        "HTTP/1.1 405 Method Not Allowed\r\n"},
	    {"GET /ws HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct fixture f;
		talk(&f, rows[i].text);
		assert_int_equal(strncmp(f.out, rows[i].begins, strlen(rows[i].begins)), 0);
		assert_non_null(strstr(f.out, "\r\nSec-Websocket-Version: 13\r\n"));
		fini(&f);
	}
}

static void test_curl(void **state)
{
	(void)state;
	struct fixture f;
	init(&f);
	f.big = malloc(BIG_SIZE);
	assert_non_null(f.big);
	memset(f.big, 'z', BIG_SIZE);
	f.opt.header_ms = 5000;
	f.opt.idle_ms = 5000;
	f.opt.body_ms = 5000;
	f.command =
	    "exec 2>&1; U=http://127.0.0.1:%u; C='curl -sS --no-progress-meter --max-time 20';"
	    "$C $U/echo -d hello; echo;"
	    "$C $U/big | tr -d z | wc -c;"
	    "$C $U/big | wc -c;"
	    "$C -I $U/close | head -1;"
	    "head -c 2500000 /dev/zero | $C -H 'Expect: 100-continue' -T - -X POST \"$U/echo?large\" | wc -c;"
	    "head -c 2500000 /dev/zero | $C -H 'Content-Type: x' --data-binary @- \"$U/echo?large\" | wc -c;"
	    "head -c 2500000 /dev/zero | $C -o /dev/null -w '%{http_code}\\n' --data-binary @- $U/echo;"
	    "$C -Z $U/x $U/later $U/x $U/empty $U/later -w '%{http_code},'";
	run_client(&f, command_client);
	char expected[256];
	(void)snprintf(expected, sizeof(expected),
	    "hello\n0\n%zu\nHTTP/1.1 200 OK\r\n2500000\n2500000\n413\n", BIG_SIZE);
	assert_int_equal(strncmp(f.out, expected, strlen(expected)), 0);
	/* In parallel, so in any order. */
	assert_int_equal(count(f.out, "404,"), 2);
	assert_int_equal(count(f.out, "200,"), 2);
	assert_int_equal(count(f.out, "later"), 2);
	assert_int_equal(count(f.out, "204,"), 1);
	free(f.big);
	fini(&f);
}

static void test_curl_tls(void **state)
{
	(void)state;
	struct rp_net_certs certs;
	struct rp_err err = {0};
	assert_int_equal(rp_net_certs_make(&certs), 0);
	struct fixture f;
	init(&f);
	f.opt.header_ms = 5000;
	f.opt.idle_ms = 5000;
	assert_int_equal(rp_tls_server_new(certs.cert, certs.key, RP_TLS_1_2, &f.opt.tls, &err), 0);
	f.big = calloc(1, BIG_SIZE);
	assert_non_null(f.big);
	char command[512];
	(void)snprintf(command, sizeof(command),
	    "exec 2>&1; C='curl -sS --no-progress-meter --max-time 20 --cacert %s'; U=https://localhost:%%u;"
	    "$C $U/echo -d hello; $C --tls-max 1.2 $U/big | wc -c; $C -Z $U/later $U/x $U/later",
	    certs.ca);
	f.command = command;
	run_client(&f, command_client);
	assert_string_equal(f.out, "hello5000000\nlaterlater");
	fini(&f);

	/* Plain text, and silence, on the TLS port. */
	for (int i = 0; i < 2; i++) {
		struct rp_tls *tls = f.opt.tls;
		char *big = f.big;
		init(&f);
		f.opt.tls = tls;
		f.big = big;
		f.in = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
		f.in_n = i == 0 ? strlen(f.in) : 0;
		run_client(&f, raw_client);
		assert_int_equal(f.requests, 0);
		assert_in_range(f.took_ms, 0, 3000);
		fini(&f);
	}
	free(f.big);
	rp_tls_free(f.opt.tls);
	rp_net_certs_remove(&certs);
}

/* Random connections: garbage, halves of requests, sudden ends. */
static void garbage_client(struct fixture *f)
{
	for (int i = 0; i < 300; i++) {
		int fd = rp_net_connect(f->port);
		char noise[200];
		rp_prng_bytes(noise, sizeof(noise));
		if (i % 3 == 0) {
			memcpy(noise,
			    "GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nX: ", 52);
		}
		(void)!send(fd, noise, rp_prng_below(sizeof(noise)), MSG_NOSIGNAL);
		struct linger hard = {.l_onoff = i % 2};
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
	}
	/* Its answer tells that all before it were accepted. */
	f->in = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
	f->in_n = strlen(f->in);
	raw_client(f);
}

static void test_garbage(void **state)
{
	(void)state;
	struct fixture f;
	init(&f);
	f.rough = true;
	rp_oom_count_start();
	run_client(&f, garbage_client);
	assert_int_equal(rp_oom_live(), 0);
	rp_oom_count_stop();
	assert_int_equal(f.accepted, 301);
	assert_int_equal(strncmp(f.out, "HTTP/1.1 404", 12), 0);
	fini(&f);
}

/* A request over a socket pair in one thread, every allocation failing in turn. */
struct oom_state {
	unsigned answered;
	unsigned closed;
	bool upgrade;
	int rc;
	struct rp_loop *loop;
};

static void oom_request(void *ctx, struct rp_http_req *req)
{
	struct oom_state *o = ctx;
	o->answered++;
	if (!o->upgrade) {
		int rc = rp_http_req_add_header(req, "X-A", "b");
		o->rc = rc;
		rp_http_reply(req, 200, "text/plain", "hello", 5);
		return;
	}
	struct rp_stream *s;
	uint8_t *early;
	size_t early_n;
	o->rc = rp_http_upgrade(req, "rport-v1", &s, &early, &early_n);
	if (o->rc == 0) {
		rp_free(early);
		rp_stream_close_flush(s, 100);
		o->closed++;
		rp_loop_stop(o->loop);
	}
}

static void oom_closed(void *ctx, struct rp_http_conn *conn)
{
	struct oom_state *o = ctx;
	(void)conn;
	o->closed++;
	rp_loop_stop(o->loop);
}

static int oom_body(void *state)
{
	static const struct rp_http_server_ops ops = {
	    .on_request = oom_request,
	    .on_conn_closed = oom_closed,
	};
	static const char *const text[] = {
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	    WS_HEAD("/", KEY) "early",
	};
	struct oom_state o = {.upgrade = state != NULL};
	struct rp_http_server_options opt = {.body_max = 10};
	struct rp_http_conn *conn;
	int fd[2];
	int rc = rp_loop_new(&o.loop, "test");
	if (rc != 0) {
		return rc;
	}
	rc = rp_net_pair(AF_INET, fd);
	if (rc == 0) {
		(void)!write(fd[1], text[o.upgrade], strlen(text[o.upgrade]));
		(void)shutdown(fd[1], SHUT_WR);
		rc = rp_http_conn_new(o.loop, fd[0], &opt, &ops, &o, &conn);
	}
	if (rc != 0) {
		rp_loop_stop(o.loop);
	}
	rp_loop_run(o.loop);
	rp_loop_free(o.loop);
	char out[512] = "";
	ssize_t n = recv(fd[1], out, sizeof(out) - 1, 0);
	close(fd[1]);
	if (rc == 0 && o.closed != 1) {
		return RP_EIO;
	}
	rc = rc == 0 ? o.rc : rc;
	/* Without memory the answer may be missing, or be 500. */
	bool ok = n > 0 && (strstr(out, " 200 ") != NULL || strstr(out, " 101 ") != NULL);
	return rc != 0 ? rc : ok ? 0 : RP_ENOMEM;
}

static void test_oom(void **state)
{
	(void)state;
	bool upgrade = true; /* only its address matters */
	assert_int_equal(oom_body(NULL), 0);
	assert_int_equal(oom_body(&upgrade), 0);
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
	assert_int_equal(rp_oom_run(oom_body, &upgrade), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_pipelining),
	    cmocka_unit_test(test_answers_back_up),
	    cmocka_unit_test(test_bad_requests),
	    cmocka_unit_test(test_endless_head),
	    cmocka_unit_test(test_body_limit_of_request),
	    cmocka_unit_test(test_deadlines),
	    cmocka_unit_test(test_slow_reader),
	    cmocka_unit_test(test_peer_gone),
	    cmocka_unit_test(test_upgrade),
	    cmocka_unit_test(test_upgrade_refused),
	    cmocka_unit_test(test_curl),
	    cmocka_unit_test(test_curl_tls),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_oom),
	};
	alarm(120);
	(void)signal(SIGPIPE, SIG_IGN);
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
