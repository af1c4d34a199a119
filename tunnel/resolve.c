/* SPDX-License-Identifier: MIT */
/*
 * One uv_getaddrinfo, or for an IP literal one turn of the loop. A cancelled look-up lives until
 * its thread is done.
 */
#include "tunnel/resolve.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

struct rp_resolve {
	rp_resolve_cb cb; /* NULL: cancelled */
	void *ctx;
	uint16_t port;
	uv_getaddrinfo_t req;
	struct rp_deferred literal;
	struct sockaddr_storage addr; /* of the literal */
};

socklen_t rp_sockaddr_len(const struct sockaddr_storage *sa)
{
	return sa->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static void set_port(struct sockaddr_storage *sa, uint16_t port)
{
	if (sa->ss_family == AF_INET6) {
		((struct sockaddr_in6 *)sa)->sin6_port = htons(port);
	} else {
		((struct sockaddr_in *)sa)->sin_port = htons(port);
	}
}

void rp_sockaddr_text(const struct sockaddr_storage *sa, char out[static RP_SOCKADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN] = "?";
	bool v6 = sa->ss_family == AF_INET6;
	uint16_t port = v6 ? ((const struct sockaddr_in6 *)sa)->sin6_port
	                   : ((const struct sockaddr_in *)sa)->sin_port;
	if (v6) {
		(void)uv_ip6_name((const struct sockaddr_in6 *)sa, ip, sizeof(ip));
	} else {
		(void)uv_ip4_name((const struct sockaddr_in *)sa, ip, sizeof(ip));
	}
	(void)snprintf(
	    out, RP_SOCKADDR_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", ip, (unsigned)ntohs(port));
}

void rp_resolve_addrs(const struct sockaddr_storage *v, size_t n, struct rp_addr *out)
{
	for (size_t i = 0; i < n; i++) {
		RP_VERIFY(rp_addr_from_sockaddr((const struct sockaddr *)&v[i], &out[i]) == 0);
	}
}

static void answer(struct rp_resolve *r, int code, const struct sockaddr_storage *v, size_t n)
{
	rp_resolve_cb cb = r->cb;
	void *ctx = r->ctx;
	rp_free(r);
	if (cb != NULL) {
		cb(ctx, code, v, n);
	}
}

static void on_literal(struct rp_deferred *d)
{
	struct rp_resolve *r = RP_CONTAINER_OF(d, struct rp_resolve, literal);
	struct sockaddr_storage addr = r->addr;
	answer(r, 0, &addr, 1);
}

/* Copies what is IPv4 or IPv6. */
static size_t collect(const struct addrinfo *list, uint16_t port, struct sockaddr_storage *v)
{
	size_t n = 0;
	for (; list != NULL && n < RP_RESOLVE_MAX; list = list->ai_next) {
		if ((list->ai_family == AF_INET || list->ai_family == AF_INET6) &&
		    list->ai_addrlen <= sizeof(*v)) {
			memset(&v[n], 0, sizeof(*v));
			memcpy(&v[n], list->ai_addr, list->ai_addrlen);
			set_port(&v[n], port);
			n++;
		}
	}
	return n;
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct rp_resolve *r = req->data;
	struct sockaddr_storage v[RP_RESOLVE_MAX];
	size_t n = status == 0 ? collect(list, r->port, v) : 0;
	uv_freeaddrinfo(list);
	int code = status != 0 ? status : n == 0 ? UV_EAI_NONAME : 0;
	answer(r, code, v, n);
}

static bool is_literal(const char *host, struct sockaddr_storage *sa)
{
	struct in6_addr v6;
	struct in_addr v4;
	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, host, &v4) == 1) {
		sa->ss_family = AF_INET;
		((struct sockaddr_in *)sa)->sin_addr = v4;
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6) == 1) {
		sa->ss_family = AF_INET6;
		((struct sockaddr_in6 *)sa)->sin6_addr = v6;
		return true;
	}
	return false;
}

int rp_resolve_start(struct rp_loop *loop, const char *host, uint16_t port, rp_resolve_cb cb,
    void *ctx, struct rp_resolve **out)
{
	*out = NULL;
	struct rp_resolve *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->cb = cb;
	r->ctx = ctx;
	r->port = port;
	r->req.data = r;
	if (is_literal(host, &r->addr)) {
		set_port(&r->addr, port);
		r->literal.run = on_literal;
		rp_loop_defer(loop, &r->literal);
		*out = r;
		return 0;
	}
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	int rc = uv_getaddrinfo(rp_loop_uv(loop), &r->req, on_resolved, host, NULL, &hints);
	if (rc != 0) {
		rp_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void rp_resolve_cancel(struct rp_resolve *r)
{
	r->cb = NULL;
	if (r->literal.run != NULL) {
		rp_loop_defer_cancel(&r->literal);
		rp_free(r);
		return;
	}
	/* May be too late; on_resolved comes in any case. */
	(void)uv_cancel((uv_req_t *)&r->req);
}
