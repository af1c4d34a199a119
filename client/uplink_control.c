/* SPDX-License-Identifier: MIT */
/*
 * Registration with the server (wire protocol 3) and keep-alive (7.1). Requests of the server are
 * served while our own new_connection waits: the server may ask about tunnels before it answers.
 */
#include <string.h>

#include "client/agent.h"
#include "client/uplink.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/footprint.h"
#include "core/json.h"
#include "core/log.h"
#include "tunnel/remote.h"

#include "core/banned.h"

#define REGISTER_MS            30000u
#define KEEP_ALIVE_JITTER_MS   5000u
#define KEEP_ALIVE_TIMEOUT_MS  30000u
#define REFUSAL_TEXT_SHOWN_MAX 200

/* --- keep-alive --- */

static uint64_t ping_timeout_ms(const struct rp_uplink *u)
{
	int64_t ns = u->agent->cfg->connection.keep_alive_timeout;
	return ns > 0 ? (uint64_t)(ns / RP_NS_PER_MS) : KEEP_ALIVE_TIMEOUT_MS;
}

static void plan_ping(struct rp_uplink *u)
{
	int64_t ns = u->agent->cfg->connection.keep_alive;
	if (ns <= 0) {
		(void)uv_timer_stop(&u->timer);
		return;
	}
	uint64_t ms = (uint64_t)(ns / RP_NS_PER_MS);
	rp_uplink_set_timer(u, ms + rp_random_below(RP_MIN(ms, KEEP_ALIVE_JITTER_MS) + 1));
}

static void send_ping(struct rp_uplink *u, uint64_t timeout_ms);

static void on_pong(void *ctx, int code, const uint8_t *p, size_t n)
{
	(void)p;
	(void)n;
	struct rp_uplink *u = ctx;
	u->call = NULL;
	if (u->state != RP_UPLINK_UP) {
		return;
	}
	if (code != 0) {
		rp_uplink_fail(u, RP_RETRY_LOST, "ping was refused: %s", rp_err_text(code));
		return;
	}
	char latency[RP_TIME_TEXT_MAX];
	rp_duration_format((int64_t)(rp_clock_ns() - u->sent_at_ns), latency);
	rp_log_debug(RP_CLIENT_LOG, "ping answered after %s", latency);
	rp_watchdog_tell(&u->agent->watchdog, RP_WATCHDOG_CONNECTED,
	    "ping to %s succeeded within %s", u->agent->setup.names[u->server], latency);
	rp_results_arrived(&u->agent->results, u->results_sent);
	if (u->agent->results.n_sent > 0) {
		send_ping(u, ping_timeout_ms(u));
		return;
	}
	rp_footprint_trim();
	plan_ping(u);
}

static void send_ping(struct rp_uplink *u, uint64_t timeout_ms)
{
	u->ping_ms = timeout_ms;
	u->results_sent = u->agent->results.sent;
	rp_uplink_set_timer(u, timeout_ms);
	u->sent_at_ns = rp_clock_ns();
	int err = rp_mux_call(u->link.mux, "ping", NULL, 0, on_pong, u, &u->call);
	if (err != 0) {
		rp_uplink_fail(u, RP_RETRY_LOST, "cannot send ping: %s", rp_err_text(err));
	}
}

void rp_uplink_confirm(struct rp_uplink *u)
{
	if (u->state == RP_UPLINK_UP && u->call == NULL) {
		send_ping(u, ping_timeout_ms(u));
	}
}

void rp_uplink_probe(struct rp_uplink *u, uint64_t ms)
{
	ms = RP_MIN(ms, ping_timeout_ms(u));
	if (u->call == NULL) {
		send_ping(u, ms);
	} else if (uv_timer_get_due_in(&u->timer) > ms) {
		u->ping_ms = ms;
		rp_uplink_set_timer(u, ms);
	}
}

void rp_uplink_on_control_timer(struct rp_uplink *u)
{
	if (u->state == RP_UPLINK_REGISTERING) {
		rp_uplink_fail(u, RP_RETRY_REFUSED,
		    "no answer to the connection request within %u s", REGISTER_MS / 1000);
	} else if (u->state == RP_UPLINK_UP && u->call == NULL) {
		send_ping(u, ping_timeout_ms(u));
	} else if (u->state == RP_UPLINK_UP) {
		rp_uplink_fail(u, RP_RETRY_LOST, "no answer to ping within %llu ms",
		    (unsigned long long)u->ping_ms);
	}
}

/* --- registration --- */

static void log_tunnel(const struct rp_remote *r)
{
	char *text = rp_remote_text(r);
	if (text != NULL) {
		rp_log_info(RP_CLIENT_LOG, "Tunnel %s is ready", text);
	}
	rp_free(text);
}

/* The remotes with their ports, or null (3.3). They are only for the log, but the answer has to
 * be sound. */
static int read_tunnels(const uint8_t *p, size_t n, struct rp_err *err)
{
	struct rp_json *j;
	int code = rp_json_parse(p, n, &j, err);
	if (code != 0) {
		return code;
	}
	enum rp_json_type type = rp_json_type(j);
	if (type != RP_JSON_ARRAY && type != RP_JSON_NULL) {
		code = rp_err_set(err, RP_EPROTO, "not a list of tunnels");
	}
	for (const struct rp_json *e = rp_json_first(j); code == 0 && e != NULL;
	     e = rp_json_next(e)) {
		struct rp_remote r = {0};
		code = rp_json_decode(e, &rp_remote_table, false, &r, err);
		if (code == 0) {
			log_tunnel(&r);
		}
		rp_remote_fini(&r);
	}
	rp_json_free(j);
	return code;
}

static void refused(struct rp_uplink *u, const uint8_t *p, size_t n)
{
	char *text = rp_strndup((const char *)p, RP_MIN(n, (size_t)REFUSAL_TEXT_SHOWN_MAX));
	rp_uplink_fail(u, RP_RETRY_REFUSED, "connection request refused: %s",
	    text == NULL ? "out of memory" : text);
	rp_free(text);
}

static void on_answer(void *ctx, int code, const uint8_t *p, size_t n)
{
	struct rp_uplink *u = ctx;
	struct rp_err err = {0};
	u->call = NULL;
	if (u->state != RP_UPLINK_REGISTERING || code == RP_ECLOSED) {
		return;
	}
	if (code != 0) {
		refused(u, p, n);
		return;
	}
	if (read_tunnels(p, n, &err) != 0) {
		rp_uplink_fail(u, RP_RETRY_REFUSED,
		    "the answer to the connection request is not readable: %s", err.msg);
		return;
	}
	char latency[RP_TIME_TEXT_MAX];
	rp_duration_format((int64_t)(rp_clock_ns() - u->sent_at_ns), latency);
	u->state = RP_UPLINK_UP;
	u->up_at_ms = rp_clock_ms();
	rp_uplink_be_patient(u);
	rp_log_info(RP_CLIENT_LOG, "Connected (Latency %s)", latency);
	rp_watchdog_tell(&u->agent->watchdog, RP_WATCHDOG_CONNECTED, "Connected to %s within %s",
	    u->agent->setup.names[u->server], latency);
	rp_footprint_trim();
	plan_ping(u);
	u->ops->on_up(u->agent, u);
}

void rp_uplink_register(struct rp_uplink *u)
{
	if (u->state != RP_UPLINK_READY) {
		return;
	}
	struct rp_err err = {0};
	char *text = NULL;
	int code = rp_agent_hello(u->agent, &text, &err);
	if (code == 0) {
		u->state = RP_UPLINK_REGISTERING;
		rp_uplink_set_timer(u, REGISTER_MS);
		u->sent_at_ns = rp_clock_ns();
		code = rp_mux_call(
		    u->link.mux, "new_connection", text, strlen(text), on_answer, u, &u->call);
		(void)rp_err_set(&err, code, "%s", rp_err_text(code));
	}
	if (code != 0) {
		rp_uplink_fail(
		    u, RP_RETRY_REFUSED, "cannot send the connection request: %s", err.msg);
	}
	rp_free(text);
}

int rp_uplink_notify(struct rp_uplink *u, const char *name, const void *p, size_t n)
{
	if (u->state != RP_UPLINK_UP) {
		return RP_ECLOSED;
	}
	if (u->link.full) {
		u->link.want_room = true;
		return RP_EBUSY;
	}
	return rp_mux_notify(u->link.mux, name, p, n);
}
