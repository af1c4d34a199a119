/* SPDX-License-Identifier: MIT */
/*
 * Netlink messages only say that something may have changed: they are sent also for what is
 * refreshed, as addresses and routes of IPv6 are all the time. What counts is a comparison of all
 * addresses of interfaces that are up, and a default route that was added or removed.
 */
#include "client/netwatch.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/banned.h"

/* From the first report until all that belongs to the same change is there. */
#define SETTLE_MS 200
#define GROUPS                                                                       \
	(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | \
	    RTMGRP_IPV6_ROUTE)
#define REPORT_MAX 16384
#define READS_MAX  64
#define FNV_START  UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)

/* --- what there is --- */

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *bytes = p;
	for (size_t i = 0; i < n; i++) {
		h = (h ^ bytes[i]) * FNV_PRIME;
	}
	return h;
}

static bool is_running(const struct ifaddrs *i)
{
	return (i->ifa_flags & IFF_UP) != 0 && (i->ifa_flags & IFF_RUNNING) != 0;
}

static size_t address_of(const struct sockaddr *sa, const void **p)
{
	if (sa != NULL && sa->sa_family == AF_INET) {
		*p = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
		return sizeof(struct in_addr);
	}
	if (sa != NULL && sa->sa_family == AF_INET6) {
		*p = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
		return sizeof(struct in6_addr);
	}
	return 0;
}

/* In whatever order they are listed; an interface without a carrier counts as none. */
static uint64_t look(void)
{
	struct ifaddrs *list;
	uint64_t sum = 0;
	if (getifaddrs(&list) != 0) {
		return 0;
	}
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		const void *address = NULL;
		size_t n = address_of(i->ifa_addr, &address);
		if (n > 0 && is_running(i)) {
			sum += mix(mix(FNV_START, i->ifa_name, strlen(i->ifa_name)), address, n);
		}
	}
	freeifaddrs(list);
	return sum;
}

/* --- reports --- */

static bool is_default_route(const struct nlmsghdr *h)
{
	const struct rtmsg *r = NLMSG_DATA(h);
	bool route = h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_DELROUTE;
	return route && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*r)) && r->rtm_dst_len == 0 &&
	    r->rtm_type == RTN_UNICAST && (r->rtm_flags & RTM_F_CLONED) == 0;
}

static void take_report(struct rp_netwatch *w, const void *p, size_t n)
{
	unsigned left = (unsigned)n;
	for (const struct nlmsghdr *h = p; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		w->route = w->route || is_default_route(h);
	}
}

/* False when there is nothing more. */
static bool read_report(struct rp_netwatch *w)
{
	/* Netlink messages are aligned to 4. */
	uint32_t buf[REPORT_MAX / sizeof(uint32_t)];
	ssize_t n = recv(w->fd, buf, sizeof(buf), 0);
	if (n > 0) {
		take_report(w, buf, (size_t)n);
		return true;
	}
	if (n < 0 && errno == ENOBUFS) {
		/* Some were lost. */
		w->route = true;
		return true;
	}
	return false;
}

static void on_settled(uv_timer_t *t)
{
	struct rp_netwatch *w = t->data;
	uint64_t now = look();
	bool changed = w->route || now != w->seen;
	w->seen = now;
	w->route = false;
	if (changed) {
		w->on_change(w->ctx);
	}
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct rp_netwatch *w = h->data;
	(void)events;
	if (status < 0) {
		(void)uv_poll_stop(h);
		return;
	}
	for (int i = 0; i < READS_MAX && read_report(w); i++) {
	}
	/* Not put off by what follows: a network that never rests is looked at too. */
	if (!uv_is_active((uv_handle_t *)&w->settle)) {
		(void)uv_timer_start(&w->settle, on_settled, SETTLE_MS, 0);
	}
}

static int open_socket(void)
{
	struct sockaddr_nl sa = {.nl_family = AF_NETLINK, .nl_groups = GROUPS};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0) {
		return uv_translate_sys_error(errno);
	}
	if (bind(fd, (const struct sockaddr *)(const void *)&sa, sizeof(sa)) != 0) {
		int err = uv_translate_sys_error(errno);
		(void)close(fd);
		return err;
	}
	return fd;
}

int rp_netwatch_start(
    struct rp_netwatch *w, uv_loop_t *loop, void (*on_change)(void *ctx), void *ctx)
{
	*w = (struct rp_netwatch){.on_change = on_change, .ctx = ctx};
	w->fd = open_socket();
	if (w->fd < 0) {
		return w->fd;
	}
	int err = uv_poll_init(loop, &w->poll, w->fd);
	if (err != 0) {
		(void)close(w->fd);
		return err;
	}
	(void)uv_timer_init(loop, &w->settle);
	w->open = true;
	w->poll.data = w;
	w->settle.data = w;
	w->seen = look();
	return uv_poll_start(&w->poll, UV_READABLE, on_poll);
}

static void on_closed(uv_handle_t *h)
{
	struct rp_netwatch *w = h->data;
	(void)close(w->fd);
}

void rp_netwatch_close(struct rp_netwatch *w)
{
	if (w->open) {
		w->open = false;
		uv_close((uv_handle_t *)&w->poll, on_closed);
		uv_close((uv_handle_t *)&w->settle, NULL);
	}
}

/* --- the way of a connection --- */

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	const void *pa = NULL;
	const void *pb = NULL;
	size_t n = address_of(a, &pa);
	return n > 0 && n == address_of(b, &pb) && memcmp(pa, pb, n) == 0;
}

/* The interface of our own address: GONE, NONE (it is down) or OPEN. */
static enum rp_netpath find_own(const struct sockaddr *own)
{
	struct ifaddrs *list;
	enum rp_netpath found = RP_NETPATH_GONE;
	if (getifaddrs(&list) != 0) {
		return RP_NETPATH_OPEN;
	}
	for (const struct ifaddrs *i = list; i != NULL && found == RP_NETPATH_GONE;
	     i = i->ifa_next) {
		if (same_address(i->ifa_addr, own)) {
			found = is_running(i) ? RP_NETPATH_OPEN : RP_NETPATH_NONE;
		}
	}
	freeifaddrs(list);
	return found;
}

/* Asks the kernel how it would reach the peer now, by connecting a UDP socket, which sends
 * nothing. False: not at all. from is the address that it would take. */
static bool find_way(const struct sockaddr_storage *own, const struct sockaddr_storage *peer,
    bool bound, struct sockaddr_storage *from)
{
	socklen_t len = sizeof(*from);
	socklen_t peer_len = peer->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
	                                                 : sizeof(struct sockaddr_in);
	int fd = socket(peer->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return true;
	}
	struct sockaddr_storage any_port = *own;
	/* The port stands at the same place in both families. */
	((struct sockaddr_in *)&any_port)->sin_port = 0;
	bool found = !bound || bind(fd, (struct sockaddr *)&any_port, peer_len) == 0;
	found = found && connect(fd, (const struct sockaddr *)peer, peer_len) == 0 &&
	    getsockname(fd, (struct sockaddr *)from, &len) == 0;
	(void)close(fd);
	return found;
}

enum rp_netpath rp_netwatch_path(int fd, bool bound)
{
	struct sockaddr_storage own = {0};
	struct sockaddr_storage peer = {0};
	struct sockaddr_storage from = {0};
	socklen_t own_len = sizeof(own);
	socklen_t peer_len = sizeof(peer);
	if (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 ||
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) != 0) {
		return RP_NETPATH_OPEN;
	}
	enum rp_netpath own_path = find_own((struct sockaddr *)&own);
	if (own_path == RP_NETPATH_GONE || !find_way(&own, &peer, bound, &from)) {
		return own_path == RP_NETPATH_GONE ? RP_NETPATH_GONE : RP_NETPATH_NONE;
	}
	/* Another way is open; whether the old one still is, only the peer can tell. */
	bool other = !same_address((struct sockaddr *)&own, (struct sockaddr *)&from);
	return other ? RP_NETPATH_OPEN : own_path;
}
