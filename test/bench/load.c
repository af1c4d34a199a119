/* SPDX-License-Identifier: MIT */
/*
 * Load and measurement for test/bench/run, on loopback. Plain sockets, nothing of the project.
 *
 *   load port                               prints a port that is free now
 *   load serve                              echo server; prints its port
 *   load echo PORT SECONDS                  64 bytes and back; prints p50 p99 max in us, and count
 *   load connect PORT SECONDS N             N at a time: connect, a byte and back, close; prints
 *                                           how many in a second
 *   load http PORT PATH USER:PASSWORD SECONDS N
 *                                           N kept-alive connections; prints answers in a second
 *
 * Status 1 and a line on stderr when the other side does not do its part.
 */
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "test/bench/tool.h"

#define ECHO_BYTES  64
#define SAMPLES_MAX (1u << 20)
#define SLOTS_MAX   1024u
#define EVENTS      64

const char tool_name[] = "load";

/* --- echo server --- */

static void accept_all(int epoll, int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			return;
		}
		no_delay(fd);
		watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, (uint32_t)fd);
	}
}

static void echo_back(int fd)
{
	static char b[65536];
	ssize_t n = recv(fd, b, sizeof(b), 0);
	if (n <= 0 || send(fd, b, (size_t)n, MSG_NOSIGNAL) != n) {
		(void)close(fd);
	}
}

static _Noreturn void serve(void)
{
	uint16_t port;
	int listener = listen_any(&port);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, (uint32_t)listener);
	say_port(port);
	for (;;) {
		struct epoll_event e[EVENTS];
		int n = epoll_wait(epoll, e, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (e[i].data.u32 == (uint32_t)listener) {
				accept_all(epoll, listener);
			} else {
				echo_back((int)e[i].data.u32);
			}
		}
	}
}

/* --- echo client --- */

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void round_trip(int fd)
{
	char b[ECHO_BYTES] = {0};
	if (send(fd, b, sizeof(b), MSG_NOSIGNAL) != (ssize_t)sizeof(b) ||
	    recv(fd, b, sizeof(b), MSG_WAITALL) != (ssize_t)sizeof(b)) {
		fail("echo");
	}
}

static int echo(const char *port, const char *seconds)
{
	static uint32_t us[SAMPLES_MAX];
	struct sockaddr_in a = loopback(port_of(port));
	struct timeval limit = {.tv_sec = SILENCE_MS / 1000};
	int fd = new_socket(0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		fail("connect");
	}
	round_trip(fd);
	size_t n = 0;
	for (uint64_t end = deadline(seconds); n < SAMPLES_MAX && now_ns() < end; n++) {
		uint64_t start = now_ns();
		round_trip(fd);
		us[n] = (uint32_t)((now_ns() - start) / 1000);
	}
	if (n == 0) {
		fail("echo: no time");
	}
	qsort(us, n, sizeof(us[0]), by_size);
	(void)printf("%u %u %u %zu\n", us[n / 2], us[n - 1 - n / 100], us[n - 1], n);
	return 0;
}

/* --- many connections --- */

struct slot {
	int fd;
	size_t left; /* bytes of the answer still to come, 0 = none under way */
	size_t head; /* bytes of the answer's head in buf */
	char buf[2048];
};

struct crowd {
	struct slot slot[SLOTS_MAX];
	unsigned n;
	int epoll;
	struct sockaddr_in to;
	const char *request; /* NULL: a byte and back on a new connection each time */
	uint64_t done;
};

static void ask(struct crowd *c, struct slot *s)
{
	const char *p = c->request != NULL ? c->request : "x";
	size_t n = strlen(p);
	s->head = 0;
	s->left = 0;
	if (send(s->fd, p, n, MSG_NOSIGNAL) != (ssize_t)n) {
		fail("send");
	}
}

static void start(struct crowd *c, unsigned i)
{
	struct slot *s = &c->slot[i];
	s->fd = new_socket(SOCK_NONBLOCK);
	if (connect(s->fd, (struct sockaddr *)&c->to, sizeof(c->to)) != 0 && errno != EINPROGRESS) {
		fail("connect");
	}
	watch(c->epoll, EPOLL_CTL_ADD, s->fd, EPOLLOUT, i);
}

/* The head is complete in buf: how much follows it. */
static size_t body_left(struct slot *s, const char *end)
{
	if (strncmp(s->buf, "HTTP/1.1 200", 12) != 0) {
		(void)fprintf(stderr, "load: %.60s\n", s->buf);
		exit(1);
	}
	const char *length = strcasestr(s->buf, "\r\nContent-Length:");
	size_t body = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
	size_t have = s->head - (size_t)(end + 4 - s->buf);
	return body > have ? body - have : 0;
}

/* True: the answer is complete. */
static bool take_http(struct slot *s)
{
	char sink[65536];
	if (s->left > 0) {
		ssize_t n = recv(s->fd, sink, s->left < sizeof(sink) ? s->left : sizeof(sink), 0);
		if (n <= 0) {
			fail("answer");
		}
		s->left -= (size_t)n;
		return s->left == 0;
	}
	ssize_t n = recv(s->fd, s->buf + s->head, sizeof(s->buf) - 1 - s->head, 0);
	if (n <= 0) {
		fail("answer");
	}
	s->head += (size_t)n;
	s->buf[s->head] = '\0';
	const char *end = strstr(s->buf, "\r\n\r\n");
	if (end == NULL) {
		return false;
	}
	s->left = body_left(s, end);
	return s->left == 0;
}

static void on_event(struct crowd *c, unsigned i, uint32_t events)
{
	struct slot *s = &c->slot[i];
	if ((events & EPOLLOUT) != 0) {
		watch(c->epoll, EPOLL_CTL_MOD, s->fd, EPOLLIN, i);
		ask(c, s);
		return;
	}
	if (c->request != NULL) {
		if (take_http(s)) {
			c->done++;
			ask(c, s);
		}
		return;
	}
	char b;
	if (recv(s->fd, &b, 1, 0) != 1) {
		fail("byte and back");
	}
	c->done++;
	(void)close(s->fd);
	start(c, i);
}

static int crowd(const char *port, const char *request, const char *seconds, const char *n)
{
	static struct crowd c;
	c.to = loopback(port_of(port));
	c.request = request;
	c.n = (unsigned)strtoul(n, NULL, 10);
	c.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c.n == 0 || c.n > SLOTS_MAX) {
		fail("number of connections");
	}
	uint64_t begin = now_ns();
	uint64_t end = deadline(seconds);
	for (unsigned i = 0; i < c.n; i++) {
		start(&c, i);
	}
	while (now_ns() < end) {
		struct epoll_event e[EVENTS];
		int got = epoll_wait(c.epoll, e, EVENTS, SILENCE_MS);
		if (got == 0) {
			fail_silence("no answer");
		}
		for (int i = 0; i < got; i++) {
			on_event(&c, e[i].data.u32, e[i].events);
		}
	}
	(void)printf("%.0f\n", (double)c.done * 1e9 / (double)(now_ns() - begin));
	return 0;
}

static void base64(const char *in, char *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(in);
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)(unsigned char)in[i] << 16;
		v |= i + 1 < n ? (uint32_t)(unsigned char)in[i + 1] << 8 : 0;
		v |= i + 2 < n ? (uint32_t)(unsigned char)in[i + 2] : 0;
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = '=';
		*out++ = '=';
		if (i + 1 < n) {
			out[-2] = digits[v >> 6 & 63];
		}
		if (i + 2 < n) {
			out[-1] = digits[v & 63];
		}
	}
	*out = '\0';
}

static int http(char **arg)
{
	char auth[512];
	char request[1024];
	if (strlen(arg[2]) > 300 || strlen(arg[1]) > 300) {
		fail("arguments too long");
	}
	base64(arg[2], auth);
	(void)snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic %s\r\n\r\n", arg[1], auth);
	return crowd(arg[0], request, arg[3], arg[4]);
}

static int free_port(void)
{
	uint16_t port;
	(void)close(listen_any(&port));
	say_port(port);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	(void)signal(SIGPIPE, SIG_IGN);
	if (strcmp(what, "port") == 0) {
		return free_port();
	}
	if (strcmp(what, "serve") == 0) {
		serve();
	}
	if (strcmp(what, "echo") == 0 && argc == 4) {
		return echo(argv[2], argv[3]);
	}
	if (strcmp(what, "connect") == 0 && argc == 5) {
		return crowd(argv[2], NULL, argv[3], argv[4]);
	}
	if (strcmp(what, "http") == 0 && argc == 7) {
		return http(argv + 2);
	}
	(void)fprintf(stderr, "usage: see the head of test/bench/load.c\n");
	return 2;
}
