/* SPDX-License-Identifier: MIT */
/*
 * A tunnel is a set of children (acceptor, UDP server, timer, one pump per visitor) that close by
 * themselves; maybe_finish makes the last call when none is left.
 */
#include "tunnel/listener.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "acl/addrlist.h"
#include "core/alloc.h"
#include "core/list.h"
#include "http/accept.h"
#include "tunnel/pump.h"
#include "tunnel/udp_server.h"

#include "core/banned.h"

#define CONNECTIONS_MAX 16384u
#define MINUTE_MS       60000u
/* Each costs some 60 KiB, mostly for TLS. */
#define WEB_CONNECTIONS_MAX 512u
/* Visitors outside the ACL who are being told so. */
#define OUTSIDERS_MAX 32u
/* A random port that somebody took between the probe and the bind is replaced by another one. */
#define BIND_TRIES 8

struct visitor {
	struct rp_list node;
	struct rp_tunnel *tunnel;
	struct rp_pump *pump; /* one of the two */
	struct rp_web *web;
	bool outsider; /* gets the 403 page; does not count as use of the tunnel */
};

struct rp_tunnel {
	struct rp_loop *loop;
	struct rp_mux *mux; /* NULL: orphaned */
	struct rp_tunnel_options opt;
	const struct rp_tunnel_ops *ops; /* NULL: start failed, nobody is told */
	void *ctx;
	struct rp_remote remote;
	char *target; /* host:port on the wire */
	bool proxied; /* visitors speak to a reverse proxy, as web says */
	struct rp_web_options web;
	enum rp_proto proto;
	uint16_t port; /* reserved, 0 = none */
	struct rp_addrlist acl;
	struct rp_acceptor *acceptor;
	struct rp_udp_server *udp;
	uv_timer_t timer;
	bool timer_open;
	bool closing;
	struct rp_list visitors;
	size_t connections;
	size_t outsiders;
	uint64_t close_at_ms;  /* auto-close, 0 = never */
	uint64_t last_used_ms; /* creation, or when the last visitor left */
};

static void tunnel_free(struct rp_tunnel *t)
{
	rp_remote_fini(&t->remote);
	rp_addrlist_fini(&t->acl);
	rp_free(t->target);
	rp_free(t);
}

static void maybe_finish(struct rp_tunnel *t)
{
	if (!t->closing || t->acceptor != NULL || t->udp != NULL || t->timer_open ||
	    t->connections > 0 || t->outsiders > 0) {
		return;
	}
	if (t->ops != NULL) {
		t->ops->on_closed(t->ctx);
	}
	tunnel_free(t);
}

/* --- time --- */

static uint64_t now_ms(const struct rp_tunnel *t)
{
	return uv_now(rp_loop_uv(t->loop));
}

static uint64_t idle_ms(const struct rp_tunnel *t)
{
	uint64_t minute = t->opt.minute_ms != 0 ? t->opt.minute_ms : MINUTE_MS;
	return (uint64_t)RP_MAX(t->remote.idle_timeout_minutes, 0) * minute;
}

/* When the tunnel counts as idle; 0 = not now. */
static uint64_t idle_at(const struct rp_tunnel *t)
{
	if (t->remote.idle_timeout_minutes <= 0 || t->connections > 0) {
		return 0;
	}
	uint64_t last = t->last_used_ms;
	if (t->udp != NULL) {
		last = RP_MAX(last, rp_udp_server_last_used(t->udp));
	}
	return last + idle_ms(t);
}

static void on_timer(uv_timer_t *h);

static void start_timer(struct rp_tunnel *t)
{
	uint64_t idle = idle_at(t);
	uint64_t at = t->close_at_ms;
	if (idle != 0 && (at == 0 || idle < at)) {
		at = idle;
	}
	if (at == 0 || t->closing) {
		(void)uv_timer_stop(&t->timer);
		return;
	}
	uint64_t now = now_ms(t);
	(void)uv_timer_start(&t->timer, on_timer, at > now ? at - now : 0, 0);
}

static void on_timer(uv_timer_t *h)
{
	struct rp_tunnel *t = h->data;
	uint64_t now = now_ms(t);
	uint64_t idle = idle_at(t);
	const char *why = NULL;
	if (t->close_at_ms != 0 && now >= t->close_at_ms) {
		why = "auto-close";
	} else if (idle != 0 && now >= idle) {
		why = "idle timeout";
	}
	if (why == NULL) {
		start_timer(t); /* used in the meantime */
		return;
	}
	t->ops->on_expired(t->ctx, why);
}

static void set_times(struct rp_tunnel *t)
{
	uv_update_time(rp_loop_uv(t->loop));
	t->last_used_ms = now_ms(t);
	if (t->remote.auto_close > 0) {
		uint64_t whole = (uint64_t)t->remote.auto_close / 1000000u;
		t->close_at_ms = t->last_used_ms + whole - RP_MIN(whole, t->opt.age_ms);
		t->close_at_ms = RP_MAX(t->close_at_ms, 1u); /* 0 means never */
	}
	start_timer(t);
}

/* --- visitors --- */

static bool admits(const struct rp_tunnel *t, const struct sockaddr *peer)
{
	struct rp_addr a;
	if (t->acl.n == 0) {
		return true;
	}
	return rp_addr_from_sockaddr(peer, &a) == 0 && rp_addrlist_has(&t->acl, &a);
}

static struct visitor *visitor_new(struct rp_tunnel *t, bool outsider)
{
	struct visitor *v = rp_calloc(1, sizeof(*v));
	if (v != NULL) {
		v->tunnel = t;
		v->outsider = outsider;
		rp_list_append(&t->visitors, &v->node);
		*(outsider ? &t->outsiders : &t->connections) += 1;
	}
	return v;
}

static void visitor_free(struct visitor *v)
{
	struct rp_tunnel *t = v->tunnel;
	*(v->outsider ? &t->outsiders : &t->connections) -= 1;
	rp_list_remove(&v->node);
	rp_free(v);
}

static void on_visitor_done(void *ctx)
{
	struct visitor *v = ctx;
	struct rp_tunnel *t = v->tunnel;
	bool outsider = v->outsider;
	visitor_free(v);
	if (t->connections == 0 && !outsider && !t->closing) {
		t->last_used_ms = now_ms(t);
		start_timer(t);
	}
	maybe_finish(t);
}

static void on_pump_done(void *ctx, const struct rp_pump_result *r)
{
	(void)r;
	on_visitor_done(ctx);
}

/* Joins an accepted connection to a channel of its own; takes fd. */
static int start_visitor(struct rp_tunnel *t, int fd)
{
	const struct rp_pump_options opt = {.no_half_close = t->opt.no_half_close};
	struct visitor *v = visitor_new(t, false);
	if (v == NULL) {
		(void)close(fd);
		return RP_ENOMEM;
	}
	int rc = rp_pump_new(t->loop, &opt, on_pump_done, v, &v->pump);
	if (rc != 0) {
		visitor_free(v);
		(void)close(fd);
		return rc;
	}
	/* From here on the pump's end takes the visitor along. */
	struct rp_channel *c;
	rc = rp_channel_open(
	    t->mux, "rport", t->target, strlen(t->target), rp_pump_channel_ops(), v->pump, &c);
	if (rc != 0) {
		(void)close(fd);
		rp_pump_close(v->pump);
		return rc;
	}
	rp_pump_set_channel(v->pump, c);
	rc = rp_pump_attach(v->pump, fd);
	if (rc != 0) {
		rp_pump_close(v->pump);
	}
	return rc;
}

/* Asked again for each request: the ACL may have changed. */
static bool web_admits(void *ctx, const char *peer)
{
	const struct visitor *v = ctx;
	const struct rp_tunnel *t = v->tunnel;
	struct rp_addr a;
	return t->acl.n == 0 ||
	    (rp_addr_parse(rp_str_c(peer), &a) == 0 && rp_addrlist_has(&t->acl, &a));
}

static const struct rp_web_ops web_ops = {
    .admits = web_admits,
    .on_done = on_visitor_done,
};

/* Serves an accepted connection by the reverse proxy; takes fd. */
static void start_web(struct rp_tunnel *t, int fd, bool outsider)
{
	struct visitor *v = visitor_new(t, outsider);
	if (v == NULL) {
		(void)close(fd);
	} else if (rp_web_new(t->loop, fd, t->mux, &t->web, &web_ops, v, &v->web) != 0) {
		visitor_free(v);
	}
}

static bool is_crowded(const struct rp_tunnel *t, bool outsider)
{
	size_t max = t->proxied ? WEB_CONNECTIONS_MAX : CONNECTIONS_MAX;
	max = t->opt.connections_max != 0 ? t->opt.connections_max : max;
	return outsider ? t->outsiders >= OUTSIDERS_MAX : t->connections >= max;
}

static void on_accept(void *ctx, int fd, const struct sockaddr *peer)
{
	struct rp_tunnel *t = ctx;
	bool outsider = !admits(t, peer);
	if (t->closing || is_crowded(t, outsider) || (outsider && !t->proxied)) {
		(void)close(fd);
		return;
	}
	if (t->proxied) {
		start_web(t, fd, outsider);
	} else {
		(void)start_visitor(t, fd);
	}
	start_timer(t);
}

static void on_acceptor_closed(void *ctx)
{
	struct rp_tunnel *t = ctx;
	t->acceptor = NULL;
	maybe_finish(t);
}

static const struct rp_acceptor_ops acceptor_ops = {
    .on_accept = on_accept,
    .on_closed = on_acceptor_closed,
};

/* --- UDP --- */

static bool udp_admits(void *ctx, const struct sockaddr *peer)
{
	return admits(ctx, peer);
}

static void on_udp_refused(void *ctx, const char *why)
{
	struct rp_tunnel *t = ctx;
	t->ops->on_expired(t->ctx, why);
}

static void on_udp_closed(void *ctx)
{
	struct rp_tunnel *t = ctx;
	t->udp = NULL;
	maybe_finish(t);
}

static const struct rp_udp_server_ops udp_ops = {
    .admits = udp_admits,
    .on_refused = on_udp_refused,
    .on_closed = on_udp_closed,
};

/* --- start --- */

/* Reserves the given port. */
static int take_given(struct rp_tunnel *t, struct rp_err *err)
{
	uint16_t port;
	const char *text = t->remote.lport;
	if (rp_str_port(rp_str_c(text), &port) != 0) {
		return rp_err_set(err, RP_EINVAL, "Invalid local port: %s.", text);
	}
	int rc = rp_ports_take(t->opt.ports, port, t->proto);
	if (rc == RP_EDENIED) {
		return rp_err_set(err, rc, "Local port %u is not among allowed ports.", port);
	}
	if (rc != 0) {
		return rp_err_set(err, rc, "Local port %u already in use.", port);
	}
	t->port = port;
	return 0;
}

/* Reserves any port and says so in the remote. */
static int take_any(struct rp_tunnel *t, struct rp_err *err)
{
	char text[8];
	if (rp_ports_take_any(t->opt.ports, t->proto, &t->port) != 0) {
		return rp_err_set(err, RP_ENOENT, "no ports available");
	}
	(void)snprintf(text, sizeof(text), "%u", (unsigned)t->port);
	t->remote.lport_random = true;
	if (rp_strset(&t->remote.lhost, "0.0.0.0") != 0 || rp_strset(&t->remote.lport, text) != 0) {
		return rp_err_set(err, RP_ENOMEM, "unable to start tunnel: out of memory");
	}
	return 0;
}

static void release_port(struct rp_tunnel *t)
{
	if (t->port != 0) {
		rp_ports_release(t->opt.ports, t->port, t->proto);
		t->port = 0;
	}
}

/* The only name that need not be looked up. */
static const char *bind_host(const struct rp_tunnel *t)
{
	return strcmp(t->remote.lhost, "localhost") == 0 ? "127.0.0.1" : t->remote.lhost;
}

static int listen_tcp(struct rp_tunnel *t, struct rp_err *err)
{
	const char *host = bind_host(t);
	bool v6 = strchr(host, ':') != NULL;
	char *address = rp_asprintf(v6 ? "[%s]:%u" : "%s:%u", host, (unsigned)t->port);
	if (address == NULL) {
		return rp_err_no_memory(err);
	}
	int rc = rp_acceptor_new(t->loop, address, &acceptor_ops, t, &t->acceptor, err);
	rp_free(address);
	return rc;
}

static int listen_udp(struct rp_tunnel *t, struct rp_err *err)
{
	const struct rp_udp_server_options opt = {
	    .lhost = bind_host(t), .lport = t->port, .target = t->target};
	return rp_udp_server_start(t->loop, t->mux, &opt, &udp_ops, t, &t->udp, err);
}

/* One try on a port. What was opened is closed by the tunnel's end. */
static int open_port(struct rp_tunnel *t, bool given, struct rp_err *err)
{
	int rc = given ? take_given(t, err) : take_any(t, err);
	if (rc != 0) {
		return rc;
	}
	if ((t->proto & RP_PROTO_TCP) != 0) {
		rc = listen_tcp(t, err);
	}
	if (rc == 0 && (t->proto & RP_PROTO_UDP) != 0) {
		rc = listen_udp(t, err);
	}
	if (rc == UV_EADDRINUSE) {
		return rp_err_set(err, rc, "Local port %u already in use.", (unsigned)t->port);
	}
	return rc != 0 ? rp_err_wrap(err, "unable to start tunnel") : 0;
}

static int open_ports(struct rp_tunnel *t, struct rp_err *err)
{
	bool given = rp_remote_local_given(&t->remote);
	for (int i = 1;; i++) {
		int rc = open_port(t, given, err);
		if (rc != UV_EADDRINUSE || given || i == BIND_TRIES || t->acceptor != NULL) {
			return rc;
		}
		release_port(t);
	}
}

/* A server without a certificate for it makes a plain tunnel (5.11). */
static int prepare_web(struct rp_tunnel *t, struct rp_err *err)
{
	const struct rp_remote *r = &t->remote;
	if (!r->http_proxy || t->opt.web == NULL) {
		return 0;
	}
	int rc = rp_web_check(r, err);
	if (rc != 0) {
		return rp_err_wrap(err, "unable to start tunnel");
	}
	bool https = strcmp(r->scheme, "https") == 0;
	t->proxied = true;
	t->web = (struct rp_web_options){
	    .visitor_tls = t->opt.web->visitor,
	    .target_tls = https ? t->opt.web->target : NULL,
	    .target = t->target,
	    .target_host = r->rhost,
	    .host_header = r->host_header != NULL ? r->host_header : "",
	    .auth_user = r->auth_user,
	    .auth_password = r->auth_password,
	    .no_half_close = t->opt.no_half_close,
	    .header_ms = t->opt.web->header_ms,
	    .keep_ms = t->opt.web->keep_ms,
	    .idle_ms = idle_ms(t),
	};
	return 0;
}

static int prepare(struct rp_tunnel *t, const struct rp_remote *r, struct rp_err *err)
{
	if (rp_proto_parse(r->protocol, &t->proto) != 0) {
		return rp_err_set(err, RP_EINVAL, "invalid kind, %s", r->protocol);
	}
	if (r->acl != NULL && rp_addrlist_parse(r->acl, &t->acl, err) != 0) {
		return rp_err_wrap(err, "unable to start tunnel");
	}
	int rc = rp_remote_copy(&t->remote, r);
	if (rc == 0) {
		t->target = rp_remote_target(&t->remote);
	}
	if (t->target == NULL) {
		return rp_err_set(err, RP_ENOMEM, "unable to start tunnel: out of memory");
	}
	return prepare_web(t, err);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of the header */
int rp_tunnel_start(struct rp_loop *loop, struct rp_mux *mux, const struct rp_remote *r,
    const struct rp_tunnel_options *opt, const struct rp_tunnel_ops *ops, void *ctx,
    struct rp_tunnel **out, struct rp_err *err)
{
	*out = NULL;
	struct rp_tunnel *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		return rp_err_set(err, RP_ENOMEM, "unable to start tunnel: out of memory");
	}
	t->loop = loop;
	t->mux = mux;
	t->opt = *opt;
	rp_list_init(&t->visitors);
	int rc = prepare(t, r, err);
	if (rc != 0) {
		tunnel_free(t);
		return rc;
	}
	(void)uv_timer_init(rp_loop_uv(loop), &t->timer);
	t->timer.data = t;
	t->timer_open = true;
	rc = open_ports(t, err);
	if (rc != 0) {
		rp_tunnel_close(t); /* without ops: quietly */
		return rc;
	}
	t->ops = ops;
	t->ctx = ctx;
	set_times(t);
	*out = t;
	return 0;
}

/* --- the rest --- */

const struct rp_remote *rp_tunnel_remote(const struct rp_tunnel *t)
{
	return &t->remote;
}

size_t rp_tunnel_connections(const struct rp_tunnel *t)
{
	size_t n = t->connections;
	for (const struct rp_list *it = t->visitors.next; it != &t->visitors; it = it->next) {
		const struct visitor *v = RP_LIST_ENTRY(it, const struct visitor, node);
		n -= v->web != NULL && !v->outsider && rp_web_is_idle(v->web) ? 1 : 0;
	}
	return n;
}

int rp_tunnel_set_acl(struct rp_tunnel *t, const char *acl, struct rp_err *err)
{
	struct rp_addrlist list = {0};
	char *text = NULL;
	int rc = rp_addrlist_parse(acl, &list, err);
	if (rc != 0) {
		return rc;
	}
	if (acl != NULL && acl[0] != '\0') {
		text = rp_strdup(acl);
		if (text == NULL) {
			rp_addrlist_fini(&list);
			return rp_err_no_memory(err);
		}
	}
	rp_free(t->remote.acl);
	rp_addrlist_fini(&t->acl);
	t->remote.acl = text;
	t->acl = list;
	if (t->udp != NULL) {
		rp_udp_server_recheck(t->udp);
	}
	return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
	struct rp_tunnel *t = h->data;
	t->timer_open = false;
	maybe_finish(t);
}

static void close_visitor(struct visitor *v)
{
	if (v->web != NULL) {
		rp_web_close(v->web);
	} else {
		rp_pump_close(v->pump);
	}
}

void rp_tunnel_close(struct rp_tunnel *t)
{
	if (t->closing) {
		return;
	}
	t->closing = true;
	if (t->acceptor != NULL) {
		rp_acceptor_close(t->acceptor);
	}
	if (t->udp != NULL) {
		rp_udp_server_close(t->udp);
	}
	/* The sockets are gone already, so the port may be given away. */
	release_port(t);
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &t->visitors) {
		close_visitor(RP_LIST_ENTRY(it, struct visitor, node));
	}
	uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

void rp_tunnel_orphan(struct rp_tunnel *t)
{
	rp_tunnel_close(t);
	t->mux = NULL;
}
