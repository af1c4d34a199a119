/* SPDX-License-Identifier: MIT */
/*
 * An outgoing connection and the scripted server or proxy, in another thread, that it reaches; to
 * be included by the only file of a test program.
 */
#ifndef RP_TEST_LIB_DIAL_SHORT_H
#define RP_TEST_LIB_DIAL_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/alloc.h"
#include "http/dial.h"
#include "http/wskey.h"
#include "test/lib/net.h"

#define SEEN_MAX 4096

/* One exchange of a scripted peer: waits until it has got `expect` bytes or a line end, then
 * answers. */
struct step {
	size_t expect;      /* bytes to read, 0 = up to an empty line */
	const char *answer; /* "%s" in it is the accept key */
	size_t answer_n;    /* 0 = text */
};

/* What a test sets up and what comes of it. */
struct fixture {
	struct rp_loop *loop;
	struct rp_dial *dial;
	struct rp_dial_options opt;
	struct rp_url url;
	struct rp_url proxy;
	struct rp_strmap headers;
	unsigned done;
	int code;
	struct rp_err err;
	unsigned status; /* of the head */
	char early[64];
	size_t early_n;
	struct rp_stream *stream;
	/* Scripted peer. */
	int listener;
	uint16_t port;
	const struct step *steps;
	size_t n_steps;
	uv_thread_t thread;
	char seen[SEEN_MAX];
	size_t seen_n;
};

static inline void read_step(struct fixture *f, int fd, size_t expect)
{
	size_t start = f->seen_n;
	while (f->seen_n < SEEN_MAX - 1) {
		bool enough = expect > 0
		    ? f->seen_n - start >= expect
		    : f->seen_n - start >= 4 && strstr(f->seen + start, "\r\n\r\n") != NULL;
		if (enough) {
			return;
		}
		/* One byte at a time: the next step's bytes stay where they are. */
		ssize_t n = recv(fd, f->seen + f->seen_n, 1, 0);
		if (n <= 0) {
			return;
		}
		f->seen_n++;
		f->seen[f->seen_n] = '\0';
	}
}

static inline void answer_step(struct fixture *f, int fd, const struct step *step)
{
	char text[1024];
	const char *p = step->answer;
	size_t n = step->answer_n;
	if (n == 0) {
		char key[32] = "";
		/* What a SOCKS proxy has seen has NUL bytes in it. */
		const char *at = memmem(f->seen, f->seen_n, "Sec-WebSocket-Key: ", 19);
		if (at != NULL) {
			(void)sscanf(at + 19, "%31s", key);
		}
		char *accept = rp_wskey_accept(key);
		const char *mark = strstr(p, "%s");
		size_t before = mark == NULL ? strlen(p) : (size_t)(mark - p);
		(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)before, p,
		    mark == NULL ? "" : accept, mark == NULL ? "" : mark + 2);
		rp_free(accept);
		p = text;
		n = strlen(text);
	}
	(void)!send(fd, p, n, MSG_NOSIGNAL);
}

static inline void peer_main(void *arg)
{
	struct fixture *f = arg;
	int fd = accept(f->listener, NULL, NULL);
	for (size_t i = 0; i < f->n_steps; i++) {
		read_step(f, fd, f->steps[i].expect);
		if (f->steps[i].answer != NULL) {
			answer_step(f, fd, &f->steps[i]);
		}
	}
	(void)shutdown(fd, SHUT_WR);
	char rest[256];
	while (recv(fd, rest, sizeof(rest), 0) > 0) {
	}
	close(fd);
}

static inline void on_stream_closed(void *ctx)
{
	(void)ctx;
}

static const struct rp_stream_ops stream_ops = {.on_closed = on_stream_closed};

static inline void on_done(void *ctx, int code, struct rp_stream *stream, uint8_t *early,
    size_t early_n, const struct rp_http_head *head, const struct rp_err *err)
{
	struct fixture *f = ctx;
	f->done++;
	f->code = code;
	f->status = head == NULL ? 0 : head->status;
	if (code == 0) {
		assert_null(err);
		assert_non_null(stream);
		rp_stream_set_ops(stream, &stream_ops, f);
		f->early_n = RP_MIN(early_n, sizeof(f->early));
		memcpy(f->early, early == NULL ? (const uint8_t *)"" : early, f->early_n);
		rp_stream_close(stream);
	} else {
		assert_null(stream);
		assert_int_equal(err->code, code);
		f->err = *err;
	}
	rp_free(early);
	rp_loop_stop(f->loop);
}

/* url and proxy with %u for the port of the scripted peer; proxy may be NULL. */
static inline void init(struct fixture *f, const char *url, const char *proxy)
{
	char text[256];
	*f = (struct fixture){.opt = {.timeout_ms = 5000, .user_agent = "rport test"}};
	f->opt.protocol = "rport-v1";
	f->listener = rp_net_listen(&f->port);
	assert_true(f->listener >= 0);
	const char *mark = strstr(url, "%u");
	(void)snprintf(text, sizeof(text), "%s", url);
	if (mark != NULL) {
		(void)snprintf(
		    text, sizeof(text), "%.*s%u%s", (int)(mark - url), url, f->port, mark + 2);
	}
	assert_int_equal(rp_url_parse(text, &f->url, NULL), 0);
	f->opt.url = &f->url;
	if (proxy != NULL) {
		(void)snprintf(text, sizeof(text), "%s:%u", proxy, f->port);
		assert_int_equal(rp_url_parse_proxy(text, &f->proxy, NULL), 0);
		f->opt.proxy = &f->proxy;
	}
	assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
}

static inline void run_dial(struct fixture *f)
{
	assert_int_equal(rp_dial_start(f->loop, &f->opt, on_done, f, &f->dial), 0);
	assert_int_equal(f->done, 0);
	rp_loop_run(f->loop);
	assert_int_equal(f->done, 1);
}

static inline void fini(struct fixture *f)
{
	rp_loop_free(f->loop);
	close(f->listener);
	rp_url_fini(&f->url);
	rp_url_fini(&f->proxy);
	rp_strmap_fini(&f->headers);
}

/* Dials with the scripted peer at the other end. */
static inline void run_script(struct fixture *f, const struct step *steps, size_t n)
{
	f->steps = steps;
	f->n_steps = n;
	assert_int_equal(uv_thread_create(&f->thread, peer_main, f), 0);
	run_dial(f);
	assert_int_equal(uv_thread_join(&f->thread), 0);
}

#define SWITCH                                                                              \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: %s\r\n"

/* The request as wire protocol 1.2 shows it, with key replaced. */
static inline void check_request(struct fixture *f, const char *expected)
{
	char *key = strstr(f->seen, "Sec-WebSocket-Key: ");
	assert_non_null(key);
	key += 19;
	char *end = strstr(key, "\r\n");
	assert_non_null(end);
	assert_int_equal(end - key, 24);
	memmove(key + 3, end, strlen(end) + 1);
	memcpy(key, "KEY", 3);
	char text[SEEN_MAX];
	const char *mark = strstr(expected, "PORT");
	if (mark != NULL) {
		(void)snprintf(text, sizeof(text), "%.*s%u%s", (int)(mark - expected), expected,
		    f->port, mark + 4);
		expected = text;
	}
	assert_string_equal(f->seen, expected);
}

#endif
