/* SPDX-License-Identifier: MIT */
/*
 * Visitors and targets of a tunnel with an HTTP proxy before it, for the threads of a test; to be
 * included by the only file of a test program.
 */
#ifndef RP_TEST_LIB_WEB_SHORT_H
#define RP_TEST_LIB_WEB_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/lib/tunnel_rig.h"

/* Test threads report by this: cmocka's assertions belong to the main thread. */
#define CHECK(expr) RP_VERIFY(expr)

/* What the target sees of a request without headers of its own. */
#define SEEN(line)                                                    \
	line " HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 127.0.0.1\r\n" \
	     "X-Forwarded-Proto: https\r\nX-Forwarded-Host: h\r\n"
#define GET_A   "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define SEEN_A  SEEN("GET /a") "\r\n"
#define ASK_WS  "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define SEEN_WS SEEN("GET /ws") "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define SWITCH \
	"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

static const struct rp_web_settings no_tls;

static inline void go(const struct rp_rig_options *opt, void (*scenario)(struct rp_rig *rig))
{
	struct rp_rig_options o = *opt;
	struct rp_rig rig;
	o.web = o.web != NULL ? o.web : &no_tls;
	o.scheme = o.scheme != NULL ? o.scheme : "http";
	assert_int_equal(rp_rig_init(&rig, &o), 0);
	rp_rig_run(&rig, scenario);
	assert_null(rp_pair_trouble(&rig.pair));
	rp_rig_fini(&rig);
}

static inline void go_plain(void (*scenario)(struct rp_rig *rig))
{
	go(&(struct rp_rig_options){.web = &no_tls}, scenario);
}

static inline bool say(int fd, const char *text)
{
	return rp_rig_write_all(fd, text, strlen(text));
}

/* The next bytes are these. */
static inline bool hear(int fd, const char *text)
{
	char buf[4096];
	size_t n = strlen(text);
	CHECK(n < sizeof(buf));
	long got = rp_rig_read_all(fd, buf, n);
	if (got != (long)n || memcmp(buf, text, n) != 0) {
		(void)fprintf(
		    stderr, "# wanted: %s\n# heard:  %.*s\n", text, (int)RP_MAX(got, 0L), buf);
		return false;
	}
	return true;
}

/* The end of the connection, cleanly or not, and nothing before it. */
static inline bool hear_end(int fd)
{
	char c;
	return rp_rig_read_all(fd, &c, 1) <= 0;
}

static inline int visit(struct rp_rig *rig, const char *request)
{
	int fd = rp_rig_connect(rig);
	CHECK(fd >= 0 && say(fd, request));
	return fd;
}

/* The target's side of a request. */
static inline int serve(struct rp_rig *rig, const char *request)
{
	int fd = rp_rig_accept(rig);
	CHECK(fd >= 0 && hear(fd, request));
	return fd;
}

static inline void hang_up(int a, int b)
{
	(void)close(a);
	(void)close(b);
}

#endif
