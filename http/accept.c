/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets (http/accept.h). The socket is our own and only watched by libuv, so that the
 * descriptors it gives can be handed to any loop.
 */
#include "http/accept.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/str.h"

#include "core/banned.h"

#define BACKLOG 1024
/* Connections per turn, so that a flood of them does not keep the others waiting. */
#define ACCEPT_MAX    64
#define PAUSE_MS      100
#define HOST_MAX      256
#define PORT_TEXT_MAX 8

/* A host name has at most 253 characters. */
#define ADDRESS_MAX 272

struct rp_acceptor {
	const struct rp_acceptor_ops *ops;
	void *ctx;
	int fd;
	uint16_t port;
	char address[ADDRESS_MAX]; /* as given, with the real port */
	unsigned handles;
	bool closing;
	bool short_of_fds; /* was logged, nothing was accepted since */
	uv_poll_t poll;
	uv_timer_t pause;
};

struct target {
	struct sockaddr_storage sa;
	socklen_t len;
	bool any; /* every address of both families */
};

static void on_handle_closed(uv_handle_t *h)
{
	struct rp_acceptor *a = h->data;
	if (--a->handles > 0) {
		return;
	}
	if (a->ops != NULL && a->ops->on_closed != NULL) {
		a->ops->on_closed(a->ctx);
	}
	rp_free(a);
}

void rp_acceptor_close(struct rp_acceptor *a)
{
	if (a->closing) {
		return;
	}
	a->closing = true;
	uv_close((uv_handle_t *)&a->poll, on_handle_closed);
	uv_close((uv_handle_t *)&a->pause, on_handle_closed);
	close(a->fd);
	a->fd = -1;
}

static void on_ready(uv_poll_t *h, int status, int events);

static void on_pause_over(uv_timer_t *t)
{
	struct rp_acceptor *a = t->data;
	(void)uv_poll_start(&a->poll, UV_READABLE, on_ready);
}

static void take_break(struct rp_acceptor *a, int code)
{
	if (!a->short_of_fds) {
		a->short_of_fds = true;
		rp_log_error("listener", "accept: %s; connections have to wait", rp_err_text(code));
	}
	(void)uv_poll_stop(&a->poll);
	(void)uv_timer_start(&a->pause, on_pause_over, PAUSE_MS, 0);
}

/* ::ffff:192.0.2.1 becomes 192.0.2.1. */
static void unmap(struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	if (sa->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		return;
	}
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = v6->sin6_port};
	memcpy(&v4.sin_addr, v6->sin6_addr.s6_addr + 12, sizeof(v4.sin_addr));
	memset(sa, 0, sizeof(*sa));
	memcpy(sa, &v4, sizeof(v4));
}

/* False when there is nothing more to accept for now. */
static bool accept_one(struct rp_acceptor *a)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	int fd = accept4(a->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		a->short_of_fds = false;
		unmap(&sa);
		a->ops->on_accept(a->ctx, fd, (const struct sockaddr *)&sa);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		take_break(a, uv_translate_sys_error(errno));
		return false;
	default:
		return true; /* this one connection failed */
	}
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct rp_acceptor *a = h->data;
	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPT_MAX && !a->closing; i++) {
		if (!accept_one(a)) {
			break;
		}
	}
}

static bool is_any(const char *host)
{
	return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* "host:port", "[host]:port", ":port" */
static int split_address(const char *address, char host[HOST_MAX], uint16_t *port)
{
	const char *colon = strrchr(address, ':');
	if (colon == NULL || rp_str_port(rp_str_c(colon + 1), port) != 0) {
		return RP_EINVAL;
	}
	struct rp_str h = rp_str_n(address, (size_t)(colon - address));
	if (h.len >= 2 && h.p[0] == '[' && h.p[h.len - 1] == ']') {
		h = rp_str_n(h.p + 1, h.len - 2);
	} else if (h.len > 0 && memchr(h.p, ':', h.len) != NULL) {
		return RP_EINVAL;
	}
	if (h.len >= HOST_MAX) {
		return RP_EINVAL;
	}
	memcpy(host, h.p, h.len);
	host[h.len] = '\0';
	return 0;
}

static int resolve(const char *host, uint16_t port, struct target *t)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *list;
	char service[PORT_TEXT_MAX];
	(void)snprintf(service, sizeof(service), "%u", (unsigned)port);
	int rc = getaddrinfo(host, service, &hints, &list);
	if (rc != 0) {
		return rc == EAI_MEMORY ? RP_ENOMEM : UV_EAI_NONAME;
	}
	memcpy(&t->sa, list->ai_addr, list->ai_addrlen);
	t->len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

static int find_target(const char *address, struct target *t)
{
	char host[HOST_MAX];
	uint16_t port;
	*t = (struct target){0};
	int rc = split_address(address, host, &port);
	if (rc != 0) {
		return rc;
	}
	if (!is_any(host)) {
		return resolve(host, port, t);
	}
	struct sockaddr_in6 v6 = {
	    .sin6_family = AF_INET6,
	    .sin6_port = htons(port),
	    .sin6_addr = IN6ADDR_ANY_INIT,
	};
	memcpy(&t->sa, &v6, sizeof(v6));
	t->len = sizeof(v6);
	t->any = true;
	return 0;
}

static int open_socket(const struct target *t)
{
	int fd = socket(t->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return uv_translate_sys_error(errno);
	}
	int on = 1;
	int v6_only = t->any ? 0 : 1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (t->sa.ss_family == AF_INET6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
	}
	if (bind(fd, (const struct sockaddr *)&t->sa, t->len) == 0 && listen(fd, BACKLOG) == 0) {
		return fd;
	}
	int rc = uv_translate_sys_error(errno);
	close(fd);
	return rc;
}

/* The descriptor, or a negative code. */
static int listen_on(const char *address)
{
	struct target t;
	int rc = find_target(address, &t);
	if (rc != 0) {
		return rc;
	}
	int fd = open_socket(&t);
	if (!t.any || (fd != UV_EAFNOSUPPORT && fd != UV_EADDRNOTAVAIL)) {
		return fd;
	}
	/* A machine without IPv6. */
	struct sockaddr_in v4 = {
	    .sin_family = AF_INET,
	    .sin_port = ((const struct sockaddr_in6 *)&t.sa)->sin6_port,
	};
	memset(&t.sa, 0, sizeof(t.sa));
	memcpy(&t.sa, &v4, sizeof(v4));
	t.len = sizeof(v4);
	return open_socket(&t);
}

/* The port stands at the same place in addresses of both families. */
static uint16_t real_port(int fd)
{
	struct sockaddr_in6 sa = {0};
	socklen_t len = sizeof(sa);
	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 ? ntohs(sa.sin6_port) : 0;
}

/* Takes a->fd into the loop. */
static int watch(struct rp_acceptor *a, uv_loop_t *loop)
{
	int rc = uv_poll_init(loop, &a->poll, a->fd);
	if (rc != 0) {
		close(a->fd);
		rp_free(a);
		return rc;
	}
	(void)uv_timer_init(loop, &a->pause);
	a->poll.data = a;
	a->pause.data = a;
	a->handles = 2;
	rc = uv_poll_start(&a->poll, UV_READABLE, on_ready);
	if (rc != 0) {
		rp_acceptor_close(a); /* without ops: nobody is told */
	}
	return rc;
}

static int start(struct rp_loop *loop, const char *address, struct rp_acceptor **out)
{
	int fd = listen_on(address);
	if (fd < 0) {
		return fd;
	}
	struct rp_acceptor *a = rp_calloc(1, sizeof(*a));
	if (a == NULL) {
		close(fd);
		return RP_ENOMEM;
	}
	a->fd = fd;
	a->port = real_port(fd);
	*out = a;
	return watch(a, rp_loop_uv(loop));
}

int rp_acceptor_new(struct rp_loop *loop, const char *address, const struct rp_acceptor_ops *ops,
    void *ctx, struct rp_acceptor **out, struct rp_err *err)
{
	struct rp_acceptor *a = NULL;
	*out = NULL;
	int rc = start(loop, address, &a);
	if (rc != 0) {
		const char *text = rc == RP_EINVAL ? "expected host:port" : rp_err_text(rc);
		return rp_err_set(err, rc, "listen %s: %s", address, text);
	}
	a->ops = ops;
	a->ctx = ctx;
	const char *colon = strrchr(address, ':');
	int host_len = colon == NULL ? 0 : (int)(colon - address);
	(void)snprintf(a->address, sizeof(a->address), "%.*s:%u", host_len, address, a->port);
	*out = a;
	return 0;
}

static const char *remedy(int code)
{
	switch (code) {
	case UV_EADDRINUSE:
		return "; stop the program that has it, or choose another address";
	case UV_EADDRNOTAVAIL:
		return "; choose an address that this machine has, or 0.0.0.0 for all of them";
	case UV_EACCES:
		return "; ports below 1024 need CAP_NET_BIND_SERVICE: grant it, or choose another port";
	default:
		return "";
	}
}

int rp_acceptor_explain(struct rp_err *err, const char *setting)
{
	const struct rp_err old = *err;
	return rp_err_set(err, old.code, "%s: %s%s", setting, old.msg, remedy(old.code));
}

const char *rp_acceptor_address(const struct rp_acceptor *a)
{
	return a->address;
}

uint16_t rp_acceptor_port(const struct rp_acceptor *a)
{
	return a->port;
}
