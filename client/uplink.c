/* SPDX-License-Identifier: MIT */
/*
 * A connection to a server: dialling, its link (tunnel/link.h), the states with their deadlines, and
 * the end.
 */
#include "client/uplink.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/agent.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"

#include "core/banned.h"

#define DIAL_MS      30000u
#define HANDSHAKE_MS 30000u
/* A server that took us in answers each message of the handshake at once. */
#define HANDSHAKE_SILENCE_MS 10000u
/* Until the registration there is nothing that is worth waiting for a link to come back. */
#define PATH_MS 10000u
/* How long a connection has to prove itself after the network has changed. */
#define PROBE_MS 5000u
#define PROTOCOL "rport-v1"
/* Bytes that may wait in the kernel behind a small packet; the socket stays short so that bulk
 * does not delay others. */
#define NOTSENT_LOWAT (128u * 1024)

#define BUSY_S_MAX 3600u

static void maybe_finish(struct rp_uplink *u)
{
	if (u->state != RP_UPLINK_CLOSING || u->timer_open || u->dial != NULL ||
	    u->link.ws != NULL || u->link.ssh != NULL || u->targets[0] != NULL ||
	    u->targets[1] != NULL) {
		return;
	}
	rp_link_free_mux(&u->link);
	u->ops->on_closed(u->agent, u, &u->end);
	rp_free(u);
}

/* --- the end --- */

static void on_timer_closed(uv_handle_t *h)
{
	struct rp_uplink *u = h->data;
	u->timer_open = false;
	maybe_finish(u);
}

static void on_targets_closed(void *ctx)
{
	struct rp_targets **slot = ctx;
	*slot = NULL;
}

static void on_old_targets_closed(void *ctx)
{
	struct rp_uplink *u = ctx;
	on_targets_closed(&u->targets[0]);
	maybe_finish(u);
}

static void on_new_targets_closed(void *ctx)
{
	struct rp_uplink *u = ctx;
	on_targets_closed(&u->targets[1]);
	maybe_finish(u);
}

/* The only place where the parts go; nothing of this connection is on the stack here. The mux
 * goes last, when the tunnels have let go of their channels. */
static void on_teardown(struct rp_deferred *d)
{
	struct rp_uplink *u = RP_CONTAINER_OF(d, struct rp_uplink, teardown);
	uv_close((uv_handle_t *)&u->timer, on_timer_closed);
	if (u->dial != NULL) {
		rp_dial_cancel(u->dial);
		u->dial = NULL;
	}
	if (u->call != NULL) {
		rp_call_cancel(u->call);
		u->call = NULL;
	}
	rp_uplink_drop_requests(u);
	if (u->targets[0] != NULL) {
		rp_targets_close(u->targets[0], on_old_targets_closed, u);
	}
	if (u->targets[1] != NULL) {
		rp_targets_close(u->targets[1], on_new_targets_closed, u);
	}
	if (u->link.ssh != NULL && u->end.wanted) {
		rp_ssh_disconnect(u->link.ssh, u->end.why);
	}
	rp_link_close(&u->link, u->end.wanted);
}

static void start_closing(struct rp_uplink *u, enum rp_retry retry, const char *fmt, va_list ap)
    RP_PRINTF(3, 0);
static void start_closing(struct rp_uplink *u, enum rp_retry retry, const char *fmt, va_list ap)
{
	if (u->state == RP_UPLINK_CLOSING) {
		return;
	}
	u->end.reached = u->state;
	u->end.retry = u->state == RP_UPLINK_UP ? RP_RETRY_LOST : retry;
	u->end.up_ms = u->state == RP_UPLINK_UP ? rp_clock_ms() - u->up_at_ms : 0;
	(void)vsnprintf(u->end.why, sizeof(u->end.why), fmt, ap);
	u->state = RP_UPLINK_CLOSING;
	u->link.ending = true;
	rp_loop_defer(u->agent->loop, &u->teardown);
}

void rp_uplink_fail(struct rp_uplink *u, enum rp_retry retry, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	start_closing(u, retry, fmt, ap);
	va_end(ap);
}

static void end_wanted(struct rp_uplink *u, const char *fmt, ...) RP_PRINTF(2, 3);
static void end_wanted(struct rp_uplink *u, const char *fmt, ...)
{
	/* One that is ending already may have lost its session: no goodbye then. */
	u->end.wanted = u->end.wanted || u->state != RP_UPLINK_CLOSING;
	va_list ap;
	va_start(ap, fmt);
	start_closing(u, RP_RETRY_LOST, fmt, ap);
	va_end(ap);
}

void rp_uplink_close(struct rp_uplink *u, const char *why)
{
	end_wanted(u, "%s", why);
}

/* --- deadlines --- */

static void on_timer(uv_timer_t *h)
{
	struct rp_uplink *u = h->data;
	if (u->state == RP_UPLINK_HANDSHAKE) {
		bool all = rp_clock_ms() >= u->handshake_end_ms;
		rp_uplink_fail(u, RP_RETRY_UNREACHABLE,
		    all ? "SSH handshake not finished within %u s"
		        : "no answer in the SSH handshake for %u s",
		    (all ? HANDSHAKE_MS : HANDSHAKE_SILENCE_MS) / 1000);
	} else if (u->state > RP_UPLINK_HANDSHAKE && u->state < RP_UPLINK_CLOSING) {
		rp_uplink_on_control_timer(u);
	}
}

void rp_uplink_set_timer(struct rp_uplink *u, uint64_t ms)
{
	RP_VERIFY(uv_timer_start(&u->timer, on_timer, ms, 0) == 0);
}

static void watch_handshake(struct rp_uplink *u)
{
	uint64_t now = rp_clock_ms();
	uint64_t left = u->handshake_end_ms > now ? u->handshake_end_ms - now : 0;
	rp_uplink_set_timer(u, RP_MIN(left, (uint64_t)HANDSHAKE_SILENCE_MS));
}

/* --- link --- */

/* What the kernel says when the network does not carry our bytes. */
static enum rp_retry why_of(int code)
{
	switch (code) {
	case UV_ETIMEDOUT:
	case UV_ENETUNREACH:
	case UV_ENETDOWN:
	case UV_EHOSTUNREACH:
	case UV_EHOSTDOWN:
	case UV_EADDRNOTAVAIL:
	case UV_EAI_AGAIN:
		return RP_RETRY_NO_LINK;
	default:
		return RP_RETRY_UNREACHABLE;
	}
}

static struct rp_uplink *owner(struct rp_link *l)
{
	return RP_CONTAINER_OF(l, struct rp_uplink, link);
}

static void on_handshake(struct rp_link *l)
{
	watch_handshake(owner(l));
}

static void on_room(struct rp_link *l)
{
	struct rp_uplink *u = owner(l);
	u->ops->on_room(u->agent, u);
}

static void on_lost(struct rp_link *l, int code, const char *why)
{
	rp_uplink_fail(owner(l), why_of(code), "connection lost: %s", why);
}

static void on_cannot_send(struct rp_link *l, int code, bool transport)
{
	rp_uplink_fail(owner(l), transport ? RP_RETRY_UNREACHABLE : RP_RETRY_LOST,
	    "cannot send: %s", rp_err_text(code));
}

static void on_link_closed(struct rp_link *l)
{
	maybe_finish(owner(l));
}

/* No credential leaves the machine before this said yes (2.4). */
static bool on_hostkey(struct rp_link *l, const char *md5, const char *sha256)
{
	struct rp_uplink *u = owner(l);
	const char *wanted = u->agent->cfg->client.fingerprint;
	if (!rp_client_fingerprint_ok(wanted, md5, sha256)) {
		rp_uplink_fail(u, RP_RETRY_REFUSED, "invalid fingerprint (%s)",
		    strncmp(wanted, "SHA256:", 7) == 0 ? sha256 : md5);
		return false;
	}
	if (wanted[0] == '\0') {
		rp_log_error(RP_CLIENT_LOG,
		    "Fingerprint is not configured, any server is trusted: this one has %s (%s)",
		    md5, sha256);
	} else {
		rp_log_info(RP_CLIENT_LOG, "Fingerprint %s", md5);
	}
	return true;
}

/* One set of tunnels for each kind of server; which kind it is comes with put_capabilities. */
static int open_targets(struct rp_uplink *u)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(u->targets); i++) {
		const struct rp_targets_options opt = {
		    .allowed = &u->agent->setup.allowed,
		    .no_half_close = i == 0,
		};
		int err = rp_targets_new(u->agent->loop, &opt, &u->targets[i]);
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

static void on_ready(struct rp_link *l)
{
	struct rp_uplink *u = owner(l);
	int err = rp_link_start_mux(l, &u->agent->budget);
	err = err != 0 ? err : open_targets(u);
	if (err != 0) {
		rp_uplink_fail(u, RP_RETRY_UNREACHABLE, "%s", rp_err_text(err));
		return;
	}
	(void)uv_timer_stop(&u->timer);
	u->state = RP_UPLINK_READY;
	rp_log_debug(RP_CLIENT_LOG, "logged in to %s, %s, peer version %s",
	    u->agent->setup.names[u->server], rp_ssh_describe(u->link.ssh),
	    rp_ssh_peer_version(u->link.ssh));
	u->ops->on_ready(u->agent, u);
}

static void on_ssh_closed(struct rp_link *l, int code, const char *why)
{
	bool refused = code == RP_EAUTH || code == RP_EDENIED;
	rp_uplink_fail(owner(l), refused ? RP_RETRY_REFUSED : RP_RETRY_UNREACHABLE, "%s%s",
	    code == RP_EAUTH ? "unable to authenticate: " : "", why);
}

static void on_request(
    struct rp_link *l, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	rp_uplink_request(owner(l), name, ticket, p, n);
}

/* Tunnels only: the original dials whatever the type is. */
static void on_open(
    struct rp_link *l, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct rp_uplink *u = owner(l);
	if (u->state == RP_UPLINK_CLOSING || !rp_str_eq(type, "rport")) {
		rp_channel_reject(c, RP_OPEN_UNKNOWN_TYPE, "unknown channel type");
		return;
	}
	rp_targets_open(u->targets[u->half_close ? 1 : 0], c, extra, n);
}

static void on_error(struct rp_link *l, const char *why)
{
	rp_uplink_fail(owner(l), RP_RETRY_REFUSED, "protocol error: %s", why);
}

static const struct rp_link_ops link_ops = {
    .on_handshake = on_handshake,
    .on_ready = on_ready,
    .on_room = on_room,
    .on_lost = on_lost,
    .on_cannot_send = on_cannot_send,
    .on_closed = on_link_closed,
    .on_ssh_closed = on_ssh_closed,
    .on_hostkey = on_hostkey,
    .on_request = on_request,
    .on_open = on_open,
    .on_error = on_error,
};

/* --- dialling --- */

/* Retry-After in seconds; the form with a date is not worth its parser here. */
static uint64_t retry_after_ms(const struct rp_http_head *head)
{
	uint64_t seconds;
	const char *text = head->status == 503 ? rp_http_header(head, "Retry-After") : NULL;
	if (text == NULL ||
	    rp_str_u64(rp_str_trim(rp_str_c(text)), UINT64_MAX / 1000, &seconds) != 0) {
		return 0;
	}
	return RP_MIN(seconds, (uint64_t)BUSY_S_MAX) * 1000;
}

/* 502 to 504 come from a proxy whose server is away. */
static void dial_failed(
    struct rp_uplink *u, int code, const struct rp_http_head *head, const char *why)
{
	enum rp_retry retry = why_of(code);
	if (head != NULL) {
		u->end.busy_ms = retry_after_ms(head);
		retry = u->end.busy_ms > 0                       ? RP_RETRY_BUSY
		    : head->status >= 502 && head->status <= 504 ? RP_RETRY_UNREACHABLE
		                                                 : RP_RETRY_REFUSED;
	}
	rp_uplink_fail(u, retry, "%s", why);
}

static void on_dialed(void *ctx, int code, struct rp_stream *stream, uint8_t *early, size_t early_n,
    const struct rp_http_head *head, const struct rp_err *err)
{
	struct rp_uplink *u = ctx;
	u->dial = NULL;
	if (code != 0) {
		dial_failed(u, code, head, err->msg);
		return;
	}
	code = rp_ws_new(stream, true, early, early_n, &rp_link_ws_ops, &u->link, &u->link.ws);
	rp_free(early);
	const struct rp_client_setup *s = &u->agent->setup;
	if (code == 0) {
		code = rp_ssh_client_new(
		    &u->link.ssh, s->auth_id, s->auth_password, &rp_link_ssh_ops, &u->link);
	}
	if (code == 0) {
		u->state = RP_UPLINK_HANDSHAKE;
		u->handshake_end_ms = rp_clock_ms() + HANDSHAKE_MS;
		watch_handshake(u);
		code = rp_ssh_start(u->link.ssh);
	}
	if (code != 0) {
		rp_uplink_fail(u, RP_RETRY_UNREACHABLE, "%s", rp_err_text(code));
	}
}

static unsigned keep_alive_timeout_ms(const struct rp_client_config *cfg)
{
	return (unsigned)(cfg->connection.keep_alive_timeout / RP_NS_PER_MS);
}

void rp_uplink_be_patient(struct rp_uplink *u)
{
	if (u->link.ws != NULL) {
		rp_stream_set_user_timeout(
		    rp_ws_stream(u->link.ws), keep_alive_timeout_ms(u->agent->cfg));
	}
}

static int start_dial(struct rp_uplink *u)
{
	const struct rp_agent *a = u->agent;
	const struct rp_client_setup *s = &a->setup;
	const struct rp_client_config *cfg = a->cfg;
	const struct rp_dial_options opt = {
	    .url = &s->servers[u->server],
	    .proxy = s->has_proxy ? &s->proxy : NULL,
	    .tls = a->tls,
	    .protocol = PROTOCOL,
	    .host_header = cfg->connection.hostname[0] != '\0' ? cfg->connection.hostname : NULL,
	    .user_agent = s->user_agent,
	    .headers = &s->headers,
	    .bind_interface = cfg->client.bind_interface[0] != '\0' ? cfg->client.bind_interface
	                                                            : NULL,
	    .timeout_ms = DIAL_MS,
	    .stream =
	        {
	            .user_timeout_ms = RP_MIN(PATH_MS, keep_alive_timeout_ms(cfg)),
	            .keepalive = true,
	            .notsent_lowat = NOTSENT_LOWAT,
	        },
	};
	rp_log(rp_agent_attempt_level(a, RP_LOG_INFO), RP_CLIENT_LOG, "Connecting to %s%s",
	    s->names[u->server], s->has_proxy ? " via proxy" : "");
	return rp_dial_start(a->loop, &opt, on_dialed, u, &u->dial);
}

void rp_uplink_check_path(struct rp_uplink *u)
{
	if (u->state == RP_UPLINK_DIALING && u->dial != NULL && !rp_dial_is_resolving(u->dial)) {
		/* What was sent went the old way, and the kernel takes its time to send it again. */
		rp_uplink_close(u, "the network has changed");
	}
	if (u->link.ws == NULL || u->state == RP_UPLINK_CLOSING) {
		return;
	}
	int fd = rp_stream_fd(rp_ws_stream(u->link.ws));
	bool bound = u->agent->cfg->client.bind_interface[0] != '\0';
	enum rp_netpath path = rp_netwatch_path(fd, bound);
	if (path == RP_NETPATH_GONE) {
		rp_uplink_fail(u, RP_RETRY_LOST, "the address of this connection is gone");
	} else if (path == RP_NETPATH_OPEN && u->state == RP_UPLINK_UP) {
		rp_uplink_probe(u, PROBE_MS);
	}
}

int rp_uplink_start(
    struct rp_agent *agent, const struct rp_uplink_ops *ops, size_t server, struct rp_uplink **out)
{
	struct rp_uplink *u = rp_calloc(1, sizeof(*u));
	if (u == NULL) {
		return RP_ENOMEM;
	}
	u->agent = agent;
	u->ops = ops;
	u->server = server;
	rp_link_init(&u->link, agent->loop, &link_ops);
	u->teardown.run = on_teardown;
	rp_list_init(&u->pending);
	int err = uv_timer_init(rp_loop_uv(agent->loop), &u->timer);
	if (err != 0) {
		rp_free(u);
		return err;
	}
	u->timer.data = u;
	u->timer_open = true;
	*out = u;
	err = start_dial(u);
	if (err != 0) {
		rp_uplink_fail(u, RP_RETRY_UNREACHABLE, "%s", rp_err_text(err));
	}
	return 0;
}
