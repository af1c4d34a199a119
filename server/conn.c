/* SPDX-License-Identifier: MIT */
/*
 * A client connection: its link (tunnel/link.h), its states, deadlines and its end. What the client
 * asks for is in conn_control.c, tunnels are in conn_tunnels.c.
 */
#include "server/conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/workers.h"

#include "core/banned.h"

#define HANDSHAKE_MS     30000u
#define FIRST_REQUEST_MS 300000u
#define COMPONENT        "client-listener"

static const struct rp_workers_options *options(const struct rp_conn *c)
{
	return &c->worker->workers->opt;
}

static void leave_gate(struct rp_conn *c)
{
	if (c->slot) {
		rp_gate_leave(options(c)->gate, c->peer);
		c->slot = false;
	}
}

static void conn_free(struct rp_conn *c)
{
	struct rp_event *down = c->down;
	rp_list_remove(&c->node);
	rp_json_release(&rp_new_connection_table, &c->hello);
	rp_free(c->auth_id);
	if (c->accept != NULL) {
		rp_order_free(c->accept);
	}
	if (down != NULL) {
		(void)snprintf(down->why, sizeof(down->why), "%s", c->why);
		rp_event_post(down);
	}
	rp_free(c);
}

void rp_conn_maybe_finish(struct rp_conn *c)
{
	if (c->state == RP_CONN_CLOSING && c->link.ws == NULL && c->link.ssh == NULL &&
	    rp_list_empty(&c->tunnels)) {
		conn_free(c);
	}
}

/* The only place where the parts go; nothing of this connection is on the stack here. */
static void on_teardown(struct rp_deferred *d)
{
	struct rp_conn *c = RP_CONTAINER_OF(d, struct rp_conn, teardown);
	rp_log_debug(COMPONENT, "connection from %s ends: %s", c->peer, c->why);
	leave_gate(c);
	rp_conn_drop_calls(c);
	rp_conn_drop_tunnels(c);
	rp_link_free_mux(&c->link);
	rp_link_close(&c->link, c->link.last_words);
	rp_conn_maybe_finish(c);
}

static void start_closing(struct rp_conn *c, const char *fmt, va_list ap) RP_PRINTF(2, 0);
static void start_closing(struct rp_conn *c, const char *fmt, va_list ap)
{
	if (c->state == RP_CONN_CLOSING) {
		return;
	}
	c->state = RP_CONN_CLOSING;
	c->link.ending = true;
	(void)vsnprintf(c->why, sizeof(c->why), fmt, ap);
	rp_loop_defer(c->worker->loop, &c->teardown);
}

void rp_conn_fail(struct rp_conn *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	start_closing(c, fmt, ap);
	va_end(ap);
}

void rp_conn_end(struct rp_conn *c, const char *fmt, ...)
{
	c->link.last_words = true;
	va_list ap;
	va_start(ap, fmt);
	start_closing(c, fmt, ap);
	va_end(ap);
}

static void check_deadline(struct rp_conn *c, uint64_t now_ms)
{
	if (c->deadline_ms == 0 || now_ms < c->deadline_ms) {
		return;
	}
	switch (c->state) {
	case RP_CONN_HANDSHAKE:
		rp_log_info(COMPONENT, "%s: SSH handshake not finished within %u s", c->peer,
		    HANDSHAKE_MS / 1000);
		rp_conn_fail(c, "SSH handshake timed out");
		return;
	case RP_CONN_AUTHED:
		rp_log_info(COMPONENT, "%s: no connection request within %u s after the login",
		    c->peer, FIRST_REQUEST_MS / 1000);
		rp_conn_fail(c, "no connection request");
		return;
	case RP_CONN_REGISTERING:
	case RP_CONN_CHECKING:
		rp_log_error(COMPONENT, "%s: registration timed out", c->peer);
		rp_conn_refuse(c, "registration timed out, please try again");
		return;
	case RP_CONN_UP:
	case RP_CONN_CLOSING:
		return;
	}
}

void rp_conn_tick(struct rp_conn *c, uint64_t now_ms)
{
	if (c->state == RP_CONN_CLOSING) {
		return;
	}
	check_deadline(c, now_ms);
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &c->orders) {
		struct rp_order *o = RP_LIST_ENTRY(it, struct rp_order, node);
		if (now_ms >= o->deadline_ms) {
			rp_list_remove(&o->node);
			rp_call_cancel(o->call);
			rp_order_answer(o, RP_ETIMEOUT);
		}
	}
}

/* Link */

static struct rp_conn *owner(struct rp_link *l)
{
	return RP_CONTAINER_OF(l, struct rp_conn, link);
}

static void on_lost(struct rp_link *l, int code, const char *why)
{
	(void)code;
	rp_conn_fail(owner(l), "connection lost: %s", why);
}

static void on_cannot_send(struct rp_link *l, int code, bool transport)
{
	(void)transport;
	rp_conn_fail(owner(l), "cannot send: %s", rp_err_text(code));
}

static void on_closed(struct rp_link *l)
{
	rp_conn_maybe_finish(owner(l));
}

static bool on_password(struct rp_link *l, const char *user, const char *password)
{
	struct rp_conn *c = owner(l);
	struct rp_gate *gate = options(c)->gate;
	uint64_t now = rp_clock_ms();
	if (rp_gate_banned(gate, c->peer, now) || !rp_gate_name_allowed(gate, user, now)) {
		rp_log_info(COMPONENT, "login of client auth id \"%s\" from %s refused: too early",
		    user, c->peer);
		return false;
	}
	if (!rp_clientauth_check(options(c)->auth, user, password)) {
		bool banned = rp_gate_failed(gate, c->peer, user, now);
		rp_log_error(COMPONENT, "failed login attempt for client auth id \"%s\" from %s",
		    user, c->peer);
		if (banned) {
			rp_log_error(
			    COMPONENT, "%s is banned after repeated failed logins", c->peer);
		}
		return false;
	}
	rp_free(c->auth_id);
	c->auth_id = rp_strdup(user);
	if (c->auth_id == NULL) {
		return false;
	}
	rp_gate_succeeded(gate, c->peer, user);
	return true;
}

static void on_ready(struct rp_link *l)
{
	struct rp_conn *c = owner(l);
	leave_gate(c);
	int err = rp_link_start_mux(l, options(c)->budget);
	if (err != 0) {
		rp_conn_fail(c, "%s", rp_err_text(err));
		return;
	}
	c->state = RP_CONN_AUTHED;
	c->deadline_ms = rp_clock_ms() + FIRST_REQUEST_MS;
	rp_log_debug(COMPONENT, "%s: logged in as \"%s\", %s, peer version %s", c->peer, c->auth_id,
	    rp_ssh_describe(c->link.ssh), rp_ssh_peer_version(c->link.ssh));
}

static void on_ssh_closed(struct rp_link *l, int code, const char *why)
{
	struct rp_conn *c = owner(l);
	if (c->state == RP_CONN_HANDSHAKE && code != RP_ECLOSED) {
		rp_log_info(COMPONENT, "%s: SSH handshake failed: %s", c->peer, why);
	}
	rp_conn_end(c, "%s", why);
}

static void on_request(
    struct rp_link *l, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	rp_conn_request(owner(l), name, ticket, p, n);
}

/* The types of wire protocol 4.4 and no other: the original dials any target for unknown types. */
static void on_open(
    struct rp_link *l, struct rp_channel *ch, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct rp_conn *c = owner(l);
	if (rp_str_eq(type, "session")) {
		rp_conn_open_session(c, ch);
	} else if (rp_str_eq(type, "stdout")) {
		rp_conn_open_output(c, ch, 1, rp_str_n(extra, n));
	} else if (rp_str_eq(type, "stderr")) {
		rp_conn_open_output(c, ch, 2, rp_str_n(extra, n));
	} else {
		rp_channel_reject(ch, RP_OPEN_UNKNOWN_TYPE, "unknown channel type");
	}
}

static void on_error(struct rp_link *l, const char *why)
{
	struct rp_conn *c = owner(l);
	rp_log_error(COMPONENT, "%s: protocol error: %s", c->peer, why);
	rp_conn_fail(c, "protocol error: %s", why);
}

static const struct rp_link_ops link_ops = {
    .on_ready = on_ready,
    .on_lost = on_lost,
    .on_cannot_send = on_cannot_send,
    .on_closed = on_closed,
    .on_ssh_closed = on_ssh_closed,
    .on_password = on_password,
    .on_request = on_request,
    .on_open = on_open,
    .on_error = on_error,
};

static struct rp_conn *conn_new(struct rp_worker *w, const char *peer)
{
	struct rp_conn *c = rp_calloc(1, sizeof(*c));
	if (c == NULL) {
		return NULL;
	}
	c->worker = w;
	c->id = ++w->next_id;
	c->state = RP_CONN_HANDSHAKE;
	c->deadline_ms = rp_clock_ms() + HANDSHAKE_MS;
	rp_link_init(&c->link, w->loop, &link_ops);
	c->teardown.run = on_teardown;
	(void)snprintf(c->peer, sizeof(c->peer), "%s", peer);
	rp_list_init(&c->tunnels);
	rp_list_init(&c->orders);
	rp_list_init(&c->outputs);
	rp_list_append(&w->conns, &c->node);
	return c;
}

int rp_conn_start(struct rp_worker *w, struct rp_stream *stream, const char *peer)
{
	struct rp_conn *c = conn_new(w, peer);
	if (c == NULL) {
		return RP_ENOMEM;
	}
	int err = rp_ssh_server_new(&c->link.ssh, options(c)->hostkey, &rp_link_ssh_ops, &c->link);
	if (err != 0) {
		goto fail_conn;
	}
	err = rp_ws_new(stream, false, NULL, 0, &rp_link_ws_ops, &c->link, &c->link.ws);
	if (err != 0) {
		goto fail_ssh;
	}
	c->slot = true;
	err = rp_ssh_start(c->link.ssh);
	if (err != 0) {
		rp_conn_fail(c, "%s", rp_err_text(err));
	}
	return 0;

fail_ssh:
	rp_ssh_free(c->link.ssh);
fail_conn:
	rp_list_remove(&c->node);
	rp_free(c);
	return err;
}
