/* SPDX-License-Identifier: MIT */
/*
 * A client connection's transport: WebSocket below, SSH above it, mux on top; its states,
 * deadlines and its end. What the client
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
	if (c->state == RP_CONN_CLOSING && c->ws == NULL && c->ssh == NULL &&
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
	rp_loop_defer_cancel(&c->run);
	rp_conn_drop_calls(c);
	rp_conn_drop_tunnels(c);
	if (c->mux != NULL) {
		rp_mux_free(c->mux);
		c->mux = NULL;
	}
	rp_ssh_free(c->ssh);
	c->ssh = NULL;
	if (c->ws != NULL) {
		rp_ws_close(c->ws, c->polite ? 1000 : 0);
	}
	rp_conn_maybe_finish(c);
}

static void start_closing(struct rp_conn *c, const char *fmt, va_list ap) RP_PRINTF(2, 0);
static void start_closing(struct rp_conn *c, const char *fmt, va_list ap)
{
	if (c->state == RP_CONN_CLOSING) {
		return;
	}
	c->state = RP_CONN_CLOSING;
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
	c->polite = true;
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

/* WebSocket */

static void on_ws_data(
    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n)
{
	(void)opcode;
	(void)first;
	(void)last;
	struct rp_conn *c = ctx;
	if (c->state != RP_CONN_CLOSING) {
		rp_ssh_input_in_place(c->ssh, p, n);
	}
}

/* The memory of the payloads that were handed out is used again. */
static void on_ssh_reuse(void *ctx)
{
	struct rp_conn *c = ctx;
	if (c->mux != NULL) {
		rp_mux_flush(c->mux);
	}
}

static void on_ws_data_end(void *ctx)
{
	struct rp_conn *c = ctx;
	on_ssh_reuse(c);
	if (c->ssh != NULL) {
		rp_ssh_input_done(c->ssh);
	}
}

static void on_ws_drain(void *ctx)
{
	struct rp_conn *c = ctx;
	c->full = false;
	if (c->state != RP_CONN_CLOSING && c->mux != NULL) {
		rp_mux_drain(c->mux);
	}
}

static void on_ws_end(void *ctx, int code, const char *why)
{
	(void)code;
	rp_conn_fail(ctx, "connection lost: %s", why);
}

static void on_ws_closed(void *ctx)
{
	struct rp_conn *c = ctx;
	c->ws = NULL;
	rp_conn_maybe_finish(c);
}

static const struct rp_ws_ops ws_ops = {
    .on_data = on_ws_data,
    .on_data_end = on_ws_data_end,
    .on_drain = on_ws_drain,
    .on_end = on_ws_end,
    .on_closed = on_ws_closed,
};

/* SSH */

static void on_ssh_output(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_conn *c = ctx;
	if (c->ws == NULL) {
		return;
	}
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	int rc = rp_ws_send(c->ws, RP_WS_BINARY, &iov, 1);
	if (rc == 1) {
		c->full = true;
	} else if (rc < 0) {
		rp_conn_fail(c, "cannot send: %s", rp_err_text(rc));
	}
}

static uint8_t *on_ssh_room(void *ctx, size_t n)
{
	struct rp_conn *c = ctx;
	uint8_t *p = NULL;
	/* What stands in the way is found again by on_ssh_output. */
	return c->ws != NULL && rp_ws_reserve(c->ws, n, &p) >= 0 ? p : NULL;
}

static void on_ssh_filled(void *ctx, size_t n)
{
	struct rp_conn *c = ctx;
	if (rp_ws_commit(c->ws, RP_WS_BINARY, n) == 1) {
		c->full = true;
	}
}

static bool on_ssh_password(void *ctx, const char *user, const char *password)
{
	struct rp_conn *c = ctx;
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

static void on_want_run(void *ctx)
{
	struct rp_conn *c = ctx;
	rp_loop_defer(c->worker->loop, &c->run);
}

static void on_run(struct rp_deferred *d)
{
	struct rp_conn *c = RP_CONTAINER_OF(d, struct rp_conn, run);
	if (c->state != RP_CONN_CLOSING && !c->full) {
		rp_mux_run(c->mux);
	}
}

static void on_ssh_ready(void *ctx)
{
	struct rp_conn *c = ctx;
	leave_gate(c);
	const struct rp_mux_options opt = {.budget = options(c)->budget, .batch = true};
	int err = rp_mux_new(&c->mux, &opt, &rp_conn_mux_ops, c);
	if (err != 0) {
		rp_conn_fail(c, "%s", rp_err_text(err));
		return;
	}
	rp_mux_on_want_run(c->mux, on_want_run);
	c->state = RP_CONN_AUTHED;
	c->deadline_ms = rp_clock_ms() + FIRST_REQUEST_MS;
	rp_log_debug(COMPONENT, "%s: logged in as \"%s\", %s, peer version %s", c->peer, c->auth_id,
	    rp_ssh_describe(c->ssh), rp_ssh_peer_version(c->ssh));
}

static void on_ssh_packet(void *ctx, uint8_t type, const uint8_t *p, size_t n)
{
	struct rp_conn *c = ctx;
	if (c->state != RP_CONN_CLOSING) {
		rp_mux_input(c->mux, type, p, n);
	}
}

static void on_ssh_rekey(void *ctx, bool running)
{
	struct rp_conn *c = ctx;
	if (c->mux != NULL && c->state != RP_CONN_CLOSING) {
		rp_mux_hold(c->mux, running);
	}
}

static void on_ssh_closed(void *ctx, int code, const char *why)
{
	struct rp_conn *c = ctx;
	if (c->state == RP_CONN_HANDSHAKE && code != RP_ECLOSED) {
		rp_log_info(COMPONENT, "%s: SSH handshake failed: %s", c->peer, why);
	}
	rp_conn_end(c, "%s", why);
}

static const struct rp_ssh_ops ssh_ops = {
    .on_output = on_ssh_output,
    .on_room = on_ssh_room,
    .on_filled = on_ssh_filled,
    .on_ready = on_ssh_ready,
    .on_packet = on_ssh_packet,
    .on_reuse = on_ssh_reuse,
    .on_rekey = on_ssh_rekey,
    .on_closed = on_ssh_closed,
    .on_password = on_ssh_password,
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
	c->run.run = on_run;
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
	int err = rp_ssh_server_new(&c->ssh, options(c)->hostkey, &ssh_ops, c);
	if (err != 0) {
		goto fail_conn;
	}
	err = rp_ws_new(stream, false, NULL, 0, &ws_ops, c, &c->ws);
	if (err != 0) {
		goto fail_ssh;
	}
	c->slot = true;
	err = rp_ssh_start(c->ssh);
	if (err != 0) {
		rp_conn_fail(c, "%s", rp_err_text(err));
	}
	return 0;

fail_ssh:
	rp_ssh_free(c->ssh);
fail_conn:
	rp_list_remove(&c->node);
	rp_free(c);
	return err;
}
