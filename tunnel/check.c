/* SPDX-License-Identifier: MIT */
/*
 * The two questions that a server asks before it opens a tunnel (wire protocol 4.2): is the target
 * allowed, is its port open. Declared in tunnel/target.h.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "tunnel/connect.h"
#include "tunnel/remote.h"
#include "tunnel/resolve.h"
#include "tunnel/target.h"

#include "core/banned.h"

#define TEXT_MAX         400
#define PORT_TIMEOUT_MS  60000u
#define PORT_TIMEOUT_MIN 1u

struct rp_check {
	struct rp_loop *loop;
	rp_target_check_cb on_target; /* one of the two */
	rp_port_check_cb on_port;
	void *ctx;
	const struct rp_target_rules *rules;
	struct rp_resolve *resolve;
	struct rp_connect *connect;
	struct rp_deferred answer; /* for what is known at once */
	unsigned timeout_ms;
	uint16_t port;
	int code;
	bool yes;
	char *host;
	char text[TEXT_MAX];
};

static void check_free(struct rp_check *k)
{
	rp_free(k->host);
	rp_free(k);
}

static void answer(struct rp_deferred *d)
{
	struct rp_check *k = RP_CONTAINER_OF(d, struct rp_check, answer);
	if (k->on_target != NULL) {
		k->on_target(k->ctx, k->code, k->yes, k->text);
	} else {
		k->on_port(k->ctx, k->yes, k->text);
	}
	check_free(k);
}

/* The words of Go's errors where libuv's differ. */
static const char *go_text(int code)
{
	switch (code) {
	case UV_EHOSTUNREACH:
		return "connect: no route to host";
	case UV_ECONNREFUSED:
		return "connect: connection refused";
	case UV_ENETUNREACH:
		return "connect: network is unreachable";
	case UV_ECONNRESET:
		return "connect: connection reset by peer";
	case UV_EACCES:
		return "connect: permission denied";
	case UV_ETIMEDOUT:
		return "i/o timeout";
	default:
		return rp_err_text(code);
	}
}

static void on_connected(void *ctx, int fd, int code, const struct sockaddr_storage *addr)
{
	struct rp_check *k = ctx;
	char where[RP_SOCKADDR_TEXT_MAX];
	if (fd >= 0) {
		(void)close(fd);
		k->yes = true;
	} else {
		rp_sockaddr_text(addr, where);
		(void)snprintf(k->text, sizeof(k->text), "dial tcp %s: %s", where, go_text(code));
	}
	answer(&k->answer);
}

static bool allows(const struct rp_check *k, const struct sockaddr_storage *v, size_t n)
{
	struct rp_addr addrs[RP_RESOLVE_MAX];
	rp_resolve_addrs(v, n, addrs);
	const struct rp_target_asked asked = {
	    .host = k->host, .addrs = addrs, .n = n, .port = k->port};
	return k->rules == NULL || rp_target_allowed(k->rules, &asked);
}

static void on_resolved(void *ctx, int code, const struct sockaddr_storage *v, size_t n)
{
	struct rp_check *k = ctx;
	k->resolve = NULL;
	if (code != 0) {
		k->code = code;
		(void)snprintf(k->text, sizeof(k->text), "%slookup %.200s: no such host",
		    k->on_port != NULL ? "dial tcp: " : "", k->host);
		answer(&k->answer);
		return;
	}
	bool allowed = allows(k, v, n);
	if (k->on_target != NULL) {
		k->yes = allowed;
		answer(&k->answer);
		return;
	}
	if (!allowed) {
		(void)snprintf(k->text, sizeof(k->text), "dial tcp: %s:%u: " RP_TARGET_REFUSED_TEXT,
		    k->host, (unsigned)k->port);
		answer(&k->answer);
		return;
	}
	int rc = rp_connect_start(k->loop, v, n, k->timeout_ms, on_connected, k, &k->connect);
	if (rc != 0) {
		(void)snprintf(k->text, sizeof(k->text), "dial tcp: %s", rp_err_text(rc));
		answer(&k->answer);
	}
}

/* Resolves; a text that is no target is answered like a failed look-up. */
static int begin(struct rp_check *k, const char *target)
{
	struct rp_str proto;
	int rc = rp_target_parse(rp_str_c(target), &k->host, &k->port, &proto);
	if (rc == RP_ENOMEM) {
		return rc;
	}
	if (rc != 0) {
		k->code = rc;
		(void)snprintf(k->text, sizeof(k->text),
		    "%saddress %.200s: missing port in address",
		    k->on_port != NULL ? "dial tcp: " : "", target);
		rp_loop_defer(k->loop, &k->answer);
		return 0;
	}
	return rp_resolve_start(k->loop, k->host, k->port, on_resolved, k, &k->resolve);
}

static struct rp_check *check_new(struct rp_loop *loop, void *ctx)
{
	struct rp_check *k = rp_calloc(1, sizeof(*k));
	if (k != NULL) {
		k->loop = loop;
		k->ctx = ctx;
		k->answer.run = answer;
	}
	return k;
}

static int finish_start(struct rp_check *k, int rc, struct rp_check **out)
{
	if (rc != 0) {
		check_free(k);
	} else {
		*out = k;
	}
	return rc;
}

int rp_target_check(struct rp_loop *loop, const struct rp_target_rules *rules, const char *remote,
    rp_target_check_cb cb, void *ctx, struct rp_check **out)
{
	*out = NULL;
	struct rp_check *k = check_new(loop, ctx);
	if (k == NULL) {
		return RP_ENOMEM;
	}
	k->on_target = cb;
	k->rules = rules;
	if (rules == NULL || rules->n == 0) {
		/* Without rules even nonsense is allowed (4.2). */
		k->yes = true;
		rp_loop_defer(loop, &k->answer);
		return finish_start(k, 0, out);
	}
	return finish_start(k, begin(k, remote), out);
}

int rp_port_check(struct rp_loop *loop, const struct rp_target_rules *rules,
    const struct rp_port_question *q, rp_port_check_cb cb, void *ctx, struct rp_check **out)
{
	*out = NULL;
	struct rp_check *k = check_new(loop, ctx);
	if (k == NULL) {
		return RP_ENOMEM;
	}
	int64_t ms = q->timeout_ns / 1000000;
	k->on_port = cb;
	k->rules = rules;
	k->timeout_ms = q->timeout_ns <= 0 || ms > (int64_t)PORT_TIMEOUT_MS ? PORT_TIMEOUT_MS
	    : ms < (int64_t)PORT_TIMEOUT_MIN                                ? PORT_TIMEOUT_MIN
	                                                                    : (unsigned)ms;
	return finish_start(k, begin(k, q->hostport), out);
}

void rp_check_cancel(struct rp_check *k)
{
	rp_loop_defer_cancel(&k->answer);
	if (k->resolve != NULL) {
		rp_resolve_cancel(k->resolve);
	} else if (k->connect != NULL) {
		rp_connect_cancel(k->connect);
	}
	check_free(k);
}
