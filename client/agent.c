/* SPDX-License-Identifier: MIT */
/*
 * The connect loop: rounds over the servers, back-off, switch-back, signals.
 */
#include "client/agent.h"

#include <signal.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"

#include "core/banned.h"

#define NO_LINK_LOGGED    20
#define NO_LINK_LOG_EVERY 100

static const struct rp_uplink_ops uplink_ops;

static void plan_retry(struct rp_agent *a);

static void try_server(struct rp_agent *a, size_t server)
{
	int err = rp_uplink_start(a, &uplink_ops, server, &a->link);
	if (err != 0) {
		rp_log_error(RP_CLIENT_LOG, "Connection error: %s", rp_err_text(err));
		a->link = NULL;
		a->worst = RP_MAX(a->worst, RP_RETRY_UNREACHABLE);
		plan_retry(a);
	}
}

static void start_round(struct rp_agent *a)
{
	a->worst = RP_RETRY_LOST;
	a->busy_ms = 0;
	try_server(a, 0);
}

static void on_retry(uv_timer_t *h)
{
	start_round(h->data);
}

static void plan_retry(struct rp_agent *a)
{
	char text[RP_TIME_TEXT_MAX];
	a->no_link = a->worst == RP_RETRY_NO_LINK ? a->no_link + 1 : 0;
	int64_t ms = rp_backoff_next(&a->backoff, a->worst, a->busy_ms, rp_random_u64());
	if (ms < 0) {
		rp_log_error(RP_CLIENT_LOG, "Giving up after %llu retries",
		    (unsigned long long)a->backoff.retries);
		rp_loop_stop(a->loop);
		return;
	}
	rp_duration_format(ms * RP_NS_PER_MS, text);
	rp_watchdog_tell(&a->watchdog, RP_WATCHDOG_RECONNECTING, "Retrying in %s...", text);
	if (ms > 0) {
		rp_log(
		    rp_agent_attempt_level(a, RP_LOG_INFO), RP_CLIENT_LOG, "Retrying in %s", text);
	}
	RP_VERIFY(uv_timer_start(&a->retry, on_retry, (uint64_t)ms, 0) == 0);
}

/* --- switch-back --- */

static void on_switch_back(uv_timer_t *h);

static void plan_switch_back(struct rp_agent *a)
{
	int64_t ms = a->cfg->client.server_switchback_interval / RP_NS_PER_MS;
	RP_VERIFY(uv_timer_start(
	              &a->switch_back, on_switch_back, (uint64_t)RP_MAX(ms, INT64_C(1)), 0) == 0);
}

static void on_switch_back(uv_timer_t *h)
{
	struct rp_agent *a = h->data;
	if (a->link == NULL || a->link->state != RP_UPLINK_UP || a->spare != NULL) {
		return;
	}
	if (rp_uplink_start(a, &uplink_ops, 0, &a->spare) != 0) {
		a->spare = NULL;
		plan_switch_back(a);
	}
}

static void spare_closed(struct rp_agent *a, const struct rp_uplink_end *end)
{
	a->spare = NULL;
	if (a->stopping) {
		return;
	}
	rp_log_info(RP_CLIENT_LOG, "The main server is not available yet: %s", end->why);
	if (a->link != NULL && a->link->state == RP_UPLINK_UP) {
		plan_switch_back(a);
	}
}

/* --- events of connections --- */

static void on_ready(struct rp_agent *a, struct rp_uplink *u)
{
	if (u == a->link) {
		rp_uplink_register(u);
		return;
	}
	rp_log_info(RP_CLIENT_LOG, "Switching back to %s", a->setup.names[0]);
	rp_uplink_close(a->link, "switching back to the main server");
}

static void on_up(struct rp_agent *a, struct rp_uplink *u)
{
	a->no_link = 0;
	if (u->server > 0) {
		plan_switch_back(a);
	}
	rp_agent_send_results(a);
	if (a->sensors != NULL) {
		rp_sensors_up(a->sensors, u->server);
	}
}

static void on_room(struct rp_agent *a, struct rp_uplink *u)
{
	(void)u;
	rp_agent_send_results(a);
	if (a->sensors != NULL) {
		rp_sensors_room(a->sensors);
	}
}

enum rp_log_level rp_agent_attempt_level(const struct rp_agent *a, enum rp_log_level level)
{
	bool some = a->no_link <= NO_LINK_LOGGED || a->no_link % NO_LINK_LOG_EVERY == 0;
	return some ? level : RP_LOG_DEBUG;
}

static void log_end(const struct rp_agent *a, const struct rp_uplink_end *end)
{
	if (end->reached == RP_UPLINK_UP) {
		rp_log_info(RP_CLIENT_LOG, "Disconnected: %s", end->why);
	} else if (!end->wanted) {
		rp_log(rp_agent_attempt_level(a, RP_LOG_ERROR), RP_CLIENT_LOG,
		    "Connection error: %s", end->why);
	}
}

/* The connection to the main server takes over, as far as it is. */
static void promote_spare(struct rp_agent *a)
{
	a->link = a->spare;
	a->spare = NULL;
	a->worst = RP_RETRY_LOST;
	a->busy_ms = 0;
	rp_uplink_register(a->link);
}

static void link_closed(struct rp_agent *a, size_t server, const struct rp_uplink_end *end)
{
	a->link = NULL;
	(void)uv_timer_stop(&a->switch_back);
	rp_results_again(&a->results);
	log_end(a, end);
	if (a->stopping) {
		return;
	}
	rp_sensors_down(a->sensors);
	if (end->reached == RP_UPLINK_UP) {
		rp_backoff_was_up(&a->backoff, end->up_ms);
	}
	if (a->spare != NULL) {
		promote_spare(a);
		return;
	}
	if (end->wanted) {
		start_round(a);
		return;
	}
	a->worst = RP_MAX(a->worst, end->retry);
	a->busy_ms = RP_MAX(a->busy_ms, end->busy_ms);
	if (end->reached < RP_UPLINK_READY && server + 1 < a->setup.n_servers) {
		try_server(a, server + 1);
	} else {
		plan_retry(a);
	}
}

static void on_closed(struct rp_agent *a, struct rp_uplink *u, const struct rp_uplink_end *end)
{
	if (u == a->spare) {
		spare_closed(a, end);
	} else {
		link_closed(a, u->server, end);
	}
}

static const struct rp_uplink_ops uplink_ops = {
    .on_ready = on_ready,
    .on_up = on_up,
    .on_room = on_room,
    .on_closed = on_closed,
};

/* --- signals and the end --- */

void rp_agent_retry_now(struct rp_agent *a)
{
	if (uv_is_active((uv_handle_t *)&a->retry)) {
		(void)uv_timer_stop(&a->retry);
		start_round(a);
	}
}

static void reconnect(struct rp_agent *a)
{
	if (rp_log_reopen() != 0) {
		rp_log_error(RP_CLIENT_LOG, "the log file cannot be opened again");
	}
	rp_log_info(RP_CLIENT_LOG, "Received SIGHUP, reconnecting");
	if (a->link == NULL) {
		rp_agent_retry_now(a);
	} else {
		rp_uplink_close(a->link, "reconnecting on request");
	}
}

static void on_signal(uv_signal_t *h, int signum)
{
	struct rp_agent *a = h->data;
	if (signum == SIGHUP) {
		if (!a->stopping) {
			reconnect(a);
		}
		return;
	}
	rp_log_info(RP_CLIENT_LOG, "Received %s signal, shutting down...", strsignal(signum));
	rp_loop_stop(a->loop);
}

/* Last: what ended commands had to say was handed to the connection. */
static void on_parts_closed(struct rp_agent *a)
{
	if (a->link != NULL) {
		rp_uplink_close(a->link, "the client is shut down");
	}
	if (a->spare != NULL) {
		rp_uplink_close(a->spare, "the client is shut down");
	}
}

static void on_stop(void *ctx)
{
	struct rp_agent *a = ctx;
	a->stopping = true;
	for (size_t i = 0; a->handles_open && i < RP_ARRAY_LEN(a->signals); i++) {
		uv_close((uv_handle_t *)&a->signals[i], NULL);
	}
	if (a->handles_open) {
		rp_watchdog_stop(&a->watchdog);
		rp_agent_unwatch(a);
		uv_close((uv_handle_t *)&a->retry, NULL);
		uv_close((uv_handle_t *)&a->switch_back, NULL);
	}
	rp_agent_close_parts(a, on_parts_closed);
}

static void open_handles(struct rp_agent *a)
{
	static const int numbers[RP_AGENT_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
	uv_loop_t *uv = rp_loop_uv(a->loop);
	RP_VERIFY(uv_timer_init(uv, &a->retry) == 0);
	RP_VERIFY(uv_timer_init(uv, &a->switch_back) == 0);
	a->retry.data = a;
	a->switch_back.data = a;
	for (size_t i = 0; i < RP_ARRAY_LEN(a->signals); i++) {
		RP_VERIFY(uv_signal_init(uv, &a->signals[i]) == 0);
		a->signals[i].data = a;
		RP_VERIFY(uv_signal_start(&a->signals[i], on_signal, numbers[i]) == 0);
	}
	rp_agent_watch(a);
	a->handles_open = true;
}

/* Everything but a connection or a wait for the next attempt would be for ever. */
static bool is_well(void *ctx)
{
	const struct rp_agent *a = ctx;
	return a->link != NULL || uv_is_active((const uv_handle_t *)&a->retry);
}

void rp_agent_run(struct rp_agent *a)
{
	const struct rp_conf_connection *c = &a->cfg->connection;
	rp_backoff_init(
	    &a->backoff, c->max_retry_count, (uint64_t)(c->max_retry_interval / RP_NS_PER_MS));
	rp_loop_on_stop(a->loop, on_stop, a);
	open_handles(a);
	start_round(a);
	rp_supervisor_start(&a->watchdog.supervisor, rp_loop_uv(a->loop), is_well, a);
	(void)rp_loop_run(a->loop);
}

void rp_agent_abandon(struct rp_agent *a)
{
	if (a->loop == NULL) {
		return;
	}
	rp_loop_on_stop(a->loop, on_stop, a);
	rp_loop_stop(a->loop);
	(void)rp_loop_run(a->loop);
}
