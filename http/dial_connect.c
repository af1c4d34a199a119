/* SPDX-License-Identifier: MIT */
/*
 * Name resolution and the race of addresses (after RFC 8305): families alternate, the next address
 * starts when one has failed or after 250 ms, the first that connects wins.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "http/dial_int.h"

#include "core/banned.h"

#define STAGGER_MS       250
#define ADDRESS_TEXT_MAX (INET6_ADDRSTRLEN + 16)
#define SERVICE_TEXT_MAX 8

/* One connect(2) under way. */
struct attempt {
	struct rp_list node;
	struct rp_dial *d;
	uv_poll_t poll;
	int fd; /* -1 = given away or closed */
	char text[ADDRESS_TEXT_MAX];
};

static void try_next(struct rp_dial *d);

static socklen_t address_len(const struct sockaddr_storage *sa)
{
	return sa->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static void address_text(const struct sockaddr_storage *sa, char text[ADDRESS_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN] = "";
	if (sa->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
		(void)inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip));
		(void)snprintf(
		    text, ADDRESS_TEXT_MAX, "[%s]:%u", ip, (unsigned)ntohs(v6->sin6_port));
	} else {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
		(void)inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip));
		(void)snprintf(text, ADDRESS_TEXT_MAX, "%s:%u", ip, (unsigned)ntohs(v4->sin_port));
	}
}

static void on_attempt_closed(uv_handle_t *h)
{
	struct attempt *a = h->data;
	struct rp_dial *d = a->d;
	rp_list_remove(&a->node);
	rp_free(a);
	rp_dial_maybe_free(d);
}

/* The watcher must let go of the descriptor before anybody else gets or closes it. */
static int attempt_end(struct attempt *a)
{
	int fd = a->fd;
	if (fd >= 0) {
		a->fd = -1;
		(void)uv_poll_stop(&a->poll);
		uv_close((uv_handle_t *)&a->poll, on_attempt_closed);
	}
	return fd;
}

void rp_dial_connect_cancel(struct rp_dial *d)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (d->resolving) {
		(void)uv_cancel((uv_req_t *)&d->resolve);
	}
	RP_LIST_FOREACH(it, tmp, &d->attempts) {
		int fd = attempt_end(RP_LIST_ENTRY(it, struct attempt, node));
		if (fd >= 0) {
			close(fd);
		}
	}
}

static bool any_attempt(struct rp_dial *d)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &d->attempts) {
		if (RP_LIST_ENTRY(it, struct attempt, node)->fd >= 0) {
			return true;
		}
	}
	return false;
}

static void won(struct rp_dial *d, struct attempt *a)
{
	int fd = attempt_end(a);
	rp_dial_connect_cancel(d);
	(void)uv_timer_stop(&d->stagger);
	rp_dial_connected(d, fd);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct attempt *a = h->data;
	struct rp_dial *d = a->d;
	(void)events;
	int error = 0;
	socklen_t len = sizeof(error);
	/* libuv reports every failed connect as UV_EBADF; the socket knows better. */
	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
		error = errno;
	}
	int code = error != 0 ? uv_translate_sys_error(error) : status;
	if (code == 0) {
		won(d, a);
		return;
	}
	(void)rp_err_set(&d->attempt_err, code, "connect to %s: %s", a->text, rp_err_text(code));
	close(attempt_end(a));
	try_next(d);
}

/* An address that is good only on its own link does not reach another network. */
static bool fits(const struct sockaddr *own, const struct sockaddr_storage *sa)
{
	if (own->sa_family != AF_INET6) {
		return true;
	}
	const struct sockaddr_in6 *from = (const struct sockaddr_in6 *)(const void *)own;
	const struct sockaddr_in6 *to = (const struct sockaddr_in6 *)sa;
	return IN6_IS_ADDR_LINKLOCAL(&from->sin6_addr) == IN6_IS_ADDR_LINKLOCAL(&to->sin6_addr);
}

/* Where there are two ways to the server the address alone does not choose the interface. A
 * loopback or dummy interface has an address for others: nothing leaves the machine there. Without
 * the right to bind (Linux before 5.7) it stays with the address. */
static void keep_to(int fd, const struct ifaddrs *i)
{
	bool dummy = (i->ifa_flags & IFF_NOARP) != 0 && (i->ifa_flags & IFF_POINTOPOINT) == 0;
	if ((i->ifa_flags & IFF_LOOPBACK) == 0 && !dummy) {
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_BINDTODEVICE, i->ifa_name, (socklen_t)strlen(i->ifa_name));
	}
}

/* Binds to the interface's first address of the family that fits, port 0. */
static int bind_to(int fd, const char *interface, const struct sockaddr_storage *to)
{
	struct ifaddrs *list;
	if (getifaddrs(&list) != 0) {
		return uv_translate_sys_error(errno);
	}
	int rc = UV_EADDRNOTAVAIL;
	for (struct ifaddrs *i = list; i != NULL && rc == UV_EADDRNOTAVAIL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != to->ss_family ||
		    strcmp(i->ifa_name, interface) != 0 || !fits(i->ifa_addr, to)) {
			continue;
		}
		struct sockaddr_storage sa = {0};
		socklen_t len = address_len(to);
		memcpy(&sa, i->ifa_addr, len);
		rc = bind(fd, (const struct sockaddr *)&sa, len) == 0
		    ? 0
		    : uv_translate_sys_error(errno);
		keep_to(fd, i);
	}
	freeifaddrs(list);
	return rc;
}

/* Starts connect(2); the descriptor or a negative code. */
static int open_socket(struct rp_dial *d, const struct sockaddr_storage *sa)
{
	int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return uv_translate_sys_error(errno);
	}
	int limit_ms = (int)d->opt.stream.user_timeout_ms;
	if (limit_ms > 0) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
	}
	int rc = 0;
	if (d->opt.bind_interface != NULL) {
		rc = bind_to(fd, d->opt.bind_interface, sa);
	}
	if (rc == 0 && connect(fd, (const struct sockaddr *)sa, address_len(sa)) != 0 &&
	    errno != EINPROGRESS) {
		rc = uv_translate_sys_error(errno);
	}
	if (rc != 0) {
		close(fd);
		return rc;
	}
	return fd;
}

static int attempt_start(struct rp_dial *d, const struct sockaddr_storage *sa)
{
	struct attempt *a = rp_calloc(1, sizeof(*a));
	if (a == NULL) {
		return RP_ENOMEM;
	}
	a->d = d;
	address_text(sa, a->text);
	int rc = open_socket(d, sa);
	if (rc < 0) {
		rp_free(a);
		return rc;
	}
	a->fd = rc;
	rc = uv_poll_init(rp_loop_uv(d->loop), &a->poll, a->fd);
	if (rc != 0) {
		close(a->fd);
		rp_free(a);
		return rc;
	}
	a->poll.data = a;
	rp_list_append(&d->attempts, &a->node);
	rc = uv_poll_start(&a->poll, UV_WRITABLE, on_poll);
	if (rc != 0) {
		close(attempt_end(a));
	}
	return rc;
}

static void on_stagger(uv_timer_t *t)
{
	try_next(t->data);
}

static void give_up(struct rp_dial *d)
{
	struct rp_err err = d->attempt_err;
	bool proxy = d->opt.proxy != NULL;
	rp_dial_fail(d, err.code, "%s%s", proxy ? "proxy: " : "", err.msg);
}

/* Starts the next address that can be started; without any left the last error is reported. */
static void try_next(struct rp_dial *d)
{
	while (d->next_address < d->n_addresses) {
		const struct sockaddr_storage *sa = &d->addresses[d->next_address++];
		int rc = attempt_start(d, sa);
		if (rc == 0) {
			(void)uv_timer_start(&d->stagger, on_stagger, STAGGER_MS, 0);
			return;
		}
		char text[ADDRESS_TEXT_MAX];
		address_text(sa, text);
		const char *from = d->opt.bind_interface;
		bool bound = rc == UV_EADDRNOTAVAIL && from != NULL;
		(void)rp_err_set(&d->attempt_err, rc, "connect to %s%s%s: %s", text,
		    bound ? " from interface " : "", bound ? from : "", rp_err_text(rc));
	}
	(void)uv_timer_stop(&d->stagger);
	if (!any_attempt(d)) {
		give_up(d);
	}
}

/* Takes the next address of a family (or of the other one, if other) from the list. */
static const struct addrinfo *next_of(const struct addrinfo *ai, int family, bool other)
{
	while (ai != NULL) {
		bool ip = ai->ai_family == AF_INET || ai->ai_family == AF_INET6;
		if (ip && (ai->ai_family == family) != other) {
			return ai;
		}
		ai = ai->ai_next;
	}
	return NULL;
}

static void take_address(struct rp_dial *d, const struct addrinfo **ai)
{
	if (*ai != NULL && d->n_addresses < RP_DIAL_ADDRESSES_MAX) {
		memcpy(&d->addresses[d->n_addresses++], (*ai)->ai_addr, (*ai)->ai_addrlen);
		*ai = (*ai)->ai_next;
	}
}

/* The resolver's order decides which family comes first. */
static void interleave(struct rp_dial *d, const struct addrinfo *list)
{
	int family = list->ai_family;
	const struct addrinfo *one = list;
	const struct addrinfo *two = list;
	while (d->n_addresses < RP_DIAL_ADDRESSES_MAX) {
		one = next_of(one, family, false);
		two = next_of(two, family, true);
		if (one == NULL && two == NULL) {
			break;
		}
		take_address(d, &one);
		take_address(d, &two);
	}
}

static const struct rp_url *first_hop(const struct rp_dial *d)
{
	return d->opt.proxy != NULL ? d->opt.proxy : d->opt.url;
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct rp_dial *d = req->data;
	d->resolving = false;
	if (d->phase == RP_DIAL_DONE) {
		uv_freeaddrinfo(list);
		rp_dial_maybe_free(d);
		return;
	}
	if (status == 0 && list != NULL) {
		interleave(d, list);
	}
	uv_freeaddrinfo(list);
	if (d->n_addresses == 0) {
		int code = status != 0 ? status : UV_EAI_NODATA;
		rp_dial_fail(d, code, "resolve %s: %s", first_hop(d)->host, rp_err_text(code));
		return;
	}
	d->phase = RP_DIAL_CONNECT;
	try_next(d);
}

/* An address needs no thread of the pool, which may be busy. */
static bool is_address(struct rp_dial *d, const struct rp_url *u)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(u->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(u->port)};
	if (inet_pton(AF_INET, u->host, &v4.sin_addr) == 1) {
		memcpy(&d->addresses[0], &v4, sizeof(v4));
	} else if (inet_pton(AF_INET6, u->host, &v6.sin6_addr) == 1) {
		memcpy(&d->addresses[0], &v6, sizeof(v6));
	} else {
		return false;
	}
	d->n_addresses = 1;
	return true;
}

void rp_dial_connect_start(struct rp_dial *d)
{
	const struct rp_url *u = first_hop(d);
	bool address = is_address(d, u);
	if (address && d->opt.family != 0 && d->addresses[0].ss_family != d->opt.family) {
		rp_dial_fail(d, UV_EAI_ADDRFAMILY, "connect to %s: %s", u->host,
		    rp_err_text(UV_EAI_ADDRFAMILY));
		return;
	}
	if (address) {
		d->phase = RP_DIAL_CONNECT;
		try_next(d);
		return;
	}
	struct addrinfo hints = {.ai_family = d->opt.family, .ai_socktype = SOCK_STREAM};
	char service[SERVICE_TEXT_MAX];
	(void)snprintf(service, sizeof(service), "%u", (unsigned)u->port);
	d->resolve.data = d;
	int rc = uv_getaddrinfo(
	    rp_loop_uv(d->loop), &d->resolve, on_resolved, u->host, service, &hints);
	if (rc != 0) {
		rp_dial_fail(d, rc, "resolve %s: %s", u->host, rp_err_text(rc));
		return;
	}
	d->resolving = true;
}
