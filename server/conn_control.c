/* SPDX-License-Identifier: MIT */
/*
 * Control requests of a client (wire protocol 3 and 4): registration up to the control loop's
 * decision (the rest is in conn_register.c), ping, results; and our requests to it.
 *
 * Every outcome of a registration is answered, and after a refusal the connection ends.
 */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/conn.h"
#include "server/workers.h"

#include "core/banned.h"

#define REGISTER_MS 25000u
/* Notifications under way from one connection; one read may put some on top. */
#define NOTIFICATIONS_MAX 64u
/* Heartbeats are kept to the second. */
#define PING_EVERY_MS 1000u
#define COMPONENT     "client-listener"

static struct rp_workers *workers(const struct rp_conn *c)
{
	return c->worker->workers;
}

struct rp_conn_ref rp_conn_ref_of(const struct rp_conn *c)
{
	return (struct rp_conn_ref){.worker = c->worker->index, .id = c->id};
}

/* Refusals end the connection: the original leaves it open and leaks it. */
static void refuse(struct rp_conn *c, uint64_t ticket, const char *text)
{
	rp_log_info(COMPONENT, "%s: connection request refused: %s", c->peer, text);
	if (ticket != 0) {
		(void)rp_mux_reply(c->link.mux, ticket, false, text, strlen(text));
	}
	rp_conn_end(c, "refused: %s", text);
}

void rp_conn_refuse(struct rp_conn *c, const char *text)
{
	refuse(c, c->ticket, text);
}

static int check_remotes(const struct rp_new_connection *hello, struct rp_err *err)
{
	const struct rp_remote *v = hello->remotes.v;
	for (size_t i = 0; i < hello->remotes.n; i++) {
		int code = rp_remote_check(&v[i], err);
		if (code != 0) {
			return code;
		}
	}
	return 0;
}

/* Hands the request to the control loop; the decoded request moves into the event, a copy of the
 * remotes stays here. */
static int post_register(struct rp_conn *c, struct rp_new_connection *hello)
{
	struct rp_event *e = rp_event_new(workers(c), rp_conn_ref_of(c), RP_EVENT_REGISTER);
	struct rp_event *down = rp_event_new(workers(c), rp_conn_ref_of(c), RP_EVENT_DOWN);
	if (e == NULL || down == NULL) {
		goto fail_events;
	}
	e->a = rp_strdup(c->peer);
	e->b = rp_strdup(c->auth_id);
	if (e->a == NULL || e->b == NULL ||
	    rp_json_clone(&rp_new_connection_table, hello, &e->hello) != 0) {
		goto fail_events;
	}
	c->hello = *hello;
	memset(hello, 0, sizeof(*hello));
	c->half_close = rp_strlist_has(&c->hello.features, RP_FEATURE_HALF_CLOSE);
	c->down = down;
	c->state = RP_CONN_REGISTERING;
	c->deadline_ms = rp_clock_ms() + REGISTER_MS;
	rp_event_post(e);
	return 0;

fail_events:
	rp_event_free(e);
	rp_event_free(down);
	return RP_ENOMEM;
}

static void on_new_connection(struct rp_conn *c, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct rp_new_connection hello = {0};
	struct rp_err err = {0};
	if (c->state != RP_CONN_AUTHED) {
		refuse(c, ticket, "unexpected connection request. please reconnect");
		return;
	}
	if (rp_json_decode_text(p, n, &rp_new_connection_table, false, &hello, &err) != 0) {
		char text[320];
		(void)snprintf(text, sizeof(text), "invalid connection request: %s", err.msg);
		refuse(c, ticket, text);
		return;
	}
	if (check_remotes(&hello, &err) != 0) {
		refuse(c, ticket, err.msg);
	} else {
		c->ticket = ticket;
		if (post_register(c, &hello) != 0) {
			refuse(c, ticket, "out of memory");
		}
	}
	rp_json_release(&rp_new_connection_table, &hello);
}

static void on_notification(struct rp_conn *c, struct rp_str name, const uint8_t *p, size_t n)
{
	struct rp_event *e = rp_event_new(workers(c), rp_conn_ref_of(c), RP_EVENT_NOTIFY);
	if (e == NULL || (e->a = rp_str_dup(name)) == NULL ||
	    (e->b = rp_strndup((const char *)p, n)) == NULL) {
		rp_log_error(COMPONENT, "%s: a notification is lost: out of memory", c->peer);
		rp_event_free(e);
		return;
	}
	e->b_n = strlen(e->b);
	rp_event_post(e);
	if (++c->notifications >= NOTIFICATIONS_MAX && !c->paused) {
		c->paused = true;
		rp_ws_read_stop(c->link.ws);
	}
}

static void resume(struct rp_conn *c)
{
	if (c->paused && c->notifications <= NOTIFICATIONS_MAX / 2) {
		c->paused = false;
		rp_ws_read_start(c->link.ws);
	}
}

void rp_conn_notified(struct rp_conn *c)
{
	if (c->notifications > 0) {
		c->notifications--;
	}
	resume(c);
}

void rp_conn_notified_all(struct rp_conn *c)
{
	if (c->state != RP_CONN_CLOSING) {
		c->notifications = 0;
		resume(c);
	}
}

static void on_ping(struct rp_conn *c, uint64_t ticket)
{
	if (ticket != 0) {
		(void)rp_mux_reply(c->link.mux, ticket, true, NULL, 0);
	}
	uint64_t now = rp_clock_ms();
	if (c->state != RP_CONN_UP || (c->pinged_ms != 0 && now - c->pinged_ms < PING_EVERY_MS)) {
		return;
	}
	struct rp_event *e = rp_event_new(workers(c), rp_conn_ref_of(c), RP_EVENT_PING);
	if (e != NULL) {
		c->pinged_ms = now;
		rp_event_post(e);
	}
}

static bool is_notification(struct rp_str name)
{
	return rp_str_eq(name, "cmd_result") || rp_str_eq(name, "updates_status") ||
	    rp_str_eq(name, "save_measurement") || rp_str_eq(name, "ip_addresses");
}

void rp_conn_request(
    struct rp_conn *c, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	size_t max = (size_t)workers(c)->opt.cfg->server.max_request_bytes_client;
	if (rp_str_eq(name, "ping")) {
		on_ping(c, ticket);
	} else if (n > max) {
		char text[96];
		(void)snprintf(
		    text, sizeof(text), "request data exceeds the limit of %zu bytes", max);
		rp_log_error(COMPONENT, "%s: %s", c->peer, text);
		if (c->state == RP_CONN_AUTHED) {
			refuse(c, ticket, text);
		} else if (ticket != 0) {
			(void)rp_mux_reply(c->link.mux, ticket, false, text, strlen(text));
		}
	} else if (rp_str_eq(name, "new_connection")) {
		on_new_connection(c, ticket, p, n);
	} else if (is_notification(name) && c->state == RP_CONN_UP) {
		on_notification(c, name, p, n);
		if (ticket != 0) {
			(void)rp_mux_reply(c->link.mux, ticket, true, NULL, 0);
		}
	} else if (ticket != 0 && c->state == RP_CONN_AUTHED) {
		refuse(c, ticket, "expected new_connection as the first request");
	} else if (ticket != 0) {
		(void)rp_mux_reply(
		    c->link.mux, ticket, false, "unknown request", strlen("unknown request"));
	}
}

/* Calls */

static void on_call_answer(void *ctx, int code, const uint8_t *p, size_t n)
{
	struct rp_order *o = ctx;
	rp_list_remove(&o->node);
	o->data = rp_strndup((const char *)p, n);
	o->data_n = o->data == NULL ? 0 : n;
	rp_order_answer(o, code == 0 && o->data == NULL ? RP_ENOMEM : code);
}

void rp_conn_call(struct rp_conn *c, struct rp_order *o)
{
	if (c->link.mux == NULL) {
		rp_order_answer(o, RP_ECLOSED);
		return;
	}
	size_t n = o->text == NULL ? 0 : strlen(o->text);
	int err = rp_mux_call(c->link.mux, o->name, o->text, n, on_call_answer, o, &o->call);
	if (err != 0) {
		rp_order_answer(o, err);
		return;
	}
	o->deadline_ms = rp_clock_ms() + o->timeout_ms;
	rp_list_append(&c->orders, &o->node);
}

void rp_conn_drop_calls(struct rp_conn *c)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &c->orders) {
		struct rp_order *o = RP_LIST_ENTRY(it, struct rp_order, node);
		rp_list_remove(&o->node);
		rp_call_cancel(o->call);
		rp_order_answer(o, RP_ECLOSED);
	}
}
