/* SPDX-License-Identifier: MIT */
/*
 * What the programs of test/bench share: plain sockets on loopback, the clock, giving up. Nothing
 * of the project is in it, so that the measuring stands on its own.
 */
#ifndef RP_TEST_BENCH_TOOL_H
#define RP_TEST_BENCH_TOOL_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Nobody needs longer for an answer. */
#define SILENCE_MS 10000
#define NS_IN_S    UINT64_C(1000000000)

/* The name of the program in its messages; each defines it. */
extern const char tool_name[];

/* A line with errno's text on stderr, then the end with status 1. */
static inline _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "%s: %s: %s\n", tool_name, what, strerror(errno));
	exit(1);
}

static inline _Noreturn void fail_silence(const char *what)
{
	errno = ETIMEDOUT;
	fail(what);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_IN_S + (uint64_t)t.tv_nsec;
}

/* The time that many seconds from now; the text of a number, also with a fraction. */
static inline uint64_t deadline(const char *seconds)
{
	return now_ns() + (uint64_t)(strtod(seconds, NULL) * (double)NS_IN_S);
}

static inline uint16_t port_of(const char *text)
{
	return (uint16_t)strtoul(text, NULL, 10);
}

static inline struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static inline void no_delay(int fd)
{
	int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* A TCP socket; flags may be SOCK_NONBLOCK. Does not return without one. */
static inline int new_socket(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0) {
		fail("socket");
	}
	no_delay(fd);
	return fd;
}

/* Listens on a free port of 127.0.0.1, without blocking. */
static inline int listen_any(uint16_t *port)
{
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);
	int fd = new_socket(SOCK_NONBLOCK);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
		fail("listen");
	}
	*port = ntohs(a.sin_port);
	return fd;
}

/* For the shell that waits for it. */
static inline void say_port(uint16_t port)
{
	(void)printf("%u\n", (unsigned)port);
	(void)fflush(stdout);
}

static inline void watch(int epoll, int op, int fd, uint32_t events, uint32_t id)
{
	struct epoll_event e = {.events = events, .data.u32 = id};
	if (epoll_ctl(epoll, op, fd, &e) != 0) {
		fail("epoll_ctl");
	}
}

#endif
